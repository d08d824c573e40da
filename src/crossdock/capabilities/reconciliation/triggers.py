"""What happens in a warehouse that has a shelf counted: which, why, and how many a day. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol

from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import MovementType, StockMoved
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.ranking import STAYS, URGENCY, CountReason

Key = tuple[str, str]
"""A location and an item."""
TRIGGERS = (CountReason.RECALL, CountReason.SHORT_PICK, CountReason.ZERO_BALANCE)
"""The reasons that the hub finds by itself, the most urgent first."""
A_DAY_MAX = 10_000
LATE = timedelta(days=1)
"""What happened longer ago asks for nothing: so no first load of a history does."""
RESTS = timedelta(days=1)
"""What was counted, or refused, is not proposed again for so long: a comparison is to see it.

What happens on the shelf after its count is news.
"""

REFUSED = "REFUSED"
"""The status of a task of which somebody has said that it cannot be counted."""

_PICKS = frozenset({MovementType.PICK, MovementType.UNPICK})


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Which counts the hub asks for by itself, and how many at a location in a day (UTC).

    So many second counts, and as many for the reasons in `when` together; recalls are asked for
    beside that, however many they are.
    """

    a_day: int = 50
    when: tuple[CountReason, ...] = TRIGGERS


def counting_of(a_day: int, when: Iterable[CountReason]) -> Counting:
    """Give rules in one order; raises `Invalid` for what is none."""
    wanted = set(when)
    if strange := sorted(wanted.difference(TRIGGERS)):
        raise Invalid(
            f"{strange[0]} is nothing that the hub has counted by itself",
            where="/count_when",
            hint=f"one of {', '.join(TRIGGERS)}",
        )
    if not 0 <= a_day <= A_DAY_MAX:
        raise Invalid(f"0 to {A_DAY_MAX} counts a day", where="/counts_a_day")
    return Counting(a_day=a_day, when=tuple(one for one in TRIGGERS if one in wanted))


class Changed(Protocol):
    """What a movement changed in a bucket; times in microseconds."""

    @property
    def net(self) -> int: ...

    @property
    def us(self) -> int: ...

    @property
    def occurred_us(self) -> int: ...

    @property
    def type(self) -> str: ...


class Asked(Protocol):
    """A count that was asked for, and when it was counted or refused."""

    @property
    def reason(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def ended_at(self) -> datetime | None: ...


class Happened(NamedTuple):
    """Why a shelf is to be counted, and when that was."""

    reason: CountReason
    at: datetime

    def beside(self, other: "Happened | None") -> "Happened":
        """Give the more urgent reason of two, and the later time."""
        if other is None:
            return self
        first = min(self, other, key=lambda one: URGENCY[one.reason])
        return Happened(first.reason, max(self.at, other.at))


def reason_of(moved: StockMoved) -> CountReason | None:
    """Say why a movement has its shelf counted.

    Recalled goods are to be counted before they are released. A pick of nothing, and a pick or its
    cancellation whose reason has the word "short", found less than the books say.
    """
    if moved.type is MovementType.RECALL:
        return CountReason.RECALL
    words = "".join(one if one.isalnum() else " " for one in moved.reason.casefold()).split()
    is_nothing = moved.type is MovementType.PICK and not moved.quantity.value
    is_short = is_nothing or (moved.type in _PICKS and "short" in words)
    return CountReason.SHORT_PICK if is_short else None


def shelf_of(moved: StockMoved) -> Key | None:
    """Name where it left; of a pick that was cancelled, where it went back."""
    is_back = moved.type is MovementType.UNPICK
    ends = (moved.target_place, moved.source_place) if is_back else (moved.source_place,)
    places = [place.location for place in (*ends, moved.target_place) if place]
    return (places[0], moved.item) if places else None


def is_late(at: datetime, now: datetime) -> bool:
    return now - at >= LATE


def emptied_at(moved: Sequence[Changed], now: datetime) -> datetime | None:
    """Say when goods that left of late have emptied a shelf; None where a count has said so."""
    newest = max(moved, key=lambda one: (one.us, one.occurred_us), default=None)
    if newest is None or newest.net >= 0 or newest.type == MovementType.COUNT_ADJUST:
        return None
    at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=newest.occurred_us)
    return None if is_late(at, now) else at


def is_news(
    what: Happened, task: Asked | None, counted_at: datetime | None, now: datetime
) -> bool:
    """Say whether there is more to ask than is asked for, or than a count has told since.

    Who has refused the same of late is not asked again. A recall is always news, but for a task
    that is open and will tell: goods are counted before they are released (§4.2).
    """
    if task is not None and task.ended_at is None:
        return task.reason not in STAYS or URGENCY[what.reason] < URGENCY[task.reason]
    if what.reason is CountReason.RECALL:
        return True
    return not (counted_at and counted_at >= what.at) and not _is_refused(what, task, now)


def _is_refused(what: Happened, task: Asked | None, now: datetime) -> bool:
    if task is None or task.ended_at is None or task.status != REFUSED:
        return False
    return task.reason == what.reason and now - task.ended_at < RESTS


def first_asked(
    wanted: Mapping[Key, CountReason], classes: Mapping[Key, ItemClass], left: Mapping[str, int]
) -> list[Key]:
    """Choose what is asked for today: by class, then by reason, so many as a location has left.

    Recalls are all asked for, and take nothing from that.
    """
    ordered = sorted(
        wanted, key=lambda one: (classes.get(one, ItemClass.A), URGENCY[wanted[one]], one)
    )
    taken: dict[str, int] = {}
    chosen: list[Key] = []
    for one in ordered:
        if wanted[one] is CountReason.RECALL:
            chosen.append(one)
        elif taken.get(one[0], 0) < left.get(one[0], 0):
            taken[one[0]] = taken.get(one[0], 0) + 1
            chosen.append(one)
    return chosen
