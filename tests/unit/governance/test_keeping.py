"""Where a location has a keeper, nobody else's word moves its stock; the rest is left alone."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.quantities import Quantity
from crossdock.governance.keeping import Judged, StockFact, judged, locations_of

SOURCES = ("wms", "erp", "shop")
LOCATIONS = ("EAST", "WEST", "NORTH")


def moved(source: Place | None, target: Place | None) -> StockMoved:
    return StockMoved(
        movement_id="M1",
        item="X",
        quantity=Quantity.of(4),
        type=MovementType.OTHER,
        source_place=source,
        target_place=target,
    )


def counted(location: str, *, is_full: bool = False) -> StockSnapshotTaken:
    line = CountedStock(item="X", quantity=Quantity.of(4))
    return StockSnapshotTaken(snapshot_id="S1", location=location, lines=(line,), is_full=is_full)


places = st.builds(Place, location=st.sampled_from(LOCATIONS), status=st.sampled_from(StockStatus))
movements = st.builds(moved, st.none() | places, st.none() | places)
snapshots = st.builds(counted, st.sampled_from(LOCATIONS), is_full=st.booleans())
facts: st.SearchStrategy[StockFact] = st.one_of(movements, snapshots)
keepers_of = st.dictionaries(st.sampled_from(LOCATIONS), st.sampled_from(SOURCES))
EAST, WEST = Place(location="EAST"), Place(location="WEST")


def test_the_keeper_and_nobody_else_counts() -> None:
    keepers = {"EAST": "wms"}

    assert judged(counted("EAST"), "wms", keepers) == Judged(counted("EAST"))
    assert judged(counted("EAST"), "erp", keepers) == Judged(None, ("EAST",))
    assert judged(counted("EAST", is_full=True), "erp", keepers) == Judged(None, ("EAST",))
    assert judged(counted("WEST"), "erp", keepers) == Judged(counted("WEST"))


def test_a_move_within_a_kept_location_is_its_keepers() -> None:
    pick = moved(EAST, replace(EAST, status=StockStatus.STAGED_OUT))

    assert judged(pick, "wms", {"EAST": "wms"}) == Judged(pick)
    assert judged(pick, "erp", {"EAST": "wms"}) == Judged(None, ("EAST",))


def test_a_transfer_counts_at_the_end_that_its_teller_keeps() -> None:
    transfer, keepers = moved(EAST, WEST), {"EAST": "wms", "WEST": "erp"}

    assert judged(transfer, "wms", keepers) == Judged(moved(EAST, None), ("WEST",))
    assert judged(transfer, "erp", keepers) == Judged(moved(None, WEST), ("EAST",))
    assert judged(transfer, "shop", keepers) == Judged(None, ("EAST", "WEST"))


def test_a_transfer_counts_at_the_end_that_nobody_keeps() -> None:
    assert judged(moved(EAST, WEST), "erp", {"EAST": "wms"}) == Judged(
        moved(None, WEST), ("EAST",)
    )


@given(facts, st.sampled_from(SOURCES), keepers_of)
def test_what_counts_never_touches_what_another_keeps_and_loses_nothing_else(
    fact: StockFact, source: str, keepers: dict[str, str]
) -> None:
    verdict = judged(fact, source, keepers)

    allowed = [each for each in locations_of(fact) if keepers.get(each, source) == source]
    counting = locations_of(verdict.counts) if verdict.counts else ()
    assert list(counting) == allowed
    assert set(verdict.kept) == set(locations_of(fact)) - set(allowed)


@given(facts, st.sampled_from(SOURCES))
def test_where_nobody_is_keeper_every_word_counts_as_it_was_said(
    fact: StockFact, source: str
) -> None:
    assert judged(fact, source, {}) == Judged(fact)


@given(facts, st.sampled_from(SOURCES), keepers_of)
def test_what_counts_counts_again_as_it_is(
    fact: StockFact, source: str, keepers: dict[str, str]
) -> None:
    counts = judged(fact, source, keepers).counts

    assert counts is None or judged(counts, source, keepers) == Judged(counts)
