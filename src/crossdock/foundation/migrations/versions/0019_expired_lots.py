"""Goods in lots that have expired lie there, and nobody is promised any of them."""

from crossdock.foundation.migrations.script import run

revision = "0019"
down_revision = "0018"

# By source; of two that tell of one the last to speak is believed. Inventory keeps them itself, so
# that what it takes off changes in the transaction in which it hears of a lot.
LOTS = """
create table inventory_lot (
    tenant text not null,
    item text collate "C" not null,
    lot text collate "C" not null,
    source text collate "C" not null,
    expires_on date,
    rank bigint not null,
    us bigint not null,
    position bigint not null,
    primary key (tenant, item, lot, source)
);
create index inventory_lot_expires on inventory_lot (tenant, expires_on, item, lot, source)
    where expires_on is not null;
select guard_table('inventory_lot');
"""

# Which day it is at each location, as far as its lots are counted by it. While the day turns, the
# lots whose last day lies from `from_day` to the day before `to_day` are still to be looked at.
DAYS = """
create table inventory_day (
    tenant text not null,
    location text collate "C" not null,
    zone text not null default 'UTC',
    day date not null,
    from_day date,
    to_day date,
    turns_at timestamptz not null,
    primary key (tenant, location)
);
create index inventory_day_turns on inventory_day (turns_at);
select guard_table('inventory_day');
"""

# `is_expired`: what lies in this bucket is taken off what is nettable, and summed as `expired`.
# No index has it, so that it changes in place.
TAKEN_OFF = """
alter table inventory_position add is_expired boolean not null default false;
alter table inventory_stock add expired bigint not null default 0 check (expired >= 0);

-- What was taken off a stock row from a version on, kept for ever: the proof of a promise shows it
-- beside the figures of its decision, which are written where no moment may be lost.
create table inventory_expired (
    tenant text not null,
    stock_id bigint not null,
    version bigint not null,
    micros bigint not null,
    primary key (stock_id, version)
);
select guard_table('inventory_expired');
revoke update, delete on inventory_expired from crossdock_hub;
"""

# What is known already counts from the first turn of the day on, which is due at once. Supply
# kept the lots, by its own place in the log, and inventory hears nothing again that lies behind
# its own: what supply has not come to yet, or was refused there, is taken from the log. So are the
# zones, as inventory has heard them; of a location that it has not heard of it will.
KNOWN = """
select set_config('crossdock.tenant', '*', true);
insert into inventory_lot (tenant, item, lot, source, expires_on, rank, us, position)
select tenant, item, lot, source, expires_on, rank, us, position from supply_lot;

with inventory as (
    select tx, position from log_reader where name = 'inventory' and shard = 0
), supply as (
    select coalesce(min(r.tx::text::bigint), 0)::text::xid8 as tx,
        coalesce(min(r.position), 0) as position
    from log_reader r where r.name = 'supply' and r.shard = 0
), missed as (
    select e.* from supply s cross join inventory i join event_log e
        on (e.tx, e.position) > (s.tx, s.position) and (e.tx, e.position) <= (i.tx, i.position)
    where e.type = 'catalog.lot_changed.v1'
    union all
    select e.* from log_refusal r cross join supply s cross join inventory i join event_log e
        on e.position = r.position and (e.tx, e.position) <= (s.tx, s.position)
            and (e.tx, e.position) <= (i.tx, i.position)
    where r.reader = 'supply' and e.type = 'catalog.lot_changed.v1'
), said as (
    select e.tenant, e.payload->>'item' as item, e.payload->>'lot' as lot, e.source,
        (e.payload->>'expires_on')::date as expires_on,
        coalesce(e.version, e.sequence, c.us) as rank, c.us, e.position
    from missed e cross join lateral (select (extract(epoch from least(
        coalesce(e.recorded_at, e.occurred_at), e.received_at + interval '5 minutes'))
        * 1000000)::bigint as us) c
)
insert into inventory_lot as l (tenant, item, lot, source, expires_on, rank, us, position)
select distinct on (tenant, item, lot, source) * from said
order by tenant, item, lot, source, rank desc, us desc, position desc
on conflict (tenant, item, lot, source) do update set expires_on = excluded.expires_on,
    rank = excluded.rank, us = excluded.us, position = excluded.position
where (excluded.rank, excluded.us, excluded.position) > (l.rank, l.us, l.position);

insert into inventory_day (tenant, location, zone, day, from_day, to_day, turns_at)
select tenant, location, coalesce(h.zone, l.timezone, 'UTC'), t.today, '0001-01-01', t.today,
    '1970-01-01 00:00Z'
from (select tenant, location from inventory_stock union select tenant, location from location) k
left join (select v.tenant, v.location, e.payload->>'timezone' as zone
    from inventory_group_version v join event_log e on e.position = v.position) h
    using (tenant, location)
left join location l using (tenant, location)
cross join (select (now() at time zone 'UTC')::date as today) t;
"""

# What is nettable again is announced, so that who shows it hears of it.
GIVEN_BACK = """
select set_config('crossdock.tenant', '*', true);
with given as (
    update inventory_stock set nettable = nettable + expired, version = version + 1
    where expired <> 0
    returning tenant, stock_id, version, nettable, hard, soft, safety
), numbered as (
    select *, row_number() over (partition by tenant order by stock_id) / 1000 as page from given
)
insert into inventory_announcement (tenant, at, stock_ids, versions, nettable, hard, soft, safety,
    reservation_ids, line_nos, line_versions)
select tenant, now(), array_agg(stock_id), array_agg(version), array_agg(nettable),
    array_agg(hard), array_agg(soft), array_agg(safety), '{}', '{}', '{}'
from numbered group by tenant, page;
"""


def upgrade() -> None:
    run(LOTS + DAYS + TAKEN_OFF + KNOWN)


def downgrade() -> None:
    run(
        GIVEN_BACK
        + """
        drop table inventory_expired, inventory_day, inventory_lot;
        alter table inventory_stock drop expired;
        alter table inventory_position drop is_expired;
        """
    )
