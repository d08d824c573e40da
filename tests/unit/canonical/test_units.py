"""Units have one name, convert exactly, and round to what is handed over."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crossdock.canonical.catalog import ItemUnit
from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.units import (
    UNIT_BY_SPELLING,
    UNITS,
    ItemUnits,
    canonical_unit,
    step_micros,
)

BOLTS = ItemUnits.of(
    "EA",
    [ItemUnit(unit="CS", numerator=12), ItemUnit(unit="PL", numerator=576)],
)
CABLE = ItemUnits.of("MTR", [ItemUnit(unit="FOT", numerator=381, denominator=1250)])
MEAT = ItemUnits.of("KGM", [ItemUnit(unit="LBR", numerator=45359237, denominator=100000000)])

FACTORS = st.fractions(Fraction(1, 1000), 1000, max_denominator=1000)
AMOUNTS = st.integers(0, 10**12).map(Quantity.from_micros)


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("EA", "EA"), ("C62", "EA"), (" ea ", "EA"), ("PCE", "EA"), ("H87", "EA"), ("CA", "CS"),
        ("CS", "CS"), ("XCS", "CS"), ("case", "CS"), ("CT", "CT"), ("CTN", "CT"), ("BX", "BX"),
        ("PK", "PK"), ("PL", "PL"), ("PX", "PL"), ("DZ", "DZN"), ("KG", "KGM"), ("KGM", "KGM"),
        ("LB", "LBR"), ("MR", "MTR"), ("m", "MTR"), ("LT", "LTR"), ("FT", "FOT"), ("TH", "MIL"),
        ("Gebinde7", "GEBINDE7"), ("", ""),
    ],
)  # fmt: skip
def test_a_unit_has_one_name(spelling: str, code: str) -> None:
    assert canonical_unit(spelling) == code
    assert canonical_unit(code) == code


def test_no_spelling_means_two_units() -> None:
    spelled = [
        spelling
        for unit in UNITS
        for spelling in {unit.code, unit.unece, unit.x12, *unit.spellings}
    ]
    assert len(spelled) == len(set(spelled)) == len(UNIT_BY_SPELLING)
    assert all(spelling == spelling.strip().upper() for spelling in spelled)


@given(st.text())
def test_naming_a_unit_twice_changes_nothing(spelling: str) -> None:
    once = canonical_unit(spelling)
    assert canonical_unit(once) == canonical_unit(canonical_unit(once))


@pytest.mark.parametrize(("need", "order"), [(37, 60), (61, 72), (60, 60), (0, 60), (50, 60)])
def test_p14_a_purchase_is_rounded_up_to_the_suppliers_multiple(need: int, order: int) -> None:
    bought = BOLTS.purchasable(
        Quantity.of(need), minimum=Quantity.of(50), multiple=Quantity.of(12)
    )
    assert bought == Quantity.of(order)


def test_a_minimum_and_a_multiple_may_be_in_cases() -> None:
    bought = BOLTS.purchasable(
        Quantity.of(37), minimum=Quantity.of(5, "CS"), multiple=Quantity.of(1, "CS")
    )
    assert bought == Quantity.of(60)


def test_a_purchase_without_terms_is_rounded_up_to_the_unit() -> None:
    assert BOLTS.purchasable(Quantity.of("36.1")) == Quantity.of(37)
    assert CABLE.purchasable(Quantity.of("1.00001", "MTR")) == Quantity.of("1.001", "MTR")
    strange = ItemUnits.of("GEBINDE7")
    assert strange.purchasable(Quantity.of("1.5", "GEBINDE7")) == Quantity.of(2, "GEBINDE7")


@pytest.mark.parametrize("multiple", [0, -12])
def test_a_multiple_is_positive(multiple: int) -> None:
    with pytest.raises(Invalid):
        BOLTS.purchasable(Quantity.of(30), multiple=Quantity.of(multiple))


@pytest.mark.parametrize(
    ("one", "other", "unit"),
    [
        (24, 288, "CS"), (288, 24, "CS"), (1, 576, "PL"), (-24, -288, "CS"), (24, 289, ""),
        (24, 24, ""), (0, 288, ""), (24, 0, ""), (-24, 288, ""),
    ],
)  # fmt: skip
def test_r5_a_ratio_that_is_a_factor_is_a_mistaken_unit(one: int, other: int, unit: str) -> None:
    assert BOLTS.suspected_unit(Quantity.of(one), Quantity.of(other)) == unit


def test_counts_in_two_units_are_not_compared() -> None:
    assert not BOLTS.suspected_unit(Quantity.of(24), Quantity.of(288, "CS"))


def test_an_unknown_unit_is_named_with_its_other_spelling() -> None:
    with pytest.raises(Invalid, match="no unit 'CA'") as caught:
        BOLTS.converted(Quantity.of(1, "CA"), "EA")
    assert caught.value.code == "MD-UOM"
    assert "'CS'" in caught.value.hint
    with pytest.raises(Invalid) as caught:
        BOLTS.factor("KGM")
    assert not caught.value.hint


@pytest.mark.parametrize(
    "units",
    [
        [ItemUnit(unit="CS", numerator=0)],
        [ItemUnit(unit="CS", numerator=-12)],
        [ItemUnit(unit="CS", numerator=12, denominator=0)],
        [ItemUnit(unit="EA", numerator=2)],
        [ItemUnit(unit="CS", numerator=12), ItemUnit(unit="CS", numerator=10)],
    ],
)
def test_contradicting_or_empty_factors_are_refused(units: list[ItemUnit]) -> None:
    with pytest.raises(Invalid) as caught:
        ItemUnits.of("EA", units)
    assert caught.value.code == "MD-UOM"


def test_the_same_factor_twice_is_no_contradiction() -> None:
    units = ItemUnits.of(
        "EA",
        [
            ItemUnit(unit="EA", numerator=1),
            ItemUnit(unit="CS", numerator=12),
            ItemUnit(unit="CS", numerator=24, denominator=2),
        ],
    )
    assert units.factor("CS") == 12


def test_what_is_not_exact_is_refused_not_rounded() -> None:
    assert CABLE.exactly(Quantity.of(10, "FOT"), "MTR") == Quantity.of("3.048", "MTR")
    with pytest.raises(Invalid, match="not an exact amount of CS"):
        BOLTS.exactly(Quantity.of(1), "CS")


@given(FACTORS, FACTORS, AMOUNTS)
def test_conversion_is_exact_reversible_and_needs_no_detour(
    small: Fraction, large: Fraction, amount: Quantity
) -> None:
    units = ItemUnits.of(
        "EA",
        [
            ItemUnit(unit="S", numerator=small.numerator, denominator=small.denominator),
            ItemUnit(unit="L", numerator=large.numerator, denominator=large.denominator),
        ],
    )
    in_small = Quantity(amount.value, "S")
    there = units.converted(in_small, "L")
    assert there * large == Fraction(amount.value) * small
    assert there * units.factor("L") / units.factor("S") == Fraction(amount.value)
    assert units.converted(in_small, "S") == Fraction(amount.value)


@given(AMOUNTS, st.integers(1, 1000), st.integers(0, 10**6))
def test_a_purchase_covers_need_and_minimum_with_no_multiple_to_spare(
    need: Quantity, multiple: int, minimum: int
) -> None:
    bought = BOLTS.purchasable(need, minimum=Quantity.of(minimum), multiple=Quantity.of(multiple))
    wanted = max(need.value, Decimal(minimum))
    assert wanted <= bought.value < wanted + multiple
    assert bought.value % multiple == 0


@given(st.integers(1, 10**6), st.integers(2, 1000))
def test_a_mistaken_unit_is_always_suspected(count: int, factor: int) -> None:
    assume(count * factor < 10**9)
    units = ItemUnits.of("EA", [ItemUnit(unit="CS", numerator=factor)])
    assert units.suspected_unit(Quantity.of(count), Quantity.of(count * factor)) == "CS"


@pytest.mark.parametrize(
    ("unit", "micros"), [("EA", 1_000_000), ("KG", 1_000), ("ODD", 1_000_000)]
)
def test_what_changes_hands_is_told_in_millionths(unit: str, micros: int) -> None:
    assert step_micros(unit) == micros
