"""Who told of the stock, whose clocks hold, and whose orders take it, on a real hub."""

from dataclasses import replace
from datetime import date, timedelta

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.orders import DemandLine
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import AtpRule
from crossdock.foundation.clock import VirtualClock
from tests.unit.capabilities.supply.yard import (
    Yard,
    day,
    fact,
    kit,
    line,
    moved,
    ordered,
    shelf,
)


async def east(yard: Yard, zone: str = "UTC") -> None:
    group = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC2", "FAR"))
    await yard.hear(fact("FAR", LocationChanged(code="FAR", timezone=zone)), fact("EAST", group))


async def test_a_group_goes_by_the_calendars_and_cut_offs_of_its_members(yard: Yard) -> None:
    await east(yard)
    await yard.hub.put_stock("X", "DC2", 4)
    await yard.hub.put_stock("X", "FAR", 10)
    await yard.rule(AtpRule(weekdays="3"), "*", "FAR")
    await yard.rule(AtpRule(cutoff="11:00"), "*", "DC2")
    assert await yard.promisable(location="EAST") == {0: 0, 1: 4, 2: 14}
    assert (await yard.ask(5, location="EAST")).promised_on == day(2)


async def test_a_members_cut_off_is_by_its_own_clock(yard: Yard) -> None:
    # It is noon at the group, and nine in the evening in Tokyo.
    await east(yard, "Asia/Tokyo")
    await yard.hub.put_stock("X", "FAR", 10)
    await yard.rule(AtpRule(cutoff="20:00"), "*", "FAR")
    assert await yard.promisable(location="EAST") == {0: 0, 1: 10}
    await yard.rule(AtpRule(cutoff="22:00"), "*", "FAR")
    assert await yard.promisable(location="EAST") == {0: 10}


async def test_an_answer_says_who_told_of_its_stock_and_whether_it_is_stale(
    yard: Yard, clock: VirtualClock
) -> None:
    await yard.hear(moved("m1", 5, None, shelf()), source="wms")
    answer = await yard.ask()
    assert (answer.now, answer.is_stale) == (5 * MICROS, False)
    [heard] = answer.sources
    assert (heard.source, heard.freshness_seconds) == ("wms", 900)
    assert heard.heard_at is not None

    await clock.advance(timedelta(hours=1))
    assert (await yard.ask()).is_stale
    await yard.hub.inventory.upkeep.set_freshness(yard.hub.scope, "wms", 86_400)
    assert not (await yard.ask()).is_stale
    assert (await yard.ask(location="DC2")).sources == ()


def of_kit(ref: str, pieces: int, on: date | None = None) -> DemandLine:
    return replace(line(ref, pieces, on), item="P")


async def test_orders_for_a_kit_claim_its_components_unless_a_rule_denies_it(yard: Yard) -> None:
    await yard.hear(kit("P", 1, X=2), kit("Q", 1, X=5))
    await yard.rule(AtpRule(takes_parts=False), "P")
    await yard.hub.put_stock("X", "DC1", 50)
    await yard.hub.put_stock("P", "DC1", 1)
    await yard.hear(ordered("o1", of_kit("o1/1", 4), of_kit("o1/2", 3, day(2))))
    assert await yard.promisable() == {0: 50}

    await yard.hub.supply.drop_rule(yard.hub.scope, "P", "*", by="test")
    assert await yard.promisable() == {0: 38}
    assert [(one.day, one.demand // MICROS) for one in (await yard.ask()).buckets] == [
        (day(0), 6),
        (day(2), 6),
    ]
    assert await yard.promisable("o1/1", "o1/2") == {0: 50}
    # The kit itself counts its orders once; another kit has what they leave.
    assert (await yard.of("P")).now == 19 * MICROS
    assert (await yard.of("Q")).now == 7 * MICROS
    # A recipe that does without it frees it.
    await yard.hear(kit("P", 2, A=2))
    assert await yard.promisable() == {0: 50}
