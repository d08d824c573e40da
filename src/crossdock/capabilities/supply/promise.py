"""One question by date and its answer, with everything it was made from. Pure.

The future of an item at a location is one list of balances: what lies there less safety, less
what is claimed by each day, plus what will have come by it. A group of locations has what its
members can promise by each day, less its own claims; a member never promises what those need.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from operator import add
from typing import NamedTuple

from crossdock.canonical.units import step_micros
from crossdock.capabilities.supply import calendar, model
from crossdock.capabilities.supply.calendar import Grid
from crossdock.capabilities.supply.inbound import Inbound, Supply, effective, is_past_due
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.rules import AtpTerms


class Standing(NamedTuple):
    """What stands at an item-location now, in micros (§3.1)."""

    nettable: int = 0
    hard: int = 0
    soft: int = 0
    safety: int = 0
    version: int = 0
    is_known: bool = False


class Claim(NamedTuple):
    """What an order line holds of a standing; `on` is the day it is to ship, None is at once."""

    demand_ref: str
    hard: int
    soft: int = 0
    on: date | None = None


class Node(NamedTuple):
    """An item-location as it was read: its standing, the claims told apart of it, its supply."""

    terms: AtpTerms
    standing: Standing = Standing()
    claims: Sequence[Claim] = ()
    supplies: Sequence[Supply] = ()


class Question(NamedTuple):
    """`micros` None asks for the outlook alone; `own` are order lines that count for nothing.

    An order that is asked about again must not stand in its own way (A25). `unit` is the base
    unit of the item, `by` a day to say how much there is by then.
    """

    item: str
    location: str
    unit: str
    micros: int | None = None
    by: date | None = None
    own: frozenset[str] = frozenset()


class Basis(StrEnum):
    """What a promise stands on: goods and dated supply, or the time a new order takes."""

    SUPPLY = "SUPPLY"
    LEAD_TIME = "LEAD_TIME"
    NONE = "NONE"


class Bucket(NamedTuple):
    """`pab` is the projected balance, `atp` what can be promised (of this supply if DISCRETE)."""

    day: date
    supply: int
    demand: int
    pab: int
    atp: int


class Dated(NamedTuple):
    day: date
    micros: int


class Outlook(NamedTuple):
    """The future of one item-location on a grid."""

    start: int
    supply: list[int]
    demand: list[int]
    pab: list[int]
    inbound: list[Inbound]


@dataclass(frozen=True, slots=True, kw_only=True)
class Atp:
    """An answer with its derivation. Amounts are micros of `unit`.

    `quantity` is what was asked, in whole packs. `promised_on` is the first day all of it can
    leave, `basis` what that stands on, and `reason` why not earlier, or never. `schedule` are the
    days and parts in which it could leave soonest, `left_over` what no day has. `by_then` is how
    much of it there is on the day asked for. `buckets` names those in which something changes.
    """

    item: str
    location: str
    unit: str
    mode: AtpMode
    as_of: datetime
    today: date
    is_known: bool
    version: int
    standing: Standing
    quantity: int | None
    promised_on: date | None
    basis: Basis
    reason: str
    by: date | None
    by_then: int | None
    schedule: tuple[Dated, ...]
    left_over: int
    shortage: int
    buckets: tuple[Bucket, ...]
    evaluated: int
    inbound: tuple[Inbound, ...]

    @property
    def now(self) -> int:
        """Say what can leave at once."""
        return self.buckets[0].atp


class Kin(NamedTuple):
    """The item-locations that a question touches: its own, its group's, and the members'."""

    own: Node
    group: Node | None = None
    members: Sequence[Node] = ()
    is_group: bool = False


class Horizon(NamedTuple):
    """The buckets of some terms on some day; `days` are the days that goods can leave in each."""

    today: date
    grid: Grid
    days: Sequence[date]


def horizon(terms: AtpTerms, local: datetime) -> Horizon:
    """Lay out the buckets; `local` is the moment by the location's own clock.

    Behind the fence there are none: what is due there holds nothing back (A7).
    """
    today = local.date()
    first = terms.calendar.first_ship_day(local)
    grid = calendar.grid(first, terms.daily_buckets, terms.weekly_buckets)
    if terms.fence_days:
        fence = max(1, grid.before(today + timedelta(days=terms.fence_days)))
        grid = Grid(grid.ends[:fence], min(grid.daily, fence))
    return Horizon(today, grid, [terms.calendar.next_working_day(end) for end in grid.ends])


def answered(question: Question, kin: Kin, ahead: Horizon, now: datetime) -> Atp:
    """Answer one question, as of now."""
    terms, (today, grid, days) = kin.own.terms, ahead
    own = outlook(question, kin.own, grid, today)
    pab, atp = _promisable(question, kin, own, grid, today)
    promise = _promise(question, terms, days, atp, today)
    return Atp(
        item=question.item,
        location=question.location,
        unit=question.unit,
        mode=terms.mode,
        as_of=now,
        today=today,
        is_known=kin.own.standing.is_known or any(one.standing.is_known for one in kin.members),
        version=kin.own.standing.version,
        standing=kin.own.standing,
        quantity=promise.quantity,
        promised_on=promise.on,
        basis=promise.basis,
        reason=promise.reason,
        by=question.by,
        by_then=_by_then(question, promise, days, terms.mode, atp),
        schedule=tuple(promise.schedule),
        left_over=promise.left_over,
        shortage=max(0, -(pab[0] + kin.own.standing.safety)),
        buckets=_changing(grid, own, pab, atp),
        evaluated=len(atp),
        inbound=tuple(own.inbound),
    )


def outlook(question: Question, node: Node, grid: Grid, today: date) -> Outlook:
    """Lay out what stands, comes and goes at one item-location (PAB of §3.3)."""
    terms, standing, last = node.terms, node.standing, grid.ends[-1]
    step = step_micros(question.unit)
    inbound = [
        effective(one, today, terms, terms.calendar, step=step, last=last) for one in node.supplies
    ]
    entries = [
        (bucket, one.micros)
        for one in inbound
        if one.on is not None and (bucket := grid.bucket(one.on)) is not None
    ]
    pegged = _pegged(inbound)
    now = standing.hard + standing.soft
    due: list[tuple[int, int]] = []
    for claim in node.claims:
        now -= claim.hard + claim.soft
        if claim.demand_ref in question.own:
            continue
        rest = max(0, claim.hard + claim.soft - pegged.get(claim.demand_ref, 0))
        day = claim.on or today
        if not is_past_due(day, today, terms.past_due_demand_days):
            bucket = grid.bucket(day)
            if bucket is not None:
                due.append((bucket, rest))
    size = len(grid.ends)
    supply = model.dated(size, entries)
    demand = model.dated(size, [(0, now), *due])
    start = standing.nettable - standing.safety
    return Outlook(start, supply, demand, model.projected(start, supply, demand), inbound)


def _pegged(inbound: Sequence[Inbound]) -> dict[str, int]:
    """Sum what supplies that will come have pegged to each order line (A32)."""
    found: dict[str, int] = {}
    for one in inbound:
        if one.on is not None:
            left = one.supply.pegged
            for ref, micros in one.supply.pegs:
                taken = min(left, micros)
                left -= taken
                found[ref] = found.get(ref, 0) + taken
    return found


def _promisable(
    question: Question, kin: Kin, own: Outlook, grid: Grid, today: date
) -> tuple[list[int], list[int]]:
    """Give the balances and what can be promised of them, the group's claims kept covered."""
    mode = kin.own.terms.mode
    if kin.group is None and not kin.is_group:
        return own.pab, model.promisable(mode, own.pab)
    total = [0] * len(grid.ends)
    for member in kin.members:
        future = outlook(question, member, grid, today)
        total = list(map(add, total, model.cumulative(future.pab)))
    group = own if kin.group is None else outlook(question, kin.group, grid, today)
    covered = list(map(add, total, group.pab))
    if kin.is_group:
        return covered, model.promisable(mode, covered)
    # The least of both at each day: a promise that either could not keep is not made.
    least = list(map(min, own.pab, model.cumulative(covered)))
    return own.pab, model.promisable(mode, least)


class _Promise(NamedTuple):
    quantity: int | None
    on: date | None
    basis: Basis
    reason: str
    schedule: Sequence[Dated] = ()
    left_over: int = 0


def _promise(
    question: Question, terms: AtpTerms, days: Sequence[date], atp: Sequence[int], today: date
) -> _Promise:
    if question.micros is None:
        return _Promise(None, None, Basis.NONE, "no quantity was asked for")
    asked = model.in_packs(question.micros, terms.pack, up=terms.pack_up)
    if not asked:
        return _Promise(0, None, Basis.NONE, "it is less than one pack")
    lines, rest = model.split(terms.mode, atp, asked, terms.limits)
    schedule = [Dated(days[line.bucket], line.micros) for line in lines]
    if (bucket := model.earliest(atp, asked)) is not None:
        reason = "it is there" if not bucket else "supply has come by then"
        return _Promise(asked, days[bucket], Basis.SUPPLY, reason, schedule, rest)
    most = "no supply has so much" if terms.mode is AtpMode.DISCRETE else "stock and supply end"
    if not terms.is_replenishable or not terms.lead_time_days:
        kept = "it is not replenished" if not terms.is_replenishable else "it has no lead time"
        return _Promise(asked, None, Basis.NONE, f"{most}, and {kept}", schedule, rest)
    on = terms.calendar.next_working_day(today + timedelta(days=terms.lead_time_days))
    reason = f"{most}; it can be had anew in {terms.lead_time_days} days"
    return _Promise(asked, on, Basis.LEAD_TIME, reason, schedule, rest)


def _by_then(
    question: Question,
    promise: _Promise,
    days: Sequence[date],
    mode: AtpMode,
    atp: Sequence[int],
) -> int | None:
    """Say how much of what is asked, or of all, can leave on or before the day asked for."""
    if question.by is None:
        return None
    last = bisect_right(days, question.by) - 1
    wanted = sum(atp) if promise.quantity is None else promise.quantity
    return model.granted(mode, atp, wanted, last) if last >= 0 else 0


def _changing(
    grid: Grid, own: Outlook, pab: Sequence[int], atp: Sequence[int]
) -> tuple[Bucket, ...]:
    """Keep the first bucket, and those in which something comes, goes, or changes."""
    found: list[Bucket] = []
    before = None
    for each in zip(grid.ends, own.supply, own.demand, pab, atp, strict=True):
        if each[1] or each[2] or each[3:] != before:
            found.append(Bucket(*each))
        before = each[3:]
    return tuple(found)


def nodes_of(location: str, groups: Mapping[str, str]) -> tuple[str | None, list[str]]:
    """Name the group that a location is or belongs to, and its members; none is None."""
    group = groups.get(location, location)
    members = sorted(member for member, of in groups.items() if of == group)
    return (group, members) if members else (None, [])
