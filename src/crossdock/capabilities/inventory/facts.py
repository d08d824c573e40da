"""What inventory itself says to the log: availability, reservations, impossible buckets."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.identifiers import joined
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    OrderLineOverPicked,
    Place,
    ReservationChanged,
    SafetyStockChanged,
    SerialOvercounted,
    StockStatus,
    StockWentNegative,
)
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory import store
from crossdock.capabilities.inventory.demand import Claim, Ref
from crossdock.capabilities.inventory.folding import Folded
from crossdock.capabilities.inventory.ledger import Bucket
from crossdock.capabilities.inventory.store import LineRow, StockRow
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry

HUB = "crossdock"
"""The source name of the hub's own facts."""

# The database writes these events itself, out of the rows that they tell of (migration 0007).

TELL_AVAILABILITY = (
    "select inventory_tell_caused_availability($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
)
TELL_RESERVATIONS = "select inventory_tell_reservations($1, $2, $3, $4, $5)"


async def tell(
    tx: Transaction,
    rows: Sequence[StockRow],
    lines: Sequence[LineRow],
    at: datetime,
    causes: Mapping[int, Event],
) -> None:
    """Tell the log of stock rows and reservation lines that this transaction has written.

    `causes` names, by stock row, the event because of which it has changed: its thread goes on.
    """
    tx.scope.must_cover({row.tenant for row in rows} | {line.tenant for line in lines})
    if rows:
        because = [causes.get(row.stock_id) for row in rows]
        await tx.execute(
            TELL_AVAILABILITY,
            [row.tenant for row in rows],
            [at] * len(rows),
            *store.figures_told(rows),
            [event.fact.correlation_id if event else "" for event in because],
            [event.event_id if event else "" for event in because],
        )
    if lines:
        await tx.execute(
            TELL_RESERVATIONS,
            [line.tenant for line in lines],
            [at] * len(lines),
            *store.lines_told(lines),
        )
    if rows or lines:
        wake(tx)


def wake(tx: Transaction) -> None:
    """Wake who listens to what was told here."""
    tx.wake(event_log.topic_of(AvailabilityChanged.TYPE))
    tx.wake(event_log.topic_of(ReservationChanged.TYPE))


def of_safety(before: StockRow, safety: Quantity, by: str, at: datetime) -> Entry:
    """Tell who keeps how much of a stock row from being promised, and how much it was before."""
    version = before.version + 1
    payload = SafetyStockChanged(
        item=before.item,
        location=before.location,
        version=version,
        changed_by=by,
        before=Quantity.from_micros(before.figures.safety, safety.unit),
        safety=safety,
    )
    identity = joined("safety", before.item, before.location, str(version))
    fact = Fact(identity=identity, payload=payload, occurred_at=at, recorded_at=at)
    return Entry(tenant=before.tenant, source=HUB, received_at=at, fact=fact)


def of_impossible(folded: Iterable[Folded], cause: str, at: datetime) -> list[Entry]:
    """Tell of each bucket that has just come to hold what cannot lie there.

    `cause` tells one time from the next; what the bucket counts for is not decided here.
    """
    return [
        _entry(kind, one, cause, at)
        for one in folded
        if (kind := _impossible(one.before.bucket, one.after.micros))
        and kind is not _impossible(one.before.bucket, one.before.micros)
    ]


def _impossible(bucket: Bucket, micros: int) -> type[StockWentNegative | SerialOvercounted] | None:
    if micros < 0:
        return StockWentNegative
    if bucket.serial and micros > MICROS:
        return SerialOvercounted
    return None


def _entry(
    kind: type[StockWentNegative | SerialOvercounted],
    folded: Folded,
    cause: str,
    at: datetime,
) -> Entry:
    row, because = folded.before, folded.because
    bucket = row.bucket
    place = Place(
        location=bucket.location,
        status=StockStatus(bucket.status),
        owner=bucket.owner,
        lot=bucket.lot,
        serial=bucket.serial,
    )
    quantity = Quantity.from_micros(folded.after.micros, row.unit)
    payload = kind(item=bucket.item, place=place, quantity=quantity)
    name = "negative" if kind is StockWentNegative else "overcounted"
    identity = f"{name}:{':'.join(bucket[1:])}:{cause}"
    fact = Fact(
        identity=identity,
        payload=payload,
        occurred_at=at,
        recorded_at=at,
        correlation_id=because.fact.correlation_id if because else "",
        causation_id=because.event_id if because else "",
    )
    return Entry(tenant=bucket.tenant, source=HUB, received_at=at, fact=fact)


def of_over_picks(
    lines: Mapping[Ref, tuple[Claim, StockRow]],
    causes: Mapping[Ref, Event],
    cause: str,
    at: datetime,
) -> list[Entry]:
    """Tell of each order line of which more has just come to be picked than it orders (I7)."""
    entries: list[Entry] = []
    for ref, (claim, row) in lines.items():
        because = causes.get(ref)
        payload = OrderLineOverPicked(
            order_id=claim.order_id,
            demand_ref=ref[1],
            item=row.item,
            location=row.location,
            ordered=Quantity.from_micros(claim.ordered, row.unit),
            picked=Quantity.from_micros(claim.own_picked, row.unit),
        )
        fact = Fact(
            identity=f"over_picked:{ref[1]}:{cause}",
            payload=payload,
            occurred_at=at,
            recorded_at=at,
            correlation_id=because.fact.correlation_id if because else "",
            causation_id=because.event_id if because else "",
        )
        entries.append(Entry(tenant=ref[0], source=HUB, received_at=at, fact=fact))
    return entries
