"""The catalogue's tables. Every statement takes a set; tenants come as a column of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.units import canonical_unit
from crossdock.capabilities.catalog.model import (
    Confidence,
    Conversion,
    Finding,
    Heard,
    LastWord,
    Qualifier,
    native_names,
    normalised,
)
from crossdock.foundation.database import Transaction

BY_SOURCE = "source"
"""Who asserts what a source says itself."""

# `hub_id` is the record: a party's own key, else the source's code; never what it is linked to.
VERSIONS = """
select tenant, source, entity_type, hub_id, version from catalog_version
join unnest($1::text[], $2::text[], $3::text[], $4::text[])
    as asked(tenant, source, entity_type, hub_id) using (tenant, source, entity_type, hub_id)
"""
PUT_VERSIONS = """
insert into catalog_version (tenant, source, entity_type, hub_id, version)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[])
on conflict (tenant, source, entity_type, hub_id) do update set version = excluded.version
"""
BASE_UNITS = """
select tenant, item, base_unit from item
join unnest($1::text[], $2::text[]) as asked(tenant, item) using (tenant, item)
"""
# The base unit is set once: stock is counted in it.
PUT_ITEMS = """
insert into item (tenant, item, sku, description, base_unit, status, tracking, is_regulated,
    item_class, source, changed_at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::text[], $8::boolean[], $9::text[], $10::text[], $11::timestamptz[])
on conflict (tenant, item) do update set sku = excluded.sku, description = excluded.description,
    status = excluded.status, tracking = excluded.tracking,
    is_regulated = coalesce(excluded.is_regulated, item.is_regulated),
    item_class = coalesce(excluded.item_class, item.item_class),
    source = excluded.source, changed_at = excluded.changed_at
"""
# The first factor known holds for all of the past; another one from its own date on.
PUT_UNITS = """
insert into item_unit (tenant, item, unit, effective_from, numerator, denominator)
select said.tenant, said.item, said.unit,
    case when newest.numerator is null then '-infinity' else said.at end,
    said.numerator, said.denominator
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::bigint[])
    as said(tenant, item, unit, at, numerator, denominator)
left join lateral (
    select numerator, denominator from item_unit u
    where u.tenant = said.tenant and u.item = said.item and u.unit = said.unit
    order by effective_from desc limit 1) newest on true
where newest.numerator is null
    or newest.numerator::numeric * said.denominator
        <> said.numerator::numeric * newest.denominator
on conflict (tenant, item, unit, effective_from) do update
    set numerator = excluded.numerator, denominator = excluded.denominator
"""
# A number that already belongs to another item stays there; the caller hears which did not come.
PUT_IDENTIFIERS = """
insert into item_identifier as known (tenant, type, value, item, unit, source, valid_from)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::timestamptz[])
on conflict (tenant, type, value) do update
    set unit = excluded.unit, source = excluded.source where known.item = excluded.item
returning tenant, item, value
"""
PUT_LOCATIONS = """
insert into location (tenant, location, code, name, kind, timezone, is_active, source, changed_at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::boolean[], $8::text[], $9::timestamptz[])
on conflict (tenant, location) do update set code = excluded.code, name = excluded.name,
    kind = excluded.kind, timezone = excluded.timezone, is_active = excluded.is_active,
    source = excluded.source, changed_at = excluded.changed_at
"""
DROP_MEMBERS = """
delete from location_member m using unnest($1::text[], $2::text[]) as g(tenant, location_group)
where m.tenant = g.tenant and m.location_group = g.location_group
"""
PUT_MEMBERS = """
insert into location_member (tenant, location_group, member)
select * from unnest($1::text[], $2::text[], $3::text[]) on conflict do nothing
"""
# A native key that now means another thing: its old meaning ends here.
CLOSE_MOVED = """
update xref set valid_to = greatest(valid_from, said.at)
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::timestamptz[])
    as said(tenant, system, entity_type, native_id, qualifier, hub_id, at)
where xref.tenant = said.tenant and xref.system = said.system
    and xref.entity_type = said.entity_type and xref.native_id = said.native_id
    and xref.qualifier = said.qualifier and xref.valid_to is null
    and xref.hub_id <> said.hub_id
returning xref.tenant, xref.system, xref.entity_type, xref.hub_id, xref.qualifier,
    xref.native_id, xref.valid_to
"""
# The system gave its record another code: it no longer knows anything by the old one.
CLOSE_ORPHANED_CODES = """
update xref set valid_to = greatest(xref.valid_from, left_behind.at)
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
    as left_behind(tenant, system, entity_type, hub_id, native_id, at)
where xref.tenant = left_behind.tenant and xref.system = left_behind.system
    and xref.entity_type = left_behind.entity_type and xref.hub_id = left_behind.hub_id
    and xref.qualifier = 'code' and xref.valid_to is null
    and xref.record = left_behind.native_id
"""
# What a source asserts makes a proposal certain; nothing makes an assertion less so. A code is the
# record's that was told by it last.
PUT_XREFS = """
insert into xref as known (tenant, system, entity_type, native_id, qualifier, hub_id, valid_from,
    record, name, confidence, asserted_by)
select *, $10, $11 from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[],
    $6::text[], $7::timestamptz[], $8::text[], $9::text[])
on conflict (tenant, system, entity_type, native_id, qualifier) where valid_to is null
do update set confidence = excluded.confidence, asserted_by = excluded.asserted_by,
    record = excluded.record
where excluded.confidence <> 'PROVISIONAL'
    and (known.confidence <> 'ASSERTED' or known.record <> excluded.record)
"""
PUT_FINDINGS = """
insert into catalog_finding (tenant, source, hub_id, code, value, reason, found_at)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
    $7::timestamptz[])
on conflict (tenant, code, source, hub_id, value) do update
    set reason = excluded.reason, found_at = excluded.found_at
"""
# The source's own key first, then a code it is known by, then our own code, spelled alike. `limit`
# has it look each of them up by key: a join would read every item there is to find a handful. So
# would `coalesce`: PostgreSQL takes it for leaky, and tests it behind the rows' own policy.
RESOLVE_ITEMS = """
select asked.native_id, asked.unit, item.item, item.base_unit,
    case when asked.code in (item.base_unit, '*') then 1 else factor.numerator end as numerator,
    case when asked.code in (item.base_unit, '*') then 1 else factor.denominator end
        as denominator
from unnest($3::text[], $4::text[], $5::text[], $6::text[])
    as asked(native_id, sku, unit, code)
left join lateral (
    select hub_id from xref where xref.tenant = $1 and system = $2 and entity_type = 'item'
        and xref.native_id = asked.native_id and valid_to is null
    order by qualifier desc limit 1) named on true
left join lateral (
    select item.item, base_unit from item
    where item.tenant = $1 and item.item =
        case when named.hub_id is null then asked.sku else named.hub_id end
    limit 1) item on true
left join lateral (
    select numerator, denominator from item_unit u
    where u.tenant = $1 and u.item = item.item and u.unit = asked.code
        and u.effective_from <= $7
    order by effective_from desc limit 1) factor on true
"""


def _resolves(kind: str) -> str:
    """Look things of a kind up that have no units, in the order of RESOLVE_ITEMS."""
    return f"""
select asked.native_id, {kind}.{kind} as hub_id
from unnest($3::text[], $4::text[]) as asked(native_id, code)
left join lateral (
    select hub_id from xref where xref.tenant = $1 and system = $2 and entity_type = '{kind}'
        and xref.native_id = asked.native_id and valid_to is null
    order by qualifier desc limit 1) named on true
left join lateral (
    select {kind}.{kind} from {kind}
    where {kind}.tenant = $1 and {kind}.{kind} =
        case when named.hub_id is null then asked.code else named.hub_id end
    limit 1) {kind} on true
"""  # noqa: S608  # the words that are named below


RESOLVE_LOCATIONS = _resolves("location")
RESOLVE_PARTIES = _resolves("party")
# Never a proposal: what we write to a system must be what it asserted, or a rule proved.
NATIVE_KEYS = """
select distinct on (entity_type, hub_id) entity_type, hub_id, native_id
from xref
join unnest($3::text[], $4::text[]) as asked(entity_type, hub_id) using (entity_type, hub_id)
where tenant = $1 and system = $2 and valid_to is null and confidence <> 'PROVISIONAL'
order by entity_type, hub_id, qualifier desc, confidence, valid_from desc, native_id
"""
NAMES = """
select item as name, base_unit from item where tenant = $1 and item = any($2)
union all
select location, '' from location where tenant = $1 and location = any($3)
"""
ITEMS = """
select item, sku, description, base_unit, status, tracking, source, changed_at,
    coalesce(is_regulated, false) as is_regulated, coalesce(item_class, '') as item_class
from item where tenant = $1 and item > $2 and ($3::text[] is null or item = any($3))
order by item limit $4
"""
UNITS_NOW = """
select distinct on (item, unit) item, unit, numerator, denominator
from item_unit where tenant = $1 and item = any($2) and effective_from <= $3
order by item, unit, effective_from desc
"""
IDENTIFIERS = """
select item, type, value, unit from item_identifier
where tenant = $1 and item = any($2) order by item, type, value
"""
GROUP_OF = """
select location_group from location_member where tenant = $1 and member = $2 limit 1
"""
LOCATIONS = """
select location, code, name, kind, timezone, is_active, source, changed_at,
    array(select member from location_member m
          where m.tenant = location.tenant and m.location_group = location.location
          order by member) as members
from location where tenant = $1 and location > $2 and ($3::text[] is null or location = any($3))
order by location limit $4
"""
FINDINGS = """
select code, source, hub_id, value, reason, found_at from catalog_finding
where tenant = $1 order by found_at desc, hub_id, code, value limit $2
"""

SourceKey = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class XRef:
    tenant: str
    system: str
    entity_type: str
    native_id: str
    qualifier: str
    hub_id: str
    at: datetime
    record: str = ""
    """Of a code the key of the record that goes by it, or itself where its system tells none."""

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        return (self.tenant, self.system, self.entity_type, self.native_id, self.qualifier)


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Turn rows into one array per column, for `unnest`."""
    by_column = [list(column) for column in zip(*rows, strict=True)]
    return by_column or [[] for _ in range(width)]


async def known_versions(tx: Transaction, facts: Sequence[Heard]) -> dict[SourceKey, int]:
    keys = sorted({fact.source_key for fact in facts})
    rows = await tx.fetch(VERSIONS, *columns(keys, 4))
    return {
        (row["tenant"], row["source"], row["entity_type"], row["hub_id"]): row["version"]
        for row in rows
    }


async def put_versions(tx: Transaction, facts: Sequence[Heard]) -> None:
    rows = [(*fact.source_key, fact.version) for fact in facts]
    await tx.execute(PUT_VERSIONS, *columns(rows, 5))


async def base_units(tx: Transaction, facts: Sequence[Heard]) -> dict[tuple[str, str], str]:
    keys = sorted({fact.hub_key for fact in facts})
    rows = await tx.fetch(BASE_UNITS, *columns(keys, 2))
    return {(row["tenant"], row["item"]): row["base_unit"] for row in rows}


async def put_items(
    tx: Transaction, facts: Sequence[Heard], said: Mapping[tuple[str, str], LastWord]
) -> None:
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    for fact in facts:
        item = fact.event.payload
        if isinstance(item, ItemChanged):
            rows[fact.hub_key] = (
                *fact.hub_key,
                item.sku.strip(),
                item.description,
                canonical_unit(item.base_unit),
                item.status,
                item.tracking,
                *said[fact.hub_key],
                fact.event.source,
                fact.event.received_at,
            )
    await tx.execute(PUT_ITEMS, *columns(rows.values(), 11))


async def put_units(tx: Transaction, units: Iterable[tuple[Heard, Conversion]]) -> None:
    rows = {
        (*fact.hub_key, unit.unit): (
            *fact.hub_key,
            unit.unit,
            fact.event.fact.occurred_at,
            unit.numerator,
            unit.denominator,
        )
        for fact, unit in units
    }
    await tx.execute(PUT_UNITS, *columns(rows.values(), 6))


async def put_gtins(
    tx: Transaction, numbers: Iterable[tuple[Heard, str, str]]
) -> set[tuple[str, str, str]]:
    """Store (fact, GTIN, unit); answer as (tenant, item, GTIN) what is now so."""
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    for fact, gtin, unit in numbers:
        tenant, item = fact.hub_key
        row = (tenant, "GTIN", gtin, item, unit, fact.event.source, fact.event.received_at)
        rows.setdefault((tenant, gtin), row)
    stored = await tx.fetch(PUT_IDENTIFIERS, *columns(rows.values(), 7))
    return {(row["tenant"], row["item"], row["value"]) for row in stored}


async def put_locations(tx: Transaction, facts: Sequence[Heard]) -> None:
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    members: dict[tuple[str, str], list[str]] = {}
    for fact in facts:
        place = fact.event.payload
        if isinstance(place, LocationChanged):
            rows[fact.hub_key] = (
                *fact.hub_key,
                place.code.strip(),
                place.name,
                place.kind,
                place.timezone,
                place.is_active,
                fact.event.source,
                fact.event.received_at,
            )
            members[fact.hub_key] = [normalised(member) for member in place.members]
    await tx.execute(PUT_LOCATIONS, *columns(rows.values(), 9))
    await tx.execute(DROP_MEMBERS, *columns(members, 2))
    await tx.execute(
        PUT_MEMBERS,
        *columns([(*group, member) for group, named in members.items() for member in named], 3),
    )


def xrefs_of(facts: Sequence[Heard]) -> list[XRef]:
    named: dict[tuple[str, ...], XRef] = {}
    for fact in facts:
        tenant, source, kind, _ = fact.source_key
        for native_id, qualifier in native_names(fact):
            at = fact.event.received_at
            record = "" if qualifier is Qualifier.ID else fact.event.fact.native_ref or native_id
            xref = XRef(tenant, source, kind, native_id, qualifier, fact.hub_id, at, record)
            named[xref.key] = xref
    return list(named.values())


async def put_xrefs(
    tx: Transaction, xrefs: Sequence[XRef], confidence: Confidence, asserted_by: str
) -> None:
    rows = columns([(*xref.key, xref.hub_id, xref.at) for xref in xrefs], 7)
    moved = await tx.fetch(CLOSE_MOVED, *rows)
    records = [xref.record for xref in xrefs]
    names = [normalised(xref.native_id) for xref in xrefs]
    await tx.execute(PUT_XREFS, *rows, records, names, confidence, asserted_by)
    left = ("tenant", "system", "entity_type", "hub_id", "native_id", "valid_to")
    renamed = [[row[column] for column in left] for row in moved if row["qualifier"] == "id"]
    if renamed:
        await tx.execute(CLOSE_ORPHANED_CODES, *columns(renamed, 6))


async def resolved(
    tx: Transaction, statement: str, tenant: str, source: str, asked: Iterable[str]
) -> dict[str, str]:
    """Give the hub's id of each native key that a location, or a party, is known by."""
    native = list(asked)
    codes = [normalised(key) for key in native]
    rows = await tx.fetch(statement, tenant, source, native, codes)
    return {row["native_id"]: row["hub_id"] for row in rows if row["hub_id"] is not None}


async def put_findings(tx: Transaction, findings: Iterable[tuple[Heard, Finding]]) -> None:
    rows: Mapping[tuple[str, ...], tuple[Any, ...]] = {
        (fact.event.tenant, finding.code, fact.event.source, fact.hub_id, finding.value): (
            fact.event.tenant,
            fact.event.source,
            fact.hub_id,
            finding.code,
            finding.value,
            finding.reason,
            fact.event.received_at,
        )
        for fact, finding in findings
    }
    await tx.execute(PUT_FINDINGS, *columns(rows.values(), 7))
