"""What the log is told when a rule of supply changes, and of promises by date."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.identifiers import joined
from crossdock.canonical.quantities import Quantity, plain
from crossdock.canonical.supply import (
    AtpRuleChanged,
    PromiseByDateChanged,
    PromisedPart,
    PromiseState,
    ShortPart,
    SubstitutionChanged,
)
from crossdock.capabilities.supply.kept import AtRisk, KeptPromise
from crossdock.capabilities.supply.rule_store import Word
from crossdock.capabilities.supply.rules import AtpRule, PlacedRule
from crossdock.capabilities.supply.substitution import SubstitutionVersion
from crossdock.foundation.event_log import Entry

HUB = "crossdock"
"""The source name of the hub's own facts, and who does what nobody asked for."""


class Turn(NamedTuple):
    """What a promise has come to: told as its `version`, by whoever did it."""

    state: PromiseState
    version: int
    word: Word


def substitution(tenant: str, made: SubstitutionVersion) -> Entry:
    rule = made.rule
    payload = SubstitutionChanged(
        item=rule.item,
        version=made.version,
        changed_by=made.put_by,
        alternatives=tuple(
            one.item for one in sorted(rule.alternatives, key=lambda one: one.rank)
        ),
        chooses=rule.chooses,
        keeps_rest=rule.keeps_rest,
    )
    return _entry(tenant, f"substitution:{rule.item}:{made.version}", payload, made.put_at)


def rule(
    tenant: str, placed: PlacedRule, version: int, word: Word, *, is_cleared: bool = False
) -> Entry:
    """Tell of the version of a rule that was put, or taken back, just now."""
    said, nothing = placed.rule, AtpRule()
    payload = AtpRuleChanged(
        item=placed.item,
        location=placed.location,
        item_class=placed.item_class,
        version=version,
        changed_by=word.by,
        is_cleared=is_cleared,
        says=tuple(
            one.name
            for one in fields(said)
            if getattr(said, one.name) != getattr(nothing, one.name)
        ),
        mode=said.mode,
        fence_days=said.fence_days,
        is_replenishable=said.is_replenishable,
        lead_time_days=said.lead_time_days,
        weekdays=said.weekdays,
        cutoff=said.cutoff,
        hours=said.hours,
        pack=None if said.pack is None else Decimal(plain(said.pack)),
    )
    of_class = [placed.item_class] if placed.item_class else []
    named = joined("atp_rule", placed.item, placed.location, *of_class, str(version))
    return _entry(tenant, named, payload, word.at)


def promise(tenant: str, kept: KeptPromise, turn: Turn, short: Sequence[AtRisk] = ()) -> Entry:
    """Tell what a promise by date has come to; `short` is what is not covered of it."""
    units = {answer.item: answer.unit for answer in kept.proof.answers}
    units |= {part.item: part.unit for answer in kept.proof.answers for part in answer.parts}
    payload = PromiseByDateChanged(
        promise_id=kept.promise_id,
        state=turn.state,
        version=turn.version,
        changed_by=turn.word.by,
        client=kept.client,
        request_id=kept.request_id,
        lines=tuple(
            PromisedPart(
                line_no=line.line_no,
                item=line.item,
                location=line.location,
                demand_ref=line.demand_ref,
                ship_date=line.ship_date,
                quantity=Quantity.from_micros(line.claimed, units[line.item]),
                held=Quantity.from_micros(line.held, units[line.item]),
                made=Quantity.from_micros(line.to_make, units[line.item]) if line.made else None,
            )
            for line in kept.lines
        ),
        short=tuple(
            ShortPart(
                line_no=one.line.line_no,
                item=one.line.item,
                location=one.line.location,
                day=one.day,
                quantity=Quantity.from_micros(one.micros, units[one.line.item]),
            )
            for one in short
        ),
        replaced_by=kept.replaced_by,
        expires_at=kept.expires_at,
    )
    named = f"promise_by_date:{kept.promise_id}:{turn.version}"
    return _entry(tenant, named, payload, turn.word.at)


def _entry(tenant: str, identity: str, payload: Payload, at: datetime) -> Entry:
    fact = Fact(identity=identity, payload=payload, occurred_at=at, recorded_at=at)
    return Entry(tenant=tenant, source=HUB, received_at=at, fact=fact)
