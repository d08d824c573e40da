"""Stock held for promises by date, in the transaction that makes them."""

from collections.abc import Sequence

from crossdock.canonical.errors import NotFound
from crossdock.canonical.inventory import ReservationKind
from crossdock.capabilities.inventory.changing import Changes
from crossdock.capabilities.inventory.incoming import name_of
from crossdock.capabilities.inventory.model import ReservationLine, ReservationRequest
from crossdock.capabilities.inventory.reserving import Promises
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.store import Key, StockIds
from crossdock.foundation.database import Transaction

CLIENT = "promise by date"


class Holding:
    """Hard reservations that a promise by date makes and ends. Amounts are micros."""

    def __init__(self, promises: Promises, changes: Changes, stock_ids: StockIds) -> None:
        self._promises = promises
        self._changes = changes
        self._stock_ids = stock_ids

    async def lock_in(self, tx: Transaction, keys: Sequence[Key]) -> None:
        """Let nobody else change what stands at these keys until the transaction ends."""
        found = await self._stock_ids.of(tx, tx.tenant, keys)
        await Sheet.locked(tx, tx.tenant, self._stock_ids, found.values())

    async def hold_in(
        self, tx: Transaction, request_id: str, lines: Sequence[tuple[str, str, int, str]]
    ) -> list[int]:
        """Reserve what there is of (item, location, micros, order line); give what was had."""
        asked = tuple(ReservationLine(*line) for line in lines)
        request = ReservationRequest(request_id, asked, ReservationKind.HARD, allow_partial=True)
        made = await self._promises.reserve_in(tx, CLIENT, request)
        return [line.granted for line in made.lines]

    async def let_go_in(self, tx: Transaction, request_id: str) -> None:
        """Give back what a request still holds; one that holds nothing changes nothing."""
        try:
            await self._changes.release_in(tx, name_of(tx.tenant, CLIENT, request_id))
        except NotFound:
            return
