"""How right stock records are, by what was counted: K4, and that differences never net (§6.3)."""

from datetime import timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.accuracy import CountSums, accuracy_of, report
from crossdock.capabilities.reconciliation.model import ItemClass, Tolerance
from tests.conftest import NOON

K4 = [("A", 100, 100), ("A", 500, 503), ("B", 200, 205), ("C", 40, 38), ("C", 10, 10)]
AMOUNTS = st.integers(min_value=0, max_value=10**6)


def counted(of: str, book: int, found: int, location: str = "DC1", unit: str = "EA") -> CountSums:
    is_broken = Tolerance().is_broken(
        (found - book) * MICROS, book=book * MICROS, of=ItemClass(of), cost=None, is_exact=False
    )
    off = abs(found - book) * MICROS
    within = int(not is_broken)
    return CountSums(location, of, unit, 1, within, book * MICROS, found * MICROS, off)


def test_the_three_figures_of_five_counts_are_those_of_the_law() -> None:
    """K4: 3 of 5 are 60.00 %; net only +0.7 %; absolute-unit accuracy 98.82 %."""
    found = accuracy_of(counted(*one) for one in K4)

    assert (found.within, found.counted, found.within_percent) == (3, 5, Decimal("60.00"))
    assert (found.net_variance, found.net_percent) == (Decimal(6), Decimal("0.71"))
    assert (found.absolute_variance, found.units_percent) == (Decimal(10), Decimal("98.82"))


def test_a_report_says_the_same_by_class_and_by_location() -> None:
    sums = [counted(*one) for one in K4] + [counted("A", 10, 0, "DC2")]
    found = report(sums, NOON, NOON + timedelta(days=1))

    assert {of: (one.within, one.counted) for of, one in found.classes.items()} == {
        "A": (1, 3),
        "B": (0, 1),
        "C": (2, 2),
    }
    assert found.locations["DC1"] == accuracy_of(counted(*one) for one in K4)
    assert found.locations["DC2"].units_percent == 0
    assert found.total.counted == 6
    assert found.units == {"EA": found.total}


def test_kilograms_are_never_added_to_pieces() -> None:
    """Half of all bolts are missing, and no tons of sand hide it."""
    found = report([counted("A", 100, 50), counted("B", 100_000, 100_000, unit="KG")], NOON, NOON)

    total = found.total
    assert (total.counted, total.within_percent, total.unit) == (2, Decimal("50.00"), "")
    assert (total.booked, total.net_variance, total.absolute_variance) == (None, None, None)
    assert (total.net_percent, total.units_percent) == (None, None)
    assert {unit: one.units_percent for unit, one in found.units.items()} == {"EA": 50, "KG": 100}
    assert found.classes["A"] == found.units["EA"]


def test_of_what_nobody_counted_there_is_no_share() -> None:
    found = accuracy_of([])

    assert (found.counted, found.within_percent, found.units_percent) == (0, None, None)
    assert (found.unit, found.booked) == ("", Decimal(0))
    assert accuracy_of([counted("A", 0, 4)]).net_percent is None


@given(st.lists(st.tuples(st.sampled_from(ItemClass), AMOUNTS, AMOUNTS), min_size=1))
def test_a_gain_never_hides_a_loss_in_what_is_right(
    counts: list[tuple[ItemClass, int, int]],
) -> None:
    found = accuracy_of(counted(*one) for one in counts)

    assert found.absolute_variance is not None
    assert found.net_variance is not None
    assert found.absolute_variance >= abs(found.net_variance)
    assert found.within_percent is not None
    assert 0 <= found.within_percent <= 100
    assert (found.within_percent == 100) == (found.within == found.counted)
    if found.units_percent is not None:
        assert 0 <= found.units_percent <= 100
