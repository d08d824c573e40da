"""`crossdock sim`: stand-ins of outside systems, to try a hub against without one of them."""

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Annotated
from urllib.parse import urlsplit

import typer
from starlette.applications import Starlette
from starlette.routing import Mount

from crossdock.applications.generic_wms.ask_desk import AskDesk, AskHabits
from crossdock.applications.generic_wms.count_desk import CountDesk, CountHabits
from crossdock.applications.generic_wms.file_drop import DropHabits, FileDrop
from crossdock.applications.generic_wms.simulator import Habits as WmsHabits
from crossdock.applications.generic_wms.simulator import (
    Pace,
    Send,
    Warehouse,
    WorkLine,
    webhook_sender,
)
from crossdock.applications.shopify.settings import ShopifySettings
from crossdock.applications.shopify.simulated_webhooks import Habits as ShopHabits
from crossdock.applications.shopify.simulator import ShopifySimulator
from crossdock.canonical.errors import Forbidden, NotFound, Unavailable
from crossdock.connectivity.sdk import Delivery, Ports
from crossdock.connectivity.transports.http import HttpClient
from crossdock.foundation.clock import Clock, SystemClock
from crossdock.interfaces.cli.files import write_text
from crossdock.interfaces.cli.http_server import serving
from crossdock.interfaces.cli.hub import read_settings, run
from crossdock.interfaces.cli.output import AsJson, print_json, stderr

app = typer.Typer(add_completion=False, no_args_is_help=True)

WAVE = timedelta(seconds=15)
"""Waves of a real floor are minutes apart; whoever tries a hub wants to see one."""
FLUSH_SECONDS = 5.0
TOPICS = ("ORDERS_CREATE", "ORDERS_UPDATED", "ORDERS_CANCELLED", "INVENTORY_LEVELS_UPDATE")

Seed = Annotated[int, typer.Option(help="The same seed does the same things.")]
Items = Annotated[int, typer.Option(min=1, max=10_000, help="How many items, SKU-0001 and on.")]
Bad = Annotated[bool, typer.Option("--bad", help="Bad habits: late, twice, out of order, lost.")]
Hub = Annotated[str, typer.Option(help="The hub's address; by default as CROSSDOCK_PORT says.")]
File = Annotated[
    Path | None, typer.Option(help="Write the settings that connect it to this file.")
]
Drop = Annotated[
    Path | None,
    typer.Option(
        exists=True, file_okay=False, writable=True, help="Drop files there, not webhooks."
    ),
]
Counts = Annotated[
    str,
    typer.Option(
        metavar="PORT|FOLDER",
        help="Take count tasks, and count: at this port (0: free), or out of this folder.",
    ),
]
Sells = Annotated[float, typer.Option(min=0, help="Orders a minute.")]


@app.command()
def shop(
    hub: Hub = "",
    connection: Annotated[str, typer.Option(help="The hub's connection for this shop.")] = "shop",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where it listens; 0: free.")] = 8441,
    items: Items = 50,
    sells: Sells = 20,
    seed: Seed = 7,
    bad: Bad = False,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Run a shop: Admin GraphQL, signed webhooks, customers. Prints the settings to connect it."""

    async def open_shop() -> None:
        ports = _ports(seed)
        keys = {"access_token": "shpat_simulated", "webhook_secret": "simulated-webhook-secret"}
        settings = {"shop_domain": "simulated.myshopify.com", "demand_location": "DC1", **keys}
        habits = ShopHabits(lost=0.01, twice=0.1, late=0.05) if bad else ShopHabits()
        simulator = ShopifySimulator(
            ShopifySettings.model_validate(settings), ports, habits=habits
        )
        place = simulator.shop.open_location("DC1")
        skus = [f"SKU-{number:04}" for number in range(1, items + 1)]
        for sku in skus:
            simulator.shop.list_item(sku, title=sku, stock={place: 0})
        for topic in TOPICS:
            simulator.webhooks.subscribe(topic, f"{_address(hub)}/v1/webhooks/{connection}")
        async with serving(simulator.app, port=port) as address:
            whole = {**settings, "admin_url": address}
            _say(whole, f"shopify {connection}", file, as_json=as_json)
            async with asyncio.TaskGroup() as group:
                group.create_task(simulator.webhooks.run())
                group.create_task(_sell(simulator, skus, sells, ports.random))

    run(open_shop())


@app.command()
def warehouse(
    hub: Hub = "",
    connection: Annotated[str, typer.Option(help="The hub's connection for it.")] = "wms",
    site: Annotated[str, typer.Option(help="The warehouse's code.")] = "DC1",
    items: Items = 50,
    picks: Annotated[
        float, typer.Option(min=0, help="Order lines it picks a minute, of orders of its own.")
    ] = 6,
    folder: Drop = None,
    counts: Counts = "",
    seed: Seed = 7,
    bad: Bad = False,
    file: File = None,
    as_json: AsJson = False,
) -> None:
    """Run a warehouse: receipts, picks, counts, damages. Prints the settings to connect it.

    It sends signed webhooks, or drops files. With --bad it refuses counts, too, and delays them.
    """

    async def open_warehouse() -> None:
        ports = _ports(seed)
        secret = _secret(f"warehouse simulated {seed:04}")
        drop = None
        if folder is not None:
            habits = DropHabits(half_written=0.2, same_name=0.1, same_content=0.1)
            drop = FileDrop(folder, random=ports.random, habits=habits if bad else None)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(_caller(hub, ports.clock))
            send = webhook_sender(client, f"/v1/webhooks/{connection}")
            skus = [f"SKU-{number:04}" for number in range(1, items + 1)]
            house = Warehouse(
                site,
                stock=dict.fromkeys(skus, 100),
                ports=ports,
                send=drop.send if drop else _patient(send, ports.clock),
                secrets=[secret],
                pace=Pace(wave_every=WAVE),
                habits=WmsHabits.bad() if bad else WmsHabits.usual(),
            )
            tasks = await _count_desk(stack, house, ports, counts, bad=bad)
            if drop:
                # A shop lists its items by itself; of files alone nobody would know them.
                await drop.send(_items(skus, ports.clock))
            kind = "generic_wms_files" if drop else "generic_wms"
            way = {"folder": str(drop.folder.absolute())} if drop else {"secrets": [secret]}
            said = {**way, "available_is": "NOT_TOLD", **tasks}
            _say(said, f"{kind} {connection}", file, as_json=as_json)
            async with asyncio.TaskGroup() as group:
                group.create_task(house.run())
                group.create_task(take_orders(house, skus, picks, ports.clock, seed))
                if drop:
                    group.create_task(_flush(drop, ports.clock))

    run(open_warehouse())


async def _count_desk(
    stack: AsyncExitStack, house: Warehouse, ports: Ports, counts: str, *, bad: bool
) -> dict[str, object]:
    """Open a desk for count tasks; give the settings by which the hub tells it of them."""
    if not counts:
        return {}
    secret = _secret(f"the hub tells {house.floor.site}")
    habits = CountHabits.bad() if bad else CountHabits()
    desk = CountDesk(house, ports=ports, secrets=[secret], habits=habits)
    if counts.isdecimal():
        token = _secret(f"the hub asks {house.floor.site}")
        asked = AskHabits.bad() if bad else AskHabits()
        asks = AskDesk(house, token=token, ports=ports, habits=asked)
        app = Starlette(routes=[Mount("/asked", asks.app), Mount("/", desk.app)])
        address = await stack.enter_async_context(serving(app, port=int(counts)))
        return {
            "tasks_url": f"{address}/count-tasks",
            "tasks_secrets": [secret],
            "events_url": f"{address}/asked/events",
            "stock_url": f"{address}/asked/stock",
            "asks_token": token,
        }
    folder = _whole(counts)
    reading = asyncio.create_task(_read_tasks(desk, folder, ports.clock), name="count tasks")
    stack.callback(reading.cancel)
    return {"tasks_folder": str(folder)}


def _whole(folder: str) -> Path:
    return Path(folder).absolute()


async def _read_tasks(desk: CountDesk, folder: Path, clock: Clock) -> None:
    while True:
        await desk.read(folder)
        await clock.sleep(FLUSH_SECONDS)


def _secret(words: str) -> str:
    return "whsec_" + base64.b64encode(words.encode().ljust(24)).decode()


def _caller(hub: str, clock: Clock) -> HttpClient:
    parts = urlsplit(_address(hub))
    return HttpClient(
        f"{parts.scheme}://{parts.netloc}", clock=clock, allow_private_addresses=True
    )


async def take_orders(
    house: Warehouse, skus: Sequence[str], per_minute: float, clock: Clock, seed: int
) -> None:
    """Hand the floor order lines that were taken by telephone: the hub hears of their picks."""
    random = Random(f"orders {seed}")  # noqa: S311  # a game, not a secret
    for number in count(1) if per_minute else ():
        await clock.sleep(random.expovariate(per_minute / 60))
        order = f"phone:{number}"
        line = WorkLine(
            demand_ref=f"{order}/1",
            item=random.choice(skus),
            quantity=random.choice((1, 1, 2, 3)),
            document=order,
        )
        house.release([line])


def _items(skus: Sequence[str], clock: Clock) -> Delivery:
    lines = [{"item": sku} for sku in skus]
    said = {"type": "item", "occurred_at": clock.now().isoformat(), "lines": lines}
    return Delivery(body=json.dumps(said).encode())


async def _flush(drop: FileDrop, clock: Clock) -> None:
    while True:
        await drop.flush()
        await clock.sleep(FLUSH_SECONDS)


async def _sell(
    simulator: ShopifySimulator, skus: list[str], per_minute: float, random: Random
) -> None:
    clock = SystemClock()
    while per_minute:
        await clock.sleep(random.expovariate(per_minute / timedelta(minutes=1).total_seconds()))
        simulator.shop.buy(random.choice(skus), random.choice((1, 1, 2, 3)))


def _address(hub: str) -> str:
    settings = read_settings()
    return (hub or f"http://{settings.host}:{settings.port}").rstrip("/")


def _ports(seed: int) -> Ports:
    return Ports(
        clock=SystemClock(),
        random=Random(seed),  # noqa: S311  # a game, not a secret
        allow_private_addresses=True,
    )


def _patient(send: Send, clock: Clock) -> Send:
    """Wait a minute for the hub to know the connection, instead of giving the message up."""

    async def sent(delivery: Delivery) -> None:
        for _ in range(60):
            try:
                return await send(delivery)
            except (NotFound, Forbidden):
                await clock.sleep(1)
        raise Unavailable("The hub does not know the connection yet")

    return sent


def _say(settings: Mapping[str, object], what: str, file: Path | None, *, as_json: bool) -> None:
    """Give the settings that connect it, ready for `crossdock connection add`."""
    application, name = what.split()
    if file:
        write_text(file, json.dumps(settings, indent=2) + "\n")
    if as_json:
        print_json({"application": application, "connection": name, "settings": settings})
        return
    stderr.print("[green]✓[/] at work (Ctrl-C ends it)")
    if not file:
        file = Path(f"{name}.json")
        stderr.print(f"  to connect it, put this into {file}:")
        stderr.print(json.dumps(settings, indent=2), soft_wrap=True, markup=False)
    stderr.print(f"  crossdock connection add {name} {application} --file {file}", soft_wrap=True)
    if "tasks_url" in settings or "tasks_folder" in settings:
        stderr.print("    and, for it to count: --role TakesCountTasks=<the location>")
    if "admin_url" in settings or "tasks_url" in settings:
        stderr.print("  the hub needs CROSSDOCK_ALLOW_PRIVATE_ADDRESSES=true to call it")
