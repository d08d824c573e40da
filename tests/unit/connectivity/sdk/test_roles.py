"""A command that no target can be told is refused when it is worded."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import AMOUNT_MAX
from crossdock.connectivity.sdk import PostMovement, SetAvailability

LEVEL = SetAvailability(
    command_id="c1",
    idempotency_key="k1",
    item="LAMP",
    location="SHOP",
    quantity=Decimal(1),
    expected=None,
    version=1,
)
BOOKING = PostMovement(
    command_id="c1",
    external_ref="crossdock:wms:1",
    item="LAMP",
    quantity=Decimal(1),
    unit="EA",
    source_location="",
    target_location="DC1",
    occurred_on="2026-03-02",
)


@given(st.decimals())
def test_a_level_is_an_amount_from_zero_on(quantity: Decimal) -> None:
    is_one = (
        quantity.is_finite()
        and 0 <= quantity < AMOUNT_MAX
        and quantity == quantity.quantize(Decimal("0.000001"))
    )
    try:
        assert replace(LEVEL, quantity=quantity).quantity == quantity
    except Invalid:
        assert not is_one
    else:
        assert is_one


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"item": " "}, "item"),
        ({"unit": ""}, "unit"),
        ({"quantity": Decimal(0)}, "quantity"),
        ({"quantity": Decimal(-4)}, "quantity"),
        ({"occurred_on": "2026-02-30"}, "occurred_on"),
    ],
)
def test_a_booking_that_books_nothing_is_refused(changes: dict[str, str], where: str) -> None:
    with pytest.raises(Invalid) as error:
        replace(BOOKING, **changes)  # type: ignore[arg-type]  # what no type checker sees

    assert error.value.where == where
