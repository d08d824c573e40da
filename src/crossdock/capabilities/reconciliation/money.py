"""Money at risk: each amount in its own currency, never two of them together (§4.3). Pure.

The currency "" is the functional one, whatever the rules of the house call it. Where they name
none, a limit is held against every amount as it is, whatever its currency.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from crossdock.canonical.errors import Invalid
from crossdock.canonical.money import DECIMALS_BY_CURRENCY

VALUE_MAX = 9 * 10**18
"""Micros; more is said to be as much."""


class Priced(Protocol):
    """What has a value in micros of its currency, or None: nobody has said what one costs."""

    @property
    def value_at_risk(self) -> int | None: ...

    @property
    def currency(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AtRisk:
    """What differences are worth together: `priced` of them `value` in the functional currency.

    `others` are the amounts in other currencies, `unpriced` is how many have no price.
    """

    value: int = 0
    priced: int = 0
    others: Mapping[str, int] = field(default_factory=dict[str, int])
    unpriced: int = 0

    @property
    def known(self) -> int | None:
        """Give the value in the functional currency; None where none of them has one."""
        return self.value if self.priced else None


def at_risk(found: Iterable[Priced], house: str = "") -> AtRisk:
    """Add up what differences are worth, each currency by itself; `house` names the functional."""
    value = priced = unpriced = 0
    others: dict[str, int] = {}
    for one in found:
        currency = in_house(one.currency, house)
        if one.value_at_risk is None:
            unpriced += 1
        elif currency:
            others[currency] = min(VALUE_MAX, others.get(currency, 0) + one.value_at_risk)
        else:
            priced += 1
            value = min(VALUE_MAX, value + one.value_at_risk)
    return AtRisk(
        value=value, priced=priced, others=dict(sorted(others.items())), unpriced=unpriced
    )


def in_house(currency: str, house: str) -> str:
    """Give "" for the functional currency, and else the currency."""
    return "" if currency == house else currency


def is_foreign(currency: str, house: str) -> bool:
    """Say whether a currency is another than the functional one, if the house has named that."""
    return bool(house and in_house(currency, house))


def is_weighed(one: Priced, house: str) -> bool:
    """Say whether its money, if any, can be held against a cap: not that in another currency."""
    return not one.value_at_risk or not is_foreign(one.currency, house)


def is_above(one: Priced, cap: int, house: str) -> bool:
    """Say whether more money is at risk than a cap; what is in another currency always is.

    Of what has no price nobody knows.
    """
    if not one.value_at_risk:
        return False
    return not is_weighed(one, house) or one.value_at_risk > cap


def currency_of(text: str, where: str) -> str:
    """Read a currency of ISO 4217; "" is the functional one."""
    currency = text.strip().upper()
    if currency and currency not in DECIMALS_BY_CURRENCY:
        raise Invalid(
            f"{text[:40]!r} is not a currency of ISO 4217",
            where=where,
            hint="as in EUR; leave it out for the functional currency",
        )
    return currency
