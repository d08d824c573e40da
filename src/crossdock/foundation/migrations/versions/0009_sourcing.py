"""Sourcing: rules and nodes as they were put, decisions as they were made."""

from crossdock.foundation.migrations.script import run

revision = "0009"
down_revision = "0008"

SOURCING = """
-- Rules are put, never changed: a decision names the version that decided. `scope` is `all`,
-- `channel:NAME` or `customer:NAME`.
create table sourcing_rules (
    tenant text not null,
    scope text not null,
    version integer not null check (version > 0),
    valid_from timestamptz not null,
    put_at timestamptz not null,
    put_by text not null,
    content json not null,
    primary key (tenant, scope, version)
);
create index sourcing_rules_valid on sourcing_rules
    (tenant, scope, valid_from desc, version desc);
select guard_table('sourcing_rules');
revoke update, delete on sourcing_rules from crossdock_hub;

-- What sourcing has to know of a location beside what the catalogue says of it. One that was
-- withdrawn stays, so that its versions go on.
create table sourcing_node (
    tenant text not null,
    node text not null,
    version integer not null default 1 check (version > 0),
    is_withdrawn boolean not null default false,
    put_at timestamptz not null,
    put_by text not null,
    content json not null,
    primary key (tenant, node)
);
select guard_table('sourcing_node');

-- `content` is what was answered, to the byte; `inputs` what it was derived from. `demand_refs`
-- are the order lines that it was for, and the orders that these are named after.
create table sourcing_decision (
    tenant text not null,
    decision_id uuid primary key,
    request_hash bytea not null,
    decided_at timestamptz not null,
    inputs json not null,
    content json not null,
    demand_refs text[] collate "C" not null default '{}'
);
create index sourcing_decision_by_demand on sourcing_decision using gin (demand_refs);
select guard_table('sourcing_decision');
revoke update, delete on sourcing_decision from crossdock_hub;
"""


def upgrade() -> None:
    run(SOURCING)


def downgrade() -> None:
    run("drop table sourcing_decision, sourcing_node, sourcing_rules")
