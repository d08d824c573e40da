"""A page of the log in inventory's own terms: sums per bucket, and the newest of every version."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.catalog import (
    ItemChanged,
    LocationChanged,
    LocationKind,
    LotChanged,
)
from crossdock.canonical.envelope import Event, Fact, Payload
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    SourceHeard,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory.ledger import (
    Bucket,
    Came,
    Mark,
    Opening,
    governed,
    governing,
    mark_of,
    microseconds,
    stream_id,
)
from crossdock.capabilities.inventory.page import Count, Full, newest, newest_full, page_of
from tests.conftest import NOON

SECOND = timedelta(seconds=1)
SHELF = Place(location="DC1")
DOCK = Place(location="DC1", status=StockStatus.RECEIVING)
AVAILABLE = Bucket("main", "X", "DC1", "AVAILABLE", "", "", "")


def heard(payload: Payload, number: int = 1, *, source: str = "wms") -> Event:
    """Tell something with version `number`, `number` seconds after noon."""
    fact = Fact(
        identity=str(number),
        payload=payload,
        occurred_at=NOON + number * SECOND,
        stream="stock",
        sequence=number,
    )
    return Event(
        position=number,
        event_id=str(uuid5(UUID(int=0), f"{source}:{number}")),
        tenant="main",
        source=source,
        received_at=NOON + timedelta(hours=1),
        raw_ref=None,
        fact=fact,
    )


def moved(source: Place | None, target: Place | None, base: Quantity | None = None) -> StockMoved:
    return StockMoved(
        movement_id="M",
        item="X",
        quantity=Quantity.of(2, "CS"),
        type=MovementType.OTHER,
        source_place=source,
        target_place=target,
        base=base,
    )


@pytest.mark.parametrize(
    ("source", "target", "picked"),
    [
        (SHELF, DOCK, 24),
        (SHELF, None, 24),
        (DOCK, SHELF, -24),
        (None, SHELF, -24),
        (DOCK, None, 0),
        (SHELF, Place(location="DC2"), 0),
    ],
)
def test_a_movement_is_a_pick_by_what_leaves_the_shelf(
    source: Place | None, target: Place | None, picked: int
) -> None:
    (movement,) = page_of([heard(moved(source, target, Quantity.of(24)))]).movements

    assert movement.picked == picked * MICROS
    assert (movement.micros, movement.unit) == (24 * MICROS, "EA")
    assert (movement.source is None, movement.target is None) == (source is None, target is None)


def test_a_movement_without_a_base_quantity_counts_as_it_was_told() -> None:
    (movement,) = page_of([heard(moved(None, SHELF))]).movements

    assert (movement.micros, movement.unit, movement.target) == (2 * MICROS, "CS", AVAILABLE)


@given(st.lists(st.tuples(st.integers(0, 50), st.sampled_from(["", "L1"])), min_size=1))
def test_bins_of_one_bucket_are_summed(bins: list[tuple[int, str]]) -> None:
    lines = tuple(CountedStock(item="X", quantity=Quantity.of(n), lot=lot) for n, lot in bins)

    page = page_of([heard(StockSnapshotTaken(snapshot_id="S", location="DC1", lines=lines))])

    assert {count.bucket.lot: count.micros for count in page.counts} == {
        lot: sum(n for n, other in bins if other == lot) * MICROS for _, lot in bins
    }
    assert page.fulls == []


def test_a_full_count_says_so_even_of_an_empty_place() -> None:
    empty = StockSnapshotTaken(snapshot_id="S", location="DC1", lines=(), is_full=True)

    page = page_of([heard(empty, 7)])

    assert page.counts == []
    assert [(full.location, full.mark.seq) for full in page.fulls] == [("DC1", 7)]
    assert page.streams == {("main", stream_id("main", "wms", "stock")): ("wms", "stock")}


@given(st.permutations(range(1, 6)))
def test_of_each_order_and_group_the_newest_version_is_kept(numbers: list[int]) -> None:
    order = OrderChanged(order_id="SO-1", lines=())
    group = LocationChanged(code="G", kind=LocationKind.GROUP)

    page = page_of(
        [
            heard(what, number)
            for number in numbers
            for what in (order, group, ItemChanged(sku="X"))
        ]
    )

    assert [kept.rank for kept in page.orders.values()] == [5]
    assert [kept.rank for kept in page.locations.values()] == [5]


@given(st.permutations(range(1, 6)))
def test_of_each_lot_and_source_the_newest_word_is_kept_and_none_is_a_word_of_stock(
    numbers: list[int],
) -> None:
    page = page_of(
        [
            heard(LotChanged(item="X", lot="L"), number, source=source)
            for number in numbers
            for source in ("wms", "erp")
        ]
    )

    assert {key: kept.rank for key, kept in page.lots.items()} == {
        ("main", "X", "L", "wms"): 5,
        ("main", "X", "L", "erp"): 5,
    }
    assert (page.heard, page.streams, page.reached) == ({}, {}, 5)


@given(st.lists(st.integers(-7_200, 7_200), min_size=1))
def test_a_source_is_heard_when_it_last_spoke_and_never_in_our_future(seconds: list[int]) -> None:
    page = page_of([heard(SourceHeard(source="erp"), number) for number in seconds])

    latest = min(NOON + max(seconds) * SECOND, NOON + timedelta(hours=1))
    assert page.heard == {("main", "erp"): latest}


@given(st.integers(-86_400, 86_400), st.none() | st.integers(-86_400, 86_400))
def test_a_clock_that_is_ahead_is_clamped_for_the_order_and_kept_as_it_was(
    occurred: int, recorded: int | None
) -> None:
    said = heard(moved(SHELF, None))
    fact = replace(
        said.fact,
        sequence=None,
        occurred_at=said.received_at + occurred * SECOND,
        recorded_at=None if recorded is None else said.received_at + recorded * SECOND,
    )

    (movement,) = page_of([replace(said, fact=fact)]).movements

    clock = occurred if recorded is None else recorded
    assert movement.mark.us == microseconds(said.received_at + min(clock, 300) * SECOND)
    assert movement.mark.seq == movement.mark.us
    assert movement.event.fact == fact


@given(st.integers(1, 100_000))
def test_a_count_from_a_clock_that_is_days_ahead_does_not_govern_for_ever(hours: int) -> None:
    empty = StockSnapshotTaken(snapshot_id="S", location="DC1", lines=(), is_full=True)
    now = heard(empty)
    wrong = replace(
        now,
        fact=replace(
            now.fact, sequence=None, occurred_at=now.received_at + hours * 3_600 * SECOND
        ),
    )
    later = now.received_at + timedelta(minutes=6)
    right = replace(
        now,
        source="erp",
        received_at=later,
        fact=replace(now.fact, sequence=None, occurred_at=later),
    )

    openings = [
        Opening(mark_of(event), 0, is_named=True, counted_by=event.source)
        for event in (right, wrong)
    ]

    first = governing(openings)
    assert first
    assert first.counted_by == "erp"


marks = st.builds(Mark, st.integers(0, 1), st.integers(0, 3), st.integers(0, 3))
identities = st.integers(0, 3).map(lambda number: UUID(int=number))


@given(st.lists(st.tuples(marks, identities)), st.randoms(use_true_random=False))
def test_of_each_stream_the_newest_count_stands_whatever_the_order(found, random) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001 - hypothesis hands in what it draws
    event = heard(moved(None, SHELF))
    counts = [Count(AVAILABLE, 1, "EA", mark, by, NOON, "wms", event) for mark, by in found]
    fulls = [Full("main", "DC1", mark, by, NOON, "wms", event) for mark, by in found]
    ranks = {(mark.stream, mark.seq, mark.us, by) for mark, by in found}
    best = {stream: max(rank for rank in ranks if rank[0] == stream) for stream, *_ in ranks}

    for kept in (newest(counts), newest_full(fulls)):
        assert {(one.mark.stream, one.mark.seq, one.mark.us, one.counted_by) for one in kept} == (
            set(best.values())
        )
    random.shuffle(counts)
    assert {(one.mark, one.counted_by) for one in newest(counts)} == {
        (Mark(*rank[:3]), rank[3]) for rank in best.values()
    }


@st.composite
def words(draw: st.DrawFn) -> list[Came]:
    """Draw what is said of a bucket: movements and snapshots of two streams, some late."""
    said: list[Came] = []
    for position in range(draw(st.integers(0, 8))):
        us = draw(st.integers(1, 9))
        mark = Mark(draw(st.sampled_from([1, 2])), us, us)
        opening = Opening(mark, position, is_named=True, counted_by=f"{position:02}")
        said.append(Came(position, draw(st.sampled_from([None, opening])), draw(st.booleans())))
    return said


@given(words(), st.booleans(), st.randoms(use_true_random=False))
def test_each_count_of_a_page_is_held_against_what_governed_before_it(
    said: list[Came],
    is_known: bool,  # noqa: FBT001  # drawn by hypothesis, never passed by position
    chance: Random,
) -> None:
    """As if each word were a page of its own."""
    old = Opening(Mark(1, 4, 4), 0, is_named=True, counted_by="")
    heard, expected = [old] if is_known else [], dict[int, Opening | None]()
    for one in said:
        before = governing(heard)
        heard += [one.opening] if one.opening else []
        is_new = not is_known and one.position == 0
        is_count = one.opening is None or (governing(heard) is one.opening and not is_new)
        if one.is_count and is_count:
            expected[one.position] = before
    shuffled = chance.sample(said, len(said))

    assert governed(old if is_known else None, shuffled, is_known=is_known) == expected
