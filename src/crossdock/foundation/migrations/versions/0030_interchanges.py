"""EDI interchanges: those that came, those that went out, and what was said of them."""

from crossdock.foundation.migrations.script import run

revision = "0030"
down_revision = "0029"

# `sender` and `receiver` as the envelope writes them, `control` however it is padded.
# `application` tells the numbers of one sender apart as well. `because` is why it was set aside.
# `answers` is the one that it answers. A number is used up by what was taken, for ever; tests
# have numbers of their own, for who goes live mostly begins anew.
INTERCHANGES = """
create table edi_interchange (
    tenant text not null,
    interchange text collate "C" not null,
    partner text collate "C" not null,
    direction text not null check (direction in ('IN', 'OUT')),
    standard text not null,
    sender text not null,
    receiver text not null,
    application text not null,
    control text collate "C" not null,
    control_written text not null,
    state text not null check (state in
        ('TAKEN', 'REFUSED', 'QUARANTINED', 'WRITTEN', 'SENT')),
    code text not null,
    because text not null,
    is_test boolean not null,
    groups integer not null,
    documents integer not null,
    rejected integer not null,
    repeated integer not null,
    size bigint not null,
    digest bytea not null,
    name text not null,
    said_by text not null,
    kept_at timestamptz not null,
    findings jsonb not null,
    answers text not null default '',
    repeats integer not null default 0,
    repeated_at timestamptz,
    primary key (tenant, interchange)
);
create unique index edi_interchange_content on edi_interchange (tenant, direction, digest);
create unique index edi_interchange_number on edi_interchange
    (tenant, direction, standard, sender, receiver, is_test, application, control)
    where state in ('TAKEN', 'WRITTEN', 'SENT');
create index edi_interchange_kept on edi_interchange (tenant, kept_at, interchange);
create index edi_interchange_answers on edi_interchange (tenant, answers) where answers <> '';
create index edi_interchange_held on edi_interchange (tenant, interchange)
    where state = 'QUARANTINED';
create index edi_interchange_held_of on edi_interchange (tenant, sender, receiver, standard)
    where state = 'QUARANTINED';
select guard_table('edi_interchange');
revoke delete on edi_interchange from crossdock_hub;
"""

PARTS = """
create table edi_interchange_part (
    tenant text not null,
    interchange text collate "C" not null,
    part integer not null,
    body bytea not null,
    primary key (tenant, interchange, part)
);
alter table edi_interchange_part alter column body set storage external;
select guard_table('edi_interchange_part');
revoke delete, update on edi_interchange_part from crossdock_hub;
"""

# A set or message. Of what came, `digest` is of its number and content; `state` is TAKEN,
# REJECTED or REPEATED. What was sent is SENT until it is ACCEPTED or REJECTED, by `settled_by`;
# it `expects` an acknowledgment by `due_at`. An acknowledgment of ours is WRITTEN, and waits for
# none.
DOCUMENTS = """
create table edi_document (
    tenant text not null,
    interchange text collate "C" not null,
    place integer not null,
    partner text collate "C" not null,
    direction text not null,
    standard text not null,
    sender text not null,
    receiver text not null,
    functional_id text not null,
    group_control text not null,
    document text not null,
    control text not null,
    version text not null,
    state text not null,
    segments integer not null,
    errors integer not null,
    digest bytea not null,
    expects text not null default 'NONE',
    due_at timestamptz,
    settled_by text not null default '',
    settled_at timestamptz,
    codes text[] not null default '{}',
    primary key (tenant, interchange, place)
);
create index edi_document_taken on edi_document (tenant, digest)
    where direction = 'IN' and state = 'TAKEN';
create index edi_document_sent on edi_document
    (tenant, sender, receiver, standard, group_control) where direction = 'OUT';
create index edi_document_waits on edi_document (tenant, due_at)
    where direction = 'OUT' and state = 'SENT' and due_at is not null;
create index edi_document_unsettled on edi_document (tenant, partner)
    where direction = 'OUT' and state in ('SENT', 'REJECTED');
create index edi_document_of on edi_document (tenant, partner, standard, document, direction);
select guard_table('edi_document');
revoke delete on edi_document from crossdock_hub;
"""

# What an acknowledgment that came says; `is_matched`: it is known of what.
STATEMENTS = """
create table edi_statement (
    tenant text not null,
    interchange text collate "C" not null,
    place integer not null,
    standard text not null,
    sender text not null,
    receiver text not null,
    about text not null,
    verdict text not null,
    about_control text not null,
    functional_id text not null,
    group_control text not null,
    document text not null,
    control text not null,
    codes text[] not null,
    is_matched boolean not null default false,
    primary key (tenant, interchange, place)
);
create index edi_statement_of_group on edi_statement
    (tenant, sender, receiver, standard, functional_id, group_control)
    where not is_matched and functional_id <> '';
create index edi_statement_of_number on edi_statement
    (tenant, sender, receiver, standard, about_control)
    where not is_matched and functional_id = '';
select guard_table('edi_statement');
revoke delete on edi_statement from crossdock_hub;
"""

# The control numbers of a pair: the highest, and the gaps below it, both ends in. What goes out is
# numbered through, tests or none.
NUMBERS = """
create table edi_numbers (
    tenant text not null,
    direction text not null,
    standard text not null,
    sender text not null,
    receiver text not null,
    is_test boolean not null,
    partner text collate "C" not null,
    highest bigint not null,
    gaps jsonb not null default '[]',
    heard_at timestamptz not null,
    primary key (tenant, direction, standard, sender, receiver, is_test)
);
select guard_table('edi_numbers');
revoke delete on edi_numbers from crossdock_hub;
"""

# Which interchanges people were told of: what was sent and not acknowledged in time.
TOLD = """
create table edi_told (
    tenant text not null,
    interchange text collate "C" not null,
    told_at timestamptz not null,
    primary key (tenant, interchange)
);
select guard_table('edi_told');
"""


def upgrade() -> None:
    run(INTERCHANGES + PARTS + DOCUMENTS + STATEMENTS + NUMBERS + TOLD)


def downgrade() -> None:
    run(
        "drop table edi_told, edi_numbers, edi_statement, edi_document, edi_interchange_part,"
        " edi_interchange;"
    )
