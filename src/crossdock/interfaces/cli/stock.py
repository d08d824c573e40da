"""`crossdock stock`: what can be promised, and promises."""

import shlex
from typing import Annotated

import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.catalog import Found, KnownGoods, Named, normalised
from crossdock.capabilities.inventory import (
    Reservation,
    ReservationLine,
    ReservationRequest,
)
from crossdock.interfaces.api.reservation_shapes import reservation_shown
from crossdock.interfaces.api.stock_shapes import amount, availabilities_shown
from crossdock.interfaces.cli import (
    stock_atp,
    stock_calendar,
    stock_explain,
    stock_holds,
    stock_known,
    stock_promise,
    stock_substitutes,
)
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table
from crossdock.interfaces.cli.stock_available import print_available

ME = "command-line"
app = typer.Typer(add_completion=False, no_args_is_help=True)
for part in (
    *(stock_atp, stock_calendar, stock_promise, stock_substitutes),
    *(stock_known, stock_holds, stock_explain),
):
    part.add_to(app)

Item = Annotated[str, typer.Argument(parser=normalised, metavar="ITEM", help="The hub's item id.")]
At = Annotated[
    str,
    typer.Argument(parser=normalised, metavar="LOCATION", help="Location, or group of locations."),
]
Held = Annotated[str, typer.Argument(help="Reservation id, rsv_…")]
KEY, LINE = "ITEM LOCATION", "ITEM LOCATION QUANTITY [DEMAND_REF]"
CONSUMED = "LINE TOTAL"


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
    named = [Named(item, location), *(Named(one, at) for one, at in more)]

    async def asked(hub: Hub) -> None:
        found = await KnownGoods(hub.catalog).find(hub.scope, named, where="")
        keys = [(one.item, one.location) for one in found]
        answers = await hub.inventory.availability(hub.scope, keys)
        doubts, kits = hub.doubts.of(hub.scope, keys), hub.kit_stocks.of(hub.scope, keys)
        shown = availabilities_shown(answers, await doubts, await kits)
        if as_json:
            print_json({"availability": shown} if more else shown[0])
            return
        for answer, one in zip(answers, shown, strict=True):
            print_available(answer, one)

    with_hub(asked)


@app.command(name="on-hand")
def on_hand(item: Item, location: At, as_json: AsJson = False) -> None:
    """List the buckets that goods lie in."""

    async def asked(hub: Hub) -> None:
        await KnownGoods(hub.catalog).find_one(hub.scope, Named(item, location), where="")
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
    channel: Annotated[
        str, typer.Option(help="Whose maximum, and others' minima, it is held to.")
    ] = "",
    customer: Annotated[
        str, typer.Option(help="Who it is for: his allocation group's, where he is in one.")
    ] = "",
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
    said = [(item, location, quantity, demand_ref), *map(_line, also or ())]

    async def asked(hub: Hub) -> int:
        lines = [
            ReservationLine(one, at, (await _known(hub, one, at, amount)).micros, ref)
            for one, at, amount, ref in said
        ]
        request = ReservationRequest(
            request_id=request_id,
            lines=tuple(lines),
            kind=ReservationKind.HARD if hard else ReservationKind.SOFT,
            ttl_seconds=ttl,
            allow_partial=allow_partial,
            channel=channel,
            customer=customer,
        )
        made = await hub.inventory.reserve(hub.scope, ME, request)
        await hub.inventory.upkeep.tell()
        await _print_reservation(hub, made, as_json=as_json)
        return 0 if made.is_granted else EXIT_FINDINGS

    raise typer.Exit(with_hub(asked))


@app.command()
def show(reservation: Held, as_json: AsJson = False) -> None:
    """Show a reservation."""

    async def asked(hub: Hub) -> None:
        found = await hub.inventory.get(hub.scope, reservation)
        await _print_reservation(hub, found, as_json=as_json)

    with_hub(asked)


@app.command()
def confirm(reservation: Held, as_json: AsJson = False) -> None:
    """Turn a soft hold hard: the same units, no gap."""

    async def asked(hub: Hub) -> None:
        made = await hub.inventory.confirm(hub.scope, reservation)
        await hub.inventory.upkeep.tell()
        await _print_reservation(hub, made, as_json=as_json)

    with_hub(asked)


@app.command()
def release(reservation: Held, as_json: AsJson = False) -> None:
    """Give back what a reservation still holds."""

    async def asked(hub: Hub) -> None:
        made = await hub.inventory.release(hub.scope, reservation)
        await hub.inventory.upkeep.tell()
        await _print_reservation(hub, made, as_json=as_json)

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
        await _print_reservation(hub, made, as_json=as_json)

    with_hub(asked)


@app.command()
def consume(
    reservation: Held,
    consumed: Annotated[
        list[str] | None,
        typer.Option(
            help=f'How much of a line has gone out in all so far: "{CONSUMED}"; repeatable.'
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Note that all of a reservation has gone out, or so much of a line in all so far."""
    amounts = _amounts(consumed) if consumed else None

    async def asked(hub: Hub) -> None:
        made = await hub.inventory.consume(hub.scope, reservation, amounts)
        await hub.inventory.upkeep.tell()
        await _print_reservation(hub, made, as_json=as_json)

    with_hub(asked)


@app.command()
def transfer(reservation: Held, location: At, as_json: AsJson = False) -> None:
    """Move what is left of a reservation to another location, without a moment in between."""

    async def asked(hub: Hub) -> None:
        place = await hub.catalog.location(hub.scope, location)
        made = await hub.inventory.transfer(hub.scope, reservation, place.location)
        await hub.inventory.upkeep.tell()
        await _print_reservation(hub, made, as_json=as_json)

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
        found = await _known(hub, item, location, quantity)
        await hub.inventory.upkeep.set_safety(
            hub.scope, item, location, found.micros, unit=found.base_unit, by=ME
        )
        await hub.inventory.upkeep.tell()
        safety = amount(found.micros, found.base_unit)
        answer = {"item": item, "location": location, "safety": safety}
        print_json(answer) if as_json else stdout.print(f"safety of {item}: {safety.value}")

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


def _line(text: str) -> tuple[str, str, str, str]:
    item, location, quantity, *demand_ref = _words(text, "--also", LINE)
    return normalised(item), normalised(location), quantity, "".join(demand_ref)


def _amounts(lines: list[str]) -> dict[int, int]:
    """Read how much of which line; one that is named twice says two things, so it is refused."""
    amounts: dict[int, int] = {}
    for text in lines:
        number, total = _words(text, "--consumed", CONSUMED)
        if not number.isdecimal() or int(number) in amounts:
            raise Invalid(f"{number} is no line, or named twice", where="--consumed")
        amounts[int(number)] = Quantity.of(total).micros
    return amounts


async def _known(hub: Hub, item: str, location: str, quantity: str) -> Found:
    """Look the names up, as the API does; one that nobody knows is refused."""
    named = Named(item, location, Quantity.of(quantity, ""))
    return await KnownGoods(hub.catalog).find_one(hub.scope, named, where="")


async def _print_reservation(hub: Hub, made: Reservation, *, as_json: bool) -> None:
    items = {line.item for line in made.lines}
    shown = reservation_shown(made, await KnownGoods(hub.catalog).base_units(hub.scope, items))
    if as_json:
        print_json(shown)
        return
    is_held = made.expires_at and any(line.remaining for line in made.lines)
    until = f" until {made.expires_at:%H:%M:%S} UTC" if is_held else ""
    stdout.print(f"[bold]{made.reservation_id}[/] {made.status} {made.kind}{until}")
    for line in shown.lines:
        granted = f"{line.granted.value} of {line.requested.value}"
        more = line.put_together.value if line.put_together else "0"
        parts = f", {more} to be put together" if more != "0" else ""
        stdout.print(f"  {line.item} at {line.location}: {granted}{parts}")
        for part in line.parts or ():
            stdout.print(f"    {part.item}: {part.remaining.value} of {part.granted.value} held")
    if made.cut_by:
        is_own = made.cut_by == "MAXIMUM"
        why = "that is all its channel may have" if is_own else "the rest is kept for others"
        stdout.print(f"  [dim]{why}: `crossdock stock explain {made.reservation_id}`[/]")
