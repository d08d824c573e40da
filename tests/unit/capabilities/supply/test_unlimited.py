"""Items that no stock limits, with all around them: promises, kits, their watch, who stays so."""

import pytest

from crossdock.canonical.catalog import ItemChanged
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import (
    AtpMode,
    AtpRule,
    Basis,
    KeptPromise,
    PlacedRule,
    PromiseAsked,
    Question,
)
from tests.unit.capabilities.supply.yard import Yard, day, fact, kit


async def classed(yard: Yard, item_class: str, item: str = "X") -> None:
    await yard.hear(fact(f"{item} is {item_class}", ItemChanged(sku=item, item_class=item_class)))


async def ruled(yard: Yard, mode: AtpMode, item_class: str = "SERVICE") -> None:
    rule = AtpRule(mode=mode, lead_time_days=4)
    placed = PlacedRule(item_class=item_class, rule=rule)
    await yard.hub.supply.put_rule(yard.hub.scope, placed, by="test")


async def promised(
    yard: Yard, pieces: int, item: str = "X", *, mode: AtpMode | None = None
) -> KeptPromise:
    asked = Question(item, "DC1", "EA", pieces * MICROS, mode=mode)
    request = PromiseAsked(f"{item}{pieces}", (asked,), ("",))
    return await yard.hub.kept_promises.promise(yard.hub.scope, "shop", request)


@pytest.mark.parametrize(
    ("mode", "days", "basis"),
    [(AtpMode.INFINITE, 0, Basis.UNLIMITED), (AtpMode.LEAD_TIME, 4, Basis.LEAD_TIME)],
)
async def test_a_promise_of_it_holds_no_stock_and_is_never_at_risk(
    yard: Yard, mode: AtpMode, days: int, basis: Basis
) -> None:
    await classed(yard, "SERVICE")
    await ruled(yard, mode)
    await yard.hub.put_stock("X", "DC1", 3)

    made = await promised(yard, 500)
    again = await promised(yard, 700)

    assert (made.is_granted, again.is_granted) == (True, True)
    assert [(one.ship_date, one.held) for one in made.lines] == [(day(days), 0)]
    assert made.proof.answers[0].basis is basis
    assert [one.key for one in made.proof.rules] == [("*", "", "*"), ("*", "SERVICE", "*")]
    at_risk, _ = await yard.hub.securing.at_risk(yard.hub.scope)
    assert at_risk == []


async def test_an_open_promise_is_at_risk_once_its_item_is_limited_again(yard: Yard) -> None:
    await classed(yard, "SERVICE")
    await ruled(yard, AtpMode.INFINITE)
    await promised(yard, 500)

    await classed(yard, "A")
    found, _ = await yard.hub.securing.at_risk(yard.hub.scope)

    assert [one.micros for one in found] == [500 * MICROS]


async def test_others_are_promised_no_more_than_there_is(yard: Yard) -> None:
    """I2 and I10 hold for what stock limits, beside what none does."""
    await classed(yard, "SERVICE", "P")
    await ruled(yard, AtpMode.INFINITE)
    await yard.hub.put_stock("X", "DC1", 3)

    found = [(await promised(yard, 2, item)).is_granted for item in ("P", "X")]
    refused = [(await promised(yard, 3, item)).is_granted for item in ("P", "X")]

    assert (found, refused) == ([True, True], [True, False])


async def test_a_kit_is_promised_by_what_limits_it(yard: Yard) -> None:
    await yard.hear(kit("K", 1, X=1, P=2))
    await classed(yard, "SERVICE", "P")
    await ruled(yard, AtpMode.INFINITE)
    await yard.hub.put_stock("X", "DC1", 5)

    made = await promised(yard, 4, "K")

    assert made.is_granted
    held = {one.item: one.held for one in made.lines if one.item != "K"}
    assert held == {"X": 4 * MICROS, "P": 0}
    assert not (await promised(yard, 2, "K")).is_granted


@pytest.mark.parametrize("mode", [AtpMode.INFINITE, AtpMode.LEAD_TIME])
async def test_nobody_who_asks_makes_an_item_endless(yard: Yard, mode: AtpMode) -> None:
    with pytest.raises(Invalid, match="promised by a rule alone"):
        await promised(yard, 5, mode=mode)


@pytest.mark.parametrize("mode", [AtpMode.INFINITE, AtpMode.LEAD_TIME])
async def test_what_comes_in_later_of_it_is_not_held_for_its_promise(
    yard: Yard, mode: AtpMode
) -> None:
    await classed(yard, "SERVICE")
    await ruled(yard, mode)
    made = await promised(yard, 500)

    await yard.hub.put_stock("X", "DC1", 30)
    await yard.hub.settle()

    found = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert [one.held for one in found.lines] == [0]
    [there] = await yard.hub.inventory.availability(yard.hub.scope, [("X", "DC1")])
    assert (there.figures.hard, there.figures.soft) == (0, 0)
