"""The time zone of each location, for whoever goes by its clock."""

from collections.abc import Sequence

from crossdock.foundation.database import Transaction

TIME_ZONES = """
select tenant, location, timezone from location
where (tenant, location) in (select * from unnest($1::text[], $2::text[]))
"""


async def zones_in(
    tx: Transaction, places: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """Answer the zone of each (tenant, location); one that nobody knows is left out."""
    tenants, locations = [of for of, _ in places], [name for _, name in places]
    rows = await tx.fetch(TIME_ZONES, tenants, locations)
    return {(row["tenant"], row["location"]): row["timezone"] for row in rows}
