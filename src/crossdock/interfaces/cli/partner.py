"""`crossdock partner`: trading partners, what is agreed with them, how far they are."""

from typing import Annotated

import typer
from rich.markup import escape

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.canonical.parties import PartyRole
from crossdock.canonical.partners import (
    Acknowledgment,
    Agreement,
    Contact,
    Direction,
    Identity,
    IdentityKind,
    OnboardingState,
    Standard,
)
from crossdock.capabilities.partners import Partner, PartnerSaid, PartnerShown
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="PARTNER", help="The partner's id or name.")]
By = Annotated[str, typer.Option(help="Who says so; kept on record.")]
BY = "command-line"
Clear = Annotated[bool, typer.Option("--clear", help="No longer.")]
_PARTS = 4


@app.command()
def put(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the partner is called.")],
    role: Annotated[
        list[PartyRole] | None, typer.Option(help="What he is to us; repeatable.")
    ] = None,
    owner: Annotated[
        str | None, typer.Option(help="Who looks after him; as it was if left out.")
    ] = None,
    contact: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME,ROLE,EMAIL,PHONE", help="Whom one calls; repeatable."),
    ] = None,
    by: By = BY,
    as_json: AsJson = False,
) -> None:
    """Enter a partner, or change what is said of one; what is left out stays as it is.

    A company of the house itself has the role LEGAL_ENTITY: what partners send is addressed to it.
    """
    said = PartnerSaid(
        name=name,
        roles=None if role is None else tuple(role),
        owner=owner,
        contacts=None if contact is None else tuple(_contact(one) for one in contact),
    )
    kept = with_hub(lambda hub: hub.gateway.partners.put(hub.scope, said, by=by))
    _print(kept, as_json=as_json)


@app.command()
def rename(
    partner: Name,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What he is called now.")],
    by: By = BY,
    as_json: AsJson = False,
) -> None:
    """Call a partner by another name; his id stays."""
    kept = with_hub(lambda hub: hub.gateway.partners.rename(hub.scope, partner, name, by=by))
    _print(kept, as_json=as_json)


@app.command("list")
def list_partners(
    state: Annotated[OnboardingState | None, typer.Option(help="Only in this state.")] = None,
    role: Annotated[PartyRole | None, typer.Option(help="Only with this role.")] = None,
    after: Annotated[str, typer.Option(help="Begin behind this name.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List partners by name."""

    async def asked(hub: Hub) -> list[Partner]:
        return await hub.gateway.partners.listed(
            hub.scope, state=state or "", role=role or "", after=after, limit=limit
        )

    found = with_hub(asked)
    if as_json:
        print_json({"partners": found})
        return
    table(
        ("partner", "name", "roles", "state", "owner", "identities", "documents"),
        [
            (
                one.partner,
                one.name,
                ", ".join(one.roles),
                "" if one.is_own else one.state,
                one.owner,
                ", ".join(map(str, one.identities)),
                len(one.agreements),
            )
            for one in found
        ],
        empty="no partners yet: `crossdock partner put`",
    )


@app.command()
def show(partner: Name, as_json: AsJson = False) -> None:
    """Show a partner, and what is missing before the next step."""
    found = with_hub(lambda hub: hub.gateway.partners.show(hub.scope, partner))
    _print_shown(found, as_json=as_json)


@app.command()
def identity(
    partner: Name,
    kind: Annotated[IdentityKind, typer.Argument(help="What it is.")],
    value: Annotated[str, typer.Argument(metavar="ID", help="The id.")],
    qualifier: Annotated[str, typer.Option(help="Of an ISA or UNB, such as ZZ or 14.")] = "",
    clear: Clear = False,
    by: By = BY,
    as_json: AsJson = False,
) -> None:
    """Say what a partner is addressed by; each identity is of one partner at a time."""
    said = Identity(kind, value, qualifier)
    kept = with_hub(
        lambda hub: hub.gateway.partners.identify(
            hub.scope, partner, said, by=by, is_cleared=clear
        )
    )
    _print(kept, as_json=as_json)


@app.command()
def agree(
    partner: Name,
    standard: Annotated[Standard, typer.Argument(help="X12 or EDIFACT.")],
    document: Annotated[str, typer.Argument(help="The set or message: 850, ORDERS.")],
    direction: Annotated[Direction, typer.Argument(help="IN from the partner, OUT to him.")],
    version: Annotated[str, typer.Option(help="Of the document: 004010, D:96A.")] = "",
    guide: Annotated[str, typer.Option(help="The version of his own guide.")] = "",
    ack: Annotated[Acknowledgment, typer.Option(help="What answers it.")] = Acknowledgment.NONE,
    within: Annotated[
        int, typer.Option(min=0, help="Minutes; for what we send and they acknowledge.")
    ] = 0,
    clear: Clear = False,
    by: By = BY,
    as_json: AsJson = False,
) -> None:
    """Say what is agreed of a document in one direction."""
    said = Agreement(
        standard=standard,
        document=document,
        direction=direction,
        version=version,
        guide=guide,
        acknowledgment=ack,
        within_minutes=within,
    )
    kept = with_hub(
        lambda hub: hub.gateway.partners.agree(hub.scope, partner, said, by=by, is_cleared=clear)
    )
    _print(kept, as_json=as_json)


@app.command()
def advance(
    partner: Name,
    to: Annotated[OnboardingState, typer.Argument(metavar="STATE", help="The next state.")],
    by: By = BY,
    as_json: AsJson = False,
) -> None:
    """Take a partner the next step; refused with all that is missing."""
    done = with_hub(lambda hub: hub.gateway.partners.advance(hub.scope, partner, to, by=by))
    _print_shown(done, as_json=as_json)


@app.command()
def set_back(
    partner: Name,
    to: Annotated[OnboardingState, typer.Argument(metavar="STATE", help="An earlier state.")],
    because: Annotated[str, typer.Option(help="Why; kept on record.")],
    by: By = BY,
    as_json: AsJson = False,
) -> None:
    """Take a partner back to an earlier state."""
    done = with_hub(
        lambda hub: hub.gateway.partners.set_back(hub.scope, partner, to, because=because, by=by)
    )
    _print_shown(done, as_json=as_json)


def _contact(text: str) -> Contact:
    parts = [one.strip() for one in text.split(",")]
    if len(parts) > _PARTS or not parts[0]:
        raise Invalid(
            f"{text!r} is no contact",
            where="--contact",
            hint="NAME,ROLE,EMAIL,PHONE; what is not known is left empty",
        )
    name, role, email, phone = (*parts, "", "", "")[:_PARTS]
    return Contact(name=name, role=role, email=email, phone=phone)


def _print(one: Partner, *, as_json: bool) -> None:
    if as_json:
        print_json(one)
        return
    state = "company of the house" if one.is_own else one.state
    stdout.print(
        f"[bold]{escape(one.name)}[/] {one.partner}: {state}, version {one.version} by"
        f" {escape(one.changed_by)}",
        soft_wrap=True,
    )


def _print_shown(found: PartnerShown, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    one = found.partner
    _print(one, as_json=False)
    lines = [
        ("roles", ", ".join(one.roles)),
        ("owner", one.owner),
        *(("contact", _called(each)) for each in one.contacts),
        *(("identity", str(each)) for each in one.identities),
        *(("agreed", _agreed(each)) for each in one.agreements),
        *(("missing", f"before {found.next}: {each}") for each in found.missing),
    ]
    for name, text in lines:
        if text:
            stdout.print(f"  {name:<9}{text}", markup=False, soft_wrap=True)
    if found.next and not found.missing:
        stdout.print(f"  next     {found.next}: nothing is missing", markup=False)


def _called(one: Contact) -> str:
    return ", ".join(text for text in (one.name, one.role, one.email, one.phone) if text)


def _agreed(one: Agreement) -> str:
    way = "from them" if one.direction is Direction.IN else "to them"
    guide = f", guide {one.guide}" if one.guide else ""
    answered = f", {one.acknowledgment}" if one.acknowledgment is not Acknowledgment.NONE else ""
    within = f" within {one.within_minutes} minutes" if one.within_minutes else ""
    version = f" {one.version}" if one.version else ""
    return f"{one.standard} {one.document}{version} {way}{guide}{answered}{within}"
