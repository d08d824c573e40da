"""What inventory itself says to the log: availability, reservations, buckets below zero."""

from datetime import datetime

from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    Place,
    ReservationChanged,
    ReservationKind,
    StockStatus,
    StockWentNegative,
)
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory.ledger import Bucket
from crossdock.capabilities.inventory.store import LineRow, StockRow
from crossdock.foundation.event_log import Entry

HUB = "crossdock"
"""The source name of the hub's own facts."""


def availability_changed(row: StockRow, at: datetime) -> Entry:
    figures, unit = row.figures, row.unit
    payload = AvailabilityChanged(
        item=row.item,
        location=row.location,
        version=row.version,
        nettable=Quantity.from_micros(figures.nettable, unit),
        hard=Quantity.from_micros(figures.hard, unit),
        soft=Quantity.from_micros(figures.soft, unit),
        safety=Quantity.from_micros(figures.safety, unit),
    )
    identity = f"availability:{row.item}:{row.location}:{row.version}"
    return _entry(row.tenant, identity, payload, at, version=row.version)


def reservation_changed(row: LineRow, at: datetime) -> Entry:
    line = row.line
    payload = ReservationChanged(
        reservation_id=f"rsv_{row.reservation_id.hex}",
        line_no=line.line_no,
        status=line.status,
        kind=ReservationKind.HARD if line.is_hard else ReservationKind.SOFT,
        item=line.item,
        location=line.location,
        requested=Quantity.from_micros(line.requested, row.unit),
        granted=Quantity.from_micros(line.granted, row.unit),
        consumed=Quantity.from_micros(line.used, row.unit),
        demand_ref=line.demand_ref,
        expires_at=line.expires_at,
    )
    identity = f"reservation:{row.reservation_id.hex}:{line.line_no}:{line.version}"
    thread = line.demand_ref.rpartition("/")[0]
    return _entry(row.tenant, identity, payload, at, version=line.version, thread=thread)


def stock_went_negative(bucket: Bucket, micros: int, unit: str, cause: str, at: datetime) -> Entry:
    place = Place(
        location=bucket.location,
        status=StockStatus(bucket.status),
        owner=bucket.owner,
        lot=bucket.lot,
        serial=bucket.serial,
    )
    payload = StockWentNegative(
        item=bucket.item, place=place, quantity=Quantity.from_micros(micros, unit)
    )
    identity = f"negative:{':'.join(bucket[1:])}:{cause}"
    return _entry(bucket.tenant, identity, payload, at)


def _entry(
    tenant: str,
    identity: str,
    payload: Payload,
    at: datetime,
    *,
    version: int | None = None,
    thread: str = "",
) -> Entry:
    fact = Fact(
        identity=identity,
        payload=payload,
        occurred_at=at,
        recorded_at=at,
        version=version,
        correlation_id=thread,
    )
    return Entry(tenant=tenant, source=HUB, received_at=at, fact=fact)
