"""Brings the database schema to the version this code was written for, and back."""

import logging
from collections.abc import Callable
from functools import cache
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from crossdock.canonical.errors import Invalid, Rejected
from crossdock.foundation import rebase
from crossdock.foundation.database import HUB_ROLE, unreachable

logging.getLogger("alembic").setLevel(logging.WARNING)

# Two processes that start together: the second waits, then finds nothing to do.
MIGRATION_LOCK = 7_305_881_194

NO_RIGHT = "42501"


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def head() -> str:
    """Name the newest revision that this code knows."""
    return revisions()[-1]


@cache
def revisions() -> tuple[str, ...]:
    """Name every revision that this code knows, the oldest first: one line, without branches."""
    known = ScriptDirectory.from_config(_config()).walk_revisions()
    return tuple(script.revision for script in known)[::-1]


def is_below(revision: str, other: str | None) -> bool:
    """Say whether going from `other` to `revision` is going back."""
    known = ["base", *revisions()]
    return revision in known and other in known and known.index(revision) < known.index(other)


async def upgrade(dsn: str, revision: str = "head") -> None:
    """Apply what is missing, as the login in `dsn` (which owns the tables); safe to repeat."""
    await _with_connection(dsn, lambda connection: _locked(connection, revision, up=True))


async def downgrade(dsn: str, revision: str) -> None:
    await _with_connection(dsn, lambda connection: _locked(connection, revision, up=False))


async def current(dsn: str) -> str | None:
    """Name the revision the database is at; None for an empty one."""
    found: list[str | None] = []

    def look(connection: Connection) -> None:
        found.append(MigrationContext.configure(connection).get_current_revision())

    await _with_connection(dsn, look)
    return found[0]


def _locked(connection: Connection, revision: str, *, up: bool) -> None:
    connection.exec_driver_sql(f"select pg_advisory_lock({MIGRATION_LOCK})")
    connection.commit()
    try:
        found = MigrationContext.configure(connection).get_current_revision()
        _check(found, revision)
        if found is not None:
            connection.commit()
            rebase.settle(connection)
        is_there = up and found == head() and revision in {"head", found}
        if not is_there:  # to be told so by the scripts takes longer than all the rest
            (command.upgrade if up else command.downgrade)(_config(connection), revision)
        connection.commit()
    finally:
        connection.rollback()  # of what failed: else no unlock is heard, and that is told
        connection.exec_driver_sql(f"select pg_advisory_unlock({MIGRATION_LOCK})")
        connection.commit()


def _check(found: str | None, wanted: str) -> None:
    known = revisions()
    if found is not None and found not in known:
        raise Rejected(
            f"the database is at revision {found}: this code is older, it knows {known[-1]}",
            code="schema_newer",
            hint="upgrade crossdock",
        )
    if wanted not in {"base", "head", *known}:
        raise Invalid(
            f"there is no revision {wanted!r}",
            where="revision",
            hint=f"these are: base, {', '.join(known)}, head",
        )


async def _with_connection(dsn: str, work: Callable[[Connection], None]) -> None:
    engine: AsyncEngine = create_async_engine(
        make_url(dsn).set(drivername="postgresql+asyncpg"), poolclass=NullPool
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(work)
    except asyncpg.InsufficientPrivilegeError as error:
        raise without_rights(dsn, str(error)) from error
    except (OSError, DBAPIError) as error:
        if getattr(getattr(error, "orig", None), "sqlstate", "") == NO_RIGHT:
            raise without_rights(dsn, str(error.__cause__)) from error
        if isinstance(error, DBAPIError) and not error.connection_invalidated:
            raise
        raise unreachable(dsn, error) from error
    finally:
        await engine.dispose()


def without_rights(dsn: str, reason: str) -> Rejected:
    """Word what an administrator has to type: from PostgreSQL 15 on, owners alone may create."""
    where = make_url(dsn)
    told = where.username or where.query.get("user")
    login = told if isinstance(told, str) else "LOGIN"
    place = f"in the database {where.database}" if where.database else "in the database"
    said = reason.rpartition(": ")[2]
    if "for schema " in said:
        hint = f"{place}: grant create on schema public to {login}"
    elif " role" in said:
        hint = f"create role {HUB_ROLE} nologin; grant {HUB_ROLE} to {login}"
    else:
        hint = (
            f"{place}: grant it, or, where another login made what is there:"
            f" reassign owned by THE_OTHER to {login}"
        )
    whose = "the hub's login" if login == "LOGIN" else f"the login {login}"
    return Rejected(
        f"{whose} may not make the tables: {said}",
        code="role_without_rights",
        hint=f"as an administrator, {hint}",
    )
