"""A count is told as of its watermark: newer moves taken off, doubtful items left out."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.tryton.counts import counted, touched_domain
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import StockSnapshotTaken, StockStatus

WATERMARK = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = WATERMARK + timedelta(minutes=1)
EARLIER = WATERMARK - timedelta(minutes=1)
TODAY = date(2026, 5, 4)


def location(number: int, kind: str = "storage", **more: Any) -> dict[str, Any]:
    return {"id": number, "type": kind, "code": None, "parent": None, **more}


LOCATIONS = [
    location(1, "warehouse", input_location=2, output_location=3, storage_location=4),
    *(location(zone, parent=1) for zone in (2, 3, 4)),
    location(9, "customer"),
]
UNIT = {"id": 1, "symbol": "u", "category": 1, "factor": Decimal(1), "rate": Decimal(1)}


def move(source: int, target: int, quantity: int, **more: object) -> dict[str, Any]:
    return {
        "product": 7,
        "state": "done",
        "internal_quantity": Decimal(quantity),
        "from_location": source,
        "to_location": target,
        "effective_date": TODAY,
        "create_date": LATER,
        "last_modified_at": LATER,
        **more,
    }


def page_of(on_shelf: int, *touched: dict[str, Any]) -> dict[str, Any]:
    return {
        "topic": "stock",
        "node": "1",
        "watermark": WATERMARK,
        "today": TODAY,
        "begun_at": LATER,
        "products": [{"id": 7, "default_uom": 1}, {"id": 8, "default_uom": 1}],
        "quantities": {
            "AVAILABLE": [{"id": 7, "quantity": Decimal(on_shelf)}],
            "STAGED_OUT": [{"id": 7, "quantity": Decimal(0)}],
        },
        "touched": list(touched),
        "related": {"units": [UNIT], "locations": LOCATIONS},
    }


def figures(on_shelf: int, *touched: dict[str, Any]) -> dict[str, Decimal]:
    snapshots = [fact.payload for fact in counted(page_of(on_shelf, *touched), {}, {}).facts]
    return {
        line.status.value: line.quantity.value
        for snapshot in snapshots
        if isinstance(snapshot, StockSnapshotTaken)
        for line in snapshot.lines
    }


def test_a_move_made_after_the_watermark_is_taken_off_again() -> None:
    assert figures(10, move(4, 9, 3)) == {"AVAILABLE": 13, "STAGED_OUT": 0}
    assert figures(10, move(4, 3, 3)) == {"AVAILABLE": 13, "STAGED_OUT": -3}
    assert figures(10, move(9, 4, 3)) == {"AVAILABLE": 7, "STAGED_OUT": 0}


def test_another_item_and_a_draft_that_was_cancelled_change_nothing() -> None:
    undated = move(4, 9, 3, state="cancelled", effective_date=None, create_date=EARLIER)

    assert figures(10, move(4, 9, 3, product=8), undated) == {"AVAILABLE": 10, "STAGED_OUT": 0}


@pytest.mark.parametrize("node", [None, ""])
def test_a_count_of_no_location_is_refused(node: str | None) -> None:
    with pytest.raises(Invalid, match="a count names its location"):
        counted({**page_of(4), "node": node}, {}, {})


def test_an_item_whose_older_move_was_written_since_is_left_out() -> None:
    assert figures(10, move(4, 9, 3, create_date=EARLIER)) == {}
    assert figures(10, move(4, 9, 3, create_date=EARLIER, state="cancelled")) == {}


def test_an_item_done_ahead_of_its_date_is_left_out() -> None:
    assert figures(10, move(4, 9, 3, effective_date=TODAY + timedelta(days=1))) == {}


def test_moves_written_since_and_moves_ahead_of_their_date_are_asked_for() -> None:
    products, states, since = touched_domain([7, 8], WATERMARK, TODAY)

    assert products == ["product", "in", [7, 8]]
    assert states == ["state", "in", ["done", "cancelled"]]
    assert since == [
        "OR",
        [["last_modified_at", ">", WATERMARK]],
        [["effective_date", ">", TODAY]],
    ]


@given(st.lists(st.tuples(st.sampled_from([2, 3, 4, 9]), st.sampled_from([2, 3, 4, 9]))))
def test_what_is_taken_off_is_what_the_movements_add(pairs: list[tuple[int, int]]) -> None:
    moves = [move(source, target, 1) for source, target in pairs if source != target]
    came = sum((m["to_location"] == 4) - (m["from_location"] == 4) for m in moves)

    assert figures(50, *moves)[StockStatus.AVAILABLE.value] == 50 - came
