"""`crossdock tail`: events as they are recorded."""

import asyncio
from collections.abc import Awaitable, Callable
from fnmatch import fnmatch
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from crossdock.assembly import Hub
from crossdock.canonical.envelope import Event
from crossdock.foundation import event_log
from crossdock.foundation.database import DATABASE_ERRORS
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stderr, stdout

app = typer.Typer(add_completion=False)

PAGE = 500
AWAY_SECONDS = 1.0


@app.command()
def tail(
    events: Annotated[str, typer.Option(help="Types to show, with wildcards.")] = "*",
    correlation: Annotated[str, typer.Option(help="Only this business thread.")] = "",
    since_start: Annotated[bool, typer.Option("--all", help="From the beginning.")] = False,
    once: Annotated[bool, typer.Option(help="Stop at the end instead of waiting.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print events as they happen; with --json one object per line."""

    def is_wanted(event: Event) -> bool:
        return fnmatch(event.payload.TYPE, events) and (
            not correlation or event.fact.correlation_id == correlation
        )

    async def show(event: Event) -> None:
        if is_wanted(event):
            print_json(as_object(event)) if as_json else print_line(event)

    async def follow(hub: Hub) -> None:
        await follow_log(hub, show, from_start=since_start or once, once=once)

    with_hub(follow)


async def follow_log(
    hub: Hub, show: Callable[[Event], Awaitable[None]], *, from_start: bool, once: bool = False
) -> None:
    """Give every event of the tenant to `show`, as it is committed; wait out a database away."""
    scope = Scope(hub.settings.tenant)
    bell = hub.database.bell(event_log.TOPIC)
    after = Position() if from_start else await end_of(hub, scope)
    is_away = False
    while True:
        try:
            async with hub.database.transaction(scope) as tx:
                page, reached = await event_log.read_past(tx, after, limit=PAGE)
        except DATABASE_ERRORS as error:
            if once:
                raise
            if not is_away:
                stderr.print(
                    f"[yellow]![/] the database is away ({escape(repr(error))}): waiting for it"
                )
            is_away = True
            await asyncio.sleep(AWAY_SECONDS)
            continue
        is_away = False
        for event in page:
            await show(event)
        if reached == after:
            if once:
                return
            await bell.wait(5)
        after = reached


async def end_of(hub: Hub, scope: Scope) -> Position:
    async with hub.database.transaction(scope) as tx:
        return await event_log.end(tx)


def as_object(event: Event) -> dict[str, object]:
    fact = event.fact
    return {
        "position": event.position,
        "id": event.event_id,
        "type": fact.payload.TYPE,
        "source": event.source,
        "identity": fact.identity,
        "occurred_at": fact.occurred_at,
        "received_at": event.received_at,
        "clock_ahead": event.is_ahead,
        "replay": fact.replay,
        "correlation_id": fact.correlation_id,
        "data": fact.payload,
    }


def print_line(event: Event) -> None:
    fact = event.fact
    shown = short(msgspec.to_builtins(fact.payload, enc_hook=str))
    notes = f" [yellow]dated {fact.occurred_at:%Y-%m-%d %H:%M}[/]" if event.is_ahead else ""
    notes += " [yellow]replay[/]" if fact.replay else ""
    stdout.print(
        f"[dim]{event.received_at:%H:%M:%S.%f}[/] [cyan]{fact.payload.TYPE}[/]"
        f" [bold]{escape(fact.payload.key)}[/] [dim]{event.source}[/] {escape(shown)}{notes}",
        soft_wrap=True,
    )


def short(value: Any) -> str:
    """Write a payload on one line: quantities as people do, without what is empty."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(short(one) for one in value)}]"
    if not isinstance(value, dict):
        return str(value)
    if value.keys() == {"value", "unit"}:
        return f"{value['value']} {value['unit']}"
    filled = {name: one for name, one in value.items() if one not in ("", None, [], ())}
    return " ".join(f"{name}={short(one)}" for name, one in filled.items())
