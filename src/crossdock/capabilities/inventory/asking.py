"""Requests as the grant decides them: kits taken apart, and what their orders claim already."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import count
from types import MappingProxyType
from typing import NamedTuple, Protocol

from crossdock.canonical.inventory import ReservationStatus
from crossdock.canonical.packs import Pack
from crossdock.capabilities.inventory import drawn_store, store
from crossdock.capabilities.inventory.drawing import Drawn, Pool
from crossdock.capabilities.inventory.granting import NOTHING_DRAWN, Ask, Given
from crossdock.capabilities.inventory.had import KnowsProtections, Quoted, Whose
from crossdock.capabilities.inventory.incoming import Incoming
from crossdock.capabilities.inventory.kits import (
    Exploded,
    Into,
    Part,
    Recipe,
    limited,
    part_ref,
)
from crossdock.capabilities.inventory.model import PromisedLine, ReservationLine
from crossdock.capabilities.inventory.packing import InPacks, KnowsPacks, in_packs, picked
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.store import Key, LineRow
from crossdock.foundation.database import Transaction

ACTIVE, DENIED = ReservationStatus.ACTIVE, ReservationStatus.DENIED

NO_KITS: Exploded = MappingProxyType({})

HELD_MAX = 32_767
"""So many lines a reservation can have, those of kits' parts among them."""


class KnowsKits(Protocol):
    """Whoever knows what kits are put together from; supply, usually."""

    def has_none_of(self, tenant: str, items: Sequence[str]) -> bool:
        """Say whether none of these was a kit a moment ago, without asking."""
        ...

    async def exploded(self, tx: Transaction, tenant: str, items: Sequence[str]) -> Exploded:
        """Name what goes into those of these items that are kits."""
        ...

    async def told(self, tx: Transaction, tenant: str, items: Sequence[str]) -> Exploded:
        """Name the same, as it is told by now and not a moment ago."""
        ...

    async def among(self, tx: Transaction, tenant: str, items: Sequence[str]) -> frozenset[str]:
        """Name those of these items that are kits."""
        ...

    async def above(self, tx: Transaction, tenant: str, items: Sequence[str]) -> frozenset[str]:
        """Name those of these items that are kits, and all kits that any of them goes into."""
        ...

    async def takes_parts(
        self, tx: Transaction, tenant: str, keys: Sequence[tuple[str, str]]
    ) -> frozenset[tuple[str, str]]:
        """Name those of these (kit, location) whose orders claim their parts."""
        ...

    async def alone(
        self, tx: Transaction, tenant: str, keys: Sequence[tuple[str, str]]
    ) -> frozenset[tuple[str, str]]:
        """Name those of these (kit, location) whose orders name the kit alone."""
        ...

    async def dated(
        self, tx: Transaction, tenant: str, keys: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str, str], int]:
        """Say of how many kits promises by date take parts at most: item, location, order line."""
        ...


class KnowsUnlimited(Protocol):
    """Whoever knows which items no stock limits; supply, usually."""

    def has_none_of(self, tenant: str, keys: Iterable[Key]) -> bool:
        """Say whether stock limited all of these a moment ago, without asking."""
        ...

    async def among(self, tx: Transaction, tenant: str, keys: Iterable[Key]) -> frozenset[Key]:
        """Name those of these that no stock limits."""
        ...


class ItemRules(NamedTuple):
    """Who knows what rules say of items, whatever lies there."""

    unlimited: KnowsUnlimited | None = None
    packs: KnowsPacks | None = None


NO_RULES = ItemRules()


class Around(NamedTuple):
    """Whom a promise asks beside stock."""

    protections: KnowsProtections | None = None
    kits: KnowsKits | None = None
    unlimited: KnowsUnlimited | None = None
    packs: KnowsPacks | None = None


class Look(NamedTuple):
    """What was looked up for a batch: stock rows by key, open demand by order line, kits.

    `drawn` is what orders claim in all, and what promises draw of it; orders of lines of kits in
    `alone` name the kit alone. No stock limits what is `unlimited`. What has `packs` is sold in
    them; `picked` is what has left of an order line by now.
    """

    found: Mapping[Key, int]
    demand: Mapping[str, tuple[int, int]]
    now: datetime
    kits: Exploded = NO_KITS
    drawn: Drawn = NOTHING_DRAWN
    alone: frozenset[Key] = frozenset()
    unlimited: frozenset[Key] = frozenset()
    packs: Mapping[Key, Pack] = MappingProxyType({})
    picked: Mapping[str, int] = MappingProxyType({})

    def is_moved(self, line: ReservationLine) -> bool:
        """Say whether a line asks for another amount than whole packs of it."""
        pack = self.packs.get(line[:2])
        return pack is not None and line.micros % pack.micros != 0

    def in_packs(self, line: ReservationLine) -> InPacks:
        """Say what a line asks for in whole packs, with what has left of its order before."""
        beside = 0 if self.own(line) is None else self.picked.get(line.demand_ref, 0)
        return in_packs(line.micros, self.packs.get(line[:2]), beside)

    def counts(self, one: Incoming) -> bool:
        """Say whether the order of a plain request is known, so that more than a sum decides."""
        return bool(self.demand) and one.request.lines[0].demand_ref in self.demand

    def is_too_long(self, one: Incoming) -> bool:
        """Say whether a request would hold more lines than a reservation can have."""
        if not self.kits:
            return False
        asked = one.request.lines
        parts = sum(len(self.kits.get(line.item, ())) for line in asked)
        return len(asked) + parts > HELD_MAX

    def is_unlimited(self, line: ReservationLine) -> bool:
        """Say whether no stock limits a line: its item, or all that goes into it."""
        if line[:2] in self.unlimited:
            return True
        return line.item in self.kits and not self.parts(line)

    def parts(self, line: ReservationLine) -> Sequence[tuple[str, Into]]:
        """Name what goes into a kit at its place, but for what no stock limits there."""
        every = self.kits[line.item]
        gone = {item for item, _ in every if (item, line.location) in self.unlimited}
        return limited(every, gone) if gone else every

    def own(self, line: ReservationLine) -> int | None:
        """Say how much of the line's own order is counted at this very place; None if none is."""
        stock_id, open_ = self.demand.get(line.demand_ref, (0, 0))
        return open_ if stock_id == self.found[line.item, line.location] else None

    def pool(self, line: ReservationLine, item: str) -> Pool | None:
        """Give what the line's order claims in all of an item at the line's place."""
        return self.drawn.pools.get((line.demand_ref, self.found[item, line.location]))

    def own_part(self, line: ReservationLine, item: str) -> int | None:
        """Say how much of a part of a kit the kit's order claims there itself.

        Nothing while the kit itself is not claimed there: such a promise is not the order's.
        """
        pool = self.pool(line, item)
        if pool is None or self.own(line) is None:
            return None
        at, open_ = self.demand.get(part_ref(line.demand_ref, item), (0, 0))
        if at == pool.stock_id:
            return open_
        return None if line[:2] in self.alone else pool.open


def parts_of(keys: Iterable[Key], kits: Exploded) -> list[Key]:
    """Name all that goes into the kits among these, at the same places."""
    return sorted({(part, at) for item, at in keys for part, _ in kits.get(item, ())})


def quoted(batch: Iterable[Incoming]) -> set[str]:
    """Name the order lines that are quoted."""
    return {line[3] for one in batch for line in one.request.lines} - {""}


async def demand(tx: Transaction, refs: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Find the open demand of order lines, and where it counts."""
    asked = sorted(refs)
    if not asked:
        return {}
    rows = await tx.fetch(store.DEMAND_OF, tx.tenant, asked)
    return {row["demand_ref"]: (row["stock_id"], row["open"]) for row in rows}


async def alone(tx: Transaction, kits: KnowsKits | None, keys: Iterable[Key]) -> frozenset[Key]:
    """Name those kits at places whose orders name the kit alone."""
    asked = sorted(set(keys))
    if kits is None or not asked:
        return frozenset()
    return await kits.alone(tx, tx.tenant, asked)


async def ordered(
    tx: Transaction, look: Look, batch: Sequence[Incoming], kits: KnowsKits | None
) -> Look:
    """Look once more for what is open of the orders that are quoted, and of kits' parts."""
    refs = quoted(batch)
    lines = [line for one in batch for line in one.request.lines if line.demand_ref]
    named = [line for line in lines if line.item in look.kits]
    parts = {part_ref(line.demand_ref, item) for line in named for item, _ in look.kits[line.item]}
    look = look._replace(demand=await demand(tx, refs | parts))
    packed = {line.demand_ref for line in lines if line[:2] in look.packs}
    look = look._replace(picked=await picked(tx, packed & look.demand.keys()))
    owned = [line for line in lines if look.own(line) is not None]
    if kits is None or not owned:
        return look
    keys = [line[:2] for line in owned]
    rows = [look.found[key] for key in (*keys, *parts_of(keys, look.kits))]
    drawn = await drawn_store.claimed(tx, [line.demand_ref for line in owned], rows)
    of_kits = [line[:2] for line in owned if line.item in look.kits]
    return look._replace(drawn=drawn, alone=await alone(tx, kits, of_kits))


def counted(batch: Iterable[Incoming], look: Look) -> list[Quoted]:
    """Name the order lines that stock counts already, with the first who quotes each."""
    found: dict[str, Quoted] = {}
    for one in batch:
        for line in one.request.lines:
            if look.own(line) is not None:
                order = Quoted(look.found[line[:2]], line.demand_ref, one.whose)
                found.setdefault(line.demand_ref, order)
    return list(found.values())


def whose(one: Incoming, look: Look, sheet: Sheet) -> list[Whose]:
    """Say whose each line is: its order's where that counts it there already, else who asks."""
    said = one.whose
    return [
        said
        if look.own(line) is None
        else sheet.whose(Quoted(look.found[line[:2]], line.demand_ref, said))
        for line in one.request.lines
    ]


def ask(one: Incoming, whose: Sequence[Whose], look: Look, sheet: Sheet) -> Ask:
    """Put a request as the grant decides it."""
    asked = one.request.lines
    own = tuple(look.own(line) for line in asked)
    channels = tuple(map(sheet.counts_for, whose))
    if all(open_ is None for open_ in own):
        own = ()
    places = [look.found[line.item, line.location] for line in asked]
    packed = [look.in_packs(line) for line in asked]
    return Ask(
        tuple((at, each.wanted) for at, each in zip(places, packed, strict=True)),
        one.request.allow_partial,
        own,
        sheet.counts_for(one.whose),
        channels,
        tuple(sheet.had(at, line.demand_ref) for at, line in zip(places, asked, strict=True))
        if own
        else (),
        {
            number: _recipe(line, look, sheet)
            for number, line in enumerate(asked)
            if line.item in look.kits
        },
        frozenset(n for n, line in enumerate(asked) if look.is_unlimited(line)),
        tuple(line.demand_ref for line in asked),
        tuple(look.pool(line, line.item) for line in asked),
        tuple(each.pack for each in packed) if look.packs else (),
        frozenset(number for number, each in enumerate(packed) if each.is_too_few),
    )


def _recipe(line: ReservationLine, look: Look, sheet: Sheet) -> Recipe:
    parts = look.parts(line)
    return Recipe(
        line.item,
        tuple(
            Part(
                item,
                look.found[item, line.location],
                into,
                look.own_part(line, item),
                look.pool(line, item),
            )
            for item, into in parts
        ),
        sheet.buildings([item for item, _ in parts], line.location),
    )


def lines(
    asked: tuple[Incoming, Sequence[Given]], number: int, look: Look, sheet: Sheet
) -> list[tuple[LineRow, int | None]]:
    """Make the row of a line and of a kit's parts, each with what its order claims of it."""
    one, got = asked
    given, line = got[number], one.request.lines[number]
    own = given.own
    is_linked = given.micros + given.made > 0 and own is not None
    packed = look.in_packs(line)
    promised = PromisedLine(
        number + 1,
        line.item,
        line.location,
        ACTIVE if given.micros or given.made else DENIED,
        one.is_hard or is_linked,
        packed.wanted,
        given.micros,
        is_linked=is_linked,
        demand_ref=line.demand_ref,
        expires_at=None if is_linked else one.expires_at,
        stock_id=look.found[line.item, line.location],
        made=given.made,
        is_unlimited=look.is_unlimited(line),
        asked=packed.asked,
        pack=packed.pack,
    )
    before = sum(len(each.parts) for each in got[:number])
    found = [(promised, own)]
    for line_no, (part, micros) in zip(count(len(got) + before + 1), given.parts, strict=False):
        held = promised._replace(
            line_no=line_no,
            item=part.item,
            status=ACTIVE,
            is_hard=promised.is_hard or part.own is not None,
            expires_at=None if part.own is not None else promised.expires_at,
            requested=micros,
            granted=micros,
            is_linked=part.own is not None,
            demand_ref=part_ref(line.demand_ref, part.item),
            stock_id=part.counter,
            into_line=number + 1,
            is_unlimited=False,
            asked=0,
            pack=0,
        )
        found.append((held, part.own))
    head = (sheet.tenant, one.reservation_id, one.client, one.request.request_id)
    return [
        (LineRow(*head, one.content_hash, look.now, sheet.rows[row.stock_id].unit, row), claimed)
        for row, claimed in found
    ]


def line_no(row: LineRow) -> int:
    return row.line.line_no
