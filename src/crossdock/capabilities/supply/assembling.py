"""Hears what became of promised kits, in the transaction that looks after promises.

They were put together, or their order has come to claim fewer of them, or more again.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from crossdock.capabilities.supply import assembled, cutting, kept, kept_store
from crossdock.capabilities.supply.answer import Atp
from crossdock.capabilities.supply.holding import HoldsStock
from crossdock.capabilities.supply.kept import DatedLine, Told
from crossdock.capabilities.supply.store import Key
from crossdock.foundation.database import Transaction


async def take_in(tx: Transaction, stock: HoldsStock, keys: Sequence[Key]) -> list[Key]:
    """Note of promised kits at these keys what was put together, and what is claimed no more.

    What was put together is claimed as kits from now on (I9). Gives where more or less is
    promised than before; repeating it changes nothing.
    """
    if not await _changes(tx, stock, keys):
        return []
    await kept_store.take_turns(tx)
    changed: set[Key] = set()
    for name, lines in await _changes(tx, stock, keys):
        await kept_store.set_made(tx, name, lines)
        changed.add((lines[0].item, lines[0].location))
    return sorted(changed)


async def _changes(
    tx: Transaction, stock: HoldsStock, keys: Sequence[Key]
) -> list[tuple[UUID, list[DatedLine]]]:
    """Give the lines of which something is other than they say, those of one item together."""
    names = await kept_store.making(tx, keys)
    if not names:
        return []
    read = await kept_store.read(tx, names)
    every = [line for one in read.values() for line in one.promise.lines]
    refs = sorted({line.demand_ref for line in every})
    gone = await stock.assembled_in(tx, refs)
    told = kept.told_of(await stock.held_in(tx, refs))
    found: list[tuple[UUID, list[DatedLine]]] = []
    for name, one in sorted(read.items()):
        for number, answer in enumerate(one.promise.proof.answers, 1):
            lines = [line for line in one.promise.lines if line.line_no == number]
            changed = _changed(answer, lines, gone, told)
            found += [(name, each) for each in kept.by_ref(changed).values()]
    return found


def _changed(
    answer: Atp, lines: Sequence[DatedLine], gone: Mapping[str, int], told: Mapping[str, Told]
) -> list[DatedLine]:
    """Give those lines of one number anew of which something is other than they say."""
    ref = next((line.demand_ref for line in lines if line.item == answer.item), "")
    made = {_name(line): line for line in assembled.still_made(answer, lines, gone)}
    now = [made.get(_name(line), line) for line in lines]
    cut = {_name(line): line for line in cutting.recut(answer, now, told.get(ref, Told()))}
    return list((made | cut).values())


def _name(line: DatedLine) -> tuple[str, date]:
    return line.item, line.ship_date
