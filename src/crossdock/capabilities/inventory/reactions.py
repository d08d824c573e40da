"""What moves inventory: movements, snapshots, orders, lots, signs of life, locations.

A page of events is folded as a set: rows are read once, locked in one order, changed by pure
rules and written back; the figures that changed go to the log in the same transaction.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from crossdock.canonical.catalog import LocationChanged, LotChanged
from crossdock.canonical.envelope import Event
from crossdock.canonical.errors import Unavailable
from crossdock.canonical.inventory import SourceHeard, StockMoved, StockSnapshotTaken
from crossdock.canonical.orders import OrderChanged
from crossdock.capabilities.inventory import (
    counted,
    demand,
    expiring,
    facts,
    folding,
    grouping,
    kit_orders,
    lots,
    model,
    over_picks,
    part_picks,
    parts,
    positions,
    shelves,
    store,
)
from crossdock.capabilities.inventory.asking import Around, KnowsKits
from crossdock.capabilities.inventory.demand import Claim, Claims, Ref, StockKey
from crossdock.capabilities.inventory.folding import Folded
from crossdock.capabilities.inventory.grouping import HearsGroups, Regrouped
from crossdock.capabilities.inventory.had import KnowsProtections
from crossdock.capabilities.inventory.kits import BY_ORDER
from crossdock.capabilities.inventory.ledger import Bucket
from crossdock.capabilities.inventory.lots import LotAt
from crossdock.capabilities.inventory.ordered_kits import OrderedKits
from crossdock.capabilities.inventory.page import READER, Movement, Page, page_of
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.store import LineRow, StockIds, StockRow
from crossdock.capabilities.inventory.waiting_kits import WaitingKits
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction
from crossdock.foundation.readers import Reader

HEARD = (StockMoved, StockSnapshotTaken, OrderChanged, SourceHeard, LocationChanged, LotChanged)
TYPES = frozenset(payload.TYPE for payload in HEARD)

# A sign of life, by the source's own clock; one that comes late takes nothing back.
HEAR = """
insert into inventory_source as s (tenant, source, heard_at)
select * from unnest($1::text[], $2::text[], $3::timestamptz[])
on conflict (tenant, source) do update set heard_at = greatest(s.heard_at, excluded.heard_at)
"""

# A plan made while a table was small would read all of it until somebody analyses the table.
ONLY_INDEXES = "set local enable_seqscan = off"


def inventory_readers(
    clock: Clock, around: Around, shows: HearsGroups
) -> tuple[Reader, Reader, Reader]:
    """Make the reader that keeps stock true, and those that look after kits that are ordered."""
    first = inventory_reader(clock, around.protections, around.kits, shows)
    return first, WaitingKits(clock, around).reader, OrderedKits(clock, around).reader


def inventory_reader(
    clock: Clock,
    protections: KnowsProtections | None = None,
    kits: KnowsKits | None = None,
    shows: HearsGroups | None = None,
) -> Reader:
    """Make the log reader that keeps stock true. One shard: an order may touch any item.

    `protections` hears where goods have expired, or no longer have, by what was told of a lot;
    `kits` knows which orders name kits alone; `shows` hears of groups that have other members.
    """
    reactions = Reactions(clock, (protections, kits, shows))
    return Reader(name=READER, apply=reactions.apply, types=TYPES)


class Reactions:
    def __init__(
        self,
        clock: Clock,
        others: tuple[KnowsProtections | None, KnowsKits | None, HearsGroups | None],
    ) -> None:
        protections, kits, self._shows = others
        self._clock = clock
        self._protections = protections
        self._around = Around(protections, kits)

    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Fold one page into positions, demand and stock rows, and tell what changed."""
        page = page_of(events)
        now = self._clock.now()
        await _hear(tx, page)
        regrouped = await grouping.regroup(tx, page)
        zones = lots.zones_told(page, regrouped.newer)
        await lots.make_days(tx, zones, now)
        beside = _Beside(await lots.keep(tx, page), zones, regrouped)
        if page.movements or page.counts or page.fulls or page.orders or any(beside[:2]):
            changed = await _fold(tx, page, beside, self._around, now)
            await expiring.look_again(tx, self._protections, changed, now)
        if regrouped.places and self._shows is not None:  # once stock rows are locked, as others
            await self._shows.regrouped(tx, regrouped.places)


class _Beside(NamedTuple):
    """What a page says beside stock: the lots whose last day is another, zones and groups."""

    known_anew: Collection[lots.Lot]
    zones: Mapping[lots.Place, str]
    regrouped: Regrouped


async def _fold(
    tx: Transaction, page: Page, beside: _Beside, around: Around, now: datetime
) -> set[StockKey]:
    """Fold the page; give where goods have expired, or no longer have, by words about lots.

    Whoever needs both locks stock rows first, all in one order, then days, all in one order.
    """
    await tx.execute(ONLY_INDEXES)
    units = await folding.buckets(tx, page)
    page, claims = await part_picks.routed(tx, page, around.kits)
    told = await lots.buckets(tx, beside.known_anew)
    by_key = await _stock_ids(tx, units, claims)
    by_key |= {one.key: stock_id for one, stock_id in told.items()}
    refs = sorted(claims.stored.keys() | claims.lines.keys() | _quoted(page))
    promises = await parts.lines_for(tx, refs)
    also = await grouping.rows_at(tx, beside.regrouped) | await parts.beside(tx, promises)
    sheet = await _locked(tx, {*by_key.values(), *also}, claims, promises)
    await grouping.flag(tx, beside.regrouped)
    promises = await parts.lines_for(tx, refs)  # as they are under the locks
    if any(row.line.stock_id not in sheet.rows for row in promises):
        raise Unavailable("a reservation was moved just now", code="contended")

    rows = await positions.ensure(tx, units)
    folded, fresh = await folding.fold(tx, page, rows)
    after, docked = demand.claimed(claims, fresh, by_key), _docked(folded, by_key)
    causes = _move_stock(sheet, folded, by_key)
    new = await expiring.new_lots(tx, rows.values(), now)
    await lots.hold_days(tx, {one.place for one in told.keys() | new} | beside.zones.keys())
    await lots.set_zones(tx, beside.zones, now)
    changed = await expiring.reckon(tx, sheet, by_key, told.keys())
    await expiring.reckon(tx, sheet, by_key, new)
    _note_lots(page, told, changed, causes)
    _move_demand(sheet, claims, after, demand.causes_of(claims, fresh), causes)
    _move_promises(sheet, promises, after, demand.picks_of(fresh), now)
    stock, lines = await _written(
        tx, sheet, docked, (claims, after), (refs, promises, (around, now))
    )
    await facts.tell(tx, stock, lines, now, causes)
    await _tell_found(tx, sheet, folded, (claims, after), (page, fresh, now))
    return changed


async def _tell_found(
    tx: Transaction,
    sheet: Sheet,
    folded: Sequence[Folded],
    demanded: tuple[Claims, Mapping[Ref, Claim]],
    said: tuple[Page, Sequence[Movement], datetime],
) -> None:
    """Tell of buckets that hold what cannot be, of order lines picked too much, of counts."""
    (claims, after), (page, fresh, now) = demanded, said
    live = demand.live(claims, fresh)
    over = await over_picks.mark(tx, claims.stored, after, live, now)
    causes = demand.causes_of(claims, fresh) if over else {}
    lines = {ref: (after[ref], sheet.rows[after[ref].stock_id or 0]) for ref in over}
    impossible = facts.of_impossible(folded, str(page.reached), now)
    told = facts.of_over_picks(lines, causes, str(page.reached), now)
    await event_log.append(tx, impossible + told)
    await shelves.tell(tx, folded, fresh, str(page.reached), now)
    await counted.tell(tx, page, folded, fresh, now)


async def _written(
    tx: Transaction,
    sheet: Sheet,
    docked: Mapping[int, int],
    demanded: tuple[Claims, Mapping[Ref, Claim]],
    promised: tuple[Sequence[Ref], Sequence[LineRow], tuple[Around, datetime]],
) -> tuple[list[StockRow], list[LineRow]]:
    """Write all that changed, once what promises hold for kits is handed over to their orders."""
    refs, promises, asked = promised
    await kit_orders.note(tx, sheet, asked[0].kits, demanded)
    await demand.write(tx, *demanded)
    await parts.hand_over(tx, sheet, promises, (refs, demanded[1]), asked)
    await positions.move_docked(tx, docked)
    return await sheet.write(tx)


async def _hear(tx: Transaction, page: Page) -> None:
    if page.heard:
        keys = sorted(page.heard)
        await tx.execute(
            HEAR, [key[0] for key in keys], [key[1] for key in keys], [page.heard[k] for k in keys]
        )
    if page.streams:
        streams = sorted(page.streams)
        await tx.execute(
            positions.HEAR_STREAMS,
            [key[0] for key in streams],
            [key[1] for key in streams],
            [page.streams[key][0] for key in streams],
            [page.streams[key][1] for key in streams],
        )


def _quoted(page: Page) -> set[Ref]:
    return {
        (move.event.tenant, move.payload.demand_ref)
        for move in page.movements
        if move.payload.demand_ref
    }


async def _stock_ids(
    tx: Transaction, buckets: Iterable[Bucket], claims: Claims
) -> dict[StockKey, int]:
    """Find the stock row of every item-location in the page; make those that are new."""
    keys = {(bucket.tenant, bucket.item, bucket.location) for bucket in buckets}
    keys |= {line.key for line in claims.lines.values()}
    by_key: dict[StockKey, int] = {}
    for tenant in sorted({key[0] for key in keys}):
        own = [(item, location) for of, item, location in keys if of == tenant]
        # A memory of ids would have to forget those that a rollback takes back.
        found = await StockIds().of(tx, tenant, own)
        by_key |= {(tenant, *key): stock_id for key, stock_id in found.items()}
    return by_key


async def _locked(
    tx: Transaction, wanted: set[int], claims: Claims, promises: Sequence[LineRow]
) -> Sheet:
    wanted |= {claim.stock_id for claim in claims.stored.values() if claim.stock_id is not None}
    wanted |= {row.line.stock_id for row in promises}
    return Sheet(await store.lock_stock(tx, wanted), {}, "")


def _move_stock(
    sheet: Sheet, folded: Sequence[Folded], by_key: Mapping[StockKey, int]
) -> dict[int, Event]:
    """Count a negative bucket as zero: it promises nothing, and hides nobody else's goods.

    Give the newest event that moved or counted something of each stock row.
    """
    causes: dict[int, Event] = {}
    for before, after, sources, because in folded:
        bucket = before.bucket
        stock_id = by_key[bucket.tenant, bucket.item, bucket.location]
        more = max(0, after.micros) - max(0, before.micros) if bucket.counts else 0
        if before.is_expired:
            sheet.add(stock_id, expired=more)
        else:
            sheet.add(stock_id, nettable=more)
        if bucket.counts and bucket.lot and before.micros != after.micros:
            sheet.tell(stock_id)
        sheet.hear(stock_id, sources, before.unit)
        _note(causes, stock_id, because)
    return causes


def _docked(folded: Sequence[Folded], by_key: Mapping[StockKey, int]) -> dict[int, int]:
    """Sum what came to the dock of each stock row, less what was put away from it.

    Buckets below zero count: goods are received without a lot and put away with one (I9).
    """
    sums: dict[int, int] = {}
    for before, after, _, _ in folded:
        bucket = before.bucket
        if bucket.is_dock and (more := after.micros - before.micros):
            stock_id = by_key[bucket.tenant, bucket.item, bucket.location]
            sums[stock_id] = sums.get(stock_id, 0) + more
    return sums


def _move_demand(
    sheet: Sheet,
    claims: Claims,
    after: Mapping[Ref, Claim],
    quotes: Mapping[Ref, Event],
    causes: dict[int, Event],
) -> None:
    for ref, claim in after.items():
        before = claims.stored.get(ref, Claim())
        # An order that is told again as it was has changed nothing.
        is_other = (before.stock_id, before.overlay) != (claim.stock_id, claim.overlay)
        because = quotes.get(ref) if is_other else None
        if claim.stock_id is not None and claim.overlay and before.whose != claim.whose:
            sheet.tell(claim.stock_id)
        if before.stock_id is not None:
            sheet.add(before.stock_id, hard=-before.overlay)
            _note(causes, before.stock_id, because)
        if claim.stock_id is not None:
            sheet.add(claim.stock_id, hard=claim.overlay)
            _note(causes, claim.stock_id, because)


def _note_lots(
    page: Page,
    told: Mapping[LotAt, int],
    changed: Collection[StockKey],
    causes: dict[int, Event],
) -> None:
    """Note the word about a lot because of which something has expired, or no longer has."""
    said: dict[lots.Lot, list[Event]] = {}
    for key, version in page.lots.items():
        said.setdefault(key[:3], []).append(version.event)
    for one, stock_id in told.items():
        if one.key in changed:
            for event in said[one.tenant, one.item, one.lot]:
                _note(causes, stock_id, event)


def _note(causes: dict[int, Event], stock_id: int, event: Event | None) -> None:
    """Keep the newest event because of which a stock row may change."""
    if event is not None:
        known = causes.get(stock_id)
        if known is None or known.position < event.position:
            causes[stock_id] = event


def _move_promises(
    sheet: Sheet,
    promises: Sequence[LineRow],
    after: Mapping[Ref, Claim],
    picks: Mapping[Ref, int],
    now: datetime,
) -> None:
    """Let picks consume the promises of their order line; hand promises over to known orders."""
    by_ref: dict[Ref, list[LineRow]] = {}
    for row in promises:
        if row.line.is_lapsed(now):
            sheet.change(row, model.expired(row.line))
        elif row.client != BY_ORDER or row.line.into_line:  # else what is claimed decides
            by_ref.setdefault((row.tenant, row.line.demand_ref), []).append(row)
    for ref, rows in by_ref.items():
        claim = after.get(ref, Claim())
        lines = [row.line for row in rows]
        if micros := picks.get(ref, 0):
            lines = model.with_picks(lines, micros)
        for row, line in zip(rows, lines, strict=True):
            is_counted = bool(claim.order_id) and claim.stock_id == line.stock_id
            if line.into_line or ref not in after:
                sheet.change(row, line)  # handed over beside its kit (`parts.hand_over`)
            else:
                sheet.change(row, model.linked(line) if is_counted else model.unlinked(line))
