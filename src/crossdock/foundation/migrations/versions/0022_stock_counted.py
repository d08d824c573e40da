"""What each count found is kept, and how many counts the hub has asked for by itself."""

from crossdock.foundation.migrations.script import run

revision = "0022"
down_revision = "0021"

# Amounts in micros of the base unit, money in micros of its currency. A count that was too far off
# waits (RECOUNT) until another person has counted; above the cap also until it is decided about.
COUNTED = """
create table reconciliation_counted (
    tenant text not null,
    counted_id text collate "C" not null,
    location text collate "C" not null,
    item text collate "C" not null,
    status text not null,
    owner text not null,
    lot text not null,
    serial text not null,
    class text not null check (class in ('A', 'B', 'C')),
    counted_at timestamptz not null,
    heard_at timestamptz not null,
    unit text not null,
    book bigint not null,
    counted bigint not null,
    value bigint,
    currency text not null default '',
    is_within boolean not null,
    is_recount boolean not null,
    count_ref text not null,
    told_by text not null,
    counted_by text not null,
    count_id text collate "C" not null,
    matter text not null check (matter in
        ('RIGHT', 'RECOUNT', 'NOT_ASKED', 'AGREED', 'DIFFERED', 'SAME_PERSON', 'LATE')),
    approval text not null default ''
        check (approval in ('', 'WAITING', 'APPROVED', 'REFUSED')),
    decided_at timestamptz,
    decided_by text not null default '',
    because text not null default '',
    is_doubted boolean not null default false,
    primary key (tenant, counted_id)
);
create index reconciliation_counted_when on reconciliation_counted (tenant, counted_at);
create index reconciliation_counted_second on reconciliation_counted (tenant, location, item)
    where matter in ('RECOUNT', 'NOT_ASKED');
create index reconciliation_counted_doubts on reconciliation_counted (tenant, item, location)
    where is_doubted;
create index reconciliation_counted_waits on reconciliation_counted (tenant, counted_id)
    where approval = 'WAITING';
select guard_table('reconciliation_counted');
"""

# Of a day (UTC) and a location: second counts, and those for what had happened there.
# An older day's number is over.
ASKED = """
create table reconciliation_count_day (
    tenant text not null,
    location text collate "C" not null,
    day date not null,
    asked int not null default 0,
    found int not null default 0,
    primary key (tenant, location)
);
select guard_table('reconciliation_count_day');
"""


def upgrade() -> None:
    run(COUNTED + ASKED)


def downgrade() -> None:
    run("drop table reconciliation_count_day, reconciliation_counted")
