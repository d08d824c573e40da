"""Stock held for order lines at another place than their own, by back-order runs (§3.5, §3.6).

Such a reservation quotes no order line: what is picked of the line where its order claims it would
be taken for picked of this, and for the order it counts as soon as a line of it claims there.
"""

from collections.abc import Sequence
from uuid import UUID

from crossdock.canonical.inventory import ReservationKind
from crossdock.capabilities.inventory import store
from crossdock.capabilities.inventory.changing import Changes, parsed
from crossdock.capabilities.inventory.model import LIVE, ReservationLine, ReservationRequest
from crossdock.capabilities.inventory.reserving import Promises, reservation_of
from crossdock.capabilities.inventory.store import LineRow
from crossdock.foundation.database import Transaction

CLIENT = "back-order run"


class HoldingElsewhere:
    """Hard reservations that runs make and end. Amounts are micros."""

    def __init__(self, promises: Promises, changes: Changes) -> None:
        self._promises = promises
        self._changes = changes

    async def hold_in(
        self, tx: Transaction, request_id: str, goods: tuple[str, str, int], whose: tuple[str, str]
    ) -> str:
        """Reserve all of item, location, micros for a channel's customer, or nothing of it.

        Of a kit that is what lies there assembled, and the parts of the rest. Give the
        reservation's id; "" if there is not enough any more.
        """
        channel, customer = whose
        request = ReservationRequest(
            request_id,
            (ReservationLine(*goods),),
            ReservationKind.HARD,
            channel=channel,
            customer=customer,
        )
        made = await self._promises.reserve_in(tx, CLIENT, request, takes_apart=True)
        return made.reservation_id if made.lines[0].granted else ""

    async def let_go_in(self, tx: Transaction, reservation_id: str) -> None:
        """Give back what is still held."""
        await self._changes.release_in(tx, reservation_id)

    async def left_in(self, tx: Transaction, reservation_ids: Sequence[str]) -> dict[str, int]:
        """Say how much of each is still held; what is over is left out."""
        by_name: dict[UUID, list[LineRow]] = {}
        for row in await store.lines_of(tx, [parsed(one) for one in reservation_ids]):
            by_name.setdefault(row.reservation_id, []).append(row)
        made = [reservation_of(rows) for rows in by_name.values()]
        return {
            one.reservation_id: one.lines[0].remaining
            for one in made
            if one.lines[0].status in LIVE
        }
