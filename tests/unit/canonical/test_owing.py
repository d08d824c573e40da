"""What a group owes is taken of whoever has most left, and all that is left adds up (I3)."""

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.owing import Owing, left_at
from crossdock.canonical.quantities import MICROS

PLACES = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 8), min_size=1)
OWED = st.integers(-2, 40)


def piece_by_piece(has: dict[str, int], owed: int) -> dict[str, int]:
    """Take one at a time of whoever has most, of several the first by name."""
    left = dict(has)
    for _ in range(min(max(0, owed), sum(has.values()))):
        at = min(left, key=lambda place: (-left[place], place))
        left[at] -= 1
    return left


@given(PLACES, OWED)
def test_it_is_taken_piece_by_piece_of_whoever_has_most_left(
    has: dict[str, int], owed: int
) -> None:
    assert left_at(has, owed) == piece_by_piece(has, owed)


@given(PLACES, OWED)
def test_no_unit_is_parted_where_all_are_whole(has: dict[str, int], owed: int) -> None:
    whole = {at: pieces * MICROS for at, pieces in has.items()}

    left = left_at(whole, owed * MICROS)

    assert left == {at: n * MICROS for at, n in piece_by_piece(has, owed).items()}


@given(st.dictionaries(st.sampled_from("abcd"), st.integers(0, 5 * MICROS)), OWED, PLACES)
def test_what_is_left_at_all_members_is_all_that_is_not_owed(
    has: dict[str, int], owed: int, withheld: dict[str, int]
) -> None:
    owed *= MICROS

    left = Owing(owed, has).left(withheld)

    sure = {at: max(0, micros - withheld.get(at, 0)) for at, micros in has.items()}
    assert sum(left.values()) == max(0, sum(sure.values()) - max(0, owed))
    assert all(0 <= left[at] <= micros for at, micros in sure.items())


@given(PLACES, st.integers(0, 40))
def test_who_bears_any_of_it_has_no_more_left_than_who_bears_none_but_one_piece(
    has: dict[str, int], owed: int
) -> None:
    left = left_at(has, owed)

    bearing = [left[at] for at, pieces in has.items() if left[at] < pieces]
    assert not bearing or max(left.values()) <= min(bearing) + 1
