"""A promise by date can be asked why for ever: on a real hub, whatever has changed since."""

from dataclasses import replace

import msgspec

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import AtpRule, KeptPromise, PlacedRule, PromiseAsked, Question
from crossdock.interfaces.api.kept_promises import kept_shown
from crossdock.interfaces.api.stock_shapes import amount
from tests.unit.capabilities.supply.test_kept_promises import AT_ONCE, a4, promise
from tests.unit.capabilities.supply.yard import Yard, committed, day, kit

NOTHING = amount(0, "EA")


def told(made: KeptPromise) -> bytes:
    """Tell a promise as everybody is told it, proven once more.

    How much of it is held in stock is of today: what comes is held for it.
    """
    shown = kept_shown(made, with_proof=True)
    assert shown.is_reproduced
    dated = [replace(line, held=NOTHING) for line in shown.lines]
    return msgspec.json.encode(replace(shown, lines=dated))


async def test_a_promise_is_derived_the_same_after_rules_stock_and_supply_have_changed(
    yard: Yard,
) -> None:
    await a4(yard)
    made = await promise(yard, "r1", 40)
    then = told(made)

    await yard.rule(AtpRule(weekdays="67", daily_buckets=3, weekly_buckets=0))
    await yard.hub.put_stock("X", "DC1", 500)
    await yard.hear(committed("po:1", 0, 2, eta=day(2)), committed("po:9", 7, eta=day(1)))
    await promise(yard, "r2", 30)

    assert told(await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)) == then


async def test_a_kits_promise_is_derived_the_same_after_its_recipe_has_changed(
    yard: Yard,
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(kit("K", 1, X=2))
    await yard.hub.put_stock("X", "DC1", 20)
    question = Question("K", "DC1", "EA", 3 * MICROS)
    asked = PromiseAsked("r1", (question,), ("",))
    made = await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)
    then = told(made)
    assert made.is_granted

    await yard.hear(kit("K", 2, X=7))
    await yard.hub.put_stock("X", "DC1", 1)

    again = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert told(again) == then


async def test_a_refusal_is_derived_once_more_as_well(yard: Yard) -> None:
    await a4(yard)
    refused = await promise(yard, "r1", 900)
    assert not refused.is_granted
    then = told(refused)
    await yard.hub.put_stock("X", "DC1", 5000)
    again = await yard.hub.kept_promises.get(yard.hub.scope, refused.promise_id)
    assert told(again) == then


async def test_the_rules_that_were_said_then_are_told_and_those_of_today_are_not(
    yard: Yard,
) -> None:
    await a4(yard)
    made = await promise(yard, "r1", 40)
    await yard.rule(AtpRule(weekdays="67"))
    again = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert again.proof.rules == made.proof.rules
    assert all(isinstance(one, PlacedRule) for one in again.proof.rules)
    assert {one.rule.weekdays for one in again.proof.rules} == {"1234567"}
