"""Tryton's stock on hand as of a watermark that nothing late can fall below; pure.

Stock on hand is asked for now, but a figure of "now" has no place among the movements: one that
began before and commits after would be stamped as if it were inside. So the count is told as of a
watermark, one overlap before the newest stamp, where every transaction has ended. What is surely
newer, because the move did not exist then, is taken off again. Of an item with an older move that
was written since, nobody can say when that move was done: the item is left out, which says nothing
about it, and the next count has it.

A transaction that was open for longer than the overlap was lost to the feed, and a count made
meanwhile is without it. The next one has it, and a later watermark, so it puts the stock right.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from crossdock.applications.tryton.places import Places
from crossdock.applications.tryton.units import Units
from crossdock.applications.tryton.wire import moment, text
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken, StockStatus
from crossdock.connectivity.sdk import Translation

Row = Mapping[str, Any]
PRODUCT_FIELDS = ("default_uom",)
TOUCHED_FIELDS = (
    *("product", "state", "internal_quantity", "from_location", "to_location"),
    *("effective_date", "create_date", "last_modified_at"),
)


def touched_domain(products: list[int], watermark: datetime, today: date) -> list[object]:
    """Find the moves in which a figure of now may differ from one of the watermark."""
    newer = ["OR", [["last_modified_at", ">", watermark]], [["effective_date", ">", today]]]
    return [["product", "in", products], ["state", "in", ["done", "cancelled"]], newer]


def counted(
    page: Row, unit_codes: Mapping[str, str], statuses: Mapping[str, StockStatus]
) -> Translation:
    units = Units.of(page["related"]["units"], unit_codes)
    places = Places.of(page["related"]["locations"], statuses)
    node = page["node"]
    doubtful = {row["product"] for row in page["touched"] if _is_doubtful(row, page)}
    newer = [row for row in page["touched"] if row["state"] == "done"]
    lines = tuple(
        CountedStock(
            item=str(product["id"]),
            quantity=units.quantity(
                quantity - _since(newer, product["id"], node, StockStatus(status), places),
                product["default_uom"],
            ),
            status=StockStatus(status),
        )
        for status, quantities in page["quantities"].items()
        for product, quantity in _paired(page["products"], quantities)
        if product["id"] not in doubtful
    )
    return Translation((_snapshot(page, lines),) if lines else ())


def _is_doubtful(row: Row, page: Row) -> bool:
    day = row["effective_date"]
    if day and day > page["today"]:
        return True  # done ahead of its date: Tryton's figure waits for the day, the move does not
    return bool(row["create_date"] <= page["watermark"] and day)


def _since(
    newer: Iterable[Row], product: int, node: str, status: StockStatus, places: Places
) -> Decimal:
    """Add up what came to a bucket after the watermark, less what left it."""
    total = Decimal(0)
    for row in newer:
        if row["product"] == product:
            total += row["internal_quantity"] * _sign(row, node, status, places)
    return total


def _sign(row: Row, node: str, status: StockStatus, places: Places) -> int:
    source, target = places.place(row["from_location"]), places.place(row["to_location"])
    bucket = (node, status)
    arrives = target is not None and (target.location, target.status) == bucket
    leaves = source is not None and (source.location, source.status) == bucket
    return int(arrives) - int(leaves)


def _paired(products: Iterable[Row], quantities: Iterable[Row]) -> Iterable[tuple[Row, Decimal]]:
    by_id = {row["id"]: row["quantity"] for row in quantities}
    return ((product, by_id[product["id"]]) for product in products if product["id"] in by_id)


def _snapshot(page: Row, lines: tuple[CountedStock, ...]) -> Fact:
    node, watermark = text(page, "node"), moment(page, "watermark")
    if not node:
        raise Invalid("a count names its location", where="/node", code="EVT-SCHEMA")
    stamp = (moment(page, "begun_at") - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )
    identity = f"count:{node}@{stamp}:{page['products'][0]['id']}"
    return Fact(
        identity=identity,
        payload=StockSnapshotTaken(snapshot_id=identity, location=node, lines=lines),
        occurred_at=watermark,
        recorded_at=watermark,
        native_ref=f"stock.location,{node}",
    )
