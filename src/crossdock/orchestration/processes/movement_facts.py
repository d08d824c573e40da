"""Where movement posting gets its facts: movements from the log, books from the directory."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from crossdock.canonical.commands import CommandSettled, Settlement
from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import StockMoved
from crossdock.foundation.database import Transaction
from crossdock.orchestration.engine.process import Key, Process, Touch
from crossdock.orchestration.processes.movement_posting import (
    NAME,
    Booking,
    Books,
    Facts,
    Posted,
    bookings,
    decide,
)


class KnowsBooks(Protocol):
    """The directory, as posting needs it: who was told, location by location, to keep books."""

    async def books(self, tx: Transaction, tenants: Sequence[str]) -> Sequence[Books]: ...


# What was told already stays as it was told first.
KEEP = """
insert into movement_booking (tenant, instance, booking)
select * from unnest($1::text[], $2::text[], $3::jsonb[])
order by 1, 2
on conflict (tenant, instance) do nothing
"""

# What became of our commands: the last word counts.
HEAR_OUTCOMES = """
update movement_booking b set heard = s.heard, settlement = s.settlement, code = s.code,
    detail = s.detail
from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[])
    s(tenant, instance, heard, settlement, code, detail)
where b.tenant = s.tenant and b.instance = s.instance
"""

# Each is looked up by its key, however many movements were ever booked.
LOAD = """
select k.tenant, k.instance, b.booking, b.heard, b.settlement, b.code, b.detail
from unnest($1::text[], $2::text[]) k(tenant, instance)
cross join lateral (select * from movement_booking b
    where b.tenant = k.tenant and b.instance = k.instance limit 1) b
"""


def movement_posting(directory: KnowsBooks) -> Process[Posted, Facts]:
    """Declare the process, over whoever knows which connections keep books."""

    async def hear(tx: Transaction, touches: Sequence[Touch]) -> Sequence[Touch]:
        """Write down what is to be booked and what became of it; a page at a time."""
        events = [touch.event for touch in touches]
        return [*await _moved(tx, events, directory), *await _settled(tx, events)]

    return Process(
        name=NAME,
        ledger=Posted,
        subscriptions={StockMoved.TYPE: _as_heard, CommandSettled.TYPE: _as_heard},
        load=load,
        decide=decide,
        hear=hear,
    )


async def load(tx: Transaction, keys: Sequence[Key]) -> Mapping[Key, Facts]:
    rows = await tx.fetch(LOAD, [key.tenant for key in keys], [key.instance for key in keys])
    return {Key(row["tenant"], row["instance"]): _facts_of(row) for row in rows}


async def _moved(tx: Transaction, events: Iterable[Event], directory: KnowsBooks) -> list[Touch]:
    movements = [
        (event, event.payload) for event in events if isinstance(event.payload, StockMoved)
    ]
    if not movements:
        return []
    kept = await directory.books(tx, sorted({event.tenant for event, _ in movements}))
    found = [
        (Touch(Key(event.tenant, booking.instance), event), booking)
        for event, moved in movements
        for booking in bookings(event, moved, kept)
    ]
    if found:
        await tx.execute(
            KEEP,
            [touch.key.tenant for touch, _ in found],
            [touch.key.instance for touch, _ in found],
            [msgspec.json.encode(booking).decode() for _, booking in found],
        )
    return [touch for touch, _ in found]


async def _settled(tx: Transaction, events: Iterable[Event]) -> list[Touch]:
    last: dict[Key, tuple[Touch, CommandSettled]] = {}
    for event in events:
        settled = event.payload
        if isinstance(settled, CommandSettled) and settled.process == NAME:
            key = Key(event.tenant, settled.instance)
            last[key] = (Touch(key, event), settled)
    if last:
        await tx.execute(
            HEAR_OUTCOMES,
            [key.tenant for key in last],
            [key.instance for key in last],
            [touch.event.position for touch, _ in last.values()],
            [settled.settlement for _, settled in last.values()],
            [settled.code for _, settled in last.values()],
            [settled.detail for _, settled in last.values()],
        )
    return [touch for touch, _ in last.values()]


def _as_heard(event: Event) -> tuple[str, ...]:
    """Leave it to `hear`: only the directory knows who keeps books of a location."""
    return (event.payload.key,)


def _facts_of(row: Any) -> Facts:
    return Facts(
        booking=msgspec.json.decode(row["booking"], type=Booking),
        heard=row["heard"],
        settlement=row["settlement"] and Settlement(row["settlement"]),
        code=row["code"],
        detail=row["detail"],
    )
