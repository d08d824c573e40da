"""Who is confirmed when stock is short: order lines, rules, runs."""

from crossdock.foundation.migrations.script import run

revision = "0013"
down_revision = "0012"

# One row per order line that is open, or was not long ago (a pick may be taken back). What is
# ordered, cancelled and picked of it is inventory's; `confirmed` is all that runs confirmed of it,
# picked or not. Until a run has decided (`run_id`), what was promised to it counts as confirmed.
# `picked` is written when the line closes: it counts against the maximum of its channel.
# `released` is all that its order says was handed to the warehouse (null: it says nothing), picked
# or not: `said` is the version that told it, `elsewhere` the newest that named another place (both
# as rank, us, position). The line is to leave on the day `ships_on`, null is at once.
LINES = """
create table allocation_line (
    tenant text not null,
    demand_ref text collate "C" not null,
    source text collate "C" not null,
    order_id text collate "C" not null,
    channel text collate "C" not null,
    customer text collate "C" not null,
    item text collate "C" not null,
    location text collate "C" not null,
    since timestamptz not null,
    rank bigint not null,
    us bigint not null,
    position bigint not null,
    confirmed bigint not null default 0 check (confirmed >= 0),
    run_id text not null default '',
    picked bigint not null default 0,
    closed_at timestamptz,
    released bigint check (released >= 0),
    said bigint[] not null default '{}',
    elsewhere bigint[] not null default '{}',
    ships_on date,
    beyond bigint check (beyond >= 0),
    short_since timestamptz,
    is_last boolean not null default false,
    primary key (tenant, demand_ref)
) with (fillfactor = 80);
-- Location first: the same index serves an item at a location and a whole location.
create index allocation_line_open on allocation_line (tenant, location, item)
    where closed_at is null;
create index allocation_line_of_customer on allocation_line (tenant, customer, location, item)
    where closed_at is null and customer <> '';
create index allocation_line_done on allocation_line (tenant, location, item, since)
    where closed_at is not null;
-- What a channel that is shown stock sold beyond it (null: nobody knows yet), or to the last.
create index allocation_line_sold_out on allocation_line (tenant, channel, since)
    where is_last or beyond > 0;
create index allocation_line_by_order on allocation_line (tenant, source, order_id);
create index allocation_line_closed on allocation_line (closed_at) where closed_at is not null;
select guard_table('allocation_line');

-- Item-locations to look at, and the last event that says so: nobody looks before inventory has
-- heard that event.
create table allocation_due (
    tenant text not null,
    item text collate "C" not null,
    location text collate "C" not null,
    position bigint not null default 0,
    oldest bigint not null default 0,
    reason text not null,
    due_at timestamptz not null,
    primary key (tenant, item, location)
);
create index allocation_due_next on allocation_due (due_at);
select guard_table('allocation_due');
"""

# Nothing of it is ever changed: the newest version of a subject holds, and a run names the version
# that it was decided by. An empty content clears the subject.
RULES = """
create table allocation_rule (
    tenant text not null,
    version bigint not null,
    kind text not null check (kind in
        ('DEFAULT', 'CHANNEL', 'CUSTOMER', 'ORDER', 'PROTECTION', 'GROUP', 'POLICY')),
    subject text collate "C" not null default '',
    item text collate "C" not null default '',
    location text collate "C" not null default '',
    content jsonb,
    set_by text not null,
    set_at timestamptz not null,
    primary key (tenant, version)
);
create index allocation_rule_now on allocation_rule
    (tenant, kind, location, item, subject, version desc);
select guard_table('allocation_rule');
revoke update, delete on allocation_rule from crossdock_hub;
"""

RUNS = """
create table allocation_run (
    number bigint generated always as identity,
    tenant text not null,
    run_id text collate "C" not null,
    item text collate "C" not null,
    location text collate "C" not null,
    unit text not null,
    state text not null
        check (state in ('SIMULATED', 'APPLIED', 'REJECTED', 'REFUSED', 'SUPERSEDED')),
    reason text not null,
    supply bigint not null,
    owed bigint not null,
    gained bigint not null,
    lost bigint not null,
    stock_version bigint not null,
    rules_version bigint not null,
    protections jsonb not null default '[]',
    figures jsonb not null,
    expected jsonb not null,
    digest text not null,
    made_by text not null,
    made_at timestamptz not null,
    decided_by text not null default '',
    decided_at timestamptz,
    remark text not null default '',
    primary key (tenant, run_id)
) with (fillfactor = 80);
create unique index allocation_run_open on allocation_run (tenant, item, location)
    where state = 'SIMULATED';
create index allocation_run_by_stock on allocation_run (tenant, item, location, number desc);
create index allocation_run_newest on allocation_run (tenant, number desc);
select guard_table('allocation_run');
revoke delete on allocation_run from crossdock_hub;

create table allocation_run_line (
    tenant text not null,
    run_id text collate "C" not null,
    place integer not null,
    demand_ref text not null,
    order_id text not null,
    channel text not null,
    customer text not null,
    requested bigint not null,
    picked bigint not null,
    before bigint not null,
    after bigint not null,
    strategy text not null,
    priority integer not null,
    since timestamptz not null,
    why text not null,
    exception text not null default '',
    released bigint not null,
    coming bigint not null,
    ships_on date,
    elsewhere bigint not null,
    counts_for text not null,
    primary key (tenant, run_id, place)
);
create index allocation_run_line_by_demand on allocation_run_line (tenant, demand_ref)
    where before <> after;
select guard_table('allocation_run_line');
revoke update, delete on allocation_run_line from crossdock_hub;
"""


def upgrade() -> None:
    run(LINES + RULES + RUNS)


def downgrade() -> None:
    run(
        """
        drop table allocation_run_line, allocation_run, allocation_rule, allocation_due,
            allocation_line;
        """
    )
