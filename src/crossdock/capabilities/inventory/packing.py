"""Requests for what is sold in packs, in whole ones (A31). Amounts are micros."""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, Protocol

from crossdock.canonical.packs import Pack
from crossdock.capabilities.inventory.model import MICROS_MAX
from crossdock.capabilities.inventory.store import Key
from crossdock.foundation.database import Transaction

# What has left of order lines: with it an amount of what is sold in packs is whole or is not.
PICKED_OF = """
select demand_ref, greatest(0, picked) picked from inventory_demand
where tenant = $1 and demand_ref = any($2::text[]) and picked > 0
"""


class KnowsPacks(Protocol):
    """Whoever knows in which packs items are sold; supply, usually."""

    def remembered(self, tenant: str, keys: Iterable[Key]) -> Mapping[Key, Pack] | None:
        """Give the packs of these as of a moment ago, without asking; None: it has to be asked."""
        ...

    async def among(self, tx: Transaction, tenant: str, keys: Iterable[Key]) -> Mapping[Key, Pack]:
        """Give the packs of those of these that are sold in packs."""
        ...


class InPacks(NamedTuple):
    """What is `wanted` for a line, and what it `asked` for if that was not whole packs.

    0 is no pack. Of less than one, where that is not moved up, as much is wanted as was asked.
    """

    wanted: int
    asked: int = 0
    pack: int = 0
    is_too_few: bool = False


def in_packs(micros: int, pack: Pack | None, beside: int) -> InPacks:
    """Say what is asked in whole packs, with what has left `beside` of the same order line.

    What would be more than anybody can ask for is not moved up.
    """
    if pack is None:
        return InPacks(micros)
    moved = pack.moved(micros, beside)
    if moved >= MICROS_MAX:
        moved = pack._replace(up=False).moved(micros, beside)
    asked = 0 if moved == micros else micros
    return InPacks(moved or micros, asked, pack.micros, is_too_few=not moved)


async def picked(tx: Transaction, refs: Collection[str]) -> Mapping[str, int]:
    """Find what has left of order lines."""
    rows = await tx.fetch(PICKED_OF, tx.tenant, sorted(refs)) if refs else ()
    return {row["demand_ref"]: row["picked"] for row in rows}
