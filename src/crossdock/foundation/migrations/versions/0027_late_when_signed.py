"""What was posted late to a period by its sign-off, so that what comes behind it is told apart."""

from crossdock.foundation.migrations.script import run

revision = "0027"
down_revision = "0026"

# As the transaction saw it that signed the period off; it is never changed.
LATE = """
create table reconciliation_period_late (
    tenant text not null,
    period text collate "C" not null,
    against text collate "C" not null,
    location text collate "C" not null,
    item text collate "C" not null,
    micros bigint not null,
    postings integer not null,
    primary key (tenant, period, against, location, item)
);
select guard_table('reconciliation_period_late');
"""


def upgrade() -> None:
    run(LATE)


def downgrade() -> None:
    run("drop table reconciliation_period_late;")
