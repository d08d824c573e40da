"""What is still to come is its channel's only within maxima and minima (domain.md §3.6)."""

from collections.abc import Mapping
from datetime import date

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import Availability, ChannelShares, Figures
from crossdock.capabilities.inventory.protection import Claim
from crossdock.capabilities.sourcing import Line, Stock
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
