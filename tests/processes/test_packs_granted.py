"""What is sold in packs, through a whole hub: every grant is whole packs (A12, A31)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.catalog import ItemChanged, ItemUnit
from crossdock.canonical.inventory import MovementType
from crossdock.canonical.orders import DemandLine
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.allocation import is_run_reproduced
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.inventory import Reservation
from crossdock.capabilities.supply import AtpMode, AtpRule, PlacedRule
from crossdock.foundation.clock import VirtualClock
from tests.processes.test_kits_reserved import (
    claimed,
    free,
    held,
    line,
    moved,
    ordered,
    reserve,
)
from tests.processes.test_kits_shown import Bench, opened


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        yield one


async def sold_in(
    bench: Bench, pack: int, item: str = "X", *, up: bool | None = None, **place: str
) -> None:
    said = AtpRule(pack=Decimal(pack), pack_up=up)
    placed = PlacedRule(item=item, rule=said, **place)
    await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.clock.advance(timedelta(seconds=2))


def packed(made: Reservation) -> list[tuple[int, int, int]]:
    """Give what each line asked for, that in whole packs, and what it was granted."""
    return [
        ((one.asked or one.requested) // MICROS, one.requested // MICROS, one.granted // MICROS)
        for one in made.lines
    ]


@pytest.mark.parametrize(("up", "granted"), [(True, 36), (False, 24)])
async def test_a31_30_of_what_is_sold_in_twelves_are_reserved_as_24_or_36_by_policy(
    bench: Bench, granted: int, *, up: bool
) -> None:
    await sold_in(bench, 12, up=up)
    await bench.count(X=100)

    made = await reserve(bench, ("X", 30))

    assert made.is_granted
    assert packed(made) == [(30, granted, granted)]
    assert [one.pack // MICROS for one in made.lines] == [12]
    assert await claimed(bench, "X") == [granted]


async def test_packs_are_rounded_up_where_no_rule_says_which_way(bench: Bench) -> None:
    await sold_in(bench, 12)
    await bench.count(X=100)

    assert packed(await reserve(bench, ("X", 30), hard=True)) == [(30, 36, 36)]


async def test_whole_packs_are_reserved_as_they_are(bench: Bench) -> None:
    await sold_in(bench, 12)
    await bench.count(X=100)

    made = await reserve(bench, ("X", 36))

    assert packed(made) == [(36, 36, 36)]


async def test_all_or_nothing_is_of_the_packs_and_a_part_is_of_whole_ones(bench: Bench) -> None:
    await sold_in(bench, 12)
    await bench.count(X=35)

    refused = await reserve(bench, ("X", 30))
    part = await reserve(bench, ("X", 30), partial=True)

    assert (refused.is_granted, packed(refused)) == (False, [(30, 36, 0)])
    assert packed(part) == [(30, 36, 24)]
    assert await free(bench, "X") == [11]
    assert packed(await reserve(bench, ("X", 12), partial=True)) == [(12, 12, 0)]


async def test_less_than_a_pack_is_refused_where_packs_are_rounded_down(bench: Bench) -> None:
    await sold_in(bench, 12, up=False)
    await bench.count(X=100, A=5)

    refused = await reserve(bench, ("X", 5), ("A", 5))
    part = await reserve(bench, ("X", 5), ("A", 5), partial=True)

    assert str(refused.status) == "DENIED"
    assert [one.is_less_than_pack for one in refused.lines] == [True, False]
    assert held(part) == [("X", 0, 0), ("A", 5, 5)]


async def test_a_repeat_is_answered_as_before_whatever_the_rule_has_become(bench: Bench) -> None:
    await bench.count(X=100)
    plain = await reserve(bench, ("X", 30), name="plain")
    await sold_in(bench, 12)
    moved_up = await reserve(bench, ("X", 30), name="moved")
    again = await reserve(bench, ("X", 30), name="moved")
    before = await reserve(bench, ("X", 30), name="plain")
    await sold_in(bench, 0)
    later = await reserve(bench, ("X", 30), name="moved")

    assert (packed(plain), packed(before)) == ([(30, 30, 30)], [(30, 30, 30)])
    assert packed(moved_up) == packed(again) == packed(later) == [(30, 36, 36)]
    assert [one.is_repeat for one in (again, before, later)] == [True, True, True]
    assert await claimed(bench, "X") == [66]


async def test_requests_for_packs_and_for_pieces_are_decided_in_one_batch(bench: Bench) -> None:
    await sold_in(bench, 12)
    await bench.count(X=100, A=10)
    inventory, scope = bench.hub.inventory, bench.hub.scope

    made = [await reserve(bench, *asked) for asked in ([("X", 24)], [("A", 7)], [("X", 5)])]

    assert [packed(one)[0][2] for one in made] == [24, 7, 12]
    found = [await inventory.get(scope, one.reservation_id) for one in made]
    assert [packed(one) for one in found] == [packed(one) for one in made]


async def test_a_rule_for_a_place_binds_where_it_holds_alone(bench: Bench) -> None:
    await sold_in(bench, 12, "*", location="DC2")
    await sold_in(bench, 5, "X", location="DC1")
    for place in ("DC1", "DC2", "DC3"):
        await bench.count(place, X=100)

    made = [await reserve(bench, ("X", 13), at=place) for place in ("DC1", "DC2", "DC3")]

    assert [packed(one)[0][2] for one in made] == [15, 24, 13]


async def test_a_rule_for_a_class_binds_its_items_alone(bench: Bench) -> None:
    changed = ItemChanged(sku="X", item_class="DOZEN")
    await bench.hub.record([own_fact(changed, bench.clock.now())], source=OWN_SOURCE)
    await sold_in(bench, 12, "*", item_class="DOZEN")
    await bench.count(X=100, A=100)

    made = [await reserve(bench, (item, 13)) for item in ("X", "A", "X")]

    assert [packed(one)[0][2] for one in made] == [24, 13, 24]


async def test_an_order_line_is_granted_no_more_than_it_claims_in_whole_packs(
    bench: Bench,
) -> None:
    """As by date: what goes beyond a known order is refused, until the order is changed."""
    await sold_in(bench, 12)
    await bench.count(X=100)
    await ordered(bench, line("o1/1", "X", 30))

    refused = await reserve(bench, ("X", 30, "o1/1"), hard=True)
    part = await reserve(bench, ("X", 30, "o1/1"), hard=True, partial=True)

    assert packed(refused) == [(30, 36, 0)]
    assert packed(part) == [(30, 36, 24)]


async def test_what_was_picked_of_a_pack_counts_for_it(bench: Bench) -> None:
    await sold_in(bench, 12)
    await bench.count(X=100)
    await ordered(bench, line("o1/1", "X", 24))
    await moved(bench, MovementType.PICK, "X", 4, "o1/1")

    made = await reserve(bench, ("X", 20, "o1/1"), hard=True)

    assert packed(made) == [(20, 20, 20)]


async def test_kits_are_reserved_in_whole_packs_with_their_parts(bench: Bench) -> None:
    await bench.kit("K", A=2)
    await sold_in(bench, 6, "K")
    await sold_in(bench, 12, "A")
    await bench.count(A=23)

    refused = await reserve(bench, ("K", 7))
    part = await reserve(bench, ("K", 7), partial=True)

    assert packed(refused) == [(7, 12, 0)]
    assert held(part) == [("K", 6, 6), ("A", 12, 12)]
    assert packed(part) == [(7, 12, 6)]


async def test_what_goes_into_a_kit_is_of_no_packs(bench: Bench) -> None:
    await bench.kit("K", A=2)
    await sold_in(bench, 12, "A")
    await bench.count(A=23)

    assert held(await reserve(bench, ("K", 3))) == [("K", 3, 3), ("A", 6, 6)]


async def test_what_no_stock_limits_is_granted_in_whole_packs(bench: Bench) -> None:
    rule = AtpRule(mode=AtpMode.INFINITE, pack=Decimal(12))
    placed = PlacedRule(item="A", rule=rule)
    await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.clock.advance(timedelta(seconds=2))

    made = await reserve(bench, ("A", 700))

    assert packed(made) == [(700, 708, 708)]
    assert await claimed(bench, "A") == [0]


async def test_a_group_of_locations_grants_whole_packs(bench: Bench) -> None:
    await sold_in(bench, 12)
    await bench.count("DC1", X=20)
    await bench.count("DC2", X=20)

    made = await reserve(bench, ("X", 40), at="EAST", partial=True)

    assert packed(made) == [(40, 48, 36)]


async def test_a_decision_in_packs_is_explained_and_comes_out_the_same_again(
    bench: Bench,
) -> None:
    await sold_in(bench, 12)
    await bench.count(X=35, A=50)
    made = [
        await reserve(bench, ("X", 30), ("A", 5), partial=True),
        await reserve(bench, ("X", 5), ("A", 60)),
    ]
    await sold_in(bench, 12, up=False)
    made.append(await reserve(bench, ("X", 5), ("A", 5)))

    told = [await bench.hub.inventory.explain(bench.hub.scope, one.reservation_id) for one in made]

    assert all(one.is_reproduced for one in told)
    assert told[0].lines[0].rule.endswith("; granted in whole packs")
    assert [one.granted // MICROS for one in told[0].lines] == [24, 5]
    assert [one.lines[0].is_too_few for one in told] == [False, False, True]
    assert told[2].lines[1].is_denied_for_another


# Runs.


async def confirmed(bench: Bench, item: str = "X") -> dict[str, tuple[int, int]]:
    """Tell what is open of each order line, and what it has of that."""
    lines = await bench.hub.allocation.lines(bench.hub.scope, item, "DC1")
    return {one.demand_ref: (one.requested // MICROS, one.confirmed // MICROS) for one in lines}


async def test_a31_a_run_confirms_24_of_30_of_what_is_sold_in_twelves(bench: Bench) -> None:
    await sold_in(bench, 12)
    await bench.count(X=100)
    await ordered(bench, line("o1/1", "X", 30))

    run = await bench.hub.allocation.simulate(bench.hub.scope, "X", "DC1", by="ann")
    await bench.hub.allocation.approve(bench.hub.scope, run.run_id, by="ben")

    [shown] = (await bench.hub.allocation.run(bench.hub.scope, run.run_id)).lines
    assert (shown.before // MICROS, shown.after // MICROS) == (0, 24)
    assert (str(shown.why), shown.pack // MICROS) == ("PACK", 12)
    assert await confirmed(bench) == {"o1/1": (30, 24)}
    assert is_run_reproduced(await bench.hub.allocation.run(bench.hub.scope, run.run_id))


async def test_a_run_gives_back_what_breaks_a_pack_and_says_so_in_its_changes(
    bench: Bench,
) -> None:
    """What was confirmed by the piece before its rule is confirmed in packs by the next run."""
    await bench.count(X=100)
    await ordered(bench, line("o1/1", "X", 30))
    await reserve(bench, ("X", 30, "o1/1"), hard=True)
    assert await confirmed(bench) == {"o1/1": (30, 30)}
    await sold_in(bench, 12)

    run = await bench.hub.allocation.simulate(bench.hub.scope, "X", "DC1", by="ann")

    [shown] = run.lines
    assert (shown.before // MICROS, shown.after // MICROS) == (30, 24)
    assert (run.lost // MICROS, str(shown.why)) == (6, "PACK")


async def test_cases_of_an_order_and_the_pack_of_its_item_both_stay_whole(bench: Bench) -> None:
    """Five cases of six of what is sold in dozens are confirmed as two dozens."""
    await sold_in(bench, 12)
    await bench.count(X=100)
    changed = ItemChanged(sku="X", units=(ItemUnit(unit="CS", numerator=6),))
    await bench.hub.record([own_fact(changed, bench.clock.now())], source=OWN_SOURCE)
    cases = DemandLine(
        demand_ref="o1/1", item="X", location="DC1",
        ordered=Quantity.of(5, "CS"), cancelled=Quantity.of(0, "CS"),
    )  # fmt: skip
    await ordered(bench, cases)

    run = await bench.hub.allocation.simulate(bench.hub.scope, "X", "DC1", by="ann")

    assert [(one.multiple // MICROS, one.after // MICROS) for one in run.lines] == [(6, 24)]


async def test_what_makes_no_pack_is_confirmed_of_the_next_line_that_it_does(
    bench: Bench,
) -> None:
    await sold_in(bench, 12)
    await bench.count(X=40)
    await ordered(bench, line("o1/1", "X", 30))
    await ordered(bench, line("o2/1", "X", 24), order="o2")

    run = await bench.hub.allocation.simulate(bench.hub.scope, "X", "DC1", by="ann")

    assert {one.demand_ref: one.after // MICROS for one in run.lines} == {"o1/1": 24, "o2/1": 12}
