"""Rules of answers by date for a class of items, as the catalogue has it."""

import pytest

from crossdock.canonical.catalog import ItemChanged
from crossdock.canonical.errors import NotFound
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import AtpMode, AtpRule, PlacedRule, PromiseAsked, Question
from tests.unit.capabilities.supply.yard import Yard, day, fact


async def classed(yard: Yard, item_class: str, item: str = "X") -> None:
    await yard.hear(fact(f"{item} is {item_class}", ItemChanged(sku=item, item_class=item_class)))


async def ruled(yard: Yard, days: int, item_class: str = "", **place: str) -> None:
    rule = AtpRule(is_replenishable=True, lead_time_days=days)
    placed = PlacedRule(item_class=item_class, rule=rule, **place)
    await yard.hub.supply.put_rule(yard.hub.scope, placed, by="test")


async def anew(yard: Yard, item: str = "X", location: str = "DC1") -> int:
    answer = await yard.of(item, 9, location=location)
    assert answer.promised_on is not None
    return (answer.promised_on - answer.today).days


async def test_an_item_comes_before_its_class_and_a_class_before_a_location(yard: Yard) -> None:
    await classed(yard, "A")
    places = [
        (1, "", {"item": "X", "location": "DC1"}),
        (2, "", {"item": "X"}),
        (3, "A", {"location": "DC1"}),
        (4, "A", {}),
        (5, "", {"location": "DC1"}),
    ]
    found: list[int] = []
    for days, item_class, place in reversed(places):
        await ruled(yard, days, item_class, **place)
        found.append(await anew(yard))

    assert found == [5, 4, 3, 2, 1]


async def test_a_rule_of_a_class_is_for_its_items_alone(yard: Yard) -> None:
    await classed(yard, "A")
    await classed(yard, "B", "P")
    await ruled(yard, 4, "A")
    await ruled(yard, 3, "A", location="DC2")
    await ruled(yard, 7, "B")
    await ruled(yard, 9)

    found = [await anew(yard, item) for item in "XPQ"]
    assert (found, await anew(yard, location="DC2")) == ([4, 7, 9], 3)


async def test_an_item_whose_class_changes_has_the_rules_of_the_new_one(yard: Yard) -> None:
    await ruled(yard, 4, "A")
    await ruled(yard, 7, "B")
    await ruled(yard, 9)

    found = [await anew(yard)]
    for item_class in ("a", "B", ""):
        await classed(yard, item_class)
        found.append(await anew(yard))

    assert found == [9, 4, 7, 9]


async def test_rules_of_classes_are_listed_and_taken_back(yard: Yard) -> None:
    supply, scope = yard.hub.supply, yard.hub.scope
    await classed(yard, "A")
    await ruled(yard, 4, "A")
    await ruled(yard, 3, "A", location="DC1")
    await ruled(yard, 5, "B")

    listed = [one.key for one in await supply.rules(scope)]
    behind = await supply.rules(scope, after=("*", "*"), after_class="A")
    await supply.drop_rule(scope, "*", "DC1", item_class="A", by="test")

    assert listed == [("*", "", "*"), ("*", "A", "*"), ("*", "B", "*"), ("*", "A", "DC1")]
    assert [one.key for one in behind] == listed[2:]
    assert await anew(yard) == 4
    with pytest.raises(NotFound, match="no rule for class 'A' at 'DC1'"):
        await supply.drop_rule(scope, "*", "DC1", item_class="A", by="test")


async def test_a_promise_keeps_the_rules_it_was_made_by(yard: Yard) -> None:
    await classed(yard, "A")
    await yard.hub.put_stock("X", "DC1", 9)
    mode = AtpRule(mode=AtpMode.DISCRETE)
    for item_class in "AB":
        placed = PlacedRule(item_class=item_class, rule=mode)
        await yard.hub.supply.put_rule(yard.hub.scope, placed, by="test")
    asked = PromiseAsked("p", (Question("X", "DC1", "EA", 4 * MICROS),), ("",))
    made = await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)

    await classed(yard, "C")
    await yard.hub.supply.drop_rule(yard.hub.scope, "*", "*", item_class="A", by="test")
    shown = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)

    assert shown.proof == made.proof
    assert [one.key for one in shown.proof.rules] == [("*", "", "*"), ("*", "A", "*")]
    assert shown.proof.answers[0].mode is AtpMode.DISCRETE
    assert shown.proof.answers[0].today == day(0)
