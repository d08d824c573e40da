"""What counts found is kept, counted a second time where it is far off, and approved by money."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.canonical.inventory import MovementType, Place, StockMoved
from crossdock.canonical.reconciliation import (
    CountDecided,
    CountTaskChanged,
    WithholdingChanged,
)
from crossdock.capabilities.reconciliation import (
    Counting,
    CountShown,
    CountsWanted,
    HousePolicy,
    asked_store,
)
from crossdock.capabilities.reconciliation.dumps import Worth
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Position
from tests.processes.books import movement
from tests.processes.counted import told_to_count
from tests.processes.shelf import TICK, Warehouse, asked_warehouse, connect_items

ASKED_A_DAY = Counting().a_day
SHELF = Place(location="DC1")


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


async def counts(
    wms: Warehouse, number: int, net: int, *, by: str = "", item: str = "BOLT", ago: int = 0
) -> None:
    """Let the warehouse post what a counter found, a tick after what was before."""
    await wms.at.clock.advance(TICK)
    now = wms.at.clock.now()
    ends = (SHELF, None) if net <= 0 else (None, SHELF)
    told = movement(
        number, MovementType.COUNT_ADJUST, f"{abs(net)} EA", item=item, ends=ends,
        at=now - timedelta(minutes=ago), recorded_at=now,
    )  # fmt: skip
    assert isinstance(told.payload, StockMoved)
    told = replace(told, payload=replace(told.payload, moved_by=by))
    for verdict in await wms.at.hub.record([told], source="wms"):
        assert not verdict.reason


async def picks(wms: Warehouse, number: int, quantity: int, *, ago: int = 0) -> None:
    at = wms.at.clock.now() - timedelta(minutes=ago)
    told = movement(
        number, MovementType.PICK, f"{quantity} EA", ends=(SHELF, None), at=at, recorded_at=at
    )
    for verdict in await wms.at.hub.record([told], source="wms"):
        assert not verdict.reason


async def costs(wms: Warehouse, of: str, each: int) -> None:
    """Let a dump have said of BOLT its class, and what one costs."""
    worth = {("DC1", "BOLT"): Worth(of, each * 1_000_000)}
    async with wms.at.hub.database.transaction(wms.at.hub.scope) as tx:
        await asked_store.put_classes(tx, worth)


async def listed(wms: Warehouse, **wanted: str) -> list[CountShown]:
    """Give the counts, the first heard first."""
    hub = wms.at.hub
    found = await hub.counts.listed(hub.scope, CountsWanted(**wanted))
    return sorted(found, key=lambda one: one.counted_at)


async def matters(wms: Warehouse) -> list[str]:
    return [one.matter for one in await listed(wms)]


async def told(wms: Warehouse) -> list[tuple[str, str, str]]:
    hub = wms.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=5_000)
    changed = [one.payload for one in events if isinstance(one.payload, CountTaskChanged)]
    return [(one.reason, one.status, one.not_by) for one in changed]


async def open_cases(wms: Warehouse) -> list[tuple[str, str]]:
    return [(one.code, one.owner_role) for one in await wms.open_cases()]


async def test_a_count_is_kept_with_the_book_of_its_instant_its_money_who_and_its_task(
    wms: Warehouse,
) -> None:
    """R9: 97 seen when the ledger said 100; 6 are picked until the count is posted."""
    await costs(wms, "C", 2)
    [task] = await told_to_count(wms.at.hub, "BOLT")
    await wms.at.clock.advance(TICK)
    await picks(wms, 901, 6)
    await counts(wms, 902, -3, by="ann", ago=30)
    await wms.at.clock.advance(TICK)
    await counts(wms, 903, 0, by="ann", ago=90)

    first, second = await listed(wms)
    assert (first.book.value, first.counted.value) == (Decimal(94), Decimal(91))
    assert first.difference.value == -3
    assert (first.value, first.item_class, first.counted_by) == (Decimal(6), "C", "ann")
    assert (first.count_id, first.count_ref, first.told_by) == (task.count_id, "902:1", "wms")
    assert (first.matter, first.is_within, second.matter) == ("RIGHT", True, "RIGHT")
    assert await told(wms) == [("CLASS_DUE", "PROPOSED", ""), ("CLASS_DUE", "DONE", "")]
    assert await wms.on_hand() == 91


async def test_a_count_beyond_tolerance_is_counted_again_by_another_and_that_settles_it(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await counts(wms, 901, -20, by="ann")
    [task] = await hub.count_tasks.listed(hub.scope)
    assert (task.reason, task.not_by, await matters(wms)) == ("RECOUNT", "ann", ["RECOUNT"])
    await hub.count_tasks.follow()
    assert await hub.count_tasks.listed(hub.scope) == [task]

    await counts(wms, 902, 0, by="bob")
    await hub.count_tasks.follow()

    assert await matters(wms) == ["AGREED", "AGREED"]
    assert (await listed(wms))[1].count_id == task.count_id
    assert await told(wms) == [("RECOUNT", "PROPOSED", "ann"), ("RECOUNT", "DONE", "ann")]
    assert await open_cases(wms) == []


async def test_the_same_person_settles_nothing(wms: Warehouse) -> None:
    hub = wms.at.hub
    await counts(wms, 901, -20, by="ann")
    await counts(wms, 902, 0, by="ann")
    assert await matters(wms) == ["RECOUNT", "SAME_PERSON"]
    [again] = await hub.count_tasks.listed(hub.scope)
    assert (again.reason, again.not_by) == ("RECOUNT", "ann")

    await counts(wms, 903, 0, by="bob")
    assert await matters(wms) == ["AGREED", "SAME_PERSON", "AGREED"]
    assert await hub.count_tasks.listed(hub.scope) == []


async def test_who_counted_before_is_known_however_the_name_is_spelled(wms: Warehouse) -> None:
    await counts(wms, 901, -20, by="Jos\u00e9")
    await counts(wms, 902, 0, by=" JOSE\u0301")
    assert await matters(wms) == ["RECOUNT", "SAME_PERSON"]


async def test_two_counts_that_do_not_agree_are_a_case_until_a_later_one_agrees(
    wms: Warehouse,
) -> None:
    await counts(wms, 901, -20, by="ann")
    await counts(wms, 902, 15, by="bob")
    assert await matters(wms) == ["DIFFERED", "DIFFERED"]
    assert await open_cases(wms) == [("INV-SUSPECT", "Inventory control")]

    await counts(wms, 903, 0)
    assert await open_cases(wms) == []


async def test_what_a_count_finds_right_asks_for_nothing(wms: Warehouse) -> None:
    await counts(wms, 901, 0)

    assert (await matters(wms), await told(wms)) == (["RIGHT"], [])


async def test_a_count_of_more_money_than_the_cap_is_finances_to_approve(wms: Warehouse) -> None:
    hub = wms.at.hub
    await costs(wms, "A", 1_000)
    await counts(wms, 901, -20, by="ann")
    assert await open_cases(wms) == [("INV-SUSPECT", "Finance")]
    [waiting] = await listed(wms, approval="WAITING")

    with pytest.raises(Conflict, match="ann has counted ctd_"):
        await hub.counts.approve(hub.scope, waiting.counted_id, "I know it", by="ann")
    with pytest.raises(Invalid, match="say why"):
        await hub.counts.approve(hub.scope, waiting.counted_id, " ", by="carl")
    done = await hub.counts.approve(hub.scope, waiting.counted_id, "it fell down", by="carl")
    assert await hub.counts.approve(hub.scope, waiting.counted_id, "twice", by="carl") == done
    with pytest.raises(Conflict, match="was approved by carl"):
        await hub.counts.refuse(hub.scope, waiting.counted_id, "no", by="dora")

    assert (done.approval, done.decided_by, done.because) == ("APPROVED", "carl", "it fell down")
    assert await open_cases(wms) == []
    async with hub.database.transaction(hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=5_000)
    [decided] = [one.payload for one in events if isinstance(one.payload, CountDecided)]
    assert decided.decision == "APPROVED"
    assert (decided.value, decided.adjusts.value) == (Decimal(20_000), Decimal(-20))


async def test_a_count_that_is_refused_is_counted_again(wms: Warehouse) -> None:
    hub = wms.at.hub
    await costs(wms, "A", 1_000)
    await counts(wms, 901, -20, by="ann")
    await counts(wms, 902, 0, by="bob")
    [waiting] = await listed(wms, approval="WAITING")
    assert await hub.count_tasks.listed(hub.scope) == []

    await hub.counts.refuse(hub.scope, waiting.counted_id, "nobody lost 20", by="carl")
    [task] = await hub.count_tasks.listed(hub.scope)
    assert (task.reason, task.not_by) == ("RECOUNT", "ann")
    await counts(wms, 903, 20, by="dora")

    assert await matters(wms) == ["DIFFERED", "AGREED", "DIFFERED"]
    assert await open_cases(wms) == [
        ("INV-SUSPECT", "Inventory control"),
        ("INV-SUSPECT", "Finance"),
    ]


async def test_what_is_worth_less_than_the_cap_is_approved_by_nobody(wms: Warehouse) -> None:
    hub = wms.at.hub
    await counts(wms, 901, -20)
    [one] = await listed(wms)

    with pytest.raises(Conflict, match="nobody has to approve it"):
        await hub.counts.approve(hub.scope, one.counted_id, "yes", by="carl")
    with pytest.raises(NotFound, match="no count is called"):
        await hub.counts.approve(hub.scope, "ctd_x", "yes", by="carl")


async def test_of_many_counts_that_are_far_off_a_day_has_so_many_counted_again(
    wms: Warehouse,
) -> None:
    names = [f"ITEM-{number:03}" for number in range(ASKED_A_DAY + 2)]
    await connect_items(wms, names)
    now = wms.at.clock.now()
    told = [
        movement(
            1_000 + number, MovementType.COUNT_ADJUST, "5 EA", item=name, ends=(None, SHELF),
            at=now, recorded_at=now,
        )
        for number, name in enumerate(names)
    ]  # fmt: skip
    await wms.at.hub.record(told, source="wms")

    found = await wms.at.hub.counts.listed(wms.at.hub.scope, limit=1000)
    assert sum(one.matter == "RECOUNT" for one in found) == ASKED_A_DAY
    assert sum(one.matter == "NOT_ASKED" for one in found) == 2
    await wms.at.clock.advance(timedelta(days=1))
    await counts(wms, 2_000, 5, item=names[-1])
    assert (await listed(wms, item=names[-1]))[-1].matter == "RECOUNT"


async def test_accuracy_is_of_first_counts_in_the_time_that_is_asked_for(wms: Warehouse) -> None:
    hub = wms.at.hub
    begun = wms.at.clock.now()
    await counts(wms, 901, -20, by="ann")
    await counts(wms, 902, 0, by="bob")
    await counts(wms, 903, 0)
    now = wms.at.clock.now()

    found = await hub.counts.accuracy(hub.scope, until=now + timedelta(seconds=1))
    assert (found.total.counted, found.total.within) == (2, 1)
    assert found.total.units_percent == Decimal("88.89")
    before = await hub.counts.accuracy(hub.scope, until=begun)
    elsewhere = await hub.counts.accuracy(hub.scope, location="DC2")
    assert (before.total.counted, elsewhere.total.counted) == (0, 0)
    with pytest.raises(Invalid, match="no time to report on"):
        await hub.counts.accuracy(hub.scope, since=now, until=begun)


async def withheld(wms: Warehouse) -> int:
    """Say how much of BOLT channels are not shown."""
    hub = wms.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        found = await hub.reconciliation.withheld_in(tx, hub.scope.tenant, ["BOLT"])
    return found.get("BOLT", {}).get("DC1", 0) // 1_000_000


async def heard_of(wms: Warehouse) -> list[int]:
    hub = wms.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=5_000)
    told = [one.payload for one in events if isinstance(one.payload, WithholdingChanged)]
    return [int(one.withheld.value) for one in told if one.against == "count"]


async def test_channels_are_shown_the_lower_number_until_a_second_count_agrees(
    wms: Warehouse,
) -> None:
    await counts(wms, 901, 20, by="ann")
    assert (await wms.on_hand(), await withheld(wms)) == (120, 20)
    await counts(wms, 902, 5, by="ann")
    assert (await wms.on_hand(), await withheld(wms)) == (125, 25)

    await counts(wms, 903, 0, by="bob")
    assert await withheld(wms) == 0
    assert await heard_of(wms) == [20, 25, 0]


async def test_a_count_that_found_less_withholds_nothing_as_the_ledger_is_the_lower_number(
    wms: Warehouse,
) -> None:
    await counts(wms, 901, -20, by="ann")
    assert (await wms.on_hand(), await withheld(wms)) == (80, 0)

    await counts(wms, 902, 15, by="bob")
    assert (await matters(wms), await withheld(wms)) == (["DIFFERED", "DIFFERED"], 15)
    await counts(wms, 903, 0, by="carl")
    assert (await heard_of(wms), await withheld(wms)) == ([15, 0], 0)


async def test_what_waits_for_approval_is_withheld_until_it_is_decided_about(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await costs(wms, "A", 1_000)
    await counts(wms, 901, 20, by="ann")
    await counts(wms, 902, 0, by="bob")
    assert await matters(wms) == ["AGREED", "AGREED"]
    assert await withheld(wms) == 20
    [waiting] = await listed(wms, approval="WAITING")

    await hub.counts.approve(hub.scope, waiting.counted_id, "they came back", by="carl")
    assert (await heard_of(wms), await withheld(wms)) == ([20, 0], 0)


async def test_a_class_that_is_shown_as_booked_withholds_nothing_for_counts(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await counts(wms, 901, 20, by="ann")
    await hub.reconciliation.set_policy(hub.scope, HousePolicy(as_booked=("A",)), by="test")
    assert await withheld(wms) == 0
    await hub.reconciliation.set_policy(hub.scope, HousePolicy(), by="test")

    assert (await heard_of(wms), await withheld(wms)) == ([20, 0, 20], 20)
