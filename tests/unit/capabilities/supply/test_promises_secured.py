"""What comes in is held for the promises by date that wait for it, before others take it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import AtpRule
from tests.unit.capabilities.supply.test_kept_promises import AT_ONCE, parts, promise
from tests.unit.capabilities.supply.test_promises_together import (
    EAST,
    keep_for_key,
    plain,
    together,
)
from tests.unit.capabilities.supply.yard import (
    STAGED,
    Yard,
    committed,
    day,
    line,
    moved,
    ordered,
    shelf,
)


async def held(yard: Yard, promise_id: str) -> int:
    found = await yard.hub.kept_promises.get(yard.hub.scope, promise_id)
    return sum(part[2] for part in parts(found))


async def test_a_receipt_is_held_for_the_promise_and_a_plain_reservation_is_denied(
    yard: Yard,
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    made = await promise(yard, "r1", 60, "so1/1")
    received = moved("m", 60, None, shelf())
    await yard.hear(received, committed("po:1", 0, 2, eta=day(1)))
    assert await held(yard, made.promise_id) == 60
    assert await plain(yard, "cart", 60) == 0
    await yard.hear(received)
    assert await held(yard, made.promise_id) == 60
    assert (await yard.ask(None)).shortage == 0


async def test_a_part_that_comes_in_is_held_and_the_rest_waits(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    made = await promise(yard, "r1", 50, "so1/1")
    await yard.hear(moved("m1", 20, None, shelf()), committed("po:1", 40, 2, eta=day(1)))
    assert await held(yard, made.promise_id) == 20
    assert await plain(yard, "cart", 20) == 0
    assert await yard.promisable() == {0: 0, 1: 10}
    await yard.hear(moved("m2", 40, None, shelf()), committed("po:1", 0, 3, eta=day(1)))
    assert await held(yard, made.promise_id) == 50
    assert await plain(yard, "cart-2", 20) == 10


async def test_who_leaves_first_has_it_first(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(committed("po:1", 10, eta=day(1)), committed("po:2", 10, eta=day(3)))
    late = await promise(yard, "r1", 20, "so1/1")
    await yard.hub.kept_promises.release(yard.hub.scope, late.promise_id, by="test")
    first = await promise(yard, "r2", 10, "so2/1")
    second = await promise(yard, "r3", 10, "so3/1")
    assert [parts(one)[0][0] for one in (first, second)] == [1, 3]
    await yard.hear(moved("m1", 10, None, shelf()), committed("po:1", 0, 2, eta=day(1)))
    assert await held(yard, first.promise_id) == 10
    assert await held(yard, second.promise_id) == 0


@pytest.mark.parametrize(
    "rule", [replace(AT_ONCE, pack=Decimal(12)), replace(AT_ONCE, split_lines_max=1)]
)
async def test_what_lies_there_is_held_for_what_leaves_later(yard: Yard, rule: AtpRule) -> None:
    await yard.rule(rule)
    await yard.hub.put_stock("X", "DC1", 10)
    await yard.hear(committed("po:1", 50, eta=day(2)))
    made = await together(yard, "r1", ("X", "DC1", 60, ""))
    assert parts(made) == [(2, 60, 10)]
    assert await plain(yard, "cart", 10) == 0


async def test_what_another_order_gives_up_is_held(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 100)
    await yard.hear(ordered("o", line("o/1", 80, day(3))), committed("po:1", 80, eta=day(2)))
    made = await promise(yard, "r1", 100, "so1/1")
    assert parts(made) == [(0, 100, 20)]
    await yard.hear(ordered("o", line("o/1", 0, day(3)), version=2))
    assert await held(yard, made.promise_id) == 100
    assert await plain(yard, "cart", 100) == 0


async def test_what_comes_to_a_member_is_held_for_its_group(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(EAST, committed("po:1", 60, eta=day(1)))
    made = await together(yard, "r1", ("X", "EAST", 60, ""))
    await yard.hear(moved("m", 60, None, shelf()), committed("po:1", 0, 2, eta=day(1)))
    assert await held(yard, made.promise_id) == 60
    assert await plain(yard, "cart", 60) == 0


async def test_what_has_left_is_over_and_stays_so_when_its_order_drops_the_line(
    yard: Yard,
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    made = await promise(yard, "r1", 60, "so1/1")
    await yard.hear(ordered("so1", line("so1/1", 60)))
    await yard.hear(moved("m", 60, None, shelf()), committed("po:1", 0, 2, eta=day(1)))
    await yard.hear(moved("p", 60, shelf(), STAGED, "so1/1"))
    await yard.hear(moved("s", 60, STAGED, None, "so1/1"))
    over = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert over.released_at is not None
    assert await yard.hub.kept_promises.listed(yard.hub.scope) == []
    await yard.hear(moved("m2", 60, None, shelf()))
    assert await yard.promisable() == {0: 60}
    await yard.hear(ordered("so1", version=2))
    assert await yard.promisable() == {0: 60}


async def test_an_order_line_that_is_dropped_is_cancelled(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    await promise(yard, "r1", 60, "so1/1")
    await yard.hear(ordered("so1", line("so1/1", 60)))
    await yard.hear(ordered("so1", version=2))
    assert await yard.promisable() == {0: 40, 1: 100}
    assert await plain(yard, "cart", 40) == 40


async def test_what_is_picked_without_an_order_is_taken_off_the_promise(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await promise(yard, "r1", 30, "so1/1")
    await yard.hear(moved("p", 30, shelf(), STAGED, "so1/1"))
    assert await yard.promisable() == {0: 10}
    assert await yard.hub.kept_promises.listed(yard.hub.scope) == []


async def test_the_rest_of_an_order_that_has_shipped_in_part_is_promised_anew(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 60)
    await yard.hear(committed("po:1", 60, eta=day(2)), ordered("so1", line("so1/1", 100)))
    await yard.hear(moved("p", 60, shelf(), STAGED, "so1/1"))
    made = await promise(yard, "r1", 40, "so1/1")
    assert parts(made) == [(2, 40, 0)]
    assert await yard.promisable() == {0: 0, 2: 20}


async def test_who_may_have_nothing_keeps_nobody_behind_from_what_comes(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    comes = ((20, 1), (10, 3), (10, 5))
    await yard.hear(*(committed(f"po:{on}", pieces, eta=day(on)) for pieces, on in comes))
    web = await together(yard, "r1", ("X", "DC1", 20, ""), channel="WEB")
    key = await together(yard, "r2", ("X", "DC1", 10, ""), channel="KEY")
    last = await together(yard, "r3", ("X", "DC1", 10, ""), channel="KEY")
    await keep_for_key(yard)
    await yard.hear(moved("m", 15, None, shelf()))
    assert [await held(yard, one.promise_id) for one in (web, key, last)] == [0, 10, 5]


async def test_what_was_held_and_is_lost_is_at_risk(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    made = await promise(yard, "r1", 40, "so1/1")
    assert parts(made) == [(0, 40, 40)]
    await yard.hear(moved("lost", 40, shelf(), None))
    [lost], _ = await yard.hub.securing.at_risk(yard.hub.scope)
    assert (lost.promise_id, lost.day, lost.micros) == (made.promise_id, day(0), 40 * MICROS)
    await yard.hear(moved("found", 40, None, shelf()))
    assert await yard.hub.securing.at_risk(yard.hub.scope) == ([], made.promise_id)


async def test_what_supply_does_not_cover_any_more_is_at_risk_from_its_day_on(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 10)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    made = await promise(yard, "r1", 60, "so1/1")
    look = yard.hub.securing.at_risk
    assert await look(yard.hub.scope) == ([], made.promise_id)
    await yard.hear(committed("po:1", 20, 2, eta=day(1)))
    [cut], _ = await look(yard.hub.scope)
    assert (cut.promise_id, cut.line.demand_ref) == (made.promise_id, "so1/1")
    assert (cut.day, cut.micros) == (day(1), 30 * MICROS)
    await yard.hear(committed("po:1", 60, 3, eta=day(4)))
    [late], _ = await look(yard.hub.scope)
    assert (late.day, late.micros) == (day(1), 50 * MICROS)
    await yard.hear(committed("po:1", 0, 4, eta=day(4)), ordered("so1", line("so1/1", 60)))
    [cancelled], _ = await look(yard.hub.scope)
    assert (cancelled.day, cancelled.micros) == (day(1), 50 * MICROS)
    await yard.hear(moved("m", 50, None, shelf()))
    assert await look(yard.hub.scope) == ([], made.promise_id)
    assert await look(yard.hub.scope, after=made.promise_id) == ([], "")
