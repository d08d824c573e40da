"""Maxima and minima where promises are made; order lines confirmed in the units of their order."""

from crossdock.foundation.migrations.script import run

revision = "0016"
down_revision = "0015"

# In micros of the base unit, what one of the order's own unit holds (12 EA in a case); 1: any.
MULTIPLES = """
alter table allocation_line add multiple bigint not null default 1 check (multiple > 0);
alter table allocation_run_line add multiple bigint not null default 1;
"""

# A guarded row has maxima or minima: the hot statement leaves its requests to the general way, as
# it does with groups.
GUARDED = """
alter table inventory_stock add is_guarded boolean not null default false;

do $do$
declare body text := pg_get_functiondef('inventory_reserve'::regproc);
begin
    body := replace(body, 'and not s.is_grouped', 'and not s.is_grouped and not s.is_guarded');
    body := replace(body, 'when is_grouped then', 'when is_grouped or is_guarded then');
    body := replace(body, 'l.is_grouped, greatest', 'l.is_grouped, l.is_guarded, greatest');
    execute body;
end $do$;

-- Whose each promise is that is another's than its client's or from a guarded row, since when it
-- has its goods, and what cut it: that nobody else pays for. `is_ordered`: allocation knows its
-- order line, which counts it. Of a promise that was moved each place has a row: `out_before`
-- went out of it elsewhere before it came, `out_here` there before it left.
create table inventory_channel_line (
    tenant text not null,
    reservation_id uuid not null,
    line_no smallint not null,
    stock_id bigint not null,
    channel text collate "C" not null,
    customer text collate "C" not null default '',
    made_at timestamptz not null,
    is_ordered boolean not null default false,
    cut_by text not null default '',
    out_before bigint not null default 0,
    out_here bigint not null default 0,
    primary key (tenant, reservation_id, line_no, stock_id)
);
create index inventory_channel_line_by_stock on inventory_channel_line
    (tenant, stock_id, channel, made_at);
create index inventory_channel_line_of_customer on inventory_channel_line
    (tenant, stock_id, customer, made_at) where customer <> '';
select guard_table('inventory_channel_line');

-- What a decision went by beside stock rows: {"guards": [[stock row, channel, maximum, minimum,
-- used]], "channels": [each new line's], "regrants": [[reservation, line, stock row, micros,
-- channel]]}; null where no row was guarded and nothing was granted anew.
alter table inventory_announcement add basis json;
alter table inventory_decision add basis json;

-- When what a promise had was granted anew: its decision is found by that moment.
create table inventory_regrant (
    tenant text not null,
    reservation_id uuid not null,
    at timestamptz not null,
    primary key (tenant, reservation_id, at)
);
select guard_table('inventory_regrant');
revoke update, delete on inventory_regrant from crossdock_hub;
"""

# Maxima and minima that are said already hold from here on, where nothing lies yet, too.
ASKED_FOR = """
select set_config('crossdock.tenant', '*', true);
insert into inventory_stock (tenant, item, location, is_grouped, is_guarded)
select distinct p.tenant, p.item, p.location, exists (select from inventory_group g
    where g.tenant = p.tenant and (g.member = p.location or g.location = p.location)), true
from (select distinct on (tenant, location, item, subject) tenant, location, item, content
    from allocation_rule where kind = 'PROTECTION'
    order by tenant, location, item, subject, version desc) p
where (p.content ->> 'ends_at')::timestamptz > now()
on conflict (tenant, item, location) do update set is_guarded = true;
"""

# What was sold, cancelled since or not: `micros` is what orders take now.
SOLD = """
alter table publishing_order add sold numeric not null default 0;
alter table publishing_sold add sold numeric not null default 0;
select set_config('crossdock.tenant', '*', true);
update publishing_order set sold = micros;
update publishing_sold set sold = micros;
"""


def upgrade() -> None:
    run(MULTIPLES + GUARDED + ASKED_FOR + SOLD)


def downgrade() -> None:
    run(
        """
        alter table publishing_sold drop sold;
        alter table publishing_order drop sold;
        alter table inventory_decision drop basis;
        alter table inventory_announcement drop basis;
        drop table inventory_regrant, inventory_channel_line;
        do $do$
        declare body text := pg_get_functiondef('inventory_reserve'::regproc);
        begin
            body := replace(body, ' and not s.is_guarded', '');
            body := replace(body, ' or is_guarded then', ' then');
            body := replace(body, ' l.is_guarded,', '');
            execute body;
        end $do$;
        alter table inventory_stock drop is_guarded;
        alter table allocation_run_line drop multiple;
        alter table allocation_line drop multiple;
        """
    )
