"""Whether every reader of the log keeps up, and who holds the log back where one does not."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from crossdock.foundation import event_log, readers
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.health import Check, State
from crossdock.foundation.scope import Scope

NAME = "Readers"
LAG_MAX = timedelta(minutes=1)
AGAIN_SECONDS = readers.IDLE_SECONDS + 1
FIX_STANDING = (
    "crossdock serve  (or: crossdock worker; where one runs, its log says why a reader waits)"
)

# The oldest transaction that writes, in whatever database of the cluster: what is committed after
# it has begun is read when it has ended. One that was prepared belongs to no process. Since when
# the sessions of other logins are in a transaction is shown to members of pg_read_all_stats alone,
# and to the role of the hub not even that of its own login: it is the login that asks.
AS_LOGIN = "set local role none"
HOLDER = """
select l.pid, p.gid, coalesce(a.datname, p.database, '') as database,
    coalesce(a.application_name, '') as application, coalesce(a.usename, p.owner, '') as login,
    clock_timestamp() - coalesce(a.xact_start, p.prepared) as age,
    quote_ident(session_user) as asked_by
from pg_locks l left join pg_stat_activity a on a.pid = l.pid
left join pg_prepared_xacts p on p.transaction = l.transactionid
where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
    and l.transactionid = pg_snapshot_xmin(pg_current_snapshot())::xid
limit 1
"""


class Lag(NamedTuple):
    """How long the next event of a reader has waited, and whether it is hidden from it."""

    by: timedelta
    is_hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose open transaction hides what was committed after it.

    `age` is None if it is not shown to `asked_by`, the hub's own login.
    """

    pid: int | None
    gid: str | None
    database: str
    application: str
    login: str
    age: timedelta | None
    asked_by: str

    @property
    def is_old(self) -> bool:
        return self.age is not None and self.age > LAG_MAX

    def told(self) -> str:
        """Say who it is, and for how long it has been open."""
        who = f"pid {self.pid}" if self.pid else f"the prepared transaction {self.gid!r}"
        since = "for a time that is not shown" if self.age is None else f"for {_spell(self.age)}"
        names = (self.application, f"login {self.login}", f"database {self.database}")
        whose = ", ".join(filter(None, names))
        return f"{who} ({whose}) has had a transaction open {since}: it hides what came after it"

    def fix(self) -> str:
        """Say how to end it, and how to see more."""
        ends = f"select pg_terminate_backend({self.pid})"
        if not self.pid:
            ends = f"rollback prepared '{self.gid}' in database {self.database}"
        fix = f"let it commit, or end it: {ends}"
        if self.age is None:
            fix += f"; to see since when: grant pg_read_all_stats to {self.asked_by}"
        return fix


async def check_readers_twice(database: Database, names: Collection[str], clock: Clock) -> Check:
    """Look again before a failure is told.

    A fact that has waited for its item comes into the log with the age that it has: whom it does
    not concern passes it at its next look, and is not behind.
    """
    check = await check_readers(database, names, clock.now())
    if check.state is State.FAIL:
        await clock.sleep(AGAIN_SECONDS)
        check = await check_readers(database, names, clock.now())
    return check


async def check_readers(database: Database, names: Collection[str], now: datetime) -> Check:
    """Look for readers that lag over a minute, and for who hides the log from them."""
    async with database.transaction(Scope.of_workers()) as tx:
        lags = {
            row["name"]: Lag(timedelta(seconds=row["seconds"]), row["is_hidden"])
            for row in await tx.fetch(readers.LAGS, now)
            if row["name"] in names
        }
        is_hidden = await event_log.is_hidden(tx)
        holder = await _holder(tx)
    return judged(lags, holder, is_hidden=is_hidden)


def judged(lags: dict[str, Lag], holder: Holder | None, *, is_hidden: bool) -> Check:
    """Make a finding of how far readers are behind, and of who holds the log back.

    Who holds it back is to blame for a reader only if the next event of that reader is hidden:
    at any moment somebody writes, and something newer is committed.
    """
    late = {name: lag for name, lag in lags.items() if lag.by > LAG_MAX}
    behind = ", ".join(f"{name} is {_spell(lag.by)} behind" for name, lag in sorted(late.items()))
    if holder and any(lag.is_hidden for lag in late.values()):
        fix = holder.fix()
        if not all(lag.is_hidden for lag in late.values()):
            fix += f"; for the others: {FIX_STANDING}"
        return Check(NAME, State.FAIL, f"{behind}; {holder.told()}", fix)
    if late:
        return Check(NAME, State.FAIL, behind, FIX_STANDING)
    if holder and holder.is_old:
        state = State.FAIL if is_hidden else State.WARN
        return Check(NAME, state, holder.told(), holder.fix())
    return Check(NAME, State.OK, f"{len(lags)} keep up with the log")


async def _holder(tx: Transaction) -> Holder | None:
    await tx.execute(AS_LOGIN)
    row = await tx.fetchrow(HOLDER)
    return Holder(**row) if row else None


def _spell(lag: timedelta) -> str:
    seconds = lag.total_seconds()
    return f"{seconds:.0f} s" if seconds < 2 * 60 else f"{seconds / 60:.0f} min"
