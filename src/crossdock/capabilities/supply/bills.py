"""What kits are put together from, for whoever compares stock or records what is heard of it."""

import json
from collections.abc import Collection, Iterable, Sequence

from crossdock.capabilities.supply import kit_store
from crossdock.capabilities.supply.explosion import LEVELS_MAX
from crossdock.foundation.database import Transaction

# Of two sources that tell of one kit the one that spoke last is believed.
BILLS = """
select k.item, t.components::text as components from unnest($2::text[]) k(item)
cross join lateral (select components from supply_kit
    where tenant = $1 and item = k.item order by us desc, source desc limit 1) t
"""


class Bills:
    """Answers in the caller's transaction; what is no kit is left out."""

    async def bills_in(self, tx: Transaction, items: Collection[str]) -> dict[str, dict[str, int]]:
        """Give, of each kit among these, how many micros of each component make one base unit.

        The kits that go into them are among the answer, level by level.
        """
        bills: dict[str, dict[str, int]] = {}
        asked: set[str] = set()
        wanted = set(items)
        for _ in range(LEVELS_MAX):
            if not wanted:
                break
            asked |= wanted
            rows = await tx.fetch(BILLS, tx.tenant, sorted(wanted))
            found = {
                row["item"]: {part: micros for part, micros, _ in json.loads(row["components"])}
                for row in rows
            }
            bills |= {item: parts for item, parts in found.items() if parts}
            wanted = {part for parts in found.values() for part in parts} - asked
        return bills

    async def recipes_in(
        self, tx: Transaction, tenant: str, items: Iterable[str]
    ) -> dict[str, Sequence[str]]:
        """Name what these items are put together from, and what goes into that, to every level.

        What a recipe of today says; what is on its way through the log is not in it yet.
        """
        found: dict[str, Sequence[str]] = {}
        seen: set[str] = set()
        wanted = set(items)
        while wanted:
            seen |= wanted
            more = await kit_store.recipes(tx, tenant, sorted(wanted))
            found |= more
            wanted = {part for parts in more.values() for part in parts} - seen
        return found
