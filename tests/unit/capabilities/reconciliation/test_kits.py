"""A kit moved whole on one side and by its components on the other (domain.md §4.4)."""

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.kits import Differing, explosions, sharing

SET = {"CUP": 6 * MICROS, "TRAY": MICROS}
BOX = {"CUP": 2 * MICROS, "LID": 2 * MICROS}
ROPE = {"YARN": MICROS // 3}


def rows(held_by: str = "", place: str = "DC1", /, **amounts: int) -> list[Differing]:
    return [
        Differing(number, place, item, amount * MICROS, held_by)
        for number, (item, amount) in enumerate(amounts.items())
    ]


@pytest.mark.parametrize(
    ("what", "differing", "kits"),
    [
        ("one kit", rows(SET=10, CUP=-60, TRAY=-10), {0: "SET", 1: "SET", 2: "SET"}),
        ("the other way round", rows(SET=-2, CUP=12, TRAY=2), {0: "SET", 1: "SET", 2: "SET"}),
        ("beside what has nothing to do with it", rows(X=5, SET=1, CUP=-6, TRAY=-1), {1, 2, 3}),
        ("one too many", rows(SET=10, CUP=-61, TRAY=-10), {}),
        ("in the same direction", rows(SET=10, CUP=60, TRAY=10), {}),
        ("one component is right", rows(SET=10, CUP=-60), {}),
        ("the kit is right", rows(CUP=-60, TRAY=-10), {}),
        (
            "two kits share a component",
            rows(SET=1, BOX=2, CUP=-10, TRAY=-1, LID=-4),
            dict.fromkeys(range(5), "BOX, SET"),
        ),
        (
            "two kits cancel out in the component that they share",
            rows(SET=1, BOX=-3, TRAY=-1, LID=6),
            dict.fromkeys(range(4), "BOX, SET"),
        ),
        (
            "beside one that has nothing to do with it",
            rows(SET=1, CUP=-6, TRAY=-1, ROPE=5),
            {0: "SET", 1: "SET", 2: "SET"},
        ),
        (
            "of two that share a component one alone fits",
            rows(SET=10, BOX=3, CUP=-60, TRAY=-10),
            {0: "SET", 2: "SET", 3: "SET"},
        ),
        ("all of it is one side's document", rows("OURS", SET=10, CUP=-60, TRAY=-10), {}),
    ],
)
def test_the_ratio_of_the_bill_decides(
    what: str, differing: list[Differing], kits: dict[int, str] | set[int]
) -> None:
    found = explosions(differing, {"SET": SET, "BOX": BOX, "ROPE": ROPE})

    assert (set(found) if isinstance(kits, set) else found) == kits, what


def test_a_kit_that_is_a_component_itself_is_exploded_by_one_bill_at_a_time() -> None:
    bills = {"SET": SET, "CRATE": {"SET": 4 * MICROS}}

    assert explosions(rows(CRATE=1, SET=-4), bills) == {0: "CRATE", 1: "CRATE"}


def test_what_leaves_a_rest_is_no_exact_ratio() -> None:
    half = [
        Differing(0, "DC1", "ROPE", MICROS // 2),
        Differing(1, "DC1", "YARN", -(MICROS // 2 * ROPE["YARN"] // MICROS)),
    ]

    assert explosions(half, {"ROPE": ROPE}) == {}


def test_each_location_stands_for_itself() -> None:
    here, there = rows(SET=10, CUP=-60), rows("", "DC2", TRAY=-10)

    assert explosions([*here, *there], {"SET": SET}) == {}


def test_where_the_sides_hold_a_document_each_the_kit_is_exploded() -> None:
    held = [
        Differing(0, "DC1", "SET", 10 * MICROS, "OURS"),
        Differing(1, "DC1", "CUP", -60 * MICROS, "THEIRS"),
        Differing(2, "DC1", "TRAY", -10 * MICROS, "THEIRS"),
    ]

    assert sorted(explosions(held, {"SET": SET})) == [0, 1, 2]


def naive(differing: list[Differing], kit: str, bill: dict[str, int]) -> set[int]:
    """Try every location by itself, with nothing but the bill's ratio."""
    found: set[int] = set()
    places: dict[str, dict[str, Differing]] = defaultdict(dict)
    for one in differing:
        places[one.location][one.item] = one
    for items in places.values():
        if kit not in items or not items[kit].micros:
            continue
        parts = [items.get(part) for part in bill]
        exact = [
            part is not None and part.micros * MICROS == -items[kit].micros * per
            for part, per in zip(parts, bill.values(), strict=True)
        ]
        if all(exact):
            found |= {items[kit].number, *(part.number for part in parts if part)}
    return found


amounts = st.integers(-3, 3)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["DC1", "DC2"]),
            st.sampled_from(["SET", "CUP", "TRAY", "X"]),
            st.one_of(amounts, amounts.map(lambda n: 6 * n)),
        ),
        max_size=8,
        unique_by=lambda row: row[:2],
    )
)
def test_one_kit_is_found_as_by_hand(found_in: list[tuple[str, str, int]]) -> None:
    differing = [
        Differing(number, place, item, amount * MICROS)
        for number, (place, item, amount) in enumerate(found_in)
    ]

    assert set(explosions(differing, {"SET": SET})) == naive(differing, "SET", SET)


@given(st.integers(-1000, 1000).filter(bool), st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_what_is_planted_by_a_bill_is_found(moved: int, takes: list[int]) -> None:
    bill = {f"PART-{number}": per * MICROS for number, per in enumerate(takes)}
    differing = [Differing(0, "DC1", "KIT", moved * MICROS)]
    differing += [
        Differing(number, "DC1", part, -moved * per)
        for number, (part, per) in enumerate(bill.items(), start=1)
    ]

    assert sorted(explosions(differing, {"KIT": bill})) == list(range(len(takes) + 1))


DEEP = {
    "BED": {"FRAME": MICROS, "DRAWER": 2 * MICROS},
    "DRAWER": {"BOARD": 4 * MICROS, "KNOB": MICROS},
    "FRAME": {"BOARD": 6 * MICROS},
}


@pytest.mark.parametrize(
    ("what", "differing", "kits"),
    [
        ("to the bottom", rows(BED=1, BOARD=-14, KNOB=-2), dict.fromkeys(range(3), "BED")),
        ("one level", rows(BED=1, FRAME=-1, DRAWER=-2), dict.fromkeys(range(3), "BED")),
        (
            "one of the kits in it as it is",
            rows(BED=-3, DRAWER=6, BOARD=18),
            dict.fromkeys(range(3), "BED"),
        ),
        (
            "one drawer as it is, and one by its parts",
            rows(BED=1, FRAME=-1, DRAWER=-1, BOARD=-4, KNOB=-1),
            dict.fromkeys(range(5), "BED, DRAWER"),
        ),
        ("a knob too many", rows(BED=1, BOARD=-14, KNOB=-3), {}),
        (
            "the lower kit alone",
            rows(DRAWER=1, BOARD=-4, KNOB=-1),
            dict.fromkeys(range(3), "DRAWER"),
        ),
    ],
)
def test_a_kit_of_kits_is_told_however_far_it_was_taken_apart(
    what: str, differing: list[Differing], kits: dict[int, str]
) -> None:
    assert explosions(differing, DEEP) == kits, what


def test_bills_that_go_in_a_circle_explain_nothing() -> None:
    circle = {"A": {"B": MICROS}, "B": {"A": MICROS}}

    assert explosions(rows(A=1, B=-1), circle) == {}


@given(
    st.dictionaries(
        st.sampled_from(["BED", "DRAWER", "FRAME"]), st.integers(-5, 5).filter(bool), min_size=1
    )
)
def test_whatever_was_taken_apart_on_whatever_level_is_told(apart: dict[str, int]) -> None:
    amounts: dict[str, int] = defaultdict(int)
    for kit, number in apart.items():
        amounts[kit] += number
        for part, per in DEEP[kit].items():
            amounts[part] -= number * per // MICROS
    differing = rows(**{item: amount for item, amount in amounts.items() if amount})

    assert set(explosions(differing, DEEP)) == set(range(len(differing)))


def test_of_thousands_of_kits_that_share_a_screw_a_few_are_named() -> None:
    """5,000 kits were moved whole on one side: 5,001 texts that can be read, not of 50 kB each."""
    kits = [f"KIT-{number:04}" for number in range(5_000)]
    bills = {kit: {"SCREW": MICROS} for kit in kits}

    found = explosions(rows(**dict.fromkeys(kits, 1), SCREW=-5_000), bills)

    names = "KIT-0000, KIT-0001, KIT-0002, KIT-0003, KIT-0004 and 4995 more"
    assert found == dict.fromkeys(range(5_001), names)


@given(st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), max_size=8))
def test_kits_are_grouped_by_what_they_share_however_far(parts: list[set[str]]) -> None:
    """Beside a naive grouping: merge two groups until no two have a component in common."""
    bills = {f"K{n}": dict.fromkeys(sorted(some), MICROS) for n, some in enumerate(parts)}
    naive = [({kit}, set(bill)) for kit, bill in bills.items()]
    while pair := next(((a, b) for a in naive for b in naive if a is not b and a[1] & b[1]), None):
        naive = [one for one in naive if one not in pair]
        naive.append((pair[0][0] | pair[1][0], pair[0][1] | pair[1][1]))

    grouped = sharing(sorted(bills), bills)

    assert sorted(map(sorted, grouped)) == sorted(sorted(names) for names, _ in naive)
