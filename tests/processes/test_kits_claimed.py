"""Kits whose orders claim the same goods by other lines: promised once, in whatever order (I1)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.canonical.orders import DemandLine
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.sourcing import NodeFacts
from crossdock.foundation.clock import VirtualClock
from tests.processes.calendars import open_every_day
from tests.processes.test_backorder_alternatives import worked
from tests.processes.test_kits_reserved import claimed, free, held, line, ordered, reserve
from tests.processes.test_kits_shown import Bench, opened


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        yield one


async def shared(bench: Bench, there: int) -> None:
    """Order two P and two Q, each of one X, and two X: one order that claims two X itself."""
    await bench.kit("P", X=1)
    await bench.kit("Q", X=1)
    await bench.count(X=there)
    await ordered(bench, line("o1/1", "P", 2), line("o1/2", "Q", 2), line("o1/3", "X", 2))


ASKED = ("P", 2, "o1/1"), ("Q", 2, "o1/2"), ("X", 2, "o1/3")


@pytest.mark.parametrize("turn", [0, 1, 2])
async def test_two_kits_and_the_orders_own_line_do_not_share_one_claim_in_one_request(
    bench: Bench, turn: int
) -> None:
    await shared(bench, 2)
    asked = ASKED[turn:] + ASKED[:turn]

    assert str((await reserve(bench, *asked)).status) == "DENIED"
    made = await reserve(bench, *asked, partial=True)

    assert sum(pieces for _, pieces, _ in held(made)[:3]) == 2
    assert await claimed(bench, "X") == [2]
    explained = await bench.hub.inventory.explain(bench.hub.scope, made.reservation_id)
    assert explained.is_reproduced


@pytest.mark.parametrize("turn", [0, 1, 2])
async def test_nor_do_they_in_requests_one_after_another(bench: Bench, turn: int) -> None:
    await shared(bench, 2)
    asked = ASKED[turn:] + ASKED[:turn]

    made = [await reserve(bench, one) for one in asked]

    assert [one.is_granted for one in made] == [True, False, False]
    assert await claimed(bench, "X") == [2]


@pytest.mark.parametrize("turn", [0, 1, 2])
async def test_what_the_claim_does_not_cover_is_held_of_what_is_free(
    bench: Bench, turn: int
) -> None:
    await shared(bench, 7)
    asked = ASKED[turn:] + ASKED[:turn]

    made = [await reserve(bench, one) for one in asked if one[0] != "X"]

    assert all(one.is_granted for one in made)
    assert await free(bench, "X") == [3]
    await ordered(bench, line("o1/1", "P", 2), line("o1/2", "Q", 2), line("o1/3", "X", 2))
    assert await free(bench, "X") == [3]


async def test_an_order_that_is_heard_later_takes_over_no_more_parts_than_it_claims(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.kit("Q", X=1)
    await bench.count(X=6)
    for one in ASKED:
        assert (await reserve(bench, one)).is_granted

    await ordered(bench, line("o1/1", "P", 2), line("o1/2", "Q", 2), line("o1/3", "X", 2))

    assert await free(bench, "X") == [0]


async def test_a_line_that_is_asked_for_under_another_request_holds_its_parts_once(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await ordered(bench, line("o1/1", "P", 2))
    assert (await reserve(bench, ("P", 2, "o1/1"))).is_granted

    again = await reserve(bench, ("P", 2, "o1/1"))

    assert str(again.status) == "DENIED"
    assert await free(bench, "X") == [3]
    await ordered(bench, line("o1/1", "P", 3))
    assert (await reserve(bench, ("P", 1, "o1/1"))).is_granted
    assert await free(bench, "X") == [2]


async def test_a_kit_that_its_order_does_not_claim_there_lapses_with_its_parts(
    bench: Bench,
) -> None:
    await bench.kit("P", X=1)
    await bench.count(X=5)
    await bench.count("DC2", P=5)
    elsewhere = DemandLine(
        demand_ref="o1/1", item="P", location="DC2",
        ordered=Quantity.of(2), cancelled=Quantity.of(0),
    )  # fmt: skip
    await ordered(bench, elsewhere, line("o1/2", "X", 2))
    assert (await reserve(bench, ("P", 2, "o1/1"))).is_granted
    assert await free(bench, "X") == [1]

    await bench.clock.advance(timedelta(hours=2))

    assert await free(bench, "X") == [3]
    await ordered(bench, elsewhere, line("o1/2", "X", 2, cancelled=2))
    assert await free(bench, "X") == [5]


async def test_a_kit_that_an_order_holds_in_parts_is_no_back_order_and_held_nowhere_else(
    bench: Bench,
) -> None:
    await bench.kit("K", X=1)
    await bench.count(X=2, K=0)
    await bench.count("DC3", K=3)
    for node in ("DC1", "DC3"):
        await open_every_day(bench.hub, node)
        await bench.hub.order_sourcing.put_node(bench.hub.scope, NodeFacts(node=node), by="test")
    await ordered(bench, line("A/1", "K", 3), order="A")
    assert (await reserve(bench, ("K", 2, "A/1"))).is_granted

    await bench.hub.settle()
    await worked(bench.hub)

    # One of three is short here, and held there.
    assert await free(bench, "K", at="DC3") == [2]
    found = await bench.hub.allocation.runs(bench.hub.scope, item="K", location="DC1", limit=1)
    run = await bench.hub.allocation.run(bench.hub.scope, found[0].run_id)
    assert [(one.offer.location, one.offer.covers) for one in run.alternatives] == [
        ("DC3", 1_000_000)
    ]
