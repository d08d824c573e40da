"""A warehouse that can be asked for single keys of its stock, and a hub that asks it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    StockMoved,
    StockSnapshotTaken,
)
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.reconciliation import Asked, Line, Parts, Run, Said, instant_of
from crossdock.connectivity.sdk import (
    Application,
    Kind,
    Ports,
    StockAnswer,
    StockQuestion,
    Translation,
)
from crossdock.foundation.clock import VirtualClock
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Case
from tests.conftest import NOON
from tests.processes.books import Office, movement, office
from tests.processes.end_to_end.world import connected

RECEIPT = MovementType.RECEIPT
TICK = timedelta(hours=1)


class ShelfSettings(BaseModel):
    company: str


@dataclass
class Shelf:
    """Says what lies there; an item of which it has no level it has never heard of."""

    clock: VirtualClock
    levels: dict[str, int] = field(default_factory=dict[str, int])
    asked: list[list[str]] = field(default_factory=list[list[str]])

    async def check(self) -> str:
        return "open"

    async def stock_of(self, location: str, items: Sequence[str]) -> StockAnswer:
        self.asked.append(list(items))
        lines = [
            CountedStock(item=item, quantity=Quantity.of(self.levels[item]))
            for item in items
            if item in self.levels
        ]
        name = f"asked:{len(self.asked)}"
        taken = StockSnapshotTaken(snapshot_id=name, location=location, lines=tuple(lines))
        now = self.clock.now()
        fact = Fact(identity=name, payload=taken, occurred_at=now, recorded_at=now)
        return StockAnswer(translation=Translation((fact,) if lines else ()), raw=b"asked")


@dataclass
class Warehouse:
    at: Office
    shelf: Shelf
    shelves: dict[str, Shelf] = field(default_factory=dict[str, Shelf])

    async def moves(self, number: int, item: str = "NUT") -> None:
        """Let the warehouse be heard: it tells a movement of something else."""
        now = self.at.clock.now()
        told = movement(number, RECEIPT, "1 EA", item=item, at=now, recorded_at=now)
        await self.at.hub.record([told], source="wms")

    async def ticks(self, count: int, number: int = 100) -> None:
        for tick in range(count):
            await self.at.clock.advance(TICK)
            await self.moves(number + tick)
            await self.at.hub.stock_sampler.follow()

    async def open_cases(self) -> Sequence[Case]:
        async with self.at.hub.database.transaction(self.at.hub.scope) as tx:
            return await cases.listed(tx)

    async def on_hand(self, item: str = "BOLT") -> int:
        answer = await self.at.hub.availability(item, "DC1")
        return int(answer.available.value)


@asynccontextmanager
async def asked_warehouse(
    dsn: str, folder: Path, *, rate: float = 1000.0, requests: int = 2
) -> AsyncIterator[Warehouse]:
    """Open a hub with a warehouse that keeps the stock of DC1, and can be asked for it.

    A question takes so many `requests` out of its `rate` a second.
    """
    shelves: dict[str, Shelf] = {}

    @asynccontextmanager
    async def connect(settings: ShelfSettings, ports: Ports) -> AsyncIterator[Shelf]:
        del ports
        yield shelves[settings.company]

    application = Application(
        name="shelf",
        title="A warehouse",
        kind=Kind.WMS,
        settings=ShelfSettings,
        connect=connect,
        events=(StockMoved, StockSnapshotTaken, ItemChanged, LocationChanged),
        stock_question=StockQuestion(keys_max=100, requests=requests),
        rate_per_second=rate,
    )
    async with office(dsn, folder, application) as at:
        shelves["wms"] = Shelf(at.clock, {"BOLT": 100, "NUT": 0})
        await at.keeps("erp")
        await connect_shelf(at, ["BOLT", "NUT"])
        lines = [CountedStock(item=x, quantity=Quantity.of(n)) for x, n in (("BOLT", 100),)]
        taken = StockSnapshotTaken(
            snapshot_id="S", location="DC1", lines=tuple(lines), is_full=True
        )
        counted = Fact(identity="s", payload=taken, occurred_at=at.clock.now())
        await at.hub.record([counted], source="wms")
        await at.hub.authority.set_keeper(at.hub.scope, "DC1", "wms", by="test")
        yield Warehouse(at, shelves["wms"], shelves)


async def connect_shelf(at: Office, skus: Sequence[str], name: str = "wms") -> None:
    await connected(at.hub, name, "shelf", {"company": name})
    known: list[ItemChanged | LocationChanged] = [ItemChanged(sku=sku) for sku in skus]
    known.append(LocationChanged(code="DC1"))
    facts = [
        Fact(identity=one.key, payload=one, occurred_at=NOON, native_ref=one.key, version=1)
        for one in known
    ]
    await at.hub.record(facts, source=name)


async def wms_dump(wms: Warehouse, of: str = "", /, **levels: int) -> Run:
    hub = wms.at.hub
    as_of = instant_of(hub.clock.now().isoformat())
    said = Said(
        lines=[
            Line("DC1", item, "AVAILABLE", "", "", "", level * MICROS, "", as_of, of)
            for item, level in levels.items()
        ],
        parts=Parts(),
    )
    asked = Asked(against="wms", by="test", said=lambda _: said)
    return await hub.reconciliation.compare(hub.scope, asked)


async def connect_items(wms: Warehouse, names: Sequence[str], level: int = 100) -> None:
    facts = [
        Fact(
            identity=name,
            payload=ItemChanged(sku=name),
            occurred_at=NOON,
            native_ref=name,
            version=1,
        )
        for name in names
    ]
    await wms.at.hub.record(facts, source="wms")
    now = wms.at.clock.now()
    lines = tuple(CountedStock(item=name, quantity=Quantity.of(level)) for name in names)
    taken = StockSnapshotTaken(snapshot_id=f"T{level}", location="DC1", lines=lines)
    counted = Fact(identity=f"t{level}", payload=taken, occurred_at=now, recorded_at=now)
    await wms.at.hub.record([counted], source="wms")


async def erp_says(wms: Warehouse, **levels: int) -> Run:
    """Compare with what other books say of DC1."""
    hub = wms.at.hub
    as_of = instant_of(hub.clock.now().isoformat())
    lines = [
        Line("DC1", item, "AVAILABLE", "", "", "", level * MICROS, "", as_of)
        for item, level in levels.items()
    ]
    said = Said(lines=lines, parts=Parts())
    asked = Asked(against="books", by="test", said=lambda _: said)
    return await hub.reconciliation.compare(hub.scope, asked)


async def erp_confirms(wms: Warehouse, number: int, /, **levels: int) -> Run:
    """Compare twice with the same; the warehouse is heard before each."""
    runs: list[Run] = []
    for step in range(2):
        await wms.at.clock.advance(TICK)
        await wms.moves(number + step)
        runs.append(await erp_says(wms, **levels))
    return runs[-1]
