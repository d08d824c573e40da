"""What is sold in packs moves to whole ones, and no grant breaks one (A12, A31)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.packs import Pack, whole

PACKS, AMOUNTS = st.integers(1, 40), st.integers(0, 500)


# A31: order 30 EA, sell multiple 12: 24 or 36 by policy, never 30.
@pytest.mark.parametrize(("up", "moved"), [(False, 24), (True, 36)])
def test_a31_30_of_what_is_sold_in_twelves_are_24_or_36_by_policy(moved: int, *, up: bool) -> None:
    assert Pack(12, up).moved(30) == moved
    assert Pack(12, up).moved(36) == 36


@pytest.mark.parametrize(("up", "moved"), [(False, 0), (True, 12)])
def test_less_than_a_pack_is_one_or_nothing_by_policy(moved: int, *, up: bool) -> None:
    assert Pack(12, up).moved(5) == moved


def test_what_has_left_of_a_pack_counts_for_it() -> None:
    assert Pack(12, up=True).moved(20, beside=4) == 20
    assert Pack(12, up=True).moved(21, beside=4) == 32
    assert Pack(12, up=False).moved(21, beside=4) == 20
    assert Pack(12, up=False).moved(3, beside=4) == 0


@given(st.builds(Pack, PACKS, st.booleans()), AMOUNTS, AMOUNTS)
def test_what_is_moved_makes_whole_packs_and_is_less_than_one_away(
    pack: Pack, asked: int, beside: int
) -> None:
    moved = pack.moved(asked, beside)

    assert moved == 0 or (moved + beside) % pack.micros == 0
    off = moved - asked
    assert 0 <= off < pack.micros if pack.up else -pack.micros < off <= 0


@given(PACKS, AMOUNTS, AMOUNTS)
def test_no_part_of_whole_packs_breaks_one(pack: int, micros: int, of: int) -> None:
    part = whole(micros, pack, of)

    assert part <= min(micros, of)
    assert part == 0 or (of - part) % pack == 0
    assert min(micros, of) - part < pack


@given(AMOUNTS, AMOUNTS)
def test_what_is_sold_in_no_packs_is_granted_as_it_is(micros: int, of: int) -> None:
    assert whole(micros, 0, of) == micros
