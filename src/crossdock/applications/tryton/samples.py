"""Messages that a Tryton 8.2.1 really sent, and what they mean, told by hand.

`recorded/` holds the pages as they were read; a test helper records them anew. The company has a
warehouse WH (location 5) and EAST (12), a widget (1) and flour (2). Twenty widgets were found,
three more were found by mistake and taken back, and six were sold, picked and shipped. Four dozen
were bought, and one dozen of them has arrived.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from crossdock.applications.tryton.mapping import Options
from crossdock.canonical.catalog import ItemChanged, ItemUnit, LocationChanged, LocationKind
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence, SupplyKind
from crossdock.connectivity.sdk import Delivery, Sample, Translation
from crossdock.connectivity.sdk.facts import stamped

SAMPLE_OPTIONS = Options(location_statuses={"QC": StockStatus.QC_HOLD}, installation="company")
RECORDED = Path(__file__).with_name("recorded")
BUSINESS_DAY = datetime(2026, 11, 23, tzinfo=UTC)
ON_SHELF = Place(location="5", status=StockStatus.AVAILABLE)
STAGED = Place(location="5", status=StockStatus.STAGED_OUT)
DELIVERY = "stock.shipment.out,1"
SOLD_LINE = "sale.line,1"
FOUND_AT = 1795469571_413943
ORDERED_AT = 1795469573_809427


def _sample(topic: str, title: str, *facts: Fact) -> Sample:
    body = (RECORDED / f"{topic}.json").read_bytes()
    return Sample(
        title=title, delivery=Delivery(body=body, name=topic), translation=Translation(facts)
    )


def _instant(micros: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def _state(kind: str, native_id: int, micros: int, payload: Payload) -> Fact:
    return Fact(
        identity=stamped(f"{kind}:{native_id}", micros, payload),
        payload=payload,
        occurred_at=_instant(micros),
        recorded_at=_instant(micros),
        version=micros,
        native_ref=str(native_id),
    )


def _move(native_id: int, micros: int, moved: StockMoved) -> Fact:
    return Fact(
        identity=f"move:{moved.movement_id}",
        payload=moved,
        occurred_at=BUSINESS_DAY,
        recorded_at=_instant(micros),
        native_ref=f"stock.move,{native_id}",
    )


def _each(amount: int) -> Quantity:
    return Quantity(Decimal(amount), "EA")


def _counted(status: StockStatus, widgets: int) -> tuple[CountedStock, CountedStock]:
    return (
        CountedStock(item="1", quantity=_each(widgets), status=status),
        CountedStock(item="2", quantity=Quantity(Decimal(0), "KGM"), status=status),
    )


LOCATIONS = _sample(
    "locations",
    "All locations: two warehouses, the transit between them, and zones that say nothing",
    _state("location", 5, 1795468589_435180, LocationChanged(code="WH", name="Warehouse")),
    _state(
        *("location", 8, 1795468589_435180),
        LocationChanged(code="Transit", name="Transit", kind=LocationKind.VIRTUAL_IN_TRANSIT),
    ),
    _state("location", 12, 1795468674_324427, LocationChanged(code="EAST", name="East")),
)

ITEMS = _sample(
    "items",
    "Two items with their units",
    _state(
        *("item", 1, 1795468674_672021),
        ItemChanged(sku="WIDGET", description="Widget", units=(ItemUnit(unit="EA", numerator=1),)),
    ),
    _state(
        *("item", 2, 1795468674_790921),
        ItemChanged(
            sku="FLOUR",
            description="Flour",
            base_unit="KGM",
            units=(
                ItemUnit(unit="KGM", numerator=1),
                ItemUnit(unit="GRM", numerator=1, denominator=1000),
                ItemUnit(unit="CTM", numerator=1, denominator=5000),
                ItemUnit(unit="LBR", numerator=45359237, denominator=100000000),
                ItemUnit(unit="ONZ", numerator=45359237, denominator=1600000000),
            ),
        ),
    ),
)

ORDERS = _sample(
    "orders",
    "A sale in processing",
    _state(
        *("order", 1, ORDERED_AT),
        OrderChanged(
            order_id="sale:1",
            lines=(
                DemandLine(
                    demand_ref=SOLD_LINE,
                    item="1",
                    location="5",
                    ordered=_each(6),
                    cancelled=_each(0),
                ),
            ),
            customer_po="PO-9",
            channel="tryton",
        ),
    ),
)

PURCHASES = _sample(
    "purchases",
    "A purchase of four dozen, of which one dozen is there",
    _state(
        *("purchase.line", 1, 1795780405_627418),
        SupplyCommitmentChanged(
            supply_id="company:purchase:1/1",
            kind=SupplyKind.PO_SCHEDULE,
            item="1",
            location="5",
            open_quantity=_each(36),
            evidence=SupplyEvidence.ACKNOWLEDGED,
            eta=date(2027, 3, 1),
            eta_source="tryton",
            document_ref="1",
        ),
    ),
)

MOVES = _sample(
    "moves",
    "Goods found, a find taken back, a pick and a shipment",
    _move(
        *(1, 1795469570_942268),
        StockMoved(
            movement_id="1",
            item="1",
            quantity=_each(20),
            type=MovementType.COUNT_ADJUST,
            target_place=ON_SHELF,
            reason="lost_found>storage",
        ),
    ),
    _move(
        *(2, FOUND_AT),
        StockMoved(
            movement_id="2",
            item="1",
            quantity=_each(3),
            type=MovementType.COUNT_ADJUST,
            target_place=ON_SHELF,
            reason="lost_found>storage",
        ),
    ),
    _move(
        *(2, FOUND_AT),
        StockMoved(
            movement_id="2:cancelled",
            item="1",
            quantity=_each(3),
            type=MovementType.COUNT_ADJUST,
            source_place=ON_SHELF,
            reason="cancelled",
            reverses_id="2",
        ),
    ),
    _move(
        *(4, 1795469573_126914),
        StockMoved(
            movement_id="4",
            item="1",
            quantity=_each(6),
            type=MovementType.PICK,
            source_place=ON_SHELF,
            target_place=STAGED,
            reason="storage>storage",
            document_ref=DELIVERY,
            demand_ref=SOLD_LINE,
        ),
    ),
    _move(
        *(3, 1795469573_622761),
        StockMoved(
            movement_id="3",
            item="1",
            quantity=_each(6),
            type=MovementType.SHIP,
            source_place=STAGED,
            reason="storage>customer",
            document_ref=DELIVERY,
            demand_ref=SOLD_LINE,
        ),
    ),
)

_COUNT = "count:5@1795469574721699:1"

STOCK = _sample(
    "stock",
    "A count of one warehouse, where QC is a location with a status of its own",
    Fact(
        identity=_COUNT,
        payload=StockSnapshotTaken(
            snapshot_id=_COUNT,
            location="5",
            lines=(
                *_counted(StockStatus.RECEIVING, 0),
                *_counted(StockStatus.STAGED_OUT, 0),
                *_counted(StockStatus.AVAILABLE, 14),
                *_counted(StockStatus.QC_HOLD, 0),
            ),
        ),
        occurred_at=_instant(ORDERED_AT),
        recorded_at=_instant(ORDERED_AT),
        native_ref="stock.location,5",
    ),
)

SAMPLES = (LOCATIONS, ITEMS, ORDERS, PURCHASES, MOVES, STOCK)
