"""What the hub holds for the order lines of kits of one tenant, whose stock rows are locked."""

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import NamedTuple

from crossdock.canonical.errors import Unavailable
from crossdock.canonical.inventory import ReservationStatus
from crossdock.capabilities.inventory import (
    demand,
    drawn_store,
    facts,
    kit_orders,
    kits,
    model,
    ordering,
    parts,
    standing,
    store,
)
from crossdock.capabilities.inventory.asking import Around, KnowsKits
from crossdock.capabilities.inventory.demand import Claim
from crossdock.capabilities.inventory.drawing import Draws, Pool
from crossdock.capabilities.inventory.had import Quoted, Whose
from crossdock.capabilities.inventory.kit_orders import Head
from crossdock.capabilities.inventory.kits import BY_ORDER, Exploded, Part, Recipe, part_ref
from crossdock.capabilities.inventory.model import LIVE, PromisedLine
from crossdock.capabilities.inventory.ordering import Lacking, Standing
from crossdock.capabilities.inventory.room import Room
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.store import Key, LineRow, StockRow
from crossdock.foundation.database import Transaction
from crossdock.foundation.ids import derived_uuid

# How often parts were held for each order line before: that names the next hold.
HELD_BEFORE = """
select v.demand_ref, count(*)::integer as times from inventory_reservation v
where v.tenant = $1 and v.demand_ref = any($2::text[]) and v.demand_ref <> '' and v.client = $3
    and v.into_line = 0
    and (v.status in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED')
        or v.status not in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED'))
group by v.demand_ref
"""


class Look(NamedTuple):
    """What was looked up for order lines of a tenant before the rows in `wanted` are locked.

    `refs` names each line's stock row; those in `due` are looked at whatever figures say. `found`
    are rows by key, `recipes` what goes into kits.
    """

    tenant: str
    refs: Mapping[str, int]
    due: AbstractSet[str]
    found: Mapping[Key, int]
    recipes: Exploded
    groups: Mapping[str, str]
    wanted: frozenset[int]


class _Rules(NamedTuple):
    """What rules say of items: kits whose orders name no parts of theirs, or alone; unlimited.

    `dated` says of how many kits promises by date hold the parts: item, location, order line.
    """

    takes: frozenset[Key]
    alone: frozenset[Key]
    unlimited: frozenset[Key]
    dated: Mapping[tuple[str, str, str], int]


class Settling:
    """Lets go what is not to be held, holds what is. Made, used and dropped in one transaction."""

    def __init__(self, workers: Transaction, sheet: Sheet, look: Look, now: datetime) -> None:
        self._workers, self._tx = workers, workers.of(look.tenant)
        self._sheet, self._look, self._now = sheet, look, now
        kits_at = set(look.refs.values())
        rows = [row for row in sheet.rows.values() if row.stock_id in kits_at]
        self._kits = sorted(rows, key=lambda row: (row.item, row.location))

    async def settle(self, around: Around, knows: KnowsKits) -> None:
        refs = sorted(self._look.refs)
        await self._sheet.expire_lapsed(self._tx, self._now)
        every = await self._claims(refs)
        heads = await kit_orders.heads(self._tx, refs)
        others = {one.reservation_id for one in heads if one.has_parts and one.client != BY_ORDER}
        promises = await store.lines_of(self._tx, sorted(others)) if others else []
        rules = await self._rules(around, knows)
        room = Room(self._sheet.counters())
        wanted = _lacking(self._kits, every, (heads, promises), (room, rules))
        changed = _changed(every, wanted, heads) | self._look.due
        claims = {ref: claim for ref, claim in every.items() if ref in changed}
        wanted = {ref: made for ref, made in wanted.items() if ref in changed}
        held = await kit_orders.held(self._tx, changed)
        if any(row.line.stock_id not in self._sheet.rows for row in held):
            raise Unavailable("an order of a kit was changed just now", code="contended")
        scratch = Sheet(self._sheet.rows, self._look.groups, self._look.tenant)
        for sheet in (scratch, self._sheet):
            await sheet.guard(self._tx, around.protections, self._now, self._quoted(claims))
        for row in held:
            scratch.change(row, model.released(row.line))
        found = await self._standing(scratch, (claims, wanted), (promises, held), rules)
        await self._hold(claims, held, found)
        await self._note(claims, wanted, found)
        rows, lines = await self._sheet.write(self._workers)
        await self._sheet.keep_channels(self._tx, self._now)
        await facts.tell(self._workers, rows, lines, self._now, {})

    async def _claims(self, refs: Sequence[str]) -> dict[str, Claim]:
        named = [(self._look.tenant, ref) for ref in refs]
        return {ref: one for (_, ref), one in (await demand.stored(self._tx, named)).items()}

    async def _rules(self, around: Around, knows: KnowsKits) -> _Rules:
        tx, tenant = self._tx, self._look.tenant
        keys = [(row.item, row.location) for row in self._kits]
        unlimited = frozenset[Key]()
        if around.unlimited is not None and not around.unlimited.has_none_of(
            tenant, self._look.found
        ):
            unlimited = await around.unlimited.among(tx, tenant, self._look.found)
        takes = await knows.takes_parts(tx, tenant, keys)
        alone = await knows.alone(tx, tenant, keys)
        return _Rules(takes, alone, unlimited, await knows.dated(tx, tenant, keys))

    def _quoted(self, claims: Mapping[str, Claim]) -> list[Quoted]:
        rows = self._sheet.rows
        return [
            Quoted(claim.stock_id, ref, Whose(claim.channel, claim.customer))
            for ref, claim in sorted(claims.items())
            if claim.stock_id in rows
        ]

    def _recipe(self, row: StockRow, unlimited: frozenset[Key]) -> Recipe | None:
        """Give what is to be held for a kit; None where it is none, or no stock limits it."""
        every = self._look.recipes.get(row.item, ())
        gone = {item for item, _ in every if (item, row.location) in unlimited}
        found = kits.limited(every, gone)
        if not found or (row.item, row.location) in unlimited:
            return None
        items = [item for item, _ in found]
        at = self._look.found
        return Recipe(
            row.item,
            tuple(Part(item, at[item, row.location], into) for item, into in found),
            self._sheet.buildings(items, row.location),
        )

    async def _standing(
        self,
        scratch: Sheet,
        demanded: tuple[Mapping[str, Claim], Mapping[str, int]],
        promised: tuple[Sequence[LineRow], Sequence[LineRow]],
        rules: _Rules,
    ) -> dict[str, Standing]:
        """Say for each order line what is to be held of the parts of its kits."""
        (claims, wanted), (promises, held) = demanded, promised
        recipes = {row.stock_id: self._recipe(row, rules.unlimited) for row in self._kits}
        lines = {
            ref: recipe
            for ref, many in wanted.items()
            if many and (recipe := recipes[claims[ref].stock_id or 0]) is not None
        }
        named = {part_ref(ref, part.item) for ref, one in lines.items() for part in one.parts}
        own = await self._claims(sorted(named))
        at = {part.counter for one in lines.values() for part in one.parts}
        at |= {claims[ref].stock_id or 0 for ref in lines}
        drawn = await drawn_store.claimed(self._tx, lines, at, is_of_hub=True)
        draws = Draws(drawn)
        _give_back(draws, drawn.pools, held)
        gone = await self._gone(named, own, promises)
        room, found = Room(scratch.counters(), draws=draws), dict[str, Standing]()
        for ref, recipe in lines.items():
            row = self._sheet.rows[claims[ref].stock_id or 0]
            is_alone = (row.item, row.location) in rules.alone
            each = [
                _owned(part, drawn.pools, (ref, own), is_alone=is_alone) for part in recipe.parts
            ]
            whose = Whose(claims[ref].channel, claims[ref].customer)
            of_line = {part.item: gone.get(part_ref(ref, part.item), 0) for part in each}
            lacking = Lacking(
                wanted[ref],
                Recipe(recipe.kit, tuple(each), recipe.buildings),
                scratch.counts_for(whose),
                of_line,
            )
            found[ref] = ordering.standing(room, lacking)
        return found

    async def _gone(
        self, named: Iterable[str], own: Mapping[str, Claim], promises: Sequence[LineRow]
    ) -> dict[str, int]:
        """Say how much of each part has left for an order line, into no kit of the hub's.

        What has left of reservations that somebody made was theirs.
        """
        assembled = {
            row["demand_ref"]: row["micros"]
            for row in await self._tx.fetch(standing.ASSEMBLED, self._look.tenant, sorted(named))
        }
        others: dict[str, int] = {}
        for row in promises:
            if row.line.into_line and row.client != BY_ORDER:
                ref = row.line.demand_ref
                others[ref] = others.get(ref, 0) + row.line.used
        return {
            ref: max(0, claim.picked - max(assembled.get(ref, 0), others.get(ref, 0)))
            for ref, claim in own.items()
        }

    async def _hold(
        self,
        claims: Mapping[str, Claim],
        held: Sequence[LineRow],
        found: Mapping[str, Standing],
    ) -> None:
        """Let go what is held otherwise than it is to be, and hold that anew."""
        by_ref: dict[str, list[LineRow]] = {}
        of = {row.reservation_id: row.line.demand_ref for row in held if not row.line.into_line}
        for row in held:
            by_ref.setdefault(of[row.reservation_id], []).append(row)
        new: list[str] = []
        for ref in sorted(claims):
            wanted = found.get(ref, Standing(0, (), ()))
            rows = by_ref.get(ref, [])
            if _is_held(rows, wanted, claims[ref].stock_id):
                continue
            for row in rows:
                self._sheet.change(row, model.released(row.line))
            if wanted.kits:
                new.append(ref)
        times = await self._tx.fetch(HELD_BEFORE, self._look.tenant, new, BY_ORDER)
        before: dict[str, int] = {row["demand_ref"]: row["times"] for row in times}
        for ref in new:
            self._make(ref, before.get(ref, 0), claims[ref], found[ref])

    def _make(self, ref: str, times: int, claim: Claim, wanted: Standing) -> None:
        request_id = f"{ref} {times + 1}"
        name = derived_uuid("reservation", self._look.tenant, BY_ORDER, request_id)
        kit = self._sheet.rows[claim.stock_id or 0]
        line = PromisedLine(
            1,
            kit.item,
            kit.location,
            ReservationStatus.ACTIVE,
            is_hard=True,
            requested=wanted.kits,
            granted=0,
            is_linked=True,
            demand_ref=ref,
            stock_id=kit.stock_id,
            made=wanted.kits,
        )
        lines = [line]
        each = [(False, *one) for one in wanted.held] + [(True, *one) for one in wanted.claimed]
        for is_linked, part, micros in each:
            held = line._replace(line_no=len(lines) + 1, item=part.item, requested=micros)
            held = held._replace(granted=micros, is_linked=is_linked, stock_id=part.counter)
            lines.append(
                held._replace(demand_ref=part_ref(ref, part.item), into_line=line.line_no)
            )
        for one in lines:
            row = self._sheet.rows[one.stock_id]
            head = self._look.tenant, name, BY_ORDER, request_id, b"", self._now, row.unit
            whose = Whose(claim.channel, claim.customer) if row.is_guarded else Whose("")
            self._sheet.make(LineRow(*head, one), None, whose)

    async def _note(
        self,
        claims: Mapping[str, Claim],
        wanted: Mapping[str, int],
        found: Mapping[str, Standing],
    ) -> None:
        """Note on what these order lines depend: their kits' rows, and those of parts lacking."""
        lines: set[tuple[int, str]] = set()
        at = {row.stock_id: row for row in self._kits}
        for ref, claim in claims.items():
            row = at.get(claim.stock_id or 0)
            if row is None or not claim.overlay or not self._look.recipes.get(row.item):
                continue
            lines.add((row.stock_id, ref))
            if wanted.get(ref, 0) > found.get(ref, Standing(0, (), ())).kits:
                every = self._look.recipes[row.item]
                lines |= {(self._look.found[item, row.location], ref) for item, _ in every}
        await kit_orders.renote(self._workers, self._look.tenant, sorted(claims), lines)


def _lacking(
    rows: Sequence[StockRow],
    claims: Mapping[str, Claim],
    promised: tuple[Sequence[Head], Sequence[LineRow]],
    around: tuple[Room, _Rules],
) -> dict[str, int]:
    """Say how many kits are to be put together for which order line, beside what others hold.

    The first to order have those that lie assembled.
    """
    (heads, promises), (room, rules) = promised, around
    known = {(one[0].reservation_id, one[0].line.line_no): one for one in parts.kits_of(promises)}
    by_ref: dict[str, list[Head]] = {}
    for head in heads:
        if head.client != BY_ORDER:
            by_ref.setdefault(head.demand_ref, []).append(head)
    at: dict[int | None, list[str]] = {}
    for ref, claim in claims.items():
        at.setdefault(claim.stock_id, []).append(ref)
    found: dict[str, int] = {}
    for row in rows:
        key = row.item, row.location
        named = at.get(row.stock_id, []) if key in rules.takes else []
        named.sort(key=lambda ref: (claims[ref].claimed_us, ref))
        short, lacks = room.short(row.stock_id), list[int]()
        for ref in named:
            left, in_parts = claims[ref].overlay, rules.dated.get((*key, ref), 0)
            for head in by_ref.get(ref, ()):
                if head.stock_id == row.stock_id:
                    left -= head.remaining
                    in_parts += _in_parts(known.get((head.reservation_id, head.line_no)))
            in_parts = min(in_parts, max(0, left))
            short -= in_parts
            lacks.append(max(0, left - in_parts))
        found |= zip(named, ordering.shared(short, lacks), strict=True)
    return found


def _in_parts(kit: parts.Kit | None) -> int:
    """Say of how many kits that are to be put together somebody else holds the parts, or would."""
    if kit is None:
        return 0
    lines = [part.line for part in kit[1]]
    return max(0, lines[0].made - kits.along(kit[0].line, lines))


def _changed(
    claims: Mapping[str, Claim], wanted: Mapping[str, int], heads: Sequence[Head]
) -> set[str]:
    """Name the order lines for whose kits more or less is to be held than is, or elsewhere."""
    held: dict[str, list[tuple[int | None, int]]] = {}
    for head in heads:
        if head.client == BY_ORDER and head.is_open:
            held.setdefault(head.demand_ref, []).append((head.stock_id, head.made))
    found: set[str] = set()
    for ref, claim in claims.items():
        made = wanted.get(ref, 0)
        is_same = held.get(ref, []) == ([(claim.stock_id, made)] if made else [])
        if not is_same or not claim.overlay:
            found.add(ref)
    return found


def _owned(
    part: Part,
    pools: Mapping[tuple[str, int], Pool],
    named: tuple[str, Mapping[str, Claim]],
    *,
    is_alone: bool,
) -> Part:
    """Say what a kit's order claims of a part itself, picked or not."""
    ref, own = named
    pool = pools.get((ref, part.counter))
    if pool is None:
        return part
    claim = own.get(part_ref(ref, part.item), Claim())
    if claim.order_id and claim.stock_id == part.counter:
        said = max(0, claim.ordered - claim.cancelled)
        return part._replace(own=said, pool=pool)
    return part if is_alone else part._replace(own=pool.open, pool=pool)


def _give_back(
    draws: Draws, pools: Mapping[tuple[str, int], Pool], held: Sequence[LineRow]
) -> None:
    """Take back what holds that are decided anew drew of their orders' claims."""
    refs = {row.reservation_id: row.line.demand_ref for row in held if not row.line.into_line}
    for row in held:
        if row.line.into_line and row.line.is_linked and row.line.status in LIVE:
            pool = pools.get((refs[row.reservation_id], row.line.stock_id))
            if pool is not None:
                draws.draw(pool, -row.line.remaining)


def _is_held(rows: Sequence[LineRow], wanted: Standing, stock_id: int | None) -> bool:
    """Say whether just what is wanted is held already, in one reservation."""
    living = [row.line for row in rows if row.line.status in LIVE]
    heads = [(line.stock_id, line.made) for line in living if not line.into_line]
    if heads != ([(stock_id, wanted.kits)] if wanted.kits else []):
        return False
    held = [
        (line.is_linked, line.stock_id, line.remaining)
        for line in living
        if line.into_line and line.remaining
    ]
    each = [(False, part.counter, micros) for part, micros in wanted.held]
    each += [(True, part.counter, micros) for part, micros in wanted.claimed]
    return sorted(held) == sorted(each)
