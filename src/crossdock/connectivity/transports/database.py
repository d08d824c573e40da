"""Polling somebody else's PostgreSQL with queries of their making: read-only, bounded, gapless.

A query is asked for page after page in the order of (change column, key column). Each round
begins an overlap before the newest change seen: sources stamp rows when a transaction starts and
show them when it ends, so a change may appear behind one that was read long ago.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self, cast

import asyncpg

from crossdock.canonical.errors import CrossdockError, Forbidden, Invalid, Rejected, Unavailable
from crossdock.connectivity.transports.database_dialling import dial
from crossdock.connectivity.transports.database_reach import ENCODE, Reach, server_named
from crossdock.connectivity.transports.database_tls import HINT

TIME_TYPES = frozenset({"timestamptz", "timestamp", "date"})
NUMBER_TYPES = frozenset({"int2", "int4", "int8", "numeric"})
_FORBIDDEN = (
    asyncpg.InsufficientPrivilegeError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidPasswordError,
)
# Classes of SQLSTATE that pass: connection, resources, operator, system, rollback, object in use.
_PASSING = frozenset({"08", "53", "57", "58", "40", "55"})
# What the driver raises of a connection that died under a statement.
_LOST = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_UNREACHABLE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to the source. `columns` must be among what it answers.

    `overlap` is in seconds for a change column of times, in counts for one of numbers: longer
    than the source's longest transaction.
    """

    name: str
    sql: str
    change_column: str
    key_column: str
    columns: tuple[str, ...] = ()
    overlap: int = 600


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where in a round we are. All texts, as PostgreSQL writes them: no digit is lost on the way.

    `since` is where the round began (less the overlap), `high` the newest change when it did: the
    next round begins there, however long this one took. `change` and `key` are the last row read.
    """

    since: str = ""
    high: str = ""
    change: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows as JSON objects that keep every digit; `is_last` ends the round."""

    rows: tuple[str, ...]
    bookmark: Bookmark
    is_last: bool


@dataclass(frozen=True, slots=True)
class Found:
    """Rows of some keys as JSON objects, the moment of the reading, and whether any is there.

    `has_any`: the query has a row of this place at all, whatever the item.
    """

    rows: tuple[str, ...]
    at: str
    has_any: bool


@dataclass(frozen=True, slots=True)
class _Statements:
    check: str
    high: str
    page: str


class PolledDatabase:
    """A session that can only read; a lost connection is opened again at the next question."""

    def __init__(
        self,
        dsn: str,
        *,
        reach: Reach,
        statement_seconds_max: int = 30,
        application_name: str = "crossdock",
    ) -> None:
        self._dsn = dsn
        self._reach = reach
        self._statement_seconds_max = statement_seconds_max
        self._application_name = application_name
        self._connection: Any = None
        self._one_at_a_time = asyncio.Lock()
        self._statements: dict[Query, _Statements] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._connection:
            await self._connection.close(timeout=5)

    async def version(self) -> str:
        async with self._reading() as connection:
            found: str = await connection.fetchval("show server_version")
        return found

    async def check(self, query: Query) -> None:
        """Prove that a query runs, has its columns, and leaves no row without its place."""
        async with self._reading(query) as connection:
            row = await connection.fetchrow((await self._of(query, connection)).check)
        if row:
            raise Invalid(
                f"Query {query.name!r} has a row (key {row['key']}) whose {query.change_column!r} "
                f"or {query.key_column!r} is null: it would never be read",
                where=query.name,
                hint="write coalesce(changed_at, created_at), or leave such rows out",
            )

    async def page(self, query: Query, bookmark: Bookmark, rows_max: int) -> Page:
        """Read the next rows of the round; after its last page a new round begins."""
        async with self._reading(query) as connection:
            statements = await self._of(query, connection)
            at = bookmark
            if not at.change:
                high = await connection.fetchval(statements.high, at.high or None)
                at = Bookmark(since=at.high, high=high or "")
            found = await connection.fetch(
                statements.page,
                at.since or None,
                query.overlap,
                at.change or None,
                at.key,
                rows_max,
            )
        rows = tuple(row["json"] for row in found[:rows_max])
        if len(found) <= rows_max:
            return Page(rows, Bookmark(high=at.high), is_last=True)
        last, after = found[rows_max - 1], found[rows_max]
        if (last["change"], last["key"]) == (after["change"], after["key"]):
            raise Invalid(
                f"Query {query.name!r} has two rows with {query.change_column!r} {last['change']} "
                f"and {query.key_column!r} {last['key']}: one of them would be skipped",
                where=query.name,
                hint="name a key column that is unique in the query's answer",
            )
        return Page(rows, Bookmark(at.since, at.high, last["change"], last["key"]), is_last=False)

    async def find(
        self, query: Query, column: str, values: Sequence[str], place: tuple[str, str] | None
    ) -> Found:
        """Read the rows whose `column` is one of these, at one `place` (its column and value)."""
        where = f"crossdock_row.{_name(column)}::text = any($1::text[])"
        at_place = f"crossdock_row.{_name(place[0])}::text = $2" if place else "$2::text = ''"
        source = _source(query)
        async with self._reading(query) as connection:
            await self._of(query, connection)
            wanted = place[1] if place else ""
            at: str = await connection.fetchval("select to_json(statement_timestamp()) #>> '{}'")
            rows = await connection.fetch(
                f"select row_to_json(crossdock_row)::text as json from {source}"  # noqa: S608 - the query is its owner's, names are quoted
                f" where {where} and {at_place}",
                list(values),
                wanted,
            )
            has_any = place is None or await connection.fetchval(
                f"select exists (select from {source}"  # noqa: S608 - the query is its owner's, names are quoted
                f" where crossdock_row.{_name(place[0])}::text = $1)",
                wanted,
            )
        return Found(tuple(row["json"] for row in rows), at, bool(has_any))

    @asynccontextmanager
    async def _reading(self, query: Query | None = None) -> AsyncGenerator[Any]:
        async with self._one_at_a_time, _told(query):
            if self._connection is None or self._connection.is_closed():
                self._connection = await self._opened()
            try:
                async with self._connection.transaction(readonly=True):
                    yield self._connection
            except _LOST:
                self._connection.terminate()
                raise

    async def _opened(self) -> Any:
        """Connect; the server itself refuses writes and long statements of this session."""
        places = await self._reach.dialled(self._dsn)
        try:
            opened = await dial(places, self._connected, self._reach.dial_seconds_max)
        except _UNREACHABLE as error:
            raise _unreachable(self._dsn, error) from None
        try:
            await self._reach.admit(opened)
        except BaseException:
            opened.terminate()
            raise
        return opened

    async def _connected(self, **way: Any) -> Any:
        return await cast("Any", asyncpg).connect(
            self._dsn,
            **way,
            command_timeout=self._statement_seconds_max + 5,
            server_settings={
                "application_name": self._application_name,
                "default_transaction_read_only": "on",
                "statement_timeout": f"{self._statement_seconds_max}s",
                "idle_in_transaction_session_timeout": "60s",
                "timezone": "UTC",
                "datestyle": "ISO",
                "intervalstyle": "postgres",
            },
        )

    async def _of(self, query: Query, connection: Any) -> _Statements:
        if query not in self._statements:
            prepared = await connection.prepare(f"select * from {_source(query)}")  # noqa: S608 - the query is its owner's, names are quoted
            types = {column.name: column.type for column in prepared.get_attributes()}
            _check_columns(query, types)
            self._statements[query] = _statements(query, types)
        return self._statements[query]


@asynccontextmanager
async def _told(query: Query | None = None) -> AsyncGenerator[None]:
    """Say in our words what PostgreSQL refused, and what to do about it."""
    name = f"Query {query.name!r}" if query else "The database"
    where = query.name if query else ""
    try:
        yield
    except CrossdockError:
        raise
    except asyncpg.QueryCanceledError:
        raise Unavailable(
            f"{name} ran longer than it may", hint="index the change column, or narrow the query"
        ) from None
    except asyncpg.ReadOnlySQLTransactionError as error:
        raise Rejected(f"{name} tries to write: {error}", code="query_writes") from None
    except _FORBIDDEN as error:
        raise Forbidden(f"{name} is not allowed: {error}") from None
    except asyncpg.PostgresError as error:
        if str(getattr(error, "sqlstate", ""))[:2] not in _PASSING:
            raise Invalid(f"{name} does not run: {error}", where=where) from None
        raise Unavailable(f"{name} was not answered: {error}") from None
    except _LOST as error:
        raise Unavailable(f"{name} got no answer: {str(error) or type(error).__name__}") from None


def _check_columns(query: Query, types: dict[str, Any]) -> None:
    needed = (query.change_column, query.key_column, *query.columns)
    missing = [name for name in dict.fromkeys(needed) if name not in types]
    if missing:
        raise Invalid(
            f"Query {query.name!r} has no column {_listed(missing)}; it has {_listed(types)}",
            where=query.name,
            hint="name the column in the query (`select x as y`), or in the settings",
        )
    kind = types[query.change_column].name
    if kind not in TIME_TYPES | NUMBER_TYPES:
        raise Invalid(
            f"Query {query.name!r}: {query.change_column!r} is a {kind}; changes are ordered by a "
            "time or a number",
            where=query.name,
        )


def _statements(query: Query, types: dict[str, Any]) -> _Statements:
    """Put our questions around the query."""
    source = _source(query)
    change, key = (f"crossdock_row.{_name(n)}" for n in (query.change_column, query.key_column))
    change_type, key_type = _type(types[query.change_column]), _type(types[query.key_column])
    is_time = types[query.change_column].name in TIME_TYPES
    overlap = "make_interval(secs => $2::int)" if is_time else "$2::int"
    newest = f"max({change})"
    if is_time:
        # A row dated into the future must not hide what changes before that day.
        newest = f"least({newest}, now()::{change_type})"
    # The query is its owner's, who has the database anyway; it runs in a transaction that reads.
    return _Statements(
        check=(
            f"select {key}::text as key from {source}"  # noqa: S608 - the query is its owner's, names are quoted
            f" where {change} is null or {key} is null limit 1"
        ),
        high=f"select greatest({newest}, $1::text::{change_type})::text from {source}",  # noqa: S608 - the query is its owner's, names are quoted
        page=(
            f"select row_to_json(crossdock_row)::text as json,"  # noqa: S608 - the query is its owner's, names are quoted
            f" {change}::text as change, {key}::text as key from {source}"
            f" where ($1::text is null or {change} >= $1::text::{change_type} - {overlap})"
            f" and ($3::text is null"
            f" or ({change}, {key}) > ($3::text::{change_type}, $4::text::{key_type}))"
            f" order by {change}, {key} limit $5::int + 1"
        ),
    )


def _source(query: Query) -> str:
    # The bracket closes on a line of its own: the query may end in a comment.
    return f"({query.sql.strip().rstrip(';')}\n) crossdock_row"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _type(found: Any) -> str:
    return f"{_name(found.schema)}.{_name(found.name)}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _unreachable(dsn: str, error: BaseException) -> CrossdockError:
    """Name the server, never the password."""
    where = server_named(dsn)
    if isinstance(error, _FORBIDDEN):
        return Forbidden(f"PostgreSQL at {where} refuses us: {error}")
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        # The driver quotes what it could not read.
        return Unavailable(f"the DSN of PostgreSQL at {where} cannot be read", hint=ENCODE)
    hint = "check the address, the firewall and that the server runs"
    if isinstance(error, ssl.SSLCertVerificationError):
        hint = f"have its certificate proven: {HINT}"
    return Unavailable(
        f"PostgreSQL at {where} does not answer: {str(error) or type(error).__name__}", hint=hint
    )
