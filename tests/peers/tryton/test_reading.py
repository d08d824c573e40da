"""What a real Tryton says, in canonical words."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from crossdock.applications.tryton.client import TrytonConnection
from crossdock.canonical.catalog import ItemChanged, ItemStatus, ItemUnit, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import (
    MovementType,
    Place,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.orders import OrderChanged
from crossdock.connectivity.sdk import BOOKED_BY_HUB, Verdict
from tests.peers.tryton.conftest import Connect, booking, round_of
from tests.peers.tryton.trading import Trading

pytestmark = pytest.mark.peer

Bucket = tuple[str, str, StockStatus]


def moves_of(facts: list[Fact], item: int) -> list[StockMoved]:
    found = [fact.payload for fact in facts if isinstance(fact.payload, StockMoved)]
    return [moved for moved in found if moved.item == str(item)]


def items_of(facts: list[Fact], item: int) -> list[Fact]:
    """Pick what is told of an item; a location may have the same number."""
    return [
        fact
        for fact in facts
        if isinstance(fact.payload, ItemChanged) and fact.native_ref == str(item)
    ]


async def test_check_names_version_company_and_nodes(connection: TrytonConnection) -> None:
    assert await connection.check() == "Tryton 8.2.1, Dock & Sons, 3 nodes"


async def test_an_item_brings_its_units_as_exact_rationals(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code, unit="kg")

    facts, _ = await round_of(connection)

    item = items_of(facts, product)[0].payload
    assert isinstance(item, ItemChanged)
    assert (item.sku, item.base_unit) == (code, "KGM")
    assert ItemUnit(unit="LBR", numerator=45359237, denominator=100000000) in item.units
    assert ItemUnit(unit="ONZ", numerator=45359237, denominator=1600000000) in item.units


async def test_an_item_put_out_of_use_is_told_and_not_forgotten(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    _, cursor = await round_of(connection)

    await clerk.session.change("model.product.product.write", [product], {"active": False})

    facts, _ = await round_of(connection, cursor)
    newest = max(items_of(facts, product), key=lambda fact: fact.version or 0).payload
    assert isinstance(newest, ItemChanged)
    assert newest.status is ItemStatus.DISCONTINUED


async def test_warehouses_and_transit_are_locations_and_bins_are_not(
    connection: TrytonConnection,
) -> None:
    facts, _ = await round_of(connection)

    codes = {f.payload.code for f in facts if isinstance(f.payload, LocationChanged)}
    assert codes == {"WH", "EAST", "Transit"}


async def test_a_sale_is_demand_and_its_pick_and_shipment_serve_it(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    await clerk.stock((product, "20"))
    _, cursor = await round_of(connection)

    sale = await clerk.sell(product, "6", reference=f"PO {code}")
    await clerk.ship(await clerk.shipment_of(sale))

    facts, _ = await round_of(connection, cursor)
    orders = [f for f in facts if f.payload.key == f"sale:{sale}"]
    order = max(orders, key=lambda fact: fact.version or 0).payload
    assert isinstance(order, OrderChanged)
    (line,) = order.lines
    assert (line.item, str(line.ordered), str(line.cancelled)) == (str(product), "6 EA", "0 EA")
    told = {m.movement_id: m for m in moves_of(facts, product) if m.demand_ref}
    assert {m.type for m in told.values()} == {MovementType.PICK, MovementType.SHIP}
    assert {m.demand_ref for m in told.values()} == {line.demand_ref}
    (pick,) = [m for m in told.values() if m.type is MovementType.PICK]
    assert pick.source_place == Place(location=line.location, status=StockStatus.AVAILABLE)
    assert pick.target_place == Place(location=line.location, status=StockStatus.STAGED_OUT)


async def test_a_cancelled_move_is_told_with_its_reversal(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    (move,) = await clerk.stock((product, "9"))
    before, cursor = await round_of(connection)

    await clerk.do("stock.move", "cancel", [move])

    after, _ = await round_of(connection, cursor)
    (done,) = moves_of(before, product)
    again, reversal = moves_of(after, product)
    assert again == done
    assert reversal.reverses_id == done.movement_id
    assert reversal.source_place == done.target_place


async def test_a_move_between_bins_of_one_node_says_nothing(
    connection: TrytonConnection, clerk: Trading, code: str
) -> None:
    (product,) = await clerk.products(code)
    shelf = await clerk.one("stock.location", "code", "=", "STO")
    bin_a = await clerk.one("stock.location", "code", "=", "SHELF-A")
    await clerk.stock((product, "9"))
    (outcome,) = await connection.post_movements(
        [booking(code, product, "4", source=str(shelf), target=str(bin_a))]
    )

    assert outcome.verdict is Verdict.DONE
    facts, _ = await round_of(connection)

    assert [moved.quantity.value for moved in moves_of(facts, product)] == [Decimal(9)]


async def test_a_count_equals_the_movements_up_to_its_watermark(
    connect: Connect, clerk: Trading, code: str
) -> None:
    codes = [f"{code}-{letter}" for letter in "abc"]
    quiet, moving, early = await clerk.products(*codes)
    await clerk.stock((quiet, "20"), (early, "5"), (moving, "8"))
    draft = await clerk.moves(
        [(early, "2")],
        await clerk.one("stock.location", "type", "=", "lost_found"),
        await clerk.one("stock.location", "code", "=", "STO"),
    )
    await clerk.ship(await clerk.shipment_of(await clerk.sell(quiet, "6", reference=code)))

    async with connect(count_every=timedelta(0), overlap=timedelta(milliseconds=1)) as opened:
        # Both happen after the newest stamp the reader has seen when it begins to count.
        page = await opened.poll("")
        while '"stock"' not in page.cursor[:20]:
            page = await opened.poll(page.cursor)
        await clerk.stock((moving, "3"))
        await clerk.do("stock.move", "do", draft)
        counts = [fact async for fact in counted(opened, page.cursor)]
        facts, _ = await round_of_changes(opened)

    watermark = counts[0].recorded_at
    assert watermark is not None
    expected: Counter[Bucket] = Counter()
    for fact in facts:
        if isinstance(fact.payload, StockMoved) and (fact.recorded_at or watermark) <= watermark:
            expected.update(effect(fact.payload))
    figures = {
        (line.item, fact.payload.location, line.status): line.quantity.value
        for fact in counts
        if isinstance(fact.payload, StockSnapshotTaken)
        for line in fact.payload.lines
    }
    assert {bucket[0] for bucket in figures} >= {str(quiet), str(moving)}
    assert str(early) not in {bucket[0] for bucket in figures}, "older than the count: in doubt"
    # What a hub has booked itself it counts, and does not tell again as a movement.
    booked = {
        str(move["product"])
        for row in await clerk.rows(
            "stock.shipment.internal",
            [["reference", "like", f"{BOOKED_BY_HUB}%"]],
            "moves.product",
        )
        for move in row["moves."]
    }
    assert {b: value for b, value in figures.items() if value and b[0] not in booked} == {
        b: value for b, value in expected.items() if value and b in figures and b[0] not in booked
    }


async def counted(connection: TrytonConnection, cursor: str) -> AsyncIterator[Fact]:
    is_over = False
    while not is_over:
        page = await connection.poll(cursor)
        cursor, is_over = page.cursor, page.is_caught_up
        for fact in page.translation.facts:
            yield fact


async def round_of_changes(connection: TrytonConnection) -> tuple[list[Fact], str]:
    facts, cursor = await round_of(connection)
    unique = {fact.identity: fact for fact in facts}
    return list(unique.values()), cursor


def effect(moved: StockMoved) -> dict[Bucket, Decimal]:
    """Give what a movement changes, in the unit that its item is counted in."""
    changes: dict[Bucket, Decimal] = {}
    amount = moved.quantity.value * {"dz": 12}.get(moved.quantity.unit, 1)
    for place, sign in ((moved.source_place, -1), (moved.target_place, 1)):
        if place:
            changes[moved.item, place.location, place.status] = sign * amount
    return changes
