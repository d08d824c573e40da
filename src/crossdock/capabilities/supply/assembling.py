"""Hears of promised kits that were put together, in the transaction that looks after promises."""

from collections.abc import Sequence
from uuid import UUID

from crossdock.capabilities.supply import assembled, kept_store
from crossdock.capabilities.supply.holding import HoldsStock
from crossdock.capabilities.supply.kept import DatedLine
from crossdock.capabilities.supply.store import Key
from crossdock.foundation.database import Transaction


async def take_in(tx: Transaction, stock: HoldsStock, keys: Sequence[Key]) -> None:
    """Claim as kits, from now on, what was put together of promised kits at these keys (I9).

    Repeating it changes nothing.
    """
    if not await _changes(tx, stock, keys):
        return
    await kept_store.take_turns(tx)
    for name, lines in await _changes(tx, stock, keys):
        await kept_store.set_made(tx, name, lines)


async def _changes(
    tx: Transaction, stock: HoldsStock, keys: Sequence[Key]
) -> list[tuple[UUID, list[DatedLine]]]:
    names = await kept_store.making(tx, keys)
    if not names:
        return []
    read = await kept_store.read(tx, names)
    every = [line for one in read.values() for line in one.promise.lines]
    gone = await stock.assembled_in(tx, sorted({line.demand_ref for line in every}))
    found: list[tuple[UUID, list[DatedLine]]] = []
    for name, one in sorted(read.items()):
        for number, answer in enumerate(one.promise.proof.answers, 1):
            lines = [line for line in one.promise.lines if line.line_no == number]
            if changed := assembled.still_made(answer, lines, gone):
                found.append((name, changed))
    return found
