"""Parts that promises hold for kits: what becomes of them when orders and movements are heard.

A kit's order claims the kit, as any order does; until the kit is put together its parts are held
beside, for nobody else claims them (A19), for as many kits as the order claims beyond those that
lie assembled for it. Where an order claims the parts by lines of its own, that counts and the hold
does not. What is claimed again is held again as far as there is room (I2).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crossdock.capabilities.inventory import asking, drawn_store, kits, model, standing, store
from crossdock.capabilities.inventory.asking import Around
from crossdock.capabilities.inventory.demand import Claim, Ref
from crossdock.capabilities.inventory.drawing import Draws, Pool
from crossdock.capabilities.inventory.granting import Room
from crossdock.capabilities.inventory.kits import Picked
from crossdock.capabilities.inventory.model import PromisedLine
from crossdock.capabilities.inventory.sheet import Sheet, with_kin
from crossdock.capabilities.inventory.store import LineRow, StockIds
from crossdock.foundation.database import Transaction

Heard = tuple[Sequence[Ref], Mapping[Ref, Claim]]
"""The order lines that a page is about, and what they claim now."""

Kit = tuple[LineRow, list[LineRow]]
"""A kit's line with those of its parts."""

WAIT_NO_MORE = "delete from inventory_kit_wait where tenant = $1 and demand_ref = any($2::text[])"
WAIT = """
insert into inventory_kit_wait (tenant, demand_ref, stock_id)
select distinct $1, * from unnest($2::text[], $3::bigint[])
"""


async def lines_for(tx: Transaction, refs: Sequence[Ref]) -> list[LineRow]:
    """Find the living promises of order lines, oldest first; of kits with all their parts."""
    found = await store.lines_for(tx, refs)
    names = sorted({row.reservation_id for row in found if row.line.short or row.line.into_line})
    if not names:
        return found
    known = {(row.reservation_id, row.line.line_no) for row in found}
    every = await store.lines_of(tx, names)
    return found + [
        row
        for row in every
        if (row.line.short or row.line.into_line)
        and (row.reservation_id, row.line.line_no) not in known
    ]


async def beside(tx: Transaction, promises: Sequence[LineRow]) -> set[int]:
    """Name all stock rows that decide whether parts which were given back can be held again."""
    cut: dict[str, set[int]] = {}
    for row in promises:
        if row.line.into_line and row.line.short:
            cut.setdefault(row.tenant, set()).add(row.line.stock_id)
    found: set[int] = set()
    for tenant, stock_ids in sorted(cut.items()):
        found |= (await with_kin(tx.of(tenant), tenant, StockIds(), stock_ids))[0]
    return found


async def hand_over(
    tx: Transaction,
    sheet: Sheet,
    promises: Sequence[LineRow],
    heard: Heard,
    asked: tuple[Around, datetime],
) -> None:
    """Let kits and their parts agree on what has left, and on what their orders count."""
    found = kits_of(row for row in promises if row.client != kits.BY_ORDER)
    if not found:
        return
    assembled = await _assembled(tx, [row for _, rows in found for row in rows])
    for line, rows in found:
        _settle(sheet, line, rows, assembled)
    refs, after = set(heard[0]), heard[1]
    told = [(line, rows) for line, rows in found if (line.tenant, line.line.demand_ref) in refs]
    for tenant in sorted({line.tenant for line, _ in told}):
        own = [(line, rows) for line, rows in told if line.tenant == tenant]
        waiting = await _Linking(tx.of(tenant), sheet, after, asked).link(own, promises)
        await _wait(tx, tenant, sorted({ref for of, ref in refs if of == tenant}), waiting)


async def _wait(
    tx: Transaction, tenant: str, refs: Sequence[str], waiting: Sequence[tuple[str, int]]
) -> None:
    """Note which of these order lines wait for parts, and of which stock rows."""
    await tx.execute(WAIT_NO_MORE, tenant, refs)
    if waiting:
        names, stock_ids = zip(*waiting, strict=True)
        await tx.execute(WAIT, tenant, names, stock_ids)


def kits_of(promises: Iterable[LineRow]) -> list[tuple[LineRow, list[LineRow]]]:
    """Put the lines of kits together with those of their parts, the oldest first."""
    lines: dict[tuple[UUID, int], LineRow] = {}
    parts: dict[tuple[UUID, int], list[LineRow]] = {}
    for row in promises:
        if into := row.line.into_line:
            parts.setdefault((row.reservation_id, into), []).append(row)
        else:
            lines[row.reservation_id, row.line.line_no] = row
    found = [(lines[name], rows) for name, rows in parts.items() if name in lines]
    return sorted(found, key=lambda one: (one[0].created_at, one[0].reservation_id))


async def _assembled(tx: Transaction, rows: Sequence[LineRow]) -> dict[Ref, int]:
    """Say how much of each part went into kits that were put together for its order line."""
    found: dict[Ref, int] = {}
    for tenant in sorted({row.tenant for row in rows}):
        refs = sorted({row.line.demand_ref for row in rows if row.tenant == tenant} - {""})
        for row in await tx.fetch(standing.ASSEMBLED, tenant, refs) if refs else ():
            found[tenant, row["demand_ref"]] = row["micros"]
    return found


def _settle(
    sheet: Sheet, line: LineRow, rows: Sequence[LineRow], assembled: dict[Ref, int]
) -> None:
    """Note what has left; `assembled` is used up by the oldest first."""
    picked: list[Picked] = []
    [now], parts = sheet.current([line]), sheet.current(rows)
    for row in parts:
        ref = (row.tenant, row.line.demand_ref)
        taken = min(row.line.used, max(0, assembled.get(ref, 0)))
        picked.append(Picked(row.line, taken))
        if ref in assembled:
            assembled[ref] -= taken
    after, changed = kits.settled(now.line, picked)
    sheet.change(now, after)
    for row, part in zip(parts, changed, strict=True):
        sheet.change(row, part)


class _Claims(NamedTuple):
    """What the orders of kits claim of their parts, and which kits' orders name the kit alone."""

    pools: Mapping[tuple[str, int], Pool]
    draws: Draws
    alone: frozenset[tuple[str, str]]


class _Linking:
    """Hands parts over to what their orders claim of them, and holds what they do not."""

    def __init__(
        self,
        tx: Transaction,
        sheet: Sheet,
        after: Mapping[Ref, Claim],
        asked: tuple[Around, datetime],
    ) -> None:
        self._tx, self._sheet, self._after = tx, sheet, after
        self._around, self._now = asked

    async def link(self, own: Sequence[Kit], promises: Sequence[LineRow]) -> list[tuple[str, int]]:
        """Do so for these kits of one tenant: what is cut goes before what is claimed again.

        Give the order lines that found no room for all they claim, and where parts of them lie.
        """
        claims = await self._claims(own)
        wanted = self._wanted(own, promises)
        turns = sorted(
            zip(own, wanted, strict=True), key=lambda one: one[1] > kits.kept(self._lines(one[0]))
        )
        waiting: list[tuple[str, int]] = []
        for kit, kits_wanted in turns:
            room = await self._room(kit) if kits_wanted else {}
            if self._link(kit, kits_wanted, claims, room) < kits_wanted:
                waiting += [(kit[0].line.demand_ref, row.line.stock_id) for row in kit[1]]
        return waiting

    def _lines(self, kit: Kit) -> list[PromisedLine]:
        """Give a kit's parts as they stand by now."""
        return [row.line for row in self._sheet.current(kit[1])]

    async def _claims(self, own: Sequence[Kit]) -> _Claims:
        """Find what their orders claim; what the stored lines drew of that is given back."""
        alone = await asking.alone(
            self._tx, self._around.kits, [line.line[1:3] for line, _ in own]
        )
        at = {row.line.stock_id for line, rows in own for row in (line, *rows)}
        drawn = await drawn_store.claimed(self._tx, [line.line.demand_ref for line, _ in own], at)
        draws = Draws(drawn)
        for line, rows in own:
            claim = self._claim(line.line)
            is_drawn = line.line.is_linked and line.line.made and line.line.status in model.LIVE
            for row in rows if is_drawn and claim.overlay else ():
                pool = drawn.pools.get((line.line.demand_ref, row.line.stock_id))
                if pool and row.line.is_linked and row.line.status in model.LIVE:
                    draws.draw(pool, -row.line.remaining)
        return _Claims(drawn.pools, draws, alone)

    def _claim(self, line: PromisedLine) -> Claim:
        return self._after.get((self._tx.tenant, line.demand_ref), Claim())

    def _wanted(self, own: Sequence[Kit], promises: Sequence[LineRow]) -> list[int]:
        """Say for how many kits in all each line's parts are to be held, the oldest first.

        A line that its order does not count holds all that it was granted.
        """
        left: dict[str, int] = {}
        for row in self._sheet.current(promises):
            if row.tenant == self._tx.tenant and row.line.is_linked and not row.line.into_line:
                ref = row.line.demand_ref
                left[ref] = left.get(ref, self._claim(row.line).overlay) - row.line.remaining
        wanted: list[int] = []
        for line, parts in own:
            [now], lines = self._sheet.current([line]), self._lines((line, parts))
            most = lines[0].made
            if not now.line.is_linked:
                wanted.append(most)
                continue
            ref, done = now.line.demand_ref, kits.along(now.line, lines)
            more = max(0, min(most - done, left[ref]))
            left[ref] -= more
            wanted.append(min(most, kits.whole(done + more)))
        return wanted

    async def _room(self, kit: Kit) -> dict[int, int]:
        """Say what is free of each part, for the channel that the kit was promised to."""
        tx, rows = self._tx, kit[1]
        here = {row.line.stock_id for row in rows}
        groups = (await with_kin(tx, tx.tenant, StockIds(), here))[1]
        own = {at: row for at, row in self._sheet.rows.items() if row.tenant == tx.tenant}
        seen = Sheet(own, groups, tx.tenant)
        if any(own[at].is_guarded for at in here):
            await seen.learn_channels(tx, rows)
            await seen.guard(tx, self._around.protections, self._now)
        room = Room(seen.counters())
        return {
            row.line.stock_id: room.free(
                row.line.stock_id, seen.counts_for(seen.whose_is(row))
            ).micros
            for row in rows
        }

    def _link(self, kit: Kit, wanted: int, claims: _Claims, room: Mapping[int, int]) -> int:
        """Hold the parts of as many kits as are wanted, and as there is room for; say of how many.

        One that is over waits for none.
        """
        [line], parts = self._sheet.current([kit[0]]), self._sheet.current(kit[1])
        if line.line.status not in model.COUNTING:
            return wanted
        covers = {row.line.stock_id: self._covered(line.line, row.line, claims) for row in parts}

        def held(one: PromisedLine) -> int:
            return 0 if 0 < one.remaining <= covers[one.stock_id] else one.remaining

        def fits(some: int) -> bool:
            after = kits.keeping(line.line, self._lines(kit), some)[1]
            return all(
                held(one) - row.line.hold <= room.get(one.stock_id, 0)
                for row, one in zip(parts, after, strict=True)
            )

        some = wanted if fits(wanted) else kits.most(wanted, fits)
        now, after = kits.keeping(line.line, self._lines(kit), some)
        self._sheet.change(line, kits.ended(now, after))
        for row, part in zip(parts, after, strict=True):
            pool = claims.pools.get((now.demand_ref, part.stock_id))
            if pool and part.remaining and not held(part):
                claims.draws.draw(pool, part.remaining)
                self._sheet.change(row, model.linked(part))
            else:
                self._sheet.change(row, _apart(part, is_hard=now.is_hard))
        return some

    def _covered(self, line: PromisedLine, part: PromisedLine, claims: _Claims) -> int:
        """Say how much of a part its order claims by lines of its own, and nothing else draws."""
        pool = claims.pools.get((line.demand_ref, part.stock_id)) if line.is_linked else None
        if pool is None:
            return 0
        named = self._after.get((self._tx.tenant, part.demand_ref), Claim())
        is_alone = line[1:3] in claims.alone
        own = named.overlay if named.stock_id == part.stock_id else 0 if is_alone else None
        return min(claims.draws.left(pool), pool.open if own is None else own)


def _apart(part: PromisedLine, *, is_hard: bool) -> PromisedLine:
    """Let a part be held by itself, as firmly as its kit."""
    part = model.unlinked(part)
    return model.confirmed(part) if is_hard and part.status in model.LIVE else part
