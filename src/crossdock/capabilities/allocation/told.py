"""What the log is told of rules that are changed and of runs that are proposed and decided on."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from crossdock.canonical.allocation import (
    AllocationRuleChanged,
    AllocationRunChanged,
    Every,
    OfferedAlternative,
    Strategy,
)
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.allocation.alternatives import Alternative
from crossdock.capabilities.allocation.shapes import Run, RunState, Word
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry

HUB = "crossdock"
"""Who made and decided what no person did."""


class _Said(msgspec.Struct):
    """As much as any kind of rule says; what a kind says nothing of is null."""

    strategy: Strategy | None = None
    priority: int | None = None
    tells_shortage: bool | None = None
    maximum: int | None = None
    minimum: int | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    every: Every | None = None
    timezone: str = ""
    applies: str = ""
    four_eyes: bool | None = None
    is_of_group: bool = False
    channels: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()


async def rule(tx: Transaction, row: Any) -> None:
    """Tell of the version of a rule that was put just now, as its row holds it."""
    content = row["content"]
    said = _Said() if content is None else msgspec.json.decode(content, type=_Said)
    payload = AllocationRuleChanged(
        kind=row["kind"],
        version=row["version"],
        changed_by=row["set_by"],
        subject=row["subject"],
        item=row["item"],
        location=row["location"],
        is_cleared=content is None,
        strategy=said.strategy,
        priority=said.priority,
        tells_shortage=said.tells_shortage,
        maximum=_units(said.maximum),
        minimum=_units(said.minimum),
        starts_at=said.starts_at,
        ends_at=said.ends_at,
        every=said.every,
        timezone=said.timezone,
        applies=said.applies,
        four_eyes=said.four_eyes,
        is_of_group=said.is_of_group,
        channels=said.channels,
        customers=said.customers,
    )
    named = f"allocation_rule:{row['version']}"
    await event_log.append(tx, [_entry(tx, named, payload, row["set_at"])])


async def runs(tx: Transaction, changed: Sequence[Run], state: RunState, word: Word) -> None:
    """Tell of runs that are in this state from now on, each once."""
    entries = [
        _entry(tx, f"allocation_run:{run.run_id}:{state}", _run(run, state, word), word.at)
        for run in changed
    ]
    await event_log.append(tx, entries)


def _run(run: Run, state: RunState, word: Word) -> AllocationRunChanged:
    def amount(micros: int) -> Quantity:
        return Quantity.from_micros(micros, run.unit)

    return AllocationRunChanged(
        run_id=run.run_id,
        item=run.item,
        location=run.location,
        state=state,
        reason=run.reason,
        supply=amount(run.supply),
        owed=amount(run.owed),
        gained=amount(run.gained),
        lost=amount(run.lost),
        rules_version=run.rules_version,
        changed_by=word.by,
        remark=word.remark,
        alternatives=tuple(_alternative(run, one) for one in run.alternatives),
    )


def _alternative(run: Run, one: Alternative) -> OfferedAlternative:
    offer, orders = one.offer, {line.demand_ref: line.order_id for line in run.lines}
    return OfferedAlternative(
        demand_ref=one.demand_ref,
        order_id=orders[one.demand_ref],
        item=offer.item,
        location=offer.location,
        quantity=Quantity.from_micros(offer.micros, offer.unit),
        covers=Quantity.from_micros(offer.covers, run.unit),
        decision_id=offer.decision_id,
        why=offer.why,
        ships_on=_day(offer.ships_on),
        arrives_on=_day(offer.arrives_on),
    )


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def _entry(tx: Transaction, identity: str, payload: Payload, at: datetime) -> Entry:
    fact = Fact(identity=identity, payload=payload, occurred_at=at, recorded_at=at)
    return Entry(tenant=tx.tenant, source=HUB, received_at=at, fact=fact)


def _units(micros: int | None) -> Decimal | None:
    return None if micros is None else Decimal(micros) / MICROS
