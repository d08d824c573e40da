"""Pages as they are read, and what they mean."""

from datetime import UTC, datetime

from pydantic import SecretStr

from crossdock.applications.sql_stock.mapping import written
from crossdock.applications.sql_stock.settings import SqlStockSettings, StreamSettings
from crossdock.canonical.catalog import ItemChanged
from crossdock.canonical.envelope import Fact
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
    reasons={"26": MovementType.SHIP},
    location="DC1",
)


def _page(stream: str, *rows: str) -> Delivery:
    return Delivery(body=written(stream, rows))


_ITEM = ItemChanged(sku="SKU-1", description="Bolt M8")
_ORDER = OrderChanged(
    order_id="77",
    customer_po="PO-9",
    lines=(
        DemandLine(
            demand_ref="77/1",
            item="SKU-1",
            location="DC1",
            ordered=Quantity.of(10),
            cancelled=Quantity.of(0),
        ),
        DemandLine(
            demand_ref="77/2",
            item="SKU-2",
            location="DC2",
            ordered=Quantity.of(4),
            cancelled=Quantity.of(1),
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
        '{"id":77,"customer_po":"PO-9","changed_at":"2026-03-02T08:00:00.25+00:00","lines":['
        '{"line":1,"item":"SKU-1","ordered":10},'
        '{"line":2,"item":"SKU-2","ordered":4,"cancelled":1,"location":"DC2"}]}',
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

SAMPLES = (_ITEMS, _LEVELS, _MOVEMENTS, _DEMAND)
