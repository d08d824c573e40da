"""Which supply a promise by date is served from. Pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.supply.answer import Claim, Kin, Lot, Node
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.pegging import pegs
from tests.unit.capabilities.supply.test_promise import TERMS, ask, day, shipped, standing, wanted

pieces = st.integers(0, 60)
dated = st.lists(st.tuples(pieces, st.integers(0, 7)), max_size=6)


def node(nettable: int, due: list[tuple[int, int]], coming: list[tuple[int, int]]) -> Node:
    claims = [Claim(str(n), one * MICROS, on=day(on)) for n, (one, on) in enumerate(due)]
    supplies = [shipped(one, on)._replace(supply_id=f"s{n}") for n, (one, on) in enumerate(coming)]
    return Node(TERMS, standing(nettable, sum(one for one, _ in due)), claims, supplies)


@given(pieces, pieces, dated, dated, st.integers(1, 80))
def test_every_part_is_pegged_to_what_has_come_by_then_and_no_supply_twice(
    nettable: int,
    safety: int,
    due: list[tuple[int, int]],
    coming: list[tuple[int, int]],
    asked: int,
) -> None:
    made = node(nettable, due, coming)
    made = made._replace(standing=made.standing._replace(safety=safety * MICROS))
    answer = ask(Kin(made), wanted(asked))
    found = pegs(answer)
    if not found:
        return
    for part in answer.schedule:
        assert sum(one.micros for one in found if one.day == part.day) == part.micros
    has = {one.supply.supply_id: one.micros for one in answer.inbound} | {"": nettable * MICROS}
    for name in {one.supply_id for one in found}:
        assert sum(one.micros for one in found if one.supply_id == name) <= has[name]
    assert all(one.on is None or one.on <= one.day for one in found)


def test_what_lies_there_is_taken_first_and_what_others_need_later_comes_later() -> None:
    answer = ask(Kin(node(10, [(5, 4)], [(6, 2), (9, 4)])), wanted(14))
    assert [(one.supply_id, one.micros // MICROS, one.on) for one in pegs(answer)] == [
        ("", 10, None),
        ("s0", 4, day(2)),
    ]


@pytest.mark.parametrize(
    "kin",
    [
        Kin(node(9, [], [])._replace(lots=[Lot("L1", "", 9 * MICROS, day(5))], keeps=False)),
        Kin(node(0, [], []), members=[node(9, [], [])], is_group=True),
    ],
)
def test_of_lots_and_of_several_places_the_answer_says_it_itself(kin: Kin) -> None:
    answer = ask(kin, wanted(5))
    assert (answer.schedule != (), pegs(answer)) == (True, ())


def test_what_is_promised_from_one_supply_alone_or_by_none_is_pegged_to_nothing() -> None:
    kin = Kin(node(9, [], []))
    assert pegs(ask(kin, wanted(5, mode=AtpMode.DISCRETE))) == ()
    assert pegs(ask(kin, wanted(50))) == ()
