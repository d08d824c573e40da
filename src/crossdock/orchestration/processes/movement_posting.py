"""Keeps the books of others in step with what moved: each movement is booked once (§1.3, §2.4).

One instance per movement and connection that keeps books of its locations. Books say how much of
our own goods lies at a location, or is in transit to it, and not in which status: a movement is
booked if it changes that. So a receipt, a shipment, an adjustment, a count, a transfer and a
consignment that becomes ours are booked; a pick, a putaway or a hold is not. Movements are
differences: they may be booked in any order, and a reversal is a movement of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple
from urllib.parse import quote

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.commands import Settlement
from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import Place, StockMoved, StockStatus
from crossdock.canonical.quantities import plain
from crossdock.connectivity.sdk.roles import BOOKED_BY_HUB
from crossdock.foundation.zones import zone_of
from crossdock.orchestration.decision import CloseCase, Decision, Send

NAME = "movement_posting"
ROLE = "PostsMovements"

GIVEN_UP = frozenset({"discarded", "removed"})
"""The codes of a command that a person has given up: alone, or with the whole connection."""


class End(NamedTuple):
    """One end of a booking. A location of "" is outside of the books."""

    location: str = ""
    is_in_transit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What a connection was told to keep books of: its locations, each with its time zone."""

    tenant: str
    connection: str
    zones: Mapping[str, str]

    def end(self, place: Place | None) -> End:
        """Name where goods lie in these books; others' goods and other locations are outside."""
        if place is None or place.owner or place.location not in self.zones:
            return End()
        return End(place.location, place.status is StockStatus.IN_TRANSIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One movement as one connection is to book it, in the hub's own keys and the base unit."""

    connection: str
    source: str
    identity: str
    item: str
    quantity: Decimal
    unit: str
    source_end: End
    target_end: End
    occurred_on: date

    @property
    def reference(self) -> str:
        """Name the movement for ever, by who told it and its identity there."""
        return f"{BOOKED_BY_HUB}{self.source}:{self.identity}"

    @property
    def instance(self) -> str:
        return "/".join(
            quote(part, safe="") for part in (self.connection, self.source, self.identity)
        )

    def __str__(self) -> str:
        source, target = (end.location or "outside" for end in (self.source_end, self.target_end))
        return f"{plain(self.quantity)} {self.unit} of {self.item} from {source} to {target}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """What an instance remembers. `heard` is the place in the log of the last outcome it knows."""

    is_sent: bool = False
    heard: int = 0
    is_troubled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is to be booked, and the newest outcome with its place in the log (0: none yet)."""

    booking: Booking
    heard: int = 0
    settlement: Settlement | None = None
    code: str = ""
    detail: str = ""


def bookings(event: Event, moved: StockMoved, kept: Iterable[Books]) -> list[Booking]:
    """Say who is to book a movement, and how.

    Not the system that told it, and nobody for a replayed fact: books that were opened since have
    it in their opening figures. A count that finds what was booked moves nothing to be booked.
    """
    amount = moved.base or moved.quantity
    if event.fact.replay or not amount.value:
        return []
    found: list[Booking] = []
    for books in kept:
        source, target = books.end(moved.source_place), books.end(moved.target_place)
        is_ours = (books.tenant, books.connection) == (event.tenant, event.source)
        if books.tenant != event.tenant or is_ours or source == target:
            continue
        found.append(
            Booking(
                connection=books.connection,
                source=event.source,
                identity=event.fact.identity,
                item=moved.item,
                quantity=amount.value,
                unit=amount.unit,
                source_end=source,
                target_end=target,
                occurred_on=_business_date(event, books.zones[source.location or target.location]),
            )
        )
    return found


def decide(posted: Posted, facts: Facts, now: datetime) -> Decision[Posted]:
    """Send the booking once; then tell a person if it was not made, and when it is."""
    del now  # what moved is booked at once, and nothing is waited for but the outcome
    if not posted.is_sent:
        return Decision(
            ledger=replace(posted, is_sent=True),
            commands=(_post(facts.booking),),
            note=f"book {facts.booking}",
        )
    if facts.heard == posted.heard:
        return Decision(ledger=posted)
    heard = replace(posted, heard=facts.heard)
    if facts.settlement is Settlement.DONE:
        return _ended(heard, facts, f"booked: {facts.detail or facts.booking.reference}")
    if facts.code in GIVEN_UP:
        return _ended(heard, facts, f"given up: {facts.detail}")
    case = _case(facts)
    return Decision(ledger=replace(heard, is_troubled=True), note=case.title, cases=(case,))


def _ended(posted: Posted, facts: Facts, said: str) -> Decision[Posted]:
    closing = CloseCase(fingerprint=_fingerprint(facts), resolution=said)
    return Decision(
        ledger=replace(posted, is_troubled=False),
        note=said,
        cases=(closing,) if posted.is_troubled else (),
    )


def _post(booking: Booking) -> Send:
    return Send(
        connection=booking.connection,
        role=ROLE,
        subject=booking.reference,
        arguments={
            "external_ref": booking.reference,
            "item": booking.item,
            "quantity": plain(booking.quantity),
            "unit": booking.unit,
            "source_location": booking.source_end.location,
            "target_location": booking.target_end.location,
            "is_source_in_transit": booking.source_end.is_in_transit,
            "is_target_in_transit": booking.target_end.is_in_transit,
            "occurred_on": booking.occurred_on.isoformat(),
        },
    )


def _case(facts: Facts) -> OpenCase:
    """Word what went wrong by the exception taxonomy (§7.2): who mends it, and how soon."""
    booking = facts.booking
    code, severity, owner, within = _TROUBLES.get(
        facts.code, _UNKNOWN if facts.settlement is Settlement.PARKED else _REFUSED
    )
    said = "has no known outcome" if facts.settlement is Settlement.PARKED else "was refused"
    return OpenCase(
        code=code,
        fingerprint=_fingerprint(facts),
        severity=severity,
        owner_role=owner,
        within=within,
        entity=booking.item,
        title=f"the booking of {booking} in {booking.connection} {said}: "
        f"{facts.detail or 'no reason'}",
        evidence={"reference": booking.reference, "code": facts.code, "detail": facts.detail},
    )


_REFUSED = ("TGT-REJECT", "S2", "Inventory control", timedelta(hours=4))
_UNKNOWN = ("TGT-DOWN", "S2", "Integration", timedelta(hours=1))
_TROUBLES = {
    "MD-ITEM-XREF": ("MD-ITEM-XREF", "S2", "Master data", timedelta(hours=4)),
    "MD-UOM": ("MD-UOM", "S2", "Master data", timedelta(hours=4)),
    "MD-LOC": ("MD-LOC", "S3", "Master data", timedelta(days=1)),
}


def _fingerprint(facts: Facts) -> str:
    return f"{NAME}:{facts.booking.instance}"


def _business_date(event: Event, zone: str) -> date:
    """Date a movement as people at the location do; a clock that runs ahead is not believed."""
    moment = min(event.fact.occurred_at, event.received_at)
    return moment.astimezone(zone_of(zone)).date()
