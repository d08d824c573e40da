"""Reserving for promises by date what lies there, in the caller's transaction."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from crossdock.capabilities.supply import kept
from crossdock.capabilities.supply.answer import Question
from crossdock.capabilities.supply.kept import DatedLine, Held, Told
from crossdock.capabilities.supply.refusals import Had
from crossdock.capabilities.supply.store import Key
from crossdock.foundation.database import Transaction
from crossdock.foundation.ids import Ids


class HoldsStock(Protocol):
    """Whoever reserves what lies there; inventory, usually. All in the caller's transaction."""

    async def lock_in(self, tx: Transaction, keys: Sequence[Key]) -> None:
        """Let nobody else change what stands at these keys until the transaction ends."""
        ...

    async def free_in(self, tx: Transaction, keys: Sequence[Key]) -> Mapping[Key, int]:
        """Give what could be reserved at each of these keys."""
        ...

    async def free_for_in(
        self, tx: Transaction, key: Key, whose: tuple[str, str]
    ) -> tuple[int, str, bool]:
        """Give what a channel's customer could reserve there, and what keeps him from more.

        And say whether maxima or minima of channels hold there at all.
        """
        ...

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
        ...

    async def let_go_in(self, tx: Transaction, refs: Sequence[str]) -> None:
        """Give back what is held here for these order lines; none held changes nothing."""
        ...

    async def counted_in(
        self, tx: Transaction, keys: Sequence[Key], refs: Sequence[str]
    ) -> frozenset[str]:
        """Name those of these order lines that an order counts at one of these keys."""
        ...

    async def lines_of_in(self, tx: Transaction, order: str) -> Sequence[str]:
        """Name the lines of an order, as its source calls them."""
        ...

    async def assembled_in(self, tx: Transaction, refs: Sequence[str]) -> Mapping[str, int]:
        """Say how much was put into kits for each of these order lines that had any."""
        ...

    async def orders_until(self, tx: Transaction, at: datetime) -> datetime:
        """Say until when all orders that the log was told of are counted; `at` is the latest."""
        ...

    async def held_in(self, tx: Transaction, refs: Sequence[str]) -> Sequence[Held]:
        """Give what order lines hold, whoever holds it, and what has left of them."""
        ...


class Wanted(NamedTuple):
    """The lines of a promise for one order line, and whose they are: channel and customer."""

    promise: str
    lines: Sequence[DatedLine]
    whose: tuple[str, str]


def whose_of(question: Question, client: str, channels: Collection[str]) -> tuple[str, str]:
    """Say whose maximum and minimum a line is held to: its channel's, for its customer.

    A client that is bound to `channels` asks for these, whoever their customer is.
    """
    return question.channel or client, "" if channels else question.customer


async def hold(
    tx: Transaction,
    stock: HoldsStock,
    ids: Ids,
    wanted: Wanted,
    known: tuple[Sequence[Held], Told],
) -> Had:
    """Reserve for a promise what lies there and is not held for its order line by now (§3.4).

    Nothing is asked for where its channel may have nothing: a refusal would be kept for ever.
    """
    rows, order = known
    line = wanted.lines[0]
    key = (line.item, line.location)
    rest = kept.left(kept.own(wanted.lines), order)
    if not rest:
        return Had(0)
    free, cut_by, is_shared = await stock.free_for_in(tx, key, wanted.whose)
    had = 0
    if not order.is_ordered:
        had = sum(row[3] + row[4] for row in rows if row[1:3] == key)
        if had >= rest:
            return Had(rest, "", is_shared)
        if free <= 0:
            return Had(had, cut_by, is_shared)
    request = f"{wanted.promise}/{line.line_no}/{ids.text()}"
    asked = (*key, rest - had, line.demand_ref)
    granted, cut_by = await stock.hold_in(tx, request, asked, wanted.whose)
    return Had(had + granted, cut_by, is_shared, granted)
