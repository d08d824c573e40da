"""Marks of what a source lists no more: beside its last word, until it is listed again.

A mark is no version: whatever newer the source tells stands over it.
"""

from collections.abc import Iterable
from typing import NamedTuple

from crossdock.foundation.database import Transaction

UNLIST = """
update supply_commitment s set unlisted_micros = s.micros, micros = 0
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
    k(tenant, supply_id, source, micros, us, position)
where s.tenant = k.tenant and s.supply_id = k.supply_id and s.source = k.source
    and s.micros > 0 and s.us <= k.us and s.position < k.position
"""
RELIST = """
update supply_commitment s
set micros = k.micros, unlisted_micros = null
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
    k(tenant, supply_id, source, micros, us, position)
where s.tenant = k.tenant and s.supply_id = k.supply_id and s.source = k.source
    and s.unlisted_micros is not null and s.position < k.position
"""


class Mark(NamedTuple):
    """What a reading of all that is open said of a commitment: how much is to come, if listed."""

    tenant: str
    supply_id: str
    source: str
    micros: int
    us: int
    position: int
    is_listed: bool


async def mark(tx: Transaction, marks: Iterable[Mark]) -> None:
    """Keep the last mark of each commitment; one that lists it is of one that left it out."""
    told = sorted(marks, key=lambda one: one.position)
    newest = {one[:3]: one for one in told}
    left_out = {one[:3]: one for one in told if not one.is_listed}
    listed = {key: one for key, one in newest.items() if one.is_listed}
    for statement, found in ((UNLIST, left_out), (RELIST, listed)):
        if chosen := [found[key][:6] for key in sorted(found)]:
            await tx.execute(statement, *map(list, zip(*chosen, strict=True)))
