"""Pages as they are read, and what they mean."""

from datetime import UTC, date, datetime

from pydantic import SecretStr

from crossdock.applications.sql_stock.mapping import written
from crossdock.applications.sql_stock.settings import SqlStockSettings, StreamSettings
from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
    KitChanged,
    KitComponent,
    LotChanged,
)
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
from crossdock.connectivity.sdk import Delivery, Sample, Translation, Untranslatable
from crossdock.connectivity.sdk.facts import stamped

_AT = datetime(2026, 3, 2, 8, 0, 0, 250_000, tzinfo=UTC)
_MICROS = 1_772_438_400_250_000

SAMPLE_SETTINGS = SqlStockSettings(
    dsn=SecretStr("postgresql://reader@erp.example/erp"),
    items=StreamSettings(sql="select * from items", columns={"item": "code"}),
    levels=StreamSettings(
        sql="select * from levels",
        columns={"item": "code", "quantity": "on_hand", "location": "site"},
    ),
    movements=StreamSettings(sql="select * from movements", columns={"movement_id": "id"}),
    demand=StreamSettings(sql="select * from orders", columns={"order_id": "id"}),
    supply=StreamSettings(
        sql="select * from open_purchases",
        columns={"supply_id": "po_line", "quantity": "still_open", "eta": "due"},
    ),
    kits=StreamSettings(sql="select * from bills"),
    lots=StreamSettings(sql="select * from lots", columns={"expires_on": "best_before"}),
    catch_weights=StreamSettings(sql="select * from weights"),
    reasons={"26": MovementType.SHIP},
    location="DC1",
)


def _page(stream: str, *rows: str) -> Delivery:
    return Delivery(body=written(stream, rows))


_ITEM = ItemChanged(sku="SKU-1", description="Bolt M8")
_ORDER = OrderChanged(
    order_id="77",
    customer_po="PO-9",
    customer="METRO",
    lines=(
        DemandLine(
            demand_ref="77/1",
            item="SKU-1",
            location="DC1",
            ordered=Quantity.of(10),
            cancelled=Quantity.of(0),
            requested_ship_date=date(2026, 3, 9),
        ),
        DemandLine(
            demand_ref="77/2",
            item="SKU-2",
            location="DC2",
            ordered=Quantity.of(4),
            cancelled=Quantity.of(1),
            requested_ship_date=date(2026, 4, 1),
        ),
    ),
)

_ITEMS = Sample(
    title="an item",
    delivery=_page(
        "items",
        '{"id":7,"code":"SKU-1","description":"Bolt M8","unit":"EA",'
        '"changed_at":"2026-03-02T08:00:00.25+00:00"}',
    ),
    translation=Translation(
        facts=(
            Fact(
                identity=stamped("item:SKU-1", _MICROS, _ITEM),
                payload=_ITEM,
                occurred_at=_AT,
                recorded_at=_AT,
                version=_MICROS,
                native_ref="SKU-1",
            ),
        )
    ),
)

_LEVELS = Sample(
    title="a level, and one with no quantity",
    delivery=_page(
        "levels",
        '{"id":1,"code":"SKU-1","site":"DC2","on_hand":12.50,'
        '"changed_at":"2026-03-02T08:00:00.25+00:00"}',
        '{"id":2,"code":"SKU-2","site":"DC2","on_hand":null,'
        '"changed_at":"2026-03-02T08:00:00.25+00:00"}',
    ),
    translation=Translation(
        facts=(
            Fact(
                identity="snapshot:DC2:1@2026-03-02T08:00:00.25+00:00",
                payload=StockSnapshotTaken(
                    snapshot_id="1@2026-03-02T08:00:00.25+00:00",
                    location="DC2",
                    lines=(CountedStock(item="SKU-1", quantity=Quantity.of("12.5")),),
                ),
                occurred_at=_AT,
                recorded_at=_AT,
                native_ref="1@2026-03-02T08:00:00.25+00:00",
            ),
        ),
        refused=(
            Untranslatable(
                code="EVT-SCHEMA",
                where="/rows/1/on_hand",
                reason="'on_hand' is missing",
                record=b'{"id": 2, "code": "SKU-2", "site": "DC2", "on_hand": null, '
                b'"changed_at": "2026-03-02T08:00:00.25+00:00"}',
            ),
        ),
    ),
)

_MOVEMENTS = Sample(
    title="a shipment",
    delivery=_page(
        "movements",
        '{"id":501,"item":"SKU-1","quantity":3,"reason":26,"demand_ref":"77/1",'
        '"changed_at":"2026-03-02T08:00:00.25+00:00"}',
    ),
    translation=Translation(
        facts=(
            Fact(
                identity="movement:501:1",
                payload=StockMoved(
                    movement_id="501:1",
                    item="SKU-1",
                    quantity=Quantity.of(3),
                    type=MovementType.SHIP,
                    source_place=Place(location="DC1", status=StockStatus.STAGED_OUT),
                    reason="26",
                    demand_ref="77/1",
                ),
                occurred_at=_AT,
                recorded_at=_AT,
                native_ref="501",
            ),
        )
    ),
)

_DEMAND = Sample(
    title="an order with two lines, one of them partly cancelled",
    delivery=_page(
        "demand",
        '{"id":77,"customer_po":"PO-9","customer":"METRO",'
        '"changed_at":"2026-03-02T08:00:00.25+00:00",'
        '"requested_ship_date":"2026-03-09","lines":['
        '{"line":1,"item":"SKU-1","ordered":10},'
        '{"line":2,"item":"SKU-2","ordered":4,"cancelled":1,"location":"DC2",'
        '"requested_ship_date":"2026-04-01T00:00:00"}]}',
    ),
    translation=Translation(
        facts=(
            Fact(
                identity=stamped("order:77", _MICROS, _ORDER),
                payload=_ORDER,
                occurred_at=_AT,
                recorded_at=_AT,
                version=_MICROS,
                correlation_id="77",
                native_ref="77",
            ),
        )
    ),
)

_NATIVE = {"supply": "po:4711/1", "kits": "KIT-1", "lots": "L7", "catch_weights": "SKU-3"}


def _state(stream: str, title: str, row: str, named: str, payload: Payload) -> Sample:
    """Show one row that carries a whole state, changed at eight."""
    delivery = _page(stream, f'{{"id":1,"changed_at":"2026-03-02T08:00:00.25+00:00",{row}}}')
    fact = Fact(
        identity=stamped(named, _MICROS, payload),
        payload=payload,
        occurred_at=_AT,
        recorded_at=_AT,
        version=_MICROS,
        native_ref=_NATIVE[stream],
    )
    return Sample(title=title, delivery=delivery, translation=Translation(facts=(fact,)))


_SUPPLY = _state(
    *("supply", "an open purchase line that its supplier has confirmed"),
    '"po_line":"po:4711/1","item":"SKU-1","still_open":60,"due":"2026-03-16",'
    '"evidence":"acknowledged"',
    "supply:po:4711/1",
    SupplyCommitmentChanged(
        supply_id="po:4711/1",
        kind=SupplyKind.PO_SCHEDULE,
        item="SKU-1",
        location="DC1",
        open_quantity=Quantity.of(60),
        evidence=SupplyEvidence.ACKNOWLEDGED,
        eta=date(2026, 3, 16),
    ),
)
_KITS = _state(
    *("kits", "a kit of four bolts and half a metre of hose"),
    '"item":"KIT-1","components":'
    '[{"item":"SKU-1","quantity":4},{"item":"SKU-2","quantity":0.5,"unit":"MTR"}]',
    "kit:KIT-1",
    KitChanged(
        item="KIT-1",
        quantity=Quantity.of(1),
        components=(
            KitComponent(item="SKU-1", quantity=Quantity.of(4)),
            KitComponent(item="SKU-2", quantity=Quantity.of("0.5", "MTR")),
        ),
    ),
)
_LOTS = _state(
    *("lots", "a lot with its last day", '"item":"SKU-1","lot":"L7","best_before":"2026-09-30"'),
    "lot/SKU-1/L7",
    LotChanged(item="SKU-1", lot="L7", expires_on=date(2026, 9, 30)),
)
_WEIGHTS = _state(
    *("catch_weights", "a piece that weighs two and a half kilograms, more or less"),
    '"item":"SKU-3","quantity":2.5,"unit":"KGM","low_percent":10,"high_percent":8',
    "catch_weight:SKU-3",
    CatchWeightChanged(
        item="SKU-3", nominal=Quantity.of("2.5", "KGM"), low_percent=10, high_percent=8
    ),
)

SAMPLES = (_ITEMS, _LEVELS, _MOVEMENTS, _DEMAND, _SUPPLY, _KITS, _LOTS, _WEIGHTS)
