"""Holes in a source's sequence are what lies between the first and the highest number heard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.gaps import HOLES_MAX, Hole, Progress

numbers = st.integers(0, 60)


def missing(progress: Progress) -> set[int]:
    return {one for hole in progress.holes for one in range(hole.first, hole.last + 1)}


@pytest.mark.parametrize(
    ("heard", "highest", "holes"),
    [
        ([], None, ()),
        ([7], 7, ()),
        ([7, 8, 9], 9, ()),
        ([9, 7], 9, (Hole(8, 8),)),
        ([1, 10], 10, (Hole(2, 9),)),
        ([1, 10, 5], 10, (Hole(2, 4), Hole(6, 9))),
        ([1, 10, 2, 9, 2], 10, (Hole(3, 8),)),
    ],
)
def test_the_first_number_starts_a_stream_and_what_is_skipped_is_missing(
    heard: list[int], highest: int | None, holes: tuple[Hole, ...]
) -> None:
    assert Progress().after(heard) == Progress(highest, holes)


def test_numbers_that_come_late_fill_what_was_missing() -> None:
    one = Progress().after([1, 10])

    assert one.after([2]).holes == (Hole(3, 9),)
    assert one.after([9]).holes == (Hole(2, 8),)
    assert one.after([5]).holes == (Hole(2, 4), Hole(6, 9))
    assert one.after(range(2, 10)).holes == ()
    assert one.after([0]) == one  # before the beginning nothing was promised
    assert one.after([]) is one


def test_a_snapshot_contains_what_is_missing_below_it() -> None:
    one = Progress().after([1, 10, 20])

    assert one.after([21], covered=9).holes == (Hole(11, 19),)
    assert one.after([21], covered=15).holes == (Hole(16, 19),)
    assert one.after([21], covered=30).holes == ()


def test_the_oldest_holes_are_kept_of_too_many() -> None:
    one = Progress().after(range(0, 4 * HOLES_MAX, 2))

    assert len(one.holes) == HOLES_MAX
    assert one.holes[0] == Hole(1, 1)


@given(st.lists(st.lists(numbers, max_size=8), max_size=8))
def test_after_any_pages_what_is_missing_is_what_was_not_heard(pages: list[list[int]]) -> None:
    """Beside it: a set of every number from the first page's lowest to the highest of all."""
    progress, heard = Progress(), set[int]()
    lowest: int | None = None
    for page in pages:
        progress = progress.after(page)
        heard |= set(page)
        lowest = min(page) if page and lowest is None else lowest
        if lowest is not None:
            assert missing(progress) == set(range(lowest, max(heard) + 1)) - heard
    assert progress.highest == (max(heard) if heard else None)


@given(st.lists(numbers, min_size=1), st.lists(numbers, min_size=1), numbers)
def test_what_a_snapshot_covers_is_never_missing(
    first: list[int], second: list[int], covered: int
) -> None:
    progress = Progress().after(first).after(second, covered)

    assert not {one for one in missing(progress) if one <= covered}
    assert progress.highest == max(*first, *second)
