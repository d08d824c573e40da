"""How much of what a supplier acknowledges comes: rounded down, by nearest rank (§3.3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.supply.fill import Fill, owed, p10, percent_filled

percents = st.lists(st.integers(0, 100), min_size=1, max_size=100)


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([80], 80),
        ([100] * 9 + [50], 50),
        ([100] * 10 + [50], 100),  # of eleven the second
        ([100] * 19 + [50], 100),
        ([100] * 18 + [50, 40], 50),
        (list(range(1, 101)), 10),
    ],
)
def test_p10_is_the_line_at_a_tenth_of_them_rounded_up(lines: list[int], found: int) -> None:
    assert p10(lines) == found


@given(percents)
def test_nine_in_ten_lines_filled_as_much_or_more_and_it_is_the_most_of_which_that_holds(
    lines: list[int],
) -> None:
    found = p10(lines)
    assert found in lines
    assert 10 * sum(one < found for one in lines) < len(lines)
    better = [one for one in lines if one > found]
    assert all(10 * sum(one < more for one in lines) >= len(lines) for more in better)
    assert p10(sorted(lines, reverse=True)) == found


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_line_is_filled_from_nothing_to_all_and_never_rounded_up(
    received: int, acknowledged: int
) -> None:
    found = percent_filled(received, acknowledged)
    assert 0 <= found <= 100
    assert found * acknowledged <= 100 * received
    assert (found == 100) == (received >= acknowledged)


@given(st.integers(0, 10**12), st.integers(1, 10**12), st.integers(0, 10**12))
def test_what_the_buyer_cancelled_is_owed_no_more_and_never_makes_a_line_worse(
    received: int, acknowledged: int, cancelled: int
) -> None:
    found = percent_filled(received, acknowledged, cancelled)
    assert percent_filled(received, acknowledged) <= found <= 100
    assert (found == 100) == (received >= acknowledged - cancelled)
    assert owed(acknowledged, cancelled) == max(0, acknowledged - cancelled)


def test_a_fill_goes_by_ten_lines_at_least() -> None:
    assert not Fill("ACME", 50, 9).is_enough
    assert Fill("ACME", 50, 10).is_enough
