"""Lines of what is sold in packs: every grant is whole packs, whatever there is (A31, I2)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.packs import Pack
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import Figures
from crossdock.capabilities.inventory.granting import Ask, Counter, decided, grants
from crossdock.capabilities.inventory.kits import Part, Recipe

HALF = MICROS // 2
COUNTERS = st.fixed_dictionaries(
    {at: st.builds(Counter, st.builds(Figures, nettable=st.integers(-3, 60))) for at in range(3)}
)
LINES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 40), st.integers(0, 12), st.booleans()),
    min_size=1,
    max_size=4,
)


def ask(lines: list[tuple[int, int, int, bool]], *, partial: bool) -> Ask:
    """Ask for lines of (counter, amount, pack or 0, whether no stock limits it)."""
    moved = [Pack(pack).moved(micros) if pack else micros for _, micros, pack, _ in lines]
    return Ask(
        tuple((line[0], micros) for line, micros in zip(lines, moved, strict=True)),
        partial,
        unlimited=frozenset(at for at, line in enumerate(lines) if line[3]),
        packs=tuple(line[2] for line in lines),
    )


@given(st.lists(st.tuples(LINES, st.booleans()), max_size=4), COUNTERS)
def test_every_grant_is_a_multiple_of_its_pack_and_of_stock_no_more_than_there_is(
    asked: list[tuple[list[tuple[int, int, int, bool]], bool]], counters: dict[int, Counter]
) -> None:
    found = grants([ask(lines, partial=partial) for lines, partial in asked], counters)

    taken = dict.fromkeys(counters, 0)
    for (lines, _), got in zip(asked, found, strict=True):
        for (counter, _, pack, is_unlimited), micros in zip(lines, got, strict=True):
            assert not pack or micros % pack == 0
            taken[counter] += 0 if is_unlimited else micros
    assert all(taken[at] <= max(0, counters[at].figures.available) for at in counters)


@given(COUNTERS, st.lists(st.tuples(LINES, st.booleans()), max_size=4))
def test_without_packs_all_is_as_it_would_be_without_any(
    counters: dict[int, Counter], asked: list[tuple[list[tuple[int, int, int, bool]], bool]]
) -> None:
    plain = [
        ask([(one[0], one[1], 0, one[3]) for one in lines], partial=partial)
        for lines, partial in asked
    ]

    assert decided(plain, counters) == decided([replace(one, packs=()) for one in plain], counters)


@given(
    st.builds(Pack, st.integers(1, 24), st.booleans()),
    st.integers(0, 30),
    st.integers(1, 30),
    st.integers(0, 30),
)
def test_an_order_line_is_given_what_makes_whole_packs_with_what_it_had_before(
    pack: Pack, there: int, own: int, picked: int
) -> None:
    moved = pack.moved(own, picked)
    counters = {0: Counter(Figures(nettable=there, hard=own))}
    one = Ask(((0, moved or own),), True, (own,), packs=(pack.micros,),
              too_few=frozenset() if moved else frozenset({0}))  # fmt: skip

    [(got,)] = grants([one], counters)

    assert got == 0 or (got + picked) % pack.micros == 0
    assert got <= min(there, own)
    if moved and moved <= min(there, own):
        assert got == moved


def test_of_less_than_a_pack_nothing_is_granted_nor_of_what_is_asked_with_it() -> None:
    lines, few = ((0, 5), (1, 3)), frozenset({0})
    counters = {at: Counter(Figures(nettable=50)) for at in range(2)}

    whole = Ask(lines, packs=(12, 0), too_few=few)
    part = Ask(lines, True, packs=(12, 0), too_few=few)

    assert grants([whole, part], counters) == [(0, 0), (0, 3)]


@pytest.mark.parametrize(
    ("asked", "assembled", "parts", "pack", "got"),
    [
        (24, 0, 24, 12, 24),
        (24, 0, 23, 12, 12),
        (24, 5, 18, 12, 12),
        (24, 0, 11, 12, 0),
        (6, 0, 5, 1.5, 3),
    ],
)
def test_kits_are_granted_in_whole_packs_and_take_parts_of_no_more(
    asked: int, assembled: int, parts: int, pack: float, got: int
) -> None:
    recipe = Recipe("K", (Part("A", 1, (("K", 2 * MICROS),)),))
    counters = {
        0: Counter(Figures(nettable=assembled * MICROS)),
        1: Counter(Figures(nettable=2 * parts * MICROS)),
    }
    one = Ask(((0, asked * MICROS),), True, recipes={0: recipe}, packs=(int(pack * MICROS),))

    [(given_,)] = decided([one], counters)

    assert (given_.micros + given_.made) == got * MICROS
    taken = sum(micros for _, micros in given_.parts)
    assert taken == 2 * max(0, got - assembled) * MICROS
