"""What a known order needs fresh is promised to nobody else: by its customer or channel (I8)."""

from dataclasses import replace
from datetime import date

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import CountedStock, StockSnapshotTaken
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.supply import AtpRule, LifeTerms, PromiseAsked, Question
from tests.unit.capabilities.supply.yard import Yard, day, expiring, fact, line, ordered

METRO = LifeTerms(customer="METRO", days=30)


def bought(
    customer: str, quantity: int = 50, on: date | None = None, channel: str = "", version: int = 1
) -> Fact:
    said = ordered("M", line("m/1", quantity, on), version=version)
    assert isinstance(said.payload, OrderChanged)
    payload = replace(said.payload, customer=customer, channel=channel)
    return replace(said, payload=payload)


async def promised(yard: Yard, on: date | None, **life: int) -> bool:
    """Promise the order line's goods by date, without saying for whom."""
    question = Question("X", "DC1", "EA", 50 * MICROS, not_before=on)
    question = question._replace(**life)  # type: ignore[arg-type]  # fields by name
    asked = PromiseAsked("r1", (question,), ("m/1",))
    return (await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)).is_granted


async def two_lots(yard: Yard) -> None:
    """Let 50 lie there with 15 days left, and 50 with 120."""
    lots = tuple(CountedStock(item="X", quantity=Quantity.of(50), lot=lot) for lot in ("L1", "L3"))
    counted = StockSnapshotTaken(snapshot_id="count", location="DC1", lines=lots)
    await yard.hear(fact("count", counted), source="wms")
    await yard.hear(expiring("L1", day(15)), expiring("L3", day(120)))


@pytest.mark.parametrize("on", [None, day(2)])
async def test_fresh_goods_that_a_known_order_needs_are_promised_to_nobody_else(
    yard: Yard, on: date | None
) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(METRO,)), "X")
    assert (await yard.ask(life_days=30)).now == 50 * MICROS

    await yard.hear(bought(" metro", on=on))

    assert (await yard.ask(life_days=30)).now == 0
    assert (await yard.ask(customer="METRO")).now == 0
    assert (await yard.ask()).now == 50 * MICROS


async def test_an_order_of_whom_no_rule_names_takes_what_expires_first(yard: Yard) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(METRO,)), "X")
    await yard.hear(bought("EDEKA"))

    assert (await yard.ask(life_days=30)).now == 50 * MICROS
    assert (await yard.ask(customer="METRO")).now == 50 * MICROS


async def test_a_channels_orders_keep_as_its_rule_says(yard: Yard) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(LifeTerms(channel="key", days=30),)), "X")
    await yard.hear(bought("", channel="KEY"))

    assert (await yard.ask(life_days=30)).now == 0


async def test_a_customer_who_needs_less_than_all_others_takes_what_expires_first(
    yard: Yard,
) -> None:
    await two_lots(yard)
    lives = (LifeTerms(days=30), replace(METRO, days=5))
    await yard.rule(AtpRule(lives=lives), "X")
    await yard.hear(bought("METRO"))

    assert (await yard.ask()).now == 50 * MICROS


@pytest.mark.parametrize("on", [None, day(3)])
async def test_a_promise_that_names_no_customer_leaves_the_order_its_fresh_goods(
    yard: Yard, on: date | None
) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(METRO,)), "X")
    await yard.hear(bought("METRO", on=on))

    assert await promised(yard, on)

    assert (await yard.ask(life_days=30)).now == 0
    assert (await yard.ask()).now == 50 * MICROS


@pytest.mark.parametrize("on", [None, day(3)])
async def test_an_order_that_comes_after_its_promise_gets_fresh_goods_on_the_promised_days(
    yard: Yard, on: date | None
) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(METRO,)), "X")
    assert await promised(yard, on)

    await yard.hear(bought("METRO", on=on))

    assert (await yard.ask(life_days=30)).now == 0
    assert (await yard.ask()).now == 50 * MICROS


async def test_a_promise_that_asks_for_less_than_its_customers_rule_keeps_what_the_rule_says(
    yard: Yard,
) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(METRO,)), "X")
    await yard.hear(bought("METRO"))

    assert await promised(yard, None, life_days=5, transit_days=0)

    assert (await yard.ask(life_days=30)).now == 0


async def test_an_order_that_is_cancelled_needs_nothing_fresh(yard: Yard) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(METRO,)), "X")
    await yard.hear(bought("METRO"))
    await yard.hear(bought("METRO", 0, version=2))

    assert (await yard.ask(life_days=30)).now == 50 * MICROS


async def test_an_order_that_asks_again_may_have_its_own_fresh_goods(yard: Yard) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(METRO,)), "X")
    await yard.hear(bought("METRO"))

    assert (await yard.ask(customer="METRO", own=frozenset({"m/1"}))).now == 50 * MICROS


async def test_a_line_that_asks_again_needs_what_its_customer_needs(yard: Yard) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(METRO,)), "X")
    await yard.hear(bought("METRO", 60), other("EDEKA"))

    assert (await yard.ask(own=frozenset({"m/1"}))).now == 50 * MICROS
    assert (await yard.ask(own=frozenset({"m/1"}), life_days=5)).now == 99 * MICROS
    assert (await yard.ask(own=frozenset({"EDEKA/1"}))).now == 50 * MICROS
    assert (await yard.ask(own=frozenset({"m/1", "EDEKA/1"}))).now == 100 * MICROS


@pytest.mark.parametrize("own", ["", "m1/1"])
async def test_many_lines_of_one_life_claim_what_one_line_of_all_of_it_does(
    yard: Yard, own: str
) -> None:
    await two_lots(yard)
    await yard.rule(AtpRule(lives=(METRO,)), "X")
    orders = [ordered(f"m{number}", line(f"m{number}/1", 10)) for number in range(4)]
    for said in orders:
        assert isinstance(said.payload, OrderChanged)
        await yard.hear(replace(said, payload=replace(said.payload, customer="METRO")))

    there = await yard.ask(life_days=30, own=frozenset({own} - {""}))

    assert there.now == (20 if own else 10) * MICROS


async def test_lines_of_whom_no_rule_names_are_not_read(yard: Yard) -> None:
    await two_lots(yard)
    await yard.hear(bought("METRO", channel="web"), *(other(f"C{number}") for number in range(9)))
    stock, scope = yard.hub.inventory.standings, yard.hub.scope

    async with yard.hub.database.transaction(scope) as tx:
        of_all = await stock.claimed_by(tx, scope.tenant, [("X", "DC1")], ())
        of_metro = await stock.claimed_by(tx, scope.tenant, [("X", "DC1")], ["METRO"])

    each = [("X", "DC1", "", "ERP", 9 * MICROS), ("X", "DC1", "", "WEB", 50 * MICROS)]
    assert of_all == each
    assert of_metro == [*each, ("X", "DC1", "METRO", "WEB", 50 * MICROS)]


def other(customer: str) -> Fact:
    said = ordered(customer, line(f"{customer}/1", 1))
    assert isinstance(said.payload, OrderChanged)
    return replace(said, payload=replace(said.payload, customer=customer))
