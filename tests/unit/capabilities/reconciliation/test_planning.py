"""What reading channels back takes of their quota: bounded, and said."""

from itertools import pairwise
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossdock.capabilities.reconciliation.model import DAY, HOUR, MINUTE, ItemClass
from crossdock.capabilities.reconciliation.planning import (
    PASSES,
    OpenRound,
    Plan,
    System,
    askings,
    has_settled,
    is_turn,
    lines_due,
    lines_every,
    lines_planned,
    parted,
    planned,
    plans_of,
    turned,
)

A_DAY = 86_400


class Shop(NamedTuple):
    connection: str
    location: str
    listings: int
    keys_a_call: int
    calls_a_day: int


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((1_000_000, 100, 10 * A_DAY), (142_858, 1_429, 7, 1_654)),
        ((1_000_000, 1, A_DAY), (864, 864, 1_158, 10_000)),
        ((70, 100, 10 * A_DAY), (10, 1, 7, 2)),
        ((0, 100, 10 * A_DAY), (0, 0, 0, 0)),
        ((1, 100, 0), (0, 0, 0, 0)),
    ],
    ids=["a million, by the hundred", "a slow one", "a small shop", "nothing yet", "no quota"],
)
def test_all_is_read_in_a_week_or_as_the_share_allows(
    asked: tuple[int, int, int], expected: tuple[int, int, int, int]
) -> None:
    """Listings, keys a call, calls a day: keys and calls a day, days a round, the share."""
    listings, keys_a_call, quota = asked
    plan = planned("shop", "web", listings=listings, keys_a_call=keys_a_call,
                   quota_calls_a_day=quota)  # fmt: skip

    assert (plan.keys_a_day, plan.calls_a_day, plan.days_a_round, plan.share_ppm) == expected


@given(
    listings=st.integers(0, 10_000_000),
    keys_a_call=st.integers(1, 1000),
    quota=st.integers(0, 100 * A_DAY),
    elapsed=st.lists(st.integers(0, 3 * A_DAY), max_size=20),
)
def test_no_plan_takes_more_than_its_share(
    listings: int, keys_a_call: int, quota: int, elapsed: list[int]
) -> None:
    plan = planned("shop", "web", listings=listings, keys_a_call=keys_a_call,
                   quota_calls_a_day=quota)  # fmt: skip

    assert plan.calls_a_day * 100 <= quota
    assert plan.share_ppm <= 10_000
    assert plan.keys_at_once <= keys_a_call
    assert plan.keys_a_day <= plan.keys_at_once * plan.calls_a_day
    assert plan.days_a_round * plan.keys_a_day >= listings * bool(plan.keys_a_day)
    made = None
    now = called = 0
    for seconds in elapsed:
        now += seconds * 1_000_000
        due = plan.calls_due(made, now)
        assert due <= 100
        for _ in range(due):
            made = plan.made(made, now)
            called += 1
        assert not (due and plan.calls_due(made, now))
    assert called == 0 or (called - 1) * DAY <= now * plan.calls_a_day
    assert plan.calls_due(None, now) == bool(plan.calls_a_day)


def test_a_week_of_ticks_makes_the_calls_of_a_week() -> None:
    """100,000 listings want 143 calls a day; whoever comes every ten minutes makes them all."""
    plan = planned("shop", "web", listings=100_000, keys_a_call=100, quota_calls_a_day=A_DAY)
    made: int | None = None
    called = 0
    for tick in range(7 * 24 * 6 + 1):
        now = tick * 10 * MINUTE
        for _ in range(plan.calls_due(made, now)):
            made = plan.made(made, now)
            called += 1

    assert plan.calls_a_day == 143
    assert 7 * 143 <= called <= 7 * 143 + 1


def test_what_was_missed_is_not_made_up_for_and_what_was_refused_stays_due() -> None:
    plan = planned("shop", "web", listings=100_000, keys_a_call=100, quota_calls_a_day=A_DAY)

    assert plan.calls_due(0, 365 * DAY) == 100
    made = plan.made(0, 365 * DAY)
    assert plan.calls_due(made, 365 * DAY) == 99
    assert plan.calls_due(made, 365 * DAY) == plan.calls_due(made, 365 * DAY + 1)


shops = st.lists(
    st.builds(
        Shop,
        st.sampled_from(["one", "two"]),
        st.text("abc", min_size=1, max_size=3),
        st.integers(0, 10_000_000),
        st.integers(1, 250),
        st.just(10 * A_DAY),
    ),
    max_size=25,
)


@given(shops)
def test_all_locations_of_a_connection_share_its_one_share(sellers: list[Shop]) -> None:
    plans = plans_of(sellers)

    assert sorted((one.connection, one.location) for one in plans) == sorted(
        (one.connection, one.location) for one in sellers
    )
    for connection in ("one", "two"):
        calls = [one.calls_a_day for one in plans if one.connection == connection]
        assert sum(calls) * 100 <= 10 * A_DAY


@given(st.integers(0, 1000), st.lists(st.integers(0, 1000), max_size=20))
def test_what_is_parted_is_used_up_and_nobody_gets_more_than_is_wanted(
    allowed: int, wanted: list[int]
) -> None:
    parts = parted(allowed, wanted)

    assert sum(parts) == min(allowed, sum(wanted))
    assert all(0 <= part <= most for part, most in zip(parts, wanted, strict=True))


def plan_of(keys_a_call: int, keys_at_once: int) -> Plan:
    plan = planned("shop", "web", listings=7 * keys_at_once, keys_a_call=keys_a_call,
                   quota_calls_a_day=A_DAY)  # fmt: skip
    assert plan.keys_at_once == keys_at_once
    return plan


@pytest.mark.parametrize(
    ("plan", "again", "rooms"),
    [
        (plan_of(100, 100), 500, (20, 20)),
        (plan_of(100, 100), 7, (7, 7)),
        (plan_of(100, 90), 500, (20, 20)),
        (plan_of(10, 10), 500, (5, 5)),
        (plan_of(10, 2), 500, (8, 8)),
        (plan_of(3, 3), 500, (1, 2)),
        (plan_of(1, 1), 500, (0, 1)),
        (plan_of(1, 1), 0, (0, 0)),
    ],
)
def test_what_is_read_again_leaves_room_for_what_is_new(
    plan: Plan, again: int, rooms: tuple[int, int]
) -> None:
    assert (plan.room(again, 0), plan.room(again, 1)) == rooms


def test_who_was_asked_last_is_asked_again_last() -> None:
    assert turned(["C", "A", "B"], "") == ["A", "B", "C"]
    assert turned(["C", "A", "B"], "A") == ["B", "C", "A"]
    assert turned([], "A") == []


@pytest.mark.parametrize(
    ("tried_at", "is_in_flight", "settled"),
    [
        (None, False, True),
        (None, True, False),
        (HOUR - 30 * MINUTE, False, True),
        (HOUR - 30 * MINUTE + 1, False, False),
        (0, True, False),
    ],
)
def test_a_write_is_judged_once_it_had_its_effect(
    tried_at: int | None, *, is_in_flight: bool, settled: bool
) -> None:
    assert has_settled(tried_at, HOUR, is_in_flight=is_in_flight) is settled


@pytest.mark.parametrize(
    ("keys", "classes", "expected"),
    [
        (100, {"A": 20, "B": 30, "C": 50}, 80 + 60 + 50),
        (100, {}, 400),
        (100, {"C": 60}, 160 + 60),
        (0, {}, 0),
        (10, {"C": 90}, 10),
    ],
)
def test_a_round_asks_for_a_four_times_b_twice_c_once_and_the_unclassed_as_a(
    keys: int, classes: dict[str, int], expected: int
) -> None:
    assert askings(keys, classes) == expected


@given(st.text(max_size=8), st.text(max_size=8), st.sampled_from(ItemClass), st.integers(0, 99))
def test_each_key_has_its_turns_in_every_round(
    location: str, item: str, of: ItemClass, first: int
) -> None:
    turns = [is_turn(location, item, of, first + number) for number in range(PASSES)]

    assert sum(turns) == {ItemClass.A: 4, ItemClass.B: 2, ItemClass.C: 1}[of]


def test_a_million_positions_of_stock_cost_a_bounded_share_of_a_slow_system() -> None:
    """Tryton: five requests a second, sixteen to a question of 200 keys."""
    quota = 5 * A_DAY // 16
    places = [System("erp", f"DC{n}", 100_000, 200, quota) for n in range(10)]
    asked = {
        ("erp", f"DC{n}"): askings(100_000, {"A": 20_000, "B": 30_000, "C": 50_000})
        for n in range(10)
    }
    plans = plans_of(places, asked)

    assert sum(plan.share_ppm for plan in plans) <= 10_000
    assert sum(plan.calls_a_day for plan in plans) == 270
    assert {plan.days_a_round for plan in plans} == {36}
    assert {(plan.kind, plan.listings) for plan in plans} == {("STOCK", 100_000)}


@given(
    every=st.integers(0, 168).map(lambda hours: hours * HOUR),
    pages=st.integers(0, 5_000),
    lines=st.integers(0, 10**6),
    quota=st.integers(0, 10**7),
)
@example(every=6 * HOUR, pages=0, lines=0, quota=0)
@example(every=6 * HOUR, pages=900, lines=90_000, quota=A_DAY)
def test_open_orders_take_no_more_than_a_hundredth_of_a_quota(
    every: int, pages: int, lines: int, quota: int
) -> None:
    plan = lines_planned(
        "erp", "orders", lines=lines, pages=pages, every=every, quota_calls_a_day=quota
    )
    between = lines_every(every, pages, quota)

    assert plan.calls_a_day * 100 <= quota
    assert (plan.calls_a_day > 0) == bool(between) == bool(every and quota >= 100)
    assert between == 0 or between >= every
    assert plan.share_ppm <= 10_000
    if between:
        assert plan.calls_a_day * between >= 2 * max(1, pages) * DAY


@given(
    pages=st.tuples(st.integers(1, 5_000), st.integers(1, 5_000)),
    quota=st.integers(100, 10**7),
)
def test_all_kinds_of_documents_of_a_system_share_one_hundredth_of_its_quota(
    pages: tuple[int, int], quota: int
) -> None:
    of_orders, of_purchases = pages
    between = lines_every(HOUR, sum(pages), quota)
    plans = [
        lines_planned(
            "erp",
            kind,
            lines=0,
            pages=own,
            every=HOUR,
            quota_calls_a_day=quota,
            pages_of_others=others,
        )
        for kind, own, others in (
            ("orders", of_orders, of_purchases),
            ("purchases", of_purchases, of_orders),
        )
    ]

    assert [plan.kind for plan in plans] == ["ORDERS", "PURCHASES"]
    assert 2 * sum(pages) * DAY * 100 <= quota * between
    for plan, own in zip(plans, pages, strict=True):
        assert (plan.calls_a_day - 1) * between < 2 * own * DAY <= plan.calls_a_day * between


@given(
    steps=st.lists(st.integers(1, 90), max_size=60),
    what=st.sampled_from(["doubted", "failed", "both", "nothing"]),
)
def test_open_orders_are_read_twice_in_an_interval_at_most_and_half_an_hour_apart(
    steps: list[int], what: str
) -> None:
    is_doubted, has_failed = what in {"doubted", "both"}, what in {"failed", "both"}
    every, now, at, reads = 6 * HOUR, 0, OpenRound(0, is_second=True), list[int]()
    for step in steps:
        now += step * MINUTE
        if lines_due(at, now, every, is_doubted=is_doubted):
            at = OpenRound(now, now, not at.is_over(now, every), has_failed)
            reads.append(now)

    assert not reads or reads[0] >= every
    for one, following in pairwise(reads):
        assert following - one >= HOUR // 2
    for one, _, third in zip(reads, reads[1:], reads[2:], strict=False):
        assert third - one >= every
    if not (is_doubted or has_failed):
        assert all(b - a >= every for a, b in pairwise(reads))


@given(minutes=st.integers(0, 359), is_second=st.booleans())
def test_a_reading_that_gets_on_is_due_half_an_hour_after_it_was_broken_off(
    *, minutes: int, is_second: bool
) -> None:
    at = OpenRound(0, None, is_second, has_failed=True, gets_on=True)

    assert lines_due(at, minutes * MINUTE, 6 * HOUR, is_doubted=False) == (minutes >= 30)


def test_open_orders_that_nobody_wants_compared_are_never_due() -> None:
    assert not lines_due(OpenRound(0), 10**18, 0, is_doubted=True)
