"""Two systems with one truth agree, whenever each was asked; where they meet follows the logs."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation.books import (
    brought,
    meeting_of,
    met,
    narrowed,
    shared,
)
from crossdock.capabilities.reconciliation.dumps import Line, LogLine, Parts
from crossdock.capabilities.reconciliation.model import MINUTE
from crossdock.capabilities.reconciliation.sides import Said, Side
from crossdock.capabilities.reconciliation.sorting import Sorted

ALL, NONE = Parts(), Parts(status=False, owner=False, lot=False, serial=False)
Moves = list[tuple[str, str, int, int]]
"""Item, status, micros, and when it was recorded."""


def side(
    lines: Sequence[Line], log: Sequence[LogLine] | None = None, *, full: bool = True
) -> Side:
    """Gather a side in memory, as `gathered` does from files."""
    rows: Sorted[Line] = Sorted(list[Line])
    entries: Sorted[LogLine] | None = None if log is None else Sorted(list[LogLine])
    made = Side(Said(lines=lines, parts=ALL, is_full=full), rows, entries)
    for line in lines:
        made.add([line])
    if log and entries is not None:
        for entry in log:
            entries.add([entry])
            made.look_at([entry])
    return made


def line(micros: int, as_of: int, *, place: str = "DC1", item: str = "A", **at: str) -> Line:
    return Line(place, item, at.get("status", ""), "", "", "", micros, "", as_of)


moves = st.lists(
    st.tuples(
        st.sampled_from("ABC"),
        st.sampled_from(["AVAILABLE", "DAMAGED"]),
        st.integers(-5, 5).filter(bool),
        st.integers(1, 60),
    ),
    max_size=25,
)


def told(truth: Moves, at: int) -> Side:
    """Dump what lies there at an instant by the truth, with a log of all of it up to minute 60."""
    sums: dict[tuple[str, str], int] = {("MARK", "AVAILABLE"): 1}
    for item, status, micros, recorded in truth:
        if recorded <= at:
            sums[item, status] = sums.get((item, status), 0) + micros
    log = [
        LogLine("DC1", item, f"D-{n}", micros, recorded, "", status)
        for n, (item, status, micros, recorded) in enumerate(truth)
    ]
    lines = [line(micros, at, item=item, status=status) for (item, status), micros in sums.items()]
    return side(lines, log)


def levels(one: Side, cut: int) -> dict[tuple[str, str], int]:
    sums: dict[tuple[str, str], int] = {}
    for (_, item), lines in brought(one, {"DC1": cut}):
        for each in lines:
            sums[item, each.status] = sums.get((item, each.status), 0) + each.micros
    return {key: micros for key, micros in sums.items() if micros}


@given(truth=moves, first=st.integers(1, 60), second=st.integers(1, 60), cut=st.integers(1, 60))
def test_one_truth_told_at_two_instants_is_one_at_any_cut(
    truth: Moves, first: int, second: int, cut: int
) -> None:
    expected = levels(told(truth, cut), cut)

    assert levels(told(truth, first), cut) == expected
    assert levels(told(truth, second), cut) == expected


@pytest.mark.parametrize(
    ("first_log", "second_log", "cut", "until", "is_behind"),
    [
        ([], [], 10, 10, False),
        ([], None, 40, 40, True),
        (None, [], 10, 10, False),
        (None, None, 10, 40, True),
    ],
    ids=["both: the earlier", "the first: the second's", "the second: the first's", "none"],
)
def test_who_shows_no_log_gives_the_cut(
    first_log: list[LogLine] | None,
    second_log: list[LogLine] | None,
    cut: int,
    until: int,
    *,
    is_behind: bool,
) -> None:
    first, second = side([line(5, 10)], first_log), side([line(5, 40)], second_log)

    meeting = meeting_of(first, second, patience=20)

    assert (meeting.cuts, meeting.until) == ({"DC1": cut}, {"DC1": until})
    assert meeting.behind == (frozenset({"DC1"}) if is_behind else frozenset())


def test_a_log_that_reaches_the_cut_is_believed_and_so_are_two_dumps_of_nearly_one_time() -> None:
    reaching = [LogLine("DC1", "B", "D-0", 1, 9), LogLine("DC1", "B", "D-1", 1, 41)]

    assert not meeting_of(side([line(5, 10)], reaching), side([line(5, 40)]), 20).behind
    assert not meeting_of(side([line(5, 10)]), side([line(5, 30)]), 20).behind


@pytest.mark.parametrize(
    ("taken", "begins", "is_behind"),
    [
        (30, 9, False),
        (30, 10, False),
        (30, 11, True),
        (10, 41, False),
        (5, 6, True),
        (5, 5, False),
    ],
    ids=["before", "at the cut", "after", "nothing to roll", "forward, too late", "forward"],
)
def test_a_log_that_begins_after_what_is_rolled_is_not_taken_for_all_of_it(
    taken: int, begins: int, *, is_behind: bool
) -> None:
    log = [LogLine("DC1", "B", "D-0", 1, begins), LogLine("DC1", "B", "D-1", 1, 50)]

    meeting = meeting_of(side([line(5, taken)], log), side([line(5, 10)]), 20)

    assert (meeting.cuts, bool(meeting.behind)) == ({"DC1": 10}, is_behind)


def test_each_bucket_is_rolled_from_its_own_as_of() -> None:
    """AVAILABLE 100 as of 10, DAMAGED 8 as of 30; 40 came at 20, which the 100 do not hold."""
    shelves = [line(100, 10, status="AVAILABLE"), line(8, 30, status="DAMAGED")]
    log = [
        LogLine("DC1", "A", "D-1", 40, 20, status="AVAILABLE"),
        LogLine("DC1", "A", "D-2", 3, 20, status="DAMAGED"),
    ]

    assert levels(side(shelves, log), 10) == {("A", "AVAILABLE"): 100, ("A", "DAMAGED"): 5}
    assert levels(side(shelves, log), 30) == {("A", "AVAILABLE"): 140, ("A", "DAMAGED"): 8}


def test_a_log_says_nothing_of_a_bucket_that_a_part_dump_leaves_out() -> None:
    log = [LogLine("DC1", "A", "D-1", 5, 20, status="DAMAGED")]

    part = side([line(9, 30, status="AVAILABLE")], log, full=False)

    assert levels(part, 10) == {("A", "AVAILABLE"): 9}


def test_a_log_without_lots_makes_no_difference_of_lots() -> None:
    """L1 held 100; a shipment of 3, of no lot that is said, is taken back."""
    log = [LogLine("DC1", "A", "D-1", -3, 20, status="AVAILABLE")]
    lot = line(97, 30, status="AVAILABLE")._replace(lot="L1")

    rolled = dict(brought(side([lot], log), {"DC1": 10}))["DC1", "A"]
    _, walked, theirs = met(side([lot._replace(micros=100, as_of=10)]), side([lot], log), MINUTE)

    assert [(each.lot, each.micros) for each in rolled] == [("L1", 97), ("L1", 3)]
    assert walked.said.parts == Parts(lot=False, serial=False)
    assert [each.micros for _, lines in theirs for each in lines] == [97, 3]
    told = [LogLine("DC1", "A", "D-1", -3, 20, status="AVAILABLE", lot="L1", serial="S")]
    assert met(side([lot]), side([lot], told), MINUTE).side.said.parts == ALL


def test_only_locations_that_both_name_are_compared() -> None:
    first = side([line(1, 1), line(1, 1, place="DC2")])

    assert meeting_of(first, side([line(1, 1), line(1, 1, place="DC3")]), 1).cuts == {"DC1": 1}
    with pytest.raises(Invalid, match="no location in common"):
        meeting_of(first, side([line(1, 1, place="DC3")]), 1)


def test_a_key_that_a_full_dump_leaves_out_had_what_its_log_took_away_since() -> None:
    gone = [LogLine("DC1", "B", "D-1", -7, 20, status="AVAILABLE")]

    full = dict(brought(side([line(1, 30)], gone), {"DC1": 10}))
    part = dict(brought(side([line(1, 30)], gone, full=False), {"DC1": 10}))

    assert [each.micros for each in full["DC1", "B"]] == [7]
    assert part.keys() == {("DC1", "A")}


def test_what_left_a_key_that_is_sold_out_could_be_sold() -> None:
    gone = [LogLine("DC1", "B", "D-1", -7, 20)]
    apart = side([line(1, 30)], gone)
    together = replace(apart, said=replace(apart.said, parts=NONE))

    found = [dict(brought(one, {"DC1": 10}))["DC1", "B"] for one in (apart, together)]

    assert [[(each.status, each.micros) for each in lines] for lines in found] == [
        [("AVAILABLE", 7)], [("", 7)],
    ]  # fmt: skip


def test_a_document_without_a_status_moved_what_can_be_sold() -> None:
    shelves = [line(3, 30, status="DAMAGED"), line(9, 30, status="AVAILABLE")]
    log = [LogLine("DC1", "A", "D-1", 4, 20)]

    lines = dict(brought(side(shelves, log), {"DC1": 10}))["DC1", "A"]

    assert sorted((each.status, each.micros) for each in lines) == [
        ("AVAILABLE", -4), ("AVAILABLE", 9), ("DAMAGED", 3),
    ]  # fmt: skip


def test_what_one_of_them_does_not_tell_apart_is_put_together_or_left_out() -> None:
    keys = [
        (
            ("DC1", "A"),
            [
                line(3, 1, status="AVAILABLE")._replace(lot="L1"),
                line(4, 1, status="IN_TRANSIT"),
                line(5, 1, status="AVAILABLE")._replace(owner="ACME"),
            ],
        ),
        (("DC1", "B"), [line(1, 1, status="IN_TRANSIT")]),
    ]

    assert list(narrowed(iter(keys), ALL, NONE)) == [(("DC1", "A"), [line(3, 1)])]
    assert list(narrowed(iter(keys), ALL, ALL)) == keys
    assert shared(ALL, NONE) == NONE


def test_the_second_side_is_walked_at_the_cut() -> None:
    log = [LogLine("DC1", "A", "D-1", 4, 20, status="AVAILABLE")]
    second = side([line(9, 30, status="AVAILABLE")], log)

    cuts, walked, theirs = met(side([line(5, 10)]), second, MINUTE)

    assert (cuts.at, walked.spans) == ({"DC1": 10}, {"DC1": (10, 10)})
    assert sum(each.micros for _, lines in theirs for each in lines) == 5


def test_rows_that_were_put_by_are_read_by_two_at_once() -> None:
    rows = [line(number, 1, item=f"{number:03}") for number in range(50)]
    with Sorted(list[Line], part_rows=7, block_rows=2) as put_by:
        for row in reversed(rows):
            put_by.add([row])

        assert [*zip(put_by, put_by, strict=True)] == [*zip(rows, rows, strict=True)]
        assert list(put_by) == rows
