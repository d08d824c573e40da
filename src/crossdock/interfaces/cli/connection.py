"""`crossdock connection`: the systems that the hub talks to."""

from pathlib import Path
from typing import Annotated, Any

import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.directory import Entry
from crossdock.interfaces.api.roles_said import roles_said
from crossdock.interfaces.cli.files import read_object
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)

Roles = Annotated[
    list[str] | None,
    typer.Option(
        "--role",
        help="A role that it plays, as in PostsMovements=EAST,WEST; repeatable. Without locations"
        " it plays the role everywhere; without roles it plays all that it can.",
    ),
]
Name = Annotated[str, typer.Argument(help="The connection's name, as `list` shows it.")]


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
def add(
    name: Annotated[str, typer.Argument(help="A name of your own: a-z, 0-9, - and _.")],
    application: Annotated[str, typer.Argument(help="One of `connection applications`.")],
    file: Annotated[Path, typer.Option(help="JSON file with the settings, secrets included.")],
    role: Roles = None,
    as_json: AsJson = False,
) -> None:
    """Connect an installation; secrets are stored encrypted."""

    async def added(hub: Hub) -> None:
        entry = Entry(
            tenant=hub.settings.tenant,
            name=name,
            application=application,
            settings=read_object(file),
            roles=await roles_said(hub.catalog, hub.scope, _parted(role or [])),
        )
        made = await hub.connect(entry)
        if as_json:
            print_json(_shown(made))
        else:
            stdout.print(f"connected {name}; try `crossdock connection check {name}`")

    with_hub(added)


@app.command()
def change(
    name: Name,
    file: Annotated[
        Path | None, typer.Option(help="JSON file with the settings that change.")
    ] = None,
    role: Roles = None,
    as_json: AsJson = False,
) -> None:
    """Change settings, those in the file; or roles, which replace all that were said before."""
    if file is None and role is None:
        raise Invalid("nothing to change", where=name, hint="add --file or --role")

    async def changed(hub: Hub) -> None:
        limits = {}
        if role is not None:
            limits["roles"] = await roles_said(hub.catalog, hub.scope, _parted(role))
        settings = read_object(file) if file else None
        made = await hub.directory.change(hub.scope, name, settings, **limits)
        print_json(_shown(made)) if as_json else stdout.print(f"{name} changed")

    with_hub(changed)


@app.command()
def check(name: Name, as_json: AsJson = False) -> None:
    """Talk to the other side, and say what it answered."""

    async def checked(hub: Hub) -> None:
        answer = await hub.check_connection(name)
        if as_json:
            print_json({"name": name, "answer": answer})
        else:
            stdout.print(f"[green]✓[/] {name}: {answer}")

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


def _parted(said: list[str]) -> dict[str, list[str]]:
    """Read `PostsMovements=EAST,WEST`; a role alone is played everywhere."""
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
