"""Runs and findings as stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from crossdock.capabilities.reconciliation import model
from crossdock.capabilities.reconciliation.rules import Rules
from crossdock.foundation.database import Transaction, WorkersSql

HUB = model.HUB


class Pair(NamedTuple):
    """Two systems that are compared: `system` says what is ours, `against` what is theirs."""

    system: str
    against: str


ADD_RUN = """
insert into reconciliation_run (tenant, run_id, system, against, verdict, reason, asked_by,
    began_at, ended_at, earliest_cut, latest_cut, row_count, zero_count, is_full, compared, alike,
    explained, tolerated, suspected, confirmed, gone, value_at_risk, unknown_names, is_sample,
    rules_version, other_values, unpriced)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
    $20, $21, $22, $23, $24, $25, $26::jsonb, $27)
"""
RUNS = """
select * from reconciliation_run
where tenant = $1 and ($2 = '' or $2 in (against, system, split_part(system, ':', 2)))
    and ($3 = '' or run_id = $3) and ($4 = '' or run_id < $4)
order by run_id desc limit $5
"""
# Of whole dumps: a sample says nothing of the keys that it did not ask for.
LAST_RUN = """
select * from reconciliation_run
where tenant = $1 and against = $2 and system = $3 and not is_sample
order by began_at desc, run_id desc limit 1
"""
OPEN_OF = """
select * from reconciliation_finding
where tenant = $1 and against = $2 and system = $3 and state <> 'CLOSED'
order by location, item
"""
# Comparisons of the same pair of systems keep what they found one after the other, and whoever
# closes a finding meanwhile waits.
IN_TURNS = """
select pg_advisory_xact_lock(
    hashtextextended('reconciliation ' || $1 || ' ' || $2 || ' ' || $3, 0))
"""
OPEN_NOW = OPEN_OF + " for update"
# A finding that is met again is the same one, and counts when the cut has moved on: the same dump
# read twice says nothing new. What is within tolerance counts by the day, a month at a time.
PUT = """
insert into reconciliation_finding as f (tenant, against, run_id, finding_id, location, item,
    state, level, cause, because, remedy, unit, ours, theirs, explained, unexplained, at_stake,
    absolute, value_at_risk, class, is_in_flight, evidence, first_cut, last_cut, found_at,
    confirmed_at, system, withheld, seen, document, line, currency)
select $1, $2, $3, s.finding_id, s.location, s.item, s.state, s.level, s.cause, s.because,
    s.remedy, s.unit, s.ours, s.theirs, s.explained, s.unexplained, s.at_stake, s.absolute,
    s.value_at_risk, s.class, s.is_in_flight, s.evidence, s.cut, s.cut, $4::timestamptz,
    case when s.state = 'CONFIRMED' then $4::timestamptz end, $25,
    case when $25 = 'crossdock' then s.withheld else 0 end, s.seen, s.document,
    s.line, s.currency
from unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
    $12::text[], $13::text[], $14::bigint[], $15::bigint[], $16::bigint[], $17::bigint[],
    $18::bigint[], $19::bigint[], $20::bigint[], $21::text[], $22::boolean[], $23::jsonb[],
    $24::timestamptz[], $26::bigint[], $27::bigint[], $28::text[], $29::text[], $30::text[])
    s(finding_id, location, item, state, level, cause, because, remedy, unit, ours, theirs,
    explained, unexplained, at_stake, absolute, value_at_risk, class, is_in_flight, evidence, cut,
    withheld, seen, document, line, currency)
on conflict (tenant, system, against, document, line,
    (case when document = '' then location else '' end),
    (case when document = '' then item else '' end)) where state <> 'CLOSED' do update set
    location = excluded.location, item = excluded.item,
    run_id = excluded.run_id, state = excluded.state, level = excluded.level,
    cause = excluded.cause, because = excluded.because, remedy = excluded.remedy,
    unit = excluded.unit, ours = excluded.ours, theirs = excluded.theirs,
    explained = excluded.explained, unexplained = excluded.unexplained,
    at_stake = excluded.at_stake, absolute = excluded.absolute, withheld = excluded.withheld,
    seen = excluded.seen,
    value_at_risk = excluded.value_at_risk, currency = excluded.currency, class = excluded.class,
    is_in_flight = excluded.is_in_flight, is_gone = false, evidence = excluded.evidence,
    last_cut = greatest(f.last_cut, excluded.last_cut),
    first_cut = case when f.is_gone or f.state = 'TOLERATED' and excluded.state <> 'TOLERATED'
        then excluded.first_cut else f.first_cut end,
    found_at = case when f.state = 'TOLERATED' and (excluded.state <> 'TOLERATED'
            or f.found_at < excluded.found_at - interval '30 days')
        then excluded.found_at else f.found_at end,
    times = case when f.state = 'TOLERATED' and (excluded.state <> 'TOLERATED'
            or f.found_at < excluded.found_at - interval '30 days') then 1
        when excluded.state = 'TOLERATED'
        then f.times + (excluded.last_cut::date > f.last_cut::date)::integer
        else f.times + (excluded.last_cut > f.last_cut)::integer end,
    confirmed_at = coalesce(f.confirmed_at, excluded.confirmed_at)
"""
CLOSE_GONE = """
update reconciliation_finding set state = 'CLOSED', root_cause = 'TIMING', closed_at = $3,
    closed_by = 'crossdock', note = 'the next comparison found no difference', is_gone = true
where tenant = $1 and finding_id = any($2) and state = 'SUSPECTED' and confirmed_at is null
"""
MARK_GONE = """
update reconciliation_finding set is_gone = true
where tenant = $1 and finding_id = any($2) and confirmed_at is not null
    and state in ('SUSPECTED', 'CONFIRMED')
"""
# A suspicion that nothing has looked at again proves nothing any more: it never was a difference,
# so it has no root cause, which only what is confirmed must have.
LAPSE = """
update reconciliation_finding set state = 'CLOSED', closed_at = $3, closed_by = 'crossdock',
    note = $4
where tenant = $1 and state = 'SUSPECTED' and confirmed_at is null and last_cut < $2
returning *
"""
WITH_SUSPICIONS = WorkersSql("""
select distinct tenant from reconciliation_finding
where state = 'SUSPECTED' and confirmed_at is null and last_cut < $1 order by tenant
""")
# What a document may mend without being asked, by tenant and system.
WITH_HEALABLE = WorkersSql("""
select distinct tenant, against, system from reconciliation_finding
where state = 'CONFIRMED' and system in ('crossdock', 'orders', 'purchases') and not is_gone
    and remedy in ('REDRIVE', 'REFETCH') order by tenant, against, system
""")

CLOSE = """
update reconciliation_finding set state = 'CLOSED', root_cause = $3, note = $4, closed_by = $5,
    closed_at = $6
where tenant = $1 and finding_id = $2 and state in ('SUSPECTED', 'CONFIRMED') returning *
"""
# What a document has proven and may be sent again, the most money first.
TO_HEAL = """
select * from reconciliation_finding
where tenant = $1 and against = $2 and system = $6 and state = 'CONFIRMED'
    and remedy in ('REDRIVE', 'REFETCH')
    and not is_gone and attempts < $3 and remedy = any($4)
    and (not $5 or tried_at is null or last_cut > tried_at)
order by value_at_risk is null, value_at_risk desc, found_at, finding_id
"""
# What another number mends, of what a comparison has seen of late.
TO_TAKE = """
select * from reconciliation_finding
where tenant = $1 and against = $2 and system = 'crossdock' and state = 'CONFIRMED'
    and not is_gone and not is_in_flight and remedy = any($3) and attempts < $4
    and last_cut >= $5
order by value_at_risk is null, value_at_risk desc, found_at, finding_id
"""
TRIED = """
update reconciliation_finding set attempts = attempts + 1, tried_at = $3
where tenant = $1 and finding_id = any($2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A comparison as stored; the counts are of keys (an item at a location).

    `value_at_risk` is in the functional currency, `other_values` in others, as JSON; of
    `unpriced` differences nobody knows it.
    `is_sample`: of single keys that were asked for; `rules_version` names the rules it used.
    """

    run_id: str
    system: str
    against: str
    verdict: str
    reason: str
    asked_by: str
    began_at: datetime
    ended_at: datetime
    earliest_cut: datetime | None
    latest_cut: datetime | None
    row_count: int
    zero_count: int
    is_full: bool
    compared: int
    alike: int
    explained: int
    tolerated: int
    suspected: int
    confirmed: int
    gone: int
    value_at_risk: int | None
    unknown_names: tuple[str, ...]
    is_sample: bool = False
    rules_version: int = 0
    other_values: str = "{}"
    unpriced: int = 0

    @property
    def is_rejected(self) -> bool:
        """Say whether what was compared was not believed (R7)."""
        return self.verdict == "REJECTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """A finding as stored; one of stock has no document."""

    finding_id: str
    system: str
    against: str
    location: str
    item: str
    state: str
    level: str
    cause: str
    because: str
    remedy: str
    unit: str
    ours: int
    theirs: int
    explained: int
    unexplained: int
    at_stake: int
    absolute: int
    withheld: int
    value_at_risk: int | None
    class_: str
    is_in_flight: bool
    is_gone: bool
    times: int
    attempts: int
    run_id: str
    evidence: str
    first_cut: datetime
    last_cut: datetime
    found_at: datetime
    confirmed_at: datetime | None
    closed_at: datetime | None
    closed_by: str
    root_cause: str
    note: str
    tried_at: datetime | None = None
    seen: int = 0
    document: str = ""
    line: str = ""
    escalated_at: datetime | None = None
    currency: str = ""


_RUN = tuple(each.name for each in fields(RunRow))
_FINDING = tuple(each.name for each in fields(FindingRow))


async def add_run(tx: Transaction, row: RunRow) -> None:
    values = [getattr(row, name) for name in _RUN if name != "run_id"]
    await tx.execute(ADD_RUN, tx.tenant, row.run_id, *values)


async def runs(
    tx: Transaction, *, against: str = "", run_id: str = "", after: str = "", limit: int = 100
) -> list[RunRow]:
    rows = await tx.fetch(RUNS, tx.tenant, against, run_id, after, limit)
    return [_run_of(row) for row in rows]


async def last_run(tx: Transaction, against: str, system: str = HUB) -> RunRow | None:
    """Give the newest comparison of a system with the ledger, or with another book of the hub."""
    row = await tx.fetchrow(LAST_RUN, tx.tenant, against, system)
    return None if row is None else _run_of(row)


async def open_of(tx: Transaction, pair: Pair) -> list[FindingRow]:
    rows = await tx.fetch(OPEN_OF, tx.tenant, pair.against, pair.system)
    return [finding_of(row) for row in rows]


async def open_now(tx: Transaction, pair: Pair) -> list[FindingRow]:
    """Give what is open, and let nobody change it until the transaction ends."""
    await tx.execute(IN_TURNS, tx.tenant, pair.against, pair.system)
    rows = await tx.fetch(OPEN_NOW, tx.tenant, pair.against, pair.system)
    return [finding_of(row) for row in rows]


async def put(
    tx: Transaction, pair: Pair, run_id: str, found: Sequence[FindingRow], now: datetime
) -> None:
    """Write what a run found; `first_cut` of each is its own cut."""
    if not found:
        return
    columns = [
        [getattr(row, name) for row in found]
        for name in (
            *("finding_id", "location", "item", "state", "level", "cause", "because", "remedy"),
            *("unit", "ours", "theirs", "explained", "unexplained", "at_stake", "absolute"),
            *("value_at_risk", "class_", "is_in_flight", "evidence", "first_cut"),
        )
    ]
    await tx.execute(
        PUT,
        tx.tenant,
        pair.against,
        run_id,
        now,
        *columns,
        pair.system,
        [row.withheld for row in found],
        [row.seen for row in found],
        [row.document for row in found],
        [row.line for row in found],
        [row.currency for row in found],
    )


def money_text(amounts: Mapping[str, int]) -> str:
    """Write amounts in micros by currency."""
    return msgspec.json.encode(amounts).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which findings; "" is any, and so is None for the states. `since`: seen last by then.

    `kind` is one of `Kind`; `house` names the functional currency, which comes first.
    """

    states: Sequence[str] | None = None
    against: str = ""
    location: str = ""
    cause: str = ""
    finding_id: str = ""
    since: datetime | None = None
    kind: str = ""
    document: str = ""
    house: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    root_cause: str
    note: str
    by: str
    at: datetime


async def to_heal(
    tx: Transaction, pair: Pair, rules: Rules, *, is_by_itself: bool
) -> list[FindingRow]:
    """Give what documents can mend; by itself only what a cut after the last try has seen."""
    kinds = list(rules.heals) if is_by_itself else ["REDRIVE", "REFETCH"]
    asked = (pair.against, rules.attempts, kinds, is_by_itself, pair.system)
    rows = await tx.fetch(TO_HEAL, tx.tenant, *asked)
    return [finding_of(row) for row in rows]


async def to_take(
    tx: Transaction, against: str, remedies: Sequence[str], attempts: int, since: datetime
) -> list[FindingRow]:
    """Give what is confirmed, and was seen since a moment, that another number would mend."""
    rows = await tx.fetch(TO_TAKE, tx.tenant, against, remedies, attempts, since)
    return [finding_of(row) for row in rows]


async def lapse(tx: Transaction, before: datetime, now: datetime, note: str) -> list[FindingRow]:
    return [finding_of(row) for row in await tx.fetch(LAPSE, tx.tenant, before, now, note)]


async def close(tx: Transaction, finding_id: str, said: Closing) -> FindingRow | None:
    row = await tx.fetchrow(
        CLOSE, tx.tenant, finding_id, said.root_cause, said.note, said.by, said.at
    )
    return None if row is None else finding_of(row)


def _run_of(row: Any) -> RunRow:
    named = {name: row[name] for name in _RUN if name != "unknown_names"}
    return RunRow(**named, unknown_names=tuple(row["unknown_names"]))


def finding_of(row: Any) -> FindingRow:
    named = {name: row[name] for name in _FINDING if name != "class_"}
    return FindingRow(**named, class_=row["class"])
