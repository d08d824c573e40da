"""Promises by date that are kept: what was answered, and by when what is to leave."""

from crossdock.foundation.migrations.script import run

revision = "0017"
down_revision = "0016"

# `proof` is the answer with its derivation and the rules, as they were then: never written again.
# `version` counts what the log was told of a promise: that it is secured or at risk, once each.
PROMISES = """
create table supply_promise (
    tenant text not null,
    promise_id uuid not null,
    client text collate "C" not null,
    request_id text collate "C" not null,
    request_hash bytea not null,
    made_at timestamptz not null,
    is_granted boolean not null,
    released_at timestamptz,
    replaced_by uuid,
    expires_at timestamptz,
    version integer not null default 1,
    changed_by text not null,
    is_secured boolean not null,
    is_at_risk boolean not null default false,
    proof text not null,
    primary key (tenant, promise_id)
);
create index supply_promise_open on supply_promise (tenant, promise_id)
    where is_granted and released_at is null;
create index supply_promise_at_risk on supply_promise (tenant, promise_id)
    where is_at_risk and released_at is null;
create index supply_promise_to_lapse on supply_promise (expires_at)
    where is_granted and released_at is null and expires_at is not null;
select guard_table('supply_promise');

-- A kit that is put together has a row of its own, and rows of what it is put together from under
-- the same number; `made` of it stands on those. `life_days` have to be left `transit_days` after
-- it leaves; null asks for none.
create table supply_promise_line (
    tenant text not null,
    promise_id uuid not null,
    line_no smallint not null,
    ship_date date not null,
    item text collate "C" not null,
    location text collate "C" not null,
    demand_ref text collate "C" not null,
    micros bigint not null check (micros > 0),
    held bigint not null check (held between 0 and micros),
    used bigint not null,
    said bigint,
    made bigint not null default 0 check (made between 0 and micros),
    channel text collate "C" not null,
    customer text collate "C" not null,
    life_days integer,
    transit_days integer,
    is_open boolean not null default true,
    primary key (tenant, promise_id, line_no, item, ship_date)
);
create index supply_promise_line_open on supply_promise_line (tenant, item, location)
    where is_open;
create index supply_promise_line_by_ref on supply_promise_line (tenant, demand_ref);
select guard_table('supply_promise_line');
"""


def upgrade() -> None:
    run(PROMISES)


def downgrade() -> None:
    run("drop table supply_promise_line, supply_promise")
