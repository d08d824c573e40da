"""What inventory itself says to the log: availability, reservations, impossible buckets."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    Place,
    ReservationChanged,
    SerialOvercounted,
    StockStatus,
    StockWentNegative,
)
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory import store
from crossdock.capabilities.inventory.folding import Folded
from crossdock.capabilities.inventory.ledger import Bucket
from crossdock.capabilities.inventory.positions import PositionRow
from crossdock.capabilities.inventory.store import LineRow, StockRow
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction
from crossdock.foundation.event_log import Entry

HUB = "crossdock"
"""The source name of the hub's own facts."""

# The database writes these events itself, out of the rows that they tell of (migration 0007).

TELL_AVAILABILITY = "select inventory_tell_availability($1, $2, $3, $4, $5, $6, $7, $8)"
TELL_RESERVATIONS = "select inventory_tell_reservations($1, $2, $3, $4, $5)"


async def tell(
    tx: Transaction, rows: Sequence[StockRow], lines: Sequence[LineRow], at: datetime
) -> None:
    """Tell the log of stock rows and reservation lines that this transaction has written."""
    tx.scope.must_cover({row.tenant for row in rows} | {line.tenant for line in lines})
    if rows:
        await tx.execute(
            TELL_AVAILABILITY,
            [row.tenant for row in rows],
            [at] * len(rows),
            *store.figures_told(rows),
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


def of_impossible(folded: Iterable[Folded], cause: str, at: datetime) -> list[Entry]:
    """Tell of each bucket that has just come to hold what cannot lie there.

    `cause` tells one time from the next; what the bucket counts for is not decided here.
    """
    return [
        _entry(kind, before, after.micros, cause, at)
        for before, after, _ in folded
        if (kind := _impossible(before.bucket, after.micros))
        and kind is not _impossible(before.bucket, before.micros)
    ]


def _impossible(bucket: Bucket, micros: int) -> type[StockWentNegative | SerialOvercounted] | None:
    if micros < 0:
        return StockWentNegative
    if bucket.serial and micros > MICROS:
        return SerialOvercounted
    return None


def _entry(
    kind: type[StockWentNegative | SerialOvercounted],
    row: PositionRow,
    micros: int,
    cause: str,
    at: datetime,
) -> Entry:
    bucket = row.bucket
    place = Place(
        location=bucket.location,
        status=StockStatus(bucket.status),
        owner=bucket.owner,
        lot=bucket.lot,
        serial=bucket.serial,
    )
    payload = kind(item=bucket.item, place=place, quantity=Quantity.from_micros(micros, row.unit))
    name = "negative" if kind is StockWentNegative else "overcounted"
    identity = f"{name}:{':'.join(bucket[1:])}:{cause}"
    fact = Fact(identity=identity, payload=payload, occurred_at=at, recorded_at=at)
    return Entry(tenant=bucket.tenant, source=HUB, received_at=at, fact=fact)
