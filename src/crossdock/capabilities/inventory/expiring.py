"""Goods whose lot's last day is over lie there, and nobody is promised any (§3.3, I8).

What has expired is taken off what is nettable, under the lock of the stock row, where it changes:
with what is told of a lot, with the first movement of a lot, and at midnight by the location's own
clock (`turning`). So a promise reads what it read before, and a movement that names no lot does
nothing here.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from itertools import groupby

from crossdock.capabilities.inventory import claims, lots
from crossdock.capabilities.inventory.demand import StockKey
from crossdock.capabilities.inventory.had import KnowsProtections
from crossdock.capabilities.inventory.lots import LotAt
from crossdock.capabilities.inventory.positions import PositionRow
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.foundation.database import Transaction

EXPIRY = "EXPIRY"
"""Why allocation looks again."""

ONLY_INDEXES = "set local enable_seqscan = off"


async def reckon(
    tx: Transaction, sheet: Sheet, by_key: Mapping[StockKey, int], named: Iterable[LotAt]
) -> set[StockKey]:
    """Count these lots by the day of their locations, on rows that are locked.

    Give the item-locations where that changes what can be promised.
    """
    turned = await lots.turned(tx, named)
    for key, micros in turned.items():
        sheet.add(by_key[key], nettable=-micros, expired=micros)
    return {key for key, micros in turned.items() if micros}


async def new_lots(tx: Transaction, rows: Iterable[PositionRow], now: datetime) -> set[LotAt]:
    """Name the lots that lie somewhere for the first time, where they are to be counted.

    A location that nobody told of has the clock of UTC.
    """
    new = {
        LotAt(bucket.tenant, bucket.item, bucket.location, bucket.lot)
        for bucket in (row.bucket for row in rows if row.is_new)
        if bucket.counts and bucket.lot
    }
    await lots.make_days(tx, dict.fromkeys((one.place for one in new), "UTC"), now)
    return new


async def look_again(
    tx: Transaction,
    protections: KnowsProtections | None,
    changed: Collection[StockKey],
    now: datetime,
) -> None:
    """Have allocation look again at these item-locations, and at the groups they are in."""
    if not changed or protections is None:
        return
    groups = await claims.groups(tx, sorted({(tenant, at) for tenant, _, at in changed}))
    also = {
        (tenant, item, groups[tenant, at])
        for tenant, item, at in changed
        if (tenant, at) in groups
    }
    for tenant, keys in groupby(sorted({*changed, *also}), key=lambda key: key[0]):
        named = [(item, at) for _, item, at in keys]
        await protections.look_again(tx, named, EXPIRY, now, tenant=tenant)
