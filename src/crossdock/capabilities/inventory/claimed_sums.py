"""What orders claim of each stock row in all, by who ordered, kept as sums.

So who asks how much is claimed by a channel or a customer reads as many rows as there are names,
however many order lines are open. They change with the lines, under the lock of the stock rows.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from crossdock.capabilities.inventory.store import Key
from crossdock.foundation.database import Transaction

# A sum that comes to nothing is kept no longer: customers come and go.
MOVE = """
merge into inventory_claimed c
using unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[])
    d(tenant, stock_id, customer, channel, micros)
on c.tenant = d.tenant and c.stock_id = d.stock_id and c.customer = d.customer
    and c.channel = d.channel
when matched and c.micros + d.micros = 0 then delete
when matched then update set micros = c.micros + d.micros
when not matched then insert (tenant, stock_id, customer, channel, micros)
    values (d.tenant, d.stock_id, d.customer, d.channel, d.micros)
"""

# Of every channel all that is claimed, and of these customers what each claims in which channel.
CLAIMED_BY = """
select s.item, s.location, c.customer, c.channel, c.micros
from unnest($2::text[], $3::text[]) k(item, location)
join inventory_stock s on s.tenant = $1 and s.item = k.item and s.location = k.location
join inventory_claimed c on c.tenant = $1 and c.stock_id = s.stock_id
    and c.customer = any($4::text[])
order by s.item, s.location, c.customer, c.channel
"""


class Claiming(Protocol):
    """An order line's claim, as it is or was."""

    @property
    def stock_id(self) -> int | None: ...
    @property
    def customer(self) -> str: ...
    @property
    def channel(self) -> str: ...
    @property
    def overlay(self) -> int: ...


class ClaimedBy(NamedTuple):
    """So much is claimed there by the orders of a customer in a channel; "": of all customers."""

    item: str
    location: str
    customer: str
    channel: str
    micros: int


async def move(tx: Transaction, changed: Iterable[tuple[str, Claiming | None, Claiming]]) -> None:
    """Move the sums with claims of tenants that are another now; the stock rows are locked."""
    sums: Counter[tuple[str, int, str, str]] = Counter()
    for tenant, before, after in changed:
        for claim, sign in ((before, -1), (after, 1)):
            if claim is None or claim.stock_id is None or not claim.overlay:
                continue
            for customer in {"", claim.customer}:
                sums[tenant, claim.stock_id, customer, claim.channel] += sign * claim.overlay
    moved = sorted((*key, micros) for key, micros in sums.items() if micros)
    if moved:
        await tx.execute(MOVE, *map(list, zip(*moved, strict=True)))


async def claimed_by(
    tx: Transaction, tenant: str, keys: Sequence[Key], customers: Iterable[str]
) -> list[ClaimedBy]:
    """Give what orders claim of each key: by channel, and of these customers by name, too."""
    columns = [item for item, _ in keys], [location for _, location in keys]
    rows = await tx.fetch(CLAIMED_BY, tenant, *columns, ["", *sorted(customers)])
    return [ClaimedBy(*row) for row in rows]
