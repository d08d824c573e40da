"""Money is exact, never mixes currencies, and is rounded once."""

import operator
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.money import DECIMALS_BY_CURRENCY, Money, UnitPrice, minor_unit
from crossdock.canonical.quantities import Quantity

CURRENCIES = st.sampled_from(sorted(DECIMALS_BY_CURRENCY))
CENTS = st.integers(-(10**12), 10**12)
WEIGHTS = st.lists(st.integers(0, 10**6), min_size=1, max_size=12).filter(any)


@pytest.mark.parametrize(
    ("currency", "unit"),
    [("EUR", "0.01"), ("USD", "0.01"), ("JPY", "1"), ("KWD", "0.001"), ("CLF", "0.0001")],
)
def test_a_currency_has_its_smallest_amount(currency: str, unit: str) -> None:
    assert minor_unit(currency) == Decimal(unit)


@pytest.mark.parametrize("currency", ["", "eur", "EURO", "XXX", "DEM", "\u20ac", "EUR "])
def test_what_is_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(Invalid):
        Money.of("1", currency)


def test_a_currency_stands_in_one_row_only() -> None:
    assert len(DECIMALS_BY_CURRENCY) > 150
    assert all(len(code) == 3 and code.isupper() for code in DECIMALS_BY_CURRENCY)


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("1.005", "EUR", "1.01"), ("-1.005", "EUR", "-1.01"), ("1.004999", "EUR", "1"),
        ("0.5", "JPY", "1"), ("-0.5", "JPY", "-1"), ("1.0005", "KWD", "1.001"), ("0", "EUR", "0"),
    ],
)  # fmt: skip
def test_halves_go_away_from_zero(amount: str, currency: str, rounded: str) -> None:
    assert Money.of(amount, currency).rounded() == Money.of(rounded, currency)


@given(CENTS, CENTS)
def test_money_adds_like_cents(one: int, other: int) -> None:
    first, second = (Money(Decimal(cents) / 100, "EUR") for cents in (one, other))
    assert first + second == Money(Decimal(one + other) / 100, "EUR")
    assert first - second == first + -second
    assert (first < second) == (one < other)
    assert (first <= second) == (one <= other)


@pytest.mark.parametrize("combine", [operator.add, operator.sub, operator.lt, operator.le])
def test_two_currencies_never_mix(combine: object) -> None:
    assert callable(combine)
    with pytest.raises(Invalid, match="two currencies"):
        combine(Money.of(1, "EUR"), Money.of(1, "USD"))


def test_money_is_written_plainly() -> None:
    assert str(Money.of("12.50", "EUR")) == "12.5 EUR"


@given(CENTS, CURRENCIES, WEIGHTS)
def test_shares_add_up_and_none_is_a_coin_off(
    coins: int, currency: str, weights: list[int]
) -> None:
    coin = minor_unit(currency)
    whole = Money(coins * coin, currency)
    shares = whole.split(weights)
    assert sum((share.amount for share in shares), Decimal(0)) == whole.amount
    for share, weight in zip(shares, weights, strict=True):
        exact = Fraction(whole.amount) * weight / sum(weights)
        assert abs(Fraction(share.amount) - exact) < Fraction(coin)


def test_the_odd_cent_goes_to_the_largest_fraction_and_then_to_the_first() -> None:
    thirds = Money.of("0.10", "EUR").split([1, 1, 1])
    assert [str(share.amount) for share in thirds] == ["0.04", "0.03", "0.03"]
    shares = Money.of("0.10", "EUR").split([1, Decimal("2.5"), 0])
    assert [str(share.amount) for share in shares] == ["0.03", "0.07", "0.00"]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [-1, 2], [1, -1]])
def test_shares_need_weights(weights: list[int]) -> None:
    with pytest.raises(Invalid, match="weights"):
        Money.of(1, "EUR").split(weights)


def test_only_a_payable_amount_is_shared_out() -> None:
    with pytest.raises(Invalid, match="round it first"):
        Money.of("0.001", "EUR").split([1])


@pytest.mark.parametrize(
    ("price", "basis", "amount", "extended"),
    [
        ("12.50", 100, "30", "3.75"),
        ("0.333333", 1, "3", "1"),
        ("0.005", 1, "1", "0.01"),
        ("10", 3, "1", "3.33"),
        ("-0.005", 1, "1", "-0.01"),
    ],
)
def test_a_line_is_rounded_once(price: str, basis: int, amount: str, extended: str) -> None:
    unit_price = UnitPrice(price=Money.of(price, "EUR"), unit="EA", basis=basis)
    assert unit_price.extended(Quantity.of(amount)) == Money.of(extended, "EUR")


def test_a_price_is_for_its_own_unit_and_a_positive_basis() -> None:
    price = Money.of(1, "EUR")
    with pytest.raises(Invalid, match="per CS"):
        UnitPrice(price=price, unit="CS").extended(Quantity.of(1))
    with pytest.raises(Invalid, match="positive"):
        UnitPrice(price=price, unit="EA", basis=0).extended(Quantity.of(1))


@given(st.integers(0, 10**9), st.integers(1, 1000), st.integers(0, 10**9))
def test_a_line_is_at_most_half_a_cent_off(price: int, basis: int, amount: int) -> None:
    unit_price = UnitPrice(price=Money(Decimal(price) / 10**6, "EUR"), unit="EA", basis=basis)
    exact = Fraction(price, 10**6) * Fraction(amount, 10**6) / basis
    extended = unit_price.extended(Quantity.from_micros(amount))
    assert abs(Fraction(extended.amount) - exact) <= Fraction(1, 200)
