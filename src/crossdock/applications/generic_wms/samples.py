"""Messages of a warehouse system, and what they mean."""

import json
from pathlib import Path

from pydantic import SecretStr

from crossdock.applications.generic_wms.goods_samples import GOODS_FILE_SAMPLES, GOODS_SAMPLES
from crossdock.applications.generic_wms.sample_forms import (
    AT,
    SECRETS,
    file_of,
    webhook,
)
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings, GenericWmsSettings
from crossdock.canonical.catalog import ItemChanged, ItemUnit, LocationChanged, Tracking
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    SourceHeard,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.sdk import Sample, Translation, Untranslatable

_REASONS = {"PK": MovementType.PICK, "CC": MovementType.COUNT_ADJUST}

SAMPLE_SETTINGS = GenericWmsSettings(
    secrets=tuple(SecretStr(secret) for secret in SECRETS),
    reasons=_REASONS,
    statuses={"QUAR": StockStatus.QC_HOLD},
)
SAMPLE_FILE_SETTINGS = GenericWmsFilesSettings(folder=Path("drop"), reasons=_REASONS)


_SHORT_PICK = Sample(
    title="a pick of two lines, the second of them short to nothing",
    delivery=webhook(
        "wms-1",
        {
            "type": "movement",
            "location": "DC1",
            "occurred_at": "2026-03-02T09:00:00+01:00",
            "reason": "PK",
            "document": "SO-77",
            "user": "anna",
            "lines": [
                {
                    "movement_id": "M-1",
                    "sequence": 41,
                    "item": "SKU-1",
                    "quantity": "4",
                    "unit": "CS",
                    "demand_ref": "shop:1001/1",
                    "lot": "L7",
                },
                {
                    "movement_id": "M-1",
                    "line": 2,
                    "sequence": 42,
                    "item": "SKU-2",
                    "quantity": "0",
                    "demand_ref": "shop:1001/2",
                },
            ],
        },
    ),
    translation=Translation(
        facts=(
            Fact(
                identity="movement:M-1:1",
                payload=StockMoved(
                    movement_id="M-1:1",
                    item="SKU-1",
                    quantity=Quantity.of(4, "CS"),
                    type=MovementType.PICK,
                    source_place=Place(location="DC1", lot="L7"),
                    target_place=Place(location="DC1", status=StockStatus.STAGED_OUT, lot="L7"),
                    reason="PK",
                    document_ref="SO-77",
                    demand_ref="shop:1001/1",
                ),
                occurred_at=AT,
                stream="DC1",
                sequence=41,
                correlation_id="SO-77",
                native_ref="M-1",
                actor="anna",
            ),
            Fact(
                identity="heard:movement:M-1:2",
                payload=SourceHeard(source="DC1"),
                occurred_at=AT,
                stream="DC1",
                sequence=42,
                actor="anna",
            ),
        )
    ),
)

_SNAPSHOT = Sample(
    title="the full stock of a site as of its sequence 100",
    delivery=webhook(
        "wms-2",
        {
            "type": "snapshot",
            "snapshot_id": "S-9",
            "location": "DC1",
            "sequence": 100,
            "is_full": True,
            "occurred_at": "2026-03-02T08:00:00Z",
            "lines": [
                {"item": "SKU-1", "quantity": "50", "owner": "ACME"},
                {"item": "SKU-1", "quantity": 2.5, "unit": "KGM", "status": "QUAR"},
            ],
        },
    ),
    translation=Translation(
        facts=(
            Fact(
                identity="snapshot:DC1:S-9",
                payload=StockSnapshotTaken(
                    snapshot_id="S-9",
                    location="DC1",
                    lines=(
                        CountedStock(item="SKU-1", quantity=Quantity.of(50), owner="ACME"),
                        CountedStock(
                            item="SKU-1",
                            quantity=Quantity.of("2.5", "KGM"),
                            status=StockStatus.QC_HOLD,
                        ),
                    ),
                    is_full=True,
                ),
                occurred_at=AT,
                stream="DC1",
                sequence=100,
                native_ref="S-9",
            ),
        )
    ),
)

_HEARTBEAT = Sample(
    title="a heartbeat",
    delivery=webhook(
        "wms-3",
        {"type": "heartbeat", "stream": "DC1", "occurred_at": "2026-03-02T08:00Z"},
    ),
    translation=Translation(
        facts=(
            Fact(
                identity="heard:DC1:2026-03-02T08:00:00+00:00",
                payload=SourceHeard(source="DC1"),
                occurred_at=AT,
            ),
        )
    ),
)

_COUNTS = Sample(
    title="a file of counts, one line of it in a status nobody knows",
    delivery=file_of(
        "movements-0302.csv",
        b"movement_id,location,reason,item,quantity,status,reverses,occurred_at\r\n"
        b"C-1,DC1,CC,SKU-1,-3,,,2026-03-02T08:00:00Z\r\n"
        b"C-2,DC1,CC,SKU-1,1,LOST,,2026-03-02T08:00:00Z\r\n"
        b"C-3,DC1,PK,SKU-1,4,,M-1,2026-03-02T08:00:00Z\r\n",
    ),
    translation=Translation(
        facts=(
            Fact(
                identity="movement:C-1:1",
                payload=StockMoved(
                    movement_id="C-1:1",
                    item="SKU-1",
                    quantity=Quantity.of(3),
                    type=MovementType.COUNT_ADJUST,
                    source_place=Place(location="DC1"),
                    reason="CC",
                ),
                occurred_at=AT,
                native_ref="C-1",
            ),
            Fact(
                identity="movement:C-3:1",
                payload=StockMoved(
                    movement_id="C-3:1",
                    item="SKU-1",
                    quantity=Quantity.of(4),
                    type=MovementType.PICK,
                    source_place=Place(location="DC1", status=StockStatus.STAGED_OUT),
                    target_place=Place(location="DC1"),
                    reason="PK",
                    reverses_id="M-1:1",
                ),
                occurred_at=AT,
                native_ref="C-3",
            ),
        ),
        refused=(
            Untranslatable(
                code="EVT-SCHEMA",
                where="line 3, column status",
                reason="'LOST' is not a stock status that is known",
                record=b"C-2,DC1,CC,SKU-1,1,LOST,,2026-03-02T08:00:00Z",
            ),
        ),
    ),
)

_ITEM = Fact(
    identity="item:SKU-1@3",
    payload=ItemChanged(
        sku="SKU-1",
        description="Bolt M8",
        units=(ItemUnit(unit="CS", numerator=12),),
        tracking=Tracking.LOT,
        item_class="A",
    ),
    occurred_at=AT,
    version=3,
    native_ref="SKU-1",
)
_LOCATION = Fact(
    identity="location:DC1@1",
    payload=LocationChanged(code="DC1", name="East", timezone="Europe/Berlin"),
    occurred_at=AT,
    version=1,
    native_ref="DC1",
)
_ITEM_FIELDS = {
    "type": "item",
    "item": "SKU-1",
    "description": "Bolt M8",
    "units": "CS=12",
    "tracking": "LOT",
    "item_class": "A",
    "version": 3,
    "occurred_at": "2026-03-02T08:00:00Z",
}
_LOCATION_FIELDS = {
    "type": "location",
    "location": "DC1",
    "name": "East",
    "timezone": "Europe/Berlin",
    "version": 1,
    "occurred_at": "2026-03-02T08:00:00Z",
}

_MASTER = Sample(
    title="an item and a location",
    delivery=webhook("wms-4", {"lines": [_ITEM_FIELDS, _LOCATION_FIELDS]}),
    translation=Translation(facts=(_ITEM, _LOCATION)),
)

_RECORDS = Sample(
    title="a file of whatever happened",
    delivery=file_of(
        "export.jsonl",
        b"\n".join(json.dumps(fields).encode() for fields in (_ITEM_FIELDS, _LOCATION_FIELDS))
        + b'\n{"type": "heartbeat", "stream": "DC1", "occurred_at": "2026-03-02T08:00Z"}\n',
    ),
    translation=Translation(facts=(_ITEM, _LOCATION, *_HEARTBEAT.translation.facts)),
)

_LEVELS = Sample(
    title="a file of levels",
    delivery=file_of(
        "snapshots-0302.csv",
        b"snapshot_id,location,item,quantity,sequence,occurred_at\n"
        b"S-9,DC1,SKU-1,50,100,2026-03-02T08:00Z\n",
    ),
    translation=Translation(
        facts=(
            Fact(
                identity="snapshot:DC1:S-9",
                payload=StockSnapshotTaken(
                    snapshot_id="S-9",
                    location="DC1",
                    lines=(CountedStock(item="SKU-1", quantity=Quantity.of(50)),),
                ),
                occurred_at=AT,
                stream="DC1",
                sequence=100,
                native_ref="S-9",
            ),
        )
    ),
)

SAMPLES = (_SHORT_PICK, _SNAPSHOT, _HEARTBEAT, _MASTER, *GOODS_SAMPLES)
FILE_SAMPLES = (_COUNTS, _LEVELS, _RECORDS, *GOODS_FILE_SAMPLES)
