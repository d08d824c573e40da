"""Since when a commitment is known, was sent and was shipped: the first of all its versions.

The state that stands is the newest version's; these are of every version, in whatever order they
come.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from crossdock.canonical.supply import SupplyEvidence
from crossdock.foundation.database import Transaction

if TYPE_CHECKING:
    from crossdock.capabilities.supply.store import Heard

KEEP = """
update supply_commitment s set heard_us = least(s.heard_us, k.heard),
    sent_us = least(s.sent_us, k.sent), shipped_us = least(s.shipped_us, k.shipped)
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
    k(tenant, supply_id, source, heard, sent, shipped)
where s.tenant = k.tenant and s.supply_id = k.supply_id and s.source = k.source
    and (s.heard_us is null or k.heard < s.heard_us
        or k.sent < coalesce(s.sent_us, k.sent + 1)
        or k.shipped < coalesce(s.shipped_us, k.shipped + 1))
"""
_COLUMN = {SupplyEvidence.SENT.value: 1, SupplyEvidence.SHIPPED.value: 2}


async def keep_since(tx: Transaction, heard: Iterable["Heard"]) -> None:
    """Note of each commitment the earliest that a page says of it, all versions told."""
    found: dict[tuple[str, str, str], list[int | None]] = {}
    for one in heard:
        key = (one.tenant, one.supply_id, one.source)
        firsts = found.setdefault(key, [None, None, None])
        for column in {0, _COLUMN.get(one.evidence, 0)}:
            had = firsts[column]
            firsts[column] = one.us if had is None else min(had, one.us)
    if found:
        rows = [(*key, *found[key]) for key in sorted(found)]
        await tx.execute(KEEP, *map(list, zip(*rows, strict=True)))
