"""History that is filled in later changes the figures, and nobody is told of each step of it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crossdock.applications.shopify import APPLICATION as SHOPIFY
from crossdock.canonical.inventory import StockMoved
from crossdock.connectivity.poller import Poller, Polling
from crossdock.connectivity.transports.http import HttpClient
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Position
from crossdock.interfaces.api import create_app
from crossdock.interfaces.api.log import cloud_event
from crossdock.interfaces.cli.http_server import serving
from crossdock.interfaces.cli.tail import as_object
from tests.conftest import NOON
from tests.processes.books import Ledger, Office, office
from tests.processes.end_to_end.world import Shop, connected, on_hand, ports_of, shop_at

ON_SHELF = {"location": "DC1"}


@dataclass(frozen=True, slots=True)
class Street:
    """A shop that sells what lies at DC1, an ERP with books of it, and a way to say events."""

    at: Office
    shop: Shop
    erp: Ledger
    api: HttpClient
    key: str

    async def say(self, *events: dict[str, Any]) -> list[str]:
        """Let the warehouse system say these in one request; then everything comes to rest."""
        response = await self.api.request(
            "POST",
            "/v1/events",
            headers={"authorization": f"Bearer {self.key}", "content-type": "application/json"},
            body=json.dumps({"source": "wms", "events": events}).encode(),
        )
        await self.at.hub.settle()
        return [one["verdict"] for one in json.loads(response.body)["verdicts"]]

    async def lies(self) -> dict[str, int]:
        return (await on_hand(self.at.hub, ["BOLT"], "DC1"))["BOLT"]

    @property
    def shown(self) -> list[int]:
        """Every number that the shop was ever told."""
        return [level for _, sku, level in self.shop.writes if sku == "BOLT"]


@asynccontextmanager
async def open_street(dsn: str, folder: Path) -> AsyncIterator[Street]:
    async with office(dsn, folder, SHOPIFY) as at:
        hub = at.hub
        ports = ports_of(at.clock, 1)
        erp = await at.keeps("erp", roles={"PostsMovements": ["DC1"]})
        key = await hub.access.ensure_owner_key(folder, hub.settings.tenant)
        async with (
            shop_at("shop", "DC1", ports) as (shop, settings),
            serving(create_app(hub)) as address,
            HttpClient(address, clock=at.clock, allow_private_addresses=True) as api,
        ):
            shop.list_items(["BOLT"])
            entry = await connected(hub, "shop", "shopify", settings)
            polling = Polling(
                database=hub.database, directory=hub.directory, inbox=hub.inbox, ports=ports,
                worker="test",
            )  # fmt: skip
            poller = Poller(polling, entry)
            await poller.round()
            await poller.close()
            await hub.settle()
            await hub.channels.put(hub.scope, shop.terms(("DC1",)), by="test")
            yield Street(at, shop, erp, api, key or "")


@pytest.fixture
async def street(dsn: str, tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(dsn, tmp_path) as opened:
        yield opened


def said(kind: str, identity: str, payload: Any, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "type": kind,
        "identity": identity,
        "occurred_at": at.isoformat(),
        "payload": payload,
        **more,
    }


def count(number: int, quantity: int, at: datetime = NOON) -> dict[str, Any]:
    line = {"item": "BOLT", "quantity": {"value": str(quantity), "unit": "EA"}}
    payload = {"snapshot_id": f"S{number}", "location": "DC1", "lines": [line]}
    return said("inventory.snapshot_taken.v1", f"count:{number}", payload, at)


def step(number: int, change: int, at: datetime, **more: Any) -> dict[str, Any]:
    """Word a receipt (above zero) or a shipment, straight to or from the shelf."""
    end, kind = ("target_place", "RECEIPT") if change > 0 else ("source_place", "SHIP")
    payload = {
        "movement_id": f"M{number}",
        "item": "BOLT",
        "quantity": {"value": str(abs(change)), "unit": "EA"},
        "type": kind,
        end: ON_SHELF,
    }
    return said("inventory.stock_moved.v1", f"movement:{number}", payload, at, **more)


def steps(changes: list[int], begin: datetime, **more: Any) -> list[dict[str, Any]]:
    return [
        step(number, change, begin + timedelta(seconds=number), **more)
        for number, change in enumerate(changes, start=1)
    ]


async def test_history_moves_stock_and_the_shop_hears_its_end_and_the_books_nothing(
    street: Street,
) -> None:
    await street.say(count(1, 40))
    assert street.shown == [40]

    verdicts = await street.say(*steps([-40, 25, -24, 6], NOON, replay=True))

    assert verdicts == ["NEW"] * 4
    assert await street.lies() == {"AVAILABLE": 7}
    assert street.shown == [40, 7]
    assert street.erp.entries == {}


async def test_news_that_comes_after_history_is_booked_and_shown(street: Street) -> None:
    await street.say(count(1, 40))
    await street.say(*steps([-30], NOON, replay=True))

    await street.say(step(9, -1, NOON + timedelta(minutes=1)))

    assert street.erp.references == {"crossdock:wms:movement:9"}
    assert street.shown[-1] == 9


async def test_history_from_before_a_count_is_in_it_already(street: Street) -> None:
    await street.say(count(1, 40))

    verdicts = await street.say(*steps([500, -460], NOON - timedelta(days=30), replay=True))

    assert verdicts == ["NEW"] * 2
    assert await street.lies() == {"AVAILABLE": 40}
    assert street.shown == [40]
    assert street.erp.entries == {}


async def test_what_was_news_once_stays_news_when_it_is_said_again_as_history(
    street: Street,
) -> None:
    await street.say(count(1, 40))
    moved = step(1, -1, NOON + timedelta(seconds=1))

    first, again = await street.say(moved), await street.say(moved | {"replay": True})

    assert (first, again) == (["NEW"], ["REPEAT"])
    assert street.erp.references == {"crossdock:wms:movement:1"}
    assert await street.lies() == {"AVAILABLE": 39}


async def test_who_follows_the_log_can_tell_history_from_news(street: Street) -> None:
    await street.say(step(1, 1, NOON), step(2, 1, NOON, replay=True))

    async with street.at.hub.database.transaction(street.at.hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=1000)
    told = {
        event.fact.identity: (cloud_event(event).get("replay"), as_object(event)["replay"])
        for event in events
        if isinstance(event.payload, StockMoved)
    }
    assert told == {"movement:1": (None, False), "movement:2": (True, True)}


async def test_a_mark_that_is_no_truth_value_is_refused(street: Street) -> None:
    assert await street.say(step(1, 1, NOON, replay="yes")) == ["QUARANTINED"]
