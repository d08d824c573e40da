"""Any two systems are compared; what each one's dump looks like is known by location."""

from crossdock.foundation.migrations.script import run

revision = "0015"
down_revision = "0014"

# `system` is whose number comes first: the hub's ledger, or the first of two other systems.
SYSTEMS = """
alter table reconciliation_run add system text collate "C" not null default 'crossdock';
drop index reconciliation_run_newest;
create index reconciliation_run_newest
    on reconciliation_run (tenant, against, system, began_at desc);
alter table reconciliation_finding add system text collate "C" not null default 'crossdock';
drop index reconciliation_finding_open;
"""

# A finding of stock is named by its location and item, one of an open line by its document and the
# line's own number; its location and item may change. `system` is then a book of the hub.
LINES = """
alter table reconciliation_finding add document text collate "C" not null default '';
alter table reconciliation_finding add line text collate "C" not null default '';
create unique index reconciliation_finding_open
    on reconciliation_finding (tenant, system, against, document, line,
        (case when document = '' then location else '' end),
        (case when document = '' then item else '' end)) where state <> 'CLOSED';
"""

# What the last believed dump of a system looked like, location by location; of open lines, as one.
SHAPES = """
create table reconciliation_shape (
    tenant text not null,
    system text collate "C" not null,
    kind text collate "C" not null default 'stock',
    location text collate "C" not null,
    is_full boolean not null,
    row_count bigint not null,
    zero_count bigint not null,
    taken_at timestamptz not null,
    primary key (tenant, system, kind, is_full, location)
);
select guard_table('reconciliation_shape');
"""

# How much less than the ledger says may be shown while a difference with it is open; `seen` is the
# place in the log of the newest movement of the key that the comparison knew.
WITHHOLDING = """
alter table reconciliation_finding add withheld bigint not null default 0;
alter table reconciliation_finding add seen bigint not null default 0;
create index reconciliation_finding_withheld on reconciliation_finding (tenant, item)
    where state in ('SUSPECTED', 'CONFIRMED') and not is_gone and withheld > 0;
create index reconciliation_finding_doubtful on reconciliation_finding (tenant, item)
    where state in ('SUSPECTED', 'CONFIRMED') and not is_gone and system = 'crossdock';
create table reconciliation_policy (
    tenant text primary key,
    four_eyes boolean not null default false,
    as_booked text[] not null default '{}',
    changed_at timestamptz not null,
    changed_by text not null,
    version integer not null default 1
);
select guard_table('reconciliation_policy');
"""

# How far the reading back of a channel has come in its round, and in reading again what differed;
# `sampled_at` is up to when its calls were made, `tried_at` when a number was last written again.
# What was refused is there with its reason, and how often a call is halved to find it out.
ROUNDS = """
create table reconciliation_round (
    tenant text not null,
    connection text collate "C" not null,
    location text collate "C" not null,
    after text collate "C" not null,
    began_at timestamptz not null,
    sampled_at timestamptz,
    again_after text collate "C" not null,
    calls bigint not null,
    refusal text not null default '',
    refused_at timestamptz,
    set_aside bigint not null default 0,
    aside_because text not null default '',
    narrow smallint not null default 0,
    in_row integer not null default 0,
    -- What is read: what a channel was told, or what a system says lies there.
    kind text collate "C" not null default 'CHANNEL',
    passes bigint not null default 0,
    primary key (tenant, kind, connection, location)
);
select guard_table('reconciliation_round');
-- When each system was last asked for all its open orders or purchases, what that took, and
-- whether what it found was looked at a second time; `failed_at` is when it last gave no answer.
create table reconciliation_open_round (
    tenant text not null,
    connection text collate "C" not null,
    kind text collate "C" not null,
    read_at timestamptz,
    asked_at timestamptz not null,
    pages bigint not null default 0,
    lines bigint not null default 0,
    is_second boolean not null default false,
    refusal text not null default '',
    failed_at timestamptz,
    primary key (tenant, connection, kind)
);
select guard_table('reconciliation_open_round');
alter table reconciliation_finding add tried_at timestamptz;
create index reconciliation_finding_mended
    on reconciliation_finding (tenant, against, location, item, closed_at)
    where state = 'CLOSED' and system = 'published';
"""


def upgrade() -> None:
    run(SYSTEMS + LINES + SHAPES + WITHHOLDING + ROUNDS)


def downgrade() -> None:
    run(
        """
        select set_config('crossdock.tenant', '*', true);
        drop table reconciliation_policy, reconciliation_round, reconciliation_shape,
            reconciliation_open_round;
        drop index reconciliation_finding_withheld;
        drop index reconciliation_finding_mended;
        alter table reconciliation_finding drop column withheld;
        alter table reconciliation_finding drop column seen;
        alter table reconciliation_finding drop column tried_at;
        delete from reconciliation_finding where system <> 'crossdock';
        drop index reconciliation_finding_open;
        alter table reconciliation_finding drop column system;
        alter table reconciliation_finding drop column document;
        alter table reconciliation_finding drop column line;
        create unique index reconciliation_finding_open
            on reconciliation_finding (tenant, against, location, item) where state <> 'CLOSED';
        delete from reconciliation_run where system <> 'crossdock';
        drop index reconciliation_run_newest;
        alter table reconciliation_run drop column system;
        create index reconciliation_run_newest
            on reconciliation_run (tenant, against, began_at desc);
        """
    )
