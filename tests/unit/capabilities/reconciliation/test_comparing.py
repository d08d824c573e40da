"""Two sides in order of their keys, walked along once: the same is found as by comparing all."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.reconciliation import sorting
from crossdock.capabilities.reconciliation.buckets import Bucket
from crossdock.capabilities.reconciliation.comparing import CLASSED_MAX, DUE_MAX, Walk, speaks_of
from crossdock.capabilities.reconciliation.dumps import Line, LogLine, Parts
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ports import Key
from crossdock.capabilities.reconciliation.ranking import DUE_DAYS, is_due
from crossdock.capabilities.reconciliation.sides import Said
from crossdock.capabilities.reconciliation.sorting import Sorted

GROUPS = {"DAMAGED": "BAD", "QC_HOLD": "BAD"}
Stock = dict[tuple[str, str, str, str, str], int]
Levels = dict[tuple[str, str, Bucket], int]


class Shelf(NamedTuple):
    status: str
    owner: str
    lot: str
    serial: str
    micros: int


class Lying(NamedTuple):
    location: str
    item: str
    unit: str
    buckets: list[Shelf]
    counted_us: int = 0


places = st.sampled_from(["DC1", "DC2"])
items = st.sampled_from("ABC")
statuses = st.sampled_from(["AVAILABLE", "DAMAGED", "QC_HOLD", "IN_TRANSIT"])
owners = st.sampled_from(["", "SUPPLIER"])
lots = st.sampled_from(["", "L1"])
shelves = st.dictionaries(
    st.tuples(places, items, statuses, owners, lots), st.integers(-2, 3), max_size=10
)
parts = st.builds(Parts, st.booleans(), st.booleans(), st.booleans(), st.just(value=False))


def line(place: str, item: str, micros: int) -> Line:
    return Line(place, item, "", "", "", "", micros, "", 1)


def _spoken_of(
    sides: tuple[Levels, Levels], *, is_first_full: bool, is_second_full: bool
) -> tuple[Levels, Levels]:
    """Leave out what a part dump leaves out: it says nothing of it."""
    first, second = sides
    return (
        {key: n for key, n in first.items() if is_second_full or key in second},
        {key: n for key, n in second.items() if is_first_full or key in first},
    )


def naive(
    ours: Stock, lines: list[Line], said: Said, *, is_ours_full: bool
) -> dict[tuple[str, str], tuple[dict[Bucket, int], dict[Bucket, int]]]:
    """Add everything up by the definitions, key by key, and compare all of it."""
    sides: tuple[Levels, Levels] = (defaultdict(int), defaultdict(int))
    for (place, item, status, owner, lot), micros in ours.items():
        if (owner and not said.parts.owner) or (status == "IN_TRANSIT" and not said.parts.status):
            continue
        bucket = Bucket(
            GROUPS.get(status, status) if said.parts.status else "",
            owner if said.parts.owner else "",
            lot if said.parts.lot else "",
        )
        sides[0][place, item, bucket] += micros
    for one in lines:
        status = GROUPS.get(one.status, one.status)
        sides[1][one.location, one.item, Bucket(status, one.owner, one.lot)] += one.micros
    sides = _spoken_of(sides, is_first_full=is_ours_full, is_second_full=said.is_full)
    keys = {place[:2] for side in sides for place in side}
    found: dict[tuple[str, str], tuple[dict[Bucket, int], dict[Bucket, int]]] = {}
    for key in keys:
        mine, theirs = (
            {bucket: n for (place, item, bucket), n in side.items() if (place, item) == key and n}
            for side in sides
        )
        if mine != theirs:
            found[key[0], key[1]] = (mine, theirs)
    return found


@given(
    ours=shelves,
    theirs=shelves,
    told=parts,
    is_full=st.booleans(),
    is_ours_full=st.booleans(),
    is_copied=st.booleans(),
)
async def test_what_differs_is_found_as_by_comparing_everything(
    ours: Stock,
    theirs: Stock,
    told: Parts,
    *,
    is_full: bool,
    is_ours_full: bool,
    is_copied: bool,
) -> None:
    lines = [
        line(place, item, micros)._replace(
            status=status if told.status else "",
            owner=owner if told.owner else "",
            lot=lot if told.lot else "",
        )
        for (place, item, status, owner, lot), micros in (ours if is_copied else theirs).items()
    ]
    said = Said(lines=lines, parts=told, groups=GROUPS, is_full=is_full)
    walk = Walk(said, frozenset(), is_ours_full=is_ours_full)
    with Sorted(list[Line]) as rows:
        rows.add(lines)
        suspects = [one async for one in walk.suspects(ledger(ours), rows.by_key())]

    expected = naive(ours, lines, said, is_ours_full=is_ours_full)
    found = {(one.location, one.item): one for one in suspects}
    assert {key: dict(one.ours) for key, one in found.items() if key in expected} == {
        key: mine for key, (mine, _) in expected.items()
    }
    # What only they name may cancel out within itself; a closer look finds that alike.
    assert found.keys() >= expected.keys()
    assert all(not one.ours and not one.unit for key, one in found.items() if key not in expected)
    assert walk.alike == walk.compared - len(found)
    if is_ours_full:
        keys = {(one.location, one.item) for one in lines} | (
            {key[:2] for key in ours} if is_full else set[tuple[str, str]]()
        )
        assert walk.compared == len(keys)


async def test_of_two_part_dumps_only_what_both_name_is_compared() -> None:
    """The first says AVAILABLE 100, the second AVAILABLE 100 and DAMAGED 8."""
    lines = [
        line("DC1", "A", 100)._replace(status="AVAILABLE"),
        line("DC1", "A", 8)._replace(status="DAMAGED"),
        line("DC1", "B", 8)._replace(status="DAMAGED"),
    ]
    ours = {("DC1", item, "AVAILABLE", "", ""): 100 for item in "AB"}
    for is_full, suspected in ((True, ["B"]), (False, list[str]())):
        said = Said(lines=lines, parts=Parts(), is_full=is_full)
        walk = Walk(said, frozenset(), is_ours_full=False)
        with Sorted(list[Line]) as rows:
            rows.add(lines)
            suspects = [one async for one in walk.suspects(ledger(ours), rows.by_key())]

        assert [one.item for one in suspects] == suspected
        assert walk.compared == 1 + is_full


def test_a_row_of_a_log_is_of_a_bucket_that_is_named_if_it_says_nothing_else() -> None:
    said = Said(lines=[], parts=Parts(), groups=GROUPS)
    named = frozenset({Bucket("BAD", "", "L1"), Bucket("AVAILABLE", "ACME")})

    def is_of(*parts: str) -> bool:
        return speaks_of(LogLine("DC1", "A", "D", 1, 1, "", *parts), named, said)

    assert is_of("DAMAGED")
    assert is_of("", "", "L1")
    assert is_of("AVAILABLE", "ACME")
    assert not is_of("EXPIRED")
    assert not is_of("AVAILABLE", "ACME", "L1")


async def ledger(ours: Stock) -> AsyncIterator[Lying]:
    keys: dict[tuple[str, str], Lying] = {}
    for (place, item, status, owner, lot), micros in sorted(ours.items()):
        key = keys.setdefault((place, item), Lying(place, item, "EA", []))
        key.buckets.append(Shelf(status, owner, lot, "", micros))
    for key in keys.values():
        yield key


async def test_a_unit_of_theirs_is_looked_at_closely() -> None:
    said = Said(lines=[], parts=Parts(status=False, owner=False, lot=False, serial=False))
    walk = Walk(said, frozenset())
    ours = {("DC1", "A", "AVAILABLE", "", ""): 12}
    with Sorted(list[Line]) as rows:
        rows.add([line("DC1", "A", 12)._replace(unit="CS")])
        [suspect] = [one async for one in walk.suspects(ledger(ours), rows.by_key())]

    assert suspect.unit == "EA"


async def test_what_is_watched_and_alike_now_is_told() -> None:
    said = Said(lines=[], parts=Parts())
    walk = Walk(said, {("DC1", "A"), ("DC1", "B")})
    ours = {("DC1", "A", "AVAILABLE", "", ""): 12}
    with Sorted(list[Line]) as rows:
        rows.add([line("DC1", "A", 12)._replace(status="AVAILABLE"), line("DC1", "C", 0)])
        assert not [one async for one in walk.suspects(ledger(ours), rows.by_key())]
    walk.found_explained(("DC1", "B"))
    walk.found_explained(("DC1", "C"))

    assert walk.watched_alike == [("DC1", "A"), ("DC1", "B")]
    assert (walk.compared, walk.alike) == (2, 2)


async def test_keys_whose_turn_it_is_are_noted_by_class() -> None:
    said = Said(lines=[], parts=Parts())
    walk = Walk(said, frozenset(), day=7)
    with Sorted(list[Line]) as rows:
        rows.add([line("DC1", f"I{n}", 0)._replace(of="A") for n in range(910)])
        rows.add([line("DC1", "no class", 0)])
        assert not [one async for one in walk.suspects(ledger({}), rows.by_key())]

    turns = [turn for _, turn in walk.due[ItemClass.A]]
    assert 100 < len(turns) < 180  # fourteen days of 91
    assert {7 - turn for turn in turns} == set(range(DUE_DAYS))
    assert not walk.due[ItemClass.B]


async def test_of_keys_that_nobody_classes_it_is_asked_how_often_a_batch_at_a_time() -> None:
    asked: list[int] = []

    async def as_b(keys: Collection[Key]) -> Mapping[Key, ItemClass]:
        asked.append(len(keys))
        return dict.fromkeys(keys, ItemClass.B)

    walk = Walk(Said(lines=[], parts=Parts()), frozenset(), day=7, classes=as_b)
    places = [f"I{n}" for n in range(8 * CLASSED_MAX)]
    with Sorted(list[Line]) as rows:
        rows.add([line("DC1", one, 0) for one in places])
        assert not [one async for one in walk.suspects(ledger({}), rows.by_key())]

    assert len(asked) == 2
    assert max(asked) <= CLASSED_MAX
    turns = walk.due[ItemClass.B]
    assert len(turns) == DUE_MAX
    assert all(is_due(*key, ItemClass.B, 7) for key, _ in turns)
    assert not walk.due[ItemClass.A]


@given(
    st.lists(st.tuples(places, items, st.integers(0, 5)), max_size=20),
    st.integers(1, 7),
    st.integers(1, 3),
)
def test_rows_come_out_sorted_however_many_went_to_disk(
    said: list[tuple[str, str, int]], part: int, block: int
) -> None:
    lines = [line(place, item, micros) for place, item, micros in said]
    with Sorted(list[Line], part_rows=part, block_rows=block) as rows:
        for one in lines:
            rows.add([one])
        assert list(rows) == sorted(lines)


def test_a_part_is_no_larger_than_is_kept_in_memory() -> None:
    assert sorting.BLOCK_ROWS < sorting.PART_ROWS <= 100_000
