"""Stock held for promises by date, in the transaction that makes them."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.orders import OrderChanged
from crossdock.capabilities.inventory import explaining, store
from crossdock.capabilities.inventory.answering import Answers
from crossdock.capabilities.inventory.changing import Changes
from crossdock.capabilities.inventory.model import ReservationLine, ReservationRequest
from crossdock.capabilities.inventory.page import READER
from crossdock.capabilities.inventory.reserving import Promises
from crossdock.capabilities.inventory.shares import ChannelShares, Wanted
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.standing import HeldClaim, Standings
from crossdock.capabilities.inventory.store import Key, StockIds
from crossdock.foundation import readers
from crossdock.foundation.database import Transaction
from crossdock.foundation.ids import prefixed

CLIENT = "promise by date"

SharesIn = Callable[[Transaction, Wanted], Awaitable[ChannelShares]]


class Holding:
    """Hard reservations that a promise by date makes and ends. Amounts are micros."""

    def __init__(
        self,
        promises: Promises,
        changes: Changes,
        stock_ids: StockIds,
        told: tuple[Answers, Standings, SharesIn],
    ) -> None:
        self._answers, self._standings, self._shares_in = told
        self._promises = promises
        self._changes = changes
        self._stock_ids = stock_ids

    async def lock_in(self, tx: Transaction, keys: Sequence[Key]) -> None:
        """Let nobody else change what stands at these keys until the transaction ends."""
        found = await self._stock_ids.of(tx, tx.tenant, keys)
        await Sheet.locked(tx, tx.tenant, self._stock_ids, found.values())

    async def free_in(self, tx: Transaction, keys: Sequence[Key]) -> dict[Key, int]:
        """Give what could be reserved at each of these keys."""
        found = await self._answers.availability_in(tx, tx.tenant, keys)
        return {(one.item, one.location): one.available.micros for one in found}

    async def free_for_in(
        self, tx: Transaction, key: Key, whose: tuple[str, str]
    ) -> tuple[int, str, bool]:
        """Give what a channel's customer could reserve there, and what keeps him from more.

        And say whether maxima or minima of channels hold there at all (§3.6).
        """
        [here] = await self._answers.availability_in(tx, tx.tenant, [key])
        shares = await self._shares_in(tx, Wanted(*whose, [key], {}))
        micros, cut_by = shares.share(here)
        return micros, cut_by, shares.is_shared(here)

    async def hold_in(
        self,
        tx: Transaction,
        request_id: str,
        line: tuple[str, str, int, str],
        whose: tuple[str, str],
    ) -> tuple[int, str]:
        """Reserve what there is of item, location, micros, order line, for a channel's customer.

        Give what was had, and what beside stock kept him from more ("" is nothing).
        """
        channel, customer = whose
        request = ReservationRequest(
            request_id,
            (ReservationLine(*line),),
            ReservationKind.HARD,
            allow_partial=True,
            channel=channel,
            customer=customer,
        )
        made = await self._promises.reserve_in(tx, CLIENT, request)
        return made.lines[0].granted, made.cut_by

    async def let_go_in(self, tx: Transaction, refs: Sequence[str]) -> None:
        """Give back what is held here for these order lines; none held changes nothing."""
        held = await store.lines_for(tx, [(tx.tenant, ref) for ref in refs])
        for name in sorted({row.reservation_id for row in held if row.client == CLIENT}):
            await self._changes.release_in(tx, prefixed("rsv", name))

    async def counted_in(
        self, tx: Transaction, keys: Sequence[Key], refs: Sequence[str]
    ) -> frozenset[str]:
        """Name those of these order lines that an order counts at one of these keys."""
        return await self._standings.counted_at(tx, tx.tenant, keys, refs)

    async def lines_of_in(self, tx: Transaction, order: str) -> list[str]:
        """Name the lines of an order, as its source calls them; at most a thousand."""
        return await explaining.lines_of(tx, order)

    async def assembled_in(self, tx: Transaction, refs: Sequence[str]) -> dict[str, int]:
        """Say how much was put into kits for each of these order lines that had any."""
        return await self._standings.assembled(tx, tx.tenant, refs)

    async def orders_until(self, tx: Transaction, at: datetime) -> datetime:
        """Say until when all orders that the log was told of are counted; `at` is the latest."""
        since = await readers.waiting_since(tx, READER, tx.tenant, OrderChanged.TYPE)
        return at if since is None else min(at, since)

    async def held_in(self, tx: Transaction, refs: Sequence[str]) -> Sequence[HeldClaim]:
        """Give what order lines hold, whoever holds it, and what has left of them."""
        return await self._standings.held(tx, tx.tenant, refs)
