"""Rules as stored, version by version."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.rules import Rules, Version, content_of, rules_of
from crossdock.capabilities.reconciliation.triggers import Counting
from crossdock.foundation.database import Transaction

NEWEST = """
select version, put_at, put_by, content from reconciliation_rules
where tenant = $1 order by version desc limit 1
"""
ALL = """
select version, put_at, put_by, content from reconciliation_rules
where tenant = $1 order by version desc limit $2
"""
# One at a time in a house, so that each is the next.
ALONE = "select pg_advisory_xact_lock(hashtextextended('reconciliation_rules ' || $1, 0))"
PUT = """
insert into reconciliation_rules (tenant, version, put_at, put_by, content)
values ($1, $2, $3, $4, $5)
"""


async def newest(tx: Transaction) -> Version | None:
    """Give the rules that a tenant has put last; None: those built in hold."""
    row = await tx.fetchrow(NEWEST, tx.tenant)
    return None if row is None else _version(row)


async def house(tx: Transaction, built_in: Policy) -> tuple[Policy, int]:
    """Give what is agreed on, and its version: what this tenant has put, or 0, built in."""
    put = await newest(tx)
    if put is None:
        return built_in, 0
    rules = put.rules
    policy = replace(
        built_in,
        tolerance=rules.tolerance,
        brake=rules.brake,
        document_ppm=rules.document_ppm,
        prices=rules.prices,
    )
    return policy, put.version


async def currency(tx: Transaction, built_in: Policy) -> str:
    """Name the functional currency of the house, or give ""."""
    return (await house(tx, built_in))[0].brake.currency


async def counting(tx: Transaction) -> Counting:
    """Say which counts the hub asks for by itself, and how many in a day."""
    put = await newest(tx)
    return put.rules.counting if put else Counting()


async def versions(tx: Transaction, limit: int) -> list[Version]:
    return [_version(row) for row in await tx.fetch(ALL, tx.tenant, limit)]


async def put(
    tx: Transaction, rules: Rules, by: str, now: datetime
) -> tuple[Version, Version | None]:
    """Put the next version, and give the last one too; the same again is the one that is there."""
    await tx.execute(ALONE, tx.tenant)
    last = await newest(tx)
    if last is not None and last.rules == rules:
        return last, last
    made = Version(version=1 + (last.version if last else 0), put_at=now, put_by=by, rules=rules)
    content = msgspec.json.encode(content_of(rules)).decode()
    await tx.execute(PUT, tx.tenant, made.version, now, by, content)
    return made, last


def _version(row: Any) -> Version:
    return Version(
        version=row["version"],
        put_at=row["put_at"],
        put_by=row["put_by"],
        rules=rules_of(msgspec.json.decode(row["content"])),
    )
