"""A kit that is promised holds what is its own, and none of what others are owed (I9)."""

from dataclasses import replace
from uuid import UUID

import pytest

from crossdock.canonical.inventory import MovementType, StockMoved
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.supply import PromiseByDateChanged, PromiseState
from crossdock.capabilities.supply import AtpMode, KeptPromise, PromiseAsked, Question, kept_store
from crossdock.capabilities.supply.kept import DatedLine
from crossdock.capabilities.supply.rule_store import Word
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Position
from tests.unit.capabilities.supply.test_kept_promises import AT_ONCE
from tests.unit.capabilities.supply.test_promises_together import plain, together
from tests.unit.capabilities.supply.yard import (
    STAGED,
    Yard,
    committed,
    day,
    fact,
    kit,
    line,
    ordered,
    shelf,
)

TAKES_PARTS = replace(AT_ONCE, takes_parts=True)


async def stocked(yard: Yard, **pieces: int) -> None:
    await yard.rule(TAKES_PARTS)
    for item, amount in pieces.items():
        await yard.hub.put_stock(item, "DC1", amount)
    await yard.hear(kit("K", 1, A=1))


def lines(made: KeptPromise) -> list[tuple[str, int, int, int]]:
    """Give item, pieces, pieces put together, pieces held."""
    return [
        (one.item, one.micros // MICROS, one.made // MICROS, one.held // MICROS)
        for one in made.lines
    ]


async def test_i9_it_holds_no_parts_that_others_orders_for_the_kit_take(yard: Yard) -> None:
    await stocked(yard, A=10)
    await yard.hear(ordered("o2", replace(line("o2/1", 5), item="K")))
    made = await together(yard, "r1", ("K", "DC1", 5, "so1/1"))
    assert lines(made) == [("K", 5, 5, 0), ("A", 5, 0, 5)]
    assert (await yard.of("A")).shortage == 0
    assert await yard.hub.securing.at_risk(yard.hub.scope) == ([], made.promise_id)
    # The order's five are held of A, too, which nobody has reserved.
    assert (await yard.of("A")).now == 0
    assert await plain(yard, "cart", 10, item="A") == 0


async def test_i9_with_twice_the_parts_as_many_kits_are_left_for_the_next(yard: Yard) -> None:
    await stocked(yard, A=20)
    await yard.hear(ordered("o2", replace(line("o2/1", 5), item="K")))
    assert (await together(yard, "r1", ("K", "DC1", 5, "so1/1"))).is_granted
    assert (await yard.of("K")).now == 10 * MICROS
    assert (await together(yard, "r2", ("K", "DC1", 10, "so3/1"))).is_granted
    assert (await yard.of("K")).now == 0
    assert (await yard.of("A")).shortage == 0


async def test_i9_what_lies_assembled_until_a_later_order_is_taken_once_and_no_parts_beside(
    yard: Yard,
) -> None:
    await stocked(yard, A=5, K=5)
    await yard.hear(ordered("o2", replace(line("o2/1", 5, day(2)), item="K")))
    made = await together(yard, "r1", ("K", "DC1", 5, "so1/1"))
    assert [each[:3] for each in lines(made)] == [("K", 5, 0)]
    assert (await yard.of("A")).shortage == 0
    # It is over once its kits have left: then the later order holds the parts of its own.
    leaves = replace(moves("p", "K", 5, "so1/1"), type=MovementType.PICK)
    await yard.hear(fact("movement:p", leaves))
    assert await yard.hub.kept_promises.listed(yard.hub.scope) == []
    assert await plain(yard, "cart", 10, item="A") == 0


def moves(name: str, item: str, pieces: int, ref: str = "", *, is_in: bool = False) -> StockMoved:
    return StockMoved(
        movement_id=name,
        item=item,
        quantity=Quantity.of(pieces),
        type=MovementType.ASSEMBLE,
        source_place=None if is_in else shelf(),
        target_place=shelf() if is_in else None,
        demand_ref=ref,
    )


async def test_with_a_kits_line_its_parts_are_closed_whatever_is_put_together(yard: Yard) -> None:
    await stocked(yard, A=9, K=9)
    made = await together(yard, "r1", ("K", "DC1", 10, "so1/1"))
    other = DatedLine(1, "B", "DC1", "so1/1/A/B", day(0), MICROS)
    async with yard.hub.database.transaction(yard.hub.scope) as tx:
        name = (await kept_store.listed(tx, UUID(int=0), 1))[0]
        await kept_store.put_lines(tx, name, ("", ""), [other])
        word = Word("test", yard.hub.clock.now())
        of_kit = made.lines[0]._replace(made=0)
        refs, version = await kept_store.close(tx, name, of_kit, word)
        assert (refs, version) == (["so1/1", "so1/1/A"], None)
        refs, version = await kept_store.close(tx, name, other, word)
        assert (refs, version) == (["so1/1/A/B"], 2)


@pytest.mark.parametrize("others", [[], [("X", "DC1", 1, "so1/2")]])
async def test_what_comes_in_as_its_kits_line_is_dropped_is_held_for_nobody(
    yard: Yard, others: list[tuple[str, str, int, str]]
) -> None:
    await stocked(yard, A=4)
    coming = committed("po:1", 2, item="A", eta=day(1))
    await yard.hear(kit("K", 2, A=2), coming, committed("po:2", 1, eta=day(2)))
    made = await together(yard, "r1", ("K", "DC1", 3, "so1/1"), *others)
    assert [each for each in lines(made) if each[0] == "A"] == [("A", 4, 0, 4), ("A", 2, 0, 0)]
    of_kit = replace(line("so1/1", 3), item="K")
    await yard.hear(ordered("so1", of_kit))
    receipt = replace(moves("m", "A", 2, is_in=True), type=MovementType.RECEIPT)
    await yard.hear(ordered("so1", version=2), fact("movement:m", receipt))
    now = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert (now.released_at is None) == bool(others)
    states = [told.state for told in await told_of(yard)]
    assert PromiseState.SECURED not in states
    assert await plain(yard, "cart", 10, item="A") == 6


async def told_of(yard: Yard) -> list[PromiseByDateChanged]:
    async with yard.hub.database.transaction(yard.hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=10_000)
    return [one.payload for one in events if isinstance(one.payload, PromiseByDateChanged)]


async def ten_of_which_four_are_made(yard: Yard, *, is_ordered: bool) -> KeptPromise:
    await stocked(yard, K=6, A=4)
    made = await together(yard, "r1", ("K", "DC1", 10, "so1/1"))
    assert lines(made) == [("K", 10, 4, 6), ("A", 4, 0, 4)]
    if is_ordered:
        await yard.hear(ordered("so1", replace(line("so1/1", 10), item="K")))
    return made


@pytest.mark.parametrize("is_ordered", [True, False])
@pytest.mark.parametrize("parts_of", [(4,), (1, 3)])
async def test_i9_promised_kits_that_are_put_together_are_not_free(
    yard: Yard, parts_of: tuple[int, ...], *, is_ordered: bool
) -> None:
    made = await ten_of_which_four_are_made(yard, is_ordered=is_ordered)
    for pieces in parts_of:
        await yard.hear(
            fact(f"movement:a{pieces}", moves(f"a{pieces}", "A", pieces, "so1/1/A")),
            fact(f"movement:k{pieces}", moves(f"k{pieces}", "K", pieces, is_in=True)),
        )
        assert (await yard.of("K")).now == 0
        assert await plain(yard, f"cart-{pieces}", 10, item="K") == 0
    assert not (await together(yard, "r2", ("K", "DC1", 4, ""))).is_granted
    now = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    held = 6 if is_ordered else 10
    assert lines(now)[0] == ("K", 10, 0, held)
    assert await yard.hub.securing.at_risk(yard.hub.scope) == ([], made.promise_id)
    # Once all ten have left it is over, and nothing stays behind.
    await yard.hear(fact("movement:p", moves("p", "K", 10, "so1/1")))
    assert await yard.hub.kept_promises.listed(yard.hub.scope) == []
    assert [(await yard.of(item)).shortage for item in "KA"] == [0, 0]


@pytest.mark.parametrize("is_ordered", [True, False])
async def test_parts_that_are_picked_leave_as_parts(yard: Yard, *, is_ordered: bool) -> None:
    made = await ten_of_which_four_are_made(yard, is_ordered=is_ordered)
    picked = replace(moves("p", "A", 4, "so1/1/A"), type=MovementType.PICK, target_place=STAGED)
    await yard.hear(fact("movement:p", picked))
    received = replace(moves("k", "K", 4, is_in=True), type=MovementType.RECEIPT)
    await yard.hear(fact("movement:k", received))
    now = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert lines(now)[0] == ("K", 10, 4, 6)
    assert (await yard.of("K")).now == 4 * MICROS


async def test_a_kit_of_kits_that_is_asked_for_out_of_one_supply_is_refused(yard: Yard) -> None:
    await stocked(yard, P=10)
    await yard.hear(kit("A", 1, P=1))
    question = Question("K", "DC1", "EA", 5 * MICROS, mode=AtpMode.DISCRETE)
    for request, each, is_granted in (
        ("r1", question, False),
        ("r2", question._replace(mode=None), True),
    ):
        asked = PromiseAsked(request, (each,), ("",))
        made = await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)
        assert made.is_granted == is_granted
