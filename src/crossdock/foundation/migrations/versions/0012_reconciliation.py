"""Runs that compared the ledger with another system, and what they found."""

from crossdock.foundation.migrations.script import run

revision = "0012"
down_revision = "0011"

# `row_count` and `zero_count` of the last run that was not rejected are what is usual.
# `value_at_risk` is in the functional currency, `other_values` are micros by other currencies;
# `unpriced` differences have no price.
RUNS = """
create table reconciliation_run (
    tenant text not null,
    run_id text collate "C" not null,
    against text collate "C" not null,
    verdict text not null check (verdict in ('DONE', 'REJECTED')),
    reason text not null default '',
    asked_by text not null,
    began_at timestamptz not null,
    ended_at timestamptz not null,
    earliest_cut timestamptz,
    latest_cut timestamptz,
    row_count bigint not null,
    zero_count bigint not null,
    is_full boolean not null,
    compared bigint not null,
    alike bigint not null,
    explained bigint not null,
    tolerated bigint not null,
    suspected bigint not null,
    confirmed bigint not null,
    gone bigint not null,
    value_at_risk bigint,
    unknown_names text[] not null default '{}',
    -- Of single keys that were asked for, or of a whole dump; by which version of the rules.
    is_sample boolean not null default false,
    rules_version integer not null default 0,
    other_values jsonb not null default '{}',
    unpriced bigint not null default 0,
    primary key (tenant, run_id)
);
create index reconciliation_run_newest on reconciliation_run (tenant, against, began_at desc);
select guard_table('reconciliation_run');
"""

# One open finding of a pair of systems, an item and a location, however often it is seen.
# Amounts are micros of the base unit, money micros of its currency, of which '' is the functional
# one. `escalated_at` is since when its case is worded as one of more money than the policy's cap.
FINDINGS = """
create table reconciliation_finding (
    tenant text not null,
    finding_id text collate "C" not null,
    against text collate "C" not null,
    location text collate "C" not null,
    item text collate "C" not null,
    state text not null check (state in ('TOLERATED', 'SUSPECTED', 'CONFIRMED', 'CLOSED')),
    level text not null,
    cause text not null,
    because text not null default '',
    remedy text not null,
    unit text not null,
    ours bigint not null,
    theirs bigint not null,
    explained bigint not null,
    unexplained bigint not null,
    at_stake bigint not null,
    absolute bigint not null,
    value_at_risk bigint,
    currency text not null default '',
    class text not null default 'A',
    is_in_flight boolean not null default false,
    is_gone boolean not null default false,
    times integer not null default 1,
    attempts integer not null default 0,
    run_id text collate "C" not null,
    evidence jsonb not null default '{}',
    first_cut timestamptz not null,
    last_cut timestamptz not null,
    found_at timestamptz not null,
    confirmed_at timestamptz,
    escalated_at timestamptz,
    closed_at timestamptz,
    closed_by text not null default '',
    root_cause text not null default '',
    note text not null default '',
    primary key (tenant, finding_id)
) with (fillfactor = 80);
create unique index reconciliation_finding_open
    on reconciliation_finding (tenant, against, location, item) where state <> 'CLOSED';
create index reconciliation_finding_by_state on reconciliation_finding (tenant, state, found_at);
select guard_table('reconciliation_finding');
"""

# The plan of a day: what is to be counted by its class.
COUNTS = """
create table reconciliation_count (
    tenant text not null,
    location text collate "C" not null,
    item text collate "C" not null,
    class text not null check (class in ('A', 'B', 'C')),
    due_on date not null,
    primary key (tenant, location, item)
);
select guard_table('reconciliation_count');
"""

# What is not booked yet is asked for by whoever compares; nearly all of a long history is booked.
NOT_BOOKED = """
create index movement_booking_open on movement_booking (tenant, instance)
    where settlement is distinct from 'DONE';
"""


def upgrade() -> None:
    run(RUNS + FINDINGS + COUNTS + NOT_BOOKED)


def downgrade() -> None:
    run(
        """
        drop index movement_booking_open;
        drop table reconciliation_count, reconciliation_finding, reconciliation_run;
        """
    )
