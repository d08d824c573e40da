"""Which shelves goods have left empty: what lies there no more was carried off, and by whom."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.identifiers import joined
from crossdock.canonical.inventory import OFF_THE_SHELF, ShelfEmptied
from crossdock.capabilities.inventory.facts import HUB
from crossdock.capabilities.inventory.folding import Folded
from crossdock.capabilities.inventory.page import Movement
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry

Shelf = tuple[str, str]
"""A location and an item."""

# Each question stops at the first row, by an index of what lies there now: lots and serial numbers
# that are gone are not read.
EMPTIED = """
select k.location, k.item from unnest($2::text[], $3::text[]) k(location, item)
where not exists (select from inventory_position p
    where p.tenant = $1 and p.location = k.location and p.item = k.item
        and p.holds_goods and p.status <> all($4::text[]))
and not exists (select from inventory_position p
    where p.tenant = $1 and p.location = k.location and p.item = k.item
        and p.is_negative and p.status <> all($4::text[]))
and exists (select from inventory_position p
    where p.tenant = $1 and p.location = k.location and p.item = k.item
        and p.status <> all($4::text[]))
"""


async def emptied(tx: Transaction, shelves: Sequence[Shelf]) -> set[Shelf]:
    """Say which of these (location, item) hold nothing but what is staged or in transit."""
    places, items = [place for place, _ in shelves], [item for _, item in shelves]
    rows = await tx.fetch(EMPTIED, tx.tenant, places, items, list(OFF_THE_SHELF))
    return {(row["location"], row["item"]) for row in rows}


async def tell(
    tx: Transaction,
    folded: Iterable[Folded],
    fresh: Iterable[Movement],
    cause: str,
    at: datetime,
) -> None:
    """Tell of each shelf that a new movement of this page has left empty.

    `cause` tells one time from the next. What the filling in of history moves is no news of a
    shelf; nor is a balance, which may follow in the same page.
    """
    empty = {one.before.bucket for one in folded if not one.after.micros}
    asked: dict[str, dict[Shelf, Event]] = defaultdict(dict)
    for moved in sorted(fresh, key=lambda one: one.position):
        bucket = moved.source
        if bucket is None or bucket not in empty or bucket.status in OFF_THE_SHELF:
            continue
        if moved.micros and not moved.event.fact.replay:
            asked[bucket.tenant][bucket.location, bucket.item] = moved.event
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
