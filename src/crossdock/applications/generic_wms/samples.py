"""Messages of a warehouse system, and what they mean."""

import json
from base64 import b64encode
from datetime import UTC, date, datetime
from pathlib import Path

from pydantic import SecretStr

from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings, GenericWmsSettings
from crossdock.applications.generic_wms.signature import PREFIX, secret_key, signed_headers
from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
    ItemUnit,
    KitChanged,
    KitComponent,
    LocationChanged,
    LotChanged,
    Tracking,
)
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
from crossdock.canonical.supply import (
    SupplyCommitmentChanged,
    SupplyEvidence,
    SupplyKind,
    SupplyPeg,
)
from crossdock.connectivity.sdk import Delivery, Sample, Translation, Untranslatable

SAMPLE_NOW = datetime(2026, 3, 2, 8, 0, 5, tzinfo=UTC)
_AT = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_SECRETS = tuple(PREFIX + b64encode(letter * 24).decode() for letter in (b"n", b"o"))

_REASONS = {"PK": MovementType.PICK, "CC": MovementType.COUNT_ADJUST}

SAMPLE_SETTINGS = GenericWmsSettings(
    secrets=tuple(SecretStr(secret) for secret in _SECRETS),
    reasons=_REASONS,
    statuses={"QUAR": StockStatus.QC_HOLD},
)
SAMPLE_FILE_SETTINGS = GenericWmsFilesSettings(folder=Path("drop"), reasons=_REASONS)


def _webhook(message_id: str, content: object) -> Delivery:
    body = json.dumps(content).encode()
    keys = [secret_key(secret) for secret in _SECRETS[:1]]
    headers = signed_headers(keys, message_id, SAMPLE_NOW, body)
    return Delivery(body=body, headers={**headers, "content-type": "application/json"})


def _file(name: str, body: bytes) -> Delivery:
    lines = body.rstrip().count(b"\n") + 1
    first = 2 if name.endswith(".csv") else 1
    return Delivery(
        body=body,
        name=name,
        headers={":file": name, ":lines": f"{first}-{lines}", ":whole": "yes"},
    )


_SHORT_PICK = Sample(
    title="a pick of two lines, the second of them short to nothing",
    delivery=_webhook(
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
                occurred_at=_AT,
                stream="DC1",
                sequence=41,
                correlation_id="SO-77",
                native_ref="M-1",
                actor="anna",
            ),
            Fact(
                identity="heard:movement:M-1:2",
                payload=SourceHeard(source="DC1"),
                occurred_at=_AT,
                stream="DC1",
                sequence=42,
                actor="anna",
            ),
        )
    ),
)

_SNAPSHOT = Sample(
    title="the full stock of a site as of its sequence 100",
    delivery=_webhook(
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
                occurred_at=_AT,
                stream="DC1",
                sequence=100,
                native_ref="S-9",
            ),
        )
    ),
)

_HEARTBEAT = Sample(
    title="a heartbeat",
    delivery=_webhook(
        "wms-3",
        {"type": "heartbeat", "stream": "DC1", "occurred_at": "2026-03-02T08:00Z"},
    ),
    translation=Translation(
        facts=(
            Fact(
                identity="heard:DC1:2026-03-02T08:00:00+00:00",
                payload=SourceHeard(source="DC1"),
                occurred_at=_AT,
            ),
        )
    ),
)

_COUNTS = Sample(
    title="a file of counts, one line of it in a status nobody knows",
    delivery=_file(
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
                occurred_at=_AT,
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
                occurred_at=_AT,
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
    ),
    occurred_at=_AT,
    version=3,
    native_ref="SKU-1",
)
_LOCATION = Fact(
    identity="location:DC1@1",
    payload=LocationChanged(code="DC1", name="East", timezone="Europe/Berlin"),
    occurred_at=_AT,
    version=1,
    native_ref="DC1",
)
_ITEM_FIELDS = {
    "type": "item",
    "item": "SKU-1",
    "description": "Bolt M8",
    "units": "CS=12",
    "tracking": "LOT",
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
    delivery=_webhook("wms-4", {"lines": [_ITEM_FIELDS, _LOCATION_FIELDS]}),
    translation=Translation(facts=(_ITEM, _LOCATION)),
)

_RECORDS = Sample(
    title="a file of whatever happened",
    delivery=_file(
        "export.jsonl",
        b"\n".join(json.dumps(fields).encode() for fields in (_ITEM_FIELDS, _LOCATION_FIELDS))
        + b'\n{"type": "heartbeat", "stream": "DC1", "occurred_at": "2026-03-02T08:00Z"}\n',
    ),
    translation=Translation(facts=(_ITEM, _LOCATION, *_HEARTBEAT.translation.facts)),
)

_LEVELS = Sample(
    title="a file of levels",
    delivery=_file(
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
                occurred_at=_AT,
                stream="DC1",
                sequence=100,
                native_ref="S-9",
            ),
        )
    ),
)

_NOTICE = Fact(
    identity="supply:ASN-7/1@2",
    payload=SupplyCommitmentChanged(
        supply_id="ASN-7/1",
        kind=SupplyKind.ASN_LINE,
        item="SKU-1",
        location="DC1",
        open_quantity=Quantity.of(3, "CS"),
        evidence=SupplyEvidence.SHIPPED,
        eta=date(2026, 3, 4),
        parent_supply_id="po:4711/1",
        document_ref="ASN-7",
        pegs=(SupplyPeg(demand_ref="shop:1001/1", quantity=Quantity.of(1, "CS")),),
    ),
    occurred_at=_AT,
    version=2,
    correlation_id="ASN-7",
    native_ref="ASN-7/1",
)
_KIT = Fact(
    identity="kit:KIT-1@1",
    payload=KitChanged(
        item="KIT-1",
        quantity=Quantity.of(1),
        components=(
            KitComponent(item="SKU-1", quantity=Quantity.of(4)),
            KitComponent(item="SKU-2", quantity=Quantity.of("0.5", "MTR")),
        ),
    ),
    occurred_at=_AT,
    version=1,
    native_ref="KIT-1",
)
_LOT = Fact(
    identity="lot/SKU-1/L7@1",
    payload=LotChanged(item="SKU-1", lot="L7", expires_on=date(2026, 9, 30)),
    occurred_at=_AT,
    version=1,
    native_ref="L7",
)
_WEIGHT = Fact(
    identity="catch_weight:SKU-3@1",
    payload=CatchWeightChanged(
        item="SKU-3", nominal=Quantity.of("2.5", "KGM"), low_percent=10, high_percent=8
    ),
    occurred_at=_AT,
    version=1,
    native_ref="SKU-3",
)
_AT_EIGHT = {"version": 1, "occurred_at": "2026-03-02T08:00:00Z"}
_NOTICE_FIELDS = {
    "type": "supply",
    "supply_id": "ASN-7/1",
    "kind": "ASN_LINE",
    "parent_supply_id": "po:4711/1",
    "document": "ASN-7",
    "item": "SKU-1",
    "quantity": "3",
    "unit": "CS",
    "location": "DC1",
    "evidence": "SHIPPED",
    "eta": "2026-03-04",
    "pegs": [{"demand_ref": "shop:1001/1", "quantity": 1}],
    "version": 2,
}
_KIT_FIELDS = {
    "type": "kit",
    "item": "KIT-1",
    "components": [
        {"item": "SKU-1", "quantity": 4},
        {"item": "SKU-2", "quantity": "0.5", "unit": "MTR"},
    ],
}
_LOT_FIELDS = {"type": "lot", "item": "SKU-1", "lot": "L7", "expires_on": "2026-09-30"}
_WEIGHT_FIELDS = {
    "type": "catch_weight",
    "item": "SKU-3",
    "quantity": "2.5",
    "unit": "KGM",
    "low_percent": 10,
    "high_percent": 8,
}

_GOODS = Sample(
    title="a ship notice, a kit, a lot and a catch weight",
    delivery=_webhook(
        "wms-5",
        {**_AT_EIGHT, "lines": [_NOTICE_FIELDS, _KIT_FIELDS, _LOT_FIELDS, _WEIGHT_FIELDS]},
    ),
    translation=Translation(facts=(_NOTICE, _KIT, _LOT, _WEIGHT)),
)

_SUPPLIES = Sample(
    title="a file of ship notices, one of them with a day that is none",
    delivery=_file(
        "supplies-0302.csv",
        b"supply_id,kind,parent_supply_id,document,item,quantity,unit,location,evidence,eta,pegs,"
        b"version,occurred_at\n"
        b"ASN-7/1,ASN_LINE,po:4711/1,ASN-7,SKU-1,3,CS,DC1,SHIPPED,2026-03-04,shop:1001/1=1,"
        b"2,2026-03-02T08:00Z\n"
        b"ASN-7/2,ASN_LINE,po:4711/2,ASN-7,SKU-2,3,CS,DC1,SHIPPED,04.03.2026,,"
        b"2,2026-03-02T08:00Z\n",
    ),
    translation=Translation(
        facts=(_NOTICE,),
        refused=(
            Untranslatable(
                code="EVT-SCHEMA",
                where="line 3, column eta",
                reason="'04.03.2026' is not a day like 2026-01-31",
                record=b"ASN-7/2,ASN_LINE,po:4711/2,ASN-7,SKU-2,3,CS,DC1,SHIPPED,04.03.2026,,"
                b"2,2026-03-02T08:00Z",
            ),
        ),
    ),
)


def _goods_file(name: str, title: str, columns: bytes, row: bytes, fact: Fact) -> Sample:
    return Sample(
        title=title,
        delivery=_file(
            name, columns + b",version,occurred_at\n" + row + b",1,2026-03-02T08:00Z\n"
        ),
        translation=Translation(facts=(fact,)),
    )


_KITS = _goods_file(
    *("kits-0302.csv", "a file of kits"),
    *(b"item,components", b"KIT-1,SKU-1=4;SKU-2=0.5 MTR"),
    _KIT,
)
_LOTS = _goods_file(
    *("lots-0302.csv", "a file of lots", b"item,lot,expires_on", b"SKU-1,L7,2026-09-30", _LOT),
)
_WEIGHTS = _goods_file(
    *("catch_weights-0302.csv", "a file of catch weights"),
    *(b"item,quantity,unit,low_percent,high_percent", b"SKU-3,2.5,KGM,10,8"),
    _WEIGHT,
)

SAMPLES = (_SHORT_PICK, _SNAPSHOT, _HEARTBEAT, _MASTER, _GOODS)
FILE_SAMPLES = (_COUNTS, _LEVELS, _RECORDS, _SUPPLIES, _KITS, _LOTS, _WEIGHTS)
