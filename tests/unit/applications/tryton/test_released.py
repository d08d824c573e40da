"""What Tryton has handed to its warehouse of an order line, by the shipments that hold it."""

from copy import deepcopy
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.tryton import samples
from crossdock.applications.tryton.mapping import translated
from crossdock.applications.tryton.samples import SAMPLE_OPTIONS
from crossdock.applications.tryton.wire import decoded
from crossdock.canonical.envelope import Fact
from crossdock.canonical.orders import OrderChanged

PAGE = decoded(samples.ORDERS.delivery.body)
CHANGED_AT = PAGE["answer"]["result"][0]["last_modified_at"]
LATER = CHANGED_AT + timedelta(hours=1)
WITH_THE_WAREHOUSE = ("assigned", "picked", "packed", "done")
NOT_YET = ("draft", "waiting", "cancelled")


def move(pieces: int, shipment: int | None, state: str = "draft") -> dict[str, Any]:
    held = None if shipment is None else f"stock.shipment.out,{shipment}"
    return {"quantity": Decimal(pieces), "unit": 1, "state": state, "shipment": held}


def told(moves: list[dict[str, Any]], *states: str) -> Fact:
    """Read the recorded sale of 6 with these moves, and shipments from 1 on in these states."""
    page = deepcopy(PAGE)
    page["answer"]["result"][0]["lines."][0]["moves."] = moves
    page["related"]["shipments"] = [
        {"id": number, "state": state, "last_modified_at": LATER}
        for number, state in enumerate(states, 1)
    ]
    translation = translated(page, SAMPLE_OPTIONS)
    assert translation.refused == ()
    [fact] = translation.facts
    return fact


def released(fact: Fact) -> str:
    assert isinstance(fact.payload, OrderChanged)
    return str(fact.payload.lines[0].released)


@pytest.mark.parametrize("state", [*WITH_THE_WAREHOUSE, *NOT_YET])
def test_what_a_shipment_holds_is_released_from_its_assignment_on(state: str) -> None:
    expected = "6 EA" if state in WITH_THE_WAREHOUSE else "0 EA"

    assert released(told([move(6, 1)], state)) == expected


def test_a_move_that_is_done_is_released_and_a_cancelled_one_is_not() -> None:
    assert released(told([move(2, None, "done"), move(4, None)])) == "2 EA"
    assert released(told([move(2, 1), move(4, 1, "cancelled")], "picked")) == "2 EA"


@given(
    st.lists(
        st.tuples(
            st.integers(0, 50), st.sampled_from([*WITH_THE_WAREHOUSE, *NOT_YET]), st.booleans()
        ),
        max_size=5,
    )
)
def test_all_that_is_with_the_warehouse_is_added_up(held: list[tuple[int, str, bool]]) -> None:
    moves = [
        move(pieces, number, "cancelled" if is_cancelled else "draft")
        for number, (pieces, _, is_cancelled) in enumerate(held, 1)
    ]
    total = sum(
        pieces for pieces, state, is_off in held if state in WITH_THE_WAREHOUSE and not is_off
    )

    assert released(told(moves, *(state for _, state, _ in held))) == f"{total} EA"


def test_a_shipment_that_goes_on_makes_a_newer_version_of_the_order() -> None:
    """An assignment that is taken back would else read as the version before it, a repeat."""
    before, after = told([move(6, None)]), told([move(6, 1)], "waiting")

    assert before.payload == after.payload
    assert before.version is not None
    assert after.version is not None
    assert after.version > before.version
    assert after.recorded_at == LATER


def test_a_page_that_was_read_without_shipments_says_nothing_of_what_is_released() -> None:
    [fact] = translated(PAGE, SAMPLE_OPTIONS).facts

    assert released(fact) == "None"
