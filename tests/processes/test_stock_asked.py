"""A warehouse that can be asked for single keys: sampled by turns, confirmed, read once more."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import BaseModel

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import NotFound, Rejected
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    StockMoved,
    StockSnapshotTaken,
)
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.reconciliation import Asked, Line, Parts, Said, Wanted, instant_of
from crossdock.capabilities.reconciliation.planning import PASSES
from crossdock.connectivity.sdk import (
    Application,
    Kind,
    Ports,
    StockAnswer,
    StockQuestion,
    Translation,
)
from crossdock.foundation.clock import VirtualClock
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

    async def on_hand(self, item: str = "BOLT") -> int:
        answer = await self.at.hub.availability(item, "DC1")
        return int(answer.available.value)


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    shelves: list[Shelf] = []

    @asynccontextmanager
    async def connect(settings: ShelfSettings, ports: Ports) -> AsyncIterator[Shelf]:
        del settings, ports
        yield shelves[0]

    application = Application(
        name="shelf",
        title="A warehouse",
        kind=Kind.WMS,
        settings=ShelfSettings,
        connect=connect,
        events=(StockMoved, StockSnapshotTaken, ItemChanged, LocationChanged),
        stock_question=StockQuestion(keys_max=100, requests=2),
        rate_per_second=1000.0,
    )
    async with office(dsn, tmp_path, application) as at:
        shelves.append(Shelf(at.clock, {"BOLT": 100, "NUT": 0}))
        await at.keeps("erp")
        await connect_shelf(at, ["BOLT", "NUT"])
        lines = [CountedStock(item=x, quantity=Quantity.of(n)) for x, n in (("BOLT", 100),)]
        taken = StockSnapshotTaken(
            snapshot_id="S", location="DC1", lines=tuple(lines), is_full=True
        )
        counted = Fact(identity="s", payload=taken, occurred_at=at.clock.now())
        await at.hub.record([counted], source="wms")
        await at.hub.authority.set_keeper(at.hub.scope, "DC1", "wms", by="test")
        yield Warehouse(at, shelves[0])


async def connect_shelf(at: Office, skus: Sequence[str]) -> None:
    await connected(at.hub, "wms", "shelf", {"company": "wms"})
    known: list[ItemChanged | LocationChanged] = [ItemChanged(sku=sku) for sku in skus]
    known.append(LocationChanged(code="DC1"))
    facts = [
        Fact(identity=one.key, payload=one, occurred_at=NOON, native_ref=one.key, version=1)
        for one in known
    ]
    await at.hub.record(facts, source="wms")


async def test_what_the_keeper_twice_says_otherwise_is_read_once_more_and_held(
    wms: Warehouse,
) -> None:
    reconciliation, scope = wms.at.hub.reconciliation, wms.at.hub.scope
    await wms.ticks(2)
    assert await reconciliation.findings(scope, Wanted(states=["SUSPECTED"])) == []
    wms.shelf.levels["BOLT"] = 93

    await wms.ticks(8, 200)

    assert wms.shelf.asked
    rows = await reconciliation.findings(scope)
    assert [(one.item, one.against, one.attempts) for one in rows] == [("BOLT", "wms", 1)]
    assert rows[0].confirmed_at is not None
    assert rows[0].is_gone
    assert await wms.on_hand() == 93


async def test_nothing_is_recorded_of_one_that_does_not_keep_the_stock(wms: Warehouse) -> None:
    hub = wms.at.hub
    await hub.authority.set_keeper(hub.scope, "DC1", "erp", by="test")
    wms.shelf.levels["BOLT"] = 93

    done = await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["BOLT"], by="ann")

    assert (done.run.is_sample, done.run.suspected, done.taken) == (True, 1, 0)
    assert await wms.on_hand() == 100
    with pytest.raises(Rejected, match="does not keep the stock"):
        await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["BOLT"], by="ann", take=True)


async def test_the_keeper_is_asked_by_hand_and_its_word_is_recorded(wms: Warehouse) -> None:
    hub = wms.at.hub
    wms.shelf.levels["BOLT"] = 93
    await wms.at.clock.advance(TICK)

    done = await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["BOLT"], by="ann", take=True)
    await hub.settle()

    assert (done.run.suspected, done.taken, await wms.on_hand()) == (1, 1, 93)


async def test_what_cannot_be_asked_is_said(wms: Warehouse) -> None:
    hub = wms.at.hub
    with pytest.raises(NotFound, match="cannot be asked for the stock of DC1"):
        await hub.stock_sampler.ask(hub.scope, "erp", "DC1", ["BOLT"], by="ann")
    with pytest.raises(Rejected, match="tells nothing of these items"):
        await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["NOBODY"], by="ann")


async def test_a_sample_stands_in_for_no_dump(wms: Warehouse) -> None:
    """A finding of a dump that a sample did not look at is still the newest of its key."""
    hub = wms.at.hub
    dumped = await wms_dump(wms, BOLT=90)
    await wms.at.clock.advance(timedelta(minutes=1))
    await hub.stock_sampler.ask(hub.scope, "wms", "DC1", ["NUT"], by="ann")

    [found] = await hub.reconciliation.findings(hub.scope, Wanted(states=["SUSPECTED"]))
    assert (found.item, found.run_id) == ("BOLT", dumped)
    samples = [one.is_sample for one in await hub.reconciliation.runs(hub.scope)]
    assert samples == [True, False]


async def wms_dump(wms: Warehouse, of: str = "", **levels: int) -> str:
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
    return (await hub.reconciliation.compare(hub.scope, asked)).run_id


async def test_a_dump_that_tells_classes_decides_how_often_keys_are_asked(
    wms: Warehouse,
) -> None:
    """In a round an A item is asked for four times, a B item twice, a C item once."""
    hub = wms.at.hub
    names = [f"ITEM-{number:03}" for number in range(60)]
    await connect_items(wms, names)
    for of, some in (("A", names[:20]), ("B", names[20:40]), ("C", names[40:])):
        await wms_dump(wms, of, **dict.fromkeys(some, 100))
    wms.shelf.levels |= dict.fromkeys(names, 100)
    [plan] = await hub.stock_sampler.plans(hub.scope)
    a_call = timedelta(days=1) / plan.calls_a_day

    count: Counter[str] = Counter()
    for _ in range(400):
        await wms.at.clock.advance(a_call)
        await hub.stock_sampler.follow()
        async with hub.database.transaction(hub.scope) as tx:
            passes = await tx.fetchval(
                "select passes from reconciliation_round where tenant = 'main' and kind = 'STOCK'"
            )
        if passes == PASSES:
            break
    for items in wms.shelf.asked:
        count.update(items)

    assert {count[name] for name in names[:20]} == {4}
    assert {count[name] for name in names[20:40]} == {2}
    assert {count[name] for name in names[40:]} == {1}
    assert (plan.kind, plan.listings, plan.share_ppm < 10_000) == ("STOCK", 61, True)


async def connect_items(wms: Warehouse, names: Sequence[str]) -> None:
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
    lines = tuple(CountedStock(item=name, quantity=Quantity.of(100)) for name in names)
    taken = StockSnapshotTaken(snapshot_id="T", location="DC1", lines=lines)
    counted = Fact(identity="t", payload=taken, occurred_at=now, recorded_at=now)
    await wms.at.hub.record([counted], source="wms")


async def test_what_is_in_doubt_is_asked_for_first(wms: Warehouse) -> None:
    names = [f"ITEM-{number:03}" for number in range(60)]
    await connect_items(wms, names)
    wms.shelf.levels |= dict.fromkeys(names, 100)
    await wms_dump(wms, "", **{"ITEM-050": 80})

    await wms.ticks(1)

    assert wms.shelf.asked[0][0] == "ITEM-050"
