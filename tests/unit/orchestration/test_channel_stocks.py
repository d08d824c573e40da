"""What is still to come is its channel's only within maxima and minima (domain.md §3.6)."""

from collections.abc import Mapping
from datetime import date

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import Availability, ChannelShares, Figures
from crossdock.capabilities.inventory.protection import Claim
from crossdock.capabilities.sourcing import Keeps, Line, Stock
from crossdock.orchestration.channel_stocks import ChannelStocks
from tests.conftest import NOON

TODAY, LATER, LAST = (date(2026, 3, day) for day in (2, 5, 9))
LINE = Line(line_no=1, item="X", micros=40 * MICROS)
HERE = Availability(
    item="X", location="DC1", unit="EA", figures=Figures(10 * MICROS, 0, 0, 0), by_status={},
    of_others=0, kept_for_group=0, sources=(), version=1, is_known=True, as_of=NOON,
)  # fmt: skip


@pytest.mark.parametrize(
    ("guards", "available", "steps"),
    [
        ({}, 10, {LATER: 30, LAST: 50}),
        ({"web": Claim(most=4 * MICROS)}, 4, {}),
        ({"web": Claim(most=40 * MICROS, used=10 * MICROS)}, 10, {LATER: 30}),
        ({"key": Claim(least=8 * MICROS)}, 2, {LATER: 22, LAST: 42}),
    ],
)
def test_of_what_is_to_come_a_channel_has_what_its_limits_leave(
    guards: Mapping[str, Claim], available: int, steps: Mapping[date, int]
) -> None:
    shares = ChannelShares("web", {("X", "DC1"): 7}, {7: guards} if guards else {}, {}, {})
    stocks = ChannelStocks([LINE], {("X", "DC1"): HERE}, {}, {}, shares)
    stock = stocks.at("DC1")
    assert stock.available == {"X": available * MICROS}

    coming = [(TODAY, 10 * MICROS), (LATER, 30 * MICROS), (LAST, 50 * MICROS)]
    limited = stocks.limited("DC1", Stock(stock.available, supply={1: coming}))

    assert dict(limited.supply.get(1, ())) == {day: n * MICROS for day, n in steps.items()}


@pytest.mark.parametrize(
    ("not_now", "keeps", "steps"),
    [
        ((), {}, {LAST: 25}),
        ((1,), {}, {LATER: 10, LAST: 25}),  # what lies there leaves from a day on
        ((), {1: Keeps(days=30, micros=4 * MICROS)}, {LATER: 10, LAST: 25}),
    ],
)
def test_what_lies_there_and_cannot_leave_today_is_not_before_what_can_later(
    not_now: tuple[int, ...], keeps: Mapping[int, Keeps], steps: Mapping[date, int]
) -> None:
    shares = ChannelShares("web", {("X", "DC1"): 7}, {}, {}, {})
    stocks = ChannelStocks([LINE], {("X", "DC1"): HERE}, {}, {}, shares)
    coming = [(LATER, 10 * MICROS), (LAST, 25 * MICROS)]
    stock = Stock({"X": 10 * MICROS}, supply={1: coming}, keeps=keeps)

    limited = stocks.limited("DC1", stock, not_now)

    assert dict(limited.supply[1]) == {day: n * MICROS for day, n in steps.items()}
