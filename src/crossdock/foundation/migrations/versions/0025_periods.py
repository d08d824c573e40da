"""What the hub and the books said at the close of a period, and who signed it off."""

from crossdock.foundation.migrations.script import run

revision = "0025"
down_revision = "0024"

# A period of one system's books. `since` is a place in the log before which nothing was recorded
# after its end, so that late postings are looked for behind it alone, at the `places` that the
# books name.
PERIODS = """
create table reconciliation_period (
    tenant text not null,
    period text collate "C" not null,
    against text collate "C" not null,
    ends_at timestamptz not null,
    since bigint not null,
    places text[] not null,
    state text not null default 'CLOSED' check (state in ('CLOSED', 'SIGNED')),
    figures integer not null,
    differing integer not null,
    unknown_names text[] not null default '{}',
    unknown integer not null,
    closed_by text not null,
    closed_at timestamptz not null,
    signed_by text not null default '',
    signed_at timestamptz,
    because text not null default '',
    primary key (tenant, period, against)
);
select guard_table('reconciliation_period');
"""

# An item at a location at its end. `theirs` is null where the books' item or unit is not known.
# `is_certain`: it was not counted since, and its keeper was
# heard since, so that the hub knows what lay there.
FIGURES = """
create table reconciliation_period_figure (
    tenant text not null,
    period text collate "C" not null,
    against text collate "C" not null,
    location text collate "C" not null,
    item text collate "C" not null,
    unit text not null,
    ours bigint not null,
    theirs bigint,
    value bigint,
    currency text not null default '',
    is_certain boolean not null,
    primary key (tenant, period, against, location, item)
);
create index reconciliation_period_differing on reconciliation_period_figure
    (tenant, period, against, location, item) where ours is distinct from theirs;
select guard_table('reconciliation_period_figure');
"""


def upgrade() -> None:
    run(PERIODS + FIGURES)


def downgrade() -> None:
    run("drop table reconciliation_period_figure, reconciliation_period;")
