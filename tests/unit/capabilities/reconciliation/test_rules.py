"""What a house may tolerate and let heal by itself, and that it is kept to the last micro."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import (
    HEALABLE,
    Brake,
    ItemClass,
    Remedy,
    Rules,
    Tolerance,
    Version,
    rules_shown,
)
from crossdock.capabilities.reconciliation.price_limits import PriceTolerance
from crossdock.capabilities.reconciliation.rules import checked, content_of, rules_of

amounts = st.integers(0, 10**12)
said = st.builds(
    Rules,
    tolerance=st.builds(
        Tolerance,
        absolute=amounts,
        share_ppm=st.fixed_dictionaries({of: st.integers(0, 1_000_000) for of in ItemClass}),
        value=amounts,
    ),
    document_ppm=st.integers(0, 1_000_000),
    prices=st.builds(
        PriceTolerance,
        share_ppm=st.fixed_dictionaries({of: st.integers(0, 1_000_000) for of in ItemClass}),
        value=amounts,
    ),
    heals=st.lists(st.sampled_from(HEALABLE), unique=True).map(tuple),
    attempts=st.integers(1, 10),
    brake=st.builds(Brake, keys_mille=st.integers(0, 1000), value=amounts),
)


@given(said)
def test_rules_are_read_back_as_they_were_put(rules: Rules) -> None:
    kept = checked(rules)

    assert rules_of(content_of(kept)) == kept
    assert set(kept.heals) == set(rules.heals)


def test_rules_that_were_put_before_documents_had_any_tolerate_nothing_of_them() -> None:
    content = content_of(Rules())
    later = ("price_ppm", "price_value", "counts_a_day", "count_when")
    for name in ("document_ppm", "currency", "unpriced", *later):
        del content[name]

    assert rules_of(content) == Rules()


def test_the_built_in_rules_are_the_defaults_of_the_law() -> None:
    """§4.2: A 0.5 %, B 1 %, C 5 %, value 250; §4.3: 2 % of the keys."""
    shown = rules_shown(Version(version=0, put_at=None, put_by="", rules=Rules()))

    assert shown.tolerance_percent == {"A": Decimal("0.5"), "B": Decimal(1), "C": Decimal(5)}
    assert (shown.tolerance_absolute, shown.tolerance_value) == (Decimal(0), Decimal(250))
    assert shown.tolerance_documents_percent == Decimal(0)
    assert shown.tolerance_price_percent == dict.fromkeys("ABC", Decimal(2))
    assert shown.tolerance_price_value == Decimal(50)
    assert shown.heals == ("REDRIVE", "REFETCH", "REPUBLISH")
    assert (shown.attempts, shown.most_percent) == (2, Decimal(2))
    assert shown.most_value == Decimal(10_000)
    assert (shown.currency, shown.most_unpriced) == ("", 100)


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        (Rules(document_ppm=1_000_001), "/tolerance_documents_percent"),
        (Rules(prices=PriceTolerance(share_ppm={ItemClass.B: -1})), "/tolerance_price_percent/B"),
        (Rules(prices=PriceTolerance(value=-1)), "/"),
        (Rules(heals=(Remedy.COUNT,)), "/heals"),
        (Rules(heals=(Remedy.FINANCE_TASK,)), "/heals"),
        (Rules(attempts=0), "/attempts"),
        (Rules(attempts=11), "/attempts"),
        (Rules(tolerance=replace(Tolerance(), share_ppm={ItemClass.A: 1_000_001})), "/tol"),
        (Rules(brake=Brake(keys_mille=1001)), "/most_percent"),
        (Rules(brake=Brake(currency="EURO")), "/currency"),
        (Rules(brake=Brake(unpriced=-1)), "/most_unpriced"),
        (Rules(tolerance=Tolerance(value=-MICROS)), "/"),
    ],
)
def test_what_cannot_be_is_refused(rules: Rules, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(rules)

    assert str(refused.value.where).startswith(where)
