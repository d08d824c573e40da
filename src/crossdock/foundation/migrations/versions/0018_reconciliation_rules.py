"""What a house tolerates and what heals by itself: rules that are put, never changed."""

from crossdock.foundation.migrations.script import run

revision = "0018"
down_revision = "0017"

RULES = """
create table reconciliation_rules (
    tenant text not null,
    version integer not null check (version > 0),
    put_at timestamptz not null,
    put_by text not null,
    content json not null,
    primary key (tenant, version)
);
select guard_table('reconciliation_rules');
revoke update, delete on reconciliation_rules from crossdock_hub;
"""


def upgrade() -> None:
    run(RULES)


def downgrade() -> None:
    run("drop table reconciliation_rules")
