"""What another system calls things, and their units: read in sets, for comparing whole dumps."""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from crossdock.canonical.catalog import Tracking
from crossdock.canonical.units import canonical_unit
from crossdock.capabilities.catalog import store
from crossdock.capabilities.catalog.model import normalised
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction

SPEAKS = """
select exists (select from xref where tenant = $1 and system = $2 and entity_type = $3
    and valid_to is null)
"""
# The system's own key first, then a code it is known by.
CALLED = """
select k.native_id, named.hub_id from unnest($4::text[]) k(native_id)
cross join lateral (
    select hub_id from xref where tenant = $1 and system = $2 and entity_type = $3
        and native_id = k.native_id and valid_to is null
    order by qualifier desc limit 1) named
"""
CLASSES = """
select item, item_class from item where tenant = $1 and item = any($2) and item_class <> ''
"""
GOODS = """
select k.item, i.* from unnest($2::text[]) k(item)
cross join lateral (select base_unit, tracking, is_regulated, item_class from item
    where tenant = $1 and item = k.item
    limit 1) i
"""


class Goods(NamedTuple):
    """An item's base unit, whether each piece counts, and (unit, numerator, denominator).

    `is_exact`: each piece has a serial number, or the item is regulated.
    """

    base_unit: str
    is_exact: bool
    factors: Sequence[tuple[str, int, int]]
    item_class: str = ""


class Naming:
    """Answers in the caller's transaction; what nobody knows is left out."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def spelled(self, text: str) -> str:
        """Make two spellings of one of our codes equal."""
        return normalised(text)

    def base(self, unit: str) -> str:
        """Give the canonical word for a unit."""
        return canonical_unit(unit)

    async def speaks(self, tx: Transaction, system: str, kind: str) -> bool:
        """Say whether the system has names of its own for things of this kind."""
        return bool(await tx.fetchval(SPEAKS, tx.tenant, system, kind))

    async def called(
        self, tx: Transaction, system: str, kind: str, names: Collection[str]
    ) -> dict[str, str]:
        """Give the hub id of each name that the system is known to use."""
        rows = await tx.fetch(CALLED, tx.tenant, system, kind, sorted(names))
        return {row["native_id"]: row["hub_id"] for row in rows}

    async def goods(self, tx: Transaction, items: Collection[str]) -> dict[str, Goods]:
        asked = sorted(items)
        units = await tx.fetch(store.UNITS_NOW, tx.tenant, asked, self._clock.now())
        factors: dict[str, list[tuple[str, int, int]]] = {}
        for row in units:
            factors.setdefault(row["item"], []).append(
                (row["unit"], row["numerator"], row["denominator"])
            )
        return {
            row["item"]: Goods(
                row["base_unit"],
                row["is_regulated"] or row["tracking"] in {Tracking.SERIAL, Tracking.LOT_SERIAL},
                factors.get(row["item"], ()),
                row["item_class"] or "",
            )
            for row in await tx.fetch(GOODS, tx.tenant, asked)
        }
