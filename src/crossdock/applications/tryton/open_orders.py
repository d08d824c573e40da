"""Tryton's sales that are open now, as order lines with what is still to ship of them; pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.applications.tryton.mapping import Options, translated
from crossdock.applications.tryton.units import Units
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.sdk import OpenOrderLine, OpenOrders

Row = Mapping[str, Any]

DOMAIN = (["state", "in", ["confirmed", "processing"]],)


def page_of(rows: Sequence[Row], related: Row, options: Options, after: str) -> OpenOrders:
    """Read a page of sales as their facts are read; one that cannot be read makes it not whole."""
    page = {"topic": "orders", "answer": {"result": rows}, "related": related}
    translation = translated(page, options)
    units = Units.of(related["units"], options.unit_codes)
    shipped = _shipped(rows, units)
    lines = [
        OpenOrderLine(
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
    return OpenOrders(lines=tuple(lines), after=after, is_whole=not translation.refused)


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
