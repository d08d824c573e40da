"""The purchases that suppliers send order lines on: none of them is supply of ours (§3.5).

An order names them whether or not they are heard of; who forgets an order forgets them with it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from crossdock.foundation.database import Transaction

PUT_SENT = """
insert into supply_drop_ship (tenant, source, order_id, supply_id)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
on conflict (tenant, source, order_id, supply_id) do nothing
"""

# Where those purchases are expected, and the notices of them.
SENT_AT = """
select s.tenant, s.item, s.location from unnest($1::text[], $2::text[]) k(tenant, supply_id)
join supply_commitment s on s.tenant = k.tenant and s.supply_id = k.supply_id and s.micros > 0
union
select s.tenant, s.item, s.location from unnest($1::text[], $2::text[]) k(tenant, supply_id)
join supply_commitment s on s.tenant = k.tenant and s.parent_supply_id = k.supply_id
    and s.parent_supply_id <> '' and s.micros > 0
"""


class Sent(NamedTuple):
    """The purchase that a line of an order is sent on by its supplier."""

    tenant: str
    source: str
    order_id: str
    supply_id: str


async def keep_sent(tx: Transaction, sent: Sequence[Sent]) -> list[tuple[str, str, str]]:
    """Keep what orders name; give (tenant, item, location) where it was expected as ours."""
    if not sent:
        return []
    await tx.execute(PUT_SENT, *map(list, zip(*sent, strict=True)))
    at = await tx.fetch(SENT_AT, [one.tenant for one in sent], [one.supply_id for one in sent])
    return [(row["tenant"], row["item"], row["location"]) for row in at]
