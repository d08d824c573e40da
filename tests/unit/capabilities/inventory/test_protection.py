"""What is kept for one channel is not shown to the others, until its period ends."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.inventory.protection import (
    Claim,
    More,
    Period,
    available_to,
    first_day,
    midnight,
    next_first_day,
    part,
    shown_of,
)
from crossdock.capabilities.inventory.publishing import ShareMode, Terms, available_to_sell

amounts = st.integers(0, 10**12)
claims = st.builds(Claim, least=amounts, most=st.none() | amounts, used=amounts)


@given(pool=st.integers(-(10**9), 10**12), own=claims, others=st.lists(claims, max_size=5))
def test_a_group_is_shown_no_more_than_its_maximum_and_what_is_not_kept(
    pool: int, own: Claim, others: list[Claim]
) -> None:
    shown = available_to(pool, own, others)

    assert 0 <= shown <= max(0, pool)
    assert own.most is None or shown <= max(0, own.most - own.used)
    assert shown == 0 or shown + sum(max(0, o.least - o.used) for o in others) <= pool


@given(pool=amounts, shares=st.lists(amounts, min_size=1, max_size=6))
def test_parts_together_are_never_more_than_the_pool_i3(pool: int, shares: list[int]) -> None:
    whole = sum(shares)
    shown = [
        available_to_sell(
            pool,
            Terms(share_mode=ShareMode.PARTITION, share_fixed=share, shares=whole, pack=1),
        )
        for share in shares
    ]

    assert sum(shown) <= pool
    assert whole > pool or shown == shares
    assert shown == [part(pool, share, max(share, whole)) for share in shares]


@given(pool=amounts, kept=amounts, percent=st.decimals(0, 100, places=2))
def test_what_is_kept_for_others_is_shown_in_no_mode(
    pool: int, kept: int, percent: Decimal
) -> None:
    for mode in ShareMode:
        terms = Terms(
            share_mode=mode,
            share_percent=percent,
            share_fixed=pool,
            kept_for_others=kept,
            pack=1,
        )
        assert available_to_sell(pool, terms) <= max(0, pool - kept)


@pytest.mark.parametrize(
    ("period", "first", "following"),
    [
        (Period.DAY, date(2026, 5, 6), date(2026, 5, 7)),
        (Period.WEEK, date(2026, 5, 4), date(2026, 5, 11)),
        (Period.MONTH, date(2026, 5, 1), date(2026, 6, 1)),
    ],
)
def test_a_period_is_one_of_the_calendar(period: Period, first: date, following: date) -> None:
    assert first_day(date(2026, 5, 6), period) == first
    assert next_first_day(date(2026, 5, 6), period) == following


@given(day=st.dates(date(2000, 1, 1), date(2100, 1, 1)), period=st.sampled_from(Period))
def test_every_day_lies_in_exactly_one_period(day: date, period: Period) -> None:
    first, following = first_day(day, period), next_first_day(day, period)

    assert first <= day < following
    assert first_day(following, period) == following
    assert first_day(following - timedelta(days=1), period) == first


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 5, 4), 24)]
)
def test_a_day_on_which_the_clock_changes_ends_at_midnight_all_the_same(
    day: date, hours: int
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    begins = midnight(day, berlin).astimezone(UTC)
    ends = midnight(next_first_day(day, Period.DAY), berlin).astimezone(UTC)

    assert ends - begins == timedelta(hours=hours)
    assert isinstance(begins, datetime)


# A14: pool 100; minima KEY 40, WEB 20 (10 had); maxima WEB 30 (10 had), BRANCH 70 (20 had).
A14 = {
    "KEY": Claim(least=40),
    "WEB": Claim(least=20, most=30, used=10),
    "BRANCH": Claim(most=70, used=20),
}


@pytest.mark.parametrize(
    ("channel", "shown"), [("KEY", 90), ("WEB", 20), ("BRANCH", 50), ("another", 50)]
)
def test_each_is_shown_what_maxima_and_minima_leave_it_a14(channel: str, shown: int) -> None:
    assert shown_of(100, channel, A14) == shown


def test_what_its_orders_claim_is_not_shown_beyond_its_maximum_a_second_time() -> None:
    claims_by_name = {"WEB": Claim(least=20, most=30, used=5, claimed=10)}

    assert shown_of(100, "WEB", claims_by_name) == 15
    assert shown_of(100, "KEY", claims_by_name) == 95


names = st.sampled_from(["KEY", "WEB", "BRANCH", "another"])
small = st.integers(0, 60)
by_name = st.dictionaries(
    names,
    st.builds(Claim, least=small, most=st.none() | small, used=small, claimed=small),
    max_size=4,
)


@given(
    pool=st.integers(-20, 120), said=by_name, sales=st.lists(st.tuples(names, small), max_size=9)
)
def test_shops_that_sell_what_they_are_shown_never_sell_what_is_kept_for_another(
    pool: int, said: dict[str, Claim], sales: list[tuple[str, int]]
) -> None:
    def short() -> int:
        return max(0, sum(one.protected for one in said.values()) - max(0, pool))

    missing = short()
    for name, wanted in sales:
        sold = min(wanted, shown_of(pool, name, said))
        own = said.get(name, Claim())
        said[name] = own.having(More(sold))
        pool -= sold

        assert short() <= missing
        assert not sold or own.most is None or own.used + own.claimed + sold <= own.most
        missing = short()
