"""Marks of what a source lists no more: beside its last word, which holds again once it is listed.

A mark is no version: whatever newer the source tells stands over it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from crossdock.foundation.database import Transaction

UNLIST = """
update supply_commitment s set unlisted_micros = s.micros, unlisted_unit = k.unit, micros = 0
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
    k(tenant, supply_id, source, unit, us, position)
where s.tenant = k.tenant and s.supply_id = k.supply_id and s.source = k.source
    and s.micros > 0 and s.us <= k.us and s.position < k.position
"""
RELIST = """
update supply_commitment s
set micros = s.unlisted_micros, unlisted_micros = null, unlisted_unit = null
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[])
    k(tenant, supply_id, source, unit, us, position)
where s.tenant = k.tenant and s.supply_id = k.supply_id and s.source = k.source
    and s.unlisted_micros is not null and s.position < k.position
"""


class Mark(NamedTuple):
    """What a reading of all that is open said of a commitment."""

    tenant: str
    supply_id: str
    source: str
    unit: str
    us: int
    position: int
    is_listed: bool


async def mark(tx: Transaction, marks: Iterable[Mark]) -> None:
    """Keep the last mark of each commitment."""
    newest = {one[:3]: one for one in sorted(marks, key=lambda one: one.position)}
    ordered = [newest[key] for key in sorted(newest)]
    for statement, is_listed in ((UNLIST, False), (RELIST, True)):
        if chosen := [one[:6] for one in ordered if one.is_listed == is_listed]:
            await tx.execute(statement, *map(list, zip(*chosen, strict=True)))
