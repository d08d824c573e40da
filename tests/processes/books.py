"""A whole hub on a virtual clock around stand-ins that keep books, and what is in these books."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from pydantic import BaseModel

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, ItemUnit, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Ambiguous
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.outbox import By, Wanted
from crossdock.connectivity.sdk import (
    Application,
    Kind,
    Outcome,
    Ports,
    PostMovement,
    PostsMovements,
    RepeatSafety,
    Verdict,
)
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.ids import SeededIds
from crossdock.orchestration import cases
from tests.conftest import NOON
from tests.processes.end_to_end.world import connected, settings_of

BY = By(actor="a clerk", reason="a test")


class BooksSettings(BaseModel):
    company: str


@dataclass
class Ledger:
    """Books movements by search before create; refuses what it is told to, loses answers."""

    entries: dict[str, PostMovement] = field(default_factory=dict[str, PostMovement])
    calls: list[int] = field(default_factory=list[int])
    refuses: set[str] = field(default_factory=set[str])
    answers_lost: int = 0

    async def check(self) -> str:
        return "open"

    async def post_movements(self, commands: Sequence[PostMovement]) -> Sequence[Outcome]:
        self.calls.append(len(commands))
        outcomes = [self._post(command) for command in commands]
        if self.answers_lost:
            self.answers_lost -= 1
            raise Ambiguous("the line went dead")
        return outcomes

    def _post(self, command: PostMovement) -> Outcome:
        if command.item in self.refuses:
            return Outcome(
                command_id=command.command_id,
                verdict=Verdict.REFUSED,
                code="closed",
                detail="the period is closed",
            )
        self.entries.setdefault(command.external_ref, command)
        return Outcome(command_id=command.command_id, verdict=Verdict.DONE, detail="entered")

    @property
    def references(self) -> set[str]:
        return set(self.entries)

    def holds(self) -> dict[tuple[str, str], Decimal]:
        """Add up what the entries say is at each location."""
        held: dict[tuple[str, str], Decimal] = {}
        for entry in self.entries.values():
            for location, sign in ((entry.source_location, -1), (entry.target_location, 1)):
                key = (entry.item, location)
                held[key] = held.get(key, Decimal(0)) + sign * entry.quantity
        return {key: count for key, count in held.items() if key[1] and count}


@dataclass
class Office:
    """One hub, and the books of every connection by its name."""

    hub: Hub
    clock: VirtualClock
    ledgers: dict[str, Ledger]

    async def keeps(self, name: str, **entry: Any) -> Ledger:
        """Connect books; they call the hub's items and locations as the hub does."""
        ledger = self.ledgers.setdefault(name, Ledger())
        await connected(self.hub, name, "books", {"company": name}, **entry)
        known: list[ItemChanged | LocationChanged] = [
            ItemChanged(sku=sku, units=(ItemUnit(unit="CS", numerator=12),))
            for sku in ("BOLT", "NUT")
        ]
        known += [LocationChanged(code=code) for code in ("DC1", "DC2")]
        facts = [
            Fact(identity=one.key, payload=one, occurred_at=NOON, native_ref=one.key, version=1)
            for one in known
        ]
        await self.hub.record(facts, source=name)
        return ledger

    async def cases(self) -> list[tuple[str, str]]:
        async with self.hub.database.transaction(self.hub.scope) as tx:
            found = [
                *await cases.listed(tx),
                *await cases.listed(tx, state="CLOSED"),
            ]
        return [(one.code, one.resolution or one.state) for one in found]

    async def replay(self) -> None:
        """Send what is stuck once more."""
        await self.hub.outbox.replay(self.hub.scope, Wanted(), BY)
        await self.hub.settle()


@asynccontextmanager
async def office(dsn: str, folder: Path, *others: Application) -> AsyncIterator[Office]:
    """Open a hub that can connect books, and these other applications."""
    clock, random, ledgers = VirtualClock(NOON), Random(5), dict[str, Ledger]()

    @asynccontextmanager
    async def connect(settings: BooksSettings, ports: Ports) -> AsyncIterator[Ledger]:
        del ports
        yield ledgers[settings.company]

    application = Application(
        name="books",
        title="Books",
        kind=Kind.ERP,
        settings=BooksSettings,
        connect=connect,
        roles={PostsMovements: RepeatSafety.SEARCH_BEFORE_CREATE},
        events=(StockMoved, ItemChanged, LocationChanged),
        rate_per_second=1000.0,
    )
    known = {one.name: one for one in (application, *others)}
    outside = Outside(clock=clock, ids=SeededIds(random), random=random, applications=known)
    async with Hub.open(settings_of(dsn, folder), outside) as hub:
        yield Office(hub, clock, ledgers)


ON_SHELF = Place(location="DC1")
AT_DOCK = Place(location="DC1", status=StockStatus.RECEIVING)
STAGED = Place(location="DC1", status=StockStatus.STAGED_OUT)

ENDS: dict[MovementType, tuple[Place | None, Place | None]] = {
    MovementType.RECEIPT: (None, AT_DOCK),
    MovementType.PUTAWAY: (AT_DOCK, ON_SHELF),
    MovementType.PICK: (ON_SHELF, STAGED),
    MovementType.SHIP: (STAGED, None),
    MovementType.COUNT_ADJUST: (ON_SHELF, None),
}


def movement(
    number: int,
    kind: MovementType,
    quantity: str = "4 EA",
    *,
    item: str = "BOLT",
    ends: tuple[Place | None, Place | None] | None = None,
    at: datetime = NOON,
    **more: Any,
) -> Fact:
    """Word one movement as a warehouse does."""
    amount, unit = quantity.split()
    source, target = ends or ENDS[kind]
    moved = StockMoved(
        movement_id=f"{number}:1",
        item=item,
        quantity=Quantity.of(amount, unit),
        type=kind,
        source_place=source,
        target_place=target,
    )
    return Fact(identity=f"movement:{number}:1", payload=moved, occurred_at=at, **more)
