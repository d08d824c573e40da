"""What a source says is put into the hub's keys and base units, or refused with its reason."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import MovementType, StockMoved
from crossdock.canonical.quantities import AMOUNT_MAX, MICROS, Quantity
from crossdock.canonical.references import ItemInUnit, Resolution

LARGEST = AMOUNT_MAX - Decimal("0.000001")
amounts = st.decimals(-LARGEST, LARGEST, places=6)


def of_pack(numerator: int, denominator: int = 1) -> Resolution:
    return Resolution(items={("BOLT", "PK"): ItemInUnit("BOLT", "EA", numerator, denominator)})


@given(value=amounts, numerator=st.integers(1, 10**9), denominator=st.integers(1, 10**9))
def test_no_amount_leaves_the_twelve_digits_by_its_conversion(
    value: Decimal, numerator: int, denominator: int
) -> None:
    told = Quantity(value, "PK")
    if abs(Fraction(value) * numerator / denominator) < LARGEST:
        base = of_pack(numerator, denominator).base("BOLT", told)
        assert abs(base.micros) < AMOUNT_MAX * MICROS
    elif abs(Fraction(value) * numerator / denominator) >= AMOUNT_MAX:
        with pytest.raises(Invalid, match=r"10\^12") as refused:
            of_pack(numerator, denominator).base("BOLT", told)
        assert f"one PK of it is {numerator}/{denominator} EA" in refused.value.hint


@given(value=amounts)
def test_a_movement_below_zero_is_refused(value: Decimal) -> None:
    moved = StockMoved(
        movement_id="1", item="BOLT", quantity=Quantity(value, "PK"), type=MovementType.PICK
    )
    if value >= 0:
        assert moved.resolved(of_pack(1)).base == Quantity(value, "EA")
        return

    with pytest.raises(Invalid, match="A PICK of ") as refused:
        moved.resolved(of_pack(1))

    assert refused.value.where == "/payload/quantity"
