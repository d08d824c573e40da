"""Partners, their identities and agreements as stored."""

from collections.abc import Sequence
from typing import Any

import msgspec

from crossdock.canonical.parties import PartyRole
from crossdock.canonical.partners import (
    Acknowledgment,
    Agreement,
    Contact,
    Direction,
    Identity,
    IdentityKind,
    OnboardingState,
    Standard,
)
from crossdock.canonical.people import folded
from crossdock.capabilities.partners.model import Partner, address
from crossdock.foundation.database import Transaction

IN_TURNS = "select pg_advisory_xact_lock(hashtextextended('partners/' || $1, 0))"
FIND = """
select * from partner
where tenant = $1 and ($2 = '' or partner = $2 or name_key = $3) and name_key > $4
    and ($5 = '' or state = $5) and ($6 = '' or $6 = any(roles))
order by name_key limit $7
"""
IDENTITIES = """
select * from partner_identity where tenant = $1 and partner = any($2::text[])
order by partner, kind, qualifier, value
"""
AGREEMENTS = """
select * from partner_agreement where tenant = $1 and partner = any($2::text[])
order by partner, standard, document, direction
"""
OWNER_OF = "select partner from partner_identity where tenant = $1 and address = $2"
OWNERS_OF = """
select address, partner from partner_identity where tenant = $1 and address = any($2::text[])
"""
PUT = """
insert into partner (tenant, partner, name, name_key, roles, owner, contacts, state, version,
    tested_by, changed_by, changed_at)
values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11, $12)
on conflict (tenant, partner) do update set
    name = excluded.name, name_key = excluded.name_key, roles = excluded.roles,
    owner = excluded.owner, contacts = excluded.contacts, state = excluded.state,
    version = excluded.version, tested_by = excluded.tested_by,
    changed_by = excluded.changed_by, changed_at = excluded.changed_at
"""
ADD_IDENTITY = """
insert into partner_identity (tenant, address, partner, kind, qualifier, value)
values ($1, $2, $3, $4, $5, $6)
"""
CLEAR_IDENTITY = """
delete from partner_identity where tenant = $1 and address = $2 and partner = $3
returning address
"""
AGREE = """
insert into partner_agreement (tenant, partner, standard, document, direction, version, guide,
    acknowledgment, within_minutes)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (tenant, partner, standard, document, direction) do update set
    version = excluded.version, guide = excluded.guide,
    acknowledgment = excluded.acknowledgment, within_minutes = excluded.within_minutes
"""
END_AGREEMENT = """
delete from partner_agreement where tenant = $1 and partner = $2 and standard = $3
    and document = $4 and direction = $5
returning partner
"""


async def find(
    tx: Transaction,
    named: str = "",
    *,
    after: str = "",
    state: str = "",
    role: str = "",
    limit: int = 1,
) -> list[Partner]:
    """Give partners with all that is known of them, by name; `named` by id or name."""
    rows = await tx.fetch(FIND, tx.tenant, named, folded(named), folded(after), state, role, limit)
    ids = [row["partner"] for row in rows]
    identities = _by_partner(await tx.fetch(IDENTITIES, tx.tenant, ids))
    agreements = _by_partner(await tx.fetch(AGREEMENTS, tx.tenant, ids))
    return [
        _partner(row, identities.get(row["partner"], []), agreements.get(row["partner"], []))
        for row in rows
    ]


async def put(tx: Transaction, one: Partner) -> None:
    await tx.execute(
        PUT,
        tx.tenant,
        one.partner,
        one.name,
        folded(one.name),
        [str(role) for role in one.roles],
        one.owner,
        msgspec.json.encode(one.contacts).decode(),
        one.state,
        one.version,
        one.tested_by,
        one.changed_by,
        one.changed_at,
    )


async def owner_of(tx: Transaction, one: Identity) -> str:
    """Give the partner whose identity it is; "" is nobody's."""
    return await tx.fetchval(OWNER_OF, tx.tenant, address(one)) or ""


async def owners_of(tx: Transaction, these: Sequence[Identity]) -> dict[Identity, str]:
    rows = await tx.fetch(OWNERS_OF, tx.tenant, [address(one) for one in these])
    found = {row["address"]: row["partner"] for row in rows}
    return {one: found[address(one)] for one in these if address(one) in found}


async def add_identity(tx: Transaction, partner: str, one: Identity) -> None:
    await tx.execute(
        ADD_IDENTITY, tx.tenant, address(one), partner, one.kind, one.qualifier, one.value
    )


async def clear_identity(tx: Transaction, partner: str, one: Identity) -> bool:
    return await tx.fetchval(CLEAR_IDENTITY, tx.tenant, address(one), partner) is not None


async def agree(tx: Transaction, partner: str, one: Agreement) -> None:
    await tx.execute(
        AGREE,
        tx.tenant,
        partner,
        one.standard,
        one.document,
        one.direction,
        one.version,
        one.guide,
        one.acknowledgment,
        one.within_minutes,
    )


async def end_agreement(tx: Transaction, partner: str, one: Agreement) -> bool:
    key = (one.standard, one.document, one.direction)
    return await tx.fetchval(END_AGREEMENT, tx.tenant, partner, *key) is not None


def _by_partner(rows: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row["partner"], []).append(row)
    return found


def _partner(row: Any, identities: Sequence[Any], agreements: Sequence[Any]) -> Partner:
    return Partner(
        partner=row["partner"],
        name=row["name"],
        roles=tuple(PartyRole(role) for role in row["roles"]),
        owner=row["owner"],
        contacts=msgspec.json.decode(row["contacts"], type=tuple[Contact, ...]),
        state=OnboardingState(row["state"]),
        version=row["version"],
        tested_by=row["tested_by"],
        changed_by=row["changed_by"],
        changed_at=row["changed_at"],
        identities=tuple(
            Identity(IdentityKind(one["kind"]), one["value"], one["qualifier"])
            for one in identities
        ),
        agreements=tuple(_agreement(one) for one in agreements),
    )


def _agreement(row: Any) -> Agreement:
    return Agreement(
        standard=Standard(row["standard"]),
        document=row["document"],
        direction=Direction(row["direction"]),
        version=row["version"],
        guide=row["guide"],
        acknowledgment=Acknowledgment(row["acknowledgment"]),
        within_minutes=row["within_minutes"],
    )
