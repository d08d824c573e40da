"""Which events move allocation: orders make and change lines, other facts make it look again.

Nothing is decided here: a page of the log becomes marks on what is to be looked at.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import (
    Place,
    ReservationChanged,
    ReservationStatus,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.capabilities.allocation import store
from crossdock.capabilities.allocation.asks import KnowsStock, ShowsChannels
from crossdock.capabilities.allocation.standing import comparable
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction
from crossdock.foundation.readers import Reader

_STOCK = frozenset(
    {
        StockMoved.TYPE,
        StockSnapshotTaken.TYPE,
        ReservationChanged.TYPE,
        LocationChanged.TYPE,
        SupplyCommitmentChanged.TYPE,
    }
)
_FREED = frozenset({ReservationStatus.EXPIRED, ReservationStatus.RELEASED})


class _Known(NamedTuple):
    """An order line in the newest version that a page has of its order."""

    source: str
    order_id: str
    channel: str
    item: str
    location: str
    since: datetime
    rank: int
    us: int
    position: int
    multiple: int
    released: int | None
    ships_on: date | None
    customer: str
    said: tuple[int, ...] = ()  # the version that said what is released; none did: empty
    elsewhere: tuple[int, ...] = ()  # the newest of another place: it is released anew behind it

    @property
    def order(self) -> tuple[int, int, int]:
        return (self.rank, self.us, self.position)

    @property
    def place(self) -> tuple[str, str]:
        return (self.item, self.location)


@dataclass(slots=True)
class _Page:
    """What a page says, by key: only the last position of each counts."""

    lines: dict[tuple[str, str], _Known] = field(default_factory=dict)
    orders: dict[tuple[str, str, str], int] = field(default_factory=dict)
    stock: dict[tuple[str, str, str], tuple[int, str]] = field(default_factory=dict)
    fulls: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    quoted: set[tuple[str, str]] = field(default_factory=set)


def allocation_reader(stock: KnowsStock, clock: Clock, shows: ShowsChannels) -> Reader:
    """Make the log reader that knows who waits for goods, and what may have changed for him."""
    reactions = Reactions(stock, clock, shows)
    return Reader(
        name="allocation",
        apply=reactions.apply,
        types=_STOCK | {OrderChanged.TYPE},
        unheard=unheard,
    )


async def unheard(tx: Transaction) -> frozenset[str]:
    """Pass over stock facts unread as long as nobody has ordered anything."""
    return frozenset() if await tx.fetchval(store.IS_ANY_KNOWN) else _STOCK


class Reactions:
    def __init__(self, stock: KnowsStock, clock: Clock, shows: ShowsChannels) -> None:
        self._stock = stock
        self._shows = shows
        self._clock = clock

    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        """Take in a page. History that is filled in later makes lines and triggers nothing."""
        page = _page_of(events)
        now = self._clock.now()
        former = await _add_former(tx, page)
        await _put_lines(tx, page)
        await self._show(
            tx, former | {(key[0], *one.place) for key, one in page.lines.items()}, now
        )
        if page.quoted:
            refs = sorted(page.quoted)
            await tx.execute(store.REOPEN, [ref[0] for ref in refs], [ref[1] for ref in refs])
        await self._add_groups(tx, page)
        await _mark_left(tx, page, former, now)
        await _mark(tx, page, now)

    async def _show(self, tx: Transaction, keys: set[tuple[str, str, str]], now: datetime) -> None:
        """Have channels shown anew what orders leave them, where something is kept for any."""
        columns = list(map(list, zip(*sorted(keys), strict=True)))
        rows = await tx.fetch(store.KEPT_AT, *columns) if keys else ()
        if kept := [(row["tenant"], row["item"], row["location"]) for row in rows]:
            await self._shows.claims_moved(tx, kept, now)

    async def _add_groups(self, tx: Transaction, page: _Page) -> None:
        """Let lines that claim a group of locations hear of its members' stock."""
        places = {(tenant, location) for tenant, _, location in page.stock} | page.fulls.keys()
        if not places:
            return
        groups = await self._stock.groups(tx, sorted(places))
        for (tenant, item, location), mark in list(page.stock.items()):
            if group := groups.get((tenant, location)):
                _mark_stock(page, (tenant, item, group), mark)
        for (tenant, location), mark in list(page.fulls.items()):
            if group := groups.get((tenant, location)):
                _mark_full(page, (tenant, group), mark)


def _page_of(events: Iterable[Event]) -> _Page:
    page = _Page()
    for event in events:
        match event.payload:
            case OrderChanged() as order:
                _order(page, event, order)
            case StockMoved() as moved:
                _move(page, event, moved)
            case StockSnapshotTaken() as taken:
                _count(page, event, taken)
            case ReservationChanged() as changed:
                _free(page, event, changed)
            case LocationChanged() as changed:
                _regroup(page, event, changed)
            case SupplyCommitmentChanged() as changed:
                _expect(page, event, changed)
            case _:  # the reader asks for no other
                continue
    return page


def _order(page: _Page, event: Event, order: OrderChanged) -> None:
    fact = event.fact
    if not fact.replay:
        page.orders[event.tenant, event.source, order.order_id] = event.position
    us = _microseconds(event.ordered_at)
    rank = next((n for n in (fact.version, fact.sequence) if n is not None), us)
    for line in order.claiming:
        known = _Known(
            event.source,
            order.order_id,
            order.channel or event.source,
            line.item,
            line.location,
            event.believed(fact.occurred_at),
            rank,
            us,
            event.position,
            _multiple(line),
            _released(line),
            line.requested_ship_date,
            comparable(order.customer),
        )
        if known.released is not None:
            known = known._replace(said=known.order)
        key = (event.tenant, line.demand_ref)
        before = page.lines.get(key)
        page.lines[key] = known if before is None else _merged(before, known)


def _merged(one: _Known, other: _Known) -> _Known:
    """Make one of what was heard of a line, in whatever order: PUT_RELEASED does the same."""
    older, newer = sorted((one, other), key=lambda each: each.order)
    is_moved = newer.place != older.place
    elsewhere = max(newer.elsewhere, older.order if is_moved else older.elsewhere)
    teller = max(older, newer, key=lambda each: each.said)
    is_of_here = teller.said > elsewhere
    return newer._replace(
        since=min(older.since, newer.since),
        elsewhere=elsewhere,
        said=teller.said if is_of_here else (),
        released=teller.released if is_of_here else None,
    )


def _multiple(line: DemandLine) -> int:
    """Say what one of the unit that a line is ordered in holds; 1 where no whole units show."""
    base, ordered = line.base_ordered, line.ordered
    if base is None or base.unit == ordered.unit or ordered.micros <= 0:
        return 1
    holds, rest = divmod(base.micros * MICROS, ordered.micros)
    return 1 if rest else max(1, holds)


def _released(line: DemandLine) -> int | None:
    """Say what was handed to the warehouse so far, in micros; None where nobody says."""
    released = line.base_released or line.released
    return None if released is None else max(0, released.micros)


def _expect(page: _Page, event: Event, changed: SupplyCommitmentChanged) -> None:
    """Look again where what is to come is more, less, sooner, later, or surer than it was."""
    if not event.fact.replay:
        key = (event.tenant, changed.item, changed.location)
        _mark_stock(page, key, (event.position, "SUPPLY"))


def _free(page: _Page, event: Event, changed: ReservationChanged) -> None:
    """Look again where a promise to somebody has ended: what it held is there for who waits."""
    if not event.fact.replay and changed.status in _FREED:
        key = (event.tenant, changed.item, changed.location)
        _mark_stock(page, key, (event.position, "RELEASE"))


def _regroup(page: _Page, event: Event, changed: LocationChanged) -> None:
    """Look again at a group whose members are others now, and at them."""
    if not event.fact.replay:
        for location in (changed.code, *changed.members):
            _mark_full(page, (event.tenant, location), (event.position, "LOCATION"))


def _move(page: _Page, event: Event, moved: StockMoved) -> None:
    if event.fact.replay:
        return
    if moved.demand_ref:
        page.quoted.add((event.tenant, moved.demand_ref))
    for place, reason in ((moved.source_place, "ADJUSTMENT"), (moved.target_place, "RECEIPT")):
        if said := _reason(place, reason):
            key = (event.tenant, moved.item, place.location if place else "")
            _mark_stock(page, key, (event.position, said))


def _reason(place: Place | None, reason: str) -> str:
    """Say why to look again where goods came or went; at the dock they are still to come."""
    if place is None:
        return ""
    if place.status is StockStatus.RECEIVING:
        return "DOCK"
    return reason if place.status is StockStatus.AVAILABLE else ""


def _count(page: _Page, event: Event, taken: StockSnapshotTaken) -> None:
    if event.fact.replay:
        return
    if taken.is_full:
        _mark_full(page, (event.tenant, taken.location), (event.position, "SNAPSHOT"))
    for line in taken.lines:
        key = (event.tenant, line.item, taken.location)
        _mark_stock(page, key, (event.position, "SNAPSHOT"))


def _mark_stock(page: _Page, key: tuple[str, str, str], mark: tuple[int, str]) -> None:
    page.stock[key] = max(mark, page.stock.get(key, mark))


def _mark_full(page: _Page, key: tuple[str, str], mark: tuple[int, str]) -> None:
    page.fulls[key] = max(mark, page.fulls.get(key, mark))


def _orders_of(page: _Page) -> tuple[list[str], list[str], list[str], list[int]]:
    orders = sorted(page.orders)
    return (
        [key[0] for key in orders],
        [key[1] for key in orders],
        [key[2] for key in orders],
        [page.orders[key] for key in orders],
    )


async def _add_former(tx: Transaction, page: _Page) -> set[tuple[str, str, str]]:
    """Look again at where these orders claimed before this page, too; give where that was."""
    found: set[tuple[str, str, str]] = set()
    if page.orders:
        for row in await tx.fetch(store.CLAIMED, *_orders_of(page)):
            key = (row["tenant"], row["item"], row["location"])
            _mark_stock(page, key, (row["position"], "ORDER"))
            found.add(key)
    return found


async def _put_lines(tx: Transaction, page: _Page) -> None:
    if not page.lines:
        return
    keys = sorted(page.lines)
    rows = [page.lines[key] for key in keys]
    tenants, refs = [key[0] for key in keys], [key[1] for key in keys]
    said = [_stamp(row.said) for row in rows]
    elsewhere = [_stamp(row.elsewhere) for row in rows]
    await tx.execute(
        store.PUT_RELEASED,
        tenants,
        refs,
        [row.item for row in rows],
        [row.location for row in rows],
        [_stamp(row.order) for row in rows],
        said,
        elsewhere,
        [row.released for row in rows],
    )
    await tx.execute(
        store.PUT_LINES,
        tenants,
        refs,
        [row.source for row in rows],
        [row.order_id for row in rows],
        [row.channel for row in rows],
        [row.item for row in rows],
        [row.location for row in rows],
        [row.since for row in rows],
        [row.rank for row in rows],
        [row.us for row in rows],
        [row.position for row in rows],
        [row.multiple for row in rows],
        [row.released for row in rows],
        said,
        elsewhere,
        [row.ships_on for row in rows],
        [row.customer for row in rows],
    )
    await tx.execute(store.PUT_SINCE, tenants, refs, [row.since for row in rows])


def _stamp(order: tuple[int, ...]) -> str:
    """Write a version as the array it is compared as in SQL, of none as the least of all."""
    return "{" + ",".join(map(str, order)) + "}"


async def _mark_left(
    tx: Transaction, page: _Page, former: set[tuple[str, str, str]], now: datetime
) -> None:
    if not former:
        return
    keys = sorted(former)
    positions = [page.stock[key][0] for key in keys]
    await tx.execute(store.MARK_LEFT, *map(list, zip(*keys, strict=True)), positions, now)


async def _mark(tx: Transaction, page: _Page, now: datetime) -> None:
    """Mark in one order of keys within each statement; the jobs that unmark lock no others."""
    if page.stock:
        keys = sorted(page.stock)
        marks = [page.stock[key] for key in keys]
        await tx.execute(
            store.MARK,
            [key[0] for key in keys],
            [key[1] for key in keys],
            [key[2] for key in keys],
            [position for position, _ in marks],
            [reason for _, reason in marks],
            now,
        )
    if page.fulls:
        fulls = sorted(page.fulls)
        await tx.execute(
            store.MARK_LOCATIONS,
            [key[0] for key in fulls],
            [key[1] for key in fulls],
            [page.fulls[key][0] for key in fulls],
            [page.fulls[key][1] for key in fulls],
            now,
        )
    if page.orders:
        await tx.execute(store.MARK_ORDERS, *_orders_of(page), now)


def _microseconds(instant: datetime) -> int:
    """Count whole microseconds since 1970, exactly (a float would not)."""
    seconds = int(instant.replace(microsecond=0).timestamp())
    return seconds * 1_000_000 + instant.microsecond
