"""`crossdock stock substitutes`: which item may stand in for which, as versions."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.catalog import normalised
from crossdock.interfaces.api.substitutions import (
    SubstitutionSaid,
    SubstitutionShown,
    after_version,
    known_rule,
    substitution_shown,
)
from crossdock.interfaces.cli.files import read_object
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

ACTOR = "command-line"


def substitutes(
    item: Annotated[str, typer.Option(help="Of this item alone, every version.")] = "",
    after: Annotated[
        str, typer.Option(metavar="ITEM/VERSION", help="The last one of the page before.")
    ] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Versions listed, at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List what may stand in for which item, by item and version; the newest holds."""

    async def listed(hub: Hub) -> None:
        found = await hub.supply.substitutions(
            hub.scope, item=normalised(item), after=after_version(after), limit=limit
        )
        shown = [substitution_shown(one) for one in found]
        if as_json:
            print_json({"substitutions": shown})
            return
        table(
            ("item", "version", "says", "put by"),
            [(one.item, str(one.version), _said(one), one.put_by) for one in shown],
            empty="nothing stands in for anything (docs/how-to/promise-by-date.md)",
        )

    with_hub(listed)


def put_substitutes(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The hub's item id.")],
    file: Annotated[
        Path, typer.Option(help="JSON file with its alternatives; an empty list is none any more.")
    ],
    as_json: AsJson = False,
) -> None:
    """Put the next version of what may stand in for an item; it replaces the last."""
    try:
        said = SubstitutionSaid.model_validate({**read_object(file), "item": item})
    except ValidationError as error:
        first = error.errors()[0]
        where = "".join(f"/{part}" for part in first["loc"])
        raise Invalid(first["msg"], where=where) from None

    async def put(hub: Hub) -> None:
        rule = await known_rule(hub.catalog, hub.scope, said.rule())
        made = await hub.supply.put_substitution(hub.scope, rule, by=ACTOR)
        shown = substitution_shown(made)
        if as_json:
            print_json(shown)
        else:
            stdout.print(f"{shown.item}, version {shown.version}: {_said(shown)}", markup=False)

    with_hub(put)


def add_to(app: typer.Typer) -> None:
    """Hang these commands under `crossdock stock`."""
    app.command()(substitutes)
    app.command(name="put-substitutes")(put_substitutes)


def _said(shown: SubstitutionShown) -> str:
    parts: list[str] = []
    for one in sorted(shown.alternatives, key=lambda each: (each.rank, each.item)):
        factor = Fraction(one.numerator, one.denominator)
        verb = "followed by" if one.kind == "SUPERSESSION" else "or"
        from_day = f" from {one.valid_from}" if one.valid_from else ""
        way = ", both ways" if one.is_two_way else ""
        asks = ", if approved" if one.requires_approval else ""
        parts.append(f"{verb} {factor} {one.unit} of {one.item}{from_day}{way}{asks}")
    return "; ".join(parts) or "nothing stands in"
