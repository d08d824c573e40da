"""A channel is never told more than its part of what there is, and in time."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.publishing import (
    Pace,
    ShareMode,
    Terms,
    WhenStale,
    available_to_sell,
    exposed_when_stale,
    in_channel_units,
    in_channel_units_up,
    level,
    pace,
    share,
)

amounts = st.integers(-(10**9), 10**12)
sizes = st.integers(0, 10**12)
percents = st.decimals(0, 100, places=4)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    return Terms(
        share_mode=draw(st.sampled_from(ShareMode)),
        share_percent=draw(percents),
        share_fixed=draw(sizes),
        buffer=draw(sizes),
        cap=draw(st.none() | sizes),
        pack=draw(st.integers(1, 10**8)),
        is_excluded=draw(st.booleans()),
        low_threshold=draw(sizes),
        levels=tuple(draw(st.lists(sizes, max_size=3))),
        jump_percent=draw(st.integers(1, 100)),
        when_stale=draw(st.sampled_from(WhenStale)),
        stale_buffer=draw(st.none() | sizes),
    )


def units(amount: int) -> int:
    return amount * MICROS


@given(pool=amounts, agreed=terms())
def test_exposure_is_within_pool_cap_and_whole_packs(pool: int, agreed: Terms) -> None:
    exposed = available_to_sell(pool, agreed)

    assert 0 <= exposed <= max(0, pool)
    assert exposed % agreed.pack == 0
    assert agreed.cap is None or exposed <= agreed.cap
    assert exposed == 0 or exposed <= share(pool, agreed) - agreed.buffer


@given(pool=amounts, parts=st.lists(st.integers(0, 100), min_size=1, max_size=6))
def test_percentages_together_never_expose_more_than_the_pool(pool: int, parts: list[int]) -> None:
    whole = max(1, sum(parts))
    agreed = [
        Terms(
            share_mode=ShareMode.PERCENT,
            share_percent=(Decimal(100 * part) / whole).quantize(Decimal("0.0001"), "ROUND_DOWN"),
            pack=1,
        )
        for part in parts
    ]

    assert sum(available_to_sell(pool, one) for one in agreed) <= max(0, pool)


@given(
    pool=amounts,
    parts=st.lists(st.decimals(0, 100, places=4), min_size=1, max_size=6),
    beside=st.decimals(0, 300, places=4),
)
def test_percentages_that_are_more_than_all_of_it_shrink_and_others_stay_as_they_are(
    pool: int, parts: list[Decimal], beside: Decimal
) -> None:
    whole = sum(parts, beside)
    agreed = [
        Terms(share_mode=ShareMode.PERCENT, share_percent=part, percents=whole, pack=1)
        for part in parts
    ]

    shown = [available_to_sell(pool, one) for one in agreed]

    assert sum(shown) <= max(0, pool)
    if whole <= 100:
        assert shown == [
            available_to_sell(pool, replace(one, percents=Decimal(0))) for one in agreed
        ]


@given(pool=amounts, more=sizes, agreed=terms())
def test_more_stock_never_exposes_less(pool: int, more: int, agreed: Terms) -> None:
    assert available_to_sell(pool, agreed) <= available_to_sell(pool + more, agreed)


def test_an_excluded_item_is_shown_as_none() -> None:
    assert available_to_sell(units(100), Terms(is_excluded=True)) == 0


@given(pool=amounts, shown=st.none() | sizes, agreed=terms())
def test_a_stale_source_never_raises_what_is_shown(
    pool: int, shown: int | None, agreed: Terms
) -> None:
    exposed = exposed_when_stale(pool, shown, agreed)

    assert 0 <= exposed <= available_to_sell(pool, agreed)
    assert shown is None or exposed <= shown


def test_a_stale_source_is_answered_as_agreed() -> None:
    def exposed(when_stale: WhenStale) -> int:
        agreed = Terms(when_stale=when_stale, stale_buffer=units(3))
        return exposed_when_stale(units(50), units(40), agreed) // MICROS

    assert [exposed(answer) for answer in WhenStale] == [40, 40, 0]
    lower = Terms(when_stale=WhenStale.LOWER, stale_buffer=units(3))
    assert exposed_when_stale(units(40), units(40), lower) == units(37)


def test_a_stale_source_widens_the_buffer_by_itself_unless_another_is_agreed() -> None:
    agreed = Terms(buffer=units(5))
    assert available_to_sell(units(40), agreed) == units(35)
    assert exposed_when_stale(units(40), units(35), agreed) == units(30)
    assert exposed_when_stale(units(40), units(35), replace(agreed, stale_buffer=0)) == units(35)


def test_a_sale_behind_a_wider_buffer_is_taken_off_once() -> None:
    agreed = Terms(buffer=units(5))

    def exposed(shown: int, unexplained: int) -> int:
        return (
            exposed_when_stale(units(40), units(shown), agreed, unexplained=units(unexplained))
            // MICROS
        )

    assert exposed(30, 0) == 30
    assert exposed(28, 2) == 28  # the shop fell by itself; its order has not come yet
    assert exposed(30, 2) == 28


@given(pool=amounts, shown=st.none() | sizes, agreed=terms())
def test_of_the_answers_to_a_stale_source_each_shows_no_more_than_the_one_before(
    pool: int, shown: int | None, agreed: Terms
) -> None:
    answers = (WhenStale.KEEP, WhenStale.LOWER, WhenStale.ZERO)
    kept, lower, zero = (
        exposed_when_stale(pool, shown, replace(agreed, when_stale=answer)) for answer in answers
    )

    assert kept >= lower >= zero == 0


@pytest.mark.parametrize(
    ("shown", "target", "expected"),
    [
        (100, 100, Pace.NONE),
        (None, 5, Pace.IMMEDIATE),  # nobody knows what it shows
        (100, 99, Pace.IMMEDIATE),  # it shows more than there is
        (0, 60, Pace.IMMEDIATE),  # back in stock
        (3, 5, Pace.IMMEDIATE),  # still scarce
        (49, 50, Pace.IMMEDIATE),  # crosses MEDIUM
        (100, 110, Pace.IMMEDIATE),  # a tenth more
        (100, 109, Pace.COALESCED),
    ],
)
def test_the_lane_is_chosen_by_what_waiting_costs(
    shown: int | None, target: int, expected: Pace
) -> None:
    agreed = Terms(low_threshold=units(5), levels=(units(10), units(50), units(500)))

    chosen = pace(None if shown is None else units(shown), units(target), agreed)

    assert chosen is expected


@given(shown=sizes, target=sizes, agreed=terms())
def test_exposing_too_much_never_waits(shown: int, target: int, agreed: Terms) -> None:
    if target < shown:
        assert pace(shown, target, agreed) is Pace.IMMEDIATE


@given(amount=sizes, agreed=terms())
def test_levels_count_the_thresholds_reached(amount: int, agreed: Terms) -> None:
    assert level(amount, agreed) == sum(1 for threshold in agreed.levels if threshold <= amount)


@given(base=sizes, numerator=st.integers(1, 10**4), denominator=st.integers(1, 10**4))
def test_converting_to_the_channels_unit_rounds_down(
    base: int, numerator: int, denominator: int
) -> None:
    exact = Fraction(base * denominator, numerator)

    converted = in_channel_units(base, numerator, denominator)

    assert converted <= exact < converted + 1
    more = in_channel_units_up(base, numerator, denominator)
    assert more - 1 < exact <= more
