"""What no count has settled, and nobody has decided about: asked for again, and a case (§4.2).

It is withheld from channels until it is settled, so it may not be forgotten: neither where a
second count is refused or does not come, nor where somebody closes its case.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from crossdock.canonical.cases import OpenCase
from crossdock.capabilities.reconciliation import count_store, counted_store, settling
from crossdock.capabilities.reconciliation.count_store import Task
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.hearing import recount, told_of
from crossdock.capabilities.reconciliation.ports import Key
from crossdock.capabilities.reconciliation.settling import CountApproval, CountRow, Matter
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk, each, tenants


class Unsettled:
    def __init__(self, database: Database, clock: Clock, ids: Ids, cases: Desk) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._cases = cases

    async def follow(self) -> None:
        """Look at every tenant; one that fails keeps no other waiting."""
        await each(await tenants(self._database, counted_store.TENANTS), self._look)

    async def _look(self, scope: Scope) -> None:
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            await tx.execute(count_store.ALONE, tx.tenant)
            waiting = await counted_store.waiting(tx)
            unsettled: dict[Key, list[CountRow]] = defaultdict(list)
            for row in filter(settling.is_unsettled, waiting):
                unsettled[row.place].append(row)
            tasks = await count_store.tasks_at(tx, unsettled)
            await self._ask_again(tx, unsettled, tasks, now)
            wanted = [
                settling.unsettled_case(rows, _shown(tasks.get(place)))
                for place, rows in unsettled.items()
                if settling.has_waited(rows, now)
            ]
            wanted += [
                settling.approval_case(row)
                for row in waiting
                if row.approval == CountApproval.WAITING
            ]
            await self._open(tx, wanted, now)

    async def _ask_again(
        self,
        tx: Transaction,
        unsettled: Mapping[Key, Sequence[CountRow]],
        tasks: Mapping[Key, Task],
        now: datetime,
    ) -> None:
        """Ask anew, beside what a day allows: its first task was one of those.

        What a full day had no room for waits for one that has.
        """
        again = [
            recount(tasks.get(place), rows[-1], rows[-1].counted_by, now, self._ids)
            for place, rows in sorted(unsettled.items())
            if any(row.matter != Matter.NOT_ASKED for row in rows)
            and settling.is_to_ask_again(tasks.get(place), now)
        ]
        await count_store.put(tx, again, now)
        await tell(tx, told_of([], again), now)

    async def _open(self, tx: Transaction, wanted: Sequence[OpenCase], now: datetime) -> None:
        """Open those cases that are not: what is open goes on, and counts nothing up."""
        names = [case.fingerprint for case in wanted]
        known = await self._cases.still_open(tx, names)
        await self._cases.opened(
            tx, [case for case in wanted if case.fingerprint not in known], now
        )


def _shown(task: Task | None) -> dict[str, str]:
    """Show what became of the count that was asked for."""
    if task is None:
        return {}
    shown = {"count_id": task.count_id, "status": str(task.status), "because": task.because}
    return {name: value for name, value in shown.items() if value}
