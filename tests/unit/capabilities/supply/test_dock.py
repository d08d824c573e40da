"""What is booked in and not put away is promised by date as arrived, each unit once (I9)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crossdock.canonical.inventory import CountedStock, Place, StockSnapshotTaken, StockStatus
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.supply import ConfidenceClass, SupplyEvidence, SupplyKind
from crossdock.foundation.clock import VirtualClock
from tests.unit.capabilities.supply.yard import (
    EVERY_DAY,
    TODAY,
    Yard,
    committed,
    fact,
    moved,
    shelf,
)

DOCK = Place(location="DC1", status=StockStatus.RECEIVING)


async def test_goods_stay_promised_from_the_purchase_to_the_dock_to_the_shelf(yard: Yard) -> None:
    """100 are acknowledged: 90 in three days. Booked in, all 100 a day after; put away, now."""
    await yard.rule(replace(EVERY_DAY, dock_to_stock_days=1))
    await yard.hear(committed("po", 100))
    assert await yard.promisable() == {0: 0, 4: 90}

    await yard.hear(moved("r1", 100, None, DOCK), committed("po", 0, 2))
    answer = await yard.ask()
    assert await yard.promisable() == {0: 0, 1: 100}
    assert (answer.standing.nettable, answer.standing.docked) == (0, 100 * MICROS)
    [lies] = answer.inbound
    assert (lies.supply.supply_id, lies.supply.kind) == ("RECEIVING", SupplyKind.DOCK)
    assert (lies.confidence, lies.reason) == (ConfidenceClass.A, "it is at the dock")

    await yard.hear(moved("a1", 30, DOCK, shelf()))
    assert await yard.promisable() == {0: 30, 1: 100}
    await yard.hear(moved("a2", 70, DOCK, shelf()))
    assert await yard.promisable() == {0: 100}


async def test_a_rule_leaves_the_dock_out_where_a_supply_stays_open_until_it_is_put_away(
    yard: Yard,
) -> None:
    await yard.rule(replace(EVERY_DAY, counts_dock=False))
    await yard.hear(committed("po", 100), moved("r1", 100, None, DOCK))
    assert await yard.promisable() == {0: 0, 3: 90}


async def test_what_its_source_still_tells_as_arrived_is_the_goods_at_the_dock(yard: Yard) -> None:
    arrived: dict[str, Any] = {"evidence": SupplyEvidence.ARRIVED, "eta": TODAY}
    await yard.hear(committed("po", 100, **arrived), moved("r1", 40, None, DOCK))
    assert await yard.promisable() == {0: 100}

    await yard.hear(committed("po", 0, 2, **arrived))
    assert await yard.promisable() == {0: 40}


@pytest.mark.parametrize(
    "more",
    [
        {"kind": SupplyKind.RMA_EXPECTED},
        {"kind": SupplyKind.VENDOR_STOCK},
        {"kind": SupplyKind.DROP_SHIP},
        {"kind": SupplyKind.OTHER},
        {"kind": SupplyKind.DOCK},
        {"confidence": ConfidenceClass.E},
    ],
)
async def test_arrived_goods_that_are_never_promised_take_nothing_from_the_dock(
    yard: Yard, more: dict[str, Any]
) -> None:
    await yard.rule(EVERY_DAY)
    arrived = committed("other", 20, evidence=SupplyEvidence.ARRIVED, eta=TODAY, **more)
    await yard.hear(arrived, moved("r1", 100, None, DOCK))
    assert await yard.promisable() == {0: 100}


async def test_what_came_longer_ago_than_supply_may_be_late_is_not_promised_from(
    yard: Yard, clock: VirtualClock
) -> None:
    """A site counts its shelf and tells no put-away: what it books in doubles a week at most."""
    await yard.rule(EVERY_DAY)
    await yard.hear(moved("r1", 60, None, DOCK))
    await clock.advance(timedelta(days=4))
    await yard.hear(replace(moved("r2", 5, None, DOCK), occurred_at=clock.now()))
    assert max((await yard.promisable()).values()) == 65

    await clock.advance(timedelta(days=5))
    answer = await yard.ask()
    assert [one.micros for one in answer.inbound] == [5 * MICROS]
    assert answer.standing.docked == 65 * MICROS

    await yard.rule(replace(EVERY_DAY, past_due_supply_days=3))
    assert not (await yard.ask()).inbound


async def test_what_came_lately_and_was_put_away_brings_back_nothing_older(
    yard: Yard, clock: VirtualClock
) -> None:
    """A hundred came long ago and were never told to be put away; fifty came and went since."""
    await yard.rule(EVERY_DAY)
    await yard.hear(moved("r1", 100, None, DOCK))
    await clock.advance(timedelta(days=30))
    came = replace(moved("r2", 50, None, DOCK), occurred_at=clock.now())
    await yard.hear(came, replace(moved("a2", 50, DOCK, shelf()), occurred_at=clock.now()))
    assert not (await yard.ask()).inbound
    assert max((await yard.promisable()).values()) == 50


async def test_what_was_counted_at_the_dock_lately_is_there_however_long_ago_it_came(
    yard: Yard, clock: VirtualClock
) -> None:
    await yard.rule(EVERY_DAY)
    await yard.hear(moved("r1", 60, None, DOCK))
    await clock.advance(timedelta(days=30))
    assert not (await yard.ask()).inbound

    line = CountedStock(item="X", quantity=Quantity.of(40), status=StockStatus.RECEIVING)
    count = StockSnapshotTaken(snapshot_id="dock", location="DC1", lines=(line,))
    await yard.hear(replace(fact("count", count), occurred_at=clock.now()))
    assert [one.micros for one in (await yard.ask()).inbound] == [40 * MICROS]


async def test_goods_booked_in_without_a_lot_and_put_away_with_one_count_once(yard: Yard) -> None:
    lot = replace(shelf(), lot="L1")
    await yard.hear(moved("r1", 10, None, DOCK), moved("a1", 10, replace(DOCK, lot="L1"), lot))
    assert await yard.promisable() == {0: 10}


async def test_a_put_away_that_is_told_before_its_receipt_adds_nothing(yard: Yard) -> None:
    await yard.hear(moved("a1", 10, DOCK, shelf()))
    assert await yard.promisable() == {0: 10}
    await yard.hear(moved("r1", 10, None, DOCK))
    assert await yard.promisable() == {0: 10}


@pytest.mark.parametrize("place", [replace(DOCK, owner="ACME"), replace(DOCK, location="DC2")])
async def test_goods_of_others_and_at_other_docks_do_not_count(yard: Yard, place: Place) -> None:
    await yard.hear(moved("r1", 10, None, place))
    assert await yard.promisable() == {0: 0}
