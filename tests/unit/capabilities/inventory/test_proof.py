"""What an availability answer adds up to, and when it is too old to be believed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.inventory import StockStatus
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory.model import Figures
from crossdock.capabilities.inventory.proof import Availability, SourceAge
from tests.conftest import NOON

amounts = st.integers(0, 50)
figures = st.builds(Figures, amounts, amounts, amounts, amounts)


def answer(
    one: Figures, by_status: dict[StockStatus, int], sources: tuple[SourceAge, ...] = ()
) -> Availability:
    return Availability(
        item="X",
        location="DC1",
        unit="EA",
        figures=one,
        by_status=by_status,
        of_others=0,
        kept_for_group=0,
        sources=sources,
        version=1,
        is_known=True,
        as_of=NOON,
    )


@given(figures, st.dictionaries(st.sampled_from(StockStatus), st.integers(-50, 50)))
def test_on_hand_is_every_bucket_but_what_is_on_its_way(
    one: Figures, by_status: dict[StockStatus, int]
) -> None:
    said = answer(one, by_status)

    on_its_way = by_status.get(StockStatus.IN_TRANSIT, 0)
    assert said.on_hand == Quantity.from_micros(sum(by_status.values()) - on_its_way, "EA")


@given(figures, amounts, amounts)
def test_what_is_available_withheld_and_short_explains_the_net_figure(
    one: Figures, withheld: int, short: int
) -> None:
    said = replace(answer(one, {}), members_withheld=withheld, members_shortage=short)

    assert said.available + said.withheld - said.shortage == said.net


@given(st.lists(st.none() | st.integers(0, 7_200), max_size=3))
def test_an_answer_is_stale_when_any_of_its_sources_is(silences: list[int | None]) -> None:
    sources = tuple(
        SourceAge("wms", None if since is None else NOON - timedelta(seconds=since), 3_600)
        for since in silences
    )

    is_stale = any(since is None or since > 3_600 for since in silences)
    said = answer(Figures(0, 0, 0, 0), {}, sources)
    assert said.is_stale == is_stale
    assert is_stale == (said.fresh_until is not None and said.fresh_until < NOON)


@given(figures, amounts)
def test_an_order_line_may_have_what_there_would_be_without_its_claim(
    one: Figures, own: int
) -> None:
    claimed = replace(one, hard=one.hard + own)

    assert answer(claimed, {}).left_for(own) == min(own, one.available)


@pytest.mark.parametrize(("freshness", "late"), [(30, 30), (300, 30), (900, 90), (86_400, 8_640)])
def test_a_source_is_overdue_a_tenth_of_its_freshness_later_or_thirty_seconds(
    freshness: int, late: int
) -> None:
    age = SourceAge("wms", NOON, freshness)

    assert age.overdue_at - age.fresh_until == timedelta(seconds=late)
