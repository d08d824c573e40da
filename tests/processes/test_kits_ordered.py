"""Kits that orders name and nobody reserved: their parts are held for them, once (A19, A30)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.canonical.errors import NotFound
from crossdock.canonical.inventory import MovementType
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.catalog import KnownGoods
from crossdock.capabilities.supply import AtpMode, AtpRule, PlacedRule, Question
from crossdock.foundation.clock import VirtualClock
from crossdock.interfaces.api.promises import promises_of
from tests.processes.test_kits_reserved import claimed, free, held, line, moved, ordered, reserve
from tests.processes.test_kits_shown import Bench, opened


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        yield one


async def dated(bench: Bench, *items: str, at: str = "DC1") -> list[int]:
    """Say how many of each can leave at once."""
    found = await bench.hub.promise_dates([Question(item, at, "EA") for item in items])
    return [one.now // MICROS for one in found]


async def test_a30_two_ordered_p_leave_three_x_and_one_q_for_everybody(bench: Bench) -> None:
    await bench.sells()
    placed = PlacedRule(item="*", location="*", rule=AtpRule(weekdays="1234567"))
    await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=5)

    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()

    assert await free(bench, "X") == [3]
    assert await claimed(bench, "P", "X") == [2, 2]
    assert await bench.shown("X", "P", "Q") == [3, 3, 1]
    assert await dated(bench, "X", "P", "Q") == [3, 3, 1]
    assert held(await reserve(bench, ("Q", 2), partial=True)) == [("Q", 1, 1), ("X", 2, 2)]


async def test_what_lies_assembled_serves_the_first_orders_and_the_rest_stands_on_parts(
    bench: Bench,
) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=9, P=3)
    await ordered(bench, line("o1/1", "P", 2), order="o1")
    assert await free(bench, "P", "X") == [1, 9]

    await ordered(bench, line("o2/1", "P", 2), order="o2")
    await bench.hub.settle()
    assert await free(bench, "P", "X") == [0, 7]

    # Kits that are put together without a word set the parts free that were held for them.
    await bench.count(P=4, X=7)
    await bench.hub.settle()
    assert await free(bench, "P", "X") == [0, 7]
    await bench.count(P=0)
    await bench.hub.settle()
    assert await free(bench, "P", "X") == [0, 1]
    assert await claimed(bench, "X") == [6]  # of 8 that they want, in whole kits


async def test_a19_a_part_that_the_order_names_itself_is_claimed_once(bench: Bench) -> None:
    await bench.kit("P", X=1, Z=1)
    await bench.count(X=5, Z=5)
    both = line("o1/1", "P", 2), line("o1/2", "X", 2)

    await ordered(bench, *both)
    await bench.hub.settle()
    assert await claimed(bench, "X", "Z") == [2, 2]

    # What was picked of its own line is not claimed again by the kit.
    await moved(bench, MovementType.PICK, "X", 2, "o1/2")
    await bench.hub.settle()
    assert await claimed(bench, "X", "Z") == [0, 2]
    await ordered(bench, *both)
    await bench.hub.settle()
    assert await claimed(bench, "X", "Z") == [0, 2]
    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()
    assert await claimed(bench, "P", "X", "Z") == [2, 2, 2]


async def test_a_part_that_the_order_names_less_of_is_held_for_the_rest(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=9)

    await ordered(bench, line("o1/1", "P", 5), line("o1/2", "X", 2))
    await bench.hub.settle()

    assert await claimed(bench, "X") == [5]


async def test_of_an_order_that_a_rule_says_names_kits_alone_parts_are_beside(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.takes_parts("P")
    await bench.count(X=9)
    await ordered(bench, line("o1/1", "P", 5), line("o1/2", "X", 2))
    await bench.hub.settle()
    assert await claimed(bench, "X") == [7]


async def test_what_a_rule_says_is_told_in_another_order_is_not_claimed(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.takes_parts("P", says=False)
    await bench.count(X=9)
    await ordered(bench, line("o1/1", "P", 5))
    await ordered(bench, line("o2/1", "X", 5), order="o2")
    await bench.hub.settle()
    assert await claimed(bench, "X") == [5]

    await bench.hub.supply.drop_rule(bench.hub.scope, "P", "*", by="test")
    await bench.hub.settle()
    assert await claimed(bench, "X") == [9]
    await bench.takes_parts("P", says=False)
    await bench.hub.settle()
    assert await claimed(bench, "X") == [5]


async def test_an_order_that_is_cut_raised_moved_and_cancelled_has_what_it_claims(
    bench: Bench,
) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=10)
    await bench.count("DC2", X=10)
    seen: list[tuple[list[int], list[int]]] = []
    for one in (
        line("o1/1", "P", 4),
        line("o1/1", "P", 1),
        line("o1/1", "P", 3),
        replace(line("o1/1", "P", 3), location="DC2"),
        line("o1/1", "P", 3, cancelled=3),
        line("o1/1", "P", 2),
    ):
        await ordered(bench, one)
        await bench.hub.settle()
        seen.append((await claimed(bench, "X"), await claimed(bench, "X", at="DC2")))
    await ordered(bench)
    await bench.hub.settle()
    assert [(one, other) for [one], [other] in seen] == [
        (8, 0), (2, 0), (6, 0), (0, 6), (0, 0), (4, 0)
    ]  # fmt: skip
    assert await claimed(bench, "P", "X") == [0, 0]


async def test_what_finds_no_room_is_held_once_there_is_some_in_the_order_of_the_orders(
    bench: Bench,
) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=3)
    for order, pieces in (("o1", 2), ("o2", 2)):
        await bench.clock.advance(timedelta(seconds=1))
        await ordered(bench, line(f"{order}/1", "P", pieces), order=order)
    await bench.hub.settle()
    assert await claimed(bench, "X") == [2]

    cart = await reserve(bench, ("X", 1))
    await bench.count(X=5)
    await bench.hub.settle()
    assert await claimed(bench, "X") == [5]  # four of the first order, one of the cart
    await bench.hub.inventory.release(bench.hub.scope, cart.reservation_id)
    await bench.count(X=6)
    await bench.hub.settle()
    assert await claimed(bench, "X") == [6]


async def test_answers_by_date_do_not_forget_what_waits_for_room_nor_draw_what_is_held(
    bench: Bench,
) -> None:
    placed = PlacedRule(item="*", location="*", rule=AtpRule(weekdays="1234567"))
    await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.kit("P", X=1)
    await bench.count(X=3)
    await ordered(bench, line("o1/1", "P", 5))
    await bench.hub.settle()

    [before] = await bench.hub.promise_dates([Question("X", "DC1", "EA")])
    assert (before.now, before.shortage // MICROS) == (0, 2)
    await bench.count(X=9)
    await bench.hub.settle()
    assert await dated(bench, "X", "P") == [4, 4]
    assert await free(bench, "X") == [4]


async def test_a_recipe_that_is_told_behind_the_order_or_changed_is_held_by(
    bench: Bench,
) -> None:
    await bench.count(X=9, Z=9)
    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()
    assert await claimed(bench, "X", "Z") == [0, 0]

    await bench.kit("P", X=1)
    await bench.hub.settle()
    assert await claimed(bench, "X", "Z") == [2, 0]
    await bench.kit("P", X=2, Z=1)
    await bench.hub.settle()
    assert await claimed(bench, "X", "Z") == [4, 2]
    await bench.kit("P")
    await bench.hub.settle()
    assert await claimed(bench, "P", "X", "Z") == [2, 0, 0]


async def test_a_kit_of_kits_holds_what_lies_assembled_of_each_level_first(bench: Bench) -> None:
    await bench.kit("K", S=2, A=1)
    await bench.kit("S", X=3, A=1)
    await bench.count(K=1, S=1, A=9, X=9)

    await ordered(bench, line("o1/1", "K", 3))
    await bench.hub.settle()

    assert await free(bench, "K", "S", "A", "X") == [0, 0, 4, 0]
    # One more S lies there: as many X less.
    await ordered(bench, line("o2/1", "S", 1), order="o2")
    await bench.hub.settle()
    assert await claimed(bench, "S", "X") == [2, 9]


async def test_parts_that_are_picked_for_the_kit_leave_with_their_holds(bench: Bench) -> None:
    await bench.kit("P", X=2, Z=1)
    await bench.count(X=9, Z=9)
    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()

    await moved(bench, MovementType.PICK, "X", 3, "o1/1/X")
    await moved(bench, MovementType.PICK, "Z", 2, "o1/1/Z")
    await bench.hub.settle()

    assert await free(bench, "X", "Z") == [5, 7]
    assert await claimed(bench, "X", "Z") == [1, 0]
    await moved(bench, MovementType.PICK, "X", 1, "o1/1/X")
    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()
    assert await free(bench, "X", "Z") == [5, 7]


async def test_i4_parts_that_were_picked_before_the_order_was_heard_are_not_held_again(
    bench: Bench,
) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=9)
    await moved(bench, MovementType.PICK, "X", 4, "o1/1/X")

    await ordered(bench, line("o1/1", "P", 3))
    await bench.hub.settle()

    assert await free(bench, "X") == [3]


async def test_kits_put_together_for_the_line_or_for_stock_set_their_parts_free(
    bench: Bench,
) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=9, P=0)
    await ordered(bench, line("o1/1", "P", 3))
    await bench.hub.settle()
    assert await free(bench, "X") == [3]

    await moved(bench, MovementType.ASSEMBLE, "X", 2, "o1/1/X")
    await moved(bench, MovementType.ASSEMBLE, "P", 1, "", comes=True)
    await bench.hub.settle()
    assert await free(bench, "P", "X") == [0, 3]
    await moved(bench, MovementType.ASSEMBLE, "X", 2, "")
    await moved(bench, MovementType.ASSEMBLE, "P", 1, "", comes=True)
    await bench.hub.settle()
    assert await free(bench, "P", "X") == [0, 3]
    await moved(bench, MovementType.PICK, "P", 2, "o1/1")
    await bench.hub.settle()
    assert (await free(bench, "P", "X"), await claimed(bench, "X")) == ([0, 3], [2])


async def test_what_no_stock_limits_is_not_held(bench: Bench) -> None:
    placed = PlacedRule(item="Z", location="*", rule=AtpRule(mode=AtpMode.INFINITE))
    await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.kit("P", X=1, Z=1)
    await bench.count(X=5)
    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()
    assert await claimed(bench, "X", "Z") == [2, 0]


async def test_at_a_group_parts_are_held_of_what_its_members_have(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=2, P=1)
    await bench.count("DC2", X=3)

    await ordered(bench, replace(line("o1/1", "P", 4), location="EAST"))
    await bench.hub.settle()

    assert await free(bench, "X", "P", at="EAST") == [2, 0]
    assert await claimed(bench, "X", at="EAST") == [3]


async def test_who_reserves_for_the_order_has_what_the_hub_held_for_it(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await ordered(bench, line("o1/1", "P", 3))
    await bench.hub.settle()
    assert await free(bench, "X") == [2]

    made = await reserve(bench, ("P", 2, "o1/1"), hard=True)
    assert made.is_granted
    await bench.hub.settle()
    assert await claimed(bench, "X") == [3]
    await bench.hub.inventory.release(bench.hub.scope, made.reservation_id)
    await ordered(bench, line("o1/1", "P", 3))
    await bench.hub.settle()
    assert await claimed(bench, "X") == [3]


async def test_what_the_hub_holds_for_kits_is_no_leak_and_named_as_its(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await ordered(bench, line("o1/1", "P", 3))
    await bench.hub.settle()
    [hold] = await bench.hub.inventory.holds.of(bench.hub.scope, "X", "DC1")
    assert (hold.client, hold.demand_ref, hold.micros) == ("kits of orders", "o1/1/X", 3 * MICROS)
    await bench.clock.advance(timedelta(days=3))
    await bench.hub.jobs.run_due()
    found = await bench.hub.cases.find(bench.hub.scope)
    assert not [one for one in found if one.code == "RSV-LEAK"]


async def test_picks_of_parts_that_quote_the_kits_line_are_picks_of_its_parts(
    bench: Bench,
) -> None:
    await bench.kit("P", X=2, Z=1)
    await bench.count(X=9, Z=9, A=9)
    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()

    await moved(bench, MovementType.PICK, "X", 1, "o1/1")
    await bench.hub.settle()
    assert await free(bench, "X", "Z") == [5, 7]
    assert await claimed(bench, "P", "X", "Z") == [2, 3, 2]
    await moved(bench, MovementType.PICK, "X", 3, "o1/1")
    await moved(bench, MovementType.PICK, "Z", 2, "o1/1")
    await bench.hub.settle()
    assert await free(bench, "X", "Z") == [5, 7]
    assert await claimed(bench, "P", "X", "Z") == [2, 0, 0]
    await moved(bench, MovementType.UNPICK, "Z", 1, "o1/1", comes=True)
    await bench.hub.settle()
    assert (await free(bench, "Z"), await claimed(bench, "Z")) == ([7], [1])

    # What is no part of it stands in for the kit.
    await moved(bench, MovementType.PICK, "A", 1, "o1/1")
    await bench.hub.settle()
    assert await claimed(bench, "P") == [1]


async def test_parts_that_are_picked_for_the_line_of_a_reserved_kit_consume_its_hold(
    bench: Bench,
) -> None:
    await bench.kit("P", X=2)
    await bench.count(X=9)
    made = await reserve(bench, ("P", 2, "o1/1"), hard=True)
    await ordered(bench, line("o1/1", "P", 2))
    await moved(bench, MovementType.PICK, "X", 2, "o1/1")
    await bench.hub.settle()
    now = await bench.hub.inventory.get(bench.hub.scope, made.reservation_id)
    assert held(now) == [("P", 2, 1), ("X", 4, 2)]
    assert await claimed(bench, "X") == [2]


async def test_a25_who_asks_for_its_own_order_again_has_what_is_held_for_it(bench: Bench) -> None:
    placed = PlacedRule(item="*", location="*", rule=AtpRule(weekdays="1234567"))
    await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await ordered(bench, line("o1/1", "P", 4))
    await bench.hub.settle()
    own = [Question("P", "DC1", "EA", own=frozenset({"o1/1"})), Question("P", "DC1", "EA")]
    found = await bench.hub.promise_dates(own)
    assert [one.now // MICROS for one in found] == [5, 1]


async def test_a_changed_recipe_of_a_part_is_held_by_for_orders_of_its_kits(bench: Bench) -> None:
    await bench.kit("K", S=1)
    await bench.count(S=0, X=9)
    await ordered(bench, line("o1/1", "K", 2))
    await bench.hub.settle()
    assert await claimed(bench, "X") == [0]
    await bench.kit("S", X=2)
    await bench.hub.settle()
    assert await claimed(bench, "X") == [4]
    await bench.kit("S", X=3)
    await bench.hub.settle()
    assert await claimed(bench, "X") == [6]


async def test_an_order_is_explained_by_its_promises_and_not_by_what_the_hub_holds(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await ordered(bench, line("o1/1", "P", 4))
    await bench.hub.settle()
    inventory, scope = bench.hub.inventory, bench.hub.scope
    with pytest.raises(NotFound, match="nothing was promised"):
        await inventory.explain_order(scope, "o1")

    made = await reserve(bench, ("P", 3, "o1/1"))
    await bench.hub.settle()
    [one] = await inventory.explain_order(scope, "o1")
    assert one.reservation.reservation_id == made.reservation_id


async def test_a_hold_of_the_hub_that_a_person_releases_is_held_again(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await ordered(bench, line("o1/1", "P", 4))
    await bench.hub.settle()
    [hold] = await bench.hub.inventory.holds.of(bench.hub.scope, "X", "DC1")
    await bench.hub.inventory.release(bench.hub.scope, hold.reservation_id)
    await bench.hub.inventory.upkeep.tell()
    await bench.hub.settle()
    assert await claimed(bench, "X") == [4]


async def test_an_order_is_explained_with_what_the_hub_holds_of_parts_for_its_kits(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5, Z=5)
    made = await reserve(bench, ("Z", 2, "o1/2"), hard=True)
    await ordered(bench, line("o1/1", "P", 7), line("o1/2", "Z", 2))
    await bench.hub.settle()

    known = KnownGoods(bench.hub.catalog)
    [of_hub] = await bench.hub.inventory.held_for_kits(bench.hub.scope, "o1/1")
    for name in ("o1", "o1/1"):
        found = await promises_of(bench.hub, known, bench.hub.scope, name)
        shown = found.held_for_kits[0]
        assert [one.reservation_id for one in found.held_for_kits] == [of_hub.reservation_id]
        [kit] = shown.lines
        assert kit.parts is not None
        [part] = kit.parts
        assert (kit.item, kit.demand_ref, part.item) == ("P", "o1/1", "X")
        assert kit.put_together is not None
        assert (kit.put_together.value, part.remaining.value) == ("5", "5")
        of_lines = [made.reservation_id] if name == "o1" else []
        assert [one.reservation_id for one in found.promises] == of_lines
    with pytest.raises(NotFound, match="an order claims"):
        await bench.hub.inventory.explain(bench.hub.scope, of_hub.reservation_id)

    # What was held stays to be seen.
    await ordered(bench, line("o1/1", "P", 7, cancelled=7))
    await bench.hub.settle()
    [of_hub] = await bench.hub.inventory.held_for_kits(bench.hub.scope, "o1/1")
    assert str(of_hub.status) == "RELEASED"


async def test_i4_parts_that_are_lost_are_lacking_whether_the_order_came_before_or_after(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()
    assert await claimed(bench, "X") == [2]

    await bench.count(X=1)
    await bench.hub.settle()
    assert await claimed(bench, "X") == [1]  # as if the order had come behind the count

    await bench.count(X=4)
    await bench.hub.settle()
    assert await claimed(bench, "X") == [2]


async def test_parts_that_are_held_are_not_given_up_for_an_order_that_comes_behind(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=2)
    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()

    await ordered(bench, line("o2/1", "X", 1), order="o2")
    await bench.hub.settle()

    assert await claimed(bench, "X") == [3]


async def test_what_is_held_for_an_order_is_not_said_to_come_for_the_kits_it_lacks(
    bench: Bench,
) -> None:
    await bench.sells()
    await bench.kit("P", X=1)
    await bench.count(X=1, P=0)
    await ordered(bench, line("o1/1", "P", 2))
    for _ in range(8):
        await bench.hub.settle()
        await bench.hub.jobs.run_due()
        await bench.clock.advance(timedelta(minutes=5))

    [case] = [
        one for one in await bench.hub.cases.find(bench.hub.scope) if one.code == "ORD-OVERSOLD"
    ]
    assert case.title == "o1/1 gets 0 EA of 1 EA: SUPPLY"


async def test_parts_that_are_held_are_not_given_up_when_the_kit_is_ordered_again(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=2)
    await ordered(bench, line("o1/1", "P", 2))
    await bench.hub.settle()
    await ordered(bench, line("o2/1", "X", 1), order="o2")
    await bench.hub.settle()

    await ordered(bench, line("o3/1", "P", 1), order="o3")
    await bench.hub.settle()

    assert await claimed(bench, "X") == [3]
