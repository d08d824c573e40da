"""The rules of stock: what may be promised, and what a promise is worth now.

Pure functions on frozen values. Amounts are whole micros, millionths of the item's base unit.
The section numbers are those of the domain specification.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple

from crossdock.canonical.errors import Invalid, Rejected
from crossdock.canonical.inventory import ReservationKind, ReservationStatus

TTL_SECONDS_MAX = 14_400
LINES_MAX = 1_000
MICROS_MAX = 10**18
"""Decimal(18,6): what a position can hold, and so the most that can be asked."""

LIVE = frozenset({ReservationStatus.ACTIVE, ReservationStatus.PARTIALLY_CONSUMED})
COUNTING = LIVE | {ReservationStatus.CONSUMED}
"""A consumed line still listens: an unpick gives its units back."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What lies at an item-location and what is claimed of it (§3.1)."""

    nettable: int = 0
    hard: int = 0
    soft: int = 0
    safety: int = 0

    @property
    def net(self) -> int:
        return self.nettable - self.hard - self.soft

    @property
    def available(self) -> int:
        """Available to fulfil now (ATF)."""
        return max(0, self.net - self.safety)

    @property
    def withheld(self) -> int:
        """Kept back by policy: the part of a zero that is not a lack of goods (A1)."""
        return min(self.safety, max(0, self.net))

    @property
    def shortage(self) -> int:
        return max(0, -self.net)


def has_expired(expires_on: date | None, day: date | None) -> bool:
    """Say whether a lot's last day of use is over: on that day itself its goods are good (I8).

    A lot of which nobody told one, or a place of which nobody knows the day, has not expired.
    """
    return expires_on is not None and day is not None and expires_on < day


def overlay(ordered: int, cancelled: int, picked: int) -> int:
    """Say what an order line still claims of AVAILABLE; an over-pick claims nothing."""
    return max(0, ordered - cancelled - picked)


def is_over_picked(ordered: int, picked: int, percent: int = 0) -> bool:
    """Say whether more was picked than ordered, by more than so many percent of it (I7)."""
    return picked * 100 > ordered * (100 + percent)


# Requests and what became of them.


class ReservationLine(NamedTuple):
    """So many micros (of the base unit) of an item at a location or group, for an order line."""

    item: str
    location: str
    micros: int
    demand_ref: str = ""


class ReservationRequest(NamedTuple):
    """`request_id` is the client's own: the same id and content get the same answer for ever.

    `channel` is whose maximum and others' minima it is held to (§3.6); "" stands for the client.
    A `customer` of an allocation group is held to that group's instead.
    """

    request_id: str
    lines: tuple[ReservationLine, ...]
    kind: ReservationKind = ReservationKind.SOFT
    ttl_seconds: int | None = None
    allow_partial: bool = False
    channel: str = ""
    customer: str = ""


def check_request(request: ReservationRequest) -> None:
    """Refuse what no stock could grant, before it takes a lock."""
    if not request.request_id or "\0" in request.request_id:
        raise Invalid("a reservation needs a request id without NUL", where="/request_id")
    if "\0" in request.channel + request.customer:
        where = "channel" if "\0" in request.channel else "customer"
        raise Invalid(f"a {where}'s name never holds NUL", where=f"/{where}")
    if not 1 <= len(request.lines) <= LINES_MAX:
        raise Invalid(
            f"a reservation has 1 to {LINES_MAX} lines, not {len(request.lines)}", where="/lines"
        )
    for number, line in enumerate(request.lines):
        if not 0 < line.micros < MICROS_MAX:
            what = "more than zero" if line.micros <= 0 else "less than 10^12 base units"
            raise Invalid(f"a line asks for {what}", where=f"/lines/{number}/quantity")
        if "\0" in line.item or "\0" in line.location or "\0" in line.demand_ref:
            raise Invalid("a key never holds NUL", where=f"/lines/{number}")
    if request.ttl_seconds is not None and not 1 <= request.ttl_seconds <= TTL_SECONDS_MAX:
        raise Invalid(
            f"a soft hold lives 1 to {TTL_SECONDS_MAX} seconds, not {request.ttl_seconds}",
            where="/ttl_seconds",
        )


class Expiry:
    """When promises made `now` end: many requests ask for the same few lengths of life."""

    def __init__(self, now: datetime, ttl_seconds_default: int) -> None:
        self._now = now
        self._by_ttl: dict[int | None, datetime] = {
            None: now + timedelta(seconds=ttl_seconds_default)
        }

    def of(self, request: ReservationRequest) -> datetime | None:
        if request.kind is ReservationKind.HARD:
            return None
        ttl = request.ttl_seconds
        if ttl not in self._by_ttl:
            self._by_ttl[ttl] = self._now + timedelta(seconds=ttl or 0)
        return self._by_ttl[ttl]


class PromisedLine(NamedTuple):
    """One line of a reservation as it stands. `is_linked`: an order's own demand counts it.

    Of a kit `granted` are those that lie assembled, and `made` more are to be put together of
    its parts: lines of the same reservation that go `into_line`, each `made` for so many kits
    that it was `requested` for. Of these it is `granted` what the kit's order claims.
    `is_unlimited`: by a rule no stock limits the item there, so none is held.
    """

    line_no: int
    item: str
    location: str
    status: ReservationStatus
    is_hard: bool
    requested: int
    granted: int
    consumed: int = 0
    picked: int = 0
    is_linked: bool = False
    demand_ref: str = ""
    expires_at: datetime | None = None
    version: int = 1
    stock_id: int = 0
    made: int = 0
    into_line: int = 0
    is_unlimited: bool = False

    @property
    def used(self) -> int:
        """Given out so far: what a verb told, or the picks seen, whichever tells of more.

        The two may tell of the same units, which count once (I9).
        """
        return min(self.granted, max(self.consumed, self.picked))

    @property
    def remaining(self) -> int:
        return self.granted - self.used if self.status in COUNTING else 0

    @property
    def hold(self) -> int:
        """What this line takes from availability by itself (A19: never beside its order)."""
        return 0 if self.is_linked or self.is_unlimited else self.remaining

    @property
    def short(self) -> int:
        return self.requested - self.granted

    def is_lapsed(self, now: datetime) -> bool:
        """Say whether its time is over: the interval is half open (A22)."""
        return self.status in LIVE and self.expires_at is not None and self.expires_at <= now

    def changed(self, **fields: Any) -> "PromisedLine":
        """Give the next version, with the status that its quantities make."""
        line = self._replace(version=self.version + 1, **fields)
        return line._replace(status=_status(line))


def _status(line: PromisedLine) -> ReservationStatus:
    if line.status not in COUNTING:
        return line.status
    if line.granted and line.used == line.granted and (line.into_line or not line.made):
        return ReservationStatus.CONSUMED
    return ReservationStatus.PARTIALLY_CONSUMED if line.used else ReservationStatus.ACTIVE


class Reservation(NamedTuple):
    """A promise: all lines, each with what was granted. `status` is derived from the lines.

    `parts` are what is held for kits that are to be put together (`into_line`).
    `cut_by` says what beside stock cut the answer to a request: the channel's own MAXIMUM, or the
    MINIMUM of others; "" is nothing of the kind.
    """

    reservation_id: str
    client: str
    request_id: str
    created_at: datetime
    lines: tuple[PromisedLine, ...]
    is_repeat: bool = False
    cut_by: str = ""
    parts: tuple[PromisedLine, ...] = ()
    part_units: Mapping[str, str] = MappingProxyType({})

    @property
    def status(self) -> ReservationStatus:
        if len(self.lines) == 1:
            return self.lines[0].status
        return reservation_status([line.status for line in self.lines])

    @property
    def kind(self) -> ReservationKind:
        return ReservationKind.HARD if self.lines[0].is_hard else ReservationKind.SOFT

    @property
    def expires_at(self) -> datetime | None:
        return self.lines[0].expires_at

    @property
    def is_granted(self) -> bool:
        return all(line.granted == line.requested for line in self.lines)


# The first of these that any line has is the whole reservation's status.
_PRECEDENCE = (
    ReservationStatus.PARTIALLY_CONSUMED,
    ReservationStatus.ACTIVE,
    ReservationStatus.CONSUMED,
    ReservationStatus.EXPIRED,
    ReservationStatus.RELEASED,
    ReservationStatus.CANCELLED,
    ReservationStatus.DENIED,
)


def reservation_status(lines: Iterable[ReservationStatus]) -> ReservationStatus:
    found = set(lines)
    if {ReservationStatus.ACTIVE, ReservationStatus.CONSUMED} <= found:
        return ReservationStatus.PARTIALLY_CONSUMED
    return next(status for status in _PRECEDENCE if status in found)


# The life of a promise.


def confirmed(line: PromisedLine) -> PromisedLine:
    """Turn a soft line hard: the same units, no gap."""
    return line if line.is_hard else line.changed(is_hard=True, expires_at=None)


def extended(line: PromisedLine, until: datetime) -> PromisedLine:
    if line.is_hard:
        raise Rejected("a hard reservation has no end to extend", code="reservation_is_hard")
    return line.changed(expires_at=until)


def released(line: PromisedLine) -> PromisedLine:
    """Give back what is left; what was given out stays given out."""
    return line.changed(status=ReservationStatus.RELEASED) if line.status in LIVE else line


def expired(line: PromisedLine) -> PromisedLine:
    return line.changed(status=ReservationStatus.EXPIRED)


def revived(line: PromisedLine, *, is_hard: bool, expires_at: datetime | None) -> PromisedLine:
    """Bring a lapsed line back to life, once its units have been found again."""
    return line.changed(status=ReservationStatus.ACTIVE, is_hard=is_hard, expires_at=expires_at)


def consumed(line: PromisedLine, micros: int) -> PromisedLine:
    """Note how much has gone out in all so far (I7: never more than granted).

    Less than is known already is an older word, or the same again: it changes nothing (I4).
    """
    if not 0 <= micros <= line.granted:
        raise Rejected(
            f"line {line.line_no} was granted {line.granted} micros:"
            f" {micros} cannot have gone out of it",
            code="consumed_too_much",
            hint="say how much has gone out in all so far",
        )
    return line.changed(consumed=micros) if micros > line.consumed else line


def linked(line: PromisedLine) -> PromisedLine:
    """Hand the line over to its order, whose demand counts the same units (A19)."""
    return line if line.is_linked else line.changed(is_linked=True, is_hard=True, expires_at=None)


def unlinked(line: PromisedLine) -> PromisedLine:
    """Let the line count by itself again: its order does not name it any more."""
    return line.changed(is_linked=False) if line.is_linked else line


def with_picks(lines: Sequence[PromisedLine], micros: int) -> list[PromisedLine]:
    """Spread picks that quote an order line over its reservations, oldest first.

    The result depends on the sum of all picks alone, never on the order they were heard in: what
    no line can take (or a sum below zero) is remembered on the last.
    """
    total = micros + sum(line.picked for line in lines)
    spread: list[PromisedLine] = []
    for line in lines[:-1]:
        share = min(max(0, total), line.granted if line.into_line else line.granted + line.made)
        total -= share
        spread.append(line.changed(picked=share) if share != line.picked else line)
    last = lines[-1]
    spread.append(last.changed(picked=total) if total != last.picked else last)
    return spread
