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
create index inventory_lot_expires on inventory_lot (tenant, expires_on)
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

# What is known already counts from the first turn of the day on, which is due at once.
KNOWN = """
select set_config('crossdock.tenant', '*', true);
insert into inventory_lot (tenant, item, lot, source, expires_on, rank, us, position)
select tenant, item, lot, source, expires_on, rank, us, position from supply_lot;
insert into inventory_day (tenant, location, zone, day, from_day, to_day, turns_at)
select tenant, location, coalesce(l.timezone, 'UTC'), t.today, '0001-01-01', t.today,
    '1970-01-01 00:00Z'
from (select tenant, location from inventory_stock union select tenant, location from location) k
left join location l using (tenant, location)
cross join (select (now() at time zone 'UTC')::date as today) t;
"""


def upgrade() -> None:
    run(LOTS + DAYS + TAKEN_OFF + KNOWN)


def downgrade() -> None:
    run(
        """
        select set_config('crossdock.tenant', '*', true);
        update inventory_stock set nettable = nettable + expired, version = version + 1
        where expired <> 0;
        drop table inventory_expired, inventory_day, inventory_lot;
        alter table inventory_stock drop expired;
        alter table inventory_position drop is_expired;
        """
    )
