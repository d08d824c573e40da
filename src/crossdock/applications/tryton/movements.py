"""Why goods moved: Tryton says it only by the kinds of both locations and the shipment; pure."""

from collections.abc import Mapping

from crossdock.canonical.inventory import MovementType, Place, StockStatus

INTERNAL_SHIPMENT = "stock.shipment.internal"

# Across the border of the house, by the kind of the location outside.
INTO_HOUSE = {
    "supplier": MovementType.RECEIPT,
    "customer": MovementType.RETURN_RECEIPT,
    "production": MovementType.ASSEMBLE,
}
OUT_OF_HOUSE = {
    "supplier": MovementType.RTV,
    "customer": MovementType.SHIP,
    "production": MovementType.DISASSEMBLE,
}

# Inside one node, by the status the goods have before and after.
WITHIN_NODE: Mapping[tuple[StockStatus, StockStatus], MovementType] = {
    (StockStatus.RECEIVING, StockStatus.AVAILABLE): MovementType.PUTAWAY,
    (StockStatus.AVAILABLE, StockStatus.STAGED_OUT): MovementType.PICK,
    (StockStatus.STAGED_OUT, StockStatus.AVAILABLE): MovementType.UNPICK,
    (StockStatus.QC_HOLD, StockStatus.AVAILABLE): MovementType.QC_RELEASE,
    (StockStatus.AVAILABLE, StockStatus.QC_HOLD): MovementType.QC_HOLD,
    (StockStatus.AVAILABLE, StockStatus.DAMAGED): MovementType.DAMAGE,
    (StockStatus.AVAILABLE, StockStatus.BLOCKED): MovementType.BLOCK,
    (StockStatus.BLOCKED, StockStatus.AVAILABLE): MovementType.UNBLOCK,
    (StockStatus.AVAILABLE, StockStatus.EXPIRED): MovementType.EXPIRE,
    (StockStatus.RETURN_PENDING, StockStatus.AVAILABLE): MovementType.DISPOSITION,
    (StockStatus.RETURN_PENDING, StockStatus.DAMAGED): MovementType.DISPOSITION,
}


def movement_type(
    kinds: tuple[str, str], ends: tuple[Place | None, Place | None], shipment: str
) -> MovementType:
    if "lost_found" in kinds:
        # Without a shipment it is the difference that a count of the stock found.
        return MovementType.ADJUST if shipment else MovementType.COUNT_ADJUST
    source, target = ends
    if source and target:
        return _inside(source, target)
    by_kind, outside = (INTO_HOUSE, kinds[0]) if target else (OUT_OF_HOUSE, kinds[1])
    return by_kind.get(outside, MovementType.OTHER)


def _inside(source: Place, target: Place) -> MovementType:
    if source.location == target.location:
        return WITHIN_NODE.get((source.status, target.status), MovementType.OTHER)
    if source.status is StockStatus.IN_TRANSIT:
        return MovementType.TRANSFER_RECEIVE
    return MovementType.TRANSFER_SHIP
