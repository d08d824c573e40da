"""A whole hub that reads a real Tryton, round after round, at the test's word."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

from crossdock.applications.tryton import APPLICATION
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.assembly import Hub, Outside
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.poller import Poller, Polling
from crossdock.connectivity.sdk import Ports
from crossdock.foundation import event_log
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.event_log import Position
from tests.processes.end_to_end.town import eventually
from tests.processes.end_to_end.world import connected, settings_of

ERP = "erp"
ROUND_SECONDS_MAX = 60
DUE_AT_ONCE = {"tryton": replace(APPLICATION, poll_every=timedelta(microseconds=1))}
"""A Tryton that is due again at once, so that no test waits for the next round."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One connection of a hub, and who polls it."""

    hub: Hub
    poller: Poller

    async def round(self) -> None:
        """Poll once, when it is due: after a failure that is in a second or two."""
        async with asyncio.timeout(ROUND_SECONDS_MAX):
            while not await self.poller.round():
                await asyncio.sleep(0.05)

    async def state(self) -> dict[str, Any]:
        return await self.hub.pollers.state(self.hub.scope, ERP)

    async def entry(self) -> Entry:
        return await self.hub.directory.get(self.hub.scope, ERP)

    async def rewind(self, moment: datetime) -> None:
        await self.hub.pollers.rewind_to(self.hub.scope, ERP, moment)

    async def facts(self) -> list[Fact]:
        """Give all that the hub has recorded, oldest first."""
        facts: list[Fact] = []
        after = Position()
        while True:
            async with self.hub.database.transaction(self.hub.scope) as tx:
                page, reached = await event_log.read(tx, after, limit=1000)
            if reached == after:
                return facts
            facts += [event.fact for event in page]
            after = reached

    async def holds(self, item: str, quantity: str, *, at: str = "WH") -> None:
        """Wait until the hub has so many: a move may have to wait for its item, for a moment."""
        await eventually(lambda: self._on_hand(item, at), lambda held: held == Decimal(quantity))

    async def claims(self, item: str, quantity: str) -> None:
        """Wait until orders claim so many at the warehouse."""
        micros = Quantity.of(quantity).micros
        await eventually(lambda: self._claimed(item), lambda claimed: claimed == micros)

    async def _claimed(self, item: str) -> int:
        await self.hub.settle()
        return (await self.hub.availability(item, "WH")).figures.hard

    async def _on_hand(self, item: str, location: str) -> Decimal:
        await self.hub.settle()
        return (await self.hub.availability(item, location)).on_hand.value


@asynccontextmanager
async def reading(dsn: str, folder: Path, settings: TrytonSettings) -> AsyncIterator[Reading]:
    """Connect a hub to Tryton; it polls when it is told to."""
    clock = SystemClock()
    said = {
        **settings.model_dump(mode="json"),
        "password": settings.password.get_secret_value(),
    }
    outside = Outside(clock=clock, applications=DUE_AT_ONCE)
    async with Hub.open(settings_of(dsn, folder), outside) as hub:
        entry = await connected(hub, ERP, "tryton", said)
        polling = Polling(
            database=hub.database,
            directory=hub.directory,
            inbox=hub.inbox,
            ports=Ports(clock=clock, random=Random(4), allow_private_addresses=True),
            worker="test",
        )
        poller = Poller(polling, entry)
        try:
            yield Reading(hub, poller)
        finally:
            await poller.close()
