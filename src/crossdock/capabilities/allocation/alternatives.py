"""What another place or item may give to order lines that stay short (domain.md §3.5, §3.6). Pure.

What is found elsewhere for a line is not asked for where it waits. It is an offer while its run is
simulated, and held there once the run is applied, until the order says what became of it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation import model
from crossdock.capabilities.allocation.model import (
    Expected,
    Grant,
    Line,
    Outcome,
    Protection,
    Why,
)

GAINING = frozenset({Strategy.WIN, Strategy.GAIN, Strategy.IMPROVE, Strategy.REDISTRIBUTE})
"""Who may be given more than it has; the others are offered nothing."""
PATIENCE = timedelta(minutes=15)
PATIENCE_MAX = timedelta(days=1)
DOUBLED = 8
"""From so many denials on patience is at its most."""


class AlternativeState(StrEnum):
    """PROPOSED by a run; once that is applied WANTED, then HELD, or DENIED: it had gone by then.

    ENDING: the order has said what becomes of its line, or the hold is over. ENDED: nothing is
    held for the line there any more.
    """

    PROPOSED = "PROPOSED"
    WANTED = "WANTED"
    HELD = "HELD"
    DENIED = "DENIED"
    ENDING = "ENDING"
    ENDED = "ENDED"


class Lack(NamedTuple):
    """So much of an order line, in micros, that no run can confirm where it waits."""

    demand_ref: str
    customer: str
    channel: str
    item: str
    location: str
    unit: str
    micros: int
    multiple: int = 1
    denied: tuple[tuple[str, str], ...] = ()
    """Items at locations that could not be held for it of late: they are not asked for."""


class Offer(NamedTuple):
    """`micros` of an item at a place leave for a line, and replace `covers` of what it lacks.

    It is decision `decision_id` of whoever found it, and `why` it is this place.
    """

    item: str
    location: str
    unit: str
    micros: int
    covers: int
    ships_on: date | None = None
    arrives_on: date | None = None
    decision_id: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternative:
    """An offer in a run. `net` is what was ordered of its line, less what was cancelled, by then.

    As soon as that is another, or the line claims elsewhere, the order has said what became of it.
    """

    demand_ref: str
    net: int
    offer: Offer
    run_id: str = ""
    place: int = 0
    state: AlternativeState = AlternativeState.PROPOSED
    reservation_id: str = ""

    @property
    def name(self) -> str:
        return f"{self.run_id}/{self.place}"

    def held(self, left: int) -> "Alternative":
        """Give it with so much of it still held."""
        covers = self.offer.covers * min(left, self.offer.micros) // self.offer.micros
        return replace(self, offer=self.offer._replace(covers=covers))


def patience(denials: int) -> timedelta:
    """Say how long what was denied so often is not asked for: twice as long each time."""
    return min(PATIENCE * (1 << (min(denials, DOUBLED) - 1)), PATIENCE_MAX)


def lacks(grants: Iterable[Grant]) -> dict[str, int]:
    """Say what each line that may gain does not get of what it asks for, by what lies there."""
    return {
        grant.line.demand_ref: micros
        for grant in grants
        if grant.line.strategy in GAINING
        and (micros := grant.line.most - grant.after - grant.coming) > 0
    }


def fitting(lack: Lack, offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """Give those offers that a line has use for: in whole units of it, and never more in all.

    One of the same item is cut; one of another is taken as it is, or not.
    """
    found: list[Offer] = []
    left = lack.micros
    for one in offers:
        if one.item == lack.item:
            covers = min(one.covers, left)
            covers -= covers % lack.multiple
            one = one._replace(micros=covers, covers=covers)  # noqa: PLW2901  # the same, cut
        if 0 < one.covers <= left and one.micros > 0 and not one.covers % lack.multiple:
            found.append(one)
            left -= one.covers
    return tuple(found)


def decided(
    supply: int,
    lines: Sequence[Line],
    protections: Sequence[Protection],
    expected: Sequence[Expected],
    covered: Mapping[str, int],
) -> Outcome:
    """Run without what is covered elsewhere of some lines, and tell it of the lines as they are.

    What a line that is covered loses here it has there: that is no exception.
    """
    by_ref = {line.demand_ref: line for line in lines}
    asking = [_less(line, covered.get(line.demand_ref, 0)) for line in lines]
    outcome = model.run(supply, asking, protections, expected)
    if outcome.is_refused:
        return model.run(supply, lines, protections, expected)
    grants = (_of(by_ref[grant.line.demand_ref], grant) for grant in outcome.grants)
    return Outcome(tuple(grants), owed=outcome.owed)


def _of(line: Line, grant: Grant) -> Grant:
    is_rest_elsewhere = grant.why is Why.FULL and grant.line.requested < line.requested
    return grant._replace(line=line, why=Why.ELSEWHERE if is_rest_elsewhere else grant.why)


def _less(line: Line, covered: int) -> Line:
    wanted = line.requested - covered
    return line._replace(requested=wanted, confirmed=min(line.confirmed, wanted))


def away(alternatives: Iterable[Alternative], net: int, free: int) -> int:
    """Say how much of a line is held elsewhere: of what is open and not released, `free`.

    What its order has changed since does not count.
    """
    return min(free, sum(one.offer.covers for one in alternatives if one.net == net))


def digest_with(digest: str, alternatives: Sequence[Alternative]) -> str:
    """Name all that a run is decided on, with what it offers; on which day that leaves is not."""
    if not alternatives:
        return digest
    told = sorted(
        (one.demand_ref, one.offer.item, one.offer.location, one.offer.micros, one.offer.covers)
        for one in alternatives
    )
    return sha256(repr((digest, told)).encode()).hexdigest()
