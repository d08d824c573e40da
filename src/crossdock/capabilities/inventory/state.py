"""What inventory holds, in one canonical form: to compare the live state with a replayed one.

`replayed` is written by the definitions alone, naive and slow, with no step in common with the
set-based folding but the rules themselves. That the two agree is the proof that the log suffices.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    ReservationChanged,
    ReservationKind,
    ReservationStatus,
)
from crossdock.canonical.orders import OrderChanged
from crossdock.capabilities.inventory import demand, lots, model
from crossdock.capabilities.inventory.ledger import Bucket, Opening, contains, governing
from crossdock.capabilities.inventory.page import Movement, Page, Version, page_of
from crossdock.foundation.database import Transaction

POSITIONS = """
select item, location, status, owner, lot, serial, micros from inventory_position
where tenant = $1 and micros <> 0
"""
# What is known to be nothing is another state than what nobody ever spoke of.
STOCK = """
select s.item, s.location, case when s.is_known or exists (select from inventory_full_snapshot f
        where f.tenant = $1 and f.location = s.location) then 'known' else 'unknown' end as known,
    s.nettable, s.hard, s.soft, s.safety, s.expired, s.docked
from inventory_stock s
where s.tenant = $1
    and (s.is_known or (s.nettable, s.hard, s.soft, s.safety, s.expired, s.docked)
        <> (0, 0, 0, 0, 0, 0))
"""
DEMAND = """
select d.demand_ref, s.item, s.location, d.ordered, d.cancelled, d.picked
from inventory_demand d left join inventory_stock s on s.tenant = d.tenant
    and s.stock_id = d.stock_id and d.order_id <> ''
where d.tenant = $1 and (d.ordered, d.cancelled, d.picked) <> (0, 0, 0)
"""


class State(NamedTuple):
    """Sorted rows of text: buckets, figures, claims. What is all zero is left out.

    Figures that somebody spoke of stay, be they all zero.
    """

    positions: tuple[str, ...]
    stock: tuple[str, ...]
    demand: tuple[str, ...]

    def digest(self) -> str:
        text = "\n\n".join("\n".join(rows) for rows in self)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


async def live(tx: Transaction, tenant: str) -> State:
    return State(
        _lines(await tx.fetch(POSITIONS, tenant)),
        _lines(await tx.fetch(STOCK, tenant)),
        _lines(await tx.fetch(DEMAND, tenant)),
    )


def replayed(events: Iterable[Event], tenant: str, days: Mapping[str, date]) -> State:
    """Build the state of one tenant from its log, by the definitions.

    `days` is which day it is at each location: what has expired is a matter of the clock, too.
    """
    own = [event for event in events if event.tenant == tenant]
    page = page_of(own)
    held = _positions(page)
    claims = _claims(page)
    sums = _physical(held, _last_days(page), days)
    figures = _figures(sums, claims, own)
    return State(
        _lines((*bucket[1:], micros) for bucket, micros in held.items() if micros),
        _lines(_known_or_not(held, figures, page)),
        _lines((ref, *claim) for ref, claim in claims.items() if any(claim[2:])),
    )


def _positions(page: Page) -> dict[Bucket, int]:
    openings: dict[Bucket, list[Opening]] = {}
    for count in page.counts:
        opening = Opening(count.mark, count.micros, is_named=True, counted_by=count.counted_by.hex)
        openings.setdefault(count.bucket, []).append(opening)
    moves: dict[Bucket, list[tuple[Movement, int]]] = {}
    for move in page.movements:
        if move.source:
            moves.setdefault(move.source, []).append((move, -move.micros))
        if move.target:
            moves.setdefault(move.target, []).append((move, move.micros))
    held: dict[Bucket, int] = {}
    for bucket in openings.keys() | moves.keys():
        empty = [
            Opening(full.mark, 0, is_named=False, counted_by=full.counted_by.hex)
            for full in page.fulls
            if full.location == bucket.location
        ]
        since = governing([*openings.get(bucket, []), *empty])
        held[bucket] = (since.micros if since else 0) + sum(
            micros
            for move, micros in moves.get(bucket, [])
            if since is None or not contains(since.mark, move.mark)
        )
    return held


Claimed = tuple[str | None, str | None, int, int, int]
"""Item, location, ordered, cancelled, picked of one order line."""


def _claims(page: Page) -> dict[str, Claimed]:
    claims: dict[str, Claimed] = {}
    orders: Sequence[Version] = sorted(
        page.orders.values(), key=lambda version: (version.us, version.event.source)
    )
    for version in orders:
        payload = version.event.payload
        assert isinstance(payload, OrderChanged)  # noqa: S101  # the page sorted them
        for line in payload.lines:
            ordered = (line.base_ordered or line.ordered).micros
            cancelled = (line.base_cancelled or line.cancelled).micros
            if not line.claims_stock:
                cancelled = ordered
            claims[line.demand_ref] = (line.item, line.location, ordered, cancelled, 0)
    for (_, ref), micros in demand.picks_of(page.movements).items():
        item, location, ordered, cancelled, _ = claims.get(ref, (None, None, 0, 0, 0))
        claims[ref] = (item, location, ordered, cancelled, micros)
    return claims


class _Sums:
    """Nettable, hard, soft, safety, expired and docked per key, as they add up."""

    def __init__(self) -> None:
        self.by_key: dict[tuple[str, str], list[int]] = {}

    def of(self, item: str, location: str) -> list[int]:
        return self.by_key.setdefault((item, location), [0] * 6)

    def add(
        self, item: str, location: str, *, nettable: int = 0, hard: int = 0, soft: int = 0
    ) -> None:
        sums = self.of(item, location)
        sums[0] += nettable
        sums[1] += hard
        sums[2] += soft


def _last_days(page: Page) -> dict[tuple[str, str], date | None]:
    """Give each lot's last day of use, by whoever told of it last."""
    newest: dict[tuple[str, str], tuple[int, str, date | None]] = {}
    for (_, item, lot, source), version in page.lots.items():
        said = (version.us, source, lots.last_day(version))
        if (item, lot) not in newest or newest[item, lot][:2] < said[:2]:
            newest[item, lot] = said
    return {key: day for key, (_, _, day) in newest.items()}


def _physical(
    held: Mapping[Bucket, int],
    last_days: Mapping[tuple[str, str], date | None],
    days: Mapping[str, date],
) -> _Sums:
    """Sum what counts of what lies there, what has expired of it, and what is at the dock."""
    sums = _Sums()
    for bucket, micros in held.items():
        if bucket.is_dock:
            sums.of(bucket.item, bucket.location)[5] += micros
        if not bucket.counts:
            continue
        last = last_days.get((bucket.item, bucket.lot)) if bucket.lot else None
        if model.has_expired(last, days.get(bucket.location)):
            sums.of(bucket.item, bucket.location)[4] += max(0, micros)
        else:
            sums.add(bucket.item, bucket.location, nettable=max(0, micros))
    return sums


def _figures(
    sums: _Sums, claims: dict[str, Claimed], events: Sequence[Event]
) -> dict[tuple[str, str], list[int]]:
    for item, location, *amounts in claims.values():
        if item is not None and location is not None:
            sums.add(item, location, hard=model.overlay(*amounts))
    for line in _newest_lines(events).values():
        claim = claims.get(line.demand_ref) if line.demand_ref else None
        is_counted = claim is not None and claim[:2] == (line.item, line.location)
        if line.status in model.LIVE and not is_counted:
            hold = line.granted.micros - line.consumed.micros
            is_hard = line.kind is ReservationKind.HARD
            sums.add(line.item, line.location, hard=hold * is_hard, soft=hold * (not is_hard))
    for key, safety in _safety(events).items():
        sums.of(*key)[3] = safety
    return sums.by_key


def _known_or_not(
    held: dict[Bucket, int], figures: dict[tuple[str, str], list[int]], page: Page
) -> Iterable[Iterable[object]]:
    """Tell what was spoken of: moved or counted itself, or where all that there is was counted."""
    spoken_of = {(bucket.item, bucket.location) for bucket in held}
    counted = {full.location for full in page.fulls}
    for key in figures.keys() | spoken_of:
        sums = figures.get(key, [0] * 6)
        if any(sums) or key in spoken_of:
            is_known = key in spoken_of or key[1] in counted
            yield (*key, "known" if is_known else "unknown", *sums)


def _newest_lines(events: Sequence[Event]) -> dict[tuple[str, int], ReservationChanged]:
    newest: dict[tuple[str, int], tuple[int, ReservationChanged]] = {}
    for event in events:
        payload = event.payload
        if isinstance(payload, ReservationChanged):
            key, version = (payload.reservation_id, payload.line_no), event.fact.version or 0
            if key not in newest or newest[key][0] < version:
                newest[key] = (version, payload)
    return {
        key: line
        for key, (_, line) in newest.items()
        if line.status is not ReservationStatus.DENIED
    }


def _safety(events: Sequence[Event]) -> dict[tuple[str, str], int]:
    """Read the house rule off the newest figures: it is set by people, not told by a source."""
    newest: dict[tuple[str, str], AvailabilityChanged] = {}
    for event in events:
        payload = event.payload
        if isinstance(payload, AvailabilityChanged):
            key = (payload.item, payload.location)
            if key not in newest or newest[key].version < payload.version:
                newest[key] = payload
    return {key: figures.safety.micros for key, figures in newest.items()}


def _lines(rows: Iterable[Iterable[object]]) -> tuple[str, ...]:
    return tuple(sorted("\x1f".join(map(str, row)) for row in rows))
