"""What an order asks for, in packs: whole ones with what was picked, within what it claims."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.packs import Pack
from crossdock.capabilities.sourcing import Asked, Line, Occasion, Order
from crossdock.foundation.scope import Scope
from crossdock.orchestration.order_packs import in_packs

KEY = ("X", "DC1")


class Sold:
    """Inventory, as far as it is asked: packs at DC1, and what was picked of each order line."""

    def __init__(self, packs: Mapping[tuple[str, str], Pack], picked: Mapping[str, int]) -> None:
        self._packs, self._picked = packs, picked

    async def packs(self, _scope: Scope, _keys: Sequence[Any]) -> Mapping[tuple[str, str], Pack]:
        return self._packs

    async def picked(self, _scope: Scope, refs: Sequence[str]) -> Mapping[str, int]:
        return {ref: self._picked[ref] for ref in refs if ref in self._picked}


async def packed(
    pack: Pack, line: Line, *, claimed: int | None = None, picked: int = 0, is_rest: bool = False
) -> Line | None:
    """Give the line in packs; None: it was refused."""
    occasion = Occasion.BACKORDER_RUN if is_rest else Occasion.CREATION
    asked = Asked(order=Order(lines=(line,), occasion=occasion), demand_refs={1: "O/1"})
    demand = {} if claimed is None else {1: (KEY, claimed)}
    sold: Any = Sold({KEY: pack}, {"O/1": picked})
    try:
        found = await in_packs(sold, Scope("main"), asked, ["DC1"], demand)
    except Invalid:
        return None
    assert found.packs == {1: (pack.micros, line.micros)}
    return found.order.lines[0]


def line(micros: int, step: int = 1) -> Line:
    return Line(line_no=1, item="X", micros=micros * step, step=step)


async def test_what_was_picked_of_a_pack_counts_for_it_where_its_order_is_counted() -> None:
    rest = await packed(Pack(12), line(20), claimed=20, picked=4)
    anew = await packed(Pack(12), line(20), picked=4)

    assert rest is not None
    assert (rest.micros, rest.step) == (20, 20)  # it leaves as it is, or not at all
    assert anew is not None
    assert (anew.micros, anew.step) == (24, 12)


async def test_a_back_order_run_asks_for_no_more_than_is_lacking() -> None:
    rest = await packed(Pack(12), line(20), is_rest=True)

    assert rest is not None
    assert rest.micros == 12
    assert await packed(Pack(12), line(8), is_rest=True) is None


@given(
    st.builds(Pack, st.integers(1, 24), st.booleans()),
    st.builds(line, st.integers(1, 40), st.sampled_from([1, 1, 6])),
    st.none() | st.integers(0, 60),
    st.integers(0, 30),
)
async def test_a_line_is_planned_in_whole_packs_and_no_more_than_its_order_claims(
    pack: Pack, asked: Line, claimed: int | None, picked: int
) -> None:
    found = await packed(pack, asked, claimed=claimed, picked=picked)

    if found is None:
        return
    beside = 0 if claimed is None else picked
    assert (found.micros + beside) % pack.micros == 0
    assert found.micros % found.step == 0
    if claimed is not None and asked.micros <= claimed:
        assert found.micros <= claimed
