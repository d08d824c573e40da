"""How reservations are written in JSON: each line, and beneath a kit what is held for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from crossdock.canonical.inventory import ReservationKind, ReservationStatus
from crossdock.capabilities.inventory import PromisedLine, Reservation
from crossdock.interfaces.api.stock_shapes import AmountShown, amount


@dataclass(slots=True)
class HeldPartShown:
    """What is held of an item for kits of a line that are to be put together.

    `line_no` names it to whoever tells what has gone out, `demand_ref` to whoever moves it.
    """

    line_no: int
    item: str
    status: ReservationStatus
    granted: AmountShown
    consumed: AmountShown
    remaining: AmountShown
    demand_ref: str


@dataclass(slots=True)
class PacksShown:
    """A line of an item that is sold in multiples of `pack`: none is broken.

    `quantity` is what was asked in whole ones, and `why` says what became of it.
    """

    pack: AmountShown
    quantity: AmountShown
    why: str


# What is shown is made for one answer and encoded at once: freezing it took longer than filling.
@dataclass(slots=True)
class LineShown:
    """`remaining` is what is still held; a line that got less than it asked is not DENIED.

    Of a kit `put_together` are granted that do not lie assembled: `parts` are held for them.
    `packs` says in which an item is sold that is; `granted` are whole ones, and may be more than
    `requested`, which is what was asked.
    """

    line_no: int
    item: str
    location: str
    status: ReservationStatus
    requested: AmountShown
    granted: AmountShown
    consumed: AmountShown
    remaining: AmountShown
    demand_ref: str
    put_together: AmountShown | None = None
    parts: list[HeldPartShown] | None = None
    packs: PacksShown | None = None


@dataclass(slots=True)
class ReservationShown:
    reservation_id: str
    request_id: str
    status: ReservationStatus
    kind: ReservationKind
    is_granted: bool
    is_repeat: bool
    created_at: datetime
    expires_at: datetime | None
    lines: list[LineShown]


def _line_shown(line: PromisedLine, unit: str) -> LineShown:
    """Write an amount once, however often the line has it: most lines get all and gave nothing."""
    if line.pack:
        return _packed_shown(line, unit)
    requested = amount(line.requested, unit)
    granted = requested if line.granted == line.requested else amount(line.granted, unit)
    remaining = granted if line.remaining == line.granted else amount(line.remaining, unit)
    return LineShown(
        line.line_no,
        line.item,
        line.location,
        line.status,
        requested,
        granted,
        amount(line.used, unit),
        remaining,
        line.demand_ref,
    )


def _packed_shown(line: PromisedLine, unit: str) -> LineShown:
    """Show a line of what is sold in packs: as it was asked, and in whole ones."""
    pack = amount(line.pack, unit)
    wanted = 0 if line.is_less_than_pack else line.requested
    plain = _line_shown(line._replace(pack=0), unit)
    plain.requested = amount(line.asked or line.requested, unit)
    plain.packs = PacksShown(pack, amount(wanted, unit), _why_packs(line, unit))
    return plain


def _why_packs(line: PromisedLine, unit: str) -> str:
    asked, wanted, granted, pack = (
        amount(micros, unit).value
        for micros in (line.asked or line.requested, line.requested, line.granted, line.pack)
    )
    if line.is_less_than_pack:
        return f"{asked} {unit} is less than one pack of {pack} {unit}, and is not rounded up"
    moved = f": {asked} became {wanted}" if line.asked else ""
    cut = (
        f"; of what there is only whole ones, {granted}"
        if 0 < line.granted < line.requested
        else ""
    )
    return f"sold in packs of {pack} {unit}{moved}{cut}"


def _with_parts(reservation: Reservation, lines: list[LineShown]) -> list[LineShown]:
    """Show beneath each kit what is held for it."""
    if not reservation.parts:
        return lines
    units = reservation.part_units
    for one, line in zip(reservation.lines, lines, strict=True):
        parts = [part for part in reservation.parts if part.into_line == one.line_no]
        if parts:
            line.put_together = amount(one.made, line.granted.unit)
            line.parts = [_part_shown(part, units[part.item]) for part in parts]
    return lines


def _part_shown(part: PromisedLine, unit: str) -> HeldPartShown:
    return HeldPartShown(
        part.line_no,
        part.item,
        part.status,
        amount(part.granted, unit),
        amount(part.used, unit),
        amount(part.remaining, unit),
        part.demand_ref,
    )


def reservation_shown(reservation: Reservation, units: Mapping[str, str]) -> ReservationShown:
    """Show a promise; `units` are the base units of its items."""
    return ReservationShown(
        reservation_id=reservation.reservation_id,
        request_id=reservation.request_id,
        status=reservation.status,
        kind=reservation.kind,
        is_granted=reservation.is_granted,
        is_repeat=reservation.is_repeat,
        created_at=reservation.created_at,
        expires_at=reservation.expires_at,
        lines=_with_parts(
            reservation, [_line_shown(line, units[line.item]) for line in reservation.lines]
        ),
    )
