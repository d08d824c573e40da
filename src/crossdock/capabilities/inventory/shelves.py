"""Which shelves goods have left empty: what lies there no more was carried off, and by whom."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.identifiers import joined
from crossdock.canonical.inventory import OFF_THE_SHELF, ShelfEmptied, StockMoved
from crossdock.capabilities.inventory.facts import HUB
from crossdock.capabilities.inventory.folding import Folded
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry

Shelf = tuple[str, str]
"""A location and an item."""

EMPTIED = """
select p.location, p.item from unnest($2::text[], $3::text[]) k(location, item)
join inventory_position p on p.tenant = $1 and p.location = k.location and p.item = k.item
where p.status <> all($4::text[])
group by p.location, p.item having bool_and(p.micros = 0)
"""


async def emptied(tx: Transaction, shelves: Sequence[Shelf]) -> set[Shelf]:
    """Say which of these (location, item) hold nothing but what is staged or in transit."""
    places, items = [place for place, _ in shelves], [item for _, item in shelves]
    rows = await tx.fetch(EMPTIED, tx.tenant, places, items, list(OFF_THE_SHELF))
    return {(row["location"], row["item"]) for row in rows}


async def tell(tx: Transaction, folded: Iterable[Folded], cause: str, at: datetime) -> None:
    """Tell of each shelf that a movement of this page has left empty.

    `cause` tells one time from the next. What a snapshot or the filling in of history says is no
    news of a shelf.
    """
    asked: dict[str, dict[Shelf, Event]] = defaultdict(dict)
    for before, after, _, because in folded:
        bucket = before.bucket
        if after.micros or because is None or bucket.status in OFF_THE_SHELF:
            continue
        if isinstance(because.payload, StockMoved) and not because.fact.replay:
            asked[bucket.tenant][bucket.location, bucket.item] = because
    entries = [
        _entry(shelf, shelves[shelf], cause, at)
        for tenant, shelves in sorted(asked.items())
        for shelf in sorted(await emptied(tx.of(tenant), sorted(shelves)))
    ]
    await event_log.append(tx, entries)


def _entry(shelf: Shelf, because: Event, cause: str, at: datetime) -> Entry:
    location, item = shelf
    fact = Fact(
        identity=joined("emptied", item, location, cause),
        payload=ShelfEmptied(item=item, location=location),
        occurred_at=because.fact.occurred_at,
        recorded_at=at,
        correlation_id=because.fact.correlation_id,
        causation_id=because.event_id,
    )
    return Entry(tenant=because.tenant, source=HUB, received_at=at, fact=fact)
