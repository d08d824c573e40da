"""Shopify: a shop that shows our availability, sells from it, and tells what it sold."""

from datetime import timedelta

from crossdock.applications.shopify.client import connect
from crossdock.applications.shopify.holding import READING_REQUESTS
from crossdock.applications.shopify.polling import cursor_at
from crossdock.applications.shopify.publishing import BATCH_MAX
from crossdock.applications.shopify.receiving import ShopifyReceiver
from crossdock.applications.shopify.samples import SAMPLES
from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.orders import OrderChanged
from crossdock.connectivity.sdk import (
    Application,
    Grade,
    Kind,
    NativeEquation,
    NativeInput,
    PublishesAvailability,
    RepeatSafety,
)

APPLICATION = Application(
    name="shopify",
    title="Shopify",
    kind=Kind.SHOP,
    settings=ShopifySettings,
    connect=connect,
    receive=ShopifyReceiver,
    roles={PublishesAvailability: RepeatSafety.COMPARE_AND_SET},
    events=(OrderChanged, ItemChanged, LocationChanged, ChannelLevelHeard),
    samples=SAMPLES,
    stock_equation=NativeEquation(
        equation="on_hand = available + committed + reserved + damaged + safety_stock"
        " + quality_control; incoming is outside it",
        inputs=(
            NativeInput(
                field="current_quantity",
                tells=OrderChanged,
                meaning="what is left of an order line: the hub's own demand, from which it makes"
                " what is committed; it keeps the stock, so it takes none from the shop",
            ),
        ),
        available=("available", "on_hand", "committed"),
    ),
    # Webhooks tell within seconds; the poll finds what they lost.
    poll_every=timedelta(minutes=5),
    cursor_at=cursor_at,
    freshness=timedelta(minutes=15),
    batch_max=BATCH_MAX,
    requests_a_reading=READING_REQUESTS,
    # A call of 250 quantities costs about ten of the hundred points that a plain plan gives a
    # second; the connection itself waits when the bucket is empty.
    rate_per_second=8.0,
    concurrency=2,
    grade=Grade.SILVER,
    homepage="https://shopify.dev/docs/api/admin-graphql",
)

__all__ = ["APPLICATION"]
