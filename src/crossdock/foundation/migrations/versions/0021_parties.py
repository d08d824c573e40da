"""Parties: who trades, whatever each system calls them."""

from crossdock.foundation.migrations.script import run

revision = "0021"
down_revision = "0020"

PARTIES = """
create table party (
    tenant text not null,
    party text not null,
    code text not null,
    legal_name text not null,
    kind text not null,
    roles text[] not null,
    status text not null,
    parent text not null,
    gln text not null,
    duns text not null,
    tax_ids text[] not null,
    source text not null,
    changed_at timestamptz not null,
    primary key (tenant, party)
);
select guard_table('party');
"""


def upgrade() -> None:
    run(PARTIES)


def downgrade() -> None:
    run(
        """
        drop table party;
        delete from xref where entity_type = 'party';
        delete from catalog_version where entity_type = 'party';
        """
    )
