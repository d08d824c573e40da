"""What is invoiced in money beside what was agreed: the law's examples, and any amounts."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.money import Money, UnitPrice
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.reconciliation import prices
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.price_limits import PriceTolerance
from crossdock.capabilities.reconciliation.prices import PricedLine, PricedRow

TWO_PERCENT_AND_50 = PriceTolerance()


def micros(text: str | int) -> int:
    return int(Decimal(text) * MICROS)


def row(
    pieces: int, price: str = "", agreed: str = "", amount: str = "", unit: str = "EA"
) -> PricedRow:
    money = (micros(one) if one else None for one in (price, agreed, amount))
    return PricedRow(pieces * MICROS, unit, *money)


def line(*rows: PricedRow, currency: str = "EUR") -> PricedLine:
    money = [prices.totals(one, currency) for one in rows]
    agreed, invoiced = sum(one for one, _ in money), sum(one for _, one in money)
    return PricedLine("po:1", "1", "BOLT", "DC1", currency, agreed, invoiced, rows)


def passes(
    one: PricedLine, *, favours_less: bool = True, is_foreign: bool = False, of: str = "A"
) -> bool:
    return TWO_PERCENT_AND_50.lets_pass(
        one.agreed, one.variance, ItemClass(of), favours_less=favours_less, is_foreign=is_foreign
    )


def test_p1_what_is_priced_as_agreed_has_no_variance() -> None:
    assert line(row(100, "10", "10")).variance == 0


def test_p2_fifteen_of_a_thousand_passes_both_limits() -> None:
    one = line(row(100, "10.15", "10"))
    assert (one.variance, passes(one)) == (micros(15), True)


def test_p3_the_same_share_of_ten_times_as_much_is_beyond_the_limit_in_money() -> None:
    one = line(row(1000, "10.15", "10"))
    assert (one.variance, passes(one)) == (micros(150), False)


def test_p8_less_passes_where_it_favours_us_and_else_not() -> None:
    one = line(row(100, "9.50", "10"))
    assert one.variance == micros(-50)
    assert passes(one)
    assert not passes(one, favours_less=False)


def test_p9_a_price_of_another_unit_is_told_by_its_factor() -> None:
    one = line(row(10, "2", "24", unit="CS"))
    found = prices.verdict(one, [(12, 1)])
    assert (found.cause, found.because) == (
        Cause.UOM,
        "the ratio of the prices is 12, a factor of its units",
    )


def test_what_is_in_another_currency_passes_only_if_it_is_less_and_favours_us() -> None:
    assert not passes(line(row(100, "10.01", "10")), is_foreign=True)
    assert passes(line(row(100, "9", "10")), is_foreign=True)
    assert not passes(line(row(100, "9", "10")), is_foreign=True, favours_less=False)


def test_a_tolerance_is_by_class() -> None:
    strict = PriceTolerance(share_ppm={ItemClass.A: 0, ItemClass.B: 20_000, ItemClass.C: 50_000})
    one = line(row(10, "10.30", "10"))
    found = [
        strict.lets_pass(one.agreed, one.variance, of, favours_less=True, is_foreign=False)
        for of in ItemClass
    ]
    assert found == [False, False, True]


def test_what_was_free_and_is_invoiced_never_passes() -> None:
    assert not passes(line(row(1, "0.01", "0")))


def test_a_credit_takes_off_what_it_credits_at_its_own_price() -> None:
    wrong, credit, right = row(10, "2.1", "2"), row(-10, "2.1", "2"), row(10, "2", "2")
    assert line(wrong).variance == micros(1)
    assert line(wrong, credit).variance == 0
    assert line(wrong, credit, right).variance == 0
    assert line(wrong, credit, right).invoiced == micros(20)


@pytest.mark.parametrize(
    ("told", "because"),
    [
        (row(10, "2.10", "2"), "2.1 is invoiced of one, and 2 was agreed"),
        (row(10, "2", "2", "21"), "an amount is not its quantity times its price"),
        (row(10, "2", "", "21"), "an amount is not its quantity times its price"),
        (row(10, "", "2", "21"), "another price is invoiced than was agreed"),
    ],
)
def test_the_verdict_says_what_is_priced_otherwise(told: PricedRow, because: str) -> None:
    one = line(told)
    assert one.variance == micros(1)
    found = prices.verdict(one, [(1, 1), (12, 1)])
    assert (found.cause, found.because) == (Cause.PRICE, because)


def test_rows_that_are_priced_differently_are_told_of_together() -> None:
    one = line(row(10, "2.10", "2"), row(5, "3", "2"))
    found = prices.verdict(one, [])
    assert found.because == "another price is invoiced than was agreed"


def test_an_amount_may_be_a_cent_off_and_no_more() -> None:
    assert not prices.is_miscounted(row(3, "0.333", amount="1.01"), "EUR")
    assert prices.is_miscounted(row(3, "0.333", amount="1.02"), "EUR")
    assert not prices.is_miscounted(row(3, "0.333"), "EUR")
    assert not prices.is_miscounted(row(3, amount="9"), "EUR")


@pytest.mark.parametrize(
    ("told", "is_told"),
    [
        (row(1, "1", "1"), True),
        (row(1, "", "1", "1"), True),
        (row(1, "1", "", "1"), True),
        (row(1, "1"), False),
        (row(1, "", "1"), False),
        (row(1, "", "", "1"), False),
        (row(1), False),
    ],
)
def test_two_of_three_are_needed(told: PricedRow, is_told: bool) -> None:  # noqa: FBT001 - a column of the table
    assert told.is_told is is_told


def test_without_a_currency_an_amount_is_exact_to_a_millionth() -> None:
    assert prices.extended(micros("0.333"), micros("0.5"), "") == micros("0.1665")
    assert prices.extended(1, MICROS // 2, "") == 1
    assert prices.extended(micros("0.333"), micros("0.5"), "EUR") == micros("0.17")
    assert prices.extended(micros("0.333"), micros("0.5"), "JPY") == 0


@given(
    st.integers(0, 10**12),
    st.integers(-(10**12), 10**12),
    st.sampled_from(["EUR", "JPY", "TND"]),
)
def test_a_row_is_priced_as_a_unit_price_extends(price: int, quantity: int, currency: str) -> None:
    by = UnitPrice(price=Money(Decimal(price) / MICROS, currency), unit="EA")
    said = by.extended(Quantity.from_micros(quantity, "EA"))
    assert prices.extended(price, quantity, currency) == int(said.amount * MICROS)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1, 10**9))
def test_what_passes_is_within_both_limits(agreed: int, price: int, quantity: int) -> None:
    told = PricedRow(quantity, "EA", price, agreed, None)
    one = line(told, currency="")
    variance = abs(one.variance)
    is_within = variance <= micros(50) and variance * 50 <= one.agreed
    assert passes(one, favours_less=False) is is_within
