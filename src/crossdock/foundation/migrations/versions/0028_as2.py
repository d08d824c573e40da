"""Partners by AS2, our keys, and every message with its receipt."""

from crossdock.foundation.migrations.script import run

revision = "0028"
down_revision = "0027"

# Keys of our own, by the name that partners know us by: the certificate is public, `secret` is
# the private key, sealed by the vault.
KEYS = """
create table as2_key (
    tenant text not null,
    house text collate "C" not null,
    fingerprint text collate "C" not null,
    certificate text not null,
    secret text not null,
    put_by text not null,
    put_at timestamptz not null,
    primary key (tenant, house, fingerprint)
);
select guard_table('as2_key');
"""

# What is agreed with a partner: every version, of which the newest holds.
PARTNERS = """
create table as2_partner (
    tenant text not null,
    house text collate "C" not null,
    partner_name text collate "C" not null,
    version integer not null,
    profile jsonb not null,
    put_by text not null,
    put_at timestamptz not null,
    primary key (tenant, house, partner_name, version)
);
select guard_table('as2_partner');
"""

# A message, in or out. `raw` is how it travelled; `receipt` the receipt that proves it, as it was
# written or came. `mics` is what a receipt of ours is held against, `mic` what a receipt says.
# `due_at` is when it is to be sent (a message out, a receipt of one that came in) or looked at.
MESSAGES = """
create table as2_message (
    tenant text not null,
    message text collate "C" not null,
    direction text not null check (direction in ('IN', 'OUT')),
    house text collate "C" not null,
    partner_name text collate "C" not null,
    message_id text collate "C" not null,
    state text not null check (state in ('TAKEN', 'REFUSED', 'DUE', 'AWAITED', 'SENT', 'PROVEN',
        'TOLD', 'UNPROVEN', 'FAILED')),
    because text not null default '',
    raw bytea not null,
    raw_sha256 bytea not null,
    payload bytea not null default '',
    payload_sha256 text not null default '',
    content_type text not null default '',
    filename text not null default '',
    mic text not null default '',
    mics jsonb not null default '{}',
    layers text[] not null default '{}',
    signed_by text not null default '',
    receipt bytea,
    receipt_url text not null default '',
    attempts integer not null default 0,
    repeats integer not null default 0,
    due_at timestamptz,
    made_at timestamptz not null,
    settled_at timestamptz,
    primary key (tenant, message)
);
alter table as2_message alter raw set storage external, alter payload set storage external;
create unique index as2_message_once on as2_message
    (tenant, direction, house, partner_name, message_id) where state <> 'REFUSED'
    or direction = 'OUT';
create unique index as2_message_refused on as2_message
    (tenant, house, partner_name, message_id, raw_sha256) where state = 'REFUSED'
    and direction = 'IN';
create index as2_message_refused_last on as2_message (tenant, house, partner_name, message)
    where state = 'REFUSED' and direction = 'IN';
create index as2_message_due on as2_message (due_at) where due_at is not null;
select guard_table('as2_message');
"""


def upgrade() -> None:
    run(KEYS + PARTNERS + MESSAGES)


def downgrade() -> None:
    run("drop table as2_message, as2_partner, as2_key;")
