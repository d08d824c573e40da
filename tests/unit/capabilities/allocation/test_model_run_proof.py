"""What a run gave is given again by what is kept of it, whatever was to be shared out. Pure."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation import RunState
from crossdock.capabilities.allocation.alternatives import Offer
from crossdock.capabilities.allocation.asks import Claim, Stock
from crossdock.capabilities.allocation.model import Expected, Line, Protection
from crossdock.capabilities.allocation.run_proof import is_reproduced
from crossdock.capabilities.allocation.shapes import Run
from crossdock.capabilities.allocation.sight import Sight, Waiting
from tests.unit.capabilities.allocation.test_model_alternatives import (
    EXPECTED,
    NOON,
    OFFERS,
    PROTECTIONS,
    order_lines,
)

POOLS = st.integers(0, 200)


def simulated(
    lines: list[Line],
    there: tuple[int, int, int, int],
    protections: list[Protection],
    expected: list[Expected],
    offers: list[Offer],
) -> Run:
    """Simulate a run as a look at the stock does, over a stock row with promises to others."""
    nettable, others, soft, safety = there
    hard = others + sum(line.requested for line in lines)
    claims = {one.demand_ref: Claim(one.demand_ref, one.requested, 0, 0) for one in lines}
    waiting = [
        Waiting(one.demand_ref, one.demand_ref[0], one.group, "", 1, claims[one.demand_ref], one)
        for one in lines
    ]
    stock = Stock("EA", 1, nettable, hard, soft, safety, claims)
    sight = Sight(
        "X", "DC1", stock, tuple(waiting), {}, tuple(protections), 1, expected=tuple(expected)
    )
    return sight.run("run_1", "ORDER", "hub", NOON, {"0/1": offers})


@given(order_lines(), st.tuples(POOLS, POOLS, POOLS, POOLS), PROTECTIONS, EXPECTED, OFFERS)
def test_every_run_is_reproduced_from_what_is_kept_of_it(
    lines: list[Line],
    there: tuple[int, int, int, int],
    protections: list[Protection],
    expected: list[Expected],
    offers: list[Offer],
) -> None:
    run = simulated(lines, there, protections, expected, offers)
    kept = msgspec.json.decode(msgspec.json.encode(run), type=Run)
    assert is_reproduced(kept)
    if kept.state is not RunState.REFUSED:
        assert is_reproduced(replace(kept, state=RunState.APPLIED))


def one_line() -> Run:
    line = Line("0/1", "web", 9, 2, Strategy.IMPROVE, 500, NOON)
    return simulated([line], (5, 0, 0, 0), [], [], [])


@pytest.mark.parametrize("name", ["supply", "gained", "owed", "lost"])
def test_a_run_of_which_a_figure_was_changed_is_not_reproduced(name: str) -> None:
    run = one_line()
    assert is_reproduced(run)
    assert not is_reproduced(replace(run, **{name: getattr(run, name) + 1}))


def test_a_run_that_gave_a_line_another_amount_is_not_reproduced() -> None:
    run = one_line()
    [line] = run.lines
    assert not is_reproduced(replace(run, lines=(replace(line, after=line.after - 1),)))


def test_a_run_that_was_refused_without_need_is_not_reproduced() -> None:
    assert not is_reproduced(replace(one_line(), state=RunState.REFUSED))
