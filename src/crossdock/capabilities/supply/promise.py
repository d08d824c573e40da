"""One question by date and its answer, with everything it was made from. Pure.

The future of an item at a location is one list of balances: what lies there less safety, less
what is claimed by each day, plus what will have come by it. A group of locations has what its
members can promise by each day, less its own claims; a member never promises what those need.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import NamedTuple

from crossdock.capabilities.supply import beside, explosion, lot_modes, model, shelf
from crossdock.capabilities.supply.answer import (
    Atp,
    Basis,
    Dated,
    Draw,
    Heard,
    Kin,
    Part,
    Pick,
    Question,
    Shelved,
)
from crossdock.capabilities.supply.horizon import Horizon
from crossdock.capabilities.supply.model import AtpMode, Limits, ScheduleLine
from crossdock.capabilities.supply.outlook import Reached, changing, judged_at, reached
from crossdock.capabilities.supply.rules import AtpTerms
from crossdock.capabilities.supply.shelving import life_of
from crossdock.capabilities.supply.weeks import seen_by_day


def answered(question: Question, kin: Kin, ahead: Horizon, now: datetime) -> Atp:
    """Answer one question, as of now."""
    if kin.own.terms.mode in model.BESIDE_STOCK:
        return beside.answered(question, kin.own, ahead, now)
    terms, standing = _said_terms(question, kin.own.terms), kin.own.standing
    found = reached(question, kin, seen_by_day(kin, terms.mode, ahead))
    mode = terms.mode if _has_modes(found) else AtpMode.CUMULATIVE
    atp = model.of_packs(_promisable(mode, found), terms.pack)
    within = _window(question, ahead.days)
    waits = mode is AtpMode.DISCRETE and found.by_lots is None
    had = _within(_with_earlier(atp, within) if waits else atp, within)
    reach = _Reach(found, mode, had, within, _closed(kin, ahead.days[0]))
    promise = _promise(question, terms, reach, ahead)
    life, (lots, picks) = life_of(question, terms), _by_lots(reach, kin, promise)
    return Atp(
        item=question.item,
        location=question.location,
        unit=question.unit,
        mode=mode,
        as_of=now,
        today=ahead.today,
        is_known=standing.is_known or any(part.standing.is_known for part in found.parts),
        version=standing.version,
        standing=standing,
        quantity=promise.quantity,
        promised_on=promise.on,
        basis=promise.basis,
        reason=promise.reason,
        by=question.by,
        by_then=_by_then(question, promise, terms, reach, ahead.days),
        schedule=tuple(Dated(found.ahead.days[one.bucket], one.micros) for one in promise.lines),
        left_over=promise.left_over,
        shortage=_shortage(found, kin),
        buckets=changing(found.ahead, found.own, found.pab, atp),
        evaluated=len(atp),
        inbound=tuple(found.own.inbound),
        parts=_planned(found, promise.lines),
        life_days=life.days,
        transit_days=life.transit if life.days is not None or life.transit else None,
        lots=lots,
        picks=picks,
        sources=_sources(kin),
        pack=terms.pack,
        pack_up=terms.pack_up,
        remainder=max(0, (question.micros or 0) - (promise.quantity or 0)),
        draws=_draws(question, found, promise.lines) if question.draws else (),
    )


def _said_terms(question: Question, terms: AtpTerms) -> AtpTerms:
    """Take in what the question says of its mode and of how it may be split."""
    if question.mode is None and question.limits == Limits():
        return terms
    limits = terms.limits.within(question.limits)
    return replace(terms, mode=question.mode or terms.mode, limits=limits)


def _has_modes(found: Reached) -> bool:
    """Say whether it can be answered in other modes: no kit of kits, nor kit or group of lots."""
    return found.tree is None and (found.by_lots is None or found.is_alone)


def _promisable(mode: AtpMode, found: Reached) -> Sequence[int]:
    """Give what each bucket has to promise; of the supplies of a week the largest if DISCRETE."""
    if found.is_alone and found.own.shelf is not None:
        return found.ahead.at_ends(lot_modes.promisable(mode, found.own.shelf))
    if found.by_lots is not None:
        return found.ahead.at_ends(found.by_lots)
    atp = model.promisable(mode, found.least)
    return found.ahead.over(atp, max) if mode is AtpMode.DISCRETE else found.ahead.at_ends(atp)


class _Reach(NamedTuple):
    """What can be promised: the balances behind it, how far they look, and in whole packs.

    `within` are the buckets that it may leave in; there is nothing in the others. `closed` are
    members of a group that do not ship in the first.
    """

    found: Reached
    mode: AtpMode
    atp: Sequence[int]
    within: range
    closed: frozenset[str]

    @property
    def shelf(self) -> shelf.Shelf | None:
        """Give the shelf where it alone says what can leave: no kit, no group, no member."""
        return self.found.own.shelf if self.found.is_alone else None


def _window(question: Question, days: Sequence[date]) -> range:
    """Name the buckets in which what is asked may leave."""
    first, end = 0, len(days)
    if question.not_before is not None:
        first = bisect_left(days, question.not_before)
    if question.before is not None:
        end = bisect_left(days, question.before)
    return range(first, max(first, end))


def _within(atp: Sequence[int], within: range) -> Sequence[int]:
    """Leave what can be promised in some buckets alone."""
    if len(within) == len(atp):
        return atp
    return [has if bucket in within else 0 for bucket, has in enumerate(atp)]


def _with_earlier(atp: Sequence[int], within: range) -> Sequence[int]:
    """Have a supply of before the first of some buckets leave in it, if it is the largest."""
    if not within:
        return atp
    first = within.start
    return [*atp[:first], max(atp[: first + 1]), *atp[first + 1 :]]


def _by_lots(
    reach: _Reach, kin: Kin, promise: "_Promise"
) -> tuple[tuple[Shelved, ...], tuple[Pick, ...]]:
    """Judge each lot that lies there, and say which to take for what is promised."""
    if reach.found.own.shelf is None:
        return (), ()
    picks: Sequence[Pick] = ()
    if reach.shelf is not None:
        picks = lot_modes.picks(reach.mode, reach.shelf, promise.lines)
    return judged_at(kin.own, reach.found.own), tuple(picks)


def _shortage(found: Reached, kin: Kin) -> int:
    own = found.own.shelf
    if own is not None and found.is_alone:
        return own.owed[0]
    return max(0, -(found.pab[0] + kin.own.standing.safety))


class _Promise(NamedTuple):
    quantity: int | None
    on: date | None
    basis: Basis
    reason: str
    lines: Sequence[ScheduleLine] = ()
    left_over: int = 0


def _promise(question: Question, terms: AtpTerms, reach: _Reach, ahead: Horizon) -> _Promise:
    """Date what is asked."""
    if question.micros is None:
        return _Promise(None, None, Basis.NONE, "no quantity was asked for")
    asked = model.in_packs(question.micros, terms.pack, up=terms.pack_up)
    if not asked or _is_refused(question, reach):
        return _undated(question, reach, asked)
    limits = model.Limits(
        model.in_packs(terms.limits.micros_min, terms.pack, up=True), terms.limits.lines_max
    )
    lines, rest = _split(reach, asked, limits, terms.pack)
    if (bucket := model.earliest(reach.atp, asked)) is not None:
        reason = _reason(question, reach, asked, bucket)
        return _Promise(asked, ahead.days[bucket], Basis.SUPPLY, reason, lines, rest)
    if lines and not rest and reach.mode is not AtpMode.DISCRETE:
        last = reach.found.ahead.days[lines[-1].bucket]
        reason = "no day has all of it, so it leaves in parts"
        return _Promise(asked, last, Basis.SUPPLY, reason, lines)
    on, reason = _anew(question, terms, ahead)
    basis = Basis.NONE if on is None else Basis.LEAD_TIME
    return _Promise(asked, on, basis, f"{_most(question, reach)}{reason}", lines, rest)


def _undated(question: Question, reach: _Reach, asked: int) -> _Promise:
    """Say why there can be no date: it is no pack, or not answered in the mode asked for."""
    if not asked:
        return _Promise(0, None, Basis.NONE, "it is less than one pack")
    of = "a kit of kits, and a kit or group of goods in lots, are not promised"
    reason = f"{of} {question.mode}: leave out the mode, and it is {reach.mode}"
    return _Promise(asked, None, Basis.NONE, reason, (), asked)


def _is_refused(question: Question, reach: _Reach) -> bool:
    """Say whether it was asked in a mode that it is not answered in."""
    return question.mode not in {None, reach.mode}


def _reason(question: Question, reach: _Reach, asked: int, bucket: int) -> str:
    """Say why it is that bucket and none before."""
    if not bucket:
        is_there = asked <= _is_in(reach)
        return "it is there" if is_there else "supply is due by then, and not in yet"
    if bucket == reach.within.start:
        return f"it may not leave before {question.not_before}"
    if reach.closed and not _has_come(reach, bucket):
        return "it is there, and whoever has it ships on no day before"
    return "supply has come by then"


def _has_come(reach: _Reach, bucket: int) -> bool:
    """Say whether anything comes by a bucket, to whatever the answer is put together from."""
    ahead, own = reach.found.ahead, reach.found.own
    here = any(ahead.over(own.supply)[: bucket + 1])
    parts = (one for part in reach.found.parts for one in part.buckets)
    return here or any(one.supply and one.day <= ahead.ends[bucket] for one in parts)


def _closed(kin: Kin, day: date) -> frozenset[str]:
    """Name the members of a group that ship on no day so early, by their own calendars."""
    return frozenset(
        node.location
        for node in kin.members
        if node.opens is not None and node.terms.calendar.last_working_day(day) < node.opens
    )


def _most(question: Question, reach: _Reach) -> str:
    """Say why there is no more of it."""
    if question.before is not None:
        return f"too little can leave before {question.before}"
    if reach.mode is AtpMode.DISCRETE:
        return "no supply has so much"
    return "stock and supply end"


def _anew(question: Question, terms: AtpTerms, ahead: Horizon) -> tuple[date | None, str]:
    """Give the day by which it can be had anew, and why, or why not."""
    if not terms.is_replenishable:
        return None, ", and it is not replenished"
    if not terms.lead_time_days:
        return None, ", and it has no lead time"
    had = ahead.today + timedelta(days=terms.lead_time_days)
    on = terms.calendar.next_working_day(max(had, question.not_before or had))
    if question.before is not None and on >= question.before:
        return None, ", and it cannot be had anew before"
    return on, f"; it can be had anew in {terms.lead_time_days} days"


def _draws(question: Question, found: Reached, lines: Sequence[ScheduleLine]) -> tuple[Draw, ...]:
    """Say what of which item goes out for a promise of a kit, and by when; () where none can."""
    if not found.stages or not lines:
        return ()
    tree = found.tree or explosion.tree(question.item, found.own.pab, found.stages)
    drawn, days = explosion.drawn(tree, lines), found.ahead.days
    return tuple(Draw(item, days[bucket], micros) for item, bucket, micros in drawn)


def _planned(found: Reached, lines: Sequence[ScheduleLine]) -> tuple[Part, ...]:
    """Say of each part of a kit of kits how much a promise takes of it, level by level."""
    if found.tree is None or not lines:
        return found.parts
    plan = explosion.plan(found.tree, lines)
    return tuple(
        part._replace(needed=plan[part.item][0], made=plan[part.item][1]) for part in found.parts
    )


def _split(reach: _Reach, asked: int, limits: Limits, pack: int) -> tuple[list[ScheduleLine], int]:
    """Promise in parts, each in a bucket of the horizon that was looked at."""
    shown = reach.found.ahead.shown
    if reach.found.tree is not None:
        within = reach.within if shown is None else [shown[bucket] for bucket in reach.within]
        return explosion.split(reach.found.tree, asked, limits, pack, within)
    if reach.shelf is not None:
        return lot_modes.split(reach.mode, reach.shelf, asked, limits, pack, within=reach.within)
    lines, rest = model.split(reach.mode, reach.atp, asked, limits)
    if shown is not None:
        lines = [line._replace(bucket=shown[line.bucket]) for line in lines]
    return lines, rest


def _is_in(reach: _Reach) -> int:
    """Say what could leave at once if nothing else came."""
    atp, parts = reach.atp, reach.found.parts
    if any(part.buckets[0].supply for part in parts if part.per):
        return 0  # what a kit would be without it is not counted
    open_now = (part for part in parts if not part.per and part.location not in reach.closed)
    not_in = sum(part.buckets[0].supply for part in open_now)
    return atp[0] - not_in - reach.found.own.supply[0]


def _by_then(
    question: Question,
    promise: _Promise,
    terms: AtpTerms,
    reach: _Reach,
    days: Sequence[date],
) -> int | None:
    """Say how much of what is asked, or of all, can leave on or before the day asked for."""
    if question.by is None or _is_refused(question, reach):
        return None
    last = min(bisect_right(days, question.by), reach.within.stop) - 1
    if last < reach.within.start:
        return 0
    wanted = sum(reach.atp) if promise.quantity is None else promise.quantity
    if reach.shelf is not None:
        buckets = range(reach.within.start, last + 1)
        has = lot_modes.until(reach.mode, reach.shelf, buckets, terms.pack)
        return has if promise.quantity is None else min(has, wanted)
    return model.granted(reach.atp[: last + 1], wanted)


def _sources(kin: Kin) -> tuple[Heard, ...]:
    """Name who told of the stock that an answer is made from, the components' among it."""
    if not kin.components and not kin.is_group:
        return tuple(kin.own.sources)
    kins = [kin, *(one.kin for one in kin.components)]
    nodes = [each for one in kins for each in (one.own, *(one.members if one.is_group else ()))]
    return tuple(sorted({heard for node in nodes for heard in node.sources}))


def nodes_of(location: str, groups: Mapping[str, str]) -> tuple[str | None, list[str]]:
    """Name the group that a location is or belongs to, and its members; none is None."""
    group = groups.get(location, location)
    members = sorted(member for member, of in groups.items() if of == group)
    return (group, members) if members else (None, [])
