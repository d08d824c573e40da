"""The worked examples of the domain specification, through the log and the database."""

from datetime import timedelta

import pytest

from crossdock.canonical.errors import Rejected
from crossdock.canonical.inventory import ReservationKind, ReservationStatus, StockStatus
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from tests.unit.capabilities.inventory.house import (
    MAIN,
    House,
    count,
    counted,
    demand,
    moved,
    ordered,
    place,
)

HARD = ReservationKind.HARD


async def test_a1_a_zero_that_is_policy_shows_as_withheld(house: House) -> None:
    await house.hear(counted(1, count(4)), ordered("O", 1, demand("O/1", 3)))
    await house.inventory.upkeep.set_safety(MAIN, "X", "DC1", 2 * MICROS)

    assert await house.figures() == (1, 0, 1, 0)


async def test_a2_on_hand_is_every_bucket_and_only_available_is_promised(house: House) -> None:
    await house.hear(
        counted(
            1,
            count(120),
            count(15, StockStatus.QC_HOLD),
            count(4, StockStatus.DAMAGED),
            count(6, StockStatus.BLOCKED),
            count(10, StockStatus.RECEIVING),
        ),
        ordered("O", 1, demand("O/1", 30)),
    )
    await house.reserve(5)
    await house.inventory.upkeep.set_safety(MAIN, "X", "DC1", 10 * MICROS)

    stock = await house.stock()
    assert stock.on_hand.value == 155
    assert await house.figures() == (85, 75, 10, 0)
    assert (stock.figures.hard, stock.figures.soft) == (30 * MICROS, 5 * MICROS)


async def test_a3_a_count_below_the_promises_shows_the_shortage(house: House) -> None:
    await house.hear(counted(1, count(30)), ordered("O", 1, demand("O/1", 25)))
    await house.inventory.upkeep.set_safety(MAIN, "X", "DC1", 5 * MICROS)
    await house.hear(counted(2, count(18)))

    assert await house.figures() == (-7, 0, 0, 7)


async def test_a18_a_snapshot_heard_after_newer_movements_does_not_undo_them(
    house: House,
) -> None:
    await house.hear(moved(101, 5, place(), None), moved(102, 20, None, place()))
    await house.hear(counted(100, count(50)))

    assert (await house.stock()).available.value == 65


@pytest.mark.parametrize("is_order_first", [True, False])
async def test_a19_an_order_and_its_hold_are_counted_once(
    house: House, *, is_order_first: bool
) -> None:
    await house.hear(counted(1, count(100)))
    order = ordered("O1", 1, demand("O1/1", 5))
    if is_order_first:
        await house.hear(order)
    held = await house.reserve(5, kind=HARD, demand_ref="O1/1")
    if not is_order_first:
        await house.hear(order)

    assert held.is_granted
    assert (await house.stock()).available.value == 95
    await house.inventory.release(MAIN, held.reservation_id)
    assert (await house.stock()).available.value == 95


async def test_a20_all_or_nothing_unless_part_is_allowed(house: House) -> None:
    await house.hear(counted(1, count(10), count(3, item="Y")))
    lines = (
        ReservationLine("X", "DC1", 4 * MICROS),
        ReservationLine("Y", "DC1", 5 * MICROS),
    )
    whole = ReservationRequest("whole", lines)
    part = ReservationRequest("part", lines, allow_partial=True)

    denied = await house.inventory.reserve(MAIN, "shop", whole)
    granted = await house.inventory.reserve(MAIN, "shop", part)

    assert denied.status is ReservationStatus.DENIED
    assert [line.granted for line in denied.lines] == [0, 0]
    assert [line.granted // MICROS for line in granted.lines] == [4, 3]
    assert [line.short // MICROS for line in granted.lines] == [0, 2]


async def test_a22_a_hold_is_dead_at_the_very_end_of_its_time(house: House) -> None:
    await house.hear(counted(1, count(10)))
    in_time = await house.reserve(4, ttl_seconds=900)
    too_late = await house.reserve(4, ttl_seconds=900)
    await house.clock.advance(timedelta(seconds=899, milliseconds=999))
    confirmed = await house.inventory.confirm(MAIN, in_time.reservation_id)
    await house.clock.advance(timedelta(milliseconds=1))

    assert (confirmed.kind, confirmed.status) == (HARD, ReservationStatus.ACTIVE)
    shown = await house.inventory.get(MAIN, too_late.reservation_id)
    assert shown.status is ReservationStatus.EXPIRED
    assert (await house.stock()).available.value == 6
    await house.reserve(6, kind=HARD)
    with pytest.raises(Rejected) as refused:
        await house.inventory.confirm(MAIN, too_late.reservation_id)
    assert refused.value.code == "RSV-EXPIRED"


async def test_a22_a_lapsed_hold_is_granted_anew_while_there_is_stock(house: House) -> None:
    await house.hear(counted(1, count(10)))
    held = await house.reserve(4, ttl_seconds=1)
    await house.clock.advance(timedelta(seconds=1))

    confirmed = await house.inventory.confirm(MAIN, held.reservation_id)

    assert (confirmed.kind, confirmed.status) == (HARD, ReservationStatus.ACTIVE)
    assert (await house.stock()).available.value == 6


async def test_a23_a_transfer_is_never_in_both_places(house: House) -> None:
    await house.hear(counted(1, count(100)), counted(1, count(5), location="DC2"))
    await house.hear(ordered("T", 1, demand("T/1", 30)))
    assert (await house.stock()).available.value == 70

    in_transit = place("TRANSIT", StockStatus.IN_TRANSIT)
    await house.hear(moved(2, 30, place(), in_transit, demand_ref="T/1"))

    stock = await house.stock()
    assert stock.on_hand.value == 70
    assert stock.available.value == 70
    assert (await house.stock(location="DC2")).available.value == 5


async def test_a28_picking_and_shipping_what_was_promised_changes_nothing_for_others(
    house: House,
) -> None:
    await house.hear(counted(1, count(100)))
    held = await house.reserve(30, kind=HARD, demand_ref="O/1")
    staged = place(status=StockStatus.STAGED_OUT)

    for fact, left in (
        (moved(2, 10, place(), staged, demand_ref="O/1"), 20),
        (moved(3, 10, staged, None, demand_ref="O/1"), 20),
    ):
        await house.hear(fact)
        stock = await house.stock()
        assert stock.available.value == 70
        assert stock.figures.hard == left * MICROS
    shown = await house.inventory.get(MAIN, held.reservation_id)
    assert shown.status is ReservationStatus.PARTIALLY_CONSUMED
    assert shown.lines[0].used == 10 * MICROS


async def test_r8_what_was_recorded_after_a_snapshot_is_not_in_it(house: House) -> None:
    """It occurred at 21:00, was recorded at 02:00; the snapshot was taken at 00:00."""
    backdated = moved(2, 3, place(), None)
    await house.hear(counted(1, count(50)), backdated)

    assert (await house.stock()).available.value == 47
