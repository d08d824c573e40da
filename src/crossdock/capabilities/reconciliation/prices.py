"""How what is invoiced is compared with what was agreed, in money (§5.4). Pure.

Amounts are micros: of money, and of the unit that a row says. Both prices are of that unit. Rows
of a line are added up, so a credit takes off what it credits, at its own price.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from crossdock.canonical.money import minor_unit
from crossdock.canonical.quantities import MICROS, plain, round_half_up
from crossdock.capabilities.reconciliation.causes import Cause, Verdict
from crossdock.capabilities.reconciliation.open_lines import factor_of

MILLIONTH = Decimal("0.000001")
SLACK = MICROS // 100
"""An amount may be so far from quantity times price."""


class PricedRow(NamedTuple):
    """So much of a line, as a row prices it; None is what it does not say."""

    micros: int
    unit: str
    price: int | None
    agreed: int | None
    amount: int | None

    @property
    def is_told(self) -> bool:
        """Say whether it says two things that can be compared."""
        is_priced = self.price is not None or self.amount is not None
        is_agreed = self.agreed is not None
        return is_priced if is_agreed else self.price is not None and self.amount is not None


class PricedLine(NamedTuple):
    """A line of a document in money, which is in `currency`: what was agreed, what is invoiced."""

    document: str
    line: str
    item: str
    location: str
    currency: str
    agreed: int
    invoiced: int
    rows: tuple[PricedRow, ...]

    @property
    def variance(self) -> int:
        return self.invoiced - self.agreed


def totals(row: PricedRow, currency: str) -> tuple[int, int]:
    """Give what was agreed of a row, and what is invoiced; each is rounded once.

    What names no agreed price was agreed as it is priced, so its amount alone is looked at.
    """
    priced = None if row.price is None else extended(row.price, row.micros, currency)
    agreed = priced if row.agreed is None else extended(row.agreed, row.micros, currency)
    invoiced = priced if row.amount is None else row.amount
    return agreed or 0, invoiced or 0


def extended(price: int, micros: int, currency: str) -> int:
    """Price an amount, rounded to what can be paid, halves away from zero; "" to a millionth."""
    step = minor_unit(currency) if currency else MILLIONTH
    return int(round_half_up(Fraction(price * micros, MICROS * MICROS), step).scaleb(6))


def is_miscounted(row: PricedRow, currency: str) -> bool:
    """Say whether its amount is not its quantity times its price, by more than a cent."""
    if row.price is None or row.amount is None:
        return False
    return abs(row.amount - extended(row.price, row.micros, currency)) > SLACK


def verdict(line: PricedLine, factors: Sequence[tuple[int, int]]) -> Verdict:
    """Say what is wrong with a line whose money differs."""
    prices = {(row.price, row.agreed) for row in line.rows if row.agreed is not None}
    price, agreed = next(iter(prices)) if len(prices) == 1 else (None, None)
    if price is not None and agreed is not None and price != agreed:
        if factor := factor_of(agreed, price, factors):
            return Verdict(
                Cause.UOM, f"the ratio of the prices is {factor}, a factor of its units"
            )
        said = f"{_shown(price)} is invoiced of one, and {_shown(agreed)} was agreed"
        return Verdict(Cause.PRICE, said)
    if any(is_miscounted(row, line.currency) for row in line.rows):
        return Verdict(Cause.PRICE, "an amount is not its quantity times its price")
    return Verdict(Cause.PRICE, "another price is invoiced than was agreed")


def _shown(micros: int) -> str:
    return plain(Decimal(micros) / MICROS)
