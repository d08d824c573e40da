"""A hub, and a simulated warehouse on a port of its own that takes count tasks and counts."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from crossdock.applications.generic_wms.count_desk import CountDesk, CountHabits
from crossdock.applications.generic_wms.simulator import Pace, Warehouse
from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.reconciliation import CountTaskChanged
from crossdock.capabilities.reconciliation import CountTask
from crossdock.connectivity.sdk import Delivery, Ports
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.event_log import Position
from crossdock.foundation.ids import SeededIds
from crossdock.interfaces.cli.http_server import serving
from crossdock.orchestration import cases
from tests.conftest import NOON
from tests.processes.counted import told_to_count
from tests.processes.end_to_end.world import connected, settings_of

HEARD = "whsec_" + base64.b64encode(b"the warehouse signs with this").decode()
TOLD = "whsec_" + base64.b64encode(b"the hub signs its tasks with this").decode()
TAKES = {"TakesCountTasks": ["DC1"]}
STOCK = {"BOLT": 50, "NUT": 20}
# A warehouse that does nothing by itself.
STILL = Pace(receipts_per_day=0, counts_per_day=0, damages_per_day=0, snapshot_every=None)


@dataclass
class Door:
    """What stands before the desk: it may be shut, or lose the answers to what went in."""

    desk: CountDesk
    status: int = 0
    lost: int = 0
    shuts_after: int = -1
    bodies: list[bytes] = field(default_factory=list[bytes])

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        if self.shuts_after == 0:
            self.status = 503
        self.shuts_after -= 1
        if self.status:
            await send({"type": "http.response.start", "status": self.status, "headers": []})
            await send({"type": "http.response.body", "body": b"not now"})
            return

        async def heard() -> Any:
            message = await receive()
            if message.get("body"):
                self.bodies.append(message["body"])
            return message

        async def say(message: Any) -> None:
            if not self.lost or scope["method"] != "POST":
                await send(message)

        await self.desk.app(scope, heard, say)
        if self.lost and scope["method"] == "POST":
            self.lost -= 1
            raise ConnectionAbortedError("the answer is lost")


@dataclass
class Site:
    hub: Hub
    clock: VirtualClock
    house: Warehouse
    desk: CountDesk
    door: Door
    settings: Mapping[str, Any]

    async def connects(self, name: str = "wms", **more: Any) -> None:
        await connected(self.hub, name, "generic_wms", self.settings, **{"roles": TAKES} | more)
        known: list[ItemChanged | LocationChanged] = [ItemChanged(sku=sku) for sku in STOCK]
        known.append(LocationChanged(code="DC1"))
        await self.hub.record(
            [Fact(identity=one.key, payload=one, occurred_at=NOON, version=1) for one in known],
            source=name,
        )

    async def hears(self, delivery: Delivery) -> None:
        await self.hub.inbox.receive(self.hub.scope, "wms", delivery)

    async def works(self, minutes: float = 1) -> None:
        """Let time pass, on the floor and in the hub."""
        await self.clock.advance(timedelta(minutes=minutes))
        await self.house.work()
        await self.hub.settle()
        await self.hub.count_tasks.follow()
        await self.hub.settle()

    async def proposes(self, *items: str) -> list[CountTask]:
        await told_to_count(self.hub, *items)
        await self.hub.settle()
        return await self.hub.count_tasks.listed(self.hub.scope)

    async def told(self) -> list[tuple[str, str]]:
        async with self.hub.database.transaction(self.hub.scope) as tx:
            events, _ = await event_log.read(tx, Position(), limit=5_000)
        changed = [one.payload for one in events if isinstance(one.payload, CountTaskChanged)]
        return [(one.item, one.status) for one in changed]

    async def cases(self) -> list[tuple[str, str]]:
        async with self.hub.database.transaction(self.hub.scope) as tx:
            found = [*await cases.listed(tx), *await cases.listed(tx, state="CLOSED")]
        return [(one.code, one.state) for one in found]


@asynccontextmanager
async def site(
    dsn: str, folder: Path, habits: CountHabits | None = None, **more: Any
) -> AsyncIterator[Site]:
    clock, random = VirtualClock(NOON), Random(5)
    ports = Ports(clock=clock, random=random, allow_private_addresses=True)
    outside = Outside(clock=clock, ids=SeededIds(random), random=random)
    async with Hub.open(settings_of(dsn, folder), outside) as hub:

        async def send(delivery: Delivery) -> None:
            await at.hears(delivery)

        house = Warehouse("DC1", stock=STOCK, ports=ports, send=send, secrets=[HEARD], pace=STILL)
        desk = CountDesk(house, ports=ports, secrets=[TOLD], habits=habits)
        door = Door(desk)
        async with serving(door) as address:
            settings = {
                "secrets": [HEARD],
                "tasks_url": f"{address}/tasks",
                "tasks_secrets": [TOLD],
                **more,
            }
            at = Site(hub, clock, house, desk, door, settings)
            yield at
