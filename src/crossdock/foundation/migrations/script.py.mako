"""${message}."""

from crossdock.foundation.migrations.script import run

revision = "${up_revision}"
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    run("")


def downgrade() -> None:
    run("")
