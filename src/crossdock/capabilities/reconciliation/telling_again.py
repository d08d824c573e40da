"""To whom count tasks went, and those that are open told again to who takes tasks since."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from crossdock.canonical.reconciliation import CountTaskChanged
from crossdock.capabilities.reconciliation import count_store
from crossdock.capabilities.reconciliation.count_store import Task, TaskStatus
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.foundation.database import Transaction

AGAIN_AFTER = timedelta(minutes=10)
AGAIN_MAX = 500
"""So many tasks are told again at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentTo:
    """A connection that was told of a task, and what became of that.

    `answer` is WAITING, TAKEN, REFUSED, or UNKNOWN where nobody knows whether it arrived; `detail`
    is what the other side said.
    """

    connection: str
    answer: str
    detail: str = ""


class KnowsSent(Protocol):
    async def sent(
        self, tx: Transaction, count_ids: Sequence[str], /
    ) -> Mapping[str, Sequence[SentTo]]:
        """Say to whom these tasks went; what went nowhere is left out."""
        ...

    async def untold(
        self, tx: Transaction, places: Mapping[str, str], /
    ) -> Sequence[tuple[str, str]]:
        """Name (task, connection) that takes tasks at a task's location and never had it."""
        ...


async def tell_again(tx: Transaction, sent: KnowsSent, now: datetime) -> None:
    """Tell open tasks to who has come to take tasks since they were told, each once."""
    tasks = {
        one.count_id: one
        for one in await count_store.all_in(tx)
        if one.ended_at is None and now - one.proposed_at >= AGAIN_AFTER
    }
    untold = await sent.untold(tx, {name: one.location for name, one in tasks.items()})
    again = [
        (f"count_task:{name}:{tasks[name].reason}:{to}", changed(tasks[name], TaskStatus.PROPOSED))
        for name, to in untold[:AGAIN_MAX]
    ]
    await tell(tx, again, now)


def changed(task: Task, status: str) -> CountTaskChanged:
    """Word what has become of a task."""
    return CountTaskChanged(
        count_id=task.count_id,
        item=task.item,
        location=task.location,
        item_class=task.of,
        reason=task.reason,
        status=status,
        because=task.because,
        not_by=task.not_by,
    )
