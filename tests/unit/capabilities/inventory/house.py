"""Short ways to say what happened in a warehouse, and to ask the hub about it."""

import itertools
from datetime import timedelta

from crossdock.canonical.envelope import Event, Fact, Payload
from crossdock.canonical.inventory import (
    CountedStock,
    MovementType,
    Place,
    ReservationKind,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory import (
    Availability,
    Inventory,
    KnowsProtections,
    Reservation,
    ReservationLine,
    ReservationRequest,
    inventory_reader,
)
from crossdock.foundation import event_log, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Entry, Position
from crossdock.foundation.scope import Scope
from tests.conftest import NOON

MAIN = Scope("main")
AVAILABLE = StockStatus.AVAILABLE
SECOND = timedelta(seconds=1)


def place(location: str = "DC1", status: StockStatus = AVAILABLE, **rest: str) -> Place:
    return Place(location=location, status=status, **rest)


def moved(
    number: int,
    quantity: str | int,
    source: Place | None,
    target: Place | None,
    *,
    item: str = "X",
    demand_ref: str = "",
) -> Fact:
    """Tell a movement with sequence `number`, recorded `number` seconds after noon."""
    payload = StockMoved(
        movement_id=f"M{number}",
        item=item,
        quantity=Quantity.of(quantity),
        type=MovementType.OTHER,
        source_place=source,
        target_place=target,
        demand_ref=demand_ref,
    )
    return fact(f"movement:{number}", payload, number)


def counted(
    number: int, *lines: CountedStock, location: str = "DC1", is_full: bool = False
) -> Fact:
    payload = StockSnapshotTaken(
        snapshot_id=f"S{number}", location=location, lines=lines, is_full=is_full
    )
    return fact(f"snapshot:{location}:{number}", payload, number)


def count(
    quantity: str | int,
    status: StockStatus = AVAILABLE,
    *,
    item: str = "X",
    owner: str = "",
    lot: str = "",
    serial: str = "",
) -> CountedStock:
    return CountedStock(
        item=item,
        quantity=Quantity.of(quantity),
        status=status,
        owner=owner,
        lot=lot,
        serial=serial,
    )


def ordered(order_id: str, version: int, *lines: DemandLine) -> Fact:
    payload = OrderChanged(order_id=order_id, lines=lines)
    return Fact(
        identity=f"order:{order_id}:{version}", payload=payload, occurred_at=NOON, version=version
    )


def demand(
    ref: str,
    quantity: str | int,
    cancelled: str | int = 0,
    *,
    item: str = "X",
    location: str = "DC1",
) -> DemandLine:
    return DemandLine(
        demand_ref=ref,
        item=item,
        location=location,
        ordered=Quantity.of(quantity),
        cancelled=Quantity.of(cancelled),
    )


def fact(identity: str, payload: Payload, number: int) -> Fact:
    at = NOON + number * SECOND
    return Fact(
        identity=identity, payload=payload, occurred_at=at, recorded_at=at, sequence=number
    )


class House:
    """One tenant's inventory with its reader; nothing happens unless it is told or asked."""

    def __init__(
        self,
        database: Database,
        clock: VirtualClock,
        protections: KnowsProtections | None = None,
    ) -> None:
        self.database = database
        self.clock = clock
        self.inventory = Inventory(database, clock, protections=protections)
        self.reader = inventory_reader(clock)
        self._numbers = itertools.count()

    @classmethod
    async def opened(cls, database: Database, clock: VirtualClock) -> "House":
        house = cls(database, clock)
        await readers.register(database, house.reader)
        return house

    async def hear(self, *facts: Fact, source: str = "wms", scope: Scope = MAIN) -> None:
        """Record facts and let inventory fold them."""
        await self.record(*facts, source=source, scope=scope)
        await self.fold()

    async def record(self, *facts: Fact, source: str = "wms", scope: Scope = MAIN) -> None:
        entries = [
            Entry(tenant=scope.tenant, source=source, received_at=self.clock.now(), fact=one)
            for one in facts
        ]
        async with self.database.transaction(scope) as tx:
            await event_log.append_once(tx, entries)

    async def fold(self) -> None:
        await readers.catch_up(self.database, self.reader, self.clock)

    async def stock(self, item: str = "X", location: str = "DC1") -> Availability:
        return (await self.inventory.availability(MAIN, [(item, location)]))[0]

    async def held(self, item: str = "X", location: str = "DC1") -> set[tuple[str, str, str, int]]:
        """Give each bucket that holds something: owner, lot, serial, and whole units."""
        found = await self.inventory.on_hand(MAIN, [(item, location)])
        return {
            (one.owner, one.lot, one.serial, int(one.quantity.value))
            for one in found
            if one.quantity.value
        }

    async def figures(self, item: str = "X", location: str = "DC1") -> tuple[int, int, int, int]:
        """Give net, available, withheld and shortage, in whole units."""
        found = await self.stock(item, location)
        net, available, withheld, shortage = (
            int(one.value) for one in (found.net, found.available, found.withheld, found.shortage)
        )
        return net, available, withheld, shortage

    async def reserve(
        self,
        quantity: int,
        *,
        item: str = "X",
        location: str = "DC1",
        kind: ReservationKind = ReservationKind.SOFT,
        demand_ref: str = "",
        request_id: str = "",
        **rest: int,
    ) -> Reservation:
        request = ReservationRequest(
            request_id=request_id or f"R{next(self._numbers)}",
            lines=(ReservationLine(item, location, quantity * MICROS, demand_ref),),
            kind=kind,
            ttl_seconds=rest.get("ttl_seconds"),
        )
        return await self.inventory.reserve(MAIN, "shop", request)

    async def told(self, kind: type[Payload]) -> list[Event]:
        """Give every event of a type in the log, after announcing what is due."""
        await self.inventory.upkeep.tell()
        async with self.database.transaction(Scope.of_workers()) as tx:
            events, _ = await event_log.read(tx, Position(), limit=100_000)
        return [event for event in events if isinstance(event.payload, kind)]
