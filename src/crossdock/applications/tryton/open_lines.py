"""Tryton's sales and purchases that are open now, line by line with what is to come; pure."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from crossdock.applications.tryton.mapping import Options, translated
from crossdock.applications.tryton.purchases import ENDED
from crossdock.applications.tryton.units import Units
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.connectivity.sdk import OpenKind, OpenLine, OpenPage, Translation

Row = Mapping[str, Any]

MODELS: Mapping[OpenKind, str] = MappingProxyType(
    {OpenKind.ORDERS: "sale.sale", OpenKind.PURCHASES: "purchase.purchase"}
)
# Purchases are told from their draft on, as supply that nothing is promised from yet.
DOMAINS: Mapping[OpenKind, Sequence[Any]] = MappingProxyType(
    {
        OpenKind.ORDERS: ["state", "in", ["confirmed", "processing"]],
        OpenKind.PURCHASES: ["state", "not in", sorted(ENDED)],
    }
)
NOT_READ = "its purchases are not read, as its settings say"


def page_of(
    kind: OpenKind, rows: Sequence[Row], related: Row, options: Options, after: str
) -> OpenPage:
    """Read a page of documents as their facts are read; name those that cannot be."""
    page = {"topic": str(kind), "answer": {"result": rows}, "related": related}
    translation = translated(page, options)
    name, lines_of = _READERS[kind]
    lines = lines_of(translation, rows, Units.of(related["units"], options.unit_codes))
    # Where one stands among the rows is the last part of where it was refused.
    numbers = [int(one.where.rpartition("/")[2]) for one in translation.refused]
    unread = tuple(name(rows[number], options) for number in numbers)
    return OpenPage(lines=tuple(lines), after=after, unread=unread)


def _ordered(translation: Translation, rows: Sequence[Row], units: Units) -> list[OpenLine]:
    shipped = _shipped(rows, units)
    return [
        OpenLine(
            document=fact.payload.order_id,
            line=line.demand_ref,
            item=line.item,
            location=line.location,
            quantity=_open(line, shipped.get(line.demand_ref)),
            changed_at=fact.recorded_at,
        )
        for fact in translation.facts
        if isinstance(fact.payload, OrderChanged)
        for line in fact.payload.lines
    ]


def _bought(translation: Translation, _rows: Sequence[Row], _units: Units) -> list[OpenLine]:
    return [
        OpenLine(
            document=document,
            line=line,
            item=fact.payload.item,
            location=fact.payload.location,
            quantity=fact.payload.open_quantity,
            changed_at=fact.recorded_at,
        )
        for fact in translation.facts
        if isinstance(fact.payload, SupplyCommitmentChanged)
        for document, _, line in [fact.payload.supply_id.partition("/")]
    ]


_Name = Callable[[Row, Options], str]
_Lines = Callable[[Translation, Sequence[Row], Units], list[OpenLine]]
_READERS: Mapping[OpenKind, tuple[_Name, _Lines]] = MappingProxyType(
    {
        OpenKind.ORDERS: (lambda row, _: f"sale:{row['id']}", _ordered),
        OpenKind.PURCHASES: (
            lambda row, options: f"{options.installation}:purchase:{row['id']}",
            _bought,
        ),
    }
)


def _shipped(rows: Sequence[Row], units: Units) -> dict[str, Quantity]:
    """Add up what is shipped of each line, in the line's own unit."""
    found: dict[str, Quantity] = {}
    for sale in rows:
        for line in sale["lines."]:
            for move in line["moves."] if line["type"] == "line" else ():
                if move["state"] == "done":
                    name = f"sale.line,{line['id']}"
                    part = units.converted(move["quantity"], move["unit"], line["unit"])
                    found[name] = found[name] + part if name in found else part
    return found


def _open(line: DemandLine, shipped: Quantity | None) -> Quantity:
    """Take what is cancelled and shipped off what is ordered; more is not less than nothing."""
    left = line.ordered - line.cancelled
    if shipped is not None:
        left -= shipped
    return left if left.value > 0 else line.ordered - line.ordered
