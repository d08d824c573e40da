"""Record `samples.py` anew from a running Tryton: `python -m tests.peers.tryton.record`.

Topics behind it ("purchases") record those alone.
"""

import asyncio
import pprint
import sys
from datetime import date, timedelta
from pathlib import Path
from random import Random

from pydantic import SecretStr

from crossdock.applications.tryton.client import TrytonConnection, connected
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.canonical.inventory import StockStatus
from crossdock.connectivity.sdk import Ports
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.postgres import EmbeddedPostgres
from tests.peers.tryton import server
from tests.peers.tryton.server import ROOT, TrytonServer
from tests.peers.tryton.trading import Trading

FOLDER = ROOT / "src" / "crossdock" / "applications" / "tryton" / "recorded"
DELIVERED_ON = date(2027, 3, 1)


async def main() -> None:
    cluster = await EmbeddedPostgres.start(ROOT / ".peers" / "tryton" / "cluster")
    try:
        async with server.running(cluster.dsn) as tryton:
            await _record(tryton)
    finally:
        cluster.stop()


async def _record(tryton: TrytonServer) -> None:
    settings = TrytonSettings(
        base_url=tryton.base_url,
        database=tryton.database,
        user=server.USER,
        password=SecretStr(server.PASSWORD),
        count_every=timedelta(0),
        overlap=timedelta(0),
        location_statuses={"QC": StockStatus.QC_HOLD},
    )
    ports = Ports(clock=SystemClock(), random=Random(4), allow_private_addresses=True)
    async with connected(settings, ports) as connection:
        await _trade(Trading(connection.session))
        for name, raw in (await _pages(connection)).items():
            if name in sys.argv[1:] or not sys.argv[1:]:
                (FOLDER / f"{name}.json").write_bytes(raw + b"\n")
                pprint.pp((name, len(raw)))


async def _trade(clerk: Trading) -> None:
    widget = await clerk.one("product.product", "code", "=", "WIDGET")
    await clerk.stock((widget, "20"))
    (undone,) = await clerk.stock((widget, "3"))
    await clerk.do("stock.move", "cancel", [undone])
    await clerk.ship(await clerk.shipment_of(await clerk.sell(widget, "6", reference="PO-9")))
    dozen = await clerk.unit("dz", 12)
    purchase = await clerk.buy(widget, "4", unit=dozen, on=DELIVERED_ON, reference="MILL-7")
    for button in ("quote", "confirm", "process"):
        await clerk.do("purchase.purchase", button, [purchase])
    await clerk.receive(purchase, "1")


async def _pages(connection: TrytonConnection) -> dict[str, bytes]:
    pages: dict[str, bytes] = {}
    cursor, is_caught_up = "", False
    while not is_caught_up:
        page = await connection.poll(cursor)
        cursor, is_caught_up = page.cursor, page.is_caught_up
        topic = page.raw.partition(b'"topic":"')[2].partition(b'"')[0].decode()
        if page.translation.facts and len(page.raw) > len(pages.get(topic, b"")):
            pages[topic] = page.raw
    return pages


if __name__ == "__main__":
    Path(FOLDER).mkdir(exist_ok=True)
    asyncio.run(main())
