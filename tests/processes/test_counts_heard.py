"""What counts found is kept, counted a second time where it is far off, and approved by money."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.catalog import ItemChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    StockMoved,
    StockSnapshotTaken,
)
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.reconciliation import CountDecided
from crossdock.capabilities.reconciliation import Counting, HousePolicy, Rules, asked_store
from crossdock.capabilities.reconciliation.dumps import Worth
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.supply import CalendarSaid
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Position
from tests.processes.books import movement
from tests.processes.counted import told_to_count
from tests.processes.shelf import TICK, Warehouse, asked_warehouse, connect_items, erp_says
from tests.processes.shelf_counts import (
    SHELF,
    costs,
    counts,
    heard_of,
    listed,
    matters,
    open_cases,
    picks,
    told,
    withheld,
)

ASKED_A_DAY = Counting().a_day


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


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


async def test_counts_that_are_heard_together_are_judged_one_after_the_other(
    wms: Warehouse,
) -> None:
    now = wms.at.clock.now()
    await wms.at.clock.advance(timedelta(hours=1))
    told = [
        movement(
            number, MovementType.COUNT_ADJUST, f"{lost} EA", ends=(SHELF, None),
            at=now + timedelta(seconds=number), recorded_at=now + timedelta(seconds=number),
        )
        for number, lost in ((901, 20), (902, 0), (903, 30))
    ]  # fmt: skip
    await wms.at.hub.record(told, source="wms")

    assert [int(one.book.value) for one in await listed(wms)] == [100, 80, 80]
    assert await matters(wms) == ["AGREED", "AGREED", "RECOUNT"]


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
    await wms.at.hub.count_tasks.follow()
    assert len(await wms.at.hub.count_tasks.listed(wms.at.hub.scope)) == ASKED_A_DAY

    await wms.at.clock.advance(timedelta(days=1))
    await wms.at.hub.count_tasks.follow()
    await wms.at.hub.count_tasks.follow()
    assert await listed(wms, matter="NOT_ASKED") == []
    tasks = await wms.at.hub.count_tasks.listed(wms.at.hub.scope)
    assert sorted(one.item for one in tasks if one.reason == "RECOUNT") == names


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


async def late(
    wms: Warehouse, number: int, net: int, *, ago: timedelta, by: str = "", replay: bool = False
) -> None:
    """Let the warehouse tell of a count of some time ago."""
    await wms.at.clock.advance(TICK)
    at = wms.at.clock.now() - ago
    ends = (SHELF, None) if net <= 0 else (None, SHELF)
    told = movement(
        number, MovementType.COUNT_ADJUST, f"{abs(net)} EA", ends=ends, at=at, recorded_at=at
    )
    assert isinstance(told.payload, StockMoved)
    told = replace(told, payload=replace(told.payload, moved_by=by), replay=replay)
    for verdict in await wms.at.hub.record([told], source="wms"):
        assert not verdict.reason


@pytest.mark.parametrize(
    ("ago", "is_filled_in"), [(timedelta(days=300), False), (timedelta(), True)]
)
async def test_counts_of_a_history_are_kept_and_have_nothing_counted_withheld_or_approved(
    wms: Warehouse, *, ago: timedelta, is_filled_in: bool
) -> None:
    await costs(wms, "A", 1_000)
    await late(wms, 901, 20, ago=ago, by="ann", replay=is_filled_in)

    assert (await withheld(wms), await told(wms), await open_cases(wms)) == (0, [], [])
    [one] = await listed(wms)
    assert (one.matter, one.is_within, one.approval) == ("LATE", False, "")
    hub = wms.at.hub
    until = wms.at.clock.now() + TICK
    found = await hub.counts.accuracy(hub.scope, since=until - timedelta(days=301), until=until)
    assert (found.total.counted, found.total.within) == (1, 0)


async def test_a_second_count_that_is_heard_late_settles_the_first_or_leaves_it_waiting(
    wms: Warehouse,
) -> None:
    await counts(wms, 901, 20, by="ann")
    await wms.at.clock.advance(timedelta(days=2))
    asked = await told(wms)
    await late(wms, 902, 7, ago=timedelta(hours=30), by="bob")
    assert (await matters(wms), await told(wms)) == (["RECOUNT", "LATE"], asked)
    assert (await withheld(wms), await open_cases(wms)) == (20, [])

    await late(wms, 903, 0, ago=timedelta(hours=25), by="carl")
    assert await matters(wms) == ["AGREED", "LATE", "AGREED"]
    assert (await withheld(wms), await wms.at.hub.count_tasks.listed(wms.at.hub.scope)) == (0, [])


async def test_a_late_count_that_was_right_closes_no_case_of_today(wms: Warehouse) -> None:
    await counts(wms, 901, -20, by="ann")
    await counts(wms, 902, 15, by="bob")
    await late(wms, 903, 0, ago=timedelta(days=300))

    assert await open_cases(wms) == [("INV-SUSPECT", "Inventory control")]


async def test_the_catalogue_classes_a_count_as_it_does_a_difference(wms: Warehouse) -> None:
    """97 of 100 of class C, 5 %: a difference is let pass, and so is a count."""
    item = ItemChanged(sku="BOLT", item_class="C")
    now = wms.at.clock.now()
    fact = Fact(identity="c", payload=item, occurred_at=now, native_ref="BOLT", version=2)
    await wms.at.hub.record([fact], source="wms")
    assert (await erp_says(wms, BOLT=97)).tolerated == 1

    await counts(wms, 901, -3, by="ann")
    [one] = await listed(wms)
    assert (one.item_class, one.is_within, one.matter) == ("C", True, "RIGHT")


async def test_money_of_another_currency_passes_in_a_count_as_little_as_in_a_difference(
    wms: Warehouse,
) -> None:
    """3 of 100 at 2 USD are within 5 %, and cannot be held against 250 EUR."""
    hub = wms.at.hub
    await hub.reconciliation.put_rules(hub.scope, Rules(brake=Brake(currency="EUR")), by="test")
    async with hub.database.transaction(hub.scope) as tx:
        await asked_store.put_classes(tx, {("DC1", "BOLT"): Worth("C", 2_000_000, "USD")})
    await counts(wms, 901, -3, by="ann")
    [one] = await listed(wms)
    assert (one.is_within, one.matter, one.value) == (False, "RECOUNT", Decimal(6))

    await counts(wms, 902, 0, by="bob")
    assert [(one.is_within, one.matter) for one in await listed(wms)] == [
        (False, "AGREED"),
        (True, "AGREED"),
    ]


async def test_accuracy_adds_no_kilograms_to_pieces(wms: Warehouse) -> None:
    hub, now = wms.at.hub, wms.at.clock.now()
    sand = ItemChanged(sku="SAND", base_unit="KG")
    line = CountedStock(item="SAND", quantity=Quantity.of(100_000, "KG"))
    taken = StockSnapshotTaken(snapshot_id="sand", location="DC1", lines=(line,))
    item = Fact(identity="sand", payload=sand, occurred_at=now, native_ref="SAND", version=1)
    await hub.record([item], source="wms")
    lies = Fact(identity="lies", payload=taken, occurred_at=now, recorded_at=now)
    await hub.record([lies], source="wms")
    await counts(wms, 901, -50, by="ann")
    now = wms.at.clock.now()
    right = movement(
        902, MovementType.COUNT_ADJUST, "0 KG", item="SAND", ends=(SHELF, None), at=now
    )
    await hub.record([right], source="wms")

    found = await hub.counts.accuracy(hub.scope, until=now + TICK)
    assert (found.total.within_percent, found.total.units_percent) == (Decimal(50), None)
    assert {unit: one.units_percent for unit, one in found.units.items()} == {
        "EA": 50,
        "KGM": 100,
    }


async def test_what_a_class_that_is_shown_as_booked_leaves_withheld_is_told_as_it_is(
    wms: Warehouse,
) -> None:
    """The class of the item changed between two counts that wait."""
    hub = wms.at.hub
    await costs(wms, "A", 0)
    await counts(wms, 901, 20, by="ann")
    await costs(wms, "B", 0)
    await counts(wms, 902, 5, by="ann")
    for as_booked, expected in ((("A",), 5), (("A", "B"), 0), (("B",), 20), ((), 25)):
        await hub.reconciliation.set_policy(hub.scope, HousePolicy(as_booked=as_booked), by="test")
        assert (await heard_of(wms))[-1] == await withheld(wms) == expected


async def test_the_eight_hours_of_a_case_of_counts_are_working_hours_of_the_location(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    hours = CalendarSaid(weekdays="12345", hours="08:00-17:00")
    await hub.supply.calendars.put(hub.scope, "DC1", hours, by="ann")
    await costs(wms, "A", 20)
    await wms.at.clock.advance(timedelta(hours=12))  # past midnight: closed till eight
    await counts(wms, 901, -20, by="ann")
    await counts(wms, 902, 15, by="bob")
    await costs(wms, "A", 1_000)
    await counts(wms, 903, 20, by="ann")

    cases = await wms.open_cases()
    assert {one.owner_role for one in cases} == {"Inventory control", "Finance"}
    assert {one.due_at.hour for one in cases} == {16}


async def of_a_day(wms: Warehouse, a_day: int) -> None:
    rules = Rules(counting=Counting(a_day=a_day))
    await wms.at.hub.reconciliation.put_rules(wms.at.hub.scope, rules, by="test")


async def test_what_no_second_count_was_asked_for_is_withheld_until_one_settles_it(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await of_a_day(wms, 0)
    await counts(wms, 901, 900, by="ann")
    assert (await matters(wms), await withheld(wms)) == (["NOT_ASKED"], 900)
    await counts(wms, 902, 0, by="ann")
    await hub.count_tasks.follow()
    assert (await matters(wms), await told(wms)) == (["NOT_ASKED", "SAME_PERSON"], [])

    await counts(wms, 903, 0, by="bob")
    assert (await matters(wms))[::2] == ["AGREED", "AGREED"]
    assert (await withheld(wms), await told(wms)) == (0, [])


async def test_a_day_with_room_asks_for_the_second_counts_of_the_days_before_the_oldest_first(
    wms: Warehouse,
) -> None:
    hub, scope = wms.at.hub, wms.at.hub.scope
    await connect_items(wms, ["ANT", "BEE", "CAT"])
    await of_a_day(wms, 1)
    for number, name in enumerate(("CAT", "ANT", "BEE")):
        await counts(wms, 901 + number, 5, item=name, by="ann")
    await hub.count_tasks.follow()
    assert [one.item for one in await hub.count_tasks.listed(scope)] == ["CAT"]

    await wms.at.clock.advance(timedelta(days=1))
    await hub.count_tasks.follow()
    tasks = {one.item: one for one in await hub.count_tasks.listed(scope)}
    assert set(tasks) == {"ANT", "CAT"}
    assert (tasks["ANT"].reason, tasks["ANT"].not_by) == ("RECOUNT", "ann")
    await counts(wms, 910, 0, item="BEE", by="ann")
    assert [one.matter for one in await listed(wms, item="BEE")] == ["NOT_ASKED", "SAME_PERSON"]

    await wms.at.clock.advance(timedelta(days=1))
    await counts(wms, 911, 0, item="BEE", by="ann")
    assert (await listed(wms, item="BEE"))[0].matter == "RECOUNT"
    assert len(await hub.count_tasks.listed(scope)) == 3


async def test_what_is_due_by_its_class_stays_so_for_a_fortnight_or_until_it_is_counted(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    [task] = await told_to_count(hub, "BOLT")
    await wms.at.clock.advance(timedelta(days=13))
    await hub.count_tasks.follow()
    assert [one.count_id for one in await hub.count_tasks.listed(hub.scope)] == [task.count_id]

    await counts(wms, 902, 0)
    await hub.count_tasks.follow()
    assert await hub.count_tasks.listed(hub.scope) == []


async def test_a_turn_of_a_fortnight_ago_is_over(wms: Warehouse) -> None:
    hub = wms.at.hub
    await told_to_count(hub, "BOLT")
    await wms.at.clock.advance(timedelta(days=14))
    await hub.count_tasks.follow()
    assert await hub.count_tasks.listed(hub.scope) == []
