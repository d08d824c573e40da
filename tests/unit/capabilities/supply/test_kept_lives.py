"""A promise by date remembers the life it was made for: its goods are nobody else's (I8)."""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest

from crossdock.canonical.inventory import StockStatus
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import (
    AtpMode,
    AtpRule,
    KeptPromise,
    LifeTerms,
    PromiseAsked,
    Question,
)
from tests.conftest import NOON
from tests.unit.capabilities.supply.test_lots import counted
from tests.unit.capabilities.supply.yard import (
    EVERY_DAY,
    Yard,
    day,
    expiring,
    fact,
    line,
    moved,
    ordered,
    shelf,
)

NUMBERS = count(1)


async def lots(yard: Yard) -> None:
    """Put 50 that keep 15 days and 50 that keep 120 at DC1."""
    await yard.rule(EVERY_DAY)
    await yard.hear(fact("count", counted(L1=(50, ""), L3=(50, ""))), source="wms")
    await yard.hear(expiring("L1", day(15)), expiring("L3", day(120)))


async def promise(yard: Yard, pieces: int, ref: str = "", **more: object) -> KeptPromise:
    question = Question("X", "DC1", "EA", pieces * MICROS)
    question = question._replace(**more)  # type: ignore[arg-type]  # fields by name
    asked = PromiseAsked(f"r{next(NUMBERS)}", (question,), (ref,))
    return await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)


async def test_two_promises_of_the_same_fresh_goods_are_not_both_granted(yard: Yard) -> None:
    await lots(yard)
    metro = LifeTerms(customer="METRO", days=30, transit_days=3)
    await yard.rule(AtpRule(lives=(metro,)), "X")

    first = await promise(yard, 50, customer="METRO")
    second = await promise(yard, 50, customer="METRO")
    other = await promise(yard, 50)

    assert [one.is_granted for one in (first, second, other)] == [True, False, True]
    assert [(one.life_days, one.transit_days) for one in first.lines] == [(30, 3)]
    assert (await yard.ask(customer="METRO")).now == (await yard.ask()).now == 0


async def test_a_promise_out_of_one_lot_is_granted_what_one_has_and_no_more(yard: Yard) -> None:
    await lots(yard)
    more = await promise(yard, 60, mode=AtpMode.DISCRETE)
    one = await promise(yard, 50, mode=AtpMode.DISCRETE)

    assert [more.is_granted, one.is_granted] == [False, True]
    assert more.lines == ()
    assert (await promise(yard, 50, mode=AtpMode.DISCRETE)).is_granted
    assert (await yard.ask()).now == 0


@pytest.mark.parametrize("has_order", [False, True])
async def test_what_is_held_for_later_is_held_of_goods_that_keep_until_it_leaves(
    yard: Yard, *, has_order: bool
) -> None:
    """50 leave in ten days with ten left: those that keep 15 would be too old by then."""
    await lots(yard)
    if has_order:
        await yard.hear(ordered("o1", line("o1/1", 50)))
    made = await promise(yard, 50, "o1/1", life_days=10, not_before=day(9))
    assert made.is_granted
    assert [one.ship_date for one in made.lines] == [day(9)]

    assert (await yard.ask(life_days=30)).now == 0
    assert (await yard.ask()).now == 50 * MICROS


async def test_what_has_to_be_good_on_delivery_alone_is_promised_once(yard: Yard) -> None:
    """50 are good for three days and 50 for longer; both promises take five to get there."""
    await yard.rule(EVERY_DAY)
    await yard.hear(fact("count", counted(L1=(50, ""), L3=(50, ""))), source="wms")
    await yard.hear(expiring("L1", day(3)), expiring("L3", day(120)))

    first = await promise(yard, 50, transit_days=5)
    second = await promise(yard, 50, transit_days=5)
    other = await promise(yard, 50)

    assert [one.is_granted for one in (first, second, other)] == [True, False, True]
    assert [(one.life_days, one.transit_days) for one in first.lines] == [(None, 5)]


async def test_a_promise_that_is_released_gives_its_fresh_goods_back(yard: Yard) -> None:
    await lots(yard)
    made = await promise(yard, 50, life_days=30)
    assert (await yard.ask(life_days=30)).now == 0
    await yard.hub.kept_promises.release(yard.hub.scope, made.promise_id, by="test")
    assert (await yard.ask(life_days=30)).now == 50 * MICROS


@pytest.mark.parametrize("has_order", [False, True])
async def test_a_promise_of_fresh_goods_is_at_risk_where_older_ones_are_left(
    yard: Yard, *, has_order: bool
) -> None:
    """What keeps for thirty days and more is damaged; as many that keep for fifteen are left."""
    await lots(yard)
    if has_order:
        await yard.hear(ordered("o1", line("o1/1", 50)))
    made = await promise(yard, 50, "o1/1", life_days=30)
    look = yard.hub.securing.at_risk
    assert (await look(yard.hub.scope))[0] == []

    to_damaged = replace(shelf(), status=StockStatus.DAMAGED, lot="L3")
    lost = moved("damaged", 50, replace(shelf(), lot="L3"), to_damaged)
    await yard.hear(replace(lost, occurred_at=NOON + timedelta(minutes=1)))

    found, _ = await look(yard.hub.scope)
    assert [(one.promise_id, one.micros // MICROS) for one in found] == [(made.promise_id, 50)]
