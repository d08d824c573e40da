"""Stock held for order lines at another place than their own, by back-order runs (§3.5, §3.6).

Such a reservation quotes no order line: what is picked of the line where its order claims it would
be taken for picked of this, and for the order it counts as soon as a line of it claims there.
"""

from collections.abc import Sequence

from crossdock.canonical.inventory import ReservationKind
from crossdock.capabilities.inventory import store
from crossdock.capabilities.inventory.changing import Changes, parsed
from crossdock.capabilities.inventory.model import LIVE, ReservationLine, ReservationRequest
from crossdock.capabilities.inventory.reserving import Promises
from crossdock.foundation.database import Transaction
from crossdock.foundation.ids import prefixed

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

        Give the reservation's id; "" if there is not enough any more.
        """
        channel, customer = whose
        request = ReservationRequest(
            request_id,
            (ReservationLine(*goods),),
            ReservationKind.HARD,
            channel=channel,
            customer=customer,
        )
        made = await self._promises.reserve_in(tx, CLIENT, request)
        return made.reservation_id if made.lines[0].granted else ""

    async def let_go_in(self, tx: Transaction, reservation_id: str) -> None:
        """Give back what is still held."""
        await self._changes.release_in(tx, reservation_id)

    async def left_in(self, tx: Transaction, reservation_ids: Sequence[str]) -> dict[str, int]:
        """Say how much of each is still held; what is over is left out."""
        rows = await store.lines_of(tx, [parsed(one) for one in reservation_ids])
        return {
            prefixed("rsv", row.reservation_id): row.line.remaining
            for row in rows
            if row.line.status in LIVE
        }
