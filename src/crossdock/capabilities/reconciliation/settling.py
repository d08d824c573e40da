"""What a count comes to: right, counted again by another person, settled, or a case. Pure (§4.2).

Whoever keeps the stock posts what was counted, so nothing here holds a posting back.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.people import may_be_same
from crossdock.canonical.quantities import MICROS, Quantity, plain
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.responsible import FINANCE, INVENTORY, SUSPECT
from crossdock.capabilities.reconciliation.store import HUB

WITHIN = timedelta(hours=8)


class Matter(StrEnum):
    """What became of a count."""

    RIGHT = "RIGHT"
    """Within the tolerance of its class."""
    RECOUNT = "RECOUNT"
    """Beyond it: another person is to count."""
    NOT_ASKED = "NOT_ASKED"
    """Beyond it, and enough counts were asked for that day."""
    AGREED = "AGREED"
    """Two counts agree."""
    DIFFERED = "DIFFERED"
    """Two counts do not agree: inventory control decides."""
    SAME_PERSON = "SAME_PERSON"
    """Who had counted before has counted again, which settles nothing."""


class CountApproval(StrEnum):
    """Whether a count of more money than the cap was decided about; "" is none of that much."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"


_UNSETTLED = frozenset({Matter.RECOUNT, Matter.DIFFERED, Matter.SAME_PERSON})

Bucket = tuple[str, str, str, str, str, str]
"""Location, item, status, owner, lot, serial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """A count of a bucket as it is kept; amounts in micros, `value` in micros of `currency`.

    `count_id` is the task that it answered, or "".
    """

    counted_id: str
    bucket: Bucket
    of: str
    counted_at: datetime
    heard_at: datetime
    unit: str
    book: int
    counted: int
    value: int | None
    currency: str
    is_within: bool
    count_ref: str
    told_by: str
    counted_by: str
    is_recount: bool = False
    count_id: str = ""
    matter: str = Matter.RIGHT
    approval: str = ""
    decided_at: datetime | None = None
    decided_by: str = ""
    because: str = ""

    @property
    def place(self) -> tuple[str, str]:
        return self.bucket[0], self.bucket[1]

    @property
    def value_at_risk(self) -> int | None:
        return self.value


def matter_of(one: CountRow, first: CountRow | None) -> Matter:
    """Say what a count comes to, by the count of the bucket that waits for a second, if any."""
    if first is None:
        return Matter.RIGHT if one.is_within else Matter.RECOUNT
    if may_be_same(one.counted_by, first.counted_by):
        return Matter.SAME_PERSON
    return Matter.AGREED if one.is_within else Matter.DIFFERED


def is_doubted(one: CountRow) -> bool:
    """Say whether a count waits to be settled or approved: the lower number is shown till then.

    What was said to the hub itself is shown as it was said: nobody else keeps that stock.
    """
    is_open = one.matter in _UNSETTLED or one.approval == CountApproval.WAITING
    return is_open and one.told_by != HUB


def withheld_of(gains: Iterable[int]) -> int:
    """Say how far the ledger is above the lowest number of a bucket's counts that wait, in turn.

    Each gain is what a count added to the ledger as it was posted.
    """
    held = 0
    for gain in gains:
        held = max(0, held + gain)
    return held


def differed_name(place: tuple[str, str]) -> str:
    return f"count/{place[0]}/{place[1]}/{SUSPECT}"


def approval_name(counted_id: str) -> str:
    return f"count-approval/{counted_id}/{SUSPECT}"


def differed_case(one: CountRow, first: CountRow) -> OpenCase:
    location, item = one.place
    return OpenCase(
        code=SUSPECT,
        fingerprint=differed_name(one.place),
        severity="S2" if one.of == ItemClass.A else "S3",
        owner_role=INVENTORY,
        within=WITHIN,
        entity=item,
        title=f"two counts of {item} at {location} do not agree",
        evidence={"location": location, "counts": [_shown(first), _shown(one)]},
    )


def approval_case(one: CountRow) -> OpenCase:
    """Word what finance decides about: above the cap it is accountable for an adjustment (§7.3).

    Inventory control is responsible.
    """
    location, item = one.place
    money = f"{plain(Decimal(one.value or 0) / MICROS)} {one.currency}".strip()
    return OpenCase(
        code=SUSPECT,
        fingerprint=approval_name(one.counted_id),
        severity="S2",
        owner_role=FINANCE,
        within=WITHIN,
        entity=item,
        title=f"a count of {item} at {location} adjusts {money}: it is to be approved",
        evidence={"location": location, "responsible": INVENTORY, "counts": [_shown(one)]},
    )


def _shown(one: CountRow) -> dict[str, str]:
    return {
        "counted_id": one.counted_id,
        "lot": one.bucket[4],
        "status": one.bucket[2],
        "counted_at": one.counted_at.isoformat(),
        "counted_by": one.counted_by,
        "book": str(Quantity.from_micros(one.book, one.unit)),
        "counted": str(Quantity.from_micros(one.counted, one.unit)),
        "count_ref": one.count_ref,
    }
