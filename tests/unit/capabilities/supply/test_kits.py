"""Kits of kits in a whole hub: told, exploded, claimed by orders, and never in a circle."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.supply import AtpRule
from crossdock.connectivity.recording import Verdict
from crossdock.foundation.clock import VirtualClock
from tests.unit.capabilities.supply.yard import (
    Yard,
    day,
    expiring,
    fact,
    kit,
    line,
    noticed,
    ordered,
)

BIKE = (kit("K", 1, P=1, A=1), kit("P", 1, A=1, B=2))
"""K takes one P and one A; P takes one A and two B."""


async def test_a_component_that_is_a_kit_itself_is_exploded(yard: Yard) -> None:
    await yard.hear(*BIKE)
    for item, pieces in (("A", 9), ("B", 6), ("P", 1)):
        await yard.hub.put_stock(item, "DC1", pieces)
    answer = await yard.of("K", 5)
    # One P lies there, three are put together of six B; that takes four and three A of nine.
    assert answer.now == 4 * MICROS
    assert {one.item: (one.level, one.per // MICROS) for one in answer.parts} == {
        "P": (1, 1),
        "A": (2, 2),
        "B": (2, 2),
    }
    await yard.hear(noticed("b", 2, item="B", eta=day(1)))
    later = await yard.of("K", 5)
    assert later.promised_on == day(2)
    assert {one.item: (one.needed, one.made) for one in later.parts} == {
        "P": (5 * MICROS, 4 * MICROS),
        "A": (9 * MICROS, 0),
        "B": (8 * MICROS, 0),
    }


async def test_an_order_for_a_kit_of_kits_claims_what_lies_at_the_bottom(yard: Yard) -> None:
    await yard.hear(*BIKE)
    await yard.rule(AtpRule(takes_parts=False), "K")
    for item, pieces in (("A", 9), ("B", 6), ("P", 1)):
        await yard.hub.put_stock(item, "DC1", pieces)
    await yard.hear(ordered("o1", replace(line("o1/1", 2, day(1)), item="K")))
    assert (await yard.of("A")).now == 9 * MICROS
    await yard.hub.supply.drop_rule(yard.hub.scope, "K", "*", by="test")
    # Two K take two P, of which one is put together: three A and two B.
    assert (await yard.of("A")).now == 6 * MICROS
    assert (await yard.of("B")).now == 4 * MICROS
    assert (await yard.of("P")).now == 2 * MICROS
    assert (await yard.of("K")).now == 2 * MICROS
    # What lies assembled serves first.
    await yard.hub.put_stock("K", "DC1", 1)
    assert (await yard.of("B")).now == 6 * MICROS


async def test_a_kit_of_kits_keeps_as_long_as_its_deepest_part(yard: Yard) -> None:
    await yard.hear(kit("K", 1, P=1), kit("P", 1, X=2), expiring("L1", day(2)))
    counted = CountedStock(item="X", quantity=Quantity.of(6), lot="L1")
    await yard.hear(
        fact("c", StockSnapshotTaken(snapshot_id="c", location="DC1", lines=(counted,)))
    )
    answer = await yard.of("K")
    assert [(one.day, one.atp // MICROS) for one in answer.buckets] == [(day(0), 3), (day(3), 0)]


async def test_a_kit_of_kits_at_a_group(yard: Yard) -> None:
    east = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2"))
    await yard.hear(fact("EAST", east), *BIKE)
    for place, pieces in (("DC1", 4), ("DC2", 2)):
        await yard.hub.put_stock("A", place, pieces)
        await yard.hub.put_stock("B", place, pieces)
    assert (await yard.of("K", location="EAST")).now == 3 * MICROS
    assert (await yard.of("K", location="DC2")).now == 1 * MICROS


async def refused(yard: Yard, *facts: Fact) -> str:
    *good, bad = await yard.hub.record(facts, source="erp")
    assert all(one.verdict is Verdict.NEW for one in good)
    assert (bad.verdict, bad.code) == (Verdict.QUARANTINED, "MD-KIT-CIRCLE")
    return bad.reason


async def test_a_kit_that_would_be_put_together_from_itself_is_set_aside(yard: Yard) -> None:
    await yard.hear(kit("P", 1, A=1), kit("Q", 1, P=1))
    reason = await refused(yard, kit("A", 1, Q=1))
    assert reason == "A would be put together from itself: A > Q > P > A"
    # The recipe that stands is as it was, and another one is taken.
    await yard.hear(kit("A", 2, B=1))
    await yard.hub.put_stock("B", "DC1", 3)
    assert (await yard.of("Q")).now == 3 * MICROS


async def test_two_halves_of_a_circle_that_are_told_at_once_are_seen(yard: Yard) -> None:
    assert await refused(yard, kit("A", 1, B=1), kit("B", 1, A=1)) == (
        "B would be put together from itself: B > A > B"
    )


async def told(yard: Yard, *facts: Fact) -> list[tuple[Verdict, str]]:
    """Record recipes that no part hears yet."""
    verdicts = await yard.hub.inbox.record(yard.hub.scope, "erp", facts, b"")
    return [(one.verdict, one.code) for one in verdicts]


async def test_a_kit_waits_for_the_recipe_on_its_way_that_ends_a_circle(
    yard: Yard, clock: VirtualClock
) -> None:
    await yard.hear(kit("A", 1, B=1))
    assert await told(yard, kit("A", 2, P=1)) == [(Verdict.NEW, "")]
    assert await told(yard, kit("B", 1, A=1)) == [(Verdict.WAITING, "MD-KIT-CIRCLE")]
    await yard.hub.settle()
    await clock.advance(timedelta(seconds=1))
    await yard.hub.settle()
    await yard.hub.put_stock("P", "DC1", 3)
    assert (await yard.of("B")).now == 3 * MICROS
    assert await yard.hub.waiting_room.waiting(yard.hub.scope) == []


async def test_a_circle_that_no_recipe_on_its_way_ends_is_set_aside(
    yard: Yard, clock: VirtualClock
) -> None:
    await yard.hear(kit("A", 1, B=1))
    assert await told(yard, kit("K", 1, P=1)) == [(Verdict.NEW, "")]
    assert await told(yard, kit("B", 1, A=1)) == [(Verdict.WAITING, "MD-KIT-CIRCLE")]
    await yard.hub.settle()
    await clock.advance(timedelta(seconds=1))
    await yard.hub.settle()
    assert await yard.hub.waiting_room.waiting(yard.hub.scope) == []
    async with yard.hub.database.transaction(yard.hub.scope) as tx:
        rows = await tx.fetch("select code from quarantine where tenant = $1", tx.tenant)
    assert [row["code"] for row in rows] == ["MD-KIT-CIRCLE"]


@pytest.mark.parametrize("takes_parts", [True, False])
async def test_a_circle_that_is_there_already_is_answered_with_what_lies_there(
    yard: Yard, *, takes_parts: bool
) -> None:
    for half in (kit("A", 1, B=1), kit("B", 1, A=1, C=1)):
        # Not settled in between, so nobody knows the one when the other is told.
        [verdict] = await yard.hub.inbox.record(yard.hub.scope, "erp", [half], b"")
        assert verdict.verdict is Verdict.NEW
    await yard.hub.settle()
    await yard.rule(AtpRule(takes_parts=takes_parts))
    await yard.hear(kit("K", 1, A=1))
    for item, pieces in (("A", 2), ("B", 3), ("C", 9)):
        await yard.hub.put_stock(item, "DC1", pieces)
    assert (await yard.of("A")).now == 5 * MICROS
    assert (await yard.of("B")).now == 5 * MICROS
    assert (await yard.of("C")).now == 9 * MICROS
    assert (await yard.of("K")).now == 2 * MICROS
