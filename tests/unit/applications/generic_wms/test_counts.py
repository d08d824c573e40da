"""Full counts of files in pieces: what is kept of them from piece to piece, and how they end."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.generic_wms.counts import COUNTS_MAX, Counts, closed
from crossdock.applications.generic_wms.mapping import kept, translated
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings
from crossdock.canonical.inventory import StockSnapshotTaken
from crossdock.connectivity.sdk.facts import Delivery, Translation, Untranslatable
from crossdock.connectivity.sdk.records import Record
from crossdock.connectivity.sdk.stock_records import Vocabulary, snapshots_taken

WORDS = Vocabulary()
LEVEL = {
    "snapshot_id": "S-1",
    "location": "DC1",
    "occurred_at": "2026-03-02T08:00:00Z",
    "is_full": "yes",
    "quantity": "1",
}


def level(item: str = "A", **more: Any) -> Record:
    return Record(fields=LEVEL | {"item": item} | more)


def ended(counts: Counts) -> Translation:
    found = closed(Delivery(body=counts.closing()), WORDS)
    assert found
    return found


@given(
    pieces=st.lists(st.lists(st.integers(0, 30), max_size=5), max_size=6),
    sequence=st.none() | st.integers(0, 9),
    delays=st.lists(st.integers(0, 59), min_size=6, max_size=6),
)
def test_the_word_that_ends_a_count_is_never_newer_than_a_piece_of_it(
    pieces: list[list[int]], sequence: int | None, delays: list[int]
) -> None:
    """Newer, it would empty what the piece names; it is kept as text from piece to piece."""
    counts, named = Counts(), list[Any]()
    for number, piece in enumerate(pieces):
        at = f"2026-03-02T09:{delays[number]:02d}:00Z"
        items = [f"{number}-{index}" for index in range(len(piece))]
        records = [level(item, sequence=sequence, recorded_at=at) for item in items]
        named += snapshots_taken(records, WORDS, part=f"{number}")[0]
        counts = Counts.read(json.loads(json.dumps(counts.then(records, ()).written())))

    facts = ended(counts).facts

    assert counts.problem == ""
    assert len(facts) == bool(named)
    for fact in facts:
        assert isinstance(fact.payload, StockSnapshotTaken)
        assert (fact.payload.is_full, fact.payload.lines) == (True, ())
        assert fact.recorded_at == min(piece.recorded_at for piece in named)
        assert {(fact.occurred_at, fact.sequence, fact.stream)} == {
            (piece.occurred_at, piece.sequence, piece.stream) for piece in named
        }
        assert fact.identity not in {piece.identity for piece in named}


@pytest.mark.parametrize(
    "other", [{"occurred_at": "2026-03-02T08:01:00Z"}, {"sequence": 7}, {"is_full": "no"}]
)
@given(order=st.permutations(range(3)))
def test_a_count_whose_pieces_are_of_two_moments_is_not_full(
    other: dict[str, Any], order: list[int]
) -> None:
    """Whichever of its pieces says so, a full one is told not to be full."""
    pieces = [level("A"), level("B"), level("C", **other)]
    counts = Counts()
    for number in order:
        counts = counts.then([pieces[number]], ())

    assert counts.problem == "'S-1' at 'DC1' differs in time, sequence or fullness"
    assert "of 'S-1' at 'DC1' was not taken as full" in counts.not_full("s.csv").reason


@given(
    said=st.lists(
        st.tuples(st.sampled_from(["S-1", "S-2"]), st.sampled_from(["yes", "no"])), max_size=8
    )
)
def test_only_what_all_its_pieces_call_full_is_ended_as_full(said: list[tuple[str, str]]) -> None:
    counts = Counts()
    for name, is_full in said:
        counts = counts.then([level(snapshot_id=name, is_full=is_full)], ())
    words: dict[str, set[str]] = {}
    for name, is_full in said:
        words.setdefault(name, set()).add(is_full)

    assert {head["snapshot_id"] for head in counts.full} == {
        name for name, of_it in words.items() if "yes" in of_it
    }
    assert bool(counts.problem) == any(len(of_it) == 2 for of_it in words.values())


def test_levels_of_counts_that_are_not_full_or_of_no_moment_end_none() -> None:
    counts = Counts().then([level(is_full="no"), level(occurred_at="noon")], ())

    assert counts.full == ()
    assert counts.problem == ""
    assert ended(counts).facts == ()


def test_the_first_thing_that_was_refused_is_why_a_count_is_not_full() -> None:
    refused = [Untranslatable(code="MD-UOM", where=f"line {n}", reason="odd") for n in (4, 9)]
    places = [level(location=f"DC{n}") for n in range(5)]
    told = Counts().then(places, refused).then([], refused).not_full("snapshots.csv")

    assert told.where == "snapshots.csv"
    assert "'S-1' at 'DC2' and 2 more was not taken as full: line 4: odd." in told.reason


def test_no_more_counts_of_a_file_are_remembered_than_can_be() -> None:
    counts = Counts().then([level(location=f"DC{n}") for n in range(COUNTS_MAX + 1)], ())

    assert len(counts.heads) == COUNTS_MAX
    assert counts.problem == f"more than {COUNTS_MAX} counts are in one file: split it"


def test_a_kept_end_is_read_again_as_it_was_and_no_webhook_can_say_one() -> None:
    form = GenericWmsFilesSettings.model_validate({"folder": "drop", "columns": {"item": "SKU"}})
    counts = Counts().then([level()], ())
    end = Delivery(body=counts.closing(), headers={":file": "snapshots.csv"})

    assert translated(Delivery(body=kept(end)), form) == ended(counts)
    assert translated(Delivery(body=counts.closing()), form).facts == ()


@given(st.binary(max_size=60) | st.just(b"[1]") | st.just(b"{}") | st.just(b"[{}]"))
def test_whatever_follows_its_first_word_a_broken_end_is_refused(rest: bytes) -> None:
    found = closed(Delivery(body=b"#counts " + rest), WORDS)

    assert found
    assert found.facts == ()
    assert closed(Delivery(body=rest), WORDS) is None
