"""Who must look again when the claim of another channel to their pool changes (§3.6, §3.7)."""

from collections.abc import Iterable
from typing import Any

from crossdock.foundation.database import Transaction
from crossdock.orchestration.engine.process import Key
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_writes import Listing, pattern_of

# What a channel keeps from others, and where; none while it is off, or keeps nothing.
CLAIM = """
select c.covers, c.source_locations[1] as calendar, c.share_mode, c.share_fixed, c.share_min,
    c.share_max, c.period, c.share_percent,
    array(select row(i.item, i.is_excluded, i.share_fixed, i.share_min, i.share_max,
            i.unit_numerator, i.unit_denominator)::text
        from publishing_item i
        where i.tenant = $1 and i.connection = $2 and i.location = $3 order by i.item) as items
from publishing_channel c
where c.tenant = $1 and c.connection = $2 and c.location = $3 and c.is_active
    and c.share_mode in ('PARTITION', 'PROTECTED', 'PERCENT')
"""

BESIDE = """
select connection, location from publishing_channel
where tenant = $1 and is_active and covers && $2::text[] and (connection, location) <> ($3, $4)
order by connection, location
"""

# Every item that a channel has ever been told about.
INSTANCES = """
select instance from process_instance
where process = $1 and tenant = $2 and instance like $3
"""


async def claim_of(tx: Transaction, channel: Listing) -> Any:
    """Read what a channel keeps from the others of its pool, to compare it with a later one."""
    return await tx.fetchrow(CLAIM, tx.tenant, channel.connection, channel.location)


async def listed(tx: Transaction, channel: Listing) -> list[Key]:
    rows = await tx.fetch(INSTANCES, NAME, tx.tenant, pattern_of(channel))
    return [Key(tx.tenant, row["instance"]) for row in rows]


async def listed_beside(tx: Transaction, channel: Listing, *claims: Any) -> list[Key]:
    """Name all listings of other channels that these claims of a channel concern."""
    places = sorted(_places(claim for claim in claims if claim is not None))
    keys: list[Key] = []
    own = (channel.connection, channel.location)
    for row in await tx.fetch(BESIDE, tx.tenant, places, *own):
        keys += await listed(tx, Listing(row["connection"], row["location"], ""))
    return keys


def _places(claims: Iterable[Any]) -> set[str]:
    return {place for claim in claims for place in claim["covers"]}
