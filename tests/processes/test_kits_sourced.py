"""Kits in the choice of warehouses, through a whole hub: what can be put together (§1.2, §3.5)."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.sourcing import Decided, NodeFacts, Policy
from crossdock.foundation.clock import VirtualClock
from crossdock.orchestration.order_sourcing import Sourced
from crossdock.orchestration.source_orders import SourceLine, SourceOrder
from tests.processes.test_kits_shown import Bench, opened


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        for node in ("DC1", "DC2", "DC3"):
            await one.hub.order_sourcing.put_node(one.hub.scope, NodeFacts(node=node), by="test")
        yield one


def asked(*lines: tuple[str, int] | tuple[str, int, str], **more: object) -> SourceOrder:
    return SourceOrder(
        lines=[
            SourceLine(
                item=item,
                quantity=Quantity.of(pieces, ""),
                demand_ref=ref[0] if ref else "",
                needed_by=more.get("needed_by"),  # type: ignore[arg-type]  # a day, or none
            )
            for item, pieces, *ref in lines
        ],
        **{name: value for name, value in more.items() if name != "needed_by"},  # type: ignore[arg-type]  # fields by name
    )


async def planned(bench: Bench, order: SourceOrder, *, reserve: bool = False) -> Sourced:
    return await bench.hub.order_sourcing.plan(bench.hub.scope, "shop", order, reserve=reserve)


async def decided(bench: Bench, *lines: tuple[str, int], **more: object) -> Decided:
    return (await planned(bench, asked(*lines, **more))).answer.decided


def sent(made: Decided) -> dict[str, dict[str, int]]:
    """Give what each node sends: pieces by item."""
    return {
        one.node: {part.item: part.quantity.micros // MICROS for part in one.parts}
        for one in made.shipments
    }


def taken(made: Decided) -> dict[tuple[str, str], int]:
    """Give how many pieces of each item are planned at each node, parts of kits among them."""
    found: dict[tuple[str, str], int] = {}
    for one in made.shipments:
        for part in one.parts:
            for item, quantity in (part.takes or {part.item: part.quantity}).items():
                key = (item, one.node)
                found[key] = found.get(key, 0) + quantity.micros // MICROS
    return found


def why(made: Decided, node: str) -> str:
    return next(one.why for one in made.reasons if one.node == node)


async def test_a11_a_node_has_of_a_kit_what_lies_assembled_and_what_can_be_put_together(
    bench: Bench,
) -> None:
    await bench.kit("K", A=2, B=1, C=4)
    await bench.count(A=50, B=33, C=100, K=3)

    made = await decided(bench, ("K", 29))

    assert sent(made) == {"DC1": {"K": 28}}
    assert taken(made) == {("K", "DC1"): 3, ("A", "DC1"): 50, ("B", "DC1"): 25, ("C", "DC1"): 100}
    assert why(made, "DC1") == (
        "it gives: 28 of K (line 1, 3 assembled, 25 put together); too little A and C for more K"
    )
    shown = next(one for one in made.candidates if one.node == "DC1")
    assert (str(shown.kits["1"].assembled), str(shown.kits["1"].made)) == ("3 EA", "25 EA")
    assert shown.kits["1"].lacking == ("A", "C")


async def test_a30_two_kits_of_one_part_are_not_planned_of_the_same_unit(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=5)

    made = await decided(bench, ("P", 2), ("Q", 2))

    assert sent(made) == {"DC1": {"P": 2, "Q": 1}}
    assert taken(made) == {("X", "DC1"): 4}
    assert [(one.item, one.quantity.micros // MICROS) for one in made.waiting] == [("Q", 1)]


async def test_a_kit_and_its_part_by_itself_share_what_lies_there(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)

    made = await decided(bench, ("X", 3), ("P", 4))

    assert sum(taken(made).values()) == 5


async def test_the_reservation_of_a_plan_holds_kits_assembled_and_the_parts_of_the_rest(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.kit("Q", X=2)
    await bench.count(X=5, P=1)

    made = await planned(bench, asked(("P", 2), ("Q", 2), request_id="o1"), reserve=True)

    assert made.reservation is not None
    assert made.reservation.status == "ACTIVE"
    lines = (*made.reservation.lines, *made.reservation.parts)
    held = sorted((one.item, one.location, one.remaining // MICROS) for one in lines)
    assert [one for one in held if one[0] == "X"] == [("X", "DC1", 1), ("X", "DC1", 4)]
    left = await bench.hub.inventory.availability(bench.hub.scope, [("X", "DC1"), ("P", "DC1")])
    assert [int(one.available.value) for one in left] == [0, 0]


async def test_the_node_that_can_put_all_of_a_kit_together_sends_it_alone(bench: Bench) -> None:
    await bench.kit("K", A=1)
    await bench.count("DC1", K=2)
    await bench.count("DC3", A=9)

    made = await decided(bench, ("K", 5), policy=Policy.COMPLETE_LINE)

    assert sent(made) == {"DC3": {"K": 5}}
    assert why(made, "DC3").endswith("5 of K (line 1, put together)")


async def test_a_kit_of_kits_takes_of_each_level_what_lies_there_first(bench: Bench) -> None:
    await bench.kit("K", S=2, A=1)
    await bench.kit("S", X=3)
    await bench.count(K=1, S=3, A=9, X=10)

    made = await decided(bench, ("K", 4), ("X", 1))

    assert sent(made) == {"DC1": {"K": 4, "X": 1}}
    assert taken(made) == {
        ("K", "DC1"): 1, ("S", "DC1"): 3, ("A", "DC1"): 3, ("X", "DC1"): 10,
    }  # fmt: skip


async def test_what_is_planned_of_kits_is_what_their_availability_says(bench: Bench) -> None:
    await bench.kit("K", S=2, A=1)
    await bench.kit("S", X=3)
    await bench.count(K=1, S=3, A=9, X=10)
    await bench.order("K", 3)

    made = await decided(bench, ("K", 99))

    stock = await bench.hub.kit_stocks.of(bench.hub.scope, [("K", "DC1")])
    assert sent(made) == {"DC1": {"K": stock["K", "DC1"].free() // MICROS}}


async def test_a25_an_order_of_a_kit_is_planned_of_what_it_claims_itself(bench: Bench) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    ref = f"{bench.told}/1"
    await bench.order("P", 4)

    mine = await planned(bench, asked(("P", 4, ref)))
    others = await planned(bench, asked(("P", 4)))

    assert sent(mine.answer.decided) == {"DC1": {"P": 4}}
    assert sent(others.answer.decided) == {"DC1": {"P": 1}}
