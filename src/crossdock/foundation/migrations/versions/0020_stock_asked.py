"""Systems are asked for the stock of single keys; what is to be counted is told as tasks."""

from crossdock.foundation.migrations.script import run

revision = "0020"
down_revision = "0019"

# An answer waits here until the ledger has heard what had moved by then; then it is compared.
ANSWERS = """
create table reconciliation_answer (
    tenant text not null,
    answer_id text collate "C" not null,
    connection text collate "C" not null,
    answered_at timestamptz not null,
    lines json not null,
    primary key (tenant, answer_id)
);
select guard_table('reconciliation_answer');
"""

# What the last dump that told a class said of a key; its cost in micros, or -1.
# What it costs is looked for by item alone, of what a channel sells.
CLASSES = """
create table reconciliation_class (
    tenant text not null,
    location text collate "C" not null,
    item text collate "C" not null,
    class text not null check (class in ('A', 'B', 'C')),
    unit_cost bigint not null,
    currency text not null default '',
    primary key (tenant, location, item)
) with (fillfactor = 90);
create index reconciliation_class_cost on reconciliation_class (tenant, item)
    where unit_cost >= 0;
select guard_table('reconciliation_class');
"""

# What was told to be counted. What was counted, or refused, stays for a day, so that it is not
# asked for again.
TASKS = """
create table reconciliation_count_task (
    tenant text not null,
    location text collate "C" not null,
    item text collate "C" not null,
    count_id text collate "C" not null,
    class text not null,
    reason text not null,
    proposed_at timestamptz not null,
    status text not null default 'PROPOSED' check (status in ('PROPOSED', 'DONE', 'REFUSED')),
    ended_at timestamptz,
    ended_by text not null default '',
    because text not null default '',
    not_by text not null default '',
    primary key (tenant, location, item)
);
create unique index reconciliation_count_task_id on reconciliation_count_task (tenant, count_id);
select guard_table('reconciliation_count_task');
"""


def upgrade() -> None:
    run(ANSWERS + CLASSES + TASKS)


def downgrade() -> None:
    run("drop table reconciliation_count_task, reconciliation_class, reconciliation_answer")
