"""Short ways to say what is still to come and when it is due, and to ask a hub about it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
    ItemUnit,
    KitChanged,
    KitComponent,
    LocationChanged,
    LotChanged,
)
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import MovementType, Place, StockMoved, StockStatus
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.canonical.supply import (
    SupplyCommitmentChanged,
    SupplyEvidence,
    SupplyKind,
)
from crossdock.capabilities.supply import Atp, AtpRule, PlacedRule, Question
from crossdock.connectivity.recording import Verdict
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.settings import Settings
from tests.conftest import NOON

TODAY = NOON.date()
"""A Monday."""
EVERY_DAY = AtpRule(weekdays="1234567", daily_buckets=10, weekly_buckets=0)
CASES = (ItemUnit(unit="CS", numerator=12),)


def day(number: int) -> date:
    return TODAY + timedelta(days=number)


def committed(supply_id: str, quantity: str | int, version: int = 1, **more: object) -> Fact:
    """Tell an acknowledged purchase of X for DC1, due tomorrow, unless it is said otherwise."""
    payload = SupplyCommitmentChanged(
        supply_id=supply_id,
        kind=SupplyKind.PO_SCHEDULE,
        item="X",
        location="DC1",
        open_quantity=Quantity.of(quantity),
        evidence=SupplyEvidence.ACKNOWLEDGED,
        eta=day(1),
    )
    said = replace(payload, **more)  # type: ignore[arg-type]  # fields by name, as the case has them
    return Fact(
        identity=f"supply:{supply_id}@{version}", payload=said, occurred_at=NOON, version=version
    )


def noticed(supply_id: str, quantity: str | int, version: int = 1, **more: object) -> Fact:
    """Tell a line of a ship notice."""
    return committed(
        supply_id,
        quantity,
        version,
        **{"kind": SupplyKind.ASN_LINE, "evidence": SupplyEvidence.SHIPPED, **more},
    )


def kit(item: str, version: int, **pieces: int) -> Fact:
    """Tell what one kit is put together from."""
    payload = KitChanged(
        item=item,
        quantity=Quantity.of(1),
        components=tuple(
            KitComponent(item=part, quantity=Quantity.of(amount))
            for part, amount in pieces.items()
        ),
    )
    identity = f"kit:{item}@{version}"
    return Fact(identity=identity, payload=payload, occurred_at=NOON, version=version)


def expiring(lot: str, on: date | None, version: int = 1) -> Fact:
    """Tell until when a lot of X may be used."""
    payload = LotChanged(item="X", lot=lot, expires_on=on)
    identity = f"lot:{lot}@{version}"
    return Fact(identity=identity, payload=payload, occurred_at=NOON, version=version)


def weighing(nominal: Quantity | None, version: int = 1) -> Fact:
    """Tell what one X weighs, give or take five percent."""
    payload = CatchWeightChanged(item="X", nominal=nominal, low_percent=5, high_percent=5)
    identity = f"weight:X@{version}"
    return Fact(identity=identity, payload=payload, occurred_at=NOON, version=version)


def ordered(order_id: str, *lines: DemandLine, version: int = 1) -> Fact:
    return Fact(
        identity=f"order:{order_id}@{version}",
        payload=OrderChanged(order_id=order_id, lines=lines),
        occurred_at=NOON,
        version=version,
    )


def line(ref: str, quantity: int, on: date | None = None, *, location: str = "DC1") -> DemandLine:
    return DemandLine(
        demand_ref=ref,
        item="X",
        location=location,
        ordered=Quantity.of(quantity),
        cancelled=Quantity.of(0),
        requested_ship_date=on,
    )


def moved(
    name: str,
    quantity: int,
    source: Place | None,
    target: Place | None,
    ref: str = "",
    *,
    item: str = "X",
) -> Fact:
    payload = StockMoved(
        movement_id=name,
        item=item,
        quantity=Quantity.of(quantity),
        type=MovementType.OTHER,
        source_place=source,
        target_place=target,
        demand_ref=ref,
    )
    return fact(f"movement:{name}", payload)


def fact(identity: str, payload: Payload) -> Fact:
    return Fact(identity=identity, payload=payload, occurred_at=NOON + timedelta(seconds=1))


def shelf(location: str = "DC1") -> Place:
    return Place(location=location)


STAGED = Place(location="DC1", status=StockStatus.STAGED_OUT)


class Yard:
    """A hub with an item X, in cases of twelve, at DC1 and DC2; every day is a working day."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, database: Database, dsn: str, clock: VirtualClock, folder: Path
    ) -> AsyncIterator["Yard"]:
        settings = Settings(tenant="main", data_dir=folder)
        hub = Hub(settings, dsn, database, Outside(clock=clock, applications={}))
        await hub._register()
        yard = cls(hub)
        await yard.hear(
            fact("X", ItemChanged(sku="X", units=CASES)),
            *(fact(item, ItemChanged(sku=item)) for item in "ABCKPQ"),
            fact("DC1", LocationChanged(code="DC1")),
            fact("DC2", LocationChanged(code="DC2")),
        )
        await yard.rule(EVERY_DAY)
        yield yard

    async def hear(self, *facts: Fact, source: str = "erp") -> None:
        for verdict in await self.hub.record(facts, source=source):
            assert verdict.verdict in {Verdict.NEW, Verdict.REPEAT}, verdict

    async def rule(self, rule: AtpRule, item: str = "*", location: str = "*") -> None:
        placed = PlacedRule(item=item, location=location, rule=rule)
        await self.hub.supply.put_rule(self.hub.scope, placed, by="test")

    async def ask(
        self,
        quantity: int | None = None,
        *own: str,
        location: str = "DC1",
        by: date | None = None,
        **more: Any,
    ) -> Atp:
        micros = None if quantity is None else quantity * MICROS
        question = Question("X", location, "EA", micros, by, frozenset(own))
        [answer] = await self.hub.promise_dates([question._replace(**more)])
        return answer

    async def of(self, item: str, quantity: int | None = None, *, location: str = "DC1") -> Atp:
        micros = None if quantity is None else quantity * MICROS
        [answer] = await self.hub.promise_dates([Question(item, location, "EA", micros)])
        return answer

    async def promisable(self, *own: str, location: str = "DC1") -> dict[int, int]:
        """Give in whole pieces what can be promised from which day on, where it changes."""
        found: dict[int, int] = {}
        for bucket in (await self.ask(None, *own, location=location)).buckets:
            if not found or bucket.atp != list(found.values())[-1] * MICROS:
                found[(bucket.day - TODAY).days] = bucket.atp // MICROS
        return found
