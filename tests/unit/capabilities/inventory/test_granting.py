"""Maxima and minima of channels where promises are made: the law's example, and a naive way."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.inventory import Figures
from crossdock.capabilities.inventory.granting import (
    Ask,
    Counter,
    Given,
    Guards,
    Limit,
    decided,
    free_for,
    free_now,
    grants,
)
from crossdock.capabilities.inventory.protection import Claim

# A14: pool 100; SUP KEY 40 (used 0), WEB 20 (used 10); PAL WEB 30 (used 10), BRANCH 70 (used 20)
A14 = Counter(
    Figures(nettable=100),
    guards={
        "KEY": Claim(least=40),
        "WEB": Claim(least=20, most=30, used=10),
        "BRANCH": Claim(most=70, used=20),
    },
)


@pytest.mark.parametrize(
    ("channel", "expected"), [("KEY", 90), ("WEB", 20), ("BRANCH", 50), ("counter", 50)]
)
def test_a14_each_channel_may_be_promised_what_its_maximum_and_others_minima_leave(
    channel: str, expected: int
) -> None:
    assert free_for(0, {0: A14}, channel=channel).micros == expected
    asks = [Ask(((0, 100),), allow_partial=True, channel=channel)]
    assert grants(asks, {0: A14}) == [(expected,)]


@pytest.mark.parametrize(
    ("channel", "asked", "got", "limit"),
    [
        ("KEY", 90, 90, Limit.NONE),
        ("KEY", 91, 90, Limit.MINIMUM),
        ("WEB", 21, 20, Limit.MAXIMUM),
        ("BRANCH", 51, 50, Limit.MAXIMUM),
        ("counter", 60, 50, Limit.MINIMUM),
    ],
)
def test_a14_what_cut_a_promise_is_named(channel: str, asked: int, got: int, limit: Limit) -> None:
    partly = Ask(((0, asked),), allow_partial=True, channel=channel)

    assert decided([partly], {0: A14}) == [(Given(got, limit),)]


def test_what_stock_alone_cuts_is_no_channels_limit() -> None:
    asks = [Ask(((0, 101),), allow_partial=True, channel="KEY")]
    only_key = Counter(Figures(nettable=100), guards={"KEY": Claim(least=40, most=200)})

    assert decided(asks, {0: only_key}) == [(Given(100, Limit.NONE),)]


def test_each_promise_uses_up_its_channels_own_minimum_and_maximum() -> None:
    asks = [Ask(((0, 30),), channel="KEY"), Ask(((0, 60),), channel="counter"),
            Ask(((0, 1),), channel="counter"), Ask(((0, 10),), channel="KEY")]  # fmt: skip
    guards = {"KEY": Claim(least=40)}
    counter = Counter(Figures(nettable=100), guards=guards)

    assert grants(asks, {0: counter}) == [(30,), (60,), (0,), (10,)]


def test_a_request_that_is_denied_uses_up_nothing() -> None:
    guards = {"WEB": Claim(most=10)}
    counters = {0: Counter(Figures(nettable=50), guards=guards), 1: Counter(Figures())}
    asks = [Ask(((0, 10), (1, 1)), channel="WEB"), Ask(((0, 10),), channel="WEB")]

    assert grants(asks, counters) == [(0, 0), (10,)]


# A25, A26: an order's own demand does not stand in its way, nor does it use the maximum twice.
def test_an_orders_own_claim_is_in_what_its_channel_has_had() -> None:
    counter = Counter(
        Figures(nettable=100, hard=20),
        guards={"WEB": Claim(most=30, used=20), "KEY": Claim(least=70)},
    )

    asks = [Ask(((0, 20),), own=(20,), channel="WEB", had=(20,))]
    assert grants(asks, {0: counter}) == [(20,)]
    free = free_for(0, {0: counter}, 20, "WEB", had=20)
    assert (free.pool, free.kept, free.allowance, free.micros) == (100, 70, 30, 20)


def test_a_group_of_locations_keeps_minima_of_what_its_members_have() -> None:
    counters = {
        0: Counter(Figures(), members=(1, 2), guards={"KEY": Claim(least=8)}),
        1: Counter(Figures(nettable=6), group=0),
        2: Counter(Figures(nettable=6), group=0),
    }

    assert free_for(0, counters, channel="web").micros == 4
    assert free_for(0, counters, channel="KEY").micros == 12
    assert free_now(1, counters) == 6


small = st.integers(0, 12)
names = st.sampled_from(["key", "web", "branch", "other"])
guards_of = st.dictionaries(
    st.sampled_from(["key", "web", "branch"]),
    st.builds(Claim, least=small, most=st.none() | small, used=small),
)
asks_of = st.lists(
    st.builds(
        lambda asked, channel, partly: Ask(((0, asked),), partly, channel=channel),
        st.integers(1, 12), names, st.booleans(),
    ),
    max_size=8,
)  # fmt: skip


def naive(there: int, guards: Guards, asks: list[Ask]) -> list[int]:
    """Ask the formula of §3.6 for each unit anew."""
    used = {name: claim.used for name, claim in guards.items()}
    got: list[int] = []
    for ask in asks:
        [(_, asked)] = ask.lines
        one, taken = dict(used), 0
        while taken < asked:
            kept = [max(0, claim.least - one[name]) for name, claim in guards.items()
                    if name != ask.channel]  # fmt: skip
            own = guards.get(ask.channel, Claim())
            caps = [] if own.most is None else [own.most - one[ask.channel]]
            if min([there - taken - sum(kept), *caps]) < 1:
                break
            taken += 1
            if ask.channel in one:
                one[ask.channel] += 1
        if taken == asked or ask.allow_partial:
            used, there = one, there - taken
            got.append(taken)
        else:
            got.append(0)
    return got


@given(st.integers(0, 40), guards_of, asks_of)
def test_unit_by_unit_gives_the_same(there: int, guards: Guards, asks: list[Ask]) -> None:
    counters = {0: Counter(Figures(nettable=there), guards=guards)}

    assert [got for (got,) in grants(asks, counters)] == naive(there, guards, asks)


@given(st.integers(0, 40), guards_of, asks_of)
def test_no_promise_breaks_a_minimum_of_others_or_its_own_maximum(
    there: int, guards: Guards, asks: list[Ask]
) -> None:
    given_out = decided(asks, {0: Counter(Figures(nettable=there), guards=guards)})
    by_channel = dict.fromkeys((*guards, "other"), 0)
    for ask, ((got, limit, *_),) in zip(asks, given_out, strict=True):
        by_channel[ask.channel] = by_channel.get(ask.channel, 0) + got
        assert not limit or got < ask.lines[0][1]

    assert sum(by_channel.values()) <= there
    for name, claim in guards.items():
        got = by_channel[name]
        if claim.most is not None:
            assert got <= max(0, claim.most - claim.used)
        left = there - sum(by_channel.values())
        kept_at_first = max(0, claim.least - claim.used)
        others = sum(by_channel.values()) - got
        if others:
            assert left + got >= min(kept_at_first, there)


def test_two_orders_of_one_batch_share_their_channels_maximum() -> None:
    counter = Counter(Figures(nettable=100, hard=16), guards={"WEB": Claim(most=10)})
    asks = [Ask(((0, 8),), allow_partial=True, own=(8,), channel="WEB") for _ in range(2)]

    assert grants(asks, {0: counter}) == [(8,), (2,)]


# 20 there, of which key's order claims 10; a minimum of 10 for key is kept by that already.
@pytest.mark.parametrize(("claimed", "free"), [(0, 0), (4, 4), (10, 10)])
def test_a_minimum_is_kept_once_beside_what_its_orders_claim(claimed: int, free: int) -> None:
    guards = {"key": Claim(least=10, claimed=claimed)}
    counter = Counter(Figures(nettable=20, hard=10), guards=guards)

    assert free_for(0, {0: counter}, channel="web").micros == free


@dataclass
class Placed:
    """An order line of a channel, so much of it open, and confirmed of that."""

    channel: str
    open: int
    confirmed: int


@dataclass
class Day:
    """What lies there, what orders claim and channels hold; who asks, anew or for an order."""

    there: int
    least: dict[str, int]
    most: dict[str, int]
    held: dict[str, int]
    orders: list[Placed]
    asks: list[tuple[str | int, int, bool]]


@st.composite
def days(draw: st.DrawFn) -> Day:
    channels = ["key", "web", "branch"]
    orders = [
        Placed(draw(names), open_, draw(st.integers(0, open_)))
        for open_ in draw(st.lists(st.integers(0, 8), max_size=4))
    ]
    limits = st.dictionaries(st.sampled_from(channels), small)
    quoted = draw(st.permutations(range(len(orders))))
    asks: list[tuple[str | int, int, bool]] = [
        (quoted[number] if number < len(quoted) and draw(st.booleans()) else draw(names),
         draw(st.integers(1, 12)), draw(st.booleans()))
        for number in range(draw(st.integers(1, 6)))
    ]  # fmt: skip
    held = {name: draw(small) for name in (*channels, "other")}
    return Day(draw(st.integers(0, 60)), draw(limits), draw(limits), held, orders, asks)


def counter_of(day: Day) -> Counter:
    """Say the day in the hub's words: what was had, and what orders claim beside it."""
    guards = {
        name: Claim(
            least=day.least.get(name, 0),
            most=day.most.get(name),
            used=day.held[name] + sum(o.confirmed for o in day.orders if o.channel == name),
            claimed=sum(o.open - o.confirmed for o in day.orders if o.channel == name),
        )
        for name in sorted(day.least.keys() | day.most.keys())
    }
    hard = sum(day.held.values()) + sum(order.open for order in day.orders)
    return Counter(Figures(nettable=day.there, hard=hard), guards=guards)


def asks_on(day: Day) -> list[Ask]:
    asks: list[Ask] = []
    for who, asked, partly in day.asks:
        if isinstance(who, str):
            asks.append(Ask(((0, asked),), partly, channel=who))
        else:
            one = day.orders[who]
            asks.append(Ask(((0, asked),), partly, (one.open,), one.channel, had=(one.confirmed,)))
    return asks


def one_by_one(day: Day) -> list[int]:
    """Keep a book of orders and holds, and sum it anew for everybody who asks."""
    given_out: list[int] = []
    for who, asked, partly in day.asks:
        order = None if isinstance(who, str) else day.orders[who]
        channel = who if isinstance(who, str) else day.orders[who].channel
        others = [one for one in day.orders if one is not order]
        pool = max(0, day.there - sum(day.held.values()) - sum(one.open for one in others))
        for name, least in day.least.items():
            set_aside = day.held[name] + sum(o.open for o in day.orders if o.channel == name)
            pool -= max(0, least - set_aside) if name != channel else 0
        used = day.held[channel] + sum(o.confirmed for o in others if o.channel == channel)
        allowed = [day.most[channel] - used] if channel in day.most else []
        wanted = asked if order is None else min(asked, order.open)
        got = max(0, min([wanted, pool, *allowed]))
        got = got if partly or got == asked else 0
        given_out.append(got)
        if order is None:
            day.held[channel] += got
        else:
            order.confirmed = max(order.confirmed, got)
    return given_out


@given(days())
def test_minima_are_kept_as_a_book_of_orders_and_holds_says(day: Day) -> None:
    asks, counters = asks_on(day), {0: counter_of(day)}

    assert [got for (got,) in grants(asks, counters)] == one_by_one(day)
