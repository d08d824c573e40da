"""What is kept of a finding so that a person can judge it again: both numbers, documents. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from crossdock.canonical.inventory import StockStatus
from crossdock.canonical.quantities import MICROS, Quantity, plain
from crossdock.capabilities.reconciliation.buckets import Bucket
from crossdock.capabilities.reconciliation.judging import Judged, Known

SHOWN_MAX = 20
"""So many documents and movements are kept as evidence."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def evidence_of(
    ours: Mapping[Bucket, int],
    theirs: Mapping[Bucket, int],
    judged: Judged,
    known: Known,
    unit: str,
) -> dict[str, Any]:
    """Keep both numbers of every bucket, the documents and the newest movements, readable."""

    def amount(micros: int) -> str:
        return plain(Quantity.from_micros(micros, unit).value)

    recent = sorted(known.ours.postings, key=lambda p: -p.recorded)[:SHOWN_MAX]
    return {
        "is_sellable": any(
            bucket.status in {"", StockStatus.AVAILABLE}
            for bucket in ours.keys() | theirs.keys()
            if ours.get(bucket, 0) != theirs.get(bucket, 0)
        ),
        "buckets": [
            {
                **{name: value for name, value in bucket._asdict().items() if value},
                "ours": amount(ours.get(bucket, 0)),
                "theirs": amount(theirs.get(bucket, 0)),
            }
            for bucket in sorted(ours.keys() | theirs.keys())
        ][:SHOWN_MAX],
        "sold": {"ours": amount(judged.sold.ours), "theirs": amount(judged.sold.theirs)},
        "doubted": amount(judged.doubted),
        "documents": [
            {
                "reference": document.reference,
                "fate": document.fate,
                "ours": amount(document.ours),
                "theirs": amount(document.theirs),
                "recorded_at": instant(document.recorded).isoformat(),
            }
            for document in judged.difference.documents[:SHOWN_MAX]
        ],
        "recent_movements": [
            {
                "reference": posting.reference,
                "type": posting.type,
                "quantity": amount(posting.micros),
                "recorded_at": instant(posting.recorded).isoformat(),
            }
            for posting in recent
        ],
        "unit_cost": None if known.cost is None else plain(Quantity.from_micros(known.cost).value),
    }


def instant(us: int) -> datetime:
    return EPOCH + timedelta(seconds=us // MICROS, microseconds=us % MICROS)
