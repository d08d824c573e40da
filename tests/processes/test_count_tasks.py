"""What is to be counted is told as tasks: proposed once, done by a count, or withdrawn."""

from datetime import timedelta

import pytest

from crossdock.capabilities.reconciliation import CountProposal, ItemClass
from crossdock.capabilities.reconciliation.count_tasks import RESTS, CountTasks, Task, changes
from crossdock.capabilities.reconciliation.ranking import CountReason
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import SystemIds
from crossdock.foundation.scope import Scope
from tests.conftest import NOON

BOLT, NUT = ("DC1", "BOLT"), ("DC1", "NUT")


def proposal(item: str = "BOLT") -> CountProposal:
    return CountProposal(
        item=item,
        location="DC1",
        of=ItemClass.A,
        reason=CountReason.DIFFERENCE,
        priority=1,
    )


def task(item: str = "BOLT", done_hours_ago: float | None = None) -> Task:
    ago = None if done_hours_ago is None else NOON - timedelta(hours=done_hours_ago)
    return Task("cnt_1", "DC1", item, "A", "DIFFERENCE", NOON - timedelta(days=2), ago)


@pytest.mark.parametrize(
    ("what", "tasks", "proposals", "counted", "expected"),
    [
        ("a new one", [], [proposal()], set(), (1, 0, 0, 0)),
        ("it is known", [task()], [proposal()], set(), (0, 0, 0, 0)),
        ("it was counted", [task()], [proposal()], {BOLT}, (0, 1, 0, 0)),
        ("it was counted, and is in doubt no more", [task()], [], {BOLT}, (0, 1, 0, 0)),
        ("nothing is in doubt any more", [task()], [], set(), (0, 0, 1, 0)),
        ("another was counted", [task()], [proposal()], {NUT}, (0, 0, 0, 0)),
        ("it was counted just now", [task(done_hours_ago=1)], [proposal()], set(), (0, 0, 0, 0)),
        ("the count mended nothing", [task(done_hours_ago=24)], [proposal()], set(), (1, 0, 0, 0)),
        ("what was counted is over", [task(done_hours_ago=1)], [], set(), (0, 0, 0, 1)),
    ],
)
def test_a_task_is_told_once_until_it_is_counted_or_not_needed(
    what: str,
    tasks: list[Task],
    proposals: list[CountProposal],
    counted: set[tuple[str, str]],
    expected: tuple[int, int, int, int],
) -> None:
    found = changes(tasks, proposals, counted, NOON)
    sizes = tuple(map(len, (found.proposed, found.done, found.withdrawn, found.forgotten)))

    assert sizes == expected, what


class Proposals:
    """Stands in for reconciliation: it proposes what it is told to."""

    def __init__(self) -> None:
        self.now: list[CountProposal] = []

    async def cycle_counts(
        self, scope: Scope, *, location: str = "", limit: int = 100
    ) -> list[CountProposal]:
        del location
        return self.now[:limit] if scope.tenant == "main" else []


class Movements:
    """Stands in for the ledger: the counts that were posted."""

    def __init__(self) -> None:
        self.posted: list[Posted] = []

    async def recent(self, tx: Transaction, keys: object) -> list["Posted"]:
        del tx, keys
        return self.posted


class Posted:
    type = "COUNT_ADJUST"
    location = "DC1"
    item = "BOLT"
    us = 0


async def test_each_change_is_one_event_and_none_is_told_twice(
    database: Database, clock: VirtualClock
) -> None:
    proposals, ledger = Proposals(), Movements()
    tasks = CountTasks(database, clock, SystemIds(), proposals, ledger)  # type: ignore[arg-type]
    async with database.transaction(Scope("main")) as tx:
        await tx.execute(
            "insert into reconciliation_count (tenant, location, item, class, due_on)"
            " values ('main', 'DC1', 'BOLT', 'A', '2026-01-01')"
        )
    proposals.now = [proposal("BOLT"), proposal("NUT")]
    await tasks.follow()
    await tasks.follow()
    await clock.advance(timedelta(minutes=10))
    proposals.now = [proposal("BOLT")]
    counted = Posted()
    counted.us = int(clock.now().timestamp() * 1_000_000)
    ledger.posted = [counted]
    await tasks.follow()
    await tasks.follow()
    await clock.advance(RESTS)
    ledger.posted = []
    await tasks.follow()

    async with database.transaction(Scope("main")) as tx:
        rows = await tx.fetch(
            "select payload ->> 'item' as item, payload ->> 'status' as status from event_log"
            " where type = 'reconciliation.count_task_changed.v1' order by position"
        )
    assert [(row["item"], row["status"]) for row in rows] == [
        ("BOLT", "PROPOSED"),
        ("NUT", "PROPOSED"),
        ("BOLT", "DONE"),
        ("NUT", "WITHDRAWN"),
        ("BOLT", "PROPOSED"),
    ]
