"""What a count comes to: right, counted again by another person, settled, or a case. Pure (§4.2).

Whoever keeps the stock posts what was counted, so nothing here holds a posting back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.people import may_be_same
from crossdock.canonical.quantities import MICROS, Quantity, plain
from crossdock.capabilities.reconciliation.model import HUB, ItemClass
from crossdock.capabilities.reconciliation.ranking import CountReason
from crossdock.capabilities.reconciliation.responsible import FINANCE, INVENTORY, SUSPECT
from crossdock.capabilities.reconciliation.triggers import RESTS, Asked

WITHIN = timedelta(hours=8)
WAITS = timedelta(days=1)
"""What has waited for so long to be settled is a case, for as long as it waits."""
SHOWN_MAX = 10
"""A case shows so many of its counts, the newest."""


class Matter(StrEnum):
    """What became of a count."""

    RIGHT = "RIGHT"
    """Within the tolerance of its class."""
    RECOUNT = "RECOUNT"
    """Beyond it: another person is to count."""
    NOT_ASKED = "NOT_ASKED"
    """Beyond it, and enough counts were asked for that day: it waits for a day that has room."""
    AGREED = "AGREED"
    """Two counts agree."""
    DIFFERED = "DIFFERED"
    """Two counts do not agree: inventory control decides."""
    SAME_PERSON = "SAME_PERSON"
    """Who had counted before has counted again, which settles nothing."""
    LATE = "LATE"
    """It settles nothing, and was history when it was heard: kept, and nobody is asked."""


class CountApproval(StrEnum):
    """Whether a count of more money than the cap was decided about; "" is none of that much."""

    WAITING = "WAITING"
    APPROVED = "APPROVED"
    REFUSED = "REFUSED"


WAITING = frozenset({Matter.RECOUNT, Matter.NOT_ASKED})
"""What waits for a second count."""
_UNSETTLED = WAITING | {Matter.DIFFERED, Matter.SAME_PERSON}

Bucket = tuple[str, str, str, str, str, str]
"""Location, item, status, owner, lot, serial."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """A count of a bucket as it is kept; amounts in micros, `value` in micros of `currency`.

    `count_id` is the task that it answered, or "". `is_late`: it was history when it was heard.
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
    is_late: bool = False

    @property
    def place(self) -> tuple[str, str]:
        return self.bucket[0], self.bucket[1]

    @property
    def value_at_risk(self) -> int | None:
        return self.value


def matter_of(one: CountRow, first: CountRow | None) -> Matter:
    """Say what a count comes to, by the count of the bucket that waits for a second, if any.

    One that is late may settle what waits; it leaves nothing open itself.
    """
    matter = _matter_of(one, first)
    return Matter.LATE if one.is_late and matter in _UNSETTLED else matter


def _matter_of(one: CountRow, first: CountRow | None) -> Matter:
    if first is None:
        return Matter.RIGHT if one.is_within else Matter.RECOUNT
    if may_be_same(one.counted_by, first.counted_by):
        return Matter.SAME_PERSON
    return Matter.AGREED if one.is_within else Matter.DIFFERED


def is_behind(one: CountRow, before: CountRow) -> bool:
    """Say whether a count was made behind another that waits.

    Of two with one stamp, as where a warehouse stamps them by the day, only what another person
    is named for is: one person may tell a shelf in parts.
    """
    names = (one.counted_by, before.counted_by)
    is_by_another = all(names) and not may_be_same(*names)
    return (before.counted_at, False) < (one.counted_at, is_by_another)


def first_of(one: CountRow, before: Sequence[CountRow]) -> CountRow | None:
    """Give the count that this one is a second to: one by the same person, else the last."""
    same = (row for row in before if may_be_same(row.counted_by, one.counted_by))
    return next(same, before[-1] if before else None)


def is_doubted(one: CountRow) -> bool:
    """Say whether a count waits to be settled or approved: the lower number is shown till then.

    What was said to the hub itself is shown as it was said: nobody else keeps that stock.
    """
    is_open = one.matter in _UNSETTLED or one.approval == CountApproval.WAITING
    return is_open and one.told_by != HUB


def is_unsettled(one: CountRow) -> bool:
    """Say whether only a later count can end what a count has begun."""
    return one.matter in WAITING or (one.matter in _UNSETTLED and is_doubted(one))


def is_to_ask_again(task: Asked | None, now: datetime) -> bool:
    """Say whether what is not settled is to be counted again: a day after the last count of it.

    Or a day after that was refused. A task for another reason, which is open, takes this one.
    """
    if task is None:
        return True
    if task.ended_at is None:
        return task.reason != CountReason.RECOUNT
    return now - task.ended_at >= RESTS


def has_waited(unsettled: Iterable[CountRow], now: datetime) -> bool:
    """Say whether counts of a key have waited for so long that it is a case."""
    return any(now - _since(one) >= WAITS for one in unsettled)


def _since(one: CountRow) -> datetime:
    """Give from when on it waits for a second count: what was refused does from then."""
    is_refused = one.approval == CountApproval.REFUSED
    return one.decided_at if is_refused and one.decided_at else one.heard_at


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
        location=location,
        evidence={"location": location, "counts": [_shown(first), _shown(one)]},
    )


def unsettled_case(unsettled: Sequence[CountRow], task: Mapping[str, str]) -> OpenCase:
    """Word that counts of a key, the oldest first, wait for one that settles them.

    `task` is what became of the count that was asked for.
    """
    last = unsettled[-1]
    location, item = last.place
    waits = any(one.matter == Matter.RECOUNT for one in unsettled)
    why = "a second count is waited for" if waits else "they do not agree"
    return OpenCase(
        code=SUSPECT,
        fingerprint=differed_name(last.place),
        severity="S2" if any(one.of == ItemClass.A for one in unsettled) else "S3",
        owner_role=INVENTORY,
        within=WITHIN,
        entity=item,
        title=f"counts of {item} at {location} are not settled: {why}",
        evidence={
            "location": location,
            "counts": [_shown(one) for one in unsettled[-SHOWN_MAX:]],
            "task": task,
        },
    )


def anew(first: CountRow, one: CountRow) -> OpenCase:
    """Word what finance has refused, and a second count has found again: it decides anew."""
    case = approval_case(replace(first, approval=CountApproval.WAITING))
    refused = f"by {first.decided_by}: {first.because}"
    shown = {"counts": [_shown(first), _shown(one)], "refused": refused}
    return replace(case, evidence={**case.evidence, **shown})


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
        location=location,
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
