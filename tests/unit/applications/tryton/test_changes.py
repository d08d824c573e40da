"""A reader that starts over an overlap and pages by (stamp, id) misses nothing: by simulation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.tryton.changes import (
    BEGINNING,
    FEEDS,
    STOCK,
    Count,
    Cursor,
    Mark,
    cursor_at,
    cursor_of,
)
from crossdock.canonical.errors import Invalid

instants = st.integers(0, 10**15).map(lambda micros: BEGINNING + timedelta(microseconds=micros))
marks = st.builds(Mark, stamp=instants, row=st.integers(0, 10**9))
cursors = st.builds(
    Cursor,
    feed=st.sampled_from([*(feed.name for feed in FEEDS), STOCK]),
    after=st.none() | marks,
    highs=st.dictionaries(st.sampled_from([feed.name for feed in FEEDS]), instants),
    counted_at=instants,
    count=st.none()
    | st.builds(
        Count,
        watermark=instants,
        node=st.integers(0, 99),
        product=st.integers(0, 10**9),
        begun_at=instants,
    ),
)


@given(instants, st.sampled_from([feed.name for feed in FEEDS]), st.timedeltas(timedelta()))
def test_a_cursor_of_a_moment_begins_every_feed_an_overlap_before_it(
    moment: datetime, feed: str, overlap: timedelta
) -> None:
    cursor = replace(cursor_of(cursor_at(moment)), feed=feed)
    overlap = min(overlap, moment - BEGINNING)

    assert cursor.start(overlap) == Mark(stamp=moment - overlap)


@given(cursors)
def test_a_cursor_comes_back_as_it_was(cursor: Cursor) -> None:
    assert cursor_of(cursor.written()) == cursor


@given(st.text() | st.from_regex(r'\{"feed": ?"moves".*\}', fullmatch=True))
def test_a_cursor_that_is_none_of_ours_is_invalid(text: str) -> None:
    if text:
        with pytest.raises(Invalid):
            cursor_of(text)


def test_a_page_begins_behind_the_last_row_of_the_one_before() -> None:
    after = Mark(stamp=BEGINNING, row=7)

    assert after.domain() == [
        "OR",
        [["last_modified_at", ">", BEGINNING]],
        [["last_modified_at", "=", BEGINNING], ["id", ">", 7]],
    ]


def test_no_cursor_is_the_beginning() -> None:
    assert cursor_of("") == Cursor()


@pytest.mark.parametrize("text", ["[]", "3", '{"feed": "nothing"}', '{"feed": [1]}'])
def test_a_damaged_cursor_is_invalid(text: str) -> None:
    with pytest.raises(Invalid):
        cursor_of(text)


@dataclass(frozen=True)
class Transaction:
    """Stamps its rows with its start and shows them at its end, as Tryton's do."""

    start: int
    length: int
    rows: int


LONGEST = 20
transactions = st.builds(
    Transaction,
    start=st.integers(0, 200),
    length=st.integers(0, LONGEST),
    rows=st.integers(1, 6),
)


def visible(work: Sequence[Transaction], now: int) -> list[dict[str, Any]]:
    rows = []
    for number, done in enumerate(work):
        if done.start + done.length <= now:
            stamp = BEGINNING + timedelta(seconds=done.start)
            rows += [
                {"id": 10 * number + row + 1, "last_modified_at": stamp}
                for row in range(done.rows)
            ]
    return sorted(rows, key=lambda row: (row["last_modified_at"], row["id"]))


def round_at(
    cursor: Cursor, work: Sequence[Transaction], now: int, overlap: int, page_rows: int
) -> tuple[list[int], Cursor]:
    """Read one round of the first feed as the client does, against rows that stand still."""
    found: list[int] = []
    feed = cursor.feed
    while cursor.feed == feed:
        start = cursor.start(timedelta(seconds=overlap))
        after = [row for row in visible(work, now) if _position(row) > (start.stamp, start.row)]
        page = after[:page_rows]
        found += [row["id"] for row in page]
        cursor = cursor.read(page, page_rows)
    return found, Cursor(highs=cursor.highs)


def _position(row: dict[str, Any]) -> tuple[datetime, int]:
    return row["last_modified_at"], row["id"]


@given(
    st.lists(transactions, max_size=12),
    st.lists(st.integers(0, 230), max_size=8),
    st.integers(1, 7),
)
def test_with_an_overlap_as_long_as_the_longest_transaction_no_row_is_lost(
    work: list[Transaction], times: list[int], page_rows: int
) -> None:
    cursor, seen = Cursor(), set[int]()

    for now in [*sorted(times), 300]:
        found, cursor = round_at(cursor, work, now, LONGEST + 1, page_rows)
        seen |= set(found)
        assert max(Counter(found).values(), default=1) == 1, "once a round"

    assert seen == {row["id"] for row in visible(work, 300)}


def test_without_an_overlap_a_slow_transaction_is_lost() -> None:
    work = [Transaction(start=10, length=15, rows=3), Transaction(start=15, length=1, rows=1)]
    cursor, seen = Cursor(), set[int]()

    for now in (20, 30, 40):
        found, cursor = round_at(cursor, work, now, 0, 5)
        seen |= set(found)

    assert seen == {11}


def test_a_count_goes_through_all_nodes_and_pages_and_ends() -> None:
    newest = BEGINNING + timedelta(hours=2)
    cursor = Cursor(highs={"moves": newest}).counting(timedelta(hours=1), newest)
    steps = []
    for products in ([1, 2], [3], [1, 2], [3]):
        assert cursor.count
        steps.append((cursor.count.node, cursor.count.product))
        assert cursor.count.watermark == BEGINNING + timedelta(hours=1)
        cursor = cursor.counted(products, 2, 2)

    assert steps == [(0, 0), (0, 2), (1, 0), (1, 2)]
    assert (cursor.feed, cursor.count) == (FEEDS[0].name, None)


@given(instants, st.timedeltas(timedelta(), timedelta(days=999)), st.data())
def test_of_two_counts_the_later_one_has_the_later_watermark(
    newest: datetime, overlap: timedelta, data: st.DataObject
) -> None:
    """Also of a Tryton at rest: a slow transaction may have ended between them."""
    waits = st.timedeltas(timedelta(seconds=1), timedelta(days=999))
    first_at, more = newest + data.draw(waits), data.draw(st.sampled_from([0, 1, 10**9]))
    second_at = first_at + data.draw(waits)
    newer = min(newest + timedelta(microseconds=more), second_at)

    first = Cursor(highs={"moves": newest}).counting(overlap, first_at).count
    second = Cursor(highs={"moves": newer}).counting(overlap, second_at).count

    assert first
    assert second
    assert first.watermark < second.watermark <= second_at - overlap
