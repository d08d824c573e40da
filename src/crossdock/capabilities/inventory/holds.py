"""What holds stock of an item: the open lines of reservations, the oldest first.

Those whose order counts by itself hold nothing more, and are not among them.
Hard ones have an index of their own, which soft ones, the many, do not pay for: those are found
among what is still to lapse, and that ends by itself.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.canonical.inventory import ReservationKind
from crossdock.capabilities.inventory import store
from crossdock.capabilities.inventory.changing import parsed
from crossdock.capabilities.inventory.store import LineRow
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.ids import prefixed
from crossdock.foundation.scope import Scope

LINE_NO_MAX = 32_767

# Everywhere, at one location, or at a group and its members: what is promised of a group lies at
# none of them yet.
_PLACES = """select stock_id from inventory_stock
    where tenant = $1 and item = $2 and ($3 = '' or location = $3 or location in (
        select member from inventory_group where tenant = $1 and location = $3))"""
HOLDS = f"""
with places as materialized ({_PLACES}), v as (
    select v.* from inventory_reservation v
    where v.tenant = $1 and v.stock_id in (select stock_id from places)
        and v.is_hard and {store.HOLDS}
    union all
    select v.* from inventory_reservation v
    where v.tenant = $1 and v.stock_id in (select stock_id from places)
        and not v.is_hard and {store.HOLDS} and v.expires_at > $4
)
select {store.LINE} from v {store.STOCK_OF_LINE}
where $5::uuid is null or (v.created_at, v.reservation_id, v.line_no) > (
    select created_at, reservation_id, line_no from inventory_reservation
    where tenant = $1 and reservation_id = $5 and line_no = $6)
order by v.created_at, v.reservation_id, v.line_no limit $7
"""  # noqa: S608  # the constants above
EXISTS = """
select from inventory_reservation where tenant = $1 and reservation_id = $2 and line_no = $3
"""


class Hold(NamedTuple):
    """An open line of a reservation; `micros` of the base unit `unit` are still held by it.

    `hold_id` names the reservation and its line.
    """

    hold_id: str
    reservation_id: str
    line_no: int
    item: str
    location: str
    client: str
    request_id: str
    kind: ReservationKind
    micros: int
    unit: str
    demand_ref: str
    created_at: datetime
    expires_at: datetime | None


class Holds:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def of(
        self, scope: Scope, item: str, location: str = "", *, after: str = "", limit: int = 100
    ) -> list[Hold]:
        """List what holds an item at a location, or everywhere; a group's members are with it.

        `after` is the last hold of the page before.
        """
        place = _place_of(after) if after else None
        async with self._database.transaction(scope) as tx:
            if place is not None and not await tx.fetch(EXISTS, tx.tenant, *place):
                raise NotFound(f"there is no hold {after!r}")
            last = place or (None, None)
            now = self._clock.now()
            rows = await tx.fetch(HOLDS, tx.tenant, item, location, now, *last, limit)
        return [hold_of(store.line_of(row)) for row in rows]


def hold_of(row: LineRow) -> Hold:
    line = row.line
    reservation_id = prefixed("rsv", row.reservation_id)
    return Hold(
        f"{reservation_id}/{line.line_no}",
        reservation_id,
        line.line_no,
        line.item,
        line.location,
        row.client,
        row.request_id,
        ReservationKind.HARD if line.is_hard else ReservationKind.SOFT,
        line.remaining,
        row.unit,
        line.demand_ref,
        row.created_at,
        line.expires_at,
    )


def _place_of(hold_id: str) -> tuple[UUID, int]:
    name, _, number = hold_id.rpartition("/")
    if not (number.isascii() and number.isdigit() and int(number[:6]) <= LINE_NO_MAX):
        raise Invalid(f"{hold_id[:80]!r} names no hold: rsv_…/1 does", where="/after_hold")
    return parsed(name), int(number[:6])
