"""Drop-shipped lines: they claim nothing of ours, and their purchases are never ours (§3.5)."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.orders import DemandLine
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.supply import ConfidenceClass, SupplyKind
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from crossdock.capabilities.supply import Basis
from tests.unit.capabilities.supply.yard import (
    Yard,
    committed,
    day,
    line,
    moved,
    noticed,
    ordered,
    shelf,
)

DROPPED: tuple[dict[str, Any], ...] = (
    {"is_dropship": True},
    {"drop_ship_po_line": "po-9/1"},
)


PO: dict[str, Any] = {"drop_ship_po_line": "po-9/1"}


def dropped(ref: str, quantity: int, on: date | None = None, **more: Any) -> DemandLine:
    return replace(line(ref, quantity, on), **({"is_dropship": True} | more))


@pytest.mark.parametrize("said", DROPPED)
async def test_a_drop_shipped_line_claims_nothing_anywhere(
    yard: Yard, said: dict[str, Any]
) -> None:
    await yard.hear(moved("in", 40, None, shelf()))
    both = (replace(line("o1/1", 10, day(2)), **said), line("o1/2", 5, day(2)))

    await yard.hear(ordered("o1", *both))

    assert str((await yard.hub.availability("X", "DC1")).available) == "35 EA"
    assert (await yard.ask()).now == 35 * MICROS
    assert [
        one.demand_ref for one in await yard.hub.allocation.lines(yard.hub.scope, "X", "DC1")
    ] == ["o1/2"]


async def test_a_line_that_becomes_drop_shipped_frees_what_it_claimed_and_back(yard: Yard) -> None:
    await yard.hear(moved("in", 40, None, shelf()))
    await yard.hear(ordered("o1", line("o1/1", 10)))
    assert str((await yard.hub.availability("X", "DC1")).available) == "30 EA"

    await yard.hear(ordered("o1", dropped("o1/1", 10), version=2))
    assert str((await yard.hub.availability("X", "DC1")).available) == "40 EA"

    await yard.hear(ordered("o1", line("o1/1", 10), version=3))
    assert str((await yard.hub.availability("X", "DC1")).available) == "30 EA"


@pytest.mark.parametrize("kind", [SupplyKind.DROP_SHIP, SupplyKind.VENDOR_STOCK])
async def test_its_purchase_and_a_suppliers_stock_are_never_supply_of_ours(
    yard: Yard, kind: SupplyKind
) -> None:
    await yard.hear(committed("po-9/1", 60, kind=kind, confidence=ConfidenceClass.A))
    await yard.hear(noticed("asn-1", 20, parent_supply_id="po-9/1"))

    made = await yard.ask(5)

    if kind is SupplyKind.DROP_SHIP:
        assert made.buckets[-1].atp == 0
        assert {one.confidence for one in made.inbound} == {ConfidenceClass.V}
    assert next(one for one in made.inbound if one.supply.kind is kind).micros == 0


async def test_an_answer_for_a_drop_shipped_line_is_advice_of_the_suppliers_stock(
    yard: Yard,
) -> None:
    await yard.hear(moved("in", 7, None, shelf()))
    await yard.hear(committed("846/1", 60, kind=SupplyKind.VENDOR_STOCK, eta=None))

    made = await yard.ask(50, is_dropship=True)
    more = await yard.ask(70, is_dropship=True)

    assert (made.is_advice, made.basis, made.now) == (True, Basis.VENDOR_STOCK, 54 * MICROS)
    assert (more.basis, more.offers, more.left_over) == (Basis.NONE, (), 16 * MICROS)
    assert (await yard.ask(50)).basis is Basis.NONE


# What else says that a purchase of sixty is sent to the customer, and what it is not told itself.
NAMED: dict[str, tuple[Fact, ...]] = {
    "its order": (committed("po-9/1", 60), ordered("o1", dropped("o1/1", 60, **PO))),
    "its order, heard first": (ordered("o1", dropped("o1/1", 60, **PO)), committed("po-9/1", 60)),
    "an order that says no more": (
        committed("po-9/1", 60),
        ordered("o1", dropped("o1/1", 60, is_dropship=False, **PO)),
    ),
    "its order, of a notice heard before it": (
        ordered("o1", dropped("o1/1", 60, **PO)),
        noticed("asn-1", 60, parent_supply_id="po-9/1"),
    ),
    "its purchase, of other goods": (
        committed("po-9/1", 60, kind=SupplyKind.DROP_SHIP, item="Q"),
        noticed("asn-1", 60, parent_supply_id="po-9/1"),
    ),
}


@pytest.mark.parametrize("told", NAMED)
async def test_what_is_sent_to_the_customer_is_no_supply_of_ours_whoever_says_so(
    yard: Yard, told: str
) -> None:
    for one in NAMED[told]:
        await yard.hear(one)

    made = await yard.ask(60, by=day(5))

    assert made.buckets[-1].atp == 0
    assert {one.confidence for one in made.inbound} == {ConfidenceClass.V}


async def test_a_drop_shipment_is_one_whatever_another_source_calls_it(yard: Yard) -> None:
    await yard.hear(committed("po-9/1", 60, kind=SupplyKind.DROP_SHIP), source="edi")
    await yard.hear(committed("po-9/1", 60, 2), source="erp")

    assert (await yard.ask(60)).buckets[-1].atp == 0


async def test_a_purchase_that_no_order_names_any_more_is_ours_again(yard: Yard) -> None:
    await yard.hear(committed("po-9/1", 60), ordered("o1", dropped("o1/1", 60, **PO)))
    assert (await yard.ask(60)).buckets[-1].atp == 0

    await yard.hear(ordered("o1", version=2))

    assert (await yard.ask(60)).buckets[-1].atp > 0


def held(request_id: str, **more: Any) -> ReservationRequest:
    line = ReservationLine("X", "DC1", 10 * MICROS, "o1/1")
    return ReservationRequest(request_id, (line,), **more)


async def test_a_line_that_becomes_drop_shipped_does_not_fall_back_on_its_hold(yard: Yard) -> None:
    stock = yard.hub.inventory
    await yard.hear(moved("in", 40, None, shelf()))
    await stock.reserve(yard.hub.scope, "shop", held("r1", ttl_seconds=900))
    await yard.hear(ordered("o1", line("o1/1", 10)))
    assert str((await yard.hub.availability("X", "DC1")).available) == "30 EA"

    await yard.hear(ordered("o1", dropped("o1/1", 10), version=2))

    assert str((await yard.hub.availability("X", "DC1")).available) == "40 EA"
    scope = yard.hub.scope
    assert await stock.upkeep.replayed_hash(scope) == await stock.upkeep.state_hash(scope)


async def test_a_line_that_is_drop_shipped_is_held_nothing(yard: Yard) -> None:
    stock = yard.hub.inventory
    await yard.hear(moved("in", 40, None, shelf()))
    await stock.reserve(yard.hub.scope, "shop", held("before", kind=ReservationKind.HARD))
    await yard.hear(ordered("o1", dropped("o1/1", 10)))
    assert str((await yard.hub.availability("X", "DC1")).available) == "40 EA"

    made = await stock.reserve(yard.hub.scope, "shop", held("after", kind=ReservationKind.HARD))

    assert not made.is_granted
    assert str((await yard.hub.availability("X", "DC1")).available) == "40 EA"


async def test_a_hold_that_quotes_no_order_line_counts_until_it_is_released(yard: Yard) -> None:
    await yard.hear(moved("in", 40, None, shelf()))
    await yard.hub.reserve("X", "DC1", 10, request_id="r1")
    await yard.hear(ordered("o1", dropped("o1/1", 10)))

    assert str((await yard.hub.availability("X", "DC1")).available) == "30 EA"


async def test_stock_with_drop_shipped_lines_is_proved_by_its_log(yard: Yard) -> None:
    upkeep, scope = yard.hub.inventory.upkeep, yard.hub.scope
    await yard.hear(moved("in", 40, None, shelf()), ordered("o1", dropped("o1/1", 10)))

    assert await upkeep.replayed_hash(scope) == await upkeep.state_hash(scope)


async def test_what_is_released_may_be_told_in_another_unit_than_what_is_ordered(
    yard: Yard,
) -> None:
    await yard.hear(moved("in", 40, None, shelf()))
    cases = replace(
        line("o1/1", 3),
        ordered=Quantity.of(3, "CS"),
        cancelled=Quantity.of(12),
        released=Quantity.of(12),
    )

    await yard.hear(ordered("o1", cases))

    assert str((await yard.hub.availability("X", "DC1")).available) == "16 EA"
    [one] = await yard.hub.allocation.lines(yard.hub.scope, "X", "DC1")
    assert one.released == 12 * MICROS
