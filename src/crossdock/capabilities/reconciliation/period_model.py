"""A close of a period: what is asked, what is shown of it, and what it asks of others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from crossdock.capabilities.reconciliation.findings import decimal_of
from crossdock.capabilities.reconciliation.period_store import FigureRow, LateRow, PeriodRow
from crossdock.capabilities.reconciliation.sides import Said, Spelled
from crossdock.foundation.database import Transaction


class Late(Protocol):
    @property
    def location(self) -> str: ...

    @property
    def item(self) -> str: ...

    @property
    def micros(self) -> int: ...

    @property
    def postings(self) -> int: ...


class KnowsLate(Protocol):
    async def late(
        self, tx: Transaction, since: int, cut: tuple[int, datetime], places: Sequence[str], /
    ) -> Sequence[Late]:
        """Give what was recorded after the cut, and happened before it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodAsked:
    """A close that is wanted: what the books of `against` say at the end of a period.

    `said` is told how names are read. Its rows are as of `ends_at`; what it leaves out of a
    location that it names is zero there.
    """

    period: str
    against: str
    ends_at: datetime
    by: str
    said: Callable[[Spelled], Said]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff:
    """A sign-off that is wanted: of the close that was looked at, which `closed_at` tells.

    `despite_unknown`: although the books name what nobody knows.
    """

    period: str
    against: str
    closed_at: datetime
    because: str
    by: str
    despite_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPeriod:
    """A period of one system's books: CLOSED, and then SIGNED off by a person, for good.

    `unknown` counts figures whose item or unit, as the books name it, is not known; the first of
    them are in `unknown_names`. They are not among `differing`.
    """

    period: str
    against: str
    ends_at: datetime
    state: str
    figures: int
    differing: int
    unknown_names: tuple[str, ...]
    unknown: int
    closed_by: str
    closed_at: datetime
    signed_by: str
    signed_at: datetime | None
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What lay of an item at a location at the end, by the hub (`ours`) and by the books.

    `theirs` is null where the books name an item, or a unit of it, that is not known.

    `late` came in since by `late_postings` that had happened before; what had no figure is shown
    for them, uncertain, with zeros. Of a period that is signed off `late_since_signed`, by
    `postings_since_signed`, came in after that.
    `is_certain`: it was not counted since the end, and its keeper was heard since, so the hub
    knows what lay there.
    `value` of the difference is in `currency`, null where the books name no cost, and never
    above 100,000,000,000.
    """

    location: str
    item: str
    unit: str
    ours: Decimal
    theirs: Decimal | None
    difference: Decimal | None
    late: Decimal
    late_postings: int
    late_since_signed: Decimal
    postings_since_signed: int
    value: Decimal | None
    currency: str
    is_certain: bool


_INSIDE = {"since", "places"}


def shown(row: PeriodRow) -> ClosedPeriod:
    said = {name: getattr(row, name) for name in PeriodRow._fields if name not in _INSIDE}
    return ClosedPeriod(**said)


def figure_of(row: FigureRow, late: Late | None, known: Late | None) -> Figure:
    """Show a figure with what was posted late to it, and `known` of that when it was signed.

    Without `known` it is not signed off.
    """
    late = late or LateRow(row.location, row.item)
    since = known or late
    return Figure(
        location=row.location,
        item=row.item,
        unit=row.unit,
        ours=decimal_of(row.ours),
        theirs=None if row.theirs is None else decimal_of(row.theirs),
        difference=None if row.theirs is None else decimal_of(row.theirs - row.ours),
        late=decimal_of(late.micros),
        late_postings=late.postings,
        late_since_signed=decimal_of(late.micros - since.micros),
        postings_since_signed=late.postings - since.postings,
        value=None if row.value is None else decimal_of(row.value),
        currency=row.currency,
        is_certain=row.is_certain,
    )
