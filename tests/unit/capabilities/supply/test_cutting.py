"""Of a promised kit whose order claims fewer, what stays promised of each part (I9, A19)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import cutting, kept
from crossdock.capabilities.supply.answer import Claim
from crossdock.capabilities.supply.kept import DatedLine, Told
from tests.unit.capabilities.supply.test_assembled import promised
from tests.unit.capabilities.supply.test_promise import day

PLACE = ("X", "DC1")


def says(said: int, used: int = 0) -> Told:
    """Let an order say so many pieces, of which some have left."""
    there = max(0, said - used)
    return Told(True, said * MICROS, PLACE, used * MICROS, there * MICROS)


def cut(lines: list[DatedLine]) -> dict[tuple[str, int], int]:
    return {(one.item, (one.ship_date - day(0)).days): one.cut // MICROS for one in lines}


# Eight X: two that lie there, four put together now and two the day after tomorrow, of 12 A and
# 6 B in all.
@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Told(), {}),
        (says(8), {}),
        (says(20), {}),
        (says(7), {("X", 2): 1, ("A", 2): 2, ("B", 2): 1}),
        (says(4), {("X", 2): 2, ("X", 0): 2, ("A", 2): 4, ("A", 0): 4, ("B", 2): 2, ("B", 0): 2}),
        (says(1), {("X", 2): 2, ("X", 0): 4, ("A", 2): 4, ("A", 0): 8, ("B", 2): 2, ("B", 0): 4}),
        # Those that lay there have left first.
        (
            says(5, used=2),
            {("X", 2): 2, ("X", 0): 1, ("A", 2): 4, ("A", 0): 2, ("B", 2): 2, ("B", 0): 1},
        ),
    ],
)
def test_what_leaves_first_is_kept_and_of_each_part_what_goes_into_the_kits_that_are_left(
    order: Told, expected: dict[tuple[str, int], int]
) -> None:
    answer, lines = promised()
    found = cutting.recut(answer, lines, order)
    assert cut(found) == expected
    # Said once more it changes nothing, and back at what was promised nothing is cut.
    by_name = {(one.item, one.ship_date): one for one in found}
    now = [by_name.get((one.item, one.ship_date), one) for one in lines]
    assert cutting.recut(answer, now, order) == []
    assert set(cut(cutting.recut(answer, now, says(8))).values()) <= {0}


def test_what_is_no_kit_is_cut_by_its_order_alone() -> None:
    answer, lines = promised()
    kits = [one for one in lines if one.item == "X"]
    assert cutting.recut(answer, kits, says(1)) == []


@given(said=st.integers(0, 12), used=st.integers(0, 12))
def test_the_parts_that_are_left_are_enough_for_what_the_order_claims_and_for_no_whole_kit_more(
    said: int, used: int
) -> None:
    answer, lines = promised()
    order = says(said, used)
    found = {(one.item, one.ship_date): one for one in cutting.recut(answer, lines, order)}
    now = [found.get((one.item, one.ship_date), one) for one in lines]
    lying = max(0, 2 - used)
    wanted = max(0, min(6, order.open // MICROS - lying))
    kits = [one for one in now if one.item == "X"]
    assert sum(one.to_make for one in kits) == wanted * MICROS
    for item, per in (("A", 2), ("B", 1)):
        part = [one for one in now if one.item == item]
        assert sum(one.claimed for one in part) == wanted * per * MICROS
        nothing = Claim("so1/1/A", 0)
        assert sum(one.hard for one in kept.claims(part, nothing, Told())) == wanted * per * MICROS


@given(st.integers(1, 9), st.integers(1, 5))
def test_of_parts_that_go_in_by_fractions_enough_is_left(promised: int, whole: int) -> None:
    for kits in range(whole + 1):
        share = cutting.share(promised, kits, whole)
        assert promised * kits <= share * whole
        assert share <= promised


@given(
    made=st.lists(st.integers(0, 9), min_size=1, max_size=3),
    lying=st.integers(0, 9),
    used=st.integers(0, 12),
    said=st.integers(0, 20),
)
def test_kits_that_lie_assembled_are_kept_first_and_no_more_is_cut_than_was_to_be_made(
    made: list[int], lying: int, used: int, said: int
) -> None:
    kits = [
        DatedLine(1, *PLACE, "so1/1", day(at), micros + (0 if at else lying), made=micros)
        for at, micros in enumerate(made)
    ]
    fewer = cutting.unclaimed(kits, Told(True, used + said, PLACE, used, said))
    assert 0 <= fewer <= sum(made)
    there = max(0, lying - used)
    assert sum(made) - fewer + there >= min(said, sum(made) + there)
    assert not fewer or sum(made) - fewer + there <= max(said, there)


def test_of_a_part_that_is_cut_what_is_held_beyond_it_is_given_back() -> None:
    part = [DatedLine(1, "A", "DC1", "so1/1/A", day(0), 10, cut=4)]
    held = Claim("so1/1/A", 9)
    assert kept.given_back(part, held, Told()) == 3
    assert kept.given_back(part, held, Told(used=2)) == 5
    assert kept.given_back(part, held, says(1)) == 0  # its order names it
    assert kept.given_back([part[0]._replace(cut=0)], held, Told()) == 0
    assert [one.held for one in kept.spread(part, 9)] == [6]
