"""What a warehouse tells of supply, kits, lots and catch weights, and what it means."""

from datetime import date

from crossdock.applications.generic_wms.sample_forms import AT, file_of, webhook
from crossdock.canonical.catalog import (
    CatchWeightChanged,
    KitChanged,
    KitComponent,
    LotChanged,
)
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import (
    SupplyCommitmentChanged,
    SupplyEvidence,
    SupplyKind,
    SupplyPeg,
)
from crossdock.connectivity.sdk import Sample, Translation, Untranslatable

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
    occurred_at=AT,
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
    occurred_at=AT,
    version=1,
    native_ref="KIT-1",
)
_LOT = Fact(
    identity="lot/SKU-1/L7@1",
    payload=LotChanged(item="SKU-1", lot="L7", expires_on=date(2026, 9, 30)),
    occurred_at=AT,
    version=1,
    native_ref="L7",
)
_WEIGHT = Fact(
    identity="catch_weight:SKU-3@1",
    payload=CatchWeightChanged(
        item="SKU-3", nominal=Quantity.of("2.5", "KGM"), low_percent=10, high_percent=8
    ),
    occurred_at=AT,
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
    delivery=webhook(
        "wms-5",
        {**_AT_EIGHT, "lines": [_NOTICE_FIELDS, _KIT_FIELDS, _LOT_FIELDS, _WEIGHT_FIELDS]},
    ),
    translation=Translation(facts=(_NOTICE, _KIT, _LOT, _WEIGHT)),
)

_SUPPLIES = Sample(
    title="a file of ship notices, one of them with a day that is none",
    delivery=file_of(
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
        delivery=file_of(
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

GOODS_SAMPLES = (_GOODS,)
GOODS_FILE_SAMPLES = (_SUPPLIES, _KITS, _LOTS, _WEIGHTS)
