"""A hub that is killed while it books into a real Tryton books every movement once."""

import pytest

from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.assembly import Hub
from crossdock.canonical.inventory import MovementType, Place, StockStatus
from tests.hub_processes import hubs_in
from tests.peers.tryton.proxy import Fate, proxy
from tests.peers.tryton.server import TrytonServer
from tests.peers.tryton.test_booking import done_moves
from tests.peers.tryton.trading import Trading
from tests.processes.books import movement
from tests.processes.end_to_end.town import eventually
from tests.processes.end_to_end.world import connected

pytestmark = pytest.mark.peer

AT_DOCK = Place(location="WH", status=StockStatus.RECEIVING)


async def test_a_hub_that_is_killed_while_it_books_books_every_movement_once(
    tryton: TrytonServer,
    settings: TrytonSettings,
    clerk: Trading,
    code: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    (product,) = await clerk.products(code)
    deadly = ["create", "do"]

    async def kill_the_hub(body: bytes) -> Fate:
        """Kill it while its request is under way: Tryton does it, and nobody hears the answer."""
        for step in list(deadly):
            if f"stock.shipment.internal.{step}".encode() in body:
                deadly.remove(step)
                await hubs.kill(with_database=False)
                await hubs.start("worker")
        return Fate.PASS

    with hubs_in(tmp_path_factory.mktemp("booking")) as hubs:
        async with proxy(tryton.port, kill_the_hub) as url, Hub.open(hubs.settings) as hub:
            said = {
                **settings.model_dump(mode="json"),
                "password": settings.password.get_secret_value(),
                "base_url": url,
            }
            await connected(hub, "erp", "tryton", said, roles={"PostsMovements": ["WH"]})
            await hubs.start("worker")
            await eventually(
                lambda: hub.catalog.names(hub.scope, {code}, {"WH"}),
                all,
                seconds=60,
            )
            moves = [
                movement(number, MovementType.RECEIPT, "4 EA", item=code, ends=(None, AT_DOCK))
                for number in range(6)
            ]
            await hub.inbox.record(hub.scope, "wms", moves, b"")

            booked = await eventually(
                lambda: done_moves(clerk, product),
                lambda found: [state for state, _ in found].count("done") >= len(moves),
                seconds=90,
            )
            assert booked == [("done", "4.0")] * len(moves)
            assert deadly == []
            assert not await hub.outbox.find(hub.scope)
            assert [process.returncode for process in hubs.processes] == [None]
