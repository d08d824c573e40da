"""`crossdock catalog`: items, locations and parties, and what every system calls them."""

from dataclasses import asdict
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.canonical.catalog import (
    ITEM_CLASS_MAX,
    ItemChanged,
    LocationChanged,
    LocationKind,
)
from crossdock.canonical.errors import Invalid
from crossdock.canonical.parties import PartyChanged, PartyRole
from crossdock.canonical.references import Reference, ReferenceKind
from crossdock.capabilities.catalog import OWN_SOURCE, CatalogFact, own_fact, reader
from crossdock.foundation import readers
from crossdock.interfaces.api.groups_said import check_group
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)

After = Annotated[str, typer.Option(help="Begin behind this one.")]
Place = Annotated[str, typer.Argument(help="The location's code.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")]


@app.command()
def items(after: After = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """List items in order of their ids."""

    async def listed(hub: Hub) -> None:
        found = await hub.catalog.items(hub.scope, after=after, limit=limit)
        if as_json:
            print_json(found)
            return
        table(
            ("item", "description", "unit", "class", "status", "source"),
            [
                (o.item, o.description, o.base_unit, o.item_class, o.status, o.source)
                for o in found
            ],
            empty="no items yet: connect a system that knows some, or add one: `add-item`",
        )

    with_hub(listed)


@app.command()
def locations(after: After = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """List locations and groups of them."""

    async def listed(hub: Hub) -> None:
        found = await hub.catalog.locations(hub.scope, after=after, limit=limit)
        keepers = await hub.authority.keepers(hub.scope, [one.location for one in found])
        kept_by = {keeper.location: keeper.source for keeper in keepers}
        if as_json:
            print_json(
                [{**asdict(o), "stock_kept_by": kept_by.get(o.location, "")} for o in found]
            )
            return
        table(
            ("location", "name", "kind", "members", "source", "stock kept by"),
            [
                (
                    o.location,
                    o.name,
                    o.kind,
                    " ".join(o.members),
                    o.source,
                    kept_by.get(o.location),
                )
                for o in found
            ],
            empty="no locations yet: add one: `add-location`",
        )

    with_hub(listed)


@app.command()
def parties(after: After = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """List customers, suppliers, carriers and who else trades, in order of their ids."""

    async def listed(hub: Hub) -> None:
        found = await hub.catalog.parties(hub.scope, after=after, limit=limit)
        if as_json:
            print_json(found)
            return
        table(
            ("party", "name", "roles", "status", "parent", "GLN", "source"),
            [
                (
                    one.party,
                    one.legal_name,
                    " ".join(one.roles),
                    one.status,
                    one.parent,
                    one.gln,
                    one.source,
                )
                for one in found
            ],
            empty="no parties yet: connect a system that knows some, or add one: `add-party`",
        )

    with_hub(listed)


@app.command()
def add_item(
    sku: Annotated[str, typer.Argument(help="The item's number.")],
    description: Annotated[str, typer.Option(help="What it is.")] = "",
    unit: Annotated[str, typer.Option(help="Base unit that stock is counted in.")] = "EA",
    item_class: Annotated[
        str | None,
        typer.Option("--class", help='Its class: A, SERVICE; left out it stays, "" is none.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add an item, or change it."""
    if item_class is not None and len(item_class) > ITEM_CLASS_MAX:
        raise Invalid(
            f"a class is a code of at most {ITEM_CLASS_MAX} characters", where="--class", hint="A"
        )
    said = ItemChanged(sku=sku, description=description, base_unit=unit, item_class=item_class)
    _say(said, as_json=as_json)


@app.command()
def add_location(
    code: Annotated[str, typer.Argument(help="The location's code.")],
    name: Annotated[str, typer.Option(help="What people call it.")] = "",
    member: Annotated[
        list[str] | None, typer.Option(help="Make it a group with this member; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a location or a group of locations, or change it."""
    kind = LocationKind.GROUP if member else LocationKind.DC
    place = LocationChanged(code=code, name=name, kind=kind, members=tuple(member or ()))
    _say(place, as_json=as_json)


@app.command()
def add_party(
    code: Annotated[str, typer.Argument(help="The party's code.")],
    name: Annotated[str, typer.Option(help="What it is called by law.")] = "",
    role: Annotated[
        list[PartyRole] | None, typer.Option(help="What it is to us; repeatable.")
    ] = None,
    gln: Annotated[str, typer.Option(help="Its GLN, of 13 digits.")] = "",
    as_json: AsJson = False,
) -> None:
    """Add a customer, a supplier or who else trades, or change it."""
    roles = tuple(dict.fromkeys(role or ()))
    _say(PartyChanged(code=code, legal_name=name, roles=roles, gln=gln), as_json=as_json)


@app.command()
def keepers(after: After = "", limit: Limit = 100, as_json: AsJson = False) -> None:
    """List which system keeps the stock of which location, and who said so."""

    async def listed(hub: Hub) -> None:
        found = await hub.authority.keepers(hub.scope, after=after, limit=limit)
        if as_json:
            print_json(found)
            return
        table(
            ("location", "stock kept by", "since", "said by"),
            [(one.location, one.source, one.set_at, one.set_by) for one in found],
            empty="no location has a keeper: any source may tell its stock; say one: `set-keeper`",
        )

    with_hub(listed)


@app.command()
def set_keeper(
    location: Place,
    source: Annotated[
        str, typer.Argument(help="The connection that keeps the stock; crossdock: the hub itself.")
    ],
    as_json: AsJson = False,
) -> None:
    """Let one system alone tell the stock of a location; what others say is only proposed."""

    async def said(hub: Hub) -> None:
        keeper = await hub.authority.set_keeper(hub.scope, location, source, by="command-line")
        print_json(keeper) if as_json else stdout.print(
            f"{keeper.source} keeps the stock of {keeper.location}", markup=False
        )

    with_hub(said)


@app.command()
def clear_keeper(location: Place, as_json: AsJson = False) -> None:
    """Let any source tell the stock of a location again."""

    async def cleared(hub: Hub) -> None:
        await hub.authority.clear_keeper(hub.scope, location)
        print_json({"cleared": location}) if as_json else stdout.print(
            f"any source may tell the stock of {location}", markup=False
        )

    with_hub(cleared)


@app.command()
def link(
    system: Annotated[str, typer.Argument(help="The connection that calls it so.")],
    native: Annotated[str, typer.Argument(help="What that system calls it.")],
    ours: Annotated[str, typer.Argument(help="The hub's id of it.")],
    location: Annotated[
        bool, typer.Option("--location", help="It is a location, not an item.")
    ] = False,
    party: Annotated[bool, typer.Option("--party", help="It is a party, not an item.")] = False,
    new_system: Annotated[
        bool, typer.Option("--new-system", help="The system is no connection and is yet to speak.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Say by hand what a system's key means."""
    if location and party:
        raise Invalid("a key is a location's or a party's, not both", hint="leave one of them out")
    kind = ReferenceKind.LOCATION if location else ReferenceKind.ITEM
    reference = Reference(ReferenceKind.PARTY if party else kind, native)

    async def linked(hub: Hub) -> None:
        if not new_system:
            await hub.authority.check_source(hub.scope, system)
        await hub.catalog.link(hub.scope, system, reference, ours, by="command-line")
        answer = {"system": system, "native": native, "means": ours}
        print_json(answer) if as_json else stdout.print(
            f"{system}'s {native} is {ours}", markup=False
        )

    with_hub(linked)


def _say(payload: CatalogFact, *, as_json: bool) -> None:
    if not payload.key.strip():
        raise Invalid("a name cannot be empty")

    async def said(hub: Hub) -> None:
        if isinstance(payload, LocationChanged):
            await check_group(hub, hub.scope, payload)
        fact = own_fact(payload, hub.clock.now())
        [verdict] = await hub.inbox.record(hub.scope, OWN_SOURCE, [fact], b"")
        if verdict.reason:
            raise Invalid(verdict.reason, code=verdict.code)
        await readers.catch_up(hub.database, reader(hub.catalog), hub.clock)
        print_json(verdict) if as_json else stdout.print(f"{payload.key} is known", markup=False)

    with_hub(said)
