"""One page of events in inventory's own terms: movements with two ends, counts, orders."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from crossdock.canonical.catalog import LocationChanged, LotChanged
from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import (
    CountedStock,
    Place,
    SourceHeard,
    StockMoved,
    StockSnapshotTaken,
    StockStatus,
)
from crossdock.canonical.orders import OrderChanged
from crossdock.capabilities.inventory.ledger import Bucket, Mark, mark_of, rank_of

READER = "inventory"
"""The log reader that folds pages."""


class Movement(NamedTuple):
    position: int
    event: Event
    payload: StockMoved
    mark: Mark
    source: Bucket | None
    target: Bucket | None
    micros: int
    unit: str

    @property
    def picked(self) -> int:
        """Count what it takes off its order line's claim on AVAILABLE; an unpick gives it back."""
        leaves = self.source is not None and self.source.status == StockStatus.AVAILABLE
        enters = self.target is not None and self.target.status == StockStatus.AVAILABLE
        return self.micros * (int(leaves) - int(enters))


class Count(NamedTuple):
    """What a snapshot says of one bucket."""

    bucket: Bucket
    micros: int
    unit: str
    mark: Mark
    counted_by: UUID
    taken_at: datetime
    source: str
    event: Event


class Full(NamedTuple):
    """A snapshot that named all there is: every other bucket of the place was empty."""

    tenant: str
    location: str
    mark: Mark
    counted_by: UUID
    taken_at: datetime
    source: str
    event: Event


class Version(NamedTuple):
    """A state-carrying fact with its place among the versions of its entity."""

    rank: int
    us: int
    event: Event

    @property
    def order(self) -> tuple[int, int, int]:
        """Of two that their source does not tell apart, the one that was received later is newer.

        A source that stamps with the start of a transaction shows two states under one stamp.
        """
        return (self.rank, self.us, self.event.position)


@dataclass(slots=True)
class Page:
    """Sorted by kind; of each order, location, lot only the newest version in it is kept.

    `reached` is the last position of the log in it.
    """

    reached: int = 0
    movements: list[Movement] = field(default_factory=list[Movement])
    counts: list[Count] = field(default_factory=list[Count])
    fulls: list[Full] = field(default_factory=list[Full])
    orders: dict[tuple[str, str, str], Version] = field(
        default_factory=dict[tuple[str, str, str], Version]
    )
    locations: dict[tuple[str, str], Version] = field(
        default_factory=dict[tuple[str, str], Version]
    )
    lots: dict[tuple[str, str, str, str], Version] = field(
        default_factory=dict[tuple[str, str, str, str], Version]
    )
    heard: dict[tuple[str, str], datetime] = field(default_factory=dict[tuple[str, str], datetime])
    streams: dict[tuple[str, int], tuple[str, str]] = field(
        default_factory=dict[tuple[str, int], tuple[str, str]]
    )


def page_of(events: Iterable[Event]) -> Page:
    page = Page()
    for event in events:
        page.reached = max(page.reached, event.position)
        payload = event.payload
        if isinstance(payload, LotChanged):  # who tells of a lot has said nothing of stock
            lot = (event.tenant, payload.item, payload.lot, event.source)
            _keep_newest(page.lots, lot, event)
            continue
        _hear(page, event)
        match payload:
            case StockMoved():
                page.movements.append(_movement(event, payload, _mark(page, event)))
            case StockSnapshotTaken():
                _count(page, event, payload, _mark(page, event))
            case OrderChanged():
                key = (event.tenant, event.source, payload.order_id)
                _keep_newest(page.orders, key, event)
            case LocationChanged():
                _keep_newest(page.locations, (event.tenant, payload.code), event)
            case _:
                pass
    return page


def _hear(page: Page, event: Event) -> None:
    """Note when the source last told something, by its own clock but never in our future."""
    payload, fact = event.payload, event.fact
    source = payload.source if isinstance(payload, SourceHeard) else event.source
    at = min(fact.recorded_at or fact.occurred_at, event.received_at)
    key = (event.tenant, source)
    page.heard[key] = max(page.heard.get(key, at), at)


def _mark(page: Page, event: Event) -> Mark:
    mark = mark_of(event)
    page.streams[event.tenant, mark.stream] = (event.source, event.fact.stream)
    return mark


def _movement(event: Event, payload: StockMoved, mark: Mark) -> Movement:
    quantity = payload.base or payload.quantity
    return Movement(
        event.position,
        event,
        payload,
        mark,
        _bucket(event.tenant, payload.item, payload.source_place),
        _bucket(event.tenant, payload.item, payload.target_place),
        quantity.micros,
        quantity.unit,
    )


def _bucket(tenant: str, item: str, place: Place | None) -> Bucket | None:
    if place is None:
        return None
    return Bucket(
        tenant, item, place.location, place.status.value, place.owner, place.lot, place.serial
    )


def _count(page: Page, event: Event, payload: StockSnapshotTaken, mark: Mark) -> None:
    """Sum lines of one bucket (bins of a location come as several) and keep the rest as it is."""
    counted_by = UUID(event.event_id)
    sums: dict[Bucket, int] = {}
    units: dict[Bucket, str] = {}
    for line in payload.lines:
        bucket = _counted_bucket(event.tenant, payload.location, line)
        quantity = line.base or line.quantity
        sums[bucket] = sums.get(bucket, 0) + quantity.micros
        units[bucket] = quantity.unit
    at = event.fact.occurred_at
    page.counts += [
        Count(bucket, micros, units[bucket], mark, counted_by, at, event.source, event)
        for bucket, micros in sums.items()
    ]
    if payload.is_full:
        page.fulls.append(
            Full(event.tenant, payload.location, mark, counted_by, at, event.source, event)
        )


def _counted_bucket(tenant: str, location: str, line: CountedStock) -> Bucket:
    return Bucket(
        tenant, line.item, location, line.status.value, line.owner, line.lot, line.serial
    )


def _keep_newest(found: dict, key: tuple[str, ...], event: Event) -> None:  # type: ignore[type-arg]  # two kinds of keys
    mark = mark_of(event)
    version = Version(rank_of(event), mark.us, event)
    if key not in found or version.order > found[key].order:
        found[key] = version


def newest(counts: Sequence[Count]) -> list[Count]:
    """Keep the newest count of each bucket and stream, as the table of openings does."""
    kept: dict[tuple[Bucket, int], Count] = {}
    for count in counts:
        key = (count.bucket, count.mark.stream)
        if key not in kept or _rank(count) > _rank(kept[key]):
            kept[key] = count
    return list(kept.values())


def newest_full(fulls: Sequence[Full]) -> list[Full]:
    kept: dict[tuple[str, str, int], Full] = {}
    for full in fulls:
        key = (full.tenant, full.location, full.mark.stream)
        if key not in kept or _rank(full) > _rank(kept[key]):
            kept[key] = full
    return list(kept.values())


def _rank(count: Count | Full) -> tuple[int, int, UUID]:
    return (count.mark.seq, count.mark.us, count.counted_by)
