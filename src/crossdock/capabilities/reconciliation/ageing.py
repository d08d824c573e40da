"""What is open by age, and what the closed ones came from, as people see it (§4.5). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from crossdock.capabilities.reconciliation.findings import decimal_of
from crossdock.capabilities.reconciliation.ranking import AGE_NAMES


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBucket:
    age: str
    findings: int
    value_at_risk: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseShare:
    """`percent` is rounded down."""

    root_cause: str
    findings: int
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is open by age, what was closed by root cause, and how the two keep up.

    `burned_percent` is closed by confirmed; null while nothing was confirmed.
    """

    open: tuple[AgeBucket, ...]
    causes: tuple[CauseShare, ...]
    confirmed: int
    closed: int
    burned_percent: int | None


def backlog(
    ages: Mapping[int, tuple[int, int | None]],
    causes: Mapping[str, int],
    *,
    opened: int,
    closed: int,
) -> Backlog:
    """Put figures together; every bucket of age is there, the empty ones too."""
    total = sum(causes.values())
    buckets = [(name, *ages.get(number, (0, None))) for number, name in enumerate(AGE_NAMES)]
    return Backlog(
        open=tuple(
            AgeBucket(
                age=name,
                findings=count,
                value_at_risk=None if value is None else decimal_of(value),
            )
            for name, count, value in buckets
        ),
        causes=tuple(
            CauseShare(root_cause=cause, findings=count, percent=100 * count // total)
            for cause, count in causes.items()
        ),
        confirmed=opened,
        closed=closed,
        burned_percent=100 * closed // opened if opened else None,
    )
