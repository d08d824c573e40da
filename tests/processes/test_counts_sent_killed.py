"""A hub that is killed while it tells a count task tells it again, and it is counted once."""

import signal
from dataclasses import dataclass
from random import Random

import pytest
from starlette.types import Receive, Scope, Send

from crossdock.applications.generic_wms.count_desk import CountDesk
from crossdock.applications.generic_wms.simulator import Warehouse
from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.capabilities.reconciliation import CountReason, CountTask
from crossdock.connectivity.sdk import Delivery, Ports
from crossdock.foundation.clock import SystemClock
from crossdock.interfaces.cli.http_server import serving
from tests.conftest import NOON
from tests.hub_processes import Hubs, hubs_in
from tests.processes.end_to_end.town import eventually
from tests.processes.end_to_end.world import connected
from tests.processes.floor import HEARD, STILL, TAKES, TOLD


@dataclass
class DeadlyDoor:
    """Kills the hub while its first request is under way: it is done, and nobody hears of it."""

    desk: CountDesk
    hubs: Hubs
    kills: int = 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def unheard(message: object) -> None:
            if not self.kills:
                await send(message)  # type: ignore[arg-type]  # as it came

        await self.desk.app(scope, receive, unheard)
        if self.kills:
            await self.hubs.kill(with_database=False)
            self.kills -= 1
            await self.hubs.start("worker")


async def test_a_hub_that_is_killed_while_it_tells_a_task_has_it_counted_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    async def nowhere(delivery: Delivery) -> None:
        del delivery

    ports = Ports(clock=SystemClock(), random=Random(3), allow_private_addresses=True)
    house = Warehouse("DC1", stock={"BOLT": 5}, ports=ports, send=nowhere, pace=STILL)
    desk = CountDesk(house, ports=ports, secrets=[TOLD])
    known = (ItemChanged(sku="BOLT"), LocationChanged(code="DC1"))
    facts = [Fact(identity=one.key, payload=one, occurred_at=NOON, version=1) for one in known]
    with hubs_in(tmp_path_factory.mktemp("counts")) as hubs:
        door = DeadlyDoor(desk, hubs)
        async with serving(door) as address, Hub.open(hubs.settings) as hub:
            settings = {"secrets": [HEARD], "tasks_url": address, "tasks_secrets": [TOLD]}
            await connected(hub, "wms", "generic_wms", settings, roles=TAKES)
            await hub.record(facts, source="wms")
            await hub.put_stock("BOLT", "DC1", 5)
            task = await hub.count_tasks.ask(hub.scope, "BOLT", "DC1", CountReason.RECALL)
            await hubs.start("worker")

            async def listed() -> list[CountTask]:
                return await hub.count_tasks.listed(hub.scope)

            [told] = await eventually(
                listed,
                lambda found: [one.answer for one in found[0].sent_to] == ["TAKEN"],
                seconds=90,
            )
            await hubs.end(signal.SIGTERM)

    assert told.count_id == task.count_id
    assert (door.kills, desk.heard_count) == (0, 2)
    assert desk.counted == [task.count_id]
