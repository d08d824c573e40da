"""A shelf that is emptied, picked short or recalled is to be counted, without anybody asking."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    ShelfEmptied,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.reconciliation import Counting, CountReason, Rules, asked_store
from crossdock.capabilities.reconciliation.dumps import Worth
from tests.processes.books import movement
from tests.processes.counted import told_to_count
from tests.processes.shelf import TICK, Warehouse, asked_warehouse, connect_items

SHELF = Place(location="DC1")
STAGED = Place(location="DC1", status=StockStatus.STAGED_OUT)
BLOCKED = Place(location="DC1", status=StockStatus.BLOCKED)
PICK = MovementType.PICK


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        await warehouse.at.clock.advance(timedelta(hours=1))
        yield warehouse


def moved(  # noqa: PLR0913  # a movement has that many parts, and each case names two
    number: int,
    quantity: int,
    at: datetime,
    *,
    item: str = "BOLT",
    kind: MovementType = PICK,
    reason: str = "",
    to: Place | None = STAGED,
) -> Fact:
    told = movement(
        number, kind, f"{quantity} EA", item=item, ends=(SHELF, to), at=at, recorded_at=at
    )
    assert isinstance(told.payload, StockMoved)
    return replace(told, payload=replace(told.payload, reason=reason))


async def record(wms: Warehouse, *facts: Fact) -> None:
    for verdict in await wms.at.hub.record(facts, source="wms"):
        assert not verdict.reason


async def asked(wms: Warehouse) -> list[tuple[str, str]]:
    hub = wms.at.hub
    return sorted((one.item, one.reason) for one in await hub.count_tasks.listed(hub.scope))


async def put(wms: Warehouse, a_day: int, *when: CountReason) -> None:
    rules = Rules(counting=Counting(a_day=a_day, when=when))
    await wms.at.hub.reconciliation.put_rules(wms.at.hub.scope, rules, by="test")


async def test_a_shelf_that_a_movement_empties_is_to_be_counted_once(wms: Warehouse) -> None:
    now = wms.at.clock.now()
    await record(wms, moved(901, 99, now))
    assert await asked(wms) == []

    await record(wms, moved(902, 1, now))
    [task] = await wms.at.hub.count_tasks.listed(wms.at.hub.scope)
    assert (task.item, task.location, task.reason) == ("BOLT", "DC1", "ZERO_BALANCE")
    await wms.at.hub.count_tasks.follow()
    assert await wms.at.hub.count_tasks.listed(wms.at.hub.scope) == [task]


async def test_what_happened_before_a_count_is_not_asked_for_again(wms: Warehouse) -> None:
    now = wms.at.clock.now()
    await record(wms, moved(901, 100, now))
    await wms.at.clock.advance(timedelta(hours=1))
    later = wms.at.clock.now()
    await record(wms, moved(902, 0, later, kind=MovementType.COUNT_ADJUST, to=None))
    assert await asked(wms) == []

    await record(wms, moved(903, 5, later, kind=MovementType.UNPICK))
    assert await asked(wms) == []


async def test_neither_a_first_load_nor_an_old_history_asks_for_counts(wms: Warehouse) -> None:
    await connect_items(wms, ["EMPTY"], 0)
    old = wms.at.clock.now() - timedelta(days=2)
    await connect_items(wms, ["OLD"], 3)
    await record(wms, moved(902, 0, old, reason="SHORT"))

    assert await asked(wms) == []


async def test_a_pick_that_finds_less_and_a_recall_are_asked_for(wms: Warehouse) -> None:
    now = wms.at.clock.now()
    await connect_items(wms, ["CORK"])
    await record(
        wms,
        moved(901, 0, now, reason="SHORT"),
        moved(902, 1, now, item="CORK", kind=MovementType.RECALL, to=BLOCKED),
    )

    assert await asked(wms) == [("BOLT", "SHORT_PICK"), ("CORK", "RECALL")]


async def test_the_rules_say_for_what_and_how_many_a_day_and_class_a_comes_first(
    wms: Warehouse,
) -> None:
    names = ["ANT", "BEE", "CAT"]
    await connect_items(wms, names, 2)
    worth = {("DC1", "ANT"): Worth("C", 0), ("DC1", "BEE"): Worth("B", 0)}
    async with wms.at.hub.database.transaction(wms.at.hub.scope) as tx:
        await asked_store.put_classes(tx, worth)
    await put(wms, 2, CountReason.ZERO_BALANCE)
    await wms.at.clock.advance(timedelta(hours=1))
    now = wms.at.clock.now()

    await record(wms, moved(900, 0, now, reason="SHORT"))
    assert await asked(wms) == []
    await record(wms, *(moved(901 + n, 2, now, item=one) for n, one in enumerate(names)))
    assert await asked(wms) == [("BEE", "ZERO_BALANCE"), ("CAT", "ZERO_BALANCE")]

    await wms.at.clock.advance(timedelta(days=1))
    await record(wms, moved(910, 100, wms.at.clock.now()))
    assert ("BOLT", "ZERO_BALANCE") in await asked(wms)


async def test_a_short_pick_after_a_count_is_asked_for_and_one_before_it_is_not(
    wms: Warehouse,
) -> None:
    """Counted right at nine; at ten a picker finds too little. Told late: short at eight."""
    now = wms.at.clock.now()
    await told_to_count(wms.at.hub, "BOLT")
    await wms.at.clock.advance(TICK)
    counted = wms.at.clock.now()
    await record(wms, moved(901, 0, counted, kind=MovementType.COUNT_ADJUST, to=None))
    await wms.at.clock.advance(TICK)
    await record(wms, moved(902, 1, now, reason="short"))
    assert await asked(wms) == []

    await record(wms, moved(903, 3, wms.at.clock.now(), reason="short"))
    assert await asked(wms) == [("BOLT", "SHORT_PICK")]


async def test_recalled_goods_are_counted_whatever_was_counted_refused_or_asked_for_that_day(
    wms: Warehouse,
) -> None:
    hub = wms.at.hub
    await connect_items(wms, ["CORK", "CANE"], 5)
    tasks = {one.item: one for one in await told_to_count(hub, "BOLT", "CORK")}
    await hub.count_tasks.refuse(hub.scope, tasks["CORK"].count_id, "no time", by="ann")
    await wms.at.clock.advance(TICK)
    now = wms.at.clock.now()
    await record(wms, moved(901, 0, now, kind=MovementType.COUNT_ADJUST, to=None))
    await put(wms, 0, CountReason.RECALL, CountReason.SHORT_PICK)

    await record(
        wms,
        moved(902, 100, now, kind=MovementType.RECALL, to=BLOCKED),
        moved(903, 5, now, item="CORK", kind=MovementType.RECALL, to=BLOCKED),
        moved(904, 0, now, item="CANE", reason="short"),
    )
    assert await asked(wms) == [("BOLT", "RECALL"), ("CORK", "RECALL")]
    await put(wms, 1, CountReason.RECALL, CountReason.SHORT_PICK)
    await record(wms, moved(905, 0, now, item="CANE", reason="short"))
    assert ("CANE", "SHORT_PICK") in await asked(wms)


async def test_promises_are_nothing_that_the_finder_of_counts_reads(wms: Warehouse) -> None:
    [triggers] = [one for one in wms.at.hub.counts.readers if one.name == "count triggers"]
    assert triggers.types == frozenset({StockMoved.TYPE, ShelfEmptied.TYPE})


async def test_a_shelf_that_is_filled_and_emptied_in_one_page_is_emptied(wms: Warehouse) -> None:
    await connect_items(wms, ["CORK"], 0)
    now = wms.at.clock.now()
    came = movement(
        903, MovementType.RECEIPT, "2 EA", item="CORK", ends=(None, SHELF), at=now, recorded_at=now
    )
    await record(wms, came, moved(904, 2, now, item="CORK"))

    assert await emptied(wms) == [("CORK", "DC1")]


async def test_a_shelf_with_blocked_goods_is_not_emptied(wms: Warehouse) -> None:
    now = wms.at.clock.now()
    await record(
        wms,
        moved(901, 1, now, kind=MovementType.BLOCK, to=BLOCKED),
        moved(902, 99, now),
    )
    assert await emptied(wms) == []


async def emptied(wms: Warehouse) -> list[tuple[str, str]]:
    hub = wms.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        rows = await tx.fetch(
            "select payload from event_log where tenant = $1 and type = $2",
            hub.scope.tenant,
            ShelfEmptied.TYPE,
        )
    told = [json.loads(row["payload"]) for row in rows]
    return sorted((one["item"], one["location"]) for one in told)


async def test_a_balance_that_follows_in_the_same_page_hides_no_emptied_shelf(
    wms: Warehouse,
) -> None:
    now = wms.at.clock.now()
    balance = StockSnapshotTaken(
        snapshot_id="B1",
        location="DC1",
        lines=(CountedStock(item="BOLT", quantity=Quantity.of(0)),),
    )
    told = Fact(identity="balance:1", payload=balance, occurred_at=now, recorded_at=now)
    await record(wms, moved(901, 100, now), told)

    assert await emptied(wms) == [("BOLT", "DC1")]
