"""What is to be counted is told as tasks: proposed once, then counted, refused or withdrawn."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.capabilities.inventory.at_cut import Recent
from crossdock.capabilities.reconciliation import (
    CountProposal,
    CountTasks,
    ItemClass,
    TaskStatus,
)
from crossdock.capabilities.reconciliation.count_store import Task
from crossdock.capabilities.reconciliation.count_tasks import changes
from crossdock.capabilities.reconciliation.ports import Key
from crossdock.capabilities.reconciliation.ranking import ASKED, CountReason
from crossdock.capabilities.reconciliation.triggers import RESTS
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import SystemIds
from crossdock.foundation.scope import Scope
from crossdock.orchestration.counts_sent import CountsSent
from tests.conftest import NOON

BOLT, NUT = ("DC1", "BOLT"), ("DC1", "NUT")
MAIN = Scope("main")


def proposal(item: str = "BOLT", reason: CountReason = CountReason.DIFFERENCE) -> CountProposal:
    return CountProposal(item=item, location="DC1", of=ItemClass.A, reason=reason, priority=1)


def task(
    item: str = "BOLT",
    ended_hours_ago: float | None = None,
    status: TaskStatus = TaskStatus.DONE,
) -> Task:
    ago = None if ended_hours_ago is None else NOON - timedelta(hours=ended_hours_ago)
    return Task(
        count_id=f"cnt_{item}",
        location="DC1",
        item=item,
        of="A",
        reason="DIFFERENCE",
        proposed_at=NOON - timedelta(days=2),
        status=TaskStatus.PROPOSED if ago is None else status,
        ended_at=ago,
    )


REFUSED = task(ended_hours_ago=1, status=TaskStatus.REFUSED)


@pytest.mark.parametrize(
    ("what", "tasks", "proposals", "counted", "expected"),
    [
        ("a new one", [], [proposal()], set(), (1, 0, 0, 0)),
        ("it is known", [task()], [proposal()], set(), (0, 0, 0, 0)),
        ("it was counted", [task()], [proposal()], {BOLT}, (0, 1, 0, 0)),
        ("it was counted, and is in doubt no more", [task()], [], {BOLT}, (0, 1, 0, 0)),
        ("nothing is in doubt any more", [task()], [], set(), (0, 0, 1, 0)),
        ("another was counted", [task()], [proposal()], {NUT}, (0, 0, 0, 0)),
        ("it was counted just now", [task(ended_hours_ago=1)], [proposal()], set(), (0, 0, 0, 0)),
        (
            "the count mended nothing",
            [task(ended_hours_ago=24)],
            [proposal()],
            set(),
            (1, 0, 0, 0),
        ),
        ("it was counted, and may come back", [task(ended_hours_ago=1)], [], set(), (0, 0, 0, 0)),
        ("what was counted is over", [task(ended_hours_ago=24)], [], set(), (0, 0, 0, 1)),
        ("it was refused just now", [REFUSED], [proposal()], set(), (0, 0, 0, 0)),
        ("what was refused is not needed", [REFUSED], [], set(), (0, 0, 0, 0)),
    ],
)
def test_a_task_is_told_once_until_it_ends_or_is_not_needed(
    what: str,
    tasks: list[Task],
    proposals: list[CountProposal],
    counted: set[tuple[str, str]],
    expected: tuple[int, int, int, int],
) -> None:
    found = changes(tasks, proposals, counted, NOON)
    sizes = tuple(map(len, (found.proposed, found.done, found.withdrawn, found.forgotten)))

    assert sizes == expected, what


NAMES = [f"I{number}" for number in range(12)]


@given(
    orders=st.lists(st.permutations(NAMES), min_size=2, max_size=6),
    most=st.integers(min_value=1, max_value=12),
)
def test_no_task_comes_and_goes_as_the_order_by_money_changes(
    orders: list[list[str]], most: int
) -> None:
    tasks: list[Task] = []
    told: list[int] = []
    for order in orders:
        found = changes(tasks, [proposal(item) for item in order], set(), NOON, most)
        assert found.withdrawn == []
        told.append(len(found.proposed))
        tasks += [task(one.item) for one in found.proposed]

    assert told == [most, *(0 for _ in orders[1:])]


def test_what_is_more_urgent_takes_the_place_of_a_count_by_class_beyond_the_bound() -> None:
    due = [proposal("NUT", CountReason.CLASS_DUE), proposal("PIN", CountReason.CLASS_DUE)]

    found = changes([task("NUT"), task("PIN")], [proposal(), *due], set(), NOON, most=2)

    assert [one.item for one in found.proposed] == ["BOLT"]
    assert [one.item for one in found.withdrawn] == ["PIN"]


@dataclass
class Proposals:
    """Stands in for reconciliation: it proposes what it is told to, or fails for a tenant."""

    now: list[CountProposal] = field(default_factory=list[CountProposal])
    fails: str = ""
    asked: list[set[Key]] = field(default_factory=list[set[Key]])

    async def cycle_counts(
        self,
        scope: Scope,
        *,
        location: str = "",
        limit: int = 100,
        told: Collection[Key] = (),
    ) -> list[CountProposal]:
        del location
        if scope.tenant == self.fails:
            raise Invalid("it cannot be said what is to be counted")
        self.asked.append(set(told))
        return self.now[:limit]


@dataclass
class Movements:
    """Stands in for the ledger: the counts that were posted."""

    posted: list[Recent] = field(default_factory=list[Recent])

    async def with_negative(self, tx: Transaction) -> list[str]:
        del tx
        return []

    async def known(self, tx: Transaction, keys: Sequence[Key]) -> set[Key]:
        del tx
        return {key for key in keys if key[1] != "NOBODY"}

    async def recent(
        self, tx: Transaction, keys: Sequence[tuple[str, str, int]]
    ) -> Sequence[Recent]:
        del tx, keys
        return self.posted

    def post(self, item: str, at: datetime) -> None:
        us = int(at.timestamp() * 1_000_000)
        bucket = ("AVAILABLE", "", "", "")
        self.posted.append(
            Recent(item, "DC1", *bucket, 0, us, us, "COUNT_ADJUST", "wms", "M1", "", 1, "UTC")
        )


@dataclass
class Desk:
    database: Database
    clock: VirtualClock
    proposals: Proposals = field(default_factory=Proposals)
    ledger: Movements = field(default_factory=Movements)

    @property
    def tasks(self) -> CountTasks:
        around = (self.proposals, self.ledger)
        return CountTasks(self.database, self.clock, SystemIds(), *around, sent=CountsSent())

    async def knows(self, tenant: str) -> None:
        async with self.database.transaction(Scope(tenant)) as tx:
            await tx.execute(
                "insert into reconciliation_count (tenant, location, item, class, due_on)"
                " values ($1, 'DC1', 'BOLT', 'A', '2026-01-01')",
                tenant,
            )

    async def told(self, tenant: str = "main") -> list[tuple[str, str]]:
        async with self.database.transaction(Scope(tenant)) as tx:
            rows = await tx.fetch(
                "select payload ->> 'item' as item, payload ->> 'status' as status"
                " from event_log where tenant = $1"
                " and type = 'reconciliation.count_task_changed.v1' order by position",
                tenant,
            )
        return [(row["item"], row["status"]) for row in rows]


@pytest.fixture
async def desk(database: Database, clock: VirtualClock) -> Desk:
    desk = Desk(database, clock)
    await desk.knows("main")
    return desk


async def test_each_change_is_one_event_and_none_is_told_twice(desk: Desk) -> None:
    desk.proposals.now = [proposal("BOLT"), proposal("NUT")]
    await desk.tasks.follow()
    await desk.tasks.follow()
    await desk.clock.advance(timedelta(minutes=10))
    desk.proposals.now = [proposal("BOLT")]
    desk.ledger.post("BOLT", desk.clock.now())
    await desk.tasks.follow()
    await desk.tasks.follow()
    await desk.clock.advance(RESTS)
    desk.ledger.posted = []
    await desk.tasks.follow()

    assert await desk.told() == [
        ("BOLT", "PROPOSED"),
        ("NUT", "PROPOSED"),
        ("BOLT", "DONE"),
        ("NUT", "WITHDRAWN"),
        ("BOLT", "PROPOSED"),
    ]
    assert desk.proposals.asked[1] == {BOLT, NUT}


async def test_what_was_counted_and_comes_back_in_an_hour_rests_for_the_day(desk: Desk) -> None:
    desk.proposals.now = [proposal("BOLT")]
    await desk.tasks.follow()
    await desk.clock.advance(timedelta(minutes=10))
    desk.ledger.post("BOLT", desk.clock.now())
    await desk.tasks.follow()
    desk.proposals.now = []
    await desk.clock.advance(timedelta(minutes=10))
    await desk.tasks.follow()
    desk.proposals.now = [proposal("BOLT")]
    await desk.clock.advance(timedelta(minutes=50))
    await desk.tasks.follow()
    assert await desk.told() == [("BOLT", "PROPOSED"), ("BOLT", "DONE")]

    desk.proposals.now, desk.ledger.posted = [], []
    await desk.clock.advance(RESTS)
    await desk.tasks.follow()
    assert await desk.tasks.listed(MAIN, status=TaskStatus.DONE) == []


async def test_a_refused_task_is_told_so_and_proposed_again_after_a_day(desk: Desk) -> None:
    desk.proposals.now = [proposal("BOLT")]
    await desk.tasks.follow()
    [first] = await desk.tasks.listed(MAIN)

    refused = await desk.tasks.refuse(MAIN, first.count_id, " the aisle is closed ", by="ann")
    await desk.clock.advance(timedelta(hours=23))
    await desk.tasks.follow()
    assert await desk.tasks.listed(MAIN) == []
    assert await desk.tasks.listed(MAIN, status=TaskStatus.REFUSED) == [refused]
    await desk.clock.advance(timedelta(hours=1))
    await desk.tasks.follow()

    [second] = await desk.tasks.listed(MAIN)
    assert second.count_id != first.count_id
    assert (refused.because, refused.ended_by) == ("the aisle is closed", "ann")
    told = [("BOLT", "PROPOSED"), ("BOLT", "REFUSED"), ("BOLT", "PROPOSED")]
    assert await desk.told() == told


async def test_what_was_counted_is_not_refused_any_more(desk: Desk) -> None:
    desk.proposals.now = [proposal("BOLT")]
    await desk.tasks.follow()
    [task] = await desk.tasks.listed(MAIN)
    desk.ledger.post("BOLT", desk.clock.now())
    await desk.tasks.follow()

    with pytest.raises(Conflict, match="has been counted"):
        await desk.tasks.refuse(MAIN, task.count_id, "too late", by="ann")
    with pytest.raises(NotFound, match="withdrawn, or is over"):
        await desk.tasks.refuse(MAIN, "cnt_nobody", "why", by="ann")
    with pytest.raises(Invalid, match="say why it cannot be counted"):
        await desk.tasks.refuse(MAIN, task.count_id, "  ", by="ann")


async def test_one_tenant_that_fails_keeps_no_other_waiting(desk: Desk) -> None:
    await desk.knows("acme")
    desk.proposals.now = [proposal("BOLT")]
    desk.proposals.fails = "acme"

    with pytest.raises(Invalid, match="cannot be said"):
        await desk.tasks.follow()

    assert await desk.told() == [("BOLT", "PROPOSED")]


async def test_a_shelf_that_was_picked_short_is_told_to_be_counted_once_until_it_is(
    desk: Desk,
) -> None:
    """A short pick, an empty shelf, a zero balance or a recall asks for a count (§4.2)."""
    tasks = desk.tasks
    asked = await tasks.ask(MAIN, "BOLT", "DC1", CountReason.SHORT_PICK)
    again = await tasks.ask(MAIN, " BOLT ", "DC1", CountReason.EMPTY_SHELF)
    assert (again, asked.status, asked.item_class) == (asked, "PROPOSED", "A")

    await desk.clock.advance(timedelta(days=3))
    await tasks.follow()
    assert await desk.told() == [("BOLT", "PROPOSED")]
    desk.ledger.post("BOLT", desk.clock.now())
    await tasks.follow()
    await tasks.follow()

    assert await desk.told() == [("BOLT", "PROPOSED"), ("BOLT", "DONE")]
    third = await tasks.ask(MAIN, "BOLT", "DC1", CountReason.RECALL)
    assert (third.count_id != asked.count_id, third.reason) == (True, "RECALL")


@pytest.mark.parametrize(
    "reason",
    [
        CountReason.CLASS_DUE,
        CountReason.DIFFERENCE,
        CountReason.TREND,
        CountReason.NEGATIVE,
        CountReason.ZERO_BALANCE,
    ],
)
async def test_a_count_that_is_asked_for_outlives_the_task_that_was_open(
    desk: Desk, reason: CountReason
) -> None:
    """A recall is not forgotten because the item's turn by class was open, and is over."""
    tasks = desk.tasks
    if reason in ASKED:
        await tasks.ask(MAIN, "BOLT", "DC1", reason)
    else:
        desk.proposals.now = [proposal("BOLT", reason)]
        await tasks.follow()
    [open_one] = await tasks.listed(MAIN)
    await desk.clock.advance(timedelta(hours=1))

    asked = await tasks.ask(MAIN, "BOLT", "DC1", CountReason.RECALL)
    assert await tasks.ask(MAIN, "BOLT", "DC1", CountReason.RECALL) == asked
    assert await tasks.ask(MAIN, "BOLT", "DC1", CountReason.ZERO_BALANCE) == asked
    desk.proposals.now = []
    await desk.clock.advance(timedelta(days=1))
    await tasks.follow()

    assert (asked.count_id, asked.reason) == (open_one.count_id, "RECALL")
    assert await tasks.listed(MAIN) == [asked]
    assert await desk.told() == [("BOLT", "PROPOSED"), ("BOLT", "PROPOSED")]


async def test_what_was_asked_for_and_is_refused_is_told_by_nobody_again(desk: Desk) -> None:
    tasks = desk.tasks
    asked = await tasks.ask(MAIN, "BOLT", "DC1", CountReason.ZERO_BALANCE)
    await tasks.refuse(MAIN, asked.count_id, "the aisle is closed", by="ann")

    await desk.clock.advance(RESTS)
    await tasks.follow()

    assert await desk.told() == [("BOLT", "PROPOSED"), ("BOLT", "REFUSED")]


@pytest.mark.parametrize("reason", sorted(set(CountReason) - ASKED))
async def test_what_a_comparison_finds_is_not_asked_for(desk: Desk, reason: CountReason) -> None:
    with pytest.raises(Invalid, match="found by comparing") as refused:
        await desk.tasks.ask(MAIN, "BOLT", "DC1", reason)
    assert refused.value.where == "/reason"


async def test_what_nobody_has_told_of_is_not_counted(desk: Desk) -> None:
    with pytest.raises(NotFound, match="nobody has ever told of 'NOBODY' at 'DC1'"):
        await desk.tasks.ask(MAIN, "NOBODY", "DC1", CountReason.RECALL)
