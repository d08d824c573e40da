"""While a count waits to be settled or approved, channels are shown the lower number (§4.3)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from crossdock.canonical.quantities import Quantity
from crossdock.canonical.reconciliation import WithholdingChanged
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.ports import Key
from crossdock.capabilities.reconciliation.settling import withheld_of
from crossdock.foundation.database import Transaction

# By the partial index on what waits, which is little; only what can be sold is shown.
OF_ITEMS = """
select location, item, owner, lot, serial, unit, counted - book as more
from reconciliation_counted
where tenant = $1 and is_doubted and status = 'AVAILABLE' and item = any($2)
    and not exists (select from reconciliation_policy p
        where p.tenant = $1 and class = any(p.as_booked))
order by location, item, owner, lot, serial, counted_at, counted_id
"""
ITEMS_OF = """
select distinct item from reconciliation_counted
where tenant = $1 and is_doubted and status = 'AVAILABLE' and class = any($2)
"""
# What waited and is settled: by what it came to, or by a later count of the bucket that was right.
# What was refused is settled by the second count that was asked for then, and by none before.
CLEAR = """
update reconciliation_counted c set is_doubted = false
where c.tenant = $1 and c.is_doubted and c.approval <> 'WAITING'
    and (c.location, c.item) in (select * from unnest($2::text[], $3::text[]))
    and (c.matter not in ('RECOUNT', 'NOT_ASKED', 'DIFFERED', 'SAME_PERSON')
        or (c.matter, c.approval) <> ('RECOUNT', 'REFUSED')
        and exists (select from reconciliation_counted l
            where l.tenant = $1 and l.location = c.location and l.item = c.item
            and l.status = c.status and l.owner = c.owner and l.lot = c.lot
            and l.serial = c.serial and l.matter in ('RIGHT', 'AGREED')
            and (l.counted_at, l.counted_id) > (c.counted_at, c.counted_id)))
"""


async def clear(tx: Transaction, places: Collection[Key]) -> None:
    """Let go of what is settled of these keys."""
    ordered = sorted(places)
    await tx.execute(
        CLEAR, tx.tenant, [place for place, _ in ordered], [item for _, item in ordered]
    )


async def withheld_in(tx: Transaction, tenant: str, items: Collection[str]) -> dict[Key, Quantity]:
    """Say by how much less than the ledger is shown while counts of these items wait."""
    return _summed(await tx.fetch(OF_ITEMS, tenant, sorted(items)))


async def items_of(tx: Transaction, classes: Collection[str]) -> set[str]:
    """Name the items of which a count of one of these classes waits."""
    return {row["item"] for row in await tx.fetch(ITEMS_OF, tx.tenant, sorted(classes))}


async def tell_changes(
    tx: Transaction,
    before: Mapping[Key, Quantity],
    places: Collection[Key],
    cause: str,
    now: datetime,
) -> None:
    """Tell channels of which of these keys more or less is withheld than before."""
    after = await withheld_in(tx, tx.tenant, {item for _, item in places})
    told = changes(before, after, places)
    await tell(tx, [(f"withholding:{cause}:{n}", one) for n, one in enumerate(told)], now)


def changes(
    before: Mapping[Key, Quantity], after: Mapping[Key, Quantity], places: Collection[Key]
) -> list[WithholdingChanged]:
    """Tell of which of these keys more or less is withheld than before."""
    told: list[WithholdingChanged] = []
    for key in sorted(places):
        was, held = before.get(key), after.get(key)
        if was != held and (known := held or was):
            told.append(changed_to(key, held or Quantity.of(0, known.unit)))
    return told


def changed_to(key: Key, held: Quantity) -> WithholdingChanged:
    return WithholdingChanged(against="count", item=key[1], location=key[0], withheld=held)


def _summed(rows: Sequence[Any]) -> dict[Key, Quantity]:
    """Sum by key what each bucket withholds; who withholds nothing is left out."""
    gains: dict[tuple[str, ...], list[int]] = defaultdict(list)
    units: dict[Key, str] = {}
    for row in rows:
        bucket = tuple(row[name] for name in ("location", "item", "owner", "lot", "serial"))
        gains[bucket].append(row["more"])
        units[row["location"], row["item"]] = row["unit"]
    sums: dict[Key, int] = defaultdict(int)
    for bucket, more in gains.items():
        sums[bucket[0], bucket[1]] += withheld_of(more)
    return {
        key: Quantity.from_micros(micros, units[key]) for key, micros in sums.items() if micros
    }
