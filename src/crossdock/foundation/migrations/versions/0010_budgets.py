"""What channels may oversell and leave to others; what they sell, and how late that is heard."""

from crossdock.foundation.migrations.script import run

revision = "0010"
down_revision = "0009"

# Amounts are millionths of the unit that the channel sells, `unit_margin` millionths of the
# currency's unit.
TERMS = """
alter table publishing_channel
    drop constraint publishing_channel_share_mode_check,
    add constraint publishing_channel_share_mode_check check (share_mode in
        ('POOL', 'PERCENT', 'FIXED', 'PARTITION', 'PROTECTED')),
    add column oversell_percent numeric(7, 4) check (oversell_percent between 0.0001 and 50),
    add column unit_margin bigint check (unit_margin >= 0),
    add column currency text not null default '',
    add column share_min bigint not null default 0 check (share_min >= 0),
    add column share_max bigint check (share_max >= 0),
    add column period text not null default 'DAY' check (period in ('DAY', 'WEEK', 'MONTH')),
    add column measured_since timestamptz;
create index publishing_channel_measured on publishing_channel (tenant)
    where measured_since is not null;

alter table publishing_item
    add column oversell_percent numeric(7, 4) check (oversell_percent between 0.0001 and 50),
    add column unit_margin bigint check (unit_margin >= 0),
    add column share_min bigint check (share_min >= 0),
    add column share_max bigint check (share_max >= 0);

-- When a person last asked for the level to be written at once.
alter table publishing_level add column asked_at timestamptz;
"""

# Days are numbered as Python does, from the year 1. Days, hours and samples that are over five
# weeks old are deleted by a job, so each of these tables is as long as the orders of that time.
SALES = """
-- What each line of an order takes, so that its next version is told from another order.
create table publishing_order (
    tenant text not null,
    source text not null,
    order_id text not null,
    item text not null,
    place text not null,
    seller text not null,
    micros numeric not null,
    day integer not null,
    hour smallint not null,
    rank bigint not null,
    us bigint not null,
    position bigint not null,
    primary key (tenant, source, order_id, item, place)
) with (fillfactor = 80);
create index publishing_order_old on publishing_order (tenant, day);
select guard_table('publishing_order');

-- What a seller took of an item at a place, by the hours of the place's own clock.
create table publishing_sold (
    tenant text not null,
    place text not null,
    item text not null,
    seller text not null,
    day integer not null,
    hour smallint not null,
    micros numeric not null,
    squares numeric not null,
    primary key (tenant, place, item, seller, day, hour)
) with (fillfactor = 80);
create index publishing_sold_old on publishing_sold (tenant, day);
select guard_table('publishing_sold');

-- How many writes took how long to be proven, how many orders how long to be heard.
create table publishing_delay (
    tenant text not null,
    connection text not null,
    path text not null check (path in ('PUBLISH', 'ORDER')),
    day integer not null,
    bucket smallint not null,
    samples bigint not null,
    primary key (tenant, connection, path, day, bucket)
) with (fillfactor = 80);
select guard_table('publishing_delay');

-- What each channel's budget holds back of an item, in millionths of its base unit.
create table publishing_budget (
    tenant text not null,
    connection text not null,
    location text not null,
    item text not null,
    micros bigint not null check (micros >= 0),
    version integer not null default 1,
    computed_by text not null,
    computed_at timestamptz not null,
    primary key (tenant, connection, location, item)
) with (fillfactor = 80);
select guard_table('publishing_budget');
"""

# What was a part of its own stays one; a channel with a minimum is left with that alone.
BACK = """
drop table publishing_budget, publishing_delay, publishing_sold, publishing_order;
select set_config('crossdock.tenant', '*', true);
update publishing_channel set share_mode = 'FIXED',
    share_fixed = case share_mode when 'PROTECTED' then share_min else share_fixed end
where share_mode in ('PARTITION', 'PROTECTED');
alter table publishing_channel
    drop constraint publishing_channel_share_mode_check,
    add constraint publishing_channel_share_mode_check check (share_mode in
        ('POOL', 'PERCENT', 'FIXED')),
    drop column oversell_percent, drop column unit_margin, drop column currency,
    drop column share_min, drop column share_max, drop column period,
    drop column measured_since;
alter table publishing_item
    drop column oversell_percent, drop column unit_margin,
    drop column share_min, drop column share_max;
alter table publishing_level drop column asked_at;
"""


def upgrade() -> None:
    run(TERMS + SALES)


def downgrade() -> None:
    run(BACK)
