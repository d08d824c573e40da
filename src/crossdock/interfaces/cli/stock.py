"""`crossdock stock`: what can be promised, and promises."""

import shlex
from decimal import Decimal
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import Quantity, plain
from crossdock.capabilities.catalog import normalised
from crossdock.capabilities.inventory import (
    Availability,
    Reservation,
    ReservationLine,
    ReservationRequest,
)
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)

Item = Annotated[str, typer.Argument(parser=normalised, metavar="ITEM", help="The hub's item id.")]
At = Annotated[
    str,
    typer.Argument(parser=normalised, metavar="LOCATION", help="Location, or group of locations."),
]
Held = Annotated[str, typer.Argument(help="Reservation id, rsv_…")]
KEY = "ITEM LOCATION"
LINE = "ITEM LOCATION QUANTITY [DEMAND_REF]"
CONSUMED = "NUMBER QUANTITY"


@app.command()
def available(
    item: Item,
    location: At,
    also: Annotated[
        list[str] | None, typer.Option(help=f'Of more, in one word: "{KEY}"; repeatable.')
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what can be promised now, with the proof; of many at many places, all of one moment."""
    more = [_words(text, "--also", KEY) for text in also or ()]
    keys = [(item, location), *((normalised(one), normalised(at)) for one, at in more)]

    async def asked(hub: Hub) -> None:
        answers = await hub.inventory.availability(hub.scope, keys)
        if as_json:
            proofs = [_proof(answer) for answer in answers]
            print_json({"availability": proofs} if more else proofs[0])
            return
        for answer in answers:
            _show(answer)

    with_hub(asked)


@app.command(name="on-hand")
def on_hand(item: Item, location: At, as_json: AsJson = False) -> None:
    """List the buckets that goods lie in."""

    async def asked(hub: Hub) -> None:
        positions = await hub.inventory.on_hand(hub.scope, [(item, location)])
        if as_json:
            print_json(positions)
            return
        table(
            ("status", "owner", "lot", "serial", "quantity", "last movement"),
            [
                (p.status, p.owner, p.lot, p.serial, p.quantity, p.last_movement_at)
                for p in positions
            ],
            empty=f"nobody has said anything about {item} at {location}",
        )

    with_hub(asked)


@app.command()
def reserve(
    item: Item,
    location: At,
    quantity: Annotated[str, typer.Argument(help="In the item's base unit.")],
    request_id: Annotated[str, typer.Option(help="Your own id: asked twice, promised once.")],
    hard: Annotated[bool, typer.Option(help="Without an end, for an accepted order.")] = False,
    ttl: Annotated[int | None, typer.Option(help="Seconds that a soft hold lives.")] = None,
    demand_ref: Annotated[str, typer.Option(help="The order line it is for.")] = "",
    also: Annotated[
        list[str] | None, typer.Option(help=f'One more line, in one word: "{LINE}"; repeatable.')
    ] = None,
    allow_partial: Annotated[
        bool,
        typer.Option("--allow-partial", help="Promise what there is, instead of all or none."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Promise stock, every line or nothing; exit code 1 if there is not enough."""
    line = ReservationLine(item, location, Quantity.of(quantity).micros, demand_ref)
    lines = (line, *map(_line, also or ()))

    async def asked(hub: Hub) -> int:
        request = ReservationRequest(
            request_id=request_id,
            lines=lines,
            kind=ReservationKind.HARD if hard else ReservationKind.SOFT,
            ttl_seconds=ttl,
            allow_partial=allow_partial,
        )
        made = await hub.inventory.reserve(hub.scope, "command-line", request)
        await hub.inventory.upkeep.tell()
        _print_reservation(made, as_json=as_json)
        return 0 if made.is_granted else EXIT_FINDINGS

    raise typer.Exit(with_hub(asked))


@app.command()
def show(reservation: Held, as_json: AsJson = False) -> None:
    """Show a reservation."""

    async def asked(hub: Hub) -> None:
        _print_reservation(await hub.inventory.get(hub.scope, reservation), as_json=as_json)

    with_hub(asked)


@app.command()
def confirm(reservation: Held, as_json: AsJson = False) -> None:
    """Turn a soft hold hard: the same units, no gap."""

    async def asked(hub: Hub) -> None:
        made = await hub.inventory.confirm(hub.scope, reservation)
        await hub.inventory.upkeep.tell()
        _print_reservation(made, as_json=as_json)

    with_hub(asked)


@app.command()
def release(reservation: Held, as_json: AsJson = False) -> None:
    """Give back what a reservation still holds."""

    async def asked(hub: Hub) -> None:
        made = await hub.inventory.release(hub.scope, reservation)
        await hub.inventory.upkeep.tell()
        _print_reservation(made, as_json=as_json)

    with_hub(asked)


@app.command()
def extend(
    reservation: Held,
    ttl: Annotated[int, typer.Option(help="Seconds that the soft hold lives from now.")],
    as_json: AsJson = False,
) -> None:
    """Let a soft hold live longer."""

    async def asked(hub: Hub) -> None:
        made = await hub.inventory.extend(hub.scope, reservation, ttl)
        await hub.inventory.upkeep.tell()
        _print_reservation(made, as_json=as_json)

    with_hub(asked)


@app.command()
def consume(
    reservation: Held,
    line: Annotated[
        list[str] | None,
        typer.Option(help=f'Only of this line, in one word: "{CONSUMED}"; repeatable.'),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Note that goods went out against a reservation: all that is left, or so much of a line."""
    amounts = _amounts(line) if line else None

    async def asked(hub: Hub) -> None:
        made = await hub.inventory.consume(hub.scope, reservation, amounts)
        await hub.inventory.upkeep.tell()
        _print_reservation(made, as_json=as_json)

    with_hub(asked)


@app.command()
def transfer(reservation: Held, location: At, as_json: AsJson = False) -> None:
    """Move what is left of a reservation to another location, without a moment in between."""

    async def asked(hub: Hub) -> None:
        place = await hub.catalog.location(hub.scope, location)
        made = await hub.inventory.transfer(hub.scope, reservation, place.location)
        await hub.inventory.upkeep.tell()
        _print_reservation(made, as_json=as_json)

    with_hub(asked)


@app.command()
def safety(
    item: Item,
    location: At,
    quantity: Annotated[str, typer.Argument(help="Kept from being promised.")],
    as_json: AsJson = False,
) -> None:
    """Set the safety stock of an item at a location."""

    async def asked(hub: Hub) -> None:
        amount = Quantity.of(quantity)
        await hub.inventory.upkeep.set_safety(hub.scope, item, location, amount.micros)
        await hub.inventory.upkeep.tell()
        answer = {"item": item, "location": location, "safety": plain(amount.value)}
        print_json(answer) if as_json else stdout.print(f"safety of {item}: {answer['safety']}")

    with_hub(asked)


def _words(text: str, option: str, form: str) -> list[str]:
    """Split what an option says, as a shell does; names with blanks stand in quotes."""
    names = form.split()
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    if not len(names) - form.count("[") <= len(words) <= len(names):
        raise Invalid(f"{text!r} is not {form}", where=option, hint=f'{option} "{form}"')
    return words


def _line(text: str) -> ReservationLine:
    item, location, quantity, *demand_ref = _words(text, "--also", LINE)
    micros = Quantity.of(quantity).micros
    return ReservationLine(normalised(item), normalised(location), micros, *demand_ref)


def _amounts(lines: list[str]) -> dict[int, int]:
    """Read how much of which line; a line that is named twice counts once, so it is refused."""
    amounts: dict[int, int] = {}
    for text in lines:
        number, quantity = _words(text, "--line", CONSUMED)
        if not number.isdecimal() or int(number) in amounts:
            raise Invalid(f"{number} is no line, or named twice", where="--line")
        amounts[int(number)] = Quantity.of(quantity).micros
    return amounts


def _proof(answer: Availability) -> dict[str, object]:
    figures = answer.figures
    return {
        "item": answer.item,
        "location": answer.location,
        "is_known": answer.is_known,
        "is_stale": answer.is_stale,
        "available": answer.available,
        "on_hand": answer.on_hand,
        "nettable": answer.quantity(figures.nettable),
        "hard": answer.quantity(figures.hard),
        "soft": answer.quantity(figures.soft),
        "safety": answer.quantity(figures.safety),
        "net": answer.net,
        "withheld": answer.withheld,
        "shortage": answer.shortage,
        "by_status": {name: answer.quantity(micros) for name, micros in answer.by_status.items()},
        "sources": answer.sources,
        "version": answer.version,
        "as_of": answer.as_of,
        "rule": answer.rule,
    }


def _show(answer: Availability) -> None:
    if not answer.is_known:
        stdout.print(f"{answer.item} at {answer.location}: [yellow]unknown[/], which is not zero")
        return
    stale = "  [yellow]stale: a source is silent[/]" if answer.is_stale else ""
    stdout.print(f"{answer.item} at {answer.location}: [bold]{answer.available}[/]{stale}")
    for name, value in _proof(answer).items():
        if isinstance(value, Quantity):
            stdout.print(f"  {name:<10}{_aligned(value.value)} {value.unit}")
    stdout.print(f"  [dim]{answer.rule}[/]", soft_wrap=True)


def _aligned(value: Decimal) -> str:
    return f"{plain(value):>14}"


def _print_reservation(made: Reservation, *, as_json: bool) -> None:
    if as_json:
        print_json({"status": made.status, "kind": made.kind, "reservation": made})
        return
    until = f" until {made.expires_at:%H:%M:%S} UTC" if made.expires_at and made.is_granted else ""
    stdout.print(f"[bold]{made.reservation_id}[/] {made.status} {made.kind}{until}")
    for line in made.lines:
        stdout.print(
            f"  {line.item} at {line.location}: {line.granted / 1_000_000:g} of"
            f" {line.requested / 1_000_000:g}"
        )
