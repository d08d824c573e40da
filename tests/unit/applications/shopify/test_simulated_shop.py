"""The simulated shop sells what it has, once."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.shopify.simulated_shop import Happening, Shop
from crossdock.foundation.clock import VirtualClock
from tests.unit.applications.shopify.shops import NOON, ports_at

actions = st.lists(
    st.tuples(st.sampled_from(["buy", "cancel", "remove", "fulfil"]), st.integers(0, 6)),
    max_size=30,
)


def shop_with(stock: int, *, sells_without_stock: bool = False) -> tuple[Shop, str]:
    shop = Shop(ports_at(VirtualClock(NOON)))
    location = shop.open_location("Main")
    item = shop.list_item("BOLT", stock={location: stock}, sells_without_stock=sells_without_stock)
    return shop, item


@given(stock=st.integers(0, 20), script=actions)
def test_no_unit_is_sold_twice_and_none_disappears(
    stock: int, script: list[tuple[str, int]]
) -> None:
    shop, item = shop_with(stock)
    chooser = Random(3)
    for action, amount in script:
        orders = list(shop.orders.values())
        if action == "buy":
            shop.buy("BOLT", amount)
        elif orders:
            order = chooser.choice(orders)
            if action == "cancel":
                shop.cancel(order)
            elif action == "fulfil":
                shop.fulfil(order)
            else:
                shop.remove(order, order.lines[0], amount)

    (level,) = [level for level in shop.levels.values() if level.variant.item == item]
    gone = sum(line.fulfilled for order in shop.orders.values() for line in order.lines)
    assert level.available >= 0
    assert level.committed >= 0
    assert level.available + level.committed + gone == stock


def test_a_shop_refuses_what_it_has_not_and_takes_all_or_nothing() -> None:
    shop, _ = shop_with(5)
    shop.list_item("NUT", stock={next(iter(shop.places)): 1})

    assert shop.buy("BOLT", 6) is None
    assert shop.buy_all([("BOLT", 2), ("NUT", 2)]) is None
    assert shop.buy_all([("BOLT", 3), ("BOLT", 3)]) is None
    assert shop.available("BOLT") == 5
    assert shop.buy_all([("BOLT", 3), ("BOLT", 2), ("NUT", 1)])
    assert shop.available("BOLT") == 0


def test_an_item_that_may_be_backordered_goes_below_zero() -> None:
    shop, _ = shop_with(1, sells_without_stock=True)

    assert shop.buy("BOLT", 3)

    assert shop.available("BOLT") == -2


def test_a_sale_is_taken_from_a_location_that_has_it() -> None:
    shop = Shop(ports_at(VirtualClock(NOON)))
    east, west = shop.open_location("East"), shop.open_location("West")
    item = shop.list_item("BOLT", stock={east: 1, west: 4})

    assert shop.buy("BOLT", 3)

    assert shop.levels[item, west].available == 1
    assert shop.buy("BOLT", 2) is None


def test_one_action_tells_of_all_it_caused_under_one_event_id() -> None:
    shop, _ = shop_with(5)
    shop.list_item("NUT", stock={next(iter(shop.places)): 5})
    told: list[Happening] = []
    shop.listeners.append(told.append)

    shop.buy_all([("BOLT", 1), ("NUT", 1)])

    assert [x.topic for x in told] == [
        "orders/create", "inventory_levels/update", "inventory_levels/update",
    ]  # fmt: skip
    assert len({x.event_id for x in told}) == 1


@pytest.mark.parametrize("seed", [1, 2])
def test_a_seed_gives_the_same_shop_again(seed: int) -> None:
    def events() -> list[Happening]:
        shop = Shop(ports_at(VirtualClock(NOON), seed))
        told: list[Happening] = []
        shop.listeners.append(told.append)
        shop.list_item("BOLT", stock={shop.open_location("Main"): 3})
        shop.buy("BOLT", 2)
        return told

    assert events() == events()
