"""What of a pool keeps as long as a channel's rule asks; the rest is not shown there (I8)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from crossdock.capabilities.supply import Lasting, Wanted
from crossdock.foundation.database import Transaction
from crossdock.orchestration.processes.availability_kits import KitPool
from crossdock.orchestration.processes.availability_pools import Pool
from crossdock.orchestration.processes.availability_state import Life
from crossdock.orchestration.processes.availability_together import has_share, places_of

PoolKey = tuple[str, str, str]
"""Tenant, item, location."""


class KnowsLives(Protocol):
    """Supply, as publishing needs it: which of what lies there keeps long enough."""

    async def lasting(
        self, tx: Transaction, tenant: str, wanted: Collection[Wanted], /
    ) -> Mapping[Wanted, Lasting]:
        """Say it of each of these of which a rule asks how long it keeps."""
        ...


async def long_dated(
    tx: Transaction,
    rows: Sequence[tuple[Any, Mapping[PoolKey, Pool]]],
    lives: KnowsLives,
) -> list[Mapping[PoolKey, Pool]]:
    """Give what each of these listings may be shown of its pools: without what is too old."""
    wanted: dict[str, set[Wanted]] = {}
    for row, pools in rows:
        for key in _keys(row, pools):
            wanted.setdefault(row["tenant"], set()).update(_wanted(row, key, pools[key].kit))
    found: dict[str, Mapping[Wanted, Lasting]] = {
        tenant: await lives.lasting(tx, tenant, asked) for tenant, asked in sorted(wanted.items())
    }
    return [
        {**pools, **dict(_aged(row, pools, lasting))} if lasting else pools
        for row, pools in rows
        for lasting in [found.get(row["tenant"], {})]
    ]


def _keys(row: Any, pools: Mapping[PoolKey, Pool]) -> list[PoolKey]:
    keys = [(row["tenant"], row["item"], place) for place in places_of(row)]
    return [] if row["is_excluded"] else [key for key in keys if key in pools]


def _wanted(row: Any, key: PoolKey, kit: KitPool | None) -> list[Wanted]:
    """Ask for what a listing sells, or for the kit in each building and all that goes into it.

    What a group owes of a kit and its components, `KitStock` takes off itself.
    """
    _, item, place = key
    channel = row["channel"] or row["connection"]
    if kit is None:
        return [Wanted(item, place, channel)]
    return [
        Wanted(
            one,
            building.location,
            channel,
            kit.above(one, building.location),
            is_alone=building.location != place,
        )
        for building in kit.stock.buildings
        for one in kit.stock.items
    ]


def _aged(
    row: Any, pools: Mapping[PoolKey, Pool], found: Mapping[Wanted, Lasting]
) -> Iterator[tuple[PoolKey, Pool]]:
    for key in _keys(row, pools):
        pool = pools[key]
        asked = [one for one in _wanted(row, key, pool.kit) if one in found]
        if not asked:
            continue
        lasting = {(one.item, one.location): found[one] for one in asked}
        micros = _micros(row, lasting)
        kit = None if pool.kit is None else pool.kit.lasting(micros)
        left = micros[asked[0].item, asked[0].location] if kit is None else kit.there_is
        strictest = max(lasting.values(), key=lambda one: (one.days + one.transit_days, one.days))
        yield (
            key,
            replace(
                pool,
                free=min(pool.free, left),
                kit=kit,
                short_dated=max(0, pool.free - left),
                life=Life(
                    location=key[2], days=strictest.days, transit_days=strictest.transit_days
                ),
                ages_at=_first(one.changes_at for one in lasting.values()),
            ),
        )


def _micros(row: Any, lasting: Mapping[tuple[str, str], Lasting]) -> dict[tuple[str, str], int]:
    if has_share(row):
        return {key: one.for_shares for key, one in lasting.items()}
    return {key: one.micros for key, one in lasting.items()}


def _first(moments: Iterator[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
