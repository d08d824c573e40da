"""The demo's shop is not shown what its branches may take unseen, and hardly more (§3.7)."""

from decimal import Decimal

import pytest

from crossdock.canonical.quantities import MICROS
from crossdock.interfaces.cli.demo_world import buffer_of
from crossdock.interfaces.cli.trading_day import Channel, Sale, plan


def sold_by_branches(seed: int, orders: int, items: int) -> list[list[int]]:
    """Give the amounts of the branches' orders of each item of a day."""
    day = plan(seed, orders=orders, items=items)
    lines: dict[str, list[int]] = {item.sku: [] for item in day.items}
    for sale in day.happenings:
        if isinstance(sale, Sale) and sale.channel is Channel.BRANCH:
            lines[sale.sku].append(sale.quantity * MICROS)
    return list(lines.values())


@pytest.mark.parametrize(("orders", "items"), [(200, 80), (200, 120)])
def test_one_piece_is_kept_from_the_shop_of_what_branches_sell_now_and_then(
    orders: int, items: int
) -> None:
    for lines in sold_by_branches(7, orders, items):
        assert buffer_of(lines) == (1 if lines else 0)


def test_of_what_branches_sell_all_the_time_more_is_kept() -> None:
    lines = [12 * MICROS] * 10_000

    assert Decimal(12) <= buffer_of(lines) < Decimal(60)
