"""The ledger as it stood at an instant, in order of its keys and page by page: for comparing.

Nothing is written and nothing waits. One transaction sees one moment, and what was recorded after
the cut is taken off again, so it does not matter that the ledger goes on meanwhile. The cost
follows the positions that are asked for and what moved since the cut, not the history.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from crossdock.capabilities.inventory import shelves
from crossdock.capabilities.inventory.ledger import microseconds
from crossdock.foundation.database import Transaction, WorkersSql

PAGE = 2_000
"""So many positions are read at once: few enough that whoever else works here waits for little."""

RECENT = 50
"""So many of a bucket's newest movements are shown, of each stream and direction."""

# Before anything is asked: then all that is asked sees the same moment.
ONE_MOMENT = "set transaction isolation level repeatable read, read only"

PAGE_OF = """
select location, item, status, owner, lot, serial, unit, micros, opening_us
from inventory_position
where tenant = $1 and location = $2
    and (item, status, owner, lot, serial) > ($3, $4, $5, $6, $7)
order by item, status, owner, lot, serial limit $8
"""

SOME_OF = """
select p.location, p.item, p.status, p.owner, p.lot, p.serial, p.unit, p.micros,
    p.opening_us
from unnest($2::text[], $3::text[]) k(location, item)
join inventory_position p on p.tenant = $1 and p.location = k.location and p.item = k.item
order by p.location, p.item, p.status, p.owner, p.lot, p.serial
"""

# What each bucket gained after the cut of its location, in the order of the pages. Only what came
# in since then can have been recorded since then, so the older part of the ledger is not read.
MOVED_AFTER = """
declare moved_after no scroll cursor for
select p.location, p.item, p.status, p.owner, p.lot, p.serial, sum(m.net)::bigint as net
from (
    select to_position as position_id, micros as net, us from inventory_movement
    where tenant = $1 and event_position > $2 and to_position is not null
    union all
    select from_position, -micros, us from inventory_movement
    where tenant = $1 and event_position > $2 and from_position is not null) m
join inventory_position p on p.tenant = $1 and p.position_id = m.position_id
join unnest($3::text[], $4::bigint[]) c(location, us) on c.location = p.location
where m.us > c.us
group by p.location, p.item, p.status, p.owner, p.lot, p.serial
order by p.location, p.item, p.status, p.owner, p.lot, p.serial
"""
NEXT_MOVED = "fetch forward 5000 from moved_after"
NO_MORE = "close moved_after"

RECENT_OF = """
select p.item, p.location, p.status, p.owner, p.lot, p.serial, m.net, m.us, m.occurred_at,
    m.type, m.source, m.movement_id, m.document_ref, m.event_position,
    coalesce(d.zone, 'UTC') as zone
from unnest($2::text[], $3::text[], $4::bigint[]) k(item, location, until)
left join inventory_day d on d.tenant = $1 and d.location = k.location
join inventory_position p on p.tenant = $1 and p.item = k.item and p.location = k.location
join inventory_stream s on s.tenant = $1
cross join lateral (
    (select micros as net, us, occurred_at, type, source, movement_id, document_ref, seq,
        event_position
    from inventory_movement v where v.tenant = $1 and v.to_position = p.position_id
        and v.stream = s.stream and v.us <= k.until order by v.seq desc limit $5)
    union all
    (select -micros, us, occurred_at, type, source, movement_id, document_ref, seq,
        event_position
    from inventory_movement v where v.tenant = $1 and v.from_position = p.position_id
        and v.stream = s.stream and v.us <= k.until order by v.seq desc limit $5)) m
"""

# What came in behind a place in the log, though it was recorded by the cut, of what can be sold.
# What a count holds already changed nothing. Among the newest of each stream and direction.
LATE_OF = """
select k.n, sum(m.net)::bigint as net
from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) with ordinality
    k(item, location, until, seen, n)
join inventory_position p on p.tenant = $1 and p.item = k.item and p.location = k.location
    and p.status = 'AVAILABLE'
join inventory_stream s on s.tenant = $1
cross join lateral (
    (select micros as net, us, seq, event_position from inventory_movement v
    where v.tenant = $1 and v.to_position = p.position_id and v.stream = s.stream
        and v.us <= k.until order by v.seq desc limit $6)
    union all
    (select -micros, us, seq, event_position from inventory_movement v
    where v.tenant = $1 and v.from_position = p.position_id and v.stream = s.stream
        and v.us <= k.until order by v.seq desc limit $6)) m
where m.event_position > k.seen and case when p.opening_us is null then true
    when p.opening_stream = s.stream then m.seq > p.opening_seq else m.us > p.opening_us end
group by k.n
"""
LATE_MAX = 200

# The locations one after the other, each by the index, and how many items each has.
PLACES = """
with recursive place(location) as (
    (select location from inventory_position where tenant = $1 order by location limit 1)
    union all
    select (select p.location from inventory_position p
        where p.tenant = $1 and p.location > place.location order by p.location limit 1)
    from place where place.location is not null)
select location, (select count(distinct p.item) from inventory_position p
    where p.tenant = $1 and p.location = place.location) as items
from place where location is not null
"""
ITEMS_AT = """
select distinct item from inventory_position
where tenant = $1 and location = $2 and item > $3 order by item limit $4
"""

# No bucket on the shelf holds anything, and none less than nothing.
KNOWN = """
select distinct p.location, p.item from unnest($2::text[], $3::text[]) k(location, item)
join inventory_position p on p.tenant = $1 and p.location = k.location and p.item = k.item
"""

# Of tenants: whose stock is below zero on the shelf, and was so for long enough to be a case.
WITH_NEGATIVE = WorkersSql("""
select distinct tenant from inventory_negative where told_as <> '' and is_shelf order by tenant
""")
NEGATIVE = """
select location, item from inventory_negative
where tenant = $1 and told_as <> '' and is_shelf and ($2 = '' or location = $2)
order by location, item limit $3
"""

HEARD = "select source, heard_at from inventory_source where tenant = $1"


class BucketAtCut(NamedTuple):
    """What lay in one bucket, in micros of the base unit."""

    status: str
    owner: str
    lot: str
    serial: str
    micros: int


class KeyAtCut(NamedTuple):
    """What lay of an item at a location, bucket by bucket.

    `counted_us` is when the newest count was taken that the buckets start from, 0 if none was.
    What lay before a count is only known by the movements since.
    """

    location: str
    item: str
    unit: str
    buckets: list[BucketAtCut]
    counted_us: int = 0


class Recent(NamedTuple):
    """What a movement changed in one bucket; `us` is when its source recorded it.

    The days of its location go by the time `zone`.
    """

    item: str
    location: str
    status: str
    owner: str
    lot: str
    serial: str
    net: int
    us: int
    occurred_us: int
    type: str
    source: str
    movement_id: str
    document_ref: str
    position: int
    zone: str


class LedgerAtCut:
    """Reads in the caller's transaction, which must have asked nothing before `begin`."""

    def __init__(self, page: int = PAGE) -> None:
        self._page = page

    async def begin(self, tx: Transaction) -> None:
        await tx.execute(ONE_MOMENT)

    def keys(
        self, tx: Transaction, cuts: Mapping[str, int], since: int
    ) -> AsyncIterator[KeyAtCut]:
        """Give what lay at each location at its cut (microseconds), by location and item.

        `since` is a place in the log before which nothing was recorded after any of the cuts.
        """
        return _at_cut(tx, cuts, since, _rows_at(tx, sorted(cuts), self._page))

    def some_keys(
        self,
        tx: Transaction,
        cuts: Mapping[str, int],
        since: int,
        wanted: Sequence[tuple[str, str]],
    ) -> AsyncIterator[KeyAtCut]:
        """Give the same of these (location, item) alone, which are in order."""
        return _at_cut(tx, cuts, since, _rows_of(tx, wanted, self._page))

    async def places(self, tx: Transaction) -> dict[str, int]:
        """Tell how many items the ledger has at each location."""
        return {row["location"]: row["items"] for row in await tx.fetch(PLACES, tx.tenant)}

    async def known(
        self, tx: Transaction, keys: Sequence[tuple[str, str]]
    ) -> set[tuple[str, str]]:
        """Say of which of these (location, item) anything was ever told."""
        places, items = [place for place, _ in keys], [item for _, item in keys]
        rows = await tx.fetch(KNOWN, tx.tenant, places, items)
        return {(row["location"], row["item"]) for row in rows}

    async def emptied(
        self, tx: Transaction, keys: Sequence[tuple[str, str]]
    ) -> set[tuple[str, str]]:
        """Say which of these (location, item) hold nothing but what is staged or in transit."""
        return await shelves.emptied(tx, keys)

    async def with_negative(self, tx: Transaction) -> list[str]:
        """Name the tenants of which stock has been below zero for so long that it is a case."""
        return [row["tenant"] for row in await tx.fetch(WITH_NEGATIVE)]

    async def negative(self, tx: Transaction, location: str, limit: int) -> list[tuple[str, str]]:
        """Name such stock that a count of the shelf can mend, by (location, item).

        "" is at any location.
        """
        rows = await tx.fetch(NEGATIVE, tx.tenant, location, limit)
        return [(row["location"], row["item"]) for row in rows]

    async def items_at(self, tx: Transaction, location: str, after: str, limit: int) -> list[str]:
        """Name the next items that the ledger has at a location, behind one."""
        rows = await tx.fetch(ITEMS_AT, tx.tenant, location, after, limit)
        return [row["item"] for row in rows]

    async def recent(
        self, tx: Transaction, keys: Sequence[tuple[str, str, int]], most: int = RECENT
    ) -> list[Recent]:
        """Give the newest movements of each (item, location) up to an instant (microseconds)."""
        rows = await tx.fetch(
            RECENT_OF,
            tx.tenant,
            [item for item, _, _ in keys],
            [location for _, location, _ in keys],
            [until for _, _, until in keys],
            most,
        )
        return [
            Recent(
                row["item"],
                row["location"],
                row["status"],
                row["owner"],
                row["lot"],
                row["serial"],
                row["net"],
                row["us"],
                microseconds(row["occurred_at"]),
                row["type"],
                row["source"],
                row["movement_id"],
                row["document_ref"],
                row["event_position"],
                row["zone"],
            )
            for row in rows
        ]

    async def late(self, tx: Transaction, keys: Sequence[tuple[str, str, int, int]]) -> list[int]:
        """Say what sellable stock gained by messages that came late, key by key.

        Each says an item, a location, up to when they were recorded (microseconds) and behind
        which place in the log they came in. Of what moved often the `LATE_MAX` newest are
        looked at.
        """
        rows = await tx.fetch(
            LATE_OF,
            tx.tenant,
            [item for item, _, _, _ in keys],
            [location for _, location, _, _ in keys],
            [until for _, _, until, _ in keys],
            [seen for _, _, _, seen in keys],
            LATE_MAX,
        )
        found = {row["n"]: row["net"] for row in rows}
        return [found.get(n, 0) for n in range(1, len(keys) + 1)]

    async def heard(self, tx: Transaction) -> dict[str, datetime | None]:
        """Tell when each source was heard last."""
        return {row["source"]: row["heard_at"] for row in await tx.fetch(HEARD, tx.tenant)}


class _Moved:
    """Walks along what moved after the cut, beside the positions."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._rows: list[Any] = []
        self._next = 0
        self._is_over = False
        self._place: tuple[str, ...] = ()

    def at_hand(self, place: tuple[str, ...]) -> int | None:
        """Answer without asking the database where that will do: nearly always."""
        if self._is_over or self._place > place:
            return 0
        return None

    async def at(self, place: tuple[str, ...]) -> int:
        """Answer what the bucket gained; places are asked for in order."""
        while not self._is_over and self._place < place:
            await self._step()
        if self._is_over or self._place != place:
            return 0
        return int(self._rows[self._next - 1]["net"])

    async def _step(self) -> None:
        if self._next >= len(self._rows):
            self._rows = await self._tx.fetch(NEXT_MOVED)
            self._next = 0
            if not self._rows:
                self._is_over = True
                return
        row = self._rows[self._next]
        self._place = tuple(row.values())[:6]
        self._next += 1


async def _at_cut(
    tx: Transaction, cuts: Mapping[str, int], since: int, rows: AsyncIterator[Any]
) -> AsyncIterator[KeyAtCut]:
    locations = sorted(cuts)
    await tx.execute(MOVED_AFTER, tx.tenant, since, locations, [cuts[at] for at in locations])
    moved = _Moved(tx)
    key: KeyAtCut | None = None
    async for location, item, status, owner, lot, serial, unit, micros, opened in rows:
        place = (location, item, status, owner, lot, serial)
        net = moved.at_hand(place)
        if net is None:
            net = await moved.at(place)
        if key is None or key.item != item or key.location != location:
            if key is not None:
                yield key
            key = KeyAtCut(location, item, unit, [])
        if opened is not None and opened > key.counted_us:
            key = key._replace(counted_us=opened)
        key.buckets.append(BucketAtCut(status, owner, lot, serial, micros - net))
    if key is not None:
        yield key
    await tx.execute(NO_MORE)


async def _rows_at(tx: Transaction, locations: Sequence[str], page: int) -> AsyncIterator[Any]:
    for location in locations:
        after = ("", "", "", "", "")
        while True:
            rows = await tx.fetch(PAGE_OF, tx.tenant, location, *after, page)
            for row in rows:
                yield row
            if len(rows) < page:
                break
            after = tuple(rows[-1].values())[1:6]


async def _rows_of(
    tx: Transaction, wanted: Sequence[tuple[str, str]], page: int
) -> AsyncIterator[Any]:
    for first in range(0, len(wanted), page):
        some = wanted[first : first + page]
        locations, items = [place for place, _ in some], [item for _, item in some]
        for row in await tx.fetch(SOME_OF, tx.tenant, locations, items):
            yield row
