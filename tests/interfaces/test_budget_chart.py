"""The picture of a budget is drawn from its figures; that of the documentation is current."""

import xml.etree.ElementTree as ET  # of our own making
from decimal import Decimal
from pathlib import Path

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import budget
from crossdock.capabilities.inventory.budget import Seller
from crossdock.interfaces.api.budget_chart import drawn
from crossdock.orchestration.processes.oversell_shown import BudgetCurve
from tests.docs.generate import BUDGET_PICTURE, budget_picture

SVG = "{http://www.w3.org/2000/svg}"


def curve(item: str, per_hour: int) -> BudgetCurve:
    taken = per_hour * MICROS
    seller = Seller(name="shop", peak=taken, taken=taken, squares=taken * MICROS, order_ms=0)
    points = budget.curve([seller], Decimal(1))
    return BudgetCurve(
        item=item,
        oversell_percent=Decimal(1),
        seconds=Decimal(10),
        buffer=Decimal(budget.held_back([seller], 10_000, Decimal(1))) / MICROS,
        points=tuple((Decimal(ms) / 1000, Decimal(held) / MICROS) for ms, held in points),
    )


def test_what_was_measured_and_what_a_file_would_need_are_marked_a16() -> None:
    said = [text.text for text in ET.fromstring(drawn(curve("SKU-1", 36))).iter(f"{SVG}text")]  # noqa: S314

    assert "measured: 10 s, 1 held back" in said
    assert "every two hours: 92" in said


def test_a_curve_never_falls_and_stays_in_its_frame() -> None:
    [line] = ET.fromstring(drawn(curve("SKU-1", 36))).iter(f"{SVG}polyline")  # noqa: S314
    points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]

    assert points == sorted(points, key=lambda point: (point[0], -point[1]))
    assert all(60 <= x <= 696 and 44 <= y <= 316 for x, y in points)


def test_a_name_that_is_no_xml_and_an_item_that_nobody_buys_are_drawn_too() -> None:
    picture = drawn(curve("<b> & co", 0))

    said = [text.text for text in ET.fromstring(picture).iter(f"{SVG}text")]  # noqa: S314
    assert any("<b> & co" in (text or "") for text in said)
    assert "every two hours: 0" in said


def test_the_picture_of_the_documentation_is_current() -> None:
    assert Path(BUDGET_PICTURE).read_text() == budget_picture(), "run `make docs`"
