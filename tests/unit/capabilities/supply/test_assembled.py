"""Promised kits that were put together are claimed as kits: no more, and no less (I9)."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply import kept
from crossdock.capabilities.supply.answer import Atp, Component, Kin, Node
from crossdock.capabilities.supply.assembled import still_made
from crossdock.capabilities.supply.kept import DatedLine, Told
from tests.unit.capabilities.supply.test_promise import TERMS, ask, day, shipped, standing, wanted


def promised(used: int = 0) -> tuple[Atp, list[DatedLine]]:
    """Promise eight X of two A and a B each: of two that lie there, four made now, two later."""
    bolts = Kin(Node(TERMS, standing(8), (), [shipped(9, 2)]))
    parts = [
        Component("A", "EA", 2 * MICROS, bolts, 1, (("X", 2 * MICROS),)),
        Component("B", "EA", MICROS, Kin(Node(TERMS, standing(9))), 1, (("X", MICROS),)),
    ]
    answer = ask(Kin(Node(TERMS, standing(2)), components=parts), wanted(8, draws=True))
    told = {"so1/1/A": Told(used=used * MICROS)}
    return answer, [one for each in kept.lines_of(answer, 1, "so1/1", told) for one in each]


def made(lines: list[DatedLine]) -> list[tuple[date, int]]:
    return [(one.ship_date, one.made // MICROS) for one in lines]


@pytest.mark.parametrize(
    ("went", "used", "expected"),
    [
        ({}, 0, []),
        # Not before all that goes into a kit has gone into it.
        ({"A": 12}, 0, []),
        ({"A": 1, "B": 1}, 0, []),
        ({"A": 2, "B": 1}, 0, [(day(0), 3)]),
        ({"A": 7, "B": 9}, 0, [(day(0), 1)]),
        # Those that leave first are put together first.
        ({"A": 10, "B": 5}, 0, [(day(0), 0), (day(2), 1)]),
        ({"A": 99, "B": 99}, 0, [(day(0), 0), (day(2), 0)]),
        # What went into kits before the promise was made is another's.
        ({"A": 6, "B": 3}, 4, [(day(0), 3)]),
        ({"A": 4, "B": 3}, 4, []),
    ],
)
def test_i9_as_many_kits_are_put_together_as_all_parts_went_into(
    went: dict[str, int], used: int, expected: list[tuple[date, int]]
) -> None:
    answer, lines = promised(used)
    assert made(lines)[:2] == [(day(0), 4), (day(2), 2)]
    gone = {f"so1/1/{item}": pieces * MICROS for item, pieces in went.items()}
    assert made(still_made(answer, lines, gone)) == expected


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), max_size=5))
def test_heard_twice_or_in_steps_it_comes_to_the_same(steps: list[tuple[int, int]]) -> None:
    answer, lines = promised()
    parts = [one for one in lines if one.item != "X"]
    at_first = {one.ship_date: one for one in lines if one.item == "X"}
    stepwise = dict(at_first)
    gone = {"so1/1/A": 0, "so1/1/B": 0}
    for bolts, nuts in steps:
        gone["so1/1/A"] += bolts * MICROS
        gone["so1/1/B"] += nuts * MICROS
        for _ in range(2):
            for one in still_made(answer, [*stepwise.values(), *parts], gone):
                assert one.made < stepwise[one.ship_date].made
                stepwise[one.ship_date] = one
    changed = still_made(answer, lines, gone)
    assert stepwise == at_first | {one.ship_date: one for one in changed}
    done = min(gone["so1/1/A"] // (2 * MICROS), gone["so1/1/B"] // MICROS, 6)
    assert sum(one.made for one in stepwise.values()) == (6 - done) * MICROS


def test_what_is_no_kit_has_nothing_put_together() -> None:
    answer, lines = promised()
    of_kit = [one for one in lines if one.item == "X"]
    assert still_made(answer, of_kit, {}) == []
    assert still_made(answer, lines[len(of_kit) :], {}) == []
