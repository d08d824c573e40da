"""One question by date and its answer, with everything it was made from. Pure.

The future of an item at a location is one list of balances: what lies there less safety, less
what is claimed by each day, plus what will have come by it. A group of locations has what its
members can promise by each day, less its own claims; a member never promises what those need.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from operator import add, sub
from typing import NamedTuple

from crossdock.canonical.units import step_micros
from crossdock.capabilities.supply import calendar, model
from crossdock.capabilities.supply.answer import (
    Atp,
    Basis,
    Bucket,
    Component,
    Dated,
    Kin,
    Node,
    Part,
    Question,
)
from crossdock.capabilities.supply.calendar import Grid
from crossdock.capabilities.supply.inbound import Inbound, Supply, effective, is_past_due
from crossdock.capabilities.supply.model import AtpMode
from crossdock.capabilities.supply.rules import AtpTerms


class Outlook(NamedTuple):
    """The future of one item-location on a grid."""

    start: int
    supply: list[int]
    demand: list[int]
    pab: list[int]
    inbound: list[Inbound]


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
    own, pab, least, parts = _reached(question, kin, grid, today)
    atp = model.of_packs(model.promisable(terms.mode, least), terms.pack)
    not_in = own.supply[0] + sum(part.buckets[0].supply for part in parts if not part.per)
    if any(part.buckets[0].supply for part in parts if part.per):
        not_in = atp[0]  # what a kit would be without it is not counted
    promise = _promise(question, terms, days, atp, today, is_in=atp[0] - not_in)
    return Atp(
        item=question.item,
        location=question.location,
        unit=question.unit,
        mode=terms.mode,
        as_of=now,
        today=today,
        is_known=kin.own.standing.is_known or any(part.standing.is_known for part in parts),
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
        parts=parts,
    )


def outlook(question: Question, node: Node, grid: Grid, today: date) -> Outlook:
    """Lay out what stands, comes and goes at one item-location (PAB of §3.3)."""
    terms, standing, last = node.terms, node.standing, grid.ends[-1]
    step = step_micros(question.unit)
    inbound = [
        effective(one, today, terms, terms.calendar, step=step, last=last)
        for one in (_without(one, question.own) for one in node.supplies)
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


def _without(supply: Supply, own: frozenset[str]) -> Supply:
    """Give back what is pegged to the very order lines that are asked about (A25)."""
    if not own or not supply.pegs:
        return supply
    return supply._replace(pegs=tuple(peg for peg in supply.pegs if peg[0] not in own))


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


class _Reached(NamedTuple):
    """`pab` are the balances, `least` what is left of them once a group's claims are covered."""

    own: Outlook
    pab: list[int]
    least: list[int]
    parts: tuple[Part, ...]


def _reached(question: Question, kin: Kin, grid: Grid, today: date) -> _Reached:
    """Give the balances of an item-location with what its components and members add."""
    own = outlook(question, kin.own, grid, today)
    made, parts = _assembled(question, kin.components, grid, today)
    pab = list(map(add, own.pab, made))
    if kin.group is None and not kin.is_group:
        return _Reached(own, pab, pab, parts)
    total = [0] * len(grid.ends)
    for member in kin.members:
        future = outlook(question, member, grid, today)
        catp = model.cumulative(future.pab)
        total = list(map(add, total, catp))
        if kin.is_group:
            buckets = _changing(grid, future, future.pab, catp)
            parts += (_part(question, member, 0, future, buckets),)
    if kin.group is None:
        pab = list(map(add, pab, total))
        return _Reached(own, pab, pab, parts)
    group = outlook(question, kin.group, grid, today)
    others = list(map(sub, total, model.cumulative(own.pab)))
    kept = model.beside_group(model.cumulative(pab), others, group.pab)
    return _Reached(own, pab, list(map(min, pab, kept)), parts)


def _assembled(
    question: Question, components: Sequence[Component], grid: Grid, today: date
) -> tuple[list[int], tuple[Part, ...]]:
    """Count the kits that can be put together by each bucket (A11); 0 where it is no kit."""
    none = [0] * len(grid.ends)
    if not components:
        return none, ()
    parts: list[Part] = []
    atp: dict[str, list[int]] = {}
    for one in components:
        of_part = question._replace(item=one.item, unit=one.unit)
        reached = _reached(of_part, one.kin, grid, today)
        atp[one.item] = model.cumulative(reached.least)
        buckets = _changing(grid, reached.own, reached.pab, atp[one.item])
        parts.append(_part(of_part, one.kin.own, one.micros, reached.own, buckets))
    per = {one.item: one.micros for one in components}
    made = model.kits_by_bucket(per, atp, none)
    if components[0].kin.is_group:
        made = list(map(min, made, _made_at_members(question, components, grid, today)))
    return made, tuple(parts)


def _made_at_members(
    question: Question, components: Sequence[Component], grid: Grid, today: date
) -> list[int]:
    """Count the kits that members can put together, each out of what lies in its own building.

    What the group's claims on components leave is for the caller to see to.
    """
    none = [0] * len(grid.ends)
    per = {one.item: one.micros for one in components}
    total = none
    for members in zip(*(one.kin.members for one in components), strict=True):
        atp: dict[str, list[int]] = {}
        for one, member in zip(components, members, strict=True):
            of_part = question._replace(item=one.item, unit=one.unit)
            atp[one.item] = model.cumulative(outlook(of_part, member, grid, today).pab)
        total = list(map(add, total, model.kits_by_bucket(per, atp, none)))
    return total


def _part(
    question: Question, node: Node, per: int, future: Outlook, buckets: tuple[Bucket, ...]
) -> Part:
    return Part(
        question.item,
        node.location,
        question.unit,
        per,
        node.standing,
        tuple(future.inbound),
        buckets,
    )


class _Promise(NamedTuple):
    quantity: int | None
    on: date | None
    basis: Basis
    reason: str
    schedule: Sequence[Dated] = ()
    left_over: int = 0


def _promise(
    question: Question,
    terms: AtpTerms,
    days: Sequence[date],
    atp: Sequence[int],
    today: date,
    *,
    is_in: int,
) -> _Promise:
    """Date what is asked; `is_in` is what could leave at once if nothing else came."""
    if question.micros is None:
        return _Promise(None, None, Basis.NONE, "no quantity was asked for")
    asked = model.in_packs(question.micros, terms.pack, up=terms.pack_up)
    if not asked:
        return _Promise(0, None, Basis.NONE, "it is less than one pack")
    limits = model.Limits(
        model.in_packs(terms.limits.micros_min, terms.pack, up=True), terms.limits.lines_max
    )
    lines, rest = model.split(terms.mode, atp, asked, limits)
    schedule = [Dated(days[line.bucket], line.micros) for line in lines]
    if (bucket := model.earliest(atp, asked)) is not None:
        reason = "supply has come by then"
        if not bucket:
            is_there = asked <= is_in
            reason = "it is there" if is_there else "supply is due by then, and not in yet"
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
