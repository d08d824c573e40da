"""What a supplier could send to a customer himself: advice, and nothing that is promised. Pure.

A drop-shipped line claims nothing of ours, and nothing of a supplier's own stock is ever supply of
ours (class V, §3.3, §3.5). An inventory advice does not oblige him to keep it, so part of it is
left out, the more the older the word is, and what he has not is his lead time.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from crossdock.canonical.supply import ConfidenceClass, SupplyKind
from crossdock.capabilities.supply import model
from crossdock.capabilities.supply.answer import (
    Atp,
    Basis,
    Bucket,
    Dated,
    Node,
    Question,
    Standing,
)
from crossdock.capabilities.supply.horizon import Horizon
from crossdock.capabilities.supply.inbound import Inbound, Supply

PERCENT_BY_AGE = ((timedelta(days=1), 90), (timedelta(days=3), 80), (timedelta(days=7), 70))
"""How much of a supplier's stock counts while what he said is no older; later none does."""


def advised(question: Question, node: Node, ahead: Horizon, now: datetime, step: int) -> Atp:
    """Say what a supplier could send of an item by when, as far as he let us know."""
    inbound = tuple(
        _advice(one, ahead, now, step)
        for one in sorted(node.supplies, key=lambda one: one.supply_id)
        if one.kind is SupplyKind.VENDOR_STOCK
    )
    first = ahead.days[0]
    days = sorted({first, *(one.on for one in inbound if one.on)})
    buckets = tuple(_buckets(days, inbound, node.terms.pack))
    asked = None
    if question.micros is not None:
        asked = model.in_packs(question.micros, node.terms.pack, up=node.terms.pack_up)
    on, basis, reason = _dated(node, ahead, buckets, asked)
    schedule = tuple(_schedule(buckets, asked or 0))
    return Atp(
        item=question.item,
        location=question.location,
        unit=question.unit,
        mode=node.terms.mode,
        as_of=now,
        today=ahead.today,
        is_known=bool(inbound),
        version=node.standing.version,
        standing=Standing(),
        quantity=asked,
        promised_on=on,
        basis=basis,
        reason=reason,
        by=question.by,
        by_then=None if question.by is None else _by_then(buckets, question.by, asked),
        schedule=schedule,
        left_over=max(0, (asked or 0) - sum(part.micros for part in schedule)),
        shortage=0,
        buckets=buckets,
        evaluated=len(buckets),
        inbound=inbound,
        parts=(),
        pack=node.terms.pack,
        pack_up=node.terms.pack_up,
        remainder=max(0, (question.micros or 0) - (asked or 0)),
        is_advice=True,
    )


def _advice(supply: Supply, ahead: Horizon, now: datetime, step: int) -> Inbound:
    """Give how much of a supplier's stock counts, from which day on, and why."""
    age = None if supply.told_at is None else max(timedelta(0), now - supply.told_at)
    fresh = (percent for most, percent in PERCENT_BY_AGE if age is not None and age <= most)
    percent = next(fresh, 0)
    if not percent:
        old = "nobody knows how old this word is" if age is None else f"it is {age.days} days old"
        return Inbound(supply, ConfidenceClass.V, 0, None, f"{old}, which is too old to go by")
    whole = supply.micros * percent // 100 // step * step
    on = max(ahead.days[0], ahead.leaves(supply.eta or ahead.today))
    if on > ahead.days[-1]:
        return Inbound(supply, ConfidenceClass.V, 0, None, "it comes after the horizon")
    reason = f"a supplier's own stock, {percent} % of it; he does not keep it for us"
    return Inbound(supply, ConfidenceClass.V, whole, on, reason)


def _buckets(days: Sequence[date], inbound: Sequence[Inbound], pack: int) -> Iterator[Bucket]:
    total = 0
    for day in days:
        comes = sum(one.micros for one in inbound if one.on == day)
        total += comes
        yield Bucket(day, comes, 0, total, model.in_packs(total, pack, up=False))


def _dated(
    node: Node, ahead: Horizon, buckets: Sequence[Bucket], asked: int | None
) -> tuple[date | None, Basis, str]:
    """Say when all that is asked could leave: of his stock, or once he has it anew."""
    if asked is None:
        return None, Basis.NONE, "no quantity was asked for"
    if not asked:
        return None, Basis.NONE, "it is less than one pack"
    for bucket in buckets:
        if bucket.atp >= asked:
            return bucket.day, Basis.VENDOR_STOCK, "its supplier says that he has it"
    terms = node.terms
    if not (terms.is_replenishable and terms.lead_time_days):
        return None, Basis.NONE, "its supplier has less, and no lead time is known"
    on = terms.calendar.next_working_day(ahead.today + timedelta(days=terms.lead_time_days))
    reason = f"its supplier has less; he delivers in {terms.lead_time_days} days"
    return on, Basis.LEAD_TIME, reason


def _schedule(buckets: Sequence[Bucket], asked: int) -> Iterator[Dated]:
    left = 0
    for bucket in buckets:
        more = min(bucket.atp, asked) - left
        if more > 0:
            yield Dated(bucket.day, more)
            left += more


def _by_then(buckets: Sequence[Bucket], by: date, asked: int | None) -> int:
    has = max((bucket.atp for bucket in buckets if bucket.day <= by), default=0)
    return has if asked is None else min(has, asked)
