"""Amounts are exact, in one unit, and read from nothing but plain decimals."""

import operator
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import (
    AMOUNT_MAX,
    Quantity,
    decimal_of,
    plain,
    round_down,
    round_half_up,
    round_up,
)

MICROS = st.integers(-(10**18) + 1, 10**18 - 1)
AMOUNTS = MICROS.map(Quantity.from_micros)
SMALL = st.integers(-(10**15), 10**15).map(Quantity.from_micros)
STEPS = st.sampled_from(["1", "0.001", "0.01", "12", "0.000001", "2.5"]).map(Decimal)
FRACTIONS = st.fractions(-(10**9), 10**9)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("4", "4"), ("4.50", "4.5"), ("+4", "4"), ("-4", "-4"), ("0", "0"), ("-0", "0"),
        ("-0.00", "0"), (".5", "0.5"), ("5.", "5"), ("1E+2", "100"), ("45e-1", "4.5"),
        ("007", "7"), ("999999999999.999999", "999999999999.999999"), ("0.000001", "0.000001"),
        ("1.0000000000000000", "1"), (4, "4"), (-4, "-4"), (Decimal("1E+2"), "100"),
        (Decimal("4.500000000"), "4.5"), ("0e999", "0"),
    ],
)  # fmt: skip
def test_equal_amounts_come_out_alike(written: str | int | Decimal, read: str) -> None:
    assert str(decimal_of(written)) == read


@pytest.mark.parametrize(
    "hostile",
    [
        "", " ", "4 ", " 4", "4\n", "4,5", "1_000", "1 000", "NaN", "sNaN", "Infinity", "-inf",
        "inf", "0x10", "1e", "e5", "--4", "+-4", "4.5.6", "\u0664", "\uff14", "\u00bd", "4\0",
        "1e1000", "1e999999999", "9" * 5000, "0." + "0" * 5000, "1000000000000", "-1000000000000",
        "1e12", "0.0000001", "1e-7", "four", "=4", "4%", "\u22124",
    ],
)  # fmt: skip
def test_what_is_no_plain_decimal_is_refused(hostile: str) -> None:
    with pytest.raises(Invalid) as caught:
        decimal_of(hostile, where="/quantity")
    assert caught.value.where == "/quantity"
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    "hostile",
    [
        4.5, True, False, 10**12, -(10**12), 10**5000, Decimal("NaN"), Decimal("sNaN"),
        Decimal("Infinity"), Decimal("1E+999999"), Decimal("1E-7"),
    ],
    ids=lambda value: str(type(value)),
)  # fmt: skip
def test_floats_and_endless_numbers_are_refused(hostile: int | Decimal) -> None:
    with pytest.raises(Invalid):
        decimal_of(hostile)


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        number = decimal_of(text)
    except Invalid:
        return
    assert abs(number) < AMOUNT_MAX
    assert decimal_of(plain(number)) == number


@given(MICROS)
def test_an_amount_goes_through_micros_and_text_unchanged(micros: int) -> None:
    quantity = Quantity.from_micros(micros, "KGM")
    assert quantity.micros == micros
    assert Quantity.of(plain(quantity.value), "KGM") == quantity
    assert "E" not in plain(quantity.value)


@pytest.mark.parametrize("value", ["0.0000001", "NaN", "Infinity", "1E+999999", "1E+12"])
def test_what_is_not_whole_micros_is_refused(value: str) -> None:
    with pytest.raises(Invalid):
        _ = Quantity(Decimal(value)).micros


@given(SMALL, SMALL, SMALL)
def test_amounts_add_like_integers(one: Quantity, other: Quantity, third: Quantity) -> None:
    assert one + other == other + one
    assert (one + other) + third == one + (other + third)
    assert one - other == one + -other
    assert (one + other).micros == one.micros + other.micros
    assert (one < other) == (one.micros < other.micros)
    assert (one <= other) == (one.micros <= other.micros)
    assert (one > other) == (one.micros > other.micros)
    assert (one >= other) == (one.micros >= other.micros)


@pytest.mark.parametrize(
    "combine", [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge]
)
def test_two_units_never_mix(combine: object) -> None:
    assert callable(combine)
    with pytest.raises(Invalid, match=r"4 CS.*4 EA|4 EA.*4 CS"):
        combine(Quantity.of(4), Quantity.of(4, "CS"))


def test_equality_regards_the_unit_but_not_the_notation() -> None:
    assert Quantity.of(4) != Quantity.of(4, "CS")
    assert Quantity.of("4.0") == Quantity(Decimal("4.000"))
    assert hash(Quantity.of("4.0")) == hash(Quantity(Decimal("4.000")))


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+2", "100"), ("4.50", "4.5"), ("-0", "0"), ("-0.0", "0"), ("0.000", "0"), ("-4", "-4")],
)
def test_a_quantity_is_written_plainly(value: str, text: str) -> None:
    assert str(Quantity(Decimal(value))) == f"{text} EA"


@given(FRACTIONS, STEPS)
def test_rounding_lands_on_a_multiple_next_to_the_value(value: Fraction, step: Decimal) -> None:
    down, half, up = (rule(value, step) for rule in (round_down, round_half_up, round_up))
    assert all((Fraction(result) / Fraction(step)).denominator == 1 for result in (down, half, up))
    assert down <= value <= up
    assert up - down in {0, step}
    assert half in {down, up}
    assert abs(Fraction(half) - value) * 2 <= Fraction(step)


@given(st.integers(-(10**6), 10**6), STEPS)
def test_a_half_goes_away_from_zero(steps: int, step: Decimal) -> None:
    value = (steps + Fraction(1, 2)) * Fraction(step)
    away = round_up if value > 0 else round_down
    assert round_half_up(value, step) == away(value, step)
    assert round_half_up(-value, step) == -round_half_up(value, step)
