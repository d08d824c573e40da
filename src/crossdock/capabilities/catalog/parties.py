"""Parties as the catalogue keeps them: its table, its queries and what it answers."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from crossdock.canonical.parties import PartyChanged
from crossdock.capabilities.catalog import store
from crossdock.capabilities.catalog.model import (
    Confidence,
    Heard,
    Qualifier,
    native_names,
    normalised,
)
from crossdock.capabilities.catalog.store import XRef
from crossdock.foundation.database import Transaction

# Lists come as JSON: `unnest` would take an array of them for one long list.
PUT_PARTIES = """
insert into party (tenant, party, code, legal_name, kind, roles, status, parent, gln, duns,
    tax_ids, source, changed_at)
select s.tenant, s.party, s.code, s.legal_name, s.kind,
    array(select json_array_elements_text(s.roles::json)), s.status, s.parent, s.gln, s.duns,
    array(select json_array_elements_text(s.tax_ids::json)), s.source, s.changed_at
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[])
    as s(tenant, party, code, legal_name, kind, roles, status, parent, gln, duns, tax_ids, source,
    changed_at)
on conflict (tenant, party) do update set code = excluded.code, legal_name = excluded.legal_name,
    kind = excluded.kind, roles = excluded.roles, status = excluded.status,
    parent = excluded.parent, gln = excluded.gln, duns = excluded.duns,
    tax_ids = excluded.tax_ids, source = excluded.source, changed_at = excluded.changed_at
"""
# What a person said a system's key means holds until a person says otherwise.
LINKED_BY_HAND = """
select asked.tenant, asked.system, asked.native_id, xref.hub_id
from unnest($1::text[], $2::text[], $3::text[]) as asked(tenant, system, native_id)
cross join lateral (
    select hub_id from xref where xref.tenant = asked.tenant and xref.system = asked.system
        and entity_type = 'party' and xref.native_id = asked.native_id and qualifier = 'id'
        and valid_to is null and asserted_by <> $4 and confidence <> 'PROVISIONAL'
    limit 1) xref
"""
# A parent that was named before it was known stands by its source's key until it is read.
PARTIES = """
select p.party, p.code, p.legal_name, p.kind, p.roles, p.status,
    case when named.hub_id is null then p.parent
        when named.hub_id = p.party then '' else named.hub_id end as parent,
    p.gln, p.duns, p.tax_ids, p.source, p.changed_at
from party p
left join lateral (
    select hub_id from xref where xref.tenant = $1 and entity_type = 'party'
        and xref.name = p.parent and system = p.source and valid_to is null
        and confidence <> 'PROVISIONAL'
    order by qualifier desc limit 1) named on p.parent <> '' and not exists (
        select from party known where known.tenant = $1 and known.party = p.parent)
where p.tenant = $1 and p.party > $2 and ($3::text[] is null or p.party = any($3))
order by p.party limit $4
"""
# A name that was a party's own id is whoever its links say by now: after a merger the other. One
# that is two parties' is nobody's.
PARTIES_OF = """
select asked.name, said.party from unnest($2::text[]) as asked(name)
cross join lateral (
    select min(hub_id) as party from xref
    where tenant = $1 and entity_type = 'party' and xref.name = asked.name and valid_to is null
        and confidence <> 'PROVISIONAL'
    having count(distinct hub_id) = 1) said
"""
NAMES_OF = """
select distinct x.hub_id, x.name from xref x
where x.tenant = $1 and x.entity_type = 'party' and x.hub_id = any($2::text[])
    and x.valid_to is null and x.confidence <> 'PROVISIONAL' and x.name <> x.hub_id
"""
# The codes that a record was told by.
CODES_OF = """
select native_id from xref
where tenant = $1 and system = $2 and entity_type = 'party' and record = $3
    and qualifier = 'code' and valid_to is null
"""


class PartyNames:
    """Says which names of a customer are one party's, in the caller's transaction.

    Names are compared without regard to case. Of a name that is nobody's, or several parties' in
    several systems, nothing is said: it stands for itself.
    """

    async def parties_of(
        self, tx: Transaction, tenant: str, names: Collection[str]
    ) -> dict[str, str]:
        """Give the hub's id of each comparable name that is another name of a party."""
        rows = await tx.fetch(PARTIES_OF, tenant, sorted(names)) if names else ()
        return {row["name"]: row["party"] for row in rows}

    async def known_as(
        self, tx: Transaction, tenant: str, names: Collection[str]
    ) -> dict[str, list[str]]:
        """Give all names of each: its party's id first, then those that are that party's alone."""
        party_of = await self.parties_of(tx, tenant, names)
        parties = {party_of.get(name, name) for name in names}
        rows = await tx.fetch(NAMES_OF, tenant, sorted(parties)) if parties else ()
        own = await self.parties_of(tx, tenant, {row["name"] for row in rows})
        others: dict[str, list[str]] = {}
        for party, name in sorted(map(tuple, rows)):
            if own.get(name) == party:
                others.setdefault(party, []).append(name)
        return {
            name: list(dict.fromkeys((party, name, *others.get(party, ()))))
            for name in names
            for party in [party_of.get(name, name)]
        }


class KnowsCustomers(Protocol):
    """Whoever goes by the names of customers."""

    async def renamed(self, tx: Transaction, names: Collection[str], now: datetime) -> None:
        """Hear of comparable names that are another customer's now, or one customer's."""
        ...


async def link(
    tx: Transaction, xref: XRef, confidence: Confidence, by: str, hears: KnowsCustomers | None
) -> None:
    """Link a key; the code that its system knows the same record by goes with it, and back."""
    rows = await tx.fetch(CODES_OF, tx.tenant, xref.system, xref.native_id)
    codes = [
        replace(xref, native_id=code, qualifier=Qualifier.CODE, record=xref.native_id)
        for code in (row["native_id"] for row in rows)
    ]
    names = {xref.hub_id, *(normalised(each.native_id) for each in (xref, *codes))}
    before = await PartyNames().known_as(tx, tx.tenant, names)
    await store.put_xrefs(tx, [xref, *codes], confidence, by)
    now = await PartyNames().known_as(tx, tx.tenant, names)
    if hears is not None and now != before:
        every = {name for known in (before, now) for some in known.values() for name in some}
        await hears.renamed(tx, every, xref.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyRecord:
    """`parent` is the id of the party that it belongs to, by its own key until it is known."""

    party: str
    code: str
    legal_name: str
    kind: str
    roles: tuple[str, ...]
    status: str
    parent: str
    gln: str
    duns: str
    tax_ids: tuple[str, ...]
    source: str
    changed_at: datetime


async def as_linked(tx: Transaction, facts: Sequence[Heard]) -> list[Heard]:
    """Hear what a source says of a party as of the one that a person linked its key or code to."""
    said = [fact for fact in facts if isinstance(fact.event.payload, PartyChanged)]
    if not said:
        return list(facts)
    asked = {
        (fact.event.tenant, fact.event.source, name)
        for fact in said
        for name, _ in native_names(fact)
    }
    rows = await tx.fetch(LINKED_BY_HAND, *store.columns(asked, 3), store.BY_SOURCE)
    linked = {(row["tenant"], row["system"], row["native_id"]): row["hub_id"] for row in rows}
    return [_as_linked(fact, linked) for fact in facts]


def _as_linked(fact: Heard, linked: Mapping[tuple[str, str, str], str]) -> Heard:
    if not isinstance(fact.event.payload, PartyChanged):
        return fact
    for name, _ in reversed(native_names(fact)):  # the key before the code
        hub_id = linked.get((fact.event.tenant, fact.event.source, name))
        if hub_id is not None:
            return replace(fact, hub_id=hub_id)
    return fact


async def put(tx: Transaction, facts: Sequence[Heard]) -> None:
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    for fact in facts:
        party = fact.event.payload
        if isinstance(party, PartyChanged):
            # Who names himself, by a link made by hand too, is the top of a tree.
            own = {fact.hub_id, *(name for name, _ in native_names(fact))}
            rows[fact.hub_key] = (
                *fact.hub_key,
                code if normalised(code := party.code.strip()) == fact.hub_id else fact.hub_id,
                party.legal_name,
                party.kind,
                json.dumps(party.roles),
                party.status,
                "" if normalised(party.parent) in own else party.parent,
                party.gln.strip(),
                party.duns,
                json.dumps(party.tax_ids),
                fact.event.source,
                fact.event.received_at,
            )
    await tx.execute(PUT_PARTIES, *store.columns(rows.values(), 13))


async def listed(
    tx: Transaction, after: str, wanted: Sequence[str] | None, limit: int
) -> list[PartyRecord]:
    rows = await tx.fetch(PARTIES, tx.tenant, after, wanted, limit)
    fields: list[dict[str, Any]] = [
        {**dict(row), "roles": tuple(row["roles"]), "tax_ids": tuple(row["tax_ids"])}
        for row in rows
    ]
    return [PartyRecord(**each) for each in fields]
