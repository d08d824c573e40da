"""Tryton's purchases as supply that is still to come, a commitment a line; pure.

What arrived is taken off as soon as Tryton has it in a receipt that is received, so goods are
never counted both as stock and as still to come. A line is expected on the last day that Tryton
plans a part of it for: of parts that come earlier the hub promises nothing before that day.

A line that was told once is told for as long as Tryton has it: cancelled, finished or turned into
a return it has nothing to come. Only drafts can lose a line, and a draft is promised from by
nobody.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from crossdock.applications.tryton.units import Units
from crossdock.applications.tryton.wire import moment, text
from crossdock.canonical.errors import Missing
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyCommitmentChanged, SupplyEvidence, SupplyKind

Row = Mapping[str, Any]
Said = tuple[Row, datetime, SupplyCommitmentChanged]
"""A purchase line, the stamp of all that decides about it, and what it says."""

FIELDS = (
    *("number", "state", "warehouse", "delivery_date", "last_modified_at"),
    *("lines.type", "lines.product", "lines.product.type", "lines.product.default_uom"),
    *("lines.quantity", "lines.unit", "lines.delivery_date", "lines.last_modified_at"),
    *("lines.delivery_date_edit", "lines.delivery_date_store", "lines.to_location.type"),
    *("lines.moves.state", "lines.moves.quantity", "lines.moves.unit"),
    *("lines.moves.planned_date", "lines.moves.last_modified_at"),
    *("lines.moves_ignored.quantity", "lines.moves_ignored.unit", "lines.moves_recreated.state"),
)
STOCKED = frozenset({"goods", "assets"})
ENDED = frozenset({"cancelled", "done"})
AGREED = frozenset({"confirmed", "processing", "done"})
DROP = "drop"
"""The kind of the location of goods that a supplier sends to a customer: never our own supply."""


def reader(
    units: Units, agreed: SupplyEvidence, installation: str
) -> Callable[[Row], Iterator[Said]]:
    """Read one purchase; `agreed` is what it is worth that one is confirmed.

    Row numbers begin at 1 in every Tryton, and supply is known by its name in all of a tenant:
    `installation` stands before them, lest two Trytons speak of each other's purchases.
    """

    def read(row: Row) -> Iterator[Said]:
        stamp = _stamp(row)
        for line in row["lines."]:
            if is_stocked(line):
                name = f"{installation}:purchase:{row['id']}/{line['id']}"
                yield line, stamp, _commitment(row, line, units, agreed, name)

    return read


def is_stocked(line: Row) -> bool:
    product = line.get("product.")
    return bool(line["type"] == "line" and product and product["type"] in STOCKED)


def day(row: Row, name: str) -> date | None:
    """Read a day; a page that was kept before the hub asked for it has none."""
    value = row.get(name)
    if value is not None and type(value) is not date:
        raise ValueError(f"{name} is no day: {value!r}")
    return value


def total(moves: Iterable[Row], units: Units, unit: int) -> Quantity:
    """Add moves up in one unit, each by its exact rational."""
    found = units.quantity(0, unit)
    for move in moves:
        found += units.converted(move["quantity"], move["unit"], unit)
    return found


def _commitment(
    purchase: Row, line: Row, units: Units, agreed: SupplyEvidence, name: str
) -> SupplyCommitmentChanged:
    if not purchase["warehouse"]:
        raise Missing(
            f"purchase {purchase['number'] or purchase['id']} names no warehouse", code="MD-LOC"
        )
    eta = _eta(purchase, line)
    return SupplyCommitmentChanged(
        supply_id=name,
        kind=SupplyKind.PO_SCHEDULE,
        item=str(line["product"]),
        location=str(purchase["warehouse"]),
        open_quantity=_open(purchase, line, units),
        evidence=_evidence(purchase["state"], agreed),
        eta=eta,
        eta_source="tryton" if eta else "",
        document_ref=text(purchase, "number") or f"purchase:{purchase['id']}",
    )


def _open(purchase: Row, line: Row, units: Units) -> Quantity:
    """Take off what arrived and what is not coming, in the unit that the item is stocked in.

    A move that was cancelled comes no more until a person has it made again; then the new one
    waits beside it.
    """
    stock_unit = line["product."]["default_uom"]
    nothing = units.quantity(0, stock_unit)
    target = line.get("to_location.")
    if purchase["state"] in ENDED or (target and target["type"] == DROP):
        return nothing
    again = {move["id"] for move in line.get("moves_recreated.", ())}
    gone = {move["id"]: move for move in line["moves_ignored."]}
    for move in line["moves."]:
        if move["state"] == "done" or (move["state"] == "cancelled" and move["id"] not in again):
            gone[move["id"]] = move
    # A draft may have no quantity yet; that of a return is negative.
    ordered = units.converted(line["quantity"] or 0, line["unit"], stock_unit)
    left = ordered - total(gone.values(), units, stock_unit)
    return left if left.value > 0 else nothing


def _evidence(state: str, agreed: SupplyEvidence) -> SupplyEvidence:
    """Say how far it has come: a quotation was asked for, a draft waits for its own buyer."""
    if state in AGREED:
        return agreed
    return SupplyEvidence.SENT if state == "quotation" else SupplyEvidence.ON_HOLD


def _eta(purchase: Row, line: Row) -> date | None:
    """Give the day by which all that is open of a line is there; None where nobody knows.

    Of a line with moves Tryton's own `delivery_date` is the first of them, also of one that is
    done. Moves that were late when they were made have no day: then what was agreed stands.
    """
    living = [move for move in line["moves."] if move["state"] != "cancelled"]
    if not living:
        return day(line, "delivery_date")
    waiting = [day(move, "planned_date") for move in living if move["state"] != "done"]
    dated = [found for found in waiting if found]
    if waiting and len(dated) == len(waiting):
        return max(dated)
    stored = day(line, "delivery_date_store") if line["delivery_date_edit"] else None
    agreed = stored or day(purchase, "delivery_date")
    return max([agreed, *dated]) if agreed else None


def _stamp(purchase: Row) -> datetime:
    """Give the newest stamp of all that decides: a receipt touches its moves alone."""
    lines = purchase["lines."]
    moves = [move for line in lines for move in line["moves."]]
    return max(moment(row, "last_modified_at") for row in (purchase, *lines, *moves))
