"""What members of an owing group have for shares, beside what is in doubt there (I3, §4.3)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from crossdock.assembly.adapters import StockRead
from crossdock.canonical.owing import Owing
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.model import Figures
from crossdock.capabilities.inventory.proof import Availability
from tests.conftest import NOON

PIECES = st.integers(0, 20)


def answer(location: str, pieces: int, owing: Owing | None) -> Availability:
    return Availability(
        item="X",
        location=location,
        unit="EA",
        figures=Figures(pieces * MICROS, 0, 0, 0),
        by_status={},
        of_others=0,
        kept_for_group=0,
        sources=(),
        version=1,
        is_known=True,
        as_of=NOON,
        owing=owing,
    )


@given(st.lists(st.tuples(PIECES, PIECES), min_size=1, max_size=4), st.integers(0, 60))
def test_what_is_in_doubt_at_one_member_is_borne_by_the_others(
    members: list[tuple[int, int]], owed: int
) -> None:
    """Of each what lies there, and how much of that is in doubt."""
    lies = {f"DC{n}": pieces for n, (pieces, _) in enumerate(members)}
    doubts = {f"DC{n}": doubt for n, (_, doubt) in enumerate(members)}
    owing = Owing(owed * MICROS, {at: pieces * MICROS for at, pieces in lies.items()})
    answers = {("X", at): answer(at, pieces, owing) for at, pieces in lies.items()}
    withheld = {("X", at): doubt * MICROS for at, doubt in doubts.items()}
    withheld["Y", "DC0"] = MICROS
    read = StockRead(answers=answers, withheld=withheld, claims={}, turns={}, gone=())

    pools = {at: read.pool(one) for (_, at), one in answers.items()}

    shown = sum((pool.for_shares or pool).free for pool in pools.values())
    sure = sum(max(0, lies[at] - doubts[at]) for at in lies)
    assert shown == max(0, sure - owed) * MICROS
    assert all(pool.for_shares is None for pool in pools.values()) == (owed == 0)


def test_what_no_stock_limits_bears_nothing() -> None:
    owing = Owing(5 * MICROS, {"DC1": 0, "DC2": 9 * MICROS})
    endless = replace(answer("DC1", 0, owing), is_unlimited=True)
    read = StockRead(answers={("X", "DC1"): endless}, withheld={}, claims={}, turns={}, gone=())

    assert read.pool(endless).for_shares is None
