"""Supersession and substitutes on a real hub: rules as versions, offers in answers."""

import asyncio

import pytest

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import (
    Alternative,
    SubstitutionKind,
    SubstitutionRule,
)
from tests.unit.capabilities.supply.yard import Yard, committed, day, noticed


def other(item: str, **more: object) -> Alternative:
    return Alternative(item=item, unit="EA", **more)  # type: ignore[arg-type]  # fields by name, as the case has them


def follows(item: str, **more: object) -> Alternative:
    return other(item, kind=SubstitutionKind.SUPERSESSION, **more)


async def put(yard: Yard, item: str, *alternatives: Alternative) -> int:
    rule = SubstitutionRule(item=item, alternatives=alternatives, unit="EA")
    made = await yard.hub.supply.put_substitution(yard.hub.scope, rule, by="buyer")
    return made.version


async def test_an_item_that_ends_is_used_up_and_then_followed(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 12)
    await yard.hub.put_stock("A", "DC1", 100)
    await put(yard, "X", follows("A"))
    assert (await yard.ask(12)).offers == ()
    answer = await yard.ask(30)
    assert (answer.promised_on, answer.item) == (None, "X")
    assert [(one.item, one.micros // MICROS, one.version) for one in answer.proposal] == [
        ("X", 12, 0),
        ("A", 18, 1),
    ]
    [offer] = answer.offers
    assert (offer.option.ruled, offer.promised_on) == ("X", day(0))


async def test_alternatives_are_asked_for_by_the_day_and_by_whom_they_are_for(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 2)
    await yard.hub.put_stock("A", "DC1", 3)
    await yard.hub.put_stock("B", "DC1", 0)
    await yard.hear(noticed("asn", 40, item="B", eta=day(1)), committed("po", 50, eta=day(6)))
    await put(yard, "X", other("A"), other("B", rank=2, not_for=("customer:METRO",)))
    answer = await yard.ask(20, by=day(2))
    assert [(one.option.item, one.covers // MICROS) for one in answer.offers] == [
        ("A", 3),
        ("B", 18),
    ]
    assert [(one.item, one.micros // MICROS, one.on) for one in answer.proposal] == [
        ("X", 2, day(0)),
        ("A", 3, day(0)),
        ("B", 15, day(2)),
    ]
    metro = await yard.ask(20, by=day(2), customer="METRO")
    assert [one.option.item for one in metro.offers] == ["A"]
    # The rest waits with the item itself, until its own supply has come.
    assert (metro.proposal[-1].item, metro.proposal[-1].on) == ("X", metro.promised_on)


async def test_what_goes_both_ways_stands_in_for_the_other_too(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 0)
    await yard.hub.put_stock("A", "DC1", 30)
    assert await put(yard, "A", other("X", numerator=2, is_two_way=True)) == 1
    [offer] = (await yard.ask(10)).offers
    assert (offer.option.item, offer.on_time // MICROS, offer.covers // MICROS) == ("A", 5, 10)
    assert await put(yard, "A") == 2
    assert (await yard.ask(10)).offers == ()
    listed = await yard.hub.supply.substitutions(yard.hub.scope, item="A")
    assert [(one.version, len(one.rule.alternatives), one.put_by) for one in listed] == [
        (1, 1, "buyer"),
        (2, 0, "buyer"),
    ]
    after = await yard.hub.supply.substitutions(yard.hub.scope, after=("A", 1), limit=1)
    assert [one.version for one in after] == [2]


async def test_a_circle_of_supersession_is_refused(yard: Yard) -> None:
    await put(yard, "X", follows("A"))
    await put(yard, "A", follows("B"))
    with pytest.raises(Invalid, match="B > X > A > B"):
        await put(yard, "B", follows("X"))
    with pytest.raises(Invalid, match="itself"):
        await put(yard, "B", follows("B"))
    await put(yard, "X")
    assert await put(yard, "B", follows("X")) == 1


async def test_two_halves_of_a_circle_are_not_put_at_once(yard: Yard) -> None:
    made = await asyncio.gather(
        put(yard, "X", follows("A")), put(yard, "A", follows("X")), return_exceptions=True
    )
    assert sorted(isinstance(one, Invalid) for one in made) == [False, True]


async def test_a_chain_is_followed_to_its_end(yard: Yard) -> None:
    await put(yard, "X", follows("A", numerator=2))
    await put(yard, "A", follows("B"))
    await yard.hub.put_stock("X", "DC1", 1)
    await yard.hub.put_stock("B", "DC1", 9)
    answer = await yard.ask(5)
    assert [(one.option.item, one.option.ruled) for one in answer.offers] == [
        ("A", "X"),
        ("B", "A"),
    ]
    assert [one.covers // MICROS for one in answer.offers] == [0, 4]
