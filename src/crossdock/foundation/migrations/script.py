"""Runs a script of several statements inside a revision's transaction."""

from typing import Any

from alembic import op
from sqlalchemy.util import await_only


def run(sql: str) -> None:
    """Send the script as it is; the driver takes several statements only outside `execute`."""
    op.execute("select 1")  # opens the revision's transaction, if nothing has yet
    driver: Any = op.get_bind().connection.driver_connection
    if sql.strip():
        await_only(driver.execute(sql))
