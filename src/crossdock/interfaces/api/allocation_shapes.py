"""How allocation is written in JSON: amounts as decimal strings in the item's base unit."""

from dataclasses import dataclass
from datetime import date, datetime

from crossdock.canonical.allocation import Every, Strategy
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.allocation import (
    AllocatedLine,
    AllocationProtection,
    Alternative,
    AlternativeState,
    Protection,
    Run,
    RunException,
    RunLine,
    RunState,
    Why,
    is_run_reproduced,
)
from crossdock.interfaces.api.stock_shapes import AmountShown, amount


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocatedLineShown:
    """An open order line: of what is `requested` (open, unpicked), so much is `confirmed`.

    `released` of that is with the warehouse: no run takes it. `ships_on` null is at once.
    `elsewhere` is held for it at other places, or of another item; the rest is `backordered`. Its
    maximum and minimum are those of the allocation group or channel that it `counts_for`.
    """

    demand_ref: str
    order_id: str
    channel: str
    customer: str
    counts_for: str
    requested: AmountShown
    confirmed: AmountShown
    elsewhere: AmountShown
    backordered: AmountShown
    picked: AmountShown
    released: AmountShown
    ships_on: date | None
    strategy: Strategy
    priority: int
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLineShown:
    """What an order line had before, and has after the run; `exception` is what it was owed.

    `released` is with the warehouse, part of both. `coming` is what supply still to come covers of
    the rest by `ships_on`, the day it is to leave on: of WIN lines. `elsewhere` was held for the
    line at other places by then, beside what is `requested` here. It counted for the maximum and
    minimum of the allocation group or channel `counts_for`.
    """

    demand_ref: str
    order_id: str
    channel: str
    customer: str
    counts_for: str
    requested: AmountShown
    elsewhere: AmountShown
    picked: AmountShown
    released: AmountShown
    before: AmountShown
    after: AmountShown
    change: AmountShown
    coming: AmountShown
    ships_on: date | None
    strategy: Strategy
    priority: int
    since: datetime
    why: Why
    exception: RunException


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProtectionShown:
    """A maximum and minimum in a run, of a channel or group, and what counted against them."""

    counts_for: str
    maximum: AmountShown | None
    minimum: AmountShown
    taken: AmountShown


@dataclass(frozen=True, slots=True, kw_only=True)
class ElsewhereShown:
    """What a run gives a line elsewhere: `quantity` of an item there, for `covers` of its own.

    `decision_id` is sourcing's, `why` its reason for this place. `reservation_id` is what holds
    it, once it is HELD; "" before.
    """

    demand_ref: str
    item: str
    location: str
    quantity: AmountShown
    covers: AmountShown
    ships_on: date | None
    arrives_on: date | None
    decision_id: str
    why: str
    state: AlternativeState
    reservation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStockShown:
    """The stock row that a run saw: what of it could be promised, and what claimed it."""

    nettable: AmountShown
    hard: AmountShown
    soft: AmountShown
    safety: AmountShown


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedShown:
    """What there would be on a day in all, with what lay there, if the lines took nothing."""

    day: date
    quantity: AmountShown


@dataclass(frozen=True, slots=True, kw_only=True)
class RunShown:
    """A back-order run; `rules_version` and `stock_version` say what it was decided on.

    `supply` is what there was for its `lines`, out of `stock`; they stand in the order in which
    they were served. `is_reproduced` says that the rules, run once more on what is kept of it,
    give every line the same; null where the lines are not shown.
    """

    run_id: str
    item: str
    location: str
    state: RunState
    reason: str
    supply: AmountShown
    owed: AmountShown
    gained: AmountShown
    lost: AmountShown
    stock: RunStockShown
    expected: list[ExpectedShown]
    stock_version: int
    rules_version: int
    protections: list[RunProtectionShown]
    made_by: str
    made_at: datetime
    decided_by: str
    decided_at: datetime | None
    remark: str
    lines: list[RunLineShown]
    alternatives: list[ElsewhereShown]
    is_reproduced: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectionShown:
    """A maximum and minimum of an item at a location, from one moment to another.

    They are of a `channel` or of an allocation `group`; the other is "".
    `every`: it begins anew each WEEK or MONTH between them, by the calendar of `timezone`.
    """

    item: str
    location: str
    channel: str
    group: str
    maximum: AmountShown | None
    minimum: AmountShown
    starts_at: datetime
    ends_at: datetime
    every: Every | None
    timezone: str
    version: int
    set_by: str
    set_at: datetime | None


def line_shown(line: AllocatedLine) -> AllocatedLineShown:
    return AllocatedLineShown(
        demand_ref=line.demand_ref,
        order_id=line.order_id,
        channel=line.channel,
        customer=line.customer,
        counts_for=line.counts_for,
        requested=amount(line.requested, line.unit),
        confirmed=amount(line.confirmed, line.unit),
        elsewhere=amount(line.elsewhere, line.unit),
        backordered=amount(line.requested - line.elsewhere - line.confirmed, line.unit),
        picked=amount(line.picked, line.unit),
        released=amount(line.released, line.unit),
        ships_on=line.ships_on,
        strategy=line.strategy,
        priority=line.priority,
        since=line.since,
    )


def run_shown(run: Run) -> RunShown:
    return RunShown(
        run_id=run.run_id,
        item=run.item,
        location=run.location,
        state=run.state,
        reason=run.reason,
        supply=amount(run.supply, run.unit),
        owed=amount(run.owed, run.unit),
        gained=amount(run.gained, run.unit),
        lost=amount(run.lost, run.unit),
        stock=RunStockShown(
            nettable=amount(run.figures.nettable, run.unit),
            hard=amount(run.figures.hard, run.unit),
            soft=amount(run.figures.soft, run.unit),
            safety=amount(run.figures.safety, run.unit),
        ),
        expected=[
            ExpectedShown(day=one.day, quantity=amount(one.micros, run.unit))
            for one in run.expected
        ],
        stock_version=run.stock_version,
        rules_version=run.rules_version,
        protections=[_in_run_shown(one, run.unit) for one in run.protections],
        made_by=run.made_by,
        made_at=run.made_at,
        decided_by=run.decided_by,
        decided_at=run.decided_at,
        remark=run.remark,
        lines=[_run_line_shown(line, run.unit) for line in run.lines],
        alternatives=[_alternative_shown(one, run.unit) for one in run.alternatives],
        is_reproduced=is_run_reproduced(run) if run.lines else None,
    )


def protection_shown(one: AllocationProtection, unit: str) -> ProtectionShown:
    return ProtectionShown(
        item=one.item,
        location=one.location,
        channel=one.channel,
        group=one.group,
        maximum=None if one.maximum is None else amount(one.maximum, unit),
        minimum=amount(one.minimum, unit),
        starts_at=one.starts_at,
        ends_at=one.ends_at,
        every=one.every,
        timezone=one.timezone,
        version=one.version,
        set_by=one.set_by,
        set_at=one.set_at,
    )


def written(shown: AmountShown) -> str:
    """Write an amount for people: `4 EA`."""
    return str(Quantity.of(shown.value, shown.unit))


def _run_line_shown(line: RunLine, unit: str) -> RunLineShown:
    return RunLineShown(
        demand_ref=line.demand_ref,
        order_id=line.order_id,
        channel=line.channel,
        customer=line.customer,
        counts_for=line.counts_for,
        requested=amount(line.requested, unit),
        elsewhere=amount(line.elsewhere, unit),
        picked=amount(line.picked, unit),
        released=amount(line.released, unit),
        before=amount(line.before, unit),
        after=amount(line.after, unit),
        change=amount(line.after - line.before, unit),
        coming=amount(line.coming, unit),
        ships_on=line.ships_on,
        strategy=line.strategy,
        priority=line.priority,
        since=line.since,
        why=line.why,
        exception=line.exception,
    )


def _alternative_shown(one: Alternative, unit: str) -> ElsewhereShown:
    offer = one.offer
    return ElsewhereShown(
        demand_ref=one.demand_ref,
        item=offer.item,
        location=offer.location,
        quantity=amount(offer.micros, offer.unit),
        covers=amount(offer.covers, unit),
        ships_on=offer.ships_on,
        arrives_on=offer.arrives_on,
        decision_id=offer.decision_id,
        why=offer.why,
        state=one.state,
        reservation_id=one.reservation_id,
    )


def _in_run_shown(one: Protection, unit: str) -> RunProtectionShown:
    return RunProtectionShown(
        counts_for=one.group,
        maximum=None if one.maximum is None else amount(one.maximum, unit),
        minimum=amount(one.minimum, unit),
        taken=amount(one.used, unit),
    )
