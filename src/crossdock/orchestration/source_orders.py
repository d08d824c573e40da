"""Orders to choose warehouses for, as a caller writes them. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b

import msgspec

from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import Quantity, plain
from crossdock.canonical.references import ItemInUnit
from crossdock.canonical.units import step_micros
from crossdock.capabilities.catalog import normalised
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from crossdock.capabilities.sourcing import SHIP, Line, Occasion, Policy, ShipTo, comparable


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    """A line as a caller writes it; `quantity.unit` "" is the item's base unit.

    `needed_by` is the local date of arrival at the ship-to, and `life_days` have to be left of the
    goods' shelf life then; None is as the rules of supply say.
    """

    item: str
    quantity: Quantity
    needed_by: date | None = None
    hazmat: str = ""
    is_dropship: bool = False
    demand_ref: str = ""
    life_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOrder:
    """An order as a caller writes it. What is None stands as the rules in force say.

    `original` is the order's own node. `min_line_split` is in the base unit of each item. Who
    `speaks_for_channel` alone is held to its maximum and minimum, whoever the customer is.
    """

    lines: Sequence[SourceLine]
    ship_to: ShipTo = field(default_factory=ShipTo)
    customer: str = ""
    channel: str = ""
    needs: Sequence[str] = (SHIP,)
    policy: Policy | None = None
    max_shipments: int | None = None
    min_line_split: int | None = None
    original: str = ""
    occasion: Occasion = Occasion.CREATION
    request_id: str = ""
    speaks_for_channel: bool = False

    def whose(self, client: str) -> tuple[str, str]:
        """Say whose maximum and minimum it is held to: the channel's, for this customer."""
        return self.channel or client, "" if self.speaks_for_channel else self.customer

    def reserving(self, client: str, lines: tuple[ReservationLine, ...]) -> ReservationRequest:
        """Ask for a plan's lines to be held, for the channel as the caller spells it."""
        customer = self.whose(client)[1]
        return ReservationRequest(
            self.request_id,
            lines,
            ReservationKind.HARD,
            channel=self.channel,
            customer=customer,
        )


def said_hash(wanted: SourceOrder, client: str) -> bytes:
    """Tell one question from another by what the caller wrote, never by what it stands for.

    Who names itself as the channel asks what it asks without.
    """
    lines = [
        (
            normalised(line.item),
            plain(line.quantity.value),
            line.quantity.unit,
            line.needed_by,
            comparable(line.hazmat),
            line.is_dropship,
            line.demand_ref,
            line.life_days,
        )
        for line in wanted.lines
    ]
    said = (
        lines,
        wanted.ship_to,
        comparable(wanted.customer),
        "" if wanted.channel == client else comparable(wanted.channel),
        sorted({comparable(need) for need in wanted.needs}),
        wanted.policy,
        wanted.max_shipments,
        wanted.min_line_split,
        normalised(wanted.original),
        wanted.occasion,
    )
    return blake2b(msgspec.json.encode(said), digest_size=16).digest()


def check_refs(lines: Sequence[SourceLine]) -> None:
    """Refuse an order line that is asked for twice: its demand would be given out twice."""
    seen: set[str] = set()
    for number, line in enumerate(lines):
        if line.demand_ref and line.demand_ref in seen:
            raise Invalid(
                f"order line {line.demand_ref!r} is quoted by two lines",
                where=f"/lines/{number}/demand_ref",
                hint="ask for it in one line",
            )
        seen.add(line.demand_ref)


def line_of(number: int, line: SourceLine, item: ItemInUnit) -> Line:
    """Read a line as it is planned, in base units, or say why it cannot be."""
    quantity = Quantity(line.quantity.value, line.quantity.unit or item.base_unit)
    micros, rest = divmod(quantity.micros * item.numerator, item.denominator)
    where = f"{number}/quantity"
    if rest:
        reason = f"{quantity} is no whole number of millionths of {item.base_unit}"
        raise unknown(reason, where, "MD-UOM")
    if micros <= 0:
        raise Invalid("a line asks for more than zero", where=f"/lines/{where}")
    step, rest = divmod(step_micros(quantity.unit) * item.numerator, item.denominator)
    # What is no whole number of its own unit (half a case) leaves as it is, or not at all.
    is_whole = not rest and step > 0 and not micros % step
    return Line(
        line_no=number + 1,
        item=item.item,
        micros=micros,
        step=step if is_whole else micros,
        needed_by=line.needed_by,
        hazmat=comparable(line.hazmat),
        is_dropship=line.is_dropship,
        life_days=line.life_days,
    )


def unknown(reason: str, where: str, code: str) -> Invalid:
    """Say where in an order something is named that nobody knows."""
    return Invalid(
        reason,
        where=f"/lines/{where}",
        code=code,
        hint="GET /v1/items, or `crossdock catalog items`, list what is known",
    )
