"""A shop, a warehouse and a catalogue that stand in for the real ones, and a hub around them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from pydantic import BaseModel, SecretStr

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.commands import Command, CommandSettled, Lane
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.errors import Forbidden
from crossdock.canonical.inventory import MovementType, Place, StockMoved
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import ItemInUnit, Reference, ReferenceKind, Resolution
from crossdock.connectivity.courier import Courier, Surroundings
from crossdock.connectivity.directory import Directory, Entry
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.outbox import Outbox
from crossdock.connectivity.sdk import (
    Application,
    Delivery,
    HeldQuantity,
    Kind,
    Outcome,
    Poll,
    Ports,
    PublishesAvailability,
    Receives,
    RepeatSafety,
    SetAvailability,
    Translation,
    Untranslatable,
    Verdict,
)
from crossdock.connectivity.vault import Vault
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Position
from crossdock.foundation.ids import SeededIds
from crossdock.foundation.scope import Scope
from tests.conftest import NOON

MAIN = Scope("main")
WORKERS = Scope.of_workers()
SECRET = "a secret between the shop and the hub"


class ShopSettings(BaseModel):
    address: str = "https://shop.example"
    secret: SecretStr = SecretStr(SECRET)
    keys: list[SecretStr] = []


class Shop:
    """Holds levels, counts effects, and behaves as badly as a test wants."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.levels: dict[tuple[str, str], Decimal] = {}
        self.effects: list[str] = []
        self.calls: list[tuple[datetime, tuple[str, ...]]] = []
        self.keys: list[str] = []
        self.before: Callable[[Sequence[SetAvailability]], Awaitable[None]] | None = None
        self.after: Callable[[Sequence[SetAvailability]], Awaitable[None]] | None = None
        self.refuses: set[str] = set()
        self.is_down: Exception | None = None
        self.checks = 0
        self.reads = 0
        self.pages: list[Poll] = []
        self.polled: list[str] = []

    async def check(self) -> str:
        self.checks += 1
        if self.is_down:
            raise self.is_down
        return "a stand-in"

    async def set_availability(self, commands: Sequence[SetAvailability]) -> Sequence[Outcome]:
        self.calls.append((self.clock.now(), tuple(each.command_id for each in commands)))
        if self.is_down:
            raise self.is_down
        if self.before:
            await self.before(commands)
        outcomes = [self._set(command) for command in commands]
        if self.after:
            await self.after(commands)
        return outcomes

    def _set(self, command: SetAvailability) -> Outcome:
        shelf = (command.item, command.location)
        self.keys.append(command.idempotency_key)
        if command.item in self.refuses:
            return Outcome(command_id=command.command_id, verdict=Verdict.REFUSED, code="no_item")
        held = self.levels.get(shelf)
        if held != command.expected:
            return Outcome(command_id=command.command_id, verdict=Verdict.STALE, observed=held)
        self.levels[shelf] = command.quantity
        self.effects.append(command.command_id)
        return Outcome(
            command_id=command.command_id, verdict=Verdict.DONE, observed=command.quantity
        )

    async def held_availability(self, keys: Sequence[tuple[str, str]]) -> Sequence[HeldQuantity]:
        self.reads += 1
        return [
            HeldQuantity(item=item, location=location, quantity=self.levels.get((item, location)))
            for item, location in keys
        ]

    async def poll(self, cursor: str) -> Poll:
        self.polled.append(cursor)
        if self.is_down:
            raise self.is_down
        place = int(cursor or 0)
        if place >= len(self.pages):
            return Poll(translation=Translation(), cursor=cursor, raw=b"", is_caught_up=True)
        return self.pages[place]


class Desk:
    """The receiving side: JSON with a plain secret for a signature."""

    def __init__(self, settings: ShopSettings) -> None:
        self.settings = settings

    def verify(self, delivery: Delivery, now: datetime) -> None:
        del now
        if delivery.headers.get("x-signature") != self.settings.secret.get_secret_value():
            raise Forbidden("the signature is wrong")

    def translate(self, delivery: Delivery) -> Translation:
        return translate(delivery)


def translate(delivery: Delivery) -> Translation:
    said = json.loads(delivery.body)
    facts = [moved(**each) for each in said.get("moves", [])]
    facts += [levelled(**each) for each in said.get("levels", [])]
    refused = tuple(
        Untranslatable(code="EVT-SCHEMA", where="/bad", reason=each, record=each.encode())
        for each in said.get("bad", [])
    )
    return Translation(tuple(facts), refused)


def moved(
    number: str, item: str = "SKU-1", amount: str = "4", unit: str = "EA", **envelope: Any
) -> Fact:
    movement = StockMoved(
        movement_id=number,
        item=item,
        quantity=Quantity.of(amount, unit),
        type=MovementType.PICK,
        source_place=Place(location="DC1"),
    )
    return Fact(identity=f"movement:{number}", payload=movement, occurred_at=NOON, **envelope)


def levelled(number: str, item: str, amount: str) -> Fact:
    level = ChannelLevelHeard(item=item, location="DC1", quantity=Quantity.of(amount))
    return Fact(identity=f"level:{number}", payload=level, occurred_at=NOON)


def webhook(
    *, signature: str = SECRET, headers: Mapping[str, str] | None = None, **said: Any
) -> Delivery:
    body = json.dumps(said).encode()
    return Delivery(body=body, headers={"x-signature": signature, **(headers or {})})


@dataclass
class Catalogue:
    """Knows the items and locations it was told of; its hub ids are theirs in small letters."""

    items: set[str] = field(default_factory=lambda: {"SKU-1", "SKU-2"})
    locations: set[str] = field(default_factory=lambda: {"DC1"})
    units: dict[str, int] = field(default_factory=lambda: {"EA": 1, "CS": 12})
    nameless: set[str] = field(default_factory=set[str])

    async def resolve(
        self, tx: Transaction, source: str, references: Sequence[Reference]
    ) -> tuple[Resolution, Mapping[Reference, str]]:
        del tx, source
        items: dict[tuple[str, str], ItemInUnit] = {}
        locations: dict[str, str] = {}
        unresolved: dict[Reference, str] = {}
        for each in references:
            name = each.native_id
            if each.may_be_unknown:
                continue
            if each.kind is ReferenceKind.LOCATION:
                if name in self.locations:
                    locations[name] = name.lower()
                else:
                    unresolved[each] = "MD-LOC"
            elif name not in self.items:
                unresolved[each] = "MD-ITEM-XREF"
            elif each.unit not in self.units:
                unresolved[each] = "MD-UOM"
            else:
                unit = ItemInUnit(name.lower(), "EA", self.units[each.unit], 1)
                items[name, each.unit] = unit
        return Resolution(items, locations), unresolved

    async def native_keys(
        self, tx: Transaction, system: str, references: Sequence[Reference]
    ) -> Mapping[Reference, str]:
        del tx, system
        return {
            each: each.native_id.upper()
            for each in references
            if each.native_id not in self.nameless
        }


@dataclass
class World:
    """One process of the hub: its directory, inbox and outbox around stand-ins."""

    database: Database
    clock: Clock
    shops: dict[str, Shop]
    catalogue: Catalogue
    directory: Directory
    inbox: Inbox
    outbox: Outbox
    worker: str = "w1"
    seed: int = 1

    @property
    def shop(self) -> Shop:
        return self.shops["shop"]

    async def courier(self, name: str = "shop", worker: str = "w1") -> Courier:
        return Courier(self.around(worker), await self.directory.get(MAIN, name))

    def around(self, worker: str = "w1") -> Surroundings:
        return Surroundings(
            database=self.database,
            directory=self.directory,
            keys=self.catalogue,
            ports=Ports(clock=self.clock, random=Random(self.seed)),
            ids=SeededIds(Random(hash(worker) + self.seed)),
            worker=worker,
        )

    async def enqueue(self, *commands: Command) -> None:
        async with self.database.transaction(WORKERS) as tx:
            await self.outbox.enqueue(tx, commands)

    async def state(self, command_id: str) -> str:
        return (await self.outbox.show(MAIN, command_id)).command.state

    async def events(self) -> list[Event]:
        async with self.database.transaction(WORKERS) as tx:
            return (await event_log.read(tx, Position(), limit=10_000))[0]

    async def settlements(self) -> list[tuple[str, str]]:
        return [
            (event.payload.command_id, event.payload.settlement.value)
            for event in await self.events()
            if isinstance(event.payload, CommandSettled)
        ]


def world(  # noqa: PLR0913 - each is what some test varies
    database: Database,
    clock: Clock,
    *,
    safety: RepeatSafety = RepeatSafety.COMPARE_AND_SET,
    receive: Callable[[Any], Receives] = Desk,
    worker: str = "w1",
    batch_max: int = 100,
    rate_per_second: float = 1000.0,
    concurrency: int = 2,
    ttl: timedelta = timedelta(minutes=15),
) -> World:
    shops: dict[str, Shop] = {}

    @asynccontextmanager
    async def connect(settings: ShopSettings, ports: Ports) -> AsyncIterator[Shop]:
        del ports
        await asyncio.sleep(0)
        yield shops.setdefault(settings.address, Shop(clock))

    application = Application(
        name="stand_in",
        title="Stand-in",
        kind=Kind.SHOP,
        settings=ShopSettings,
        connect=connect,
        receive=receive,
        roles={PublishesAvailability: safety},
        events=(StockMoved, ChannelLevelHeard, ItemChanged, LocationChanged),
        poll_every=timedelta(seconds=30),
        cursor_at=lambda moment: str(int(moment.timestamp())),
        batch_max=batch_max,
        rate_per_second=rate_per_second,
        concurrency=concurrency,
    )
    catalogue = Catalogue()
    vault = Vault(b"k" * 32)
    directory = Directory(database, clock, vault, {"stand_in": application})
    inbox = Inbox(database, clock, directory, catalogue, worker=worker, waiting_ttl=ttl)
    return World(
        database, clock, shops, catalogue, directory, inbox, Outbox(database, clock), worker
    )


async def with_shop(built: World, name: str = "shop", **limits: Any) -> World:
    """Connect a shop under a name; the stand-in can be found under that name."""
    built.shops[name] = Shop(built.clock)
    settings = {"address": name}
    await built.directory.add(
        MAIN, Entry(tenant="main", name=name, application="stand_in", settings=settings, **limits)
    )
    return built


def command(  # noqa: PLR0913 - each is what some test varies
    name: str,
    *,
    quantity: str = "5",
    expected: str | None = None,
    item: str = "sku-1",
    version: int = 1,
    subject: str = "",
    lane: Lane = Lane.NORMAL,
    connection: str = "shop",
) -> Command:
    return Command(
        command_id=name,
        tenant="main",
        connection=connection,
        role="set_availability",
        subject=subject or item,
        version=version,
        lane=lane,
        arguments={
            "item": item,
            "location": "dc1",
            "quantity": quantity,
            "expected": expected,
        },
        process="publishing",
        instance=item,
        correlation_id="order-1",
    )
