"""Who may call what (API keys, stored as hashes), and which system keeps what."""

from crossdock.foundation.migrations.script import run

revision = "0002"
down_revision = "0001"

KEYS = """
-- `key_id` is the public part of the key; the secret part is nowhere but with its holder.
-- `channels` are those that it may speak for; none named is whichever.
create table api_key (
    key_id text primary key,
    tenant text not null,
    partner text not null default '',
    name text not null,
    secret_hash bytea not null check (octet_length(secret_hash) = 32),
    verbs text[] not null,
    channels text[] not null default '{}',
    is_owner boolean not null default false,
    created_at timestamptz not null,
    created_by text not null,
    expires_at timestamptz,
    revoked_at timestamptz,
    revoked_by text not null default ''
);
create index api_key_by_tenant on api_key (tenant, created_at);
create unique index api_key_owner on api_key (tenant) where is_owner and revoked_at is null;
select guard_table('api_key');
revoke delete on api_key from crossdock_hub;
"""

AUTHORITY = """
-- One system of record at a time for an attribute of a location; no row: anybody may tell it.
create table system_of_record (
    tenant text not null,
    attribute text not null check (attribute in ('stock')),
    location text not null,
    source text not null,
    set_by text not null,
    set_at timestamptz not null,
    primary key (tenant, attribute, location)
);
select guard_table('system_of_record');
"""


def upgrade() -> None:
    run(KEYS + AUTHORITY)


def downgrade() -> None:
    run("drop table system_of_record, api_key")
