"""Process instances with their journal, business cases, channel publishing, postings."""

from crossdock.foundation.migrations.script import run

revision = "0006"
down_revision = "0005"

# An instance waits in one row however long it waits. `due_at` is when somebody must look at it:
# an event sets it to now, a decision to its earliest timer, nothing to null.
ENGINE = """
create table process_instance (
    process text not null,
    tenant text not null,
    instance text not null,
    ledger jsonb,
    step bigint not null default 0,
    timers jsonb not null default '{}',
    due_at timestamptz,
    decided_at timestamptz,
    correlation_id text not null default '',
    causation_id text not null default '',
    parked_at timestamptz,
    parked_reason text not null default '',
    primary key (process, tenant, instance)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index process_instance_due on process_instance (process, due_at)
    where due_at is not null and parked_at is null;
create index process_instance_parked on process_instance (tenant, process, parked_at)
    where parked_at is not null;
select guard_table('process_instance');

create table process_journal (
    entry bigint generated always as identity,
    tenant text not null,
    process text not null,
    instance text not null,
    step bigint not null,
    decided_at timestamptz not null,
    worker text not null,
    correlation_id text not null,
    causation_id text not null,
    note text not null,
    commands jsonb not null,
    primary key (tenant, process, instance, step)
);
create index process_journal_by_correlation on process_journal (tenant, correlation_id, entry)
    where correlation_id <> '';
select guard_table('process_journal');
"""

# One cause is one open case with a count, however often it is met. It goes on until whoever found
# it says that it is gone, be it that a person has closed the case.
CASES = """
create table business_case (
    tenant text not null,
    case_id text not null,
    code text not null,
    fingerprint text not null,
    severity text not null,
    owner_role text not null,
    entity text not null,
    title text not null,
    evidence jsonb not null default '{}',
    correlation_id text not null default '',
    count integer not null default 1 check (count > 0),
    state text not null default 'OPEN' check (state in ('OPEN', 'CLOSED')),
    opened_at timestamptz not null,
    met_at timestamptz not null,
    due_at timestamptz not null,
    closed_at timestamptz,
    resolution text not null default '',
    goes_on boolean not null default true,
    primary key (tenant, case_id)
);
create unique index business_case_open on business_case (tenant, fingerprint)
    where state = 'OPEN';
create index business_case_due on business_case (tenant, due_at) where state = 'OPEN';
create index business_case_going_on on business_case (tenant, fingerprint) where goes_on;
select guard_table('business_case');
"""

# Amounts are millionths of the unit that the channel sells; the item says how many base units
# make one (ARCHITECTURE D7). `covers`, `hears` and `fellows` follow from the locations that the
# terms name and from groups as they are.
PUBLISHING = """
create table publishing_channel (
    tenant text not null,
    connection text not null,
    location text not null,
    source_locations text[] not null check (cardinality(source_locations) > 0),
    wakes_on text[] not null,
    covers text[] not null default '{}',
    hears text[] not null default '{}',
    fellows text[] not null default '{}',
    share_mode text not null check (share_mode in ('POOL', 'PERCENT', 'FIXED')),
    share_percent numeric(7, 4) not null default 100 check (share_percent between 0 and 100),
    share_fixed bigint not null default 0 check (share_fixed >= 0),
    buffer bigint not null default 0 check (buffer >= 0),
    cap bigint check (cap >= 0),
    low_threshold bigint not null default 0 check (low_threshold >= 0),
    levels bigint[] not null default '{}',
    coalesce_seconds integer not null default 60 check (coalesce_seconds between 0 and 3600),
    jump_percent integer not null default 10 check (jump_percent between 1 and 100),
    unexplained_seconds integer not null default 30
        check (unexplained_seconds between 0 and 86400),
    corrections_max integer not null default 8 check (corrections_max between 1 and 100),
    retry_seconds integer not null default 60 check (retry_seconds between 1 and 86400),
    when_stale text not null default 'LOWER' check (when_stale in ('KEEP', 'LOWER', 'ZERO')),
    stale_buffer bigint check (stale_buffer >= 0),
    is_active boolean not null default true,
    channel text not null default '',
    version integer not null default 0,
    changed_by text not null default '',
    changed_at timestamptz,
    primary key (tenant, connection, location)
);
create index publishing_channel_covers on publishing_channel using gin (covers);
create index publishing_channel_hears on publishing_channel using gin (hears);
create index publishing_channel_fellows on publishing_channel using gin (fellows);
select guard_table('publishing_channel');

create table publishing_item (
    tenant text not null,
    connection text not null,
    location text not null,
    item text not null,
    is_excluded boolean not null default false,
    buffer bigint check (buffer >= 0),
    cap bigint check (cap >= 0),
    low_threshold bigint check (low_threshold >= 0),
    levels bigint[],
    share_fixed bigint check (share_fixed >= 0),
    pack bigint check (pack > 0),
    unit_numerator bigint not null default 1 check (unit_numerator > 0),
    unit_denominator bigint not null default 1 check (unit_denominator > 0),
    primary key (tenant, connection, location, item)
);
select guard_table('publishing_item');

create table publishing_level (
    tenant text not null,
    instance text not null,
    heard_base bigint,
    heard_at timestamptz,
    disputed_at timestamptz,
    repeated_at timestamptz,
    settled_version bigint,
    settlement text,
    observed bigint,
    detail text not null default '',
    primary key (tenant, instance)
) with (fillfactor = 70);
select guard_table('publishing_level');

-- Which sources told of what a channel sells from a place, and on which day that was seen last.
create table publishing_feed (
    tenant text not null,
    connection text not null,
    location text not null,
    place text not null,
    source text not null,
    seen_on date not null,
    primary key (tenant, connection, location, place, source)
);
select guard_table('publishing_feed');

-- Where a channel is in safe mode, for the silence of which source, until it speaks again.
create table publishing_silence (
    tenant text not null,
    connection text not null,
    location text not null,
    source text not null,
    heard_at timestamptz,
    since timestamptz not null,
    is_long boolean not null default false,
    primary key (tenant, connection, location, source)
);
select guard_table('publishing_silence');

-- Tenants that were ever told of a kit: of their listings alone it is asked whether they are one.
create table publishing_kits (
    tenant text primary key
);
select guard_table('publishing_kits');
"""

# A movement that somebody's books must learn of, and the last word on whether they have. `heard`
# is the place of that word in the log.
POSTING = """
create table movement_booking (
    tenant text not null,
    instance text not null,
    booking jsonb not null,
    heard bigint not null default 0,
    settlement text,
    code text not null default '',
    detail text not null default '',
    primary key (tenant, instance)
) with (fillfactor = 80);
select guard_table('movement_booking');
"""


def upgrade() -> None:
    run(ENGINE + CASES + PUBLISHING + POSTING)


def downgrade() -> None:
    run(
        """
        drop table movement_booking, publishing_kits, publishing_silence, publishing_feed,
            publishing_level, publishing_item, publishing_channel, business_case,
            process_journal, process_instance;
        """
    )
