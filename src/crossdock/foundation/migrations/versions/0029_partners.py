"""Trading partners: who they are, what they are addressed by, what was agreed with them."""

from crossdock.foundation.migrations.script import run

revision = "0029"
down_revision = "0028"

# `name_key` is how names compare. `version` counts every change of a partner, of his identities
# and agreements: each is an event of that number. `tested_by` took him to TESTED.
PARTNERS = """
create table partner (
    tenant text not null,
    partner text collate "C" not null,
    name text not null,
    name_key text collate "C" not null,
    roles text[] not null,
    owner text not null,
    contacts jsonb not null,
    state text not null,
    version bigint not null,
    tested_by text not null default '',
    changed_by text not null,
    changed_at timestamptz not null,
    primary key (tenant, partner),
    unique (tenant, name_key)
);
select guard_table('partner');
revoke delete on partner from crossdock_hub;
"""

# `address` is the form in which identities compare: one belongs to one partner at a time.
IDENTITIES = """
create table partner_identity (
    tenant text not null,
    address text collate "C" not null,
    partner text collate "C" not null,
    kind text not null,
    qualifier text not null,
    value text not null,
    primary key (tenant, address)
);
create index partner_identity_of on partner_identity (tenant, partner);
select guard_table('partner_identity');
"""

AGREEMENTS = """
create table partner_agreement (
    tenant text not null,
    partner text collate "C" not null,
    standard text collate "C" not null,
    document text collate "C" not null,
    direction text collate "C" not null,
    version text not null,
    guide text not null,
    acknowledgment text not null,
    within_minutes integer not null,
    primary key (tenant, partner, standard, document, direction)
);
select guard_table('partner_agreement');
"""


def upgrade() -> None:
    run(PARTNERS + IDENTITIES + AGREEMENTS)


def downgrade() -> None:
    run("drop table partner_agreement, partner_identity, partner;")
