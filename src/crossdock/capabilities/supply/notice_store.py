"""What ship notices announced: their newest version that has goods to come."""

from collections.abc import Iterable
from typing import NamedTuple

from crossdock.foundation.database import Transaction

KEEP = """
update supply_commitment s set announced = k.micros, announced_unit = k.unit,
    announced_by = array[k.rank, k.us, k.position]
from unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[],
    $7::bigint[], $8::bigint[]) k(tenant, supply_id, source, micros, unit, rank, us, position)
where s.tenant = k.tenant and s.supply_id = k.supply_id and s.source = k.source
    and (s.announced_by is null or array[k.rank, k.us, k.position] > s.announced_by)
"""


class Announced(NamedTuple):
    """What a version of a notice announces: to come, and received of it by then."""

    tenant: str
    supply_id: str
    source: str
    micros: int
    unit: str
    rank: int
    us: int
    position: int


async def keep_announced(tx: Transaction, said: Iterable[Announced]) -> None:
    """Keep of each notice what its newest version with goods to come announces."""
    newest: dict[tuple[str, str, str], Announced] = {}
    for one in said:
        had = newest.setdefault(one[:3], one)
        newest[one[:3]] = max(had, one, key=lambda each: each[-3:])
    if newest:
        rows = [newest[key] for key in sorted(newest)]
        await tx.execute(KEEP, *map(list, zip(*rows, strict=True)))
