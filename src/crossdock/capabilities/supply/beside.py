"""Items that no stock limits: made or done on the spot, or promised by a lead time alone. Pure.

Their rules say so (§3.3, modes per item class). What lies there, what comes and what is claimed
is not counted for them; all else is: the calendar, the pack, the days asked for.
"""

from bisect import bisect_left
from datetime import date, datetime, timedelta
from typing import NamedTuple

from crossdock.capabilities.supply import model
from crossdock.capabilities.supply.answer import Atp, Basis, Bucket, Dated, Node, Question
from crossdock.capabilities.supply.horizon import Horizon
from crossdock.capabilities.supply.model import UNLIMITED, AtpMode
from crossdock.capabilities.supply.rules import AtpTerms


def balances(terms: AtpTerms, ahead: Horizon) -> list[int]:
    """Give what there is in each bucket: no end of it, at once or from the lead time on."""
    first = _first_day(terms, ahead)
    begins = len(ahead.days) if first is None else bisect_left(ahead.days, first)
    return [0] * begins + [UNLIMITED] * (len(ahead.days) - begins)


def answered(question: Question, node: Node, ahead: Horizon, now: datetime) -> Atp:
    """Answer for an item that no stock limits."""
    terms = node.terms
    promise = _promise(question, terms, ahead)
    return Atp(
        item=question.item,
        location=question.location,
        unit=question.unit,
        mode=terms.mode,
        as_of=now,
        today=ahead.today,
        is_known=True,
        version=node.standing.version,
        standing=node.standing,
        quantity=promise.quantity,
        promised_on=promise.on,
        basis=promise.basis,
        reason=promise.reason,
        by=question.by,
        by_then=_by_then(question, promise, _earliest(question, terms, ahead)),
        schedule=(Dated(promise.on, promise.quantity or 0),) if promise.on else (),
        left_over=0 if promise.on else promise.quantity or 0,
        shortage=0,
        buckets=_buckets(terms, ahead),
        evaluated=len(ahead.days),
        inbound=(),
        parts=(),
        pack=terms.pack,
        pack_up=terms.pack_up,
        remainder=max(0, (question.micros or 0) - (promise.quantity or 0)),
    )


class _Promise(NamedTuple):
    quantity: int | None
    on: date | None
    basis: Basis
    reason: str


def _promise(question: Question, terms: AtpTerms, ahead: Horizon) -> _Promise:
    if question.micros is None:
        return _Promise(None, None, Basis.NONE, "no quantity was asked for")
    asked = model.in_packs(question.micros, terms.pack, up=terms.pack_up)
    if not asked:
        return _Promise(0, None, Basis.NONE, "it is less than one pack")
    on = _earliest(question, terms, ahead)
    if on is None:
        return _Promise(asked, None, Basis.NONE, _why_not(question, terms))
    if terms.mode is AtpMode.LEAD_TIME:
        reason = f"it is had in {terms.lead_time_days} days, whatever lies there"
        return _Promise(asked, on, Basis.LEAD_TIME, reason)
    return _Promise(asked, on, Basis.UNLIMITED, "a rule says that no stock limits it")


def _why_not(question: Question, terms: AtpTerms) -> str:
    if terms.mode is AtpMode.LEAD_TIME and not terms.lead_time_days:
        return "it is promised by its lead time alone, and no rule says one"
    return f"it cannot leave before {question.before}"


def _first_day(terms: AtpTerms, ahead: Horizon) -> date | None:
    """Give the first day from which there is no end of it; None is never."""
    if terms.mode is AtpMode.INFINITE:
        return ahead.days[0]
    if not terms.lead_time_days:
        return None
    had = ahead.today + timedelta(days=terms.lead_time_days)
    return max(ahead.days[0], terms.calendar.next_working_day(had))


def _earliest(question: Question, terms: AtpTerms, ahead: Horizon) -> date | None:
    """Give the first day on which it may leave by what is asked."""
    first = _first_day(terms, ahead)
    if first is None:
        return None
    on = terms.calendar.next_working_day(max(first, question.not_before or first))
    return None if question.before is not None and on >= question.before else on


def _by_then(question: Question, promise: _Promise, first: date | None) -> int | None:
    if question.by is None:
        return None
    if first is None or question.by < first:
        return 0
    return UNLIMITED if promise.quantity is None else promise.quantity


def _buckets(terms: AtpTerms, ahead: Horizon) -> tuple[Bucket, ...]:
    """Tell the first bucket, and from which on there is no end of it."""
    begin, first = ahead.grid.ends[0], _first_day(terms, ahead)
    if first is None:
        return (Bucket(begin, 0, 0, 0, 0),)
    if first <= ahead.days[0]:
        return (Bucket(begin, 0, 0, UNLIMITED, UNLIMITED),)
    return (Bucket(begin, 0, 0, 0, 0), Bucket(first, 0, 0, UNLIMITED, UNLIMITED))
