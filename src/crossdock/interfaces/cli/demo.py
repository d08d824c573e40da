"""`crossdock demo`: one trading day, the old way and with Crossdock, in under a minute."""

import importlib
from typing import Annotated

import typer

from crossdock.interfaces.cli.interrupts import interrupt_held
from crossdock.interfaces.cli.output import AsJson, stderr
from crossdock.interfaces.cli.trading_day import (
    by_batch_feed,
    plan,
)

app = typer.Typer(add_completion=False)

BATCH_SECONDS = 7200


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Another seed, another day.")] = 7,
    orders: Annotated[int, typer.Option(min=1, max=20_000, help="Orders wanted that day.")] = 200,
    items: Annotated[int, typer.Option(min=2, max=5_000, help="Items in the assortment.")] = 80,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of the API; 0: a free one.")
    ] = 0,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave the hub serving at the end.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Play one trading day of a simulated distributor, and compare it with a two-hour feed."""
    stderr.print("Crossdock demo: one trading day, the old way and with Crossdock.")
    day = plan(seed, orders=orders, items=items)
    old = by_batch_feed(day, every_seconds=BATCH_SECONDS)
    stderr.print(
        f"  [green]✓[/] the day   {len(day.items)} items, {orders} orders wanted (seed {seed})"
    )
    # The hub's parts take half a second to load; the first lines are there before.
    with interrupt_held():
        shell = importlib.import_module("crossdock.interfaces.cli.demo_shell")
    shell.run_day(day, old, port=port, keep=keep, as_json=as_json)
