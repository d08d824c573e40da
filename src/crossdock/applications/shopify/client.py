"""The connection to one shop: check, poll, publish availability, keep the webhooks alive."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from crossdock.applications.shopify import documents
from crossdock.applications.shopify.admin import AdminApi
from crossdock.applications.shopify.holding import Holding
from crossdock.applications.shopify.polling import Polling
from crossdock.applications.shopify.publishing import Publishing
from crossdock.applications.shopify.reading import Record
from crossdock.applications.shopify.settings import API_VERSION, ShopifySettings
from crossdock.canonical.errors import Rejected
from crossdock.connectivity.sdk import HeldQuantity, Outcome, Poll, Ports, SetAvailability
from crossdock.connectivity.transports.http import HttpClient

TOPICS = (
    "ORDERS_CREATE",
    "ORDERS_UPDATED",
    "ORDERS_CANCELLED",
    "ORDERS_EDITED",
    "INVENTORY_LEVELS_UPDATE",
    "PRODUCTS_CREATE",
    "PRODUCTS_UPDATE",
    "LOCATIONS_CREATE",
    "LOCATIONS_UPDATE",
    "LOCATIONS_ACTIVATE",
    "LOCATIONS_DEACTIVATE",
)


class ShopifyConnection:
    """Plays `PublishesAvailability`, `Polls` and `Subscribes`."""

    def __init__(self, api: AdminApi, settings: ShopifySettings, ports: Ports) -> None:
        self._api = api
        self._holding = Holding(api)
        self._publishing = Publishing(api, self._holding, ports)
        self._polling = Polling(api, settings, ports)

    async def check(self) -> str:
        answer = await self._api.ask(documents.SHOP, {})
        data = answer.data
        count = len(data.record("locations").records("nodes"))
        more = "+" if data.record("locations").record("pageInfo").is_true("hasNextPage") else ""
        served = answer.version or API_VERSION
        # An expired version is answered by a newer one, silently.
        note = "" if served == API_VERSION else f" (asked for {API_VERSION}, which has expired)"
        name = data.record("shop").text("name")
        return f"{name}: Admin API {served}{note}, {count}{more} locations"

    async def set_availability(self, commands: Sequence[SetAvailability]) -> Sequence[Outcome]:
        return await self._publishing.set_availability(commands)

    async def held_availability(self, keys: Sequence[tuple[str, str]]) -> Sequence[HeldQuantity]:
        ids = await self._holding.item_ids([item for item, _ in keys])
        pairs = [(ids.get(item, ""), location) for item, location in keys]
        held = await self._holding.held([pair for pair in pairs if pair[0]])
        return [
            HeldQuantity(item=item, location=location, quantity=held.get(pair))
            for (item, location), pair in zip(keys, pairs, strict=True)
        ]

    async def poll(self, cursor: str) -> Poll:
        return await self._polling.poll(cursor)

    async def ensure_subscribed(self, address: str) -> Sequence[str]:
        """Make each webhook that is missing; answer their topics.

        Shopify deletes a subscription whose deliveries failed for four hours, without a word.
        """
        missing = sorted(set(TOPICS) - await self._subscribed(address))
        # One that is refused (a scope is lacking) must not keep the others from being made.
        problems = [await self._refusal(topic, address) for topic in missing]
        if any(problems):
            raise Rejected("; ".join(filter(None, problems)), code="webhook_refused")
        return missing

    async def _refusal(self, topic: str, address: str) -> str:
        variables = {"topic": topic, "uri": address}
        answer = await self._api.ask(documents.CREATE_WEBHOOK, variables)
        problems = answer.data.record("webhookSubscriptionCreate").records("userErrors")
        return f"{topic}: {problems[0].text('message')}" if problems else ""

    async def _subscribed(self, uri: str) -> set[str]:
        topics: set[str] = set()
        async for page in self._pages(documents.WEBHOOKS, "webhookSubscriptions"):
            found = (node for node in page.records("nodes") if node.text("uri") == uri)
            topics |= {node.text("topic") for node in found}
        return topics

    async def _pages(self, document: documents.Document, field: str) -> AsyncIterator[Record]:
        after: str | None = None
        while True:
            variables: dict[str, Any] = {"after": after}
            page = (await self._api.ask(document, variables)).data.record(field)
            yield page
            if not page.record("pageInfo").is_true("hasNextPage"):
                return
            after = page.record("pageInfo").text("endCursor")


@asynccontextmanager
async def connect(
    settings: ShopifySettings, ports: Ports
) -> AsyncGenerator[ShopifyConnection, None]:
    async with HttpClient(
        settings.address,
        clock=ports.clock,
        allow_private_addresses=ports.allow_private_addresses,
    ) as http:
        yield ShopifyConnection(AdminApi(http, settings, ports), settings, ports)
