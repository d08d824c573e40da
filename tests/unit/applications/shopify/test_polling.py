"""Polling the simulated shop over real loopback HTTP."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from crossdock.applications.shopify.polling import Cursor, cursor_at
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Forbidden, Invalid
from crossdock.canonical.orders import OrderChanged
from crossdock.connectivity.sdk import Poll
from tests.unit.applications.shopify.shops import (
    OpenShop,
    Scripted,
    connected_to,
    open_shop,
)


@pytest.fixture
async def shop() -> AsyncIterator[OpenShop]:
    async with open_shop() as opened:
        yield opened


async def one_round(shop: OpenShop, cursor: str = "") -> tuple[list[Fact], str]:
    facts: list[Fact] = []
    for _ in range(200):
        page = await shop.connection.poll(cursor)
        facts += page.translation.facts
        cursor = page.cursor
        assert page.raw
        if page.is_caught_up:
            return facts, cursor
    raise AssertionError("the round does not end")


async def round_end(shop: OpenShop, cursor: str) -> Poll:
    """Read a round; answer its last page."""
    for _ in range(200):
        page = await shop.connection.poll(cursor)
        if page.is_caught_up:
            return page
        cursor = page.cursor
    raise AssertionError("the round does not end")


def kinds(facts: list[Fact]) -> dict[str, int]:
    said: dict[str, int] = {}
    for fact in facts:
        said[type(fact.payload).__name__] = said.get(type(fact.payload).__name__, 0) + 1
    return said


async def test_the_first_round_reads_everything_by_pages(shop: OpenShop) -> None:
    for number in range(130):
        shop.item(f"SKU-{number:03}", 5)
    for number in range(25):
        assert shop.simulator.shop.buy(f"SKU-{number:03}")

    facts, _ = await one_round(shop)

    assert kinds(facts) == {
        LocationChanged.__name__: 1,
        ItemChanged.__name__: 130,
        ChannelLevelHeard.__name__: 130,
        OrderChanged.__name__: 25,
    }
    assert len({fact.identity for fact in facts}) == len(facts)


async def test_an_order_is_of_its_company_or_else_of_its_customer(shop: OpenShop) -> None:
    shop.item("BOLT", 5)
    for customer, company in ((0, 0), (4, 0), (4, 9)):
        sold = shop.simulator.shop.buy("BOLT")
        assert sold
        sold.customer, sold.company = customer, company

    facts, _ = await one_round(shop)

    bought = [one.payload for one in facts if isinstance(one.payload, OrderChanged)]
    assert [one.customer for one in bought] == [
        *("", "gid://shopify/Customer/4", "gid://shopify/Company/9")
    ]


async def test_an_app_that_may_not_read_customers_reads_orders_without_them(
    shop: OpenShop,
) -> None:
    shop.item("BOLT", 50)
    for _ in range(12):
        sold = shop.simulator.shop.buy("BOLT")
        assert sold
        sold.customer, sold.company = 4, 9
    shop.simulator.admin.hides_customers = True

    facts, cursor = await one_round(shop)

    bought = [one.payload for one in facts if isinstance(one.payload, OrderChanged)]
    assert [one.customer for one in bought] == [""] * 12
    last = await round_end(shop, cursor)
    assert "read_customers" in last.warning

    shop.simulator.admin.hides_customers = False
    last = await round_end(shop, last.cursor)

    (fact, *_) = (one for one in last.translation.facts if isinstance(one.payload, OrderChanged))
    assert isinstance(fact.payload, OrderChanged)
    assert fact.payload.customer == "gid://shopify/Company/9"
    assert not last.warning


async def test_an_app_that_may_not_read_orders_is_forbidden() -> None:
    body = b'{"data":{"orders":null},"errors":[{"extensions":{"code":"ACCESS_DENIED"}}]}'
    async with connected_to(Scripted([(200, body)])) as connection:
        with pytest.raises(Forbidden):
            await connection.poll(str(Cursor(stage="orders")))


async def test_a_closed_shop_is_no_app_that_may_not_read_customers() -> None:
    body = b'{"errors":[{"extensions":{"code":"SHOP_INACTIVE"}}]}'
    script = Scripted([(200, body), (200, b"{}")])
    async with connected_to(script) as connection:
        with pytest.raises(Forbidden):
            await connection.poll(str(Cursor(stage="orders")))


async def test_a_later_round_reads_only_what_changed(shop: OpenShop) -> None:
    for number in range(20):
        shop.item(f"SKU-{number}", 5)
    assert shop.simulator.shop.buy("SKU-1")
    _, cursor = await one_round(shop)
    await shop.clock.advance(timedelta(hours=1))
    _, cursor = await one_round(shop, cursor)
    assert shop.simulator.shop.buy("SKU-2")

    facts, cursor = await one_round(shop, cursor)

    assert kinds(facts) == {"LocationChanged": 1, "OrderChanged": 2, "ChannelLevelHeard": 1}
    await shop.clock.advance(timedelta(hours=1))
    facts, cursor = await one_round(shop, cursor)
    facts, cursor = await one_round(shop, cursor)
    # The newest order is read again each time: the mark is what was seen, and it reaches back.
    assert kinds(facts) == {"LocationChanged": 1, "OrderChanged": 1}


async def test_a_round_from_a_moment_reads_what_changed_since(shop: OpenShop) -> None:
    shop.item("OLD", 5)
    assert shop.simulator.shop.buy("OLD")
    await shop.clock.advance(timedelta(hours=2))
    moment = shop.clock.now()
    await shop.clock.advance(timedelta(hours=1))
    shop.item("NEW", 5)
    bought = shop.simulator.shop.buy("NEW")
    assert bought

    facts, _ = await one_round(shop, cursor_at(moment))

    assert {fact.payload.key for fact in facts if isinstance(fact.payload, ItemChanged)} == {"NEW"}
    refs = [fact.native_ref for fact in facts if isinstance(fact.payload, OrderChanged)]
    assert refs == [bought.id]


async def test_what_is_read_twice_has_one_identity(shop: OpenShop) -> None:
    shop.item("BOLT", 5)
    assert shop.simulator.shop.buy("BOLT")

    first, cursor = await one_round(shop)
    second, _ = await one_round(shop, cursor)

    assert {fact.identity for fact in second} <= {fact.identity for fact in first}


async def test_a_change_that_the_index_shows_late_is_not_lost(shop: OpenShop) -> None:
    """An order older than the newest one seen turns up within the overlap."""
    shop.item("BOLT", 50)
    late = shop.simulator.shop.buy("BOLT")
    assert late
    hidden = shop.simulator.shop.orders.pop(late.id)
    await shop.clock.advance(timedelta(seconds=90))
    assert shop.simulator.shop.buy("BOLT")
    _, cursor = await one_round(shop)
    shop.simulator.shop.orders[hidden.id] = hidden

    facts, _ = await one_round(shop, cursor)

    assert late.id in {fact.native_ref for fact in facts}


async def test_an_order_longer_than_a_page_comes_whole(shop: OpenShop) -> None:
    wants = [(f"SKU-{number}", 1) for number in range(120)]
    for sku, _ in wants:
        shop.item(sku, 5)
    assert shop.simulator.shop.buy_all(wants)

    facts, _ = await one_round(shop)

    (order,) = [fact.payload for fact in facts if isinstance(fact.payload, OrderChanged)]
    assert {line.item for line in order.lines} == {sku for sku, _ in wants}


async def test_a_closed_location_is_told_and_not_read(shop: OpenShop) -> None:
    shop.item("BOLT", 5)
    place = shop.simulator.shop.places[shop.location]
    place.is_active = False

    facts, _ = await one_round(shop)

    assert kinds(facts) == {"LocationChanged": 1, "ItemChanged": 1}


async def test_a_location_removed_during_the_round_ends_nothing(shop: OpenShop) -> None:
    shop.item("BOLT", 5)
    cursor = str(Cursor(stage="levels", locations=("gid://shopify/Location/9", shop.location)))

    facts, _ = await one_round(shop, cursor)

    assert kinds(facts) == {"ChannelLevelHeard": 1}


@pytest.mark.parametrize(
    "cursor", ["x", "[]", "{}", '{"locations":[],"colour":1}', '{"locations":null}']
)
async def test_a_cursor_of_something_else_is_refused(shop: OpenShop, cursor: str) -> None:
    with pytest.raises(Invalid):
        await shop.connection.poll(cursor)


async def test_a_stage_that_is_none_is_refused(shop: OpenShop) -> None:
    with pytest.raises(Invalid, match="stage"):
        await shop.connection.poll(json.dumps({"stage": "carts", "locations": []}))


async def test_missing_webhooks_are_found_and_created_again(shop: OpenShop) -> None:
    uri = "https://hub.example/v1/webhooks/demo"
    first = await shop.connection.ensure_subscribed(uri)
    gone = shop.simulator.webhooks.subscriptions.pop()

    again = await shop.connection.ensure_subscribed(uri)

    assert len(first) == 11
    assert list(again) == [gone.topic]
    assert await shop.connection.ensure_subscribed(uri) == []
