"""Kits over inventory and supply: what there is of them, in the words of whoever shows it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crossdock.assembly.adapters import Pools, StockRead, by_tenant
from crossdock.capabilities.catalog import Catalog
from crossdock.capabilities.inventory import Availability, Inventory
from crossdock.capabilities.inventory.ordered_kits import OrderedKits
from crossdock.capabilities.inventory.publishing import SHOWN_MOST
from crossdock.capabilities.sourcing import Sourcing
from crossdock.capabilities.supply import (
    UNLIMITED,
    Book,
    Figures,
    Kits,
    KitStock,
    Recipebook,
    Supply,
)
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from crossdock.orchestration.order_sourcing import OrderSourcing
from crossdock.orchestration.processes.availability import Publishing
from crossdock.orchestration.processes.availability_kits import KitPool
from crossdock.orchestration.processes.availability_pools import Pool

Key = tuple[str, str]
"""Item, location."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Whoever hears that kits have other recipes: what is held for orders goes before shown."""

    ordered: OrderedKits
    shows: Publishing

    async def recipes_changed(self, tx: Transaction, kits: Sequence[tuple[str, str]]) -> None:
        await self.ordered.recipes_changed(tx, kits)
        await self.shows.recipes_changed(tx, kits)

    async def lives_changed(self, tx: Transaction, items: Sequence[tuple[str, str]]) -> None:
        await self.shows.lives_changed(tx, items)


@dataclass(frozen=True, slots=True)
class KitPools:
    """Inventory and supply, in the words of availability publishing, for a tenant with kits.

    What orders for a kit claim of its components is shown by neither.
    """

    stock: Pools
    kits: Kits

    async def pools(
        self, tx: Transaction, keys: Sequence[tuple[str, str, str]]
    ) -> Mapping[tuple[str, str, str], Pool]:
        found: dict[tuple[str, str, str], Pool] = {}
        for tenant, own in by_tenant(keys).items():
            pools = await self._pools(tx, tenant, own)
            found |= {(tenant, *key): pool for key, pool in pools.items()}
        return found

    async def groups(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return await self.stock.groups(tx, places)

    async def kin(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return await self.stock.kin(tx, places)

    async def owed(
        self, tx: Transaction, keys: Sequence[tuple[str, str, str]]
    ) -> frozenset[tuple[str, str, str]]:
        return await self.stock.owed(tx, keys)

    async def concerned(
        self, tx: Transaction, tenant: str, items: Iterable[str]
    ) -> Mapping[str, set[str]]:
        return await self.kits.concerned(tx, tenant, items)

    async def _pools(self, tx: Transaction, tenant: str, keys: Sequence[Key]) -> dict[Key, Pool]:
        recipes = await self.kits.recipes(tx, tenant, {item for item, _ in keys})
        groups: Mapping[str, str] = {}
        wanted = set(keys)
        if recipes.recipes:
            places = sorted({location for _, location in keys})
            groups = await self.stock.inventory.standings.groups(tx, tenant, places)
            wanted = _wanted(keys, recipes, groups)
        read = await self.stock.read(tx, tenant, sorted(wanted))
        figures = {key: _figures(one, read.withheld) for key, one in read.answers.items()}
        book = await self.kits.book(tx, tenant, recipes, figures, groups)
        found = {key: _pool(key, book, read, recipes) for key in keys}
        return {key: pool for key, pool in found.items() if pool is not None}


@dataclass(frozen=True, slots=True)
class KitAnswers:
    """Kits beside plain availability, for whoever asks how many can be put together now."""

    database: Database
    inventory: Inventory
    kits: Kits

    async def of(self, scope: Scope, keys: Sequence[Key]) -> Mapping[Key, KitStock]:
        """Give what there is of those of these (item, location) that are kits."""
        if self.kits.has_none(scope.tenant):
            return {}
        async with self.database.transaction(scope, is_one_moment=True) as tx:
            among = await self.kits.among(tx, tx.tenant, {item for item, _ in keys})
            if not among:
                return {}
            recipes = await self.kits.recipes(tx, tx.tenant, among)
            asked = [key for key in keys if key[0] in recipes.kits]
            places = sorted({location for _, location in asked})
            groups = await self.inventory.standings.groups(tx, tx.tenant, places)
            wanted = sorted(_wanted(asked, recipes, groups))
            answers = await self.inventory.availability_in(tx, tx.tenant, wanted)
            figures = {(one.item, one.location): _figures(one, {}) for one in answers}
            book = await self.kits.book(tx, tx.tenant, recipes, figures, groups)
        stocks = {key: book.stock(*key) for key in asked}
        return {key: stock for key, stock in stocks.items() if stock is not None}


def choosing_warehouses(
    database: Database, knows: tuple[Clock, Catalog, Inventory, Sourcing, Supply]
) -> tuple[KitAnswers, OrderSourcing]:
    """Give what tells of kits beside plain availability, and what chooses warehouses by it."""
    _, _, inventory, _, supply = knows
    answers = KitAnswers(database, inventory, supply.kits)
    return answers, OrderSourcing(*knows, kits=answers)


def _wanted(keys: Iterable[Key], recipes: Recipebook, groups: Mapping[str, str]) -> set[Key]:
    """Name all that an answer about kits is made of: every item, at the place and its kin."""
    found: set[Key] = set()
    for location in {location for _, location in keys}:
        group = groups.get(location, location)
        members = [member for member, of in groups.items() if of == group]
        found |= {(item, at) for item in recipes.items for at in (location, group, *members)}
    return found


def _figures(answer: Availability, withheld: Mapping[Key, int]) -> Figures:
    if answer.is_unlimited:
        return Figures(UNLIMITED, 0, 0, is_known=True)
    own = answer.figures
    doubt = withheld.get((answer.item, answer.location), 0)
    nettable = max(own.nettable - doubt, min(own.nettable, 0))
    return Figures(nettable, own.hard + own.soft, own.safety, answer.is_known)


def _pool(key: Key, book: Book, read: StockRead, recipes: Recipebook) -> Pool | None:
    """Give what may be sold of an item at a location; None where nobody knows."""
    item, location = key
    answer = read.answers[key]
    plain = read.pool(answer)
    stock = book.stock(item, location)
    if stock is None:
        if not answer.is_known:
            # What was a kit may be shown still, and nothing of it can be put together any more.
            return replace(plain, free=0) if item in recipes.former else None
        return _beside_kits(plain, book, key) if book.drawn(item, location) else plain
    if not stock.is_known:
        return None
    most = SHOWN_MOST if _is_endless(stock, read, recipes) else None
    pool = _kit_pool(plain, stock, read, most)
    borne = book.stock(item, location, for_shares=True)
    if borne is None or borne == stock:
        return pool
    return replace(pool, for_shares=_kit_pool(plain, borne, read, most, for_shares=True))


def _beside_kits(plain: Pool, book: Book, key: Key) -> Pool:
    """Leave what orders for kits claim of a component; a group that owes it so owes it too."""
    left, borne = book.free(*key), book.free(*key, for_shares=True)
    pool = replace(plain, free=min(plain.free, left), for_shares=None)
    of = plain.for_shares or plain
    if of is plain and borne == left:
        return pool
    return replace(pool, for_shares=replace(pool, free=min(of.free, borne)))


def _is_endless(stock: KitStock, read: StockRead, recipes: Recipebook) -> bool:
    """Say whether no stock limits a kit: not itself, or nothing that it is put together from."""
    ends = [item for item in stock.items if item not in recipes.recipes]
    if read.answers[stock.kit, stock.location].is_unlimited:
        return True
    places = [one.location for one in stock.buildings]
    return any(all(read.answers[item, at].is_unlimited for item in ends) for at in places)


def _kit_pool(
    plain: Pool, stock: KitStock, read: StockRead, most: int | None, *, for_shares: bool = False
) -> Pool:
    """Let a kit be as old as the oldest of what it is made from."""
    places = {stock.location, *(one.location for one in stock.buildings)}
    keys = [(item, at) for item in stock.items for at in sorted(places)]
    pools = [read.pool(read.answers[key]) for key in keys]
    borne = zip(keys, (pool.for_shares for pool in pools), strict=True) if for_shares else ()
    frees = {key: pool.free for key, pool in borne if pool is not None}
    parts = [key for key in keys if key[0] != stock.kit and read.claims.get(key)]
    claims = {key: (frees.get(key, read.free(key)), read.claims[key]) for key in parts}
    return replace(
        plain,
        free=stock.free() if most is None else min(stock.free(), most),
        fresh_until=_first(pool.fresh_until for pool in pools),
        lowers_at=_first(pool.lowers_at for pool in pools),
        turns_at=_first(pool.turns_at for pool in pools),
        for_shares=None,
        sources={name: until for pool in pools for name, until in pool.sources.items()},
        kit=KitPool(stock, claims, most),
    )


def _first(moments: Iterable[datetime | None]) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)
