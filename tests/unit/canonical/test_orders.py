"""Order lines: which claim stock of ours, and which units have to be known to read them."""

from dataclasses import replace

import pytest

from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import Reference

LINE = DemandLine(
    demand_ref="o1/1",
    item="X",
    location="DC1",
    ordered=Quantity.of(3, "CS"),
    cancelled=Quantity.of(0, "CS"),
)


@pytest.mark.parametrize(
    ("said", "claims"),
    [
        ({}, True),
        ({"is_dropship": True}, False),
        ({"drop_ship_po_line": "po-9/1"}, False),
        ({"is_dropship": True, "drop_ship_po_line": "po-9/1"}, False),
    ],
)
def test_what_a_supplier_sends_claims_nothing(said: dict[str, object], *, claims: bool) -> None:
    line = replace(LINE, **said)  # type: ignore[arg-type]  # fields by name, as the case has them
    order = OrderChanged(order_id="o1", lines=(LINE, line))

    assert line.claims_stock is claims
    assert order.claiming == ((LINE, line) if claims else (LINE,))


@pytest.mark.parametrize(
    ("said", "units"),
    [
        ({}, ["CS"]),
        ({"released": Quantity.of(1, "CS")}, ["CS"]),
        ({"released": Quantity.of(12)}, ["CS", "EA"]),
        ({"cancelled": Quantity.of(12)}, ["CS", "EA"]),
    ],
)
def test_every_unit_that_a_line_is_told_in_has_to_be_known(
    said: dict[str, object], units: list[str]
) -> None:
    line = replace(LINE, **said)  # type: ignore[arg-type]  # fields by name, as the case has them
    named = OrderChanged(order_id="o1", lines=(line,)).references()

    assert [one.unit for one in named if one != Reference.location("DC1")] == units
