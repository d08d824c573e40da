"""`crossdock connection`: the systems that the hub talks to."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.connections import Changes, moment_of, stock_meaning
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.outbox import By
from crossdock.interfaces.api.roles_said import roles_said
from crossdock.interfaces.cli.files import read_object
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stderr, stdout, table
from crossdock.interfaces.cli.standing import print_standing

app = typer.Typer(add_completion=False, no_args_is_help=True)

ACTOR = "command-line"
Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help="A role that it plays, as in PostsMovements=EAST,WEST; repeatable. Without locations"
        " it plays the role everywhere; without roles, or with `none`, it plays all that it can.",
    ),
]
Name = Annotated[str, typer.Argument(help="The connection's name, as `list` shows it.")]
Rate = Annotated[
    str | None,
    typer.Option(help="Calls a second at most; `none`: as the application says.", metavar="N"),
]
Concurrency = Annotated[
    str | None,
    typer.Option(help="Calls at once at most; `none`: as the application says.", metavar="N"),
]
GapSeconds = Annotated[
    str | None,
    typer.Option(
        help="Seconds until a hole in the source's numbers is reported; `none`: they have holes.",
        metavar="N",
    ),
]
Freshness = Annotated[
    str | None,
    typer.Option(
        help="Seconds of silence after which its stock is stale; `none`: as the application says.",
        metavar="N",
    ),
]


@app.command(name="list")
def list_connections(as_json: AsJson = False) -> None:
    """List connections and how they are doing."""

    async def listed(hub: Hub) -> None:
        entries = await hub.directory.entries(hub.scope)
        if as_json:
            print_json([_shown(entry) for entry in entries])
            return
        table(
            ("name", "application", "state", "answered", "last error"),
            [
                (
                    entry.name,
                    entry.application,
                    f"paused: {entry.pause_reason}" if entry.is_paused else entry.circuit,
                    entry.answered_at and f"{entry.answered_at:%Y-%m-%d %H:%M:%S}",
                    entry.last_error,
                )
                for entry in entries
            ],
            empty="no connections yet: `crossdock connection add NAME APPLICATION --file …`",
        )

    with_hub(listed)


@app.command()
def applications(as_json: AsJson = False) -> None:
    """List the applications that are installed, and the settings each one takes."""

    async def listed(hub: Hub) -> None:
        found: list[dict[str, Any]] = [
            {
                "name": application.name,
                "kind": application.kind,
                "title": application.title,
                "grade": application.grade,
                "settings": application.settings.model_json_schema(),
                "stock": stock_meaning(application, {}),
            }
            for application in hub.directory.applications.values()
        ]
        if as_json:
            print_json(found)
            return
        for one in found:
            properties: dict[str, dict[str, Any]] = one["settings"].get("properties", {})
            stdout.print(f"[bold]{one['name']}[/]  {one['title']}, {one['kind']}, {one['grade']}")
            for name, field in properties.items():
                stdout.print(f"  [cyan]{name}[/]  {field.get('description', '')}", soft_wrap=True)

    with_hub(listed)


@app.command()
def show(name: Name, as_json: AsJson = False) -> None:
    """Show all about a connection: settings, limits, roles, health. No secret is shown."""

    async def shown(hub: Hub) -> None:
        standing = await hub.connections.show(hub.scope, name)
        print_json(standing) if as_json else print_standing(standing, hub.clock.now())

    with_hub(shown)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="A name of your own: a-z, 0-9, - and _.")],
    application: Annotated[str, typer.Argument(help="One of `connection applications`.")],
    file: Annotated[Path, typer.Option(help="JSON file with the settings, secrets included.")],
    rate: Rate = None,
    concurrency: Concurrency = None,
    gap_seconds: GapSeconds = None,
    freshness: Freshness = None,
    role: Roles = None,
    as_json: AsJson = False,
) -> None:
    """Connect an installation; secrets are stored encrypted."""
    limits = _limits(rate, concurrency, gap_seconds)
    freshness_seconds = _limits(freshness=freshness).get("freshness_seconds")

    async def added(hub: Hub) -> None:
        entry = Entry(
            tenant=hub.settings.tenant,
            name=name,
            application=application,
            settings=read_object(file),
            roles=await roles_said(hub.catalog, hub.scope, _parted(role or [])),
            **limits,
        )
        made = await hub.connections.add(
            hub.scope,
            entry,
            freshness_seconds=freshness_seconds,
            is_gap_said=gap_seconds is not None,
        )
        if as_json:
            print_json(_shown(made))
        else:
            stdout.print(f"connected {name}; try `crossdock connection check {name}`")

    with_hub(added)


@app.command()
def change(
    name: Name,
    file: Annotated[
        Path | None,
        typer.Option(help="JSON file with the settings to change; what it leaves out stays."),
    ] = None,
    rate: Rate = None,
    concurrency: Concurrency = None,
    gap_seconds: GapSeconds = None,
    freshness: Freshness = None,
    role: Roles = None,
    as_json: AsJson = False,
) -> None:
    """Change settings, limits or roles; hubs at work notice at once."""
    changes = Changes(
        settings=read_object(file) if file else {},
        limits=_limits(rate, concurrency, gap_seconds, freshness),
    )
    if changes == Changes() and role is None:
        raise Invalid("nothing to change", where="--file", hint="`--help` lists what can be")

    async def changed(hub: Hub) -> None:
        limits = dict(changes.limits)
        if role is not None:
            limits["roles"] = await roles_said(hub.catalog, hub.scope, _parted(role))
        standing = await hub.connections.change(hub.scope, name, replace(changes, limits=limits))
        if as_json:
            print_json(standing)
            return
        stdout.print(f"{name} changed; try `crossdock connection check {name}`")
        if standing.is_paused:
            stderr.print(f"it is still paused: `crossdock connection resume {name}`")

    with_hub(changed)


@app.command()
def check(name: Name, as_json: AsJson = False) -> None:
    """Talk to the other side, and say what it answered."""

    async def checked(hub: Hub) -> None:
        said = await hub.connections.check(hub.scope, name)
        if as_json:
            print_json(said)
            return
        stdout.print(f"[green]✓[/] {name}: {said.answer}")
        if said.warning:
            stderr.print(f"[yellow]![/] {escape(said.warning)}", soft_wrap=True)
            stderr.print(f"  [cyan]fix: {escape(said.hint)}[/]", soft_wrap=True)

    with_hub(checked)


@app.command()
def pause(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; shown to whoever looks.")],
    as_json: AsJson = False,
) -> None:
    """Send nothing more; what is decided meanwhile waits."""

    async def paused(hub: Hub) -> None:
        await hub.directory.pause(hub.scope, name, reason)
        print_json({"paused": name}) if as_json else stdout.print(f"{name} paused")

    with_hub(paused)


@app.command()
def resume(name: Name, as_json: AsJson = False) -> None:
    """Send again, starting with what waited."""

    async def resumed(hub: Hub) -> None:
        await hub.directory.resume(hub.scope, name)
        print_json({"resumed": name}) if as_json else stdout.print(f"{name} resumed")

    with_hub(resumed)


@app.command()
def rewind(
    name: Name,
    to: Annotated[str, typer.Option(help="`beginning`, or a moment: 2026-03-02T09:00:00+01:00.")],
    as_json: AsJson = False,
) -> None:
    """Read a polled source again from a moment; what is known counts once."""
    moment = moment_of(to)

    async def rewound(hub: Hub) -> None:
        await hub.connections.rewind(hub.scope, name, moment)
        answer = {"rewound": name, "to": to}
        print_json(answer) if as_json else stdout.print(f"{name} is read again from {to}")

    with_hub(rewound)


@app.command(name="rotate-secrets")
def rotate_secrets(as_json: AsJson = False) -> None:
    """Seal the secrets of all connections under a new data key; nothing else changes."""

    async def rotated(hub: Hub) -> None:
        count = await hub.connections.rotate_secrets(hub.scope)
        if as_json:
            print_json({"sealed": count})
        else:
            stdout.print(f"the secrets of {count} connections are sealed under a new key")

    with_hub(rotated)


@app.command()
def remove(
    name: Name,
    reason: Annotated[str, typer.Option(help="Why; kept with what is given up.")],
    discard: Annotated[
        bool, typer.Option("--discard", help="Give up open commands and what is in quarantine.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take a connection away with its secrets; what it said stays."""

    async def removed(hub: Hub) -> None:
        parted = await hub.connections.remove(hub.scope, name, By(ACTOR, reason), discard=discard)
        if as_json:
            print_json(parted)
            return
        stdout.print(
            f"{name} is removed; given up: {parted.commands} commands,"
            f" {parted.quarantined} messages in quarantine"
        )

    with_hub(removed)


def _limits(
    rate: str | None = None,
    concurrency: str | None = None,
    gap_seconds: str | None = None,
    freshness: str | None = None,
) -> Mapping[str, Any]:
    """Read the limits that were given; `none` takes one away."""
    given = {
        "rate_per_second": (rate, float),
        "concurrency": (concurrency, int),
        "gap_seconds": (gap_seconds, int),
        "freshness_seconds": (freshness, int),
    }
    return {name: _limit(name, *one) for name, one in given.items() if one[0] is not None}


def _limit(name: str, text: str | None, kind: type[float]) -> float | None:
    if text in (None, "none"):
        return None
    try:
        return kind(text)
    except ValueError:
        raise Invalid(f"{text!r} is no number", where=name, hint="a number, or `none`") from None


def _parted(said: list[str]) -> dict[str, list[str]]:
    """Read `PostsMovements=EAST,WEST`; a role alone is played everywhere, `none` is no role."""
    if said == ["none"]:
        return {}
    if "none" in said:
        raise Invalid("`none` is no role", where="--role", hint="name roles, or only `none`")
    roles: dict[str, list[str]] = {}
    for one in said:
        role, _, locations = one.partition("=")
        roles.setdefault(role, []).extend(
            location for location in locations.split(",") if location.strip()
        )
    return roles


def _shown(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "application": entry.application,
        "settings": entry.settings,
        "secrets": entry.secrets,
        "roles": entry.roles,
        "is_paused": entry.is_paused,
        "pause_reason": entry.pause_reason,
        "circuit": entry.circuit,
        "failures": entry.failures,
        "answered_at": entry.answered_at,
        "last_error": entry.last_error,
    }
