"""Commitments, dated order lines and rules as stored: every statement takes a set, by key."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, Self

from crossdock.canonical.supply import ConfidenceClass, SupplyEvidence, SupplyKind
from crossdock.capabilities.supply.answer import Weight
from crossdock.capabilities.supply.inbound import Supply
from crossdock.capabilities.supply.kept import DatedLine as PromisedLine
from crossdock.capabilities.supply.rule_store import rule_of
from crossdock.capabilities.supply.rules import AtpRule, RuleKey
from crossdock.capabilities.supply.sent_store import Sent, keep_sent
from crossdock.foundation.database import Transaction

# The newest version of each commitment stands; an older one that comes late changes nothing.
KEEP = """
insert into supply_commitment as s (tenant, supply_id, source, kind, item, location, micros,
    evidence, eta, acknowledgment_due, confidence, parent_supply_id, document_ref, pegs, supplier,
    acknowledged, received, received_base, cancelled, rank, us, position)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::bigint[], $8::text[], $9::date[], $10::date[], $11::text[], $12::text[], $13::text[],
    $14::jsonb[], $15::text[], $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[],
    $20::bigint[], $21::bigint[], $22::bigint[])
on conflict (tenant, supply_id, source) do update set kind = excluded.kind, item = excluded.item,
    location = excluded.location, micros = excluded.micros, evidence = excluded.evidence,
    eta = excluded.eta, acknowledgment_due = excluded.acknowledgment_due,
    confidence = excluded.confidence, parent_supply_id = excluded.parent_supply_id,
    document_ref = excluded.document_ref, pegs = excluded.pegs, supplier = excluded.supplier,
    acknowledged = excluded.acknowledged, received = excluded.received,
    received_base = excluded.received_base, cancelled = excluded.cancelled, rank = excluded.rank,
    us = excluded.us, position = excluded.position, unlisted_micros = null
where (excluded.rank, excluded.us, excluded.position) > (s.rank, s.us, s.position)
"""

# Where those were expected that a newer version names another place of, or other goods.
FORMER = """
select distinct s.tenant, s.item, s.location
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
    $7::bigint[], $8::bigint[])
    k(tenant, supply_id, source, item, location, rank, us, position)
join supply_commitment s on s.tenant = k.tenant and s.supply_id = k.supply_id
    and s.source = k.source
where (s.item, s.location) <> (k.item, k.location)
    and (k.rank, k.us, k.position) > (s.rank, s.us, s.position)
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
with sent as (
    delete from supply_drop_ship d using unnest($1::text[], $2::text[], $3::text[])
        k(tenant, source, order_id)
    where d.tenant = k.tenant and d.source = k.source and d.order_id = k.order_id
)
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

# Of a commitment `s`. Of two sources that tell of it the one that spoke last is believed. Of a
# parent what its children announce is summed (A29); `room` is what a parent has open for a child,
# once those that come after it have taken theirs: of too many notices the first to come is cut, as
# its goods are the likeliest to be in already.
LAST_WORD = """not exists (select from supply_commitment o where o.tenant = $1
    and o.supply_id = s.supply_id and (o.us, o.source) > (s.us, s.source))"""
ANNOUNCED = """coalesce((select sum(c.micros) from supply_commitment c
        where c.tenant = $1 and c.parent_supply_id = s.supply_id and c.parent_supply_id <> ''
            and c.micros > 0 and c.item = s.item
            and not exists (select from supply_commitment n where n.tenant = $1
                and n.supply_id = c.supply_id and (n.us, n.source) > (c.us, c.source))
        ), 0)::bigint"""
ROOM = """(select p.micros - coalesce((select sum(c.micros) from supply_commitment c
            where c.tenant = $1 and c.parent_supply_id = p.supply_id and c.parent_supply_id <> ''
                and c.micros > 0 and c.item = p.item
                and (coalesce(c.eta, 'infinity'), c.supply_id)
                    > (coalesce(s.eta, 'infinity'), s.supply_id)
                and not exists (select from supply_commitment n where n.tenant = $1
                    and n.supply_id = c.supply_id and (n.us, n.source) > (c.us, c.source))
            ), 0)::bigint
        from supply_commitment p where p.tenant = $1 and p.supply_id = s.parent_supply_id
            and s.parent_supply_id <> '' and p.item = s.item
        order by p.us desc, p.source desc limit 1)"""

# All that an answer is made of here, in one round trip. What is still to come: what an order line
# names as the purchase that its supplier sends it on, or any source calls one, is a drop shipment,
# and so are the notices of it, whatever goods they hold. Order lines that ship after a day. The
# rules that may hold. What kits are put together from, which kits an item goes into, of which
# items lots expire, what a piece of one weighs.
READ = f"""
select 'supply' as what, s.item, s.location, s.supply_id as name, s.source,
    case when exists (select from supply_commitment p where p.tenant = $1
                and p.supply_id in (s.supply_id, nullif(s.parent_supply_id, ''))
                and p.kind = 'DROP_SHIP')
            or exists (select from supply_drop_ship d where d.tenant = $1
                and d.supply_id in (s.supply_id, nullif(s.parent_supply_id, '')))
        then 'DROP_SHIP' else s.kind end as detail,
    s.micros, s.eta as day, s.evidence, s.acknowledgment_due, s.confidence, s.document_ref,
    s.pegs as said, {ANNOUNCED} as announced,
    {ROOM} as room, s.us as told_us, s.supplier, s.sent_us
from unnest($2::text[], $3::text[]) k(item, location)
join supply_commitment s on s.tenant = $1 and s.item = k.item and s.location = k.location
    and (s.micros > 0 or s.kind = 'VENDOR_STOCK')
where {LAST_WORD}
union all
select 'line', d.item, d.location, d.demand_ref, d.source, d.order_id, d.us, d.ship_date,
    null, null, null, null, null, null, null, null, null, null
from unnest($2::text[], $3::text[]) k(item, location)
join supply_demand d on d.tenant = $1 and d.item = k.item and d.location = k.location
    and d.ship_date > $4
union all
select 'rule', r.item, r.location, r.item_class, null, null, null, null, null, null, null, null,
    r.rule, null, null, null, null, null
from unnest($5::text[], $6::text[]) k(item, location)
join supply_rule r on r.tenant = $1 and r.item = k.item and r.location = k.location
    and r.rule is not null
union all
select 'kit', t.item, null, null, t.source, null, t.us, null, null, null, null, null, t.components,
    null, null, null, null, null
from unnest($7::text[]) k(item)
join supply_kit t on t.tenant = $1 and t.item = k.item
union all
select 'used', p.part, null, p.item, p.source, null, null, null, null, null, null, null, null,
    null, null, null, null, null
from unnest($7::text[]) k(item)
join supply_kit_part p on p.tenant = $1 and p.part = k.item
union all
select 'lotted', k.item, null, null, null, null, null, null, null, null, null, null, null, null,
    null, null, null, null
from unnest($7::text[]) k(item)
where exists (select from supply_lot l
    where l.tenant = $1 and l.item = k.item and l.expires_on is not null)
union all
select 'weight', w.item, null, null, w.source, w.unit, w.micros, null, null, null, null, null,
    null, w.low_percent, w.high_percent, null, null, null
from unnest($7::text[]) k(item)
join supply_weight w on w.tenant = $1 and w.item = k.item
where not exists (select from supply_weight n where n.tenant = $1 and n.item = w.item
    and (n.us, n.source) > (w.us, w.source))
union all
select 'promised', p.item, p.location, p.demand_ref, null, null, p.micros, p.ship_date, null, null,
    null, null, jsonb_build_array(p.made, p.life_days, p.transit_days, p.cut), p.used, p.said,
    null, null, null
from unnest($2::text[], $3::text[]) k(item, location)
join supply_promise_line p on p.tenant = $1 and p.item = k.item and p.location = k.location
    and p.is_open
"""  # noqa: S608  # the parts above

# Order lines that were to ship so long ago that they may no longer count.
LONG_DUE = """
select d.item, d.location, d.demand_ref as name, d.source, d.order_id as detail, d.us as micros,
    d.ship_date as day
from unnest($2::text[], $3::text[]) k(item, location)
join supply_demand d on d.tenant = $1 and d.item = k.item and d.location = k.location
    and d.ship_date < $4
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
    supplier: str
    acknowledged: int | None
    received: int | None
    received_base: int | None
    cancelled: int
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


async def keep(tx: Transaction, heard: Sequence[Heard]) -> list[tuple[str, str, str]]:
    """Keep the newest versions; give (tenant, item, location) that some have left."""
    if not heard:
        return []
    left = await tx.fetch(
        FORMER,
        [one.tenant for one in heard],
        [one.supply_id for one in heard],
        [one.source for one in heard],
        [one.item for one in heard],
        [one.location for one in heard],
        [one.rank for one in heard],
        [one.us for one in heard],
        [one.position for one in heard],
    )
    await tx.execute(KEEP, *map(list, zip(*heard, strict=True)))
    return [(row["tenant"], row["item"], row["location"]) for row in left]


async def keep_orders(
    tx: Transaction,
    orders: Sequence[Order],
    lines: Sequence[tuple[Order, DatedLine]],
    sent: Sequence[Sent] = (),
) -> list[tuple[str, str, str]]:
    """Put the dated lines of those orders that are newer than what is known in place of theirs.

    Just so the purchases that suppliers send them on: give (tenant, item, location) of these.
    """
    if not orders:
        return []
    rows = await tx.fetch(KEEP_ORDERS, *map(list, zip(*orders, strict=True)))
    fresh = {(row["tenant"], row["source"], row["order_id"]) for row in rows}
    if not fresh:
        return []
    await tx.execute(DROP_DEMAND, *map(list, zip(*sorted(fresh), strict=True)))
    kept = [
        (*order[:3], line.demand_ref, line.item, line.location, line.ship_date, order.us)
        for order, line in lines
        if order[:3] in fresh
    ]
    if kept:
        await tx.execute(PUT_DEMAND, *map(list, zip(*kept, strict=True)))
    return await keep_sent(tx, [one for one in sent if one[:3] in fresh])


class Part(NamedTuple):
    """A component of a kit: so many micros of it go into one base unit of the kit."""

    item: str
    micros: int
    unit: str


class Found(NamedTuple):
    """What was read for a set of keys. Of orders that share a line the last to speak dates it.

    `lotted` are items of which lots expire, `weights` what is sold by piece and weighs something,
    `used` the kits that an item goes into, `promised` what open promises by date have to leave.
    """

    supplies: dict[Key, list[Supply]]
    ship_dates: dict[tuple[str, Key], date]
    rules: dict[RuleKey, AtpRule]
    kits: dict[str, tuple[Part, ...]]
    lotted: set[str]
    weights: dict[str, Weight]
    used: dict[str, set[str]]
    promised: dict[Key, list[PromisedLine]]

    @classmethod
    def nothing(cls) -> Self:
        return cls({}, {}, {}, {}, set(), {}, {}, {})

    def add(self, more: "Found") -> None:
        """Take in what was read for other keys."""
        self.supplies.update(more.supplies)
        self.ship_dates.update(more.ship_dates)
        self.rules.update(more.rules)
        self.kits.update(more.kits)
        self.lotted.update(more.lotted)
        self.weights.update(more.weights)
        self.used.update(more.used)
        self.promised.update(more.promised)


async def read(
    tx: Transaction, tenant: str, keys: Sequence[Key], rules: Iterable[Key], after: date
) -> Found:
    """Read what comes to these keys, the lines that ship from them after a day, and rules."""
    said = _columns(sorted(set(rules)))
    items = sorted({item for item, _ in keys})
    rows: dict[str, list[Any]] = {}
    for row in await tx.fetch(READ, tenant, *_columns(keys), after, *said, items):
        rows.setdefault(row[0], []).append(row)
    return _found(rows)


def _found(rows: Mapping[str, Sequence[Any]]) -> Found:
    """Put together what was read, by what it is."""
    found = Found.nothing()
    for row in rows.get("supply", ()):
        found.supplies.setdefault((row[1], row[2]), []).append(_supply_of(row))
    for one in found.supplies.values():
        one.sort(key=lambda supply: (supply.eta or date.max, supply.supply_id, supply.source))
    found.rules.update(
        {(row[1], row[3], row[2]): rule_of(row["said"]) for row in rows.get("rule", ())}
    )
    found.ship_dates.update(_dated(rows.get("line", ())))
    for row in sorted(rows.get("kit", ()), key=lambda row: (row["micros"], row["source"])):
        found.kits[row["item"]] = tuple(Part(*part) for part in json.loads(row["said"]))
    for row in rows.get("used", ()):
        found.used.setdefault(row["item"], set()).add(row["name"])
    found.lotted.update(row["item"] for row in rows.get("lotted", ()))
    for row in rows.get("promised", ()):
        was = (row["micros"], 0, row["announced"], row["room"], *json.loads(row["said"]))
        line = PromisedLine(0, row["item"], row["location"], row["name"], row["day"], *was)
        found.promised.setdefault((row[1], row[2]), []).append(line)
    weights = {row["item"]: row for row in rows.get("weight", ()) if row["micros"] is not None}
    for item, row in weights.items():
        found.weights[item] = Weight(row["micros"], row["detail"], row["announced"], row["room"])
    return found


async def long_due(
    tx: Transaction, tenant: str, keys: Sequence[Key], before: date
) -> dict[tuple[str, Key], date]:
    """Give the ship dates of lines that were to ship before a day."""
    return _dated(await tx.fetch(LONG_DUE, tenant, *_columns(keys), before))


def _dated(lines: Iterable[Any]) -> dict[tuple[str, Key], date]:
    ordered = sorted(lines, key=lambda row: (row["micros"], row["source"], row["detail"]))
    return {(row["name"], (row["item"], row["location"])): row["day"] for row in ordered}


_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_KINDS = {kind.value: kind for kind in SupplyKind}
_EVIDENCE = {evidence.value: evidence for evidence in SupplyEvidence}
_CLASSES: dict[str | None, ConfidenceClass] = {one.value: one for one in ConfidenceClass}


def _supply_of(row: Any) -> Supply:
    return Supply(
        row["name"],
        row["source"],
        _KINDS[row["detail"]],
        row["location"],
        row["micros"],
        _EVIDENCE[row["evidence"]],
        row["day"],
        row["acknowledgment_due"],
        _CLASSES.get(row["confidence"]),
        row["announced"],
        () if row["said"] == "[]" else tuple((ref, had) for ref, had in json.loads(row["said"])),
        row["document_ref"],
        row["room"],
        _EPOCH + row["told_us"] * _MICROSECOND,
        row["supplier"],
        sent_at=None if row["sent_us"] is None else _EPOCH + row["sent_us"] * _MICROSECOND,
    )


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[str]]:
    return [item for item, _ in keys], [location for _, location in keys]
