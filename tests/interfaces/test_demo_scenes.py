"""What the demo tells of its scenes is what the hub and the other systems say, not its plan."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from crossdock.assembly import Hub, Outside
from crossdock.canonical.quantities import MICROS
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.ids import SeededIds
from crossdock.interfaces.cli import demo_drift
from crossdock.interfaces.cli.demo_counter import reserve
from crossdock.interfaces.cli.demo_drift import RECEIPTS, Drift, Trucks, evening
from crossdock.interfaces.cli.demo_promotion import CUSTOMERS, Promotion
from crossdock.interfaces.cli.demo_run import OPENING, Played
from crossdock.interfaces.cli.demo_shell import tell, trouble_of
from crossdock.interfaces.cli.demo_world import (
    DRILL,
    DRILLS,
    KEPT_FOR_SHOP,
    World,
    open_world,
)
from crossdock.interfaces.cli.trading_day import DAY_SECONDS, Channel, Day, Item, Sale, Tally, plan
from tests.processes.end_to_end.world import settings_of

KEPT = 25


@pytest.fixture
async def world(dsn: str, tmp_path: Path) -> AsyncIterator[World]:
    clock, random = VirtualClock(OPENING), Random(7)
    outside = Outside(clock=clock, ids=SeededIds(random), random=random)
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(Hub.open(settings_of(dsn, tmp_path), outside))
        day = plan(7, orders=1, items=2)
        yield await stack.enter_async_context(open_world(hub, clock, day, 0))


async def arrive(world: World) -> None:
    """Let what both warehouses have to say arrive, and the shops hear of it."""
    for warehouse in (world.warehouse, world.west):
        await warehouse.work()
    await world.hub.settle()


async def test_the_promotion_tells_the_terms_and_the_ledger_that_the_hub_has(
    world: World,
) -> None:
    book = world.hub.allocation.rulebook
    [kept] = await book.protections(world.hub.scope)
    said = replace(kept, minimum=KEPT * MICROS)
    await book.protect(world.hub.scope, said, by="test")
    world.warehouse.receive(DRILL, 5)
    await arrive(world)
    promotion = Promotion()
    assert (promotion.stock, promotion.kept) == (0, Decimal(0))
    await promotion.open(world)
    await promotion.play(world, CUSTOMERS[0].at)

    assert (promotion.stock, promotion.kept) == (65, Decimal(KEPT))
    assert promotion.shown == promotion.stock - promotion.kept


async def test_a_branch_is_refused_what_is_kept_for_the_shop_with_the_reason(
    world: World,
) -> None:
    await arrive(world)
    answer = await reserve(world, "more", DRILL, DRILLS - KEPT_FOR_SHOP + 1)
    rest = await reserve(world, "rest", DRILL, DRILLS - KEPT_FOR_SHOP)

    assert (answer.refusal, rest.refusal) == ("channel_minimum", "")


async def test_an_evening_that_finds_nothing_is_trouble(world: World) -> None:
    await arrive(world)
    drift = await evening(world)

    assert drift is None
    assert "did not find it" in demo_drift.trouble_of(drift)


async def test_what_the_erp_lacks_is_found_healed_and_written_plainly(world: World) -> None:
    await arrive(world)
    trucks = Trucks()
    for at, _, _ in RECEIPTS:
        assert await trucks.play(world, at)
        await world.hub.settle()
    assert not await trucks.play(world, DAY_SECONDS)
    drift = await evening(world)

    assert drift is not None
    assert demo_drift.trouble_of(drift) == ""
    amounts = drift.ours, drift.theirs, drift.theirs_after, drift.value
    assert not any("E" in str(amount) for amount in amounts)


@pytest.mark.parametrize(
    ("resent", "agrees", "said"),
    [
        (1, True, ""),
        (1, False, "PART-17 at DC2 was sent again, and the ERP still differs"),
        (0, False, "PART-17 at DC2 was found, and nothing could be sent again"),
    ],
)
def test_what_was_found_and_not_mended_is_trouble(resent: int, said: str, *, agrees: bool) -> None:
    ours, theirs = Decimal(63), Decimal(27)
    drift = Drift(
        item="PART-17", location="DC2", ours=ours, theirs=theirs, explained=theirs - ours,
        unexplained=Decimal(0), cause="MSG_REJECTED", because="", document="DC2-6:1",
        value=Decimal(450), compared=60, suspected=1, resent=resent, theirs_after=ours,
        agrees=agrees,
    )  # fmt: skip

    assert demo_drift.trouble_of(drift) == said


def sold_of_ten(*quantities: int) -> tuple[Day, Tally]:
    """Give a day on which the shop sold so many, one after the other, of ten that were there."""
    sales = [
        Sale(number=number, at=60.0 * number, channel=Channel.SHOP, sku="X", quantity=quantity)
        for number, quantity in enumerate(quantities)
    ]
    day = Day(11, (Item("X", "Hex bolt M8", 10),), tuple(sales))
    tally = Tally(day)
    for sale in sales:
        tally.accept(sale)
    return day, tally


@pytest.mark.parametrize(
    ("quantities", "said"),
    [
        ((6, 5), "1 of 2 orders took 1 units more than there were"),
        ((10, 3, 2), "2 of 3 orders took 5 units more than there were"),
    ],
)
def test_an_oversell_is_trouble_that_names_the_seed(
    quantities: tuple[int, ...], said: str
) -> None:
    day, tally = sold_of_ten(*quantities)

    trouble = trouble_of(day, Played(tally))

    assert trouble
    assert (trouble.code, trouble.message) == ("demo_oversold", said)
    assert "11" in trouble.hint


def test_a_day_in_trouble_is_one_object_that_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    day, tally = sold_of_ten(6, 5)

    assert not tell(day, tally, Played(tally), 1.0, as_json=True)

    out, err = capsys.readouterr()
    said = json.loads(out)
    assert said["crossdock"]["oversold_units"] == 1
    assert said["trouble"] == {
        "error": "demo_oversold",
        "message": "1 of 2 orders took 1 units more than there were",
        "where": "",
        "hint": "report the seed: 11",
    }
    assert "demo_oversold" in err


def test_a_day_in_trouble_is_shown_with_its_table(capsys: pytest.CaptureFixture[str]) -> None:
    day, tally = sold_of_ten(6, 5)

    assert not tell(day, tally, Played(tally), 1.0, as_json=False)

    out, err = capsys.readouterr()
    assert "two-hour batch feed" in out
    assert "demo_oversold" in err


def test_a_day_that_sells_the_last_piece_oversells_nothing() -> None:
    day, tally = sold_of_ten(6, 4)

    trouble = trouble_of(day, Played(tally))

    assert trouble
    assert trouble.code == "demo_drift"  # it had no drift to find, that is all
