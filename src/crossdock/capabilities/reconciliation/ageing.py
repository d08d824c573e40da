"""What is open by age, and what the closed ones came from, as people see it (§4.5). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from crossdock.capabilities.reconciliation.findings import decimal_of
from crossdock.capabilities.reconciliation.ranking import AGE_NAMES


class Aged(NamedTuple):
    """What is open of an age (the number of its bucket) in a currency; value in micros."""

    bucket: int
    currency: str
    findings: int
    unpriced: int
    value_at_risk: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgeBucket:
    """`value_at_risk` is in the functional currency, `other_values` are in others, by currency.

    Of `unpriced` of the `findings` nobody knows what one costs.
    """

    age: str
    findings: int
    value_at_risk: Decimal | None
    other_values: Mapping[str, Decimal]
    unpriced: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseShare:
    """`percent` is rounded down."""

    root_cause: str
    findings: int
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What is open by age, what was closed by root cause, and how the two keep up.

    `unnamed` are gone, put no money at risk, and wait for a person to name their root cause.
    `burned_percent` is closed by confirmed; null while nothing was confirmed.
    """

    open: tuple[AgeBucket, ...]
    causes: tuple[CauseShare, ...]
    confirmed: int
    closed: int
    burned_percent: int | None
    unnamed: int = 0


def backlog(
    ages: Sequence[Aged],
    causes: Mapping[str, int],
    *,
    opened: int,
    closed: int,
    unnamed: int = 0,
) -> Backlog:
    """Put figures together; every bucket of age is there, the empty ones too."""
    total = sum(causes.values())
    return Backlog(
        open=tuple(
            _bucket(name, [one for one in ages if one.bucket == number])
            for number, name in enumerate(AGE_NAMES)
        ),
        causes=tuple(
            CauseShare(root_cause=cause, findings=count, percent=100 * count // total)
            for cause, count in causes.items()
        ),
        confirmed=opened,
        closed=closed,
        burned_percent=100 * closed // opened if opened else None,
        unnamed=unnamed,
    )


def _bucket(name: str, found: Sequence[Aged]) -> AgeBucket:
    """Put what is open of an age together, each currency by itself."""
    worth = {one.currency: one.value_at_risk for one in found if one.value_at_risk is not None}
    amounts = {currency: decimal_of(micros) for currency, micros in worth.items()}
    return AgeBucket(
        age=name,
        findings=sum(one.findings for one in found),
        value_at_risk=amounts.pop("", None),
        other_values=amounts,
        unpriced=sum(one.unpriced for one in found),
    )
