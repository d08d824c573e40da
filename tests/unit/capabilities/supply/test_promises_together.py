"""Promises by date beside each other, orders, channels and reservations: no unit goes twice."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.errors import NotFound
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import AllocationProtection
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from crossdock.capabilities.supply import KeptPromise, PromiseAsked, Question
from tests.unit.capabilities.supply.test_kept_promises import AT_ONCE, parts, promise
from tests.unit.capabilities.supply.yard import (
    Yard,
    committed,
    day,
    fact,
    kit,
    line,
    moved,
    ordered,
    shelf,
)

EAST = fact("EAST", LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2")))
Wanted = tuple[str, str, int, str]
"""Item, location, pieces, order line."""


async def together(
    yard: Yard, request: str, *lines: Wanted, replaces: str = "", channel: str = ""
) -> KeptPromise:
    questions = tuple(
        Question(item, location, "EA", pieces * MICROS, channel=channel)
        for item, location, pieces, _ in lines
    )
    asked = PromiseAsked(request, questions, tuple(ref for *_, ref in lines), replaces)
    return await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)


async def plain(
    yard: Yard, request: str, pieces: int, ref: str = "", *, item: str = "X", channel: str = ""
) -> int:
    """Reserve at DC1, in part if there is less; give how many pieces it got."""
    lines = (ReservationLine(item, "DC1", pieces * MICROS, ref),)
    asked = ReservationRequest(
        request, lines, ReservationKind.HARD, allow_partial=True, channel=channel
    )
    made = await yard.hub.inventory.reserve(yard.hub.scope, "cart", asked)
    await yard.hub.settle()
    return made.lines[0].granted // MICROS


@pytest.mark.parametrize(
    ("lines", "is_granted"),
    [
        ([("X", "DC1", 6, "o/1"), ("X", "DC1", 4, "o/2")], True),
        ([("X", "DC1", 6, "o/1"), ("X", "DC1", 5, "o/2")], False),
        ([("X", "EAST", 10, ""), ("X", "DC1", 10, "")], False),
        ([("X", "EAST", 6, ""), ("X", "DC1", 4, "")], True),
    ],
)
async def test_each_line_of_a_promise_stands_behind_those_before_it(
    yard: Yard, lines: list[Wanted], *, is_granted: bool
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(EAST)
    await yard.hub.put_stock("X", "DC1", 10)
    made = await together(yard, "r1", *lines)
    assert made.is_granted == is_granted
    assert len(made.lines) == (len(lines) if is_granted else 0)
    left = 0 if is_granted else 10
    assert await yard.promisable() == {0: left}
    assert await plain(yard, "cart", 10) == left


async def test_a_kit_is_promised_with_all_that_it_draws_on(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    for item, pieces in (("A", 10), ("P", 1), ("K", 1)):
        await yard.hub.put_stock(item, "DC1", pieces)
    await yard.hear(kit("K", 1, P=1, A=1), kit("P", 1, A=2))
    made = await together(yard, "r1", ("K", "DC1", 4, "so1/1"))
    assert made.is_granted
    held = [(one.item, one.micros // MICROS, one.held // MICROS) for one in made.lines]
    # One lies there, three are put together: of one P that lies there, two more, and three A.
    assert held == [("K", 4, 1), ("A", 7, 7), ("P", 1, 1)]
    assert (await yard.of("K")).now == MICROS
    assert await plain(yard, "cart", 10, item="A") == 3
    assert await plain(yard, "cart-2", 10, item="P") == 0
    await yard.hub.kept_promises.release(yard.hub.scope, made.promise_id, by="test")
    await yard.hub.settle()
    assert await plain(yard, "cart-3", 10, item="A") == 7


async def test_a_kit_waits_for_its_parts_and_holds_them_when_they_come(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("P", "DC1", 1)
    await yard.hear(kit("K", 1, P=2), kit("P", 1, X=2), committed("po:1", 6, eta=day(1)))
    made = await together(yard, "r1", ("K", "DC1", 2, "so1/1"))
    held = [(one.item, one.ship_date, one.micros // MICROS, one.held) for one in made.lines]
    assert held == [("K", day(1), 2, 0), ("P", day(1), 1, MICROS), ("X", day(1), 6, 0)]
    assert not (await together(yard, "r2", ("K", "DC1", 1, ""))).is_granted
    await yard.hear(moved("in", 6, None, shelf()), committed("po:1", 0, 2, eta=day(1)))
    assert await plain(yard, "cart", 6) == 0


@pytest.mark.parametrize("takes_parts", [True, False])
async def test_a19_a_kit_and_its_order_claim_the_parts_once(
    yard: Yard, *, takes_parts: bool
) -> None:
    await yard.rule(replace(AT_ONCE, takes_parts=takes_parts))
    await yard.hub.put_stock("A", "DC1", 10)
    await yard.hear(kit("K", 1, P=1), kit("P", 1, A=2))
    assert (await together(yard, "r1", ("K", "DC1", 3, "so1/1"))).is_granted
    await yard.hear(ordered("so1", replace(line("so1/1", 3), item="K")))
    assert (await yard.of("A")).now == 4 * MICROS
    assert (await yard.of("K")).now == 2 * MICROS
    # The order drops the line: the promise is over, and all that it held is free.
    await yard.hear(ordered("so1", version=2))
    assert await yard.hub.kept_promises.listed(yard.hub.scope) == []
    assert (await yard.of("A")).now == 10 * MICROS
    assert await plain(yard, "cart", 10, item="A") == 10


async def test_a_kit_of_a_group_is_not_held_as_one(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(EAST, kit("K", 1, A=1))
    await yard.hub.put_stock("A", "DC1", 10)
    refused = await together(yard, "r1", ("K", "EAST", 10, ""))
    assert not refused.is_granted
    assert "promise its components" in refused.proof.reasons[0]
    assert (await together(yard, "r2", ("A", "DC1", 10, ""))).is_granted


async def test_a26_more_is_promised_to_an_order_once_the_order_says_more(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(committed("po:1", 60, eta=day(1)), ordered("so1", line("so1/1", 40)))
    refused = await promise(yard, "r1", 55, "so1/1")
    assert refused.proof.reasons == ("its order claims 40 of it: change the order first",)
    await yard.hear(ordered("so1", line("so1/1", 55), version=2))
    made = await promise(yard, "r2", 55, "so1/1")
    assert [part[:2] for part in parts(made)] == [(0, 40), (1, 15)]
    assert await yard.promisable() == {0: 0, 1: 45}
    assert await plain(yard, "cart", 10) == 0
    assert not (await promise(yard, "r3", 60, "so7/1")).is_granted
    await yard.hear(moved("m", 60, None, shelf()), committed("po:1", 0, 2, eta=day(1)))
    assert await plain(yard, "cart-2", 60) == 45
    await yard.hear(ordered("so1", line("so1/1", 50), version=3))
    assert await yard.promisable() == {0: 5}


async def test_what_goes_beyond_an_order_is_not_promised_and_so_not_taken_by_others(
    yard: Yard,
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(ordered("so1", line("so1/1", 30)))
    assert not (await promise(yard, "r1", 40, "so1/1")).is_granted
    assert (await promise(yard, "r2", 30, "so1/1")).is_granted
    assert await plain(yard, "cart", 40) == 10
    assert (await yard.ask(None)).shortage == 0


async def test_what_is_ordered_by_others_is_not_had_by_replacing_a_promise(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    one = await promise(yard, "r1", 40, "so2/1")
    await yard.hear(ordered("so2", line("so2/1", 40)))
    two = await promise(yard, "r2", 40, "so9/1", replaces=one.promise_id)
    assert not two.is_granted
    kept = await yard.hub.kept_promises.get(yard.hub.scope, one.promise_id)
    assert kept.released_at is None
    assert (await yard.ask(None)).shortage == 0


async def keep_for_key(yard: Yard) -> None:
    """Keep a minimum of sixty for the channel KEY."""
    now, while_ = yard.hub.clock.now(), timedelta(days=1)
    kept = AllocationProtection(
        item="X",
        location="DC1",
        channel="KEY",
        minimum=60 * MICROS,
        maximum=None,
        starts_at=now - while_,
        ends_at=now + while_,
    )
    await yard.hub.allocation.rulebook.protect(yard.hub.scope, kept, by="planner")


async def denials(yard: Yard) -> int:
    async with yard.hub.database.transaction(yard.hub.scope) as tx:
        sql = """select count(*) from inventory_reservation
            where tenant = $1 and client = 'promise by date' and status = 'DENIED'"""
        return int(await tx.fetchval(sql, tx.tenant))


@pytest.mark.parametrize("channel", ["WEB", "KEY"])
async def test_what_is_to_come_is_not_promised_where_minima_hold(yard: Yard, channel: str) -> None:
    await yard.rule(AT_ONCE)
    await keep_for_key(yard)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    refused = await together(yard, "r1", ("X", "DC1", 60, ""), channel=channel)
    [reason] = refused.proof.reasons
    assert reason.startswith("0 of it can be held (DC1); maxima or minima of channels hold there")
    await yard.hear(moved("m", 60, None, shelf()), committed("po:1", 0, 2, eta=day(1)))
    assert await plain(yard, "web", 60, channel="WEB") == 0
    assert await plain(yard, "key", 60, channel="KEY") == 60


async def test_an_order_has_no_promise_of_what_is_to_come_where_minima_hold(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await keep_for_key(yard)
    await yard.hub.put_stock("X", "DC1", 80)
    await yard.hear(committed("po:1", 60, eta=day(1)), ordered("so1", line("so1/1", 90)))
    assert not (await promise(yard, "r1", 90, "so1/1")).is_granted
    assert (await promise(yard, "r2", 20, "so1/1")).is_granted


async def test_a_promise_that_its_channel_may_have_nothing_for_leaves_no_refusals(
    yard: Yard,
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    made = await together(yard, "r1", ("X", "DC1", 60, ""), channel="WEB")
    assert made.is_granted
    await keep_for_key(yard)
    for number in range(3):
        await yard.hear(moved(f"m{number}", 10, None, shelf()))
    assert await denials(yard) == 0
    await yard.hear(moved("m3", 40, None, shelf()))
    found = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert sum(held for *_, held in parts(found)) == 10


async def test_what_channels_keep_is_not_promised_to_another(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 100)
    await keep_for_key(yard)
    refused = await together(yard, "r1", ("X", "DC1", 100, ""), channel="WEB")
    assert refused.proof.reasons == ("a minimum of channels leaves 40 of it (DC1)",)
    assert (await together(yard, "r2", ("X", "DC1", 40, ""), channel="WEB")).is_granted
    assert (await together(yard, "r3", ("X", "DC1", 60, ""), channel="KEY")).is_granted
    assert await plain(yard, "cart", 1, channel="KEY") == 0


async def test_what_a_reservation_holds_for_the_order_line_is_counted_once(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    assert await plain(yard, "cart", 40, "so1/1") == 40
    made = await promise(yard, "r1", 55, "so1/1")
    assert parts(made) == [(0, 40, 40), (1, 15, 0)]
    assert await yard.promisable() == {0: 0, 1: 45}


async def test_a_reservation_released_behind_its_back_is_made_again(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    made = await promise(yard, "r1", 40, "so1/1")
    [explained] = await yard.hub.inventory.explain_order(yard.hub.scope, "so1/1")
    await yard.hub.inventory.release(yard.hub.scope, explained.reservation.reservation_id)
    assert await yard.promisable() == {0: 0}
    await yard.hub.settle()
    assert await plain(yard, "cart", 40) == 0
    await yard.hub.kept_promises.release(yard.hub.scope, made.promise_id, by="test")
    assert await plain(yard, "cart-2", 40) == 40


async def test_an_order_that_is_elsewhere_ends_the_promise_here(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hub.put_stock("X", "DC2", 40)
    made = await promise(yard, "r1", 40, "so1/1")
    await yard.hub.settle()
    await yard.hear(ordered("so1", line("so1/1", 40, location="DC2")))
    assert await yard.promisable() == {0: 40}
    assert await yard.promisable(location="DC2") == {0: 0}
    over = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert over.released_at is not None
    refused = await promise(yard, "r2", 10, "so1/1")
    assert refused.proof.reasons == ("its order counts it at DC2",)
    assert await plain(yard, "cart", 40) == 40


async def test_promises_and_orders_that_take_goods_crosswise_come_to_an_end(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    for item in "AX":
        await yard.hub.put_stock(item, "DC1", 40)
    made = await together(yard, "r0", ("A", "DC1", 5, ""), ("X", "DC1", 5, ""))
    names = [made.promise_id, ""]
    for number in range(4):
        item = "AX"[number % 2]
        one, _ = await asyncio.gather(
            together(yard, f"r{number}-again", (item, "DC1", 5, ""), replaces=names[-1]),
            plain(yard, f"cart-{number}", 1, item="XA"[number % 2]),
        )
        names.append(one.promise_id)
        assert one.is_granted


async def test_promises_that_are_released_beside_reservations_come_to_an_end(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    for item in "AX":
        await yard.hub.put_stock(item, "DC1", 100)
    made = [
        await together(yard, f"r{number}", *((item, "DC1", 5, "") for item in order))
        for number, order in enumerate(("AX", "XA") * 3)
    ]
    scope = yard.hub.scope
    lines = tuple(ReservationLine(item, "DC1", MICROS) for item in "XA")
    asked = [ReservationRequest(f"cart-{n}", lines, ReservationKind.HARD) for n in range(6)]
    await asyncio.gather(
        *(yard.hub.kept_promises.release(scope, one.promise_id, by="test") for one in made),
        *(yard.hub.inventory.reserve(scope, "cart", one) for one in asked),
    )
    assert await yard.hub.kept_promises.listed(scope) == []
    assert await yard.promisable() == {0: 94}


@pytest.mark.parametrize("form", ["{0}", "PRM_{0}", "prm_{{{0}}}", "prm_7", "urn:uuid:{0}"])
async def test_a_promise_has_one_name(yard: Yard, form: str) -> None:
    await yard.hub.put_stock("X", "DC1", 40)
    made = await promise(yard, "r1", 40)
    other = form.format(made.promise_id.removeprefix("prm_"))
    with pytest.raises(NotFound, match="there is no promise"):
        await yard.hub.kept_promises.release(yard.hub.scope, other, by="test")
    assert await yard.promisable() == {0: 0}


async def test_a_refused_promise_is_not_released(yard: Yard) -> None:
    made = await promise(yard, "r1", 40)
    over = await yard.hub.kept_promises.release(yard.hub.scope, made.promise_id, by="test")
    assert over == made
    assert over.released_at is None
