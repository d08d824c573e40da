"""PostgreSQL: one pool, transactions that carry their scope, wake-ups between processes."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

import asyncpg

from crossdock.canonical.errors import Forbidden, Invalid, Rejected, Unavailable
from crossdock.foundation.bells import Bell, Bells
from crossdock.foundation.scope import ALL_TENANTS, Scope

HUB_ROLE = "crossdock_hub"
"""Owns nothing and bypasses nothing, so row-level security holds for every statement it runs."""

OUTAGES = (
    Unavailable,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that broke while it was being used
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    OSError,
)
"""Nobody's fault but the database's: the same is tried again, nothing is refused or parked."""

DATABASE_ERRORS = (*OUTAGES, asyncpg.PostgresError)
"""Whatever a database can answer: who works on and on waits a moment and looks again."""


@dataclass(frozen=True, slots=True)
class WorkersSql:
    """A statement that asks across tenants: only a transaction of workers may run it.

    Every other statement names the tenant itself, wherever it touches a table that has one.
    """

    text: str


class Transaction:
    """One open transaction. Statements see only what its scope covers."""

    def __init__(self, connection: Any, scope: Scope) -> None:
        self._connection = connection
        self.scope = scope
        self._wakes: set[str] = set()
        self._afterwards: list[Callable[[], object]] = []

    @property
    def tenant(self) -> str:
        return self.scope.tenant

    def of(self, tenant: str) -> "Transaction":
        """Read on as one tenant, for who serves several in one transaction; only to read."""
        return self if tenant == self.tenant else Transaction(self._connection, Scope(tenant))

    async def fetch(self, sql: str | WorkersSql, *args: Any) -> list[Any]:
        rows: list[Any] = await self._connection.fetch(self._allowed(sql), *args)
        return rows

    async def fetchrow(self, sql: str | WorkersSql, *args: Any) -> Any:
        return await self._connection.fetchrow(self._allowed(sql), *args)

    async def fetchval(self, sql: str | WorkersSql, *args: Any) -> Any:
        return await self._connection.fetchval(self._allowed(sql), *args)

    async def execute(self, sql: str | WorkersSql, *args: Any) -> str:
        status: str = await self._connection.execute(self._allowed(sql), *args)
        return status

    def _allowed(self, sql: str | WorkersSql) -> str:
        if isinstance(sql, str):
            return sql
        if self.scope.tenant != ALL_TENANTS:
            raise Forbidden(
                f"a transaction of tenant {self.scope.tenant!r} asks across tenants:"
                f" {' '.join(sql.text.split())[:80]}",
                code="workers_only",
                hint="run it in Scope.of_workers(), or let it name the tenant",
            )
        return sql.text

    def wake(self, topic: str) -> None:
        """Tell everybody who waits for `topic`, in every process, once this has committed.

        Waking `a:b` wakes those who wait for `a` too.
        """
        self._wakes.add(topic)

    def afterwards(self, act: Callable[[], object]) -> None:
        """Do this once it has committed, and never if it does not: to count what was done."""
        self._afterwards.append(act)

    def committed(self) -> None:
        for act in self._afterwards:
            act()

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """Undo the block alone if it fails; the transaction goes on."""
        await self._connection.execute("savepoint block")
        try:
            yield
        except BaseException:
            # Released too: else a block around this one would be undone to here, and no further.
            await self._connection.execute("rollback to block; release block")
            raise
        await self._connection.execute("release block")

    @property
    def wakes(self) -> frozenset[str]:
        return frozenset(self._wakes)


# What the hub asks at work, it asks by key and for a handful: one plan that goes by index serves
# whatever is asked and however large a table grows. To plan each question anew was a third of what
# PostgreSQL did, and a plan made by a small table's figures reads all of the large one after it.
_BY_KEY = {"plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}


# What this statement sees was committed below the snapshot's end: in the cluster that wrote it.
COUNTED = WorkersSql("""
select coalesce(greatest((select tx from event_log order by tx desc limit 1),
        (select tx from log_reader order by tx desc limit 1)), '0')::text::bigint as newest,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint as coming,
    event_log_below()::text::bigint
        - pg_snapshot_xmin(pg_current_snapshot())::text::bigint as ahead
""")


ONE_MOMENT = "begin isolation level repeatable read, read only"

KEPT_MAX = 3
"""So many connections stay in hand while nobody waits for one: to give one back to the pool and
take it again costs as much as a small statement."""


class Database:
    """A pool of connections that act as the non-owner role, and the wake-ups they send."""

    def __init__(self, pool: Any, dsn: str) -> None:
        self._pool = pool
        self._dsn = dsn
        self._bells = Bells(dsn)
        self._kept: list[Any] = []
        self._kept_max = KEPT_MAX
        self._waiting = 0

    @classmethod
    async def open(cls, dsn: str, *, pool_size: int = 10) -> Self:
        """Connect; raise `Unavailable` with the reason when the server cannot be reached."""
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=pool_size,
                command_timeout=60,
                init=_check_counted,
                # Everything we set is set for the transaction only, so nothing needs undoing.
                reset=_leave_as_is,
                server_settings={
                    **_BY_KEY,
                    "role": HUB_ROLE,
                    "application_name": "crossdock",
                    "timezone": "UTC",
                    "idle_in_transaction_session_timeout": "60s",
                    "tcp_keepalives_idle": "10",
                    "tcp_keepalives_interval": "5",
                    "tcp_keepalives_count": "3",
                },
            )
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
            raise unreachable(dsn, error) from error
        return cls(pool, dsn)

    async def close(self) -> None:
        await self._bells.close()
        self._kept_max = 0
        while self._kept:
            await self._pool.release(self._kept.pop())
        await self._pool.close()

    @asynccontextmanager
    async def transaction(
        self, scope: Scope, *, is_one_moment: bool = False
    ) -> AsyncIterator[Transaction]:
        """Commit when the block ends, roll back when it raises. One service method is one.

        `is_one_moment` is for answers of several statements that must agree: all of them see the
        same moment, and none can write.
        """
        begin = ONE_MOMENT if is_one_moment else "begin"
        async with self._connection() as connection:
            transaction = Transaction(connection, scope)
            try:
                # One round trip; the names were checked when the scope was made.
                await connection.execute(
                    f"{begin}; set local crossdock.tenant = '{scope.tenant}';"
                    f" set local crossdock.partner = '{scope.partner}'"
                )
                yield transaction
            except BaseException:
                with suppress(*DATABASE_ERRORS):
                    await connection.execute("rollback")
                raise
            await connection.execute("commit")
            transaction.committed()
            if transaction.wakes:
                self._bells.wake(transaction.wakes)

    async def call(self, sql: str, *args: Any) -> list[Any]:
        """Run one statement as a transaction of its own, in one round trip.

        It sees nothing unless it sets its scope itself, as the functions of hot paths do.
        """
        async with self._connection() as connection:
            rows: list[Any] = await connection.fetch(sql, *args)
        return rows

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        """Give a connection; it stays in hand unless it failed or somebody waits for one."""
        connection = await self._in_hand()
        try:
            yield connection
        except BaseException as error:
            await self._pool.release(connection)
            if isinstance(error, asyncpg.CharacterNotInRepertoireError):
                raise Invalid("a text holds a NUL character, which cannot be kept") from error
            raise
        if self._waiting or len(self._kept) >= self._kept_max:
            await self._pool.release(connection)
        else:
            self._kept.append(connection)

    async def _in_hand(self) -> Any:
        """Take a connection that was kept, if it still lives; else one of the pool."""
        while self._kept:
            connection = self._kept.pop()
            with suppress(asyncpg.InterfaceError):  # lost, and the pool has it back already
                if not connection.is_closed():
                    return connection
                await self._pool.release(connection)
        self._waiting += 1
        try:
            return await self._pool.acquire()
        finally:
            self._waiting -= 1

    def nudge(self, topic: str) -> None:
        """Tell who waits for `topic` that a `call` has left work; of many calls, now and then."""
        self._bells.nudge(topic)

    def bell(self, *topics: str) -> Bell:
        """Wait for any of these topics to be woken from any process."""
        return self._bells.bell(*topics)


def unreachable(dsn: str, error: BaseException) -> Unavailable:
    """Name the server without its password, and what to do."""
    where = dsn.rsplit("@", 1)[-1]
    reason = str(error) or type(error).__name__
    return Unavailable(
        f"PostgreSQL at {where} does not answer: {reason}",
        code="database_unreachable",
        hint="check CROSSDOCK_DSN and that the server runs",
    )


async def check_isolation(database: Database) -> None:
    """Prove that row-level security binds this role; refuse to start otherwise (D13).

    Three ways it could be void are looked for: a superuser, a role that bypasses it, and a table
    of ours without it (or owned by us without FORCE).
    """
    async with database.transaction(Scope("isolation-self-test")) as tx:
        role = await tx.fetchrow(
            "select rolname, rolsuper, rolbypassrls from pg_roles where rolname = current_user"
        )
        if role["rolsuper"] or role["rolbypassrls"]:
            raise Rejected(
                f"database role {role['rolname']} bypasses row-level security",
                code="isolation_void",
                hint=f"grant {HUB_ROLE} to the login in CROSSDOCK_DSN and let it not be superuser",
            )
        open_tables = await tx.fetchval(
            "select string_agg(c.relname, ', ' order by c.relname) from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace"
            " join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant'"
            " where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition"
            " and not (c.relrowsecurity and c.relforcerowsecurity)"
        )
        if open_tables:
            raise Rejected(
                f"these tables have no row-level security: {open_tables}",
                code="isolation_void",
                hint="run `crossdock migrate`",
            )


async def _check_counted(connection: Any) -> None:
    """Refuse a new connection to a cluster that counts anew, until the log counts on in it.

    What is written there would lie before all that the readers of the log have heard.
    """
    await connection.execute("begin; set local crossdock.tenant = '*'")
    try:
        row = await connection.fetchrow(COUNTED.text)
        is_behind = row["newest"] >= row["coming"] + row["ahead"]
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedFunctionError):
        is_behind = True  # a dump may be on its way into it
    await connection.execute("rollback")
    if is_behind:
        raise Unavailable(
            "the database is another than the log was written in, and is not prepared yet",
            code="log_elsewhere",
            hint="when the dump is restored, run `crossdock migrate`",
        )


async def _leave_as_is(_connection: Any) -> None:
    """Skip the pool's own clean-up round trip."""
