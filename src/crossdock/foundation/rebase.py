"""Lets the hub go on in another cluster: where a dump of its database was restored (D2).

Two things are the cluster's, and in no dump. The role that the hub acts as has to be there before
the dump is restored: what is granted to it is. And transactions are counted by the cluster, anew
in each: what is written next would come before all
that the log holds, and no reader would ever hear it. So the log counts on from where it ends. What
it holds stays as it is, and so does every place in it that somebody keeps: cursors, and the ids
that callers of `GET /v1/log` resume by. What was written after the dump is not in it: a place
there is none of this log, and is not given again where the log counts on.
"""

from typing import Any

import asyncpg
import structlog
from sqlalchemy import Connection
from sqlalchemy.util import await_only

from crossdock.canonical.errors import Rejected
from crossdock.foundation import database
from crossdock.foundation.database import HUB_ROLE
from crossdock.foundation.migrations.role import JOIN

log = structlog.get_logger(__name__)

STANDING = f"""
select quote_ident(current_user) as login,
    coalesce(has_table_privilege(to_regrole('{HUB_ROLE}'), 'event_log', 'select'), false) as may
"""
AS_WORKERS = "select set_config('crossdock.tenant', '*', true)"

GAP = 2**32
"""So far behind its end the log counts on. What the lost log counted after the dump lies between,
and so do the transactions that others had open already: neither is taken for what comes."""

COUNT_ON = """
create or replace function event_log_tx() returns xid8 language sql stable as $$
select (pg_current_xact_id()::text::bigint + {ahead})::text::xid8
$$;
create or replace function event_log_below() returns xid8 language sql stable as $$
select (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + {ahead})::text::xid8
$$;
"""


def counted_on(newest: int, coming: int, ahead: int) -> int:
    """Say how far ahead of its cluster the log counts, so that what comes is behind all it holds.

    It is never less than before, and the same where the cluster is the one that wrote the log.
    """
    return ahead if newest < coming + ahead else newest + GAP - coming


def settle(connection: Connection) -> None:
    """Make the hub at home in the cluster that its database is in; the caller has the lock."""
    _check_role(connection)
    connection.exec_driver_sql(AS_WORKERS)
    row = connection.exec_driver_sql(database.COUNTED.text).one()
    connection.commit()
    ahead = counted_on(row.newest, row.coming, row.ahead)
    if ahead != row.ahead:
        _run(connection, COUNT_ON.format(ahead=ahead))
        log.warning("the log goes on in another cluster", newest=row.newest, ahead=ahead)


def _check_role(connection: Connection) -> None:
    standing = connection.exec_driver_sql(STANDING).one()
    connection.commit()
    if not standing.may:
        raise Rejected(
            f"the role {HUB_ROLE} has no rights on the tables: they were restored from a dump"
            " before the role was there, or from one made with --no-privileges",
            code="role_without_rights",
            hint=f"as an administrator: create role {HUB_ROLE} nologin; grant {HUB_ROLE} to"
            f" {standing.login}; then make the database anew and restore a dump with privileges",
        )
    try:
        _run(connection, JOIN)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Rejected(
            f"the login {standing.login} may not act as the role {HUB_ROLE}",
            code="role_without_rights",
            hint=f"as an administrator: grant {HUB_ROLE} to {standing.login}",
        ) from error


def _run(connection: Connection, script: str) -> None:
    """Send several statements, which the driver takes only outside `execute`, as one."""
    driver: Any = connection.connection.driver_connection
    await_only(driver.execute(script))
