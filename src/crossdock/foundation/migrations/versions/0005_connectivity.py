"""Connections and their secrets; the inbox with its raw messages; the outbox with its attempts."""

from crossdock.foundation.migrations.script import run

revision = "0005"
down_revision = "0004"

DIRECTORY = """
-- One data key per tenant and generation, itself encrypted by a key that is not in the database.
create table tenant_key (
    tenant text not null,
    generation integer not null,
    wrapped bytea not null,
    made_at timestamptz not null,
    primary key (tenant, generation)
);
select guard_table('tenant_key');

-- A folder and all that lies in it, as the paths between `/drop/` and `/drop0`.
create type folder_range as range (subtype = text, collation = "C");

create table connection (
    tenant text not null,
    name text not null,
    application text not null,
    settings jsonb not null,
    secrets jsonb not null default '{}',
    roles jsonb not null default '{}',
    revision integer not null default 1,
    is_paused boolean not null default false,
    pause_reason text not null default '',
    rate_per_second double precision check (rate_per_second > 0),
    concurrency integer check (concurrency > 0),
    gap_seconds integer check (gap_seconds >= 0),
    folder text,
    tasks_folder text,
    created_at timestamptz not null,
    changed_at timestamptz not null,
    primary key (tenant, name),
    check (folder is not null or tasks_folder is null),
    -- Of whatever tenants: a constraint sees every row, and tells nobody whose it is.
    constraint connection_folder_apart
        exclude using gist (folder_multirange(
            folder_range(folder || '/', folder || '0'),
            folder_range(coalesce(tasks_folder, folder) || '/',
                coalesce(tasks_folder, folder) || '0')) with &&)
        where (folder is not null)
);
select guard_table('connection');

-- What changes with every call, apart from what a person set. Its row lock serialises claims.
create table connection_health (
    tenant text not null,
    connection text not null,
    circuit text not null default 'CLOSED' check (circuit in ('CLOSED', 'OPEN', 'HALF_OPEN')),
    failures integer not null default 0,
    opened_at timestamptz,
    probe_at timestamptz,
    probe_seconds double precision not null default 0,
    next_call_at timestamptz,
    turn bigint not null default 0,
    answered_at timestamptz,
    last_error text not null default '',
    forbidden_count bigint not null default 0,
    primary key (tenant, connection),
    foreign key (tenant, connection) references connection (tenant, name) on delete cascade
);
select guard_table('connection_health');

create table poll_cursor (
    tenant text not null,
    connection text not null,
    cursor text not null default '',
    fence bigint not null default 0,
    holder text not null default '',
    lease_until timestamptz,
    due_at timestamptz,
    failures integer not null default 0,
    last_error text not null default '',
    asked_at timestamptz,
    moved_at timestamptz,
    heard_at timestamptz,
    rewound_at timestamptz,
    subscribed_to text not null default '',
    subscribed_at timestamptz,
    subscription_error text not null default '',
    primary key (tenant, connection),
    foreign key (tenant, connection) references connection (tenant, name) on delete cascade
);
select guard_table('poll_cursor');

-- Names that were given back. What each said stays in the log, so it is nobody else's name.
create table former_connection (
    tenant text not null,
    name text not null,
    application text not null,
    revision integer not null,
    reason text not null,
    removed_at timestamptz not null,
    primary key (tenant, name)
);
select guard_table('former_connection');
"""

INBOX = """
create table raw_message (
    id bigint generated always as identity primary key,
    tenant text not null,
    source text not null,
    content_hash bytea not null,
    via text not null check (via in ('DELIVERY', 'POLL', 'API')),
    name text not null default '',
    headers jsonb not null default '{}',
    body bytea not null,
    received_at timestamptz not null,
    state text not null check (state in ('RECEIVED', 'RECORDED', 'QUARANTINED')),
    attempted_by text[] not null default '{}',
    repeats bigint not null default 0,
    unique (tenant, source, content_hash)
);
create index raw_message_unfinished on raw_message (tenant, received_at) where state = 'RECEIVED';
select guard_table('raw_message');

create table waiting_fact (
    id bigint generated always as identity primary key,
    tenant text not null,
    source text not null,
    identity text not null,
    content_hash bytea not null,
    fact jsonb not null,
    raw_ref bigint,
    received_at timestamptz not null,
    code text not null,
    missing text not null,
    attempts integer not null default 0,
    try_at timestamptz not null,
    expires_at timestamptz not null,
    unique (tenant, source, identity, content_hash)
);
create index waiting_fact_due on waiting_fact (try_at);
select guard_table('waiting_fact');

create table quarantine (
    id bigint generated always as identity primary key,
    tenant text not null,
    source text not null,
    raw_ref bigint,
    code text not null,
    place text not null default '',
    reason text not null,
    record bytea not null default '',
    fact jsonb,
    identity text not null default '',
    digest bytea not null,
    times bigint not null default 1,
    state text not null default 'OPEN' check (state in ('OPEN', 'REPLAYED', 'DISCARDED')),
    quarantined_at timestamptz not null,
    last_at timestamptz not null,
    closed_at timestamptz,
    closed_reason text not null default ''
);
create unique index quarantine_open on quarantine (tenant, source, digest) where state = 'OPEN';
create index quarantine_by_age on quarantine (tenant, state, id);
select guard_table('quarantine');

create table stream_progress (
    tenant text not null,
    source text not null,
    stream text not null,
    highest bigint not null,
    told_at timestamptz,
    case_at timestamptz,
    primary key (tenant, source, stream)
);
create index stream_progress_case on stream_progress (tenant) where case_at is not null;
select guard_table('stream_progress');

create table stream_hole (
    tenant text not null,
    source text not null,
    stream text not null,
    first bigint not null,
    last bigint not null check (last >= first),
    seen_at timestamptz not null,
    reported_at timestamptz,
    since timestamptz not null,
    tries integer not null default 0,
    tried_at timestamptz,
    escalated_at timestamptz,
    primary key (tenant, source, stream, first)
);
create index stream_hole_silent on stream_hole (seen_at) where reported_at is null;
create index stream_hole_reported on stream_hole (reported_at) where escalated_at is null;
select guard_table('stream_hole');
"""

# What a system says of stock that another keeps: the newest of each kind, so it stays small.
PROPOSALS = """
create table proposal (
    id bigint generated always as identity primary key,
    tenant text not null,
    source text not null,
    digest bytea not null,
    type text not null,
    key text not null,
    location text not null,
    keeper text not null,
    identity text not null,
    fact jsonb not null,
    raw_ref bigint,
    occurred_at timestamptz not null,
    received_at timestamptz not null,
    times bigint not null check (times > 0),
    unique (tenant, source, digest)
);
select guard_table('proposal');
"""

OUTBOX = """
create table outbox_command (
    tenant text not null,
    command_id text not null,
    seq bigint generated always as identity,
    connection text not null,
    role text not null,
    subject text not null,
    version bigint not null,
    lane smallint not null check (lane between 0 and 2),
    arguments jsonb not null,
    idempotency_key text not null,
    state text not null check (state in
        ('PENDING', 'IN_FLIGHT', 'DONE', 'STALE', 'DEAD', 'PARKED', 'SUPERSEDED', 'DISCARDED')),
    attempts integer not null default 0,
    is_unknown boolean not null default false,
    suspicions integer not null default 0,
    due_at timestamptz not null,
    call_id uuid,
    lease_until timestamptz,
    fence bigint not null default 0,
    revision integer not null default 0,
    error_class text not null default '',
    code text not null default '',
    detail text not null default '',
    observed numeric,
    process text not null default '',
    instance text not null default '',
    correlation_id text not null default '',
    causation_id text not null default '',
    enqueued_at timestamptz not null,
    settled_at timestamptz,
    primary key (tenant, command_id)
);
create index outbox_due on outbox_command (tenant, connection, lane, due_at, seq)
    where state = 'PENDING';
create index outbox_in_flight on outbox_command (tenant, connection, lease_until)
    where state = 'IN_FLIGHT';
-- Of commands with one subject at most one waits, and at most one is on its way.
create unique index outbox_waiting on outbox_command (tenant, connection, role, subject)
    where state = 'PENDING';
create unique index outbox_leaving on outbox_command (tenant, connection, role, subject)
    where state = 'IN_FLIGHT';
create index outbox_letters on outbox_command (tenant, state, seq)
    where state in ('DEAD', 'PARKED');
create index outbox_refused on outbox_command (tenant, connection, role, subject)
    where state = 'DEAD';
create index outbox_by_correlation on outbox_command (tenant, correlation_id, seq)
    where correlation_id <> '';
select guard_table('outbox_command');

-- The highest version ever asked for: an older one that comes late is superseded at once.
create table outbox_subject (
    tenant text not null,
    connection text not null,
    role text not null,
    subject text not null,
    version bigint not null,
    primary key (tenant, connection, role, subject)
);
select guard_table('outbox_subject');

create table outbox_attempt (
    tenant text not null,
    command_id text not null,
    fence bigint not null,
    call_id uuid not null,
    worker text not null,
    started_at timestamptz not null,
    ended_at timestamptz,
    outcome text not null default '',
    code text not null default '',
    detail text not null default '',
    primary key (tenant, command_id, fence)
);
select guard_table('outbox_attempt');

-- What a person changed: the arguments before, and why.
create table outbox_revision (
    tenant text not null,
    command_id text not null,
    revision integer not null,
    arguments jsonb not null,
    idempotency_key text not null,
    reason text not null,
    actor text not null,
    made_at timestamptz not null,
    primary key (tenant, command_id, revision)
);
select guard_table('outbox_revision');

-- The last value we sent for a channel's shelf, so that its echo is known when it comes back.
create table channel_write (
    tenant text not null,
    connection text not null,
    item text not null,
    location text not null,
    quantity numeric not null,
    command_id text not null,
    written_at timestamptz not null,
    primary key (tenant, connection, item, location)
);
select guard_table('channel_write');
"""


def upgrade() -> None:
    run(DIRECTORY + INBOX + PROPOSALS + OUTBOX)


def downgrade() -> None:
    run(
        """
        drop table channel_write, outbox_revision, outbox_attempt, outbox_subject, outbox_command,
            proposal, stream_hole, stream_progress, quarantine, waiting_fact, raw_message,
            former_connection,
            poll_cursor, connection_health, connection, tenant_key;
        drop type folder_range;
        """
    )
