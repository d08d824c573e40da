"""`crossdock allocation group`: channels and customers that share a maximum and a minimum."""

from collections.abc import Sequence
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.allocation import AllocationGroup
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

Members = Annotated[list[str] | None, typer.Option(help="One that is in it; repeatable.")]


def groups(as_json: AsJson = False) -> None:
    """List the groups of channels and customers that share maxima and minima."""

    async def asked(hub: Hub) -> None:
        found = await hub.allocation.groups.listed(hub.scope)
        print_json({"groups": found}) if as_json else _print(found)

    with_hub(asked)


def group(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What maxima and minima name.")],
    channel: Members = None,
    customer: Annotated[
        list[str] | None,
        typer.Option(help="One that is in it, by any code or id of his; repeatable."),
    ] = None,
    clear: Annotated[bool, typer.Option("--clear", help="End the group.")] = False,
    by: Annotated[str, typer.Option(help="Who says so; kept on record.")] = "command-line",
    as_json: AsJson = False,
) -> None:
    """Say which channels and customers share what is said of a group: all of them, each time."""
    if clear and (channel or customer):
        raise Invalid("it is ended, or has members", where="--clear", hint="say one of them")

    async def asked(hub: Hub) -> None:
        book = hub.allocation.groups
        if clear:
            await book.clear(hub.scope, name, by=by)
            print_json({"name": name}) if as_json else stdout.print(f"there is no group {name}")
            return
        said = AllocationGroup(
            name=name, channels=tuple(channel or ()), customers=tuple(customer or ())
        )
        kept = await book.put(hub.scope, said, by=by)
        print_json(kept) if as_json else _print([kept])

    with_hub(asked)


def _print(found: Sequence[AllocationGroup]) -> None:
    table(
        ("group", "channels", "customers", "version", "set by"),
        [
            (
                one.name,
                ", ".join(one.channels),
                ", ".join(one.customers),
                str(one.version),
                one.set_by,
            )
            for one in found
        ],
        empty="no allocation groups",
    )
