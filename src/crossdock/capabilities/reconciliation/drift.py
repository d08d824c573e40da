"""What a reading of a channel comes to: its findings, its run, what is tried again. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.quantities import plain
from crossdock.capabilities.reconciliation import findings, guards, model, planning, store
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.model import Before, State
from crossdock.capabilities.reconciliation.money import at_risk, is_weighed
from crossdock.capabilities.reconciliation.planning import APART, ATTEMPTS_MAX, Plan
from crossdock.capabilities.reconciliation.ports import Told
from crossdock.capabilities.reconciliation.ranking import Remedy
from crossdock.capabilities.reconciliation.store import FindingRow, RunRow
from crossdock.foundation.ids import derived_uuid, prefixed

PUBLISHED = "published"
"""The first side: what the hub has published."""
LEVEL = "CHANNEL"
FLAPS_MAX = 3
"""What drifted so often within `flaps_within`, and was mended in between, is for a person."""
FLAPS_DAYS_MIN = 30
NOT_LISTED = "not_listed_at"
LISTINGS_MIN = 50
"""A channel of fewer listings counts as one of so many: one number is no runaway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of a channel: when it began, and for whom."""

    tenant: str
    run_id: str
    plan: Plan
    by: str
    at: datetime


def stopped_of(
    plan: Plan,
    befores: Mapping[str, FindingRow],
    rows: Sequence[FindingRow],
    gone: Sequence[FindingRow],
    brake: Brake,
) -> str:
    """Judge all of the channel that is known to have drifted, not what one call happens to see.

    What is worth money in another currency than the cap's is not written, and stops nothing. A
    channel that is paused or does not answer was not read, so this one is in no incident.
    """
    ended = {row.item for row in gone}
    now = {**befores} | {row.item: row for row in rows}
    drifted = [
        row
        for item, row in now.items()
        if row.state == State.CONFIRMED and item not in ended and is_weighed(row, brake.currency)
    ]
    listings = max(plan.listings, LISTINGS_MIN)
    worth = at_risk(drifted, brake.currency)
    return guards.stopped(len(drifted), listings, worth, brake, is_in_incident=False)


Cost = tuple[int, str]
"""What a base unit costs, in micros, and in which currency."""


class Price(NamedTuple):
    """What a drift is worth, in micros, and by what: unit_cost, unit_margin, or "" by nothing."""

    value: int | None
    currency: str
    by: str


def price_of(one: Told, cost: Cost | None) -> Price:
    """Say what a drift is worth: by what a base unit costs, or else by what one sold earns.

    If neither is known nobody knows it.
    """
    amount = abs((one.held or 0) - (one.told or 0))
    if cost is not None:
        base = -(-amount * one.numerator // one.denominator)
        value = model.value_at_risk(base, cost[0])
        return Price(value, cost[1], "unit_cost")
    if one.unit_margin is not None:
        value = model.value_at_risk(amount, one.unit_margin)
        return Price(value, one.currency, "unit_margin")
    return Price(None, "", "")


def flaps_within(plan: Plan) -> timedelta:
    """Say how long back drifts count: what was mended is read again a round later."""
    return timedelta(days=max(FLAPS_DAYS_MIN, (FLAPS_MAX + 1) * plan.days_a_round))


def is_fresh(row: FindingRow, before: FindingRow | None) -> bool:
    """Say whether a drift is proven just now: a suspicion that passes is nobody's writing."""
    was_confirmed = before is not None and before.state == State.CONFIRMED
    return row.state == State.CONFIRMED and not was_confirmed


def may_try(row: FindingRow, house: str) -> bool:
    """Say whether a drift may be written again; `house` names the functional currency."""
    is_left = row.attempts >= ATTEMPTS_MAX or not is_weighed(row, house)
    return row.state == State.CONFIRMED and not is_left and has_settled(row)


def has_settled(row: FindingRow) -> bool:
    """Say whether the last write, if any, has had its effect when this was read."""
    tried = None if row.tried_at is None else findings.microseconds(row.tried_at)
    read = findings.microseconds(row.last_cut)
    return planning.has_settled(tried, read, is_in_flight=row.is_in_flight)


def removed_since(row: FindingRow) -> datetime | None:
    """Tell when the channel first said that it does not list the item, if it did by now."""
    said: str = msgspec.json.decode(row.evidence).get(NOT_LISTED, "")
    return datetime.fromisoformat(said) if said else None


def row_of(reading: Reading, one: Told, before: FindingRow | None, price: Price) -> FindingRow:
    plan, at, run_id = reading.plan, reading.at, reading.run_id
    ours, theirs = one.told or 0, one.held or 0
    cut = findings.microseconds(at)
    earlier = _before(before) if before else None
    state = model.next_state(
        earlier, cut, theirs - ours, is_in_flight=one.is_in_flight, apart=APART
    )
    name = prefixed(
        "fnd", derived_uuid("finding", reading.tenant, run_id, plan.location, one.item)
    )
    return FindingRow(
        finding_id=before.finding_id if before else name,
        system=PUBLISHED,
        against=plan.connection,
        location=plan.location,
        item=one.item,
        state=state,
        level=LEVEL,
        cause=Cause.UNKNOWN,
        because="the channel holds another number than it confirmed",
        remedy=Remedy.REPUBLISH if state is State.CONFIRMED else Remedy.WAIT,
        unit="EA",
        ours=ours,
        theirs=theirs,
        explained=0,
        unexplained=theirs - ours,
        at_stake=theirs - ours,
        absolute=abs(theirs - ours),
        withheld=0,
        value_at_risk=price.value,
        currency=price.currency,
        class_=before.class_ if before else "A",
        is_in_flight=one.is_in_flight,
        is_gone=False,
        times=1,
        attempts=before.attempts if before else 0,
        run_id=run_id,
        evidence=msgspec.json.encode({"is_sellable": True, "priced_by": price.by}).decode(),
        first_cut=at,
        last_cut=at,
        found_at=at,
        confirmed_at=None,
        closed_at=None,
        closed_by="",
        root_cause="",
        note="",
        tried_at=before.tried_at if before else None,
    )


def flapping_case(row: FindingRow, times: int, within: timedelta) -> OpenCase:
    """Word a listing that is mended again and again: somebody else writes it too."""
    return OpenCase(
        code="PUB-STALE",
        fingerprint=f"{findings.fingerprint(row)}/flapping",
        severity="S3",
        owner_role="eCommerce",
        within=timedelta(days=1),
        entity=f"{row.item} in {row.against}/{row.location}",
        title=f"{row.against} drifts again and again: {times} times in {within.days} days",
        evidence={"finding": row.finding_id, "times": times},
    )


def case_of(row: FindingRow) -> OpenCase:
    return _unmended(row, f"{row.against} does not hold what it is told, {ATTEMPTS_MAX} times")


def unwritten_case(row: FindingRow) -> OpenCase:
    """Word a drift that the rules leave to a person."""
    return _unmended(
        row, f"{row.against} does not hold what it is told, and the rules write nothing again"
    )


def foreign_case(row: FindingRow) -> OpenCase:
    """Word a drift that no cap can be held against: a person writes it again."""
    return _unmended(
        row,
        f"{row.against} does not hold what it is told, and it is worth money in {row.currency},"
        " against which the cap cannot be held: see `crossdock channel publish`",
    )


def _unmended(row: FindingRow, title: str) -> OpenCase:
    return OpenCase(
        code="PUB-STALE",
        fingerprint=findings.fingerprint(row),
        severity="S2",
        owner_role="eCommerce",
        within=timedelta(minutes=15),
        entity=f"{row.item} in {row.against}/{row.location}",
        title=title,
        evidence={
            "finding": row.finding_id,
            "value_at_risk": None
            if row.value_at_risk is None
            else plain(findings.decimal_of(row.value_at_risk)),
            "currency": row.currency,
        },
    )


def stopped_case(plan: Plan, stopped: str) -> OpenCase:
    channel = f"{plan.connection}/{plan.location}"
    return OpenCase(
        code="PUB-STALE",
        fingerprint=f"reconciliation/{PUBLISHED}/{channel}/stopped",
        severity="S2",
        owner_role="eCommerce",
        within=timedelta(minutes=15),
        entity=channel,
        title=f"{channel} drifted so far that nothing is written again by itself: {stopped}",
        evidence={"listings": plan.listings},
    )


def _before(row: FindingRow) -> Before:
    return Before(State(row.state), findings.microseconds(row.first_cut), row.at_stake)


def run_of(
    reading: Reading, compared: int, rows: Sequence[FindingRow], gone: int, house: str
) -> RunRow:
    """Make the run of a reading; `house` names the functional currency."""
    worth = at_risk(rows, house)
    states = [row.state for row in rows]
    return RunRow(
        run_id=reading.run_id,
        system=PUBLISHED,
        against=reading.plan.connection,
        verdict="DONE",
        reason="",
        asked_by=reading.by,
        began_at=reading.at,
        ended_at=reading.at,
        earliest_cut=reading.at,
        latest_cut=reading.at,
        row_count=compared,
        zero_count=0,
        is_full=False,
        compared=compared,
        alike=compared - len(rows),
        explained=0,
        tolerated=0,
        suspected=states.count(State.SUSPECTED),
        confirmed=states.count(State.CONFIRMED),
        gone=gone,
        value_at_risk=worth.known,
        unknown_names=(),
        is_sample=True,
        other_values=store.money_text(worth.others),
        unpriced=worth.unpriced,
    )
