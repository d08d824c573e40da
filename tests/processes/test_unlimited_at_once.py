"""Items that no stock limits, through a whole hub: promised at once, holding nothing (§3.3)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from crossdock.canonical.catalog import ItemChanged
from crossdock.canonical.errors import Rejected
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.supply import AtpMode, AtpRule, PlacedRule
from crossdock.foundation.clock import VirtualClock
from tests.processes.test_kits_reserved import claimed, free, held, line, ordered, reserve
from tests.processes.test_kits_shown import Bench, opened


@pytest.fixture
async def bench(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Bench]:
    async with opened(dsn, tmp_path, clock) as one:
        yield one


async def ruled(bench: Bench, mode: AtpMode = AtpMode.INFINITE, **place: str) -> None:
    placed = PlacedRule(rule=AtpRule(mode=mode, lead_time_days=4), **place)
    await bench.hub.supply.put_rule(bench.hub.scope, placed, by="test")
    await bench.clock.advance(timedelta(seconds=2))


async def classed(bench: Bench, item: str, item_class: str) -> None:
    await bench.clock.advance(timedelta(seconds=1))
    changed = ItemChanged(sku=item, item_class=item_class)
    await bench.hub.record([own_fact(changed, bench.clock.now())], source=OWN_SOURCE)


async def serve(bench: Bench, *items: str) -> None:
    """Have no stock limit these, by the class that they are of."""
    for item in items:
        await classed(bench, item, "SERVICE")
    await ruled(bench, item_class="SERVICE")


async def test_a_checkout_with_a_service_is_granted_and_holds_the_goods_alone(
    bench: Bench,
) -> None:
    await serve(bench, "A")
    await bench.count(X=5)

    made = await reserve(bench, ("A", 700), ("X", 3))

    assert held(made) == [("A", 700, 700), ("X", 3, 3)]
    assert await claimed(bench, "A", "X") == [0, 3]
    assert await free(bench, "X") == [2]


async def test_others_are_granted_no_more_than_there_is_beside_it(bench: Bench) -> None:
    """I2 holds for what stock limits."""
    await serve(bench, "A")
    await bench.count(X=5)

    refused = await reserve(bench, ("A", 1), ("X", 6))

    assert (str(refused.status), held(refused)) == ("DENIED", [("A", 0, 0), ("X", 0, 0)])
    assert (await reserve(bench, ("X", 5))).is_granted
    assert not (await reserve(bench, ("X", 1))).is_granted


async def test_each_plain_request_for_it_is_granted_whatever_lies_there(bench: Bench) -> None:
    await serve(bench, "A")
    await bench.count(A=2)

    made = [await reserve(bench, ("A", 500), hard=True) for _ in range(3)]

    assert all(one.is_granted for one in made)
    assert await claimed(bench, "A") == [0]


async def test_a_hold_of_it_lapses_is_confirmed_released_and_gone_out_as_any(
    bench: Bench,
) -> None:
    await serve(bench, "A")
    inventory, scope = bench.hub.inventory, bench.hub.scope
    lapsing = await reserve(bench, ("A", 9))
    await bench.clock.advance(timedelta(hours=1))
    assert str((await inventory.get(scope, lapsing.reservation_id)).status) == "EXPIRED"

    confirmed = await inventory.confirm(scope, lapsing.reservation_id)
    gone = await inventory.consume(scope, lapsing.reservation_id)
    other = await reserve(bench, ("A", 9), hard=True)
    released = await inventory.release(scope, other.reservation_id)

    found = [str(one.status) for one in (confirmed, gone, released)]
    assert found == ["ACTIVE", "CONSUMED", "RELEASED"]
    assert await claimed(bench, "A") == [0]


async def test_its_decision_is_explained_by_its_rule(bench: Bench) -> None:
    await serve(bench, "A")
    await bench.count(X=5)
    made = await reserve(bench, ("A", 700), ("X", 3))

    told = await bench.hub.inventory.explain(bench.hub.scope, made.reservation_id)

    assert told.is_reproduced
    assert [one.granted // MICROS for one in told.lines] == [700, 3]
    assert told.lines[0].rule == "a rule says that no stock limits it"


async def test_it_is_limited_again_once_no_rule_says_otherwise(bench: Bench) -> None:
    await serve(bench, "A")
    await bench.count(A=2)
    await reserve(bench, ("A", 500), hard=True)

    await classed(bench, "A", "B")
    await bench.clock.advance(timedelta(seconds=2))

    assert not (await reserve(bench, ("A", 3))).is_granted
    assert (await reserve(bench, ("A", 2))).is_granted


async def test_what_is_had_by_its_lead_time_is_not_there_at_once(bench: Bench) -> None:
    await ruled(bench, AtpMode.LEAD_TIME, item="A")
    await bench.count(A=2)

    assert not (await reserve(bench, ("A", 3))).is_granted
    assert (await reserve(bench, ("A", 2))).is_granted


async def test_a_kit_is_reserved_by_what_limits_it_and_holds_that(bench: Bench) -> None:
    await bench.kit("K", A=2, B=1)
    await serve(bench, "A")
    await bench.count(B=4)

    made = await reserve(bench, ("K", 3))

    assert held(made) == [("K", 3, 3), ("B", 3, 3)]
    assert not (await reserve(bench, ("K", 2))).is_granted


async def test_a_kit_of_what_no_stock_limits_is_unlimited(bench: Bench) -> None:
    await bench.kit("K", A=2)
    await serve(bench, "A")

    made = await reserve(bench, ("K", 30))

    assert held(made) == [("K", 30, 30)]
    assert await claimed(bench, "K", "A") == [0, 0]


async def test_a_group_with_a_member_where_it_is_unlimited_grants_any_amount(
    bench: Bench,
) -> None:
    await ruled(bench, item="X", location="DC2")
    await bench.count(X=1)

    assert (await reserve(bench, ("X", 40), at="EAST")).is_granted
    assert (await reserve(bench, ("X", 40), at="DC2")).is_granted
    assert not (await reserve(bench, ("X", 2))).is_granted


async def test_a_promise_for_its_order_goes_out_with_the_order(bench: Bench) -> None:
    await serve(bench, "A")
    await ordered(bench, line("o1/1", "A", 8))

    made = await reserve(bench, ("A", 8, "o1/1"), hard=True)
    assert made.is_granted
    await ordered(bench, line("o1/1", "A", 8, cancelled=8))
    found = await bench.hub.inventory.get(bench.hub.scope, made.reservation_id)

    assert (found.lines[0].hold, await claimed(bench, "A")) == (0, [0])


async def test_moving_it_elsewhere_asks_for_nothing_there(bench: Bench) -> None:
    await serve(bench, "A")
    made = await reserve(bench, ("A", 8), hard=True)

    moved = await bench.hub.inventory.transfer(bench.hub.scope, made.reservation_id, "DC2")

    assert moved.lines[0].location == "DC2"
    assert await claimed(bench, "A", at="DC2") == [0]


async def test_confirming_goods_that_are_gone_is_refused_beside_it(bench: Bench) -> None:
    await serve(bench, "A")
    await bench.count(X=5)
    lapsing = await reserve(bench, ("A", 9), ("X", 5))
    await bench.clock.advance(timedelta(hours=1))
    await reserve(bench, ("X", 5), hard=True)

    with pytest.raises(Rejected, match="promised to others"):
        await bench.hub.inventory.confirm(bench.hub.scope, lapsing.reservation_id)


async def allocated(bench: Bench) -> tuple[list[str], list[str]]:
    """Let allocation work; name the items of its runs, and the titles of open cases."""
    await bench.hub.allocating.work.due()
    runs = await bench.hub.allocation.runs(bench.hub.scope)
    cases = await bench.hub.cases.find(bench.hub.scope)
    return sorted(one.item for one in runs), sorted(one.title for one in cases)


async def test_an_order_line_of_it_is_never_short_and_makes_no_run_and_no_case(
    bench: Bench,
) -> None:
    await serve(bench, "A")
    await bench.sells("web")
    await bench.count(X=1)
    await ordered(bench, line("o1/1", "A", 800), line("o1/2", "X", 3))

    runs, cases = await allocated(bench)

    assert set(runs) <= {"X"}
    assert not [one for one in cases if "o1/1" in one or " A " in one]
    assert (await allocated(bench))[0] == runs


async def test_its_order_line_is_short_again_once_stock_limits_it(bench: Bench) -> None:
    await serve(bench, "A")
    await bench.count(A=5)
    await ordered(bench, line("o1/1", "A", 800))
    assert await allocated(bench) == ([], [])

    await classed(bench, "A", "B")
    await bench.clock.advance(timedelta(seconds=2))
    await bench.hub.allocating.work.mark_all()

    assert (await allocated(bench))[0] == ["A"]


async def test_there_is_no_end_of_it_now_though_nobody_ever_counted_it(bench: Bench) -> None:
    await serve(bench, "A")
    await bench.count(X=5)

    asked = [("A", "DC1"), ("X", "DC1"), ("A", "EAST")]
    found = await bench.hub.inventory.availability(bench.hub.scope, asked)

    assert [one.is_unlimited for one in found] == [True, False, True]
    assert [int(one.available.value) for one in found] == [10**12 - 1, 5, 10**12 - 1]
    assert (found[0].is_known, found[0].is_stale) == (True, False)
    assert found[0].rule == "a rule says that no stock limits it"
    assert found[0].left_for(7) == 7


async def test_what_lies_there_of_it_is_never_short(bench: Bench) -> None:
    await serve(bench, "A")
    await bench.count(A=2)
    await ordered(bench, line("o1/1", "A", 8))

    [found] = await bench.hub.inventory.availability(bench.hub.scope, [("A", "DC1")])

    assert (found.figures.hard // MICROS, found.shortage.micros) == (8, 0)


async def test_of_a_kit_there_are_as_many_now_as_what_stock_limits_allows(bench: Bench) -> None:
    await bench.kit("K", A=2, B=2)
    await bench.kit("P", A=1)
    await serve(bench, "A")
    await bench.count(B=9)

    keys = [("K", "DC1"), ("P", "DC1")]
    found = await bench.hub.kit_stocks.of(bench.hub.scope, keys)

    assert found["K", "DC1"].free() // MICROS == 4
    assert found["P", "DC1"].free() // MICROS == 10**12 - 1


async def test_a_channel_is_shown_a_largest_amount_of_it_or_its_cap(bench: Bench) -> None:
    await bench.kit("K", A=2, B=2)
    await bench.kit("P", A=1)
    await serve(bench, "A")
    await bench.sells()
    await bench.sells("web", cap=Decimal(50))
    await bench.count(B=9)

    assert await bench.shown("A", "K", "P") == [9_999, 4, 9_999]
    assert await bench.shown("A", "K", "P", name="web") == [50, 4, 50]
