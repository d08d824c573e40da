"""The demo's day is the same for a seed, and its judge counts by the truth."""

from crossdock.interfaces.cli.demo_run import picks_of
from crossdock.interfaces.cli.trading_day import (
    DAY_SECONDS,
    Channel,
    Day,
    Delivery,
    Item,
    Sale,
    by_batch_feed,
    plan,
    ticks,
)

SHOP, BRANCH = Channel.SHOP, Channel.BRANCH


def test_the_same_seed_gives_the_same_day() -> None:
    assert plan(7, orders=300, items=40) == plan(7, orders=300, items=40)
    assert plan(7, orders=300, items=40) != plan(8, orders=300, items=40)


def test_ticks_lose_nothing_and_keep_the_order() -> None:
    day = plan(7, orders=300, items=40)
    cut = list(ticks(day, seconds=10))

    assert tuple(h for _, happened in cut for h in happened) == day.happenings
    assert cut[-1][0] == DAY_SECONDS
    assert all(end - 10 <= h.at < end for end, happened in cut for h in happened)


def test_a_shop_that_hears_late_sells_what_a_branch_took() -> None:
    day = Day(
        1,
        (Item("A", "", 5),),
        (Sale(1, 10, BRANCH, "A", 4), Sale(2, 20, SHOP, "A", 3), Sale(3, 7300, SHOP, "A", 1)),
    )

    tally = by_batch_feed(day, every_seconds=7200)

    assert (tally.oversold_orders, tally.oversold_units) == (1, 2)
    assert tally.refused == {SHOP: 1, BRANCH: 0}  # after the feed the shop knows


def test_a_shop_that_hears_at_once_oversells_nothing() -> None:
    day = plan(3, orders=2000, items=100)

    assert by_batch_feed(day, every_seconds=7200).oversold_orders > 0
    assert by_batch_feed(day, every_seconds=1).oversold_orders == 0


def test_a_delivery_that_the_shop_has_not_heard_of_is_refused_in_vain() -> None:
    day = Day(1, (Item("A", "", 0),), (Delivery(10, "A", 9), Sale(4, 20, SHOP, "A", 3)))

    assert by_batch_feed(day, every_seconds=7200).refused_in_vain == 1


def test_what_was_sold_is_picked_but_for_what_no_wave_had_time_for() -> None:
    sales = (
        Sale(1, 10, SHOP, "A", 4),
        Sale(2, 20, SHOP, "A", 9),  # refused, so nobody goes to the shelf for it
        Sale(3, 30, BRANCH, "A", 1),
        Sale(4, DAY_SECONDS - 30, SHOP, "A", 1),
    )
    day = Day(1, (Item("A", "", 8),), sales)

    tally = by_batch_feed(day, every_seconds=7200)

    assert [sale.number for sale in tally.sold] == [1, 3, 4]
    assert picks_of(day, tally) == 2
