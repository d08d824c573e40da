"""Whether every reader of the log keeps up, and who holds the log back where one does not."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from crossdock.foundation import event_log, readers
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.health import Check, State
from crossdock.foundation.scope import Scope

NAME = "Readers"
LAG_MAX = timedelta(minutes=1)
FIX_STANDING = (
    "crossdock serve  (or: crossdock worker; where one runs, its log says why a reader waits)"
)

# The oldest transaction that writes, in whatever database of the cluster: what is committed after
# it has begun is read when it has ended. One that was prepared belongs to no process. Locks are
# shown to everybody, what the sessions of others do only to members of pg_read_all_stats.
HOLDER = """
select l.pid, p.gid, coalesce(a.datname, p.database, '') as database,
    coalesce(a.application_name, '') as application, coalesce(a.usename, p.owner, '') as login,
    clock_timestamp() - coalesce(a.xact_start, p.prepared) as age
from pg_locks l left join pg_stat_activity a on a.pid = l.pid
left join pg_prepared_xacts p on p.transaction = l.transactionid
where l.locktype = 'transactionid' and l.mode = 'ExclusiveLock' and l.granted
    and l.transactionid = pg_snapshot_xmin(pg_current_snapshot())::xid
limit 1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose open transaction hides what was committed after it. `age` is None if not shown."""

    pid: int | None
    gid: str | None
    database: str
    application: str
    login: str
    age: timedelta | None

    @property
    def is_old(self) -> bool:
        return self.age is not None and self.age > LAG_MAX

    def told(self) -> str:
        """Say who it is, and for how long it has been open."""
        who = f"pid {self.pid}" if self.pid else f"the prepared transaction {self.gid!r}"
        whose = self.application or "an application that is not shown"
        since = "for a time that is not shown" if self.age is None else f"for {_spell(self.age)}"
        where = f"{whose}, login {self.login}, database {self.database}"
        return f"{who} ({where}) has had a transaction open {since}: it hides what came after it"

    def fix(self) -> str:
        """Say how to end it, and how to see more."""
        ends = f"select pg_terminate_backend({self.pid})"
        if not self.pid:
            ends = f"rollback prepared '{self.gid}' in database {self.database}"
        fix = f"let it commit, or end it: {ends}"
        if self.age is None:
            fix += "; to see more: grant pg_read_all_stats to crossdock_hub"
        return fix


async def check_readers(database: Database, names: Collection[str], now: datetime) -> Check:
    """Look for readers that lag over a minute, and for who hides the log from them."""
    async with database.transaction(Scope.of_workers()) as tx:
        lags = {
            row["name"]: timedelta(seconds=row["seconds"])
            for row in await tx.fetch(readers.LAGS, now)
            if row["name"] in names
        }
        is_hidden = await event_log.is_hidden(tx)
        holder = await _holder(tx)
    return judged(lags, holder, is_hidden=is_hidden)


def judged(lags: dict[str, timedelta], holder: Holder | None, *, is_hidden: bool) -> Check:
    """Make a finding of how far readers are behind, and of who holds the log back."""
    late = {name: lag for name, lag in lags.items() if lag > LAG_MAX}
    behind = ", ".join(f"{name} is {_spell(lag)} behind" for name, lag in sorted(late.items()))
    if late and is_hidden and holder:
        return Check(NAME, State.FAIL, f"{behind}; {holder.told()}", holder.fix())
    if late:
        return Check(NAME, State.FAIL, behind, FIX_STANDING)
    if holder and holder.is_old:
        state = State.FAIL if is_hidden else State.WARN
        return Check(NAME, state, holder.told(), holder.fix())
    return Check(NAME, State.OK, f"{len(lags)} keep up with the log")


async def _holder(tx: Transaction) -> Holder | None:
    row = await tx.fetchrow(HOLDER)
    return Holder(**row) if row else None


def _spell(lag: timedelta) -> str:
    seconds = lag.total_seconds()
    return f"{seconds:.0f} s" if seconds < 2 * 60 else f"{seconds / 60:.0f} min"
