"""What promises draw of the claims of orders: in all no more than these are worth (I1, A19)."""

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.drawing import Drawn, Draws, Pool
from crossdock.capabilities.inventory.granting import Ask, Counter, decided
from crossdock.capabilities.inventory.kits import Part, Recipe
from crossdock.capabilities.inventory.model import Figures

P, Q, X = 1, 2, 3
ROWS = {P: "o/1", Q: "o/2", X: "o/3"}
pieces = st.integers(0, 6)


@given(
    there=pieces,
    open_=st.tuples(pieces, pieces, pieces),
    asked=st.lists(
        st.lists(st.tuples(st.sampled_from([P, Q, X]), st.integers(1, 6)), min_size=1, max_size=3),
        max_size=5,
    ),
    partial=st.booleans(),
)
def test_kits_and_lines_of_one_order_never_promise_more_parts_than_there_are(
    *,
    there: int,
    open_: tuple[int, int, int],
    asked: list[list[tuple[int, int]]],
    partial: bool,
) -> None:
    claims = {row: open_[row - 1] * MICROS for row in ROWS}
    counters = {
        P: Counter(Figures(hard=claims[P])),
        Q: Counter(Figures(hard=claims[Q])),
        X: Counter(Figures(nettable=there * MICROS, hard=claims[X])),
    }
    pools = {row: Pool(("shop", "o"), row, claims[row]) for row in ROWS}
    part = Part("X", X, (("K", MICROS),), claims[X], pools[X])
    asks = [
        Ask(
            tuple((row, micros * MICROS) for row, micros in lines),
            allow_partial=partial,
            own=tuple(claims[row] for row, _ in lines),
            recipes={
                number: Recipe("K", (part,)) for number, (row, _) in enumerate(lines) if row != X
            },
            refs=tuple(ROWS[row] for row, _ in lines),
            pools=tuple(pools[row] for row, _ in lines),
        )
        for lines in asked
    ]

    every = decided(asks, counters)

    made = {P: 0, Q: 0}
    own_line = linked = beside = 0
    for ask, lines in zip(asks, every, strict=True):
        for (row, _), got in zip(ask.lines, lines, strict=True):
            if row == X:
                own_line = max(own_line, got.micros)
            else:
                made[row] += got.made
            linked += sum(micros for one, micros in got.parts if one.own is not None)
            beside += sum(micros for one, micros in got.parts if one.own is None)
    assert own_line + linked <= claims[X]
    assert own_line + linked + beside <= there * MICROS
    assert all(made[row] <= claims[row] for row in made)


def test_a_pool_gives_a_line_what_others_do_not_draw_and_parts_what_nobody_does() -> None:
    pool = Pool(("shop", "o"), X, 5)
    draws = Draws(Drawn(of={pool: {"": 1, "o/3": 2}}))
    assert (draws.left(pool), draws.left(pool, "o/3"), draws.left(pool, "o/4")) == (2, 4, 2)
    draws.draw(pool, 1, "o/3")
    assert draws.left(pool) == 2
    before = draws.copy()
    draws.draw(pool, 2)
    assert (draws.left(pool), before.left(pool)) == (0, 2)
