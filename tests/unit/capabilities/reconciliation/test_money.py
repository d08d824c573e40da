"""Money at risk: each currency by itself, what has no price counted apart (§4.2, §4.3)."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation import guards, money
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.money import AtRisk

CAP = 10_000


class One(NamedTuple):
    value_at_risk: int | None
    currency: str = ""


some = st.lists(
    st.builds(
        One, st.one_of(st.none(), st.integers(0, 10**18)), st.sampled_from(["", "EUR", "USD"])
    ),
    max_size=30,
)


def test_amounts_of_two_currencies_are_never_added() -> None:
    found = [One(5), One(7, "EUR"), One(3, "USD"), One(2, "USD"), One(None), One(None, "USD")]

    worth = money.at_risk(found, "EUR")

    assert worth == AtRisk(value=12, priced=2, others={"USD": 5}, unpriced=2)
    assert (worth.known, money.at_risk(found[2:], "EUR").known) == (12, None)


@given(some)
def test_every_difference_is_counted_once_in_its_own_currency(found: Sequence[One]) -> None:
    """Beside a count that goes currency by currency."""
    worth = money.at_risk(found, "EUR")

    assert worth.unpriced == sum(one.value_at_risk is None for one in found)
    priced = [one for one in found if one.value_at_risk is not None]
    for currencies, amount in (
        ({"", "EUR"}, worth.value),
        ({"USD"}, worth.others.get("USD", 0)),
    ):
        total = sum(one.value_at_risk or 0 for one in priced if one.currency in currencies)
        assert amount == min(total, money.VALUE_MAX)


@pytest.mark.parametrize(
    ("one", "above"),
    [
        (One(CAP), ""),
        (One(CAP + 1), "above"),
        (One(CAP, "EUR"), ""),
        (One(1, "USD"), "above"),
        (One(0, "USD"), ""),
        (One(None, "USD"), ""),
        (One(None), ""),
    ],
)
def test_what_is_in_another_currency_than_the_cap_is_above_it(one: One, above: str) -> None:
    """Nobody can say how much it is of the cap's, so it escalates (§4.3)."""
    assert money.is_above(one, CAP, "EUR") is bool(above)


@pytest.mark.parametrize("currency", ["", "EUR", "USD"])
def test_a_house_that_names_no_currency_holds_its_cap_against_every_amount(currency: str) -> None:
    assert [money.is_above(One(CAP + n, currency), CAP, "") for n in (0, 1)] == [False, True]
    assert not money.is_foreign(currency, "")


@pytest.mark.parametrize(
    ("found", "brake", "why"),
    [
        ([One(60), One(40)], Brake(value=100), ""),
        ([One(60), One(41)], Brake(value=100), "more money would move than the cap allows"),
        (
            [One(1, "USD"), One(1, "JPY")],
            Brake(currency="EUR"),
            "money in JPY, USD would move, and the cap is in EUR",
        ),
        ([One(0, "USD")], Brake(currency="EUR"), ""),
        ([One(60, "EUR"), One(40)], Brake(value=100), ""),
        (
            [One(60, "EUR"), One(41)],
            Brake(value=100),
            "more money would move than the cap allows",
        ),
        (
            [One(1, "EUR"), One(1, "USD")],
            Brake(),
            (
                "money in EUR, USD would move, and the cap is in the functional currency, which"
                " no rules name"
            ),
        ),
        ([One(1, "USD")], Brake(currency="USD"), ""),
        ([One(None)] * 2, Brake(unpriced=2), ""),
        (
            [One(None)] * 3,
            Brake(unpriced=2),
            "3 keys without a price would change, 2 may",
        ),
        ([One(None)] * 101, Brake(), "101 keys without a price would change, 100 may"),
    ],
)
def test_the_brake_by_value_holds_what_it_cannot_weigh(
    found: Sequence[One], brake: Brake, why: str
) -> None:
    worth = money.at_risk(found, brake.currency)

    assert guards.stopped(len(found), 10**6, worth, brake, is_in_incident=False) == why


@given(some, st.sampled_from(["", "EUR", "USD"]))
def test_nothing_is_mended_whose_money_is_above_the_cap(found: Sequence[One], house: str) -> None:
    brake = Brake(value=CAP, currency=house)
    worth = money.at_risk(found, house)

    if any(money.is_above(one, CAP, house) for one in found):
        assert guards.stopped(1, 1000, worth, brake, is_in_incident=False)


def test_a_currency_is_one_of_iso_4217_or_the_functional_one() -> None:
    assert money.currency_of(" eur ", "currency") == "EUR"
    assert money.currency_of("", "currency") == ""
    with pytest.raises(Invalid, match="is not a currency of ISO 4217") as refused:
        money.currency_of("EURO", "/currency")
    assert refused.value.where == "/currency"
