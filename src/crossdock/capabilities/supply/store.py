"""Commitments, dated order lines and rules as stored: every statement takes a set, by key."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import msgspec

from crossdock.canonical.supply import ConfidenceClass, SupplyEvidence, SupplyKind
from crossdock.capabilities.supply.inbound import Supply
from crossdock.capabilities.supply.rules import AtpRule, PlacedRule
from crossdock.foundation.database import Transaction

# The newest version of each commitment stands; an older one that comes late changes nothing.
KEEP = """
insert into supply_commitment as s (tenant, supply_id, source, kind, item, location, micros,
    evidence, eta, acknowledgment_due, confidence, parent_supply_id, document_ref, pegs, rank, us,
    position)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::bigint[], $8::text[], $9::date[], $10::date[], $11::text[], $12::text[], $13::text[],
    $14::jsonb[], $15::bigint[], $16::bigint[], $17::bigint[])
on conflict (tenant, supply_id, source) do update set kind = excluded.kind, item = excluded.item,
    location = excluded.location, micros = excluded.micros, evidence = excluded.evidence,
    eta = excluded.eta, acknowledgment_due = excluded.acknowledgment_due,
    confidence = excluded.confidence, parent_supply_id = excluded.parent_supply_id,
    document_ref = excluded.document_ref, pegs = excluded.pegs, rank = excluded.rank,
    us = excluded.us, position = excluded.position
where (excluded.rank, excluded.us, excluded.position) > (s.rank, s.us, s.position)
"""

KEEP_ORDERS = """
insert into supply_order as o (tenant, source, order_id, rank, us, position)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
on conflict (tenant, source, order_id) do update
set rank = excluded.rank, us = excluded.us, position = excluded.position
where (excluded.rank, excluded.us, excluded.position) > (o.rank, o.us, o.position)
returning tenant, source, order_id
"""

DROP_DEMAND = """
delete from supply_demand d using unnest($1::text[], $2::text[], $3::text[])
    k(tenant, source, order_id)
where d.tenant = k.tenant and d.source = k.source and d.order_id = k.order_id
"""

PUT_DEMAND = """
insert into supply_demand (tenant, source, order_id, demand_ref, item, location, ship_date, us)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::date[], $8::bigint[])
on conflict (tenant, source, order_id, demand_ref) do nothing
"""

# What is still to come to these places: of two sources that tell of one commitment the one that
# spoke last is believed, and of a parent what its children announce is summed beside it (A29).
SUPPLIES = """
select s.supply_id, s.source, s.kind, s.item, s.location, s.micros, s.evidence, s.eta,
    s.acknowledgment_due, s.confidence, s.document_ref, s.pegs,
    coalesce((select sum(c.micros) from supply_commitment c
        where c.tenant = $1 and c.parent_supply_id = s.supply_id and c.parent_supply_id <> ''
            and c.micros > 0 and c.item = s.item
            and not exists (select from supply_commitment n where n.tenant = $1
                and n.supply_id = c.supply_id and (n.us, n.source) > (c.us, c.source))
        ), 0)::bigint as announced
from unnest($2::text[], $3::text[]) k(item, location)
join supply_commitment s on s.tenant = $1 and s.item = k.item and s.location = k.location
    and s.micros > 0
where not exists (select from supply_commitment o where o.tenant = $1
    and o.supply_id = s.supply_id and (o.us, o.source) > (s.us, s.source))
order by s.eta nulls last, s.supply_id, s.source
"""

# Order lines that ship after a day, or shipped so long ago that they may no longer count.
DATED = """
select d.demand_ref, d.item, d.location, d.ship_date
from unnest($2::text[], $3::text[]) k(item, location)
join supply_demand d on d.tenant = $1 and d.item = k.item and d.location = k.location
    and d.ship_date > $4
order by d.us, d.source, d.order_id
"""
LONG_DUE = """
select d.demand_ref, d.item, d.location, d.ship_date
from unnest($2::text[], $3::text[]) k(item, location)
join supply_demand d on d.tenant = $1 and d.item = k.item and d.location = k.location
    and d.ship_date < $4
order by d.us, d.source, d.order_id
"""

PUT_RULE = """
insert into supply_rule (tenant, item, location, rule, changed_at) values ($1, $2, $3, $4, $5)
on conflict (tenant, item, location) do update
set rule = excluded.rule, changed_at = excluded.changed_at
"""
DROP_RULE = """
delete from supply_rule where tenant = $1 and item = $2 and location = $3 returning item
"""
RULES = """
select item, location, rule from supply_rule
where tenant = $1 and (item, location) > ($2, $3) order by item, location limit $4
"""
RULES_FOR = """
select r.item, r.location, r.rule from unnest($2::text[], $3::text[]) k(item, location)
join supply_rule r on r.tenant = $1 and r.item = k.item and r.location = k.location
"""

Key = tuple[str, str]
"""Item and location."""


class Heard(NamedTuple):
    """The newest version of a commitment in a page, as it is stored."""

    tenant: str
    supply_id: str
    source: str
    kind: str
    item: str
    location: str
    micros: int
    evidence: str
    eta: date | None
    acknowledgment_due: date | None
    confidence: str | None
    parent_supply_id: str
    document_ref: str
    pegs: str
    rank: int
    us: int
    position: int


class Order(NamedTuple):
    tenant: str
    source: str
    order_id: str
    rank: int
    us: int
    position: int


class DatedLine(NamedTuple):
    demand_ref: str
    item: str
    location: str
    ship_date: date


async def keep(tx: Transaction, heard: Sequence[Heard]) -> None:
    if heard:
        await tx.execute(KEEP, *map(list, zip(*heard, strict=True)))


async def keep_orders(
    tx: Transaction, orders: Sequence[Order], lines: Sequence[tuple[Order, DatedLine]]
) -> None:
    """Put the dated lines of those orders that are newer than what is known in place of theirs."""
    if not orders:
        return
    rows = await tx.fetch(KEEP_ORDERS, *map(list, zip(*orders, strict=True)))
    fresh = {(row["tenant"], row["source"], row["order_id"]) for row in rows}
    if not fresh:
        return
    await tx.execute(DROP_DEMAND, *map(list, zip(*sorted(fresh), strict=True)))
    kept = [
        (*order[:3], line.demand_ref, line.item, line.location, line.ship_date, order.us)
        for order, line in lines
        if order[:3] in fresh
    ]
    if kept:
        await tx.execute(PUT_DEMAND, *map(list, zip(*kept, strict=True)))


async def supplies(tx: Transaction, tenant: str, keys: Sequence[Key]) -> dict[Key, list[Supply]]:
    found: dict[Key, list[Supply]] = {}
    for row in await tx.fetch(SUPPLIES, tenant, *_columns(keys)):
        found.setdefault((row["item"], row["location"]), []).append(_supply_of(row))
    return found


async def dated(
    tx: Transaction, tenant: str, keys: Sequence[Key], *, after: date, before: date | None
) -> list[DatedLine]:
    """List the lines that ship after a day, and those that were to ship before another one."""
    rows = await tx.fetch(DATED, tenant, *_columns(keys), after)
    if before is not None:
        rows += await tx.fetch(LONG_DUE, tenant, *_columns(keys), before)
    return [DatedLine(*row) for row in rows]


async def put_rule(tx: Transaction, placed: PlacedRule, now: datetime) -> None:
    rule = msgspec.json.encode(placed.rule).decode()
    await tx.execute(PUT_RULE, tx.tenant, placed.item, placed.location, rule, now)


async def drop_rule(tx: Transaction, item: str, location: str) -> bool:
    return bool(await tx.fetch(DROP_RULE, tx.tenant, item, location))


async def rules(tx: Transaction, after: Key, limit: int) -> list[PlacedRule]:
    rows = await tx.fetch(RULES, tx.tenant, *after, limit)
    return [
        PlacedRule(item=row["item"], location=row["location"], rule=_rule_of(row["rule"]))
        for row in rows
    ]


async def rules_for(tx: Transaction, tenant: str, keys: Iterable[Key]) -> dict[Key, AtpRule]:
    rows = await tx.fetch(RULES_FOR, tenant, *_columns(sorted(set(keys))))
    return {(row["item"], row["location"]): _rule_of(row["rule"]) for row in rows}


def _rule_of(text: str) -> AtpRule:
    return msgspec.json.decode(text, type=AtpRule)


def _supply_of(row: Any) -> Supply:
    confidence = row["confidence"]
    pegs = (
        ()
        if row["pegs"] == "[]"
        else tuple((ref, taken) for ref, taken in json.loads(row["pegs"]))
    )
    return Supply(
        row["supply_id"],
        row["source"],
        SupplyKind(row["kind"]),
        row["location"],
        row["micros"],
        SupplyEvidence(row["evidence"]),
        row["eta"],
        row["acknowledgment_due"],
        None if confidence is None else ConfidenceClass(confidence),
        row["announced"],
        pegs,
        row["document_ref"],
    )


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [item for item, _ in keys], [location for _, location in keys]
