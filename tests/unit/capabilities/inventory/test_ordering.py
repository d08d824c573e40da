"""What is held for kits that orders claim, beside a count that takes unit by unit (A19, A30)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import Figures
from crossdock.capabilities.inventory.drawing import Pool
from crossdock.capabilities.inventory.granting import Counter, Room
from crossdock.capabilities.inventory.kits import Part, Recipe
from crossdock.capabilities.inventory.ordering import Lacking, shared, standing

KIT = "K"
X = Part("X", 1, ((KIT, MICROS),))


def room(**figures: int) -> Room:
    """Make room of pieces that lie at X's counter, and are claimed there."""
    micros = {name: pieces * MICROS for name, pieces in figures.items()}
    return Room({1: Counter(Figures(**micros))})


def of(pieces: int, per: int = 1, gone: int = 0, own: int | None = None) -> Lacking:
    part = X._replace(into=((KIT, per * MICROS),))
    if own is not None:
        part = part._replace(own=own * MICROS, pool=Pool(("shop", "o"), 1, own * MICROS))
    return Lacking(pieces * MICROS, Recipe(KIT, (part,)), "", {"X": gone * MICROS})


@pytest.mark.parametrize(
    ("short", "claims", "made"),
    [
        (0, [2, 2], [0, 0]),
        (1, [2, 2], [0, 1]),
        (3, [2, 2], [1, 2]),
        (9, [2, 2], [2, 2]),
        (1, [], []),
    ],
)
def test_the_first_claims_have_what_lies_assembled(
    short: int, claims: list[int], made: list[int]
) -> None:
    found = shared(short * MICROS, [claim * MICROS for claim in claims])
    assert found == [kits * MICROS for kits in made]


def test_a_part_of_a_kit_is_put_together_whole() -> None:
    assert shared(MICROS // 2, [3 * MICROS // 2]) == [MICROS]


def test_what_the_order_claims_itself_is_not_held_whether_it_lies_there_or_not() -> None:
    found = standing(room(), of(2, own=2))
    assert (found.kits, found.held) == (2 * MICROS, ())
    assert [micros // MICROS for _, micros in found.claimed] == [2]


def test_two_kits_of_one_order_share_what_it_claims_itself() -> None:
    place = room(nettable=3)
    first, second = (standing(place, of(2, own=3)) for _ in range(2))
    assert [sum(m for _, m in one.claimed) // MICROS for one in (first, second)] == [2, 1]
    assert [sum(m for _, m in one.held) // MICROS for one in (first, second)] == [0, 1]


def test_at_a_group_no_more_than_its_members_can_put_together() -> None:
    place = Room(
        {
            1: Counter(Figures(), members=(2, 3)),
            2: Counter(Figures(nettable=MICROS), group=1),
            3: Counter(Figures(nettable=MICROS), group=1),
        }
    )
    recipe = Recipe(KIT, (X._replace(into=((KIT, 2 * MICROS),)),), ({"X": 2}, {"X": 3}))
    assert standing(place, Lacking(MICROS, recipe, "", {})).kits == 0


@given(
    there=st.integers(0, 12),
    hard=st.integers(0, 4),
    orders=st.lists(
        st.tuples(st.integers(0, 4), st.integers(1, 3), st.integers(0, 3), st.integers(0, 4)),
        max_size=4,
    ),
)
def test_i2_i9_each_order_has_its_parts_once_as_far_as_there_is_room(
    there: int, hard: int, orders: list[tuple[int, int, int, int]]
) -> None:
    place = room(nettable=there, hard=hard)
    left = max(0, there - hard)
    for number, (pieces, per, gone, own) in enumerate(orders):
        lacking = of(pieces, per, gone, own)
        [part] = lacking.recipe.parts
        pool = Pool(("shop", f"o{number}"), 1, own * MICROS)
        recipe = Recipe(KIT, (part._replace(pool=pool),))
        found = standing(place, lacking._replace(recipe=recipe))

        most = max(kits for kits in range(pieces + 1) if kits * per <= gone + own + left)
        assert found.kits == most * MICROS
        rest = max(0, most * per - gone)
        claimed = min(own, rest)
        assert sum(micros for _, micros in found.claimed) == claimed * MICROS
        assert sum(micros for _, micros in found.held) == (rest - claimed) * MICROS
        left -= rest - claimed
        assert left >= 0


@pytest.mark.parametrize(
    ("nettable", "hard", "safety", "short"), [(5, 3, 1, 0), (2, 3, 1, 2), (0, 0, 1, 1)]
)
def test_a_counter_is_short_of_what_is_promised_and_to_be_kept(
    nettable: int, hard: int, safety: int, short: int
) -> None:
    assert room(nettable=nettable, hard=hard, safety=safety).short(1) == short * MICROS
    group = Room(
        {
            1: Counter(Figures(hard=hard * MICROS, safety=safety * MICROS), members=(2,)),
            2: Counter(Figures(nettable=nettable * MICROS), group=1),
        }
    )
    assert group.short(1) == short * MICROS


def test_a_claim_without_a_pool_covers_nothing() -> None:
    recipe = Recipe(KIT, (X._replace(own=MICROS),))
    assert standing(room(nettable=1), Lacking(MICROS, recipe, "", {})).claimed == ()
