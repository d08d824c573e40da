"""Exact amounts of goods: decimals with a unit at the edges, whole millionths in hot tables."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from fractions import Fraction
from typing import Self

from crossdock.canonical.errors import Invalid

MICROS = 1_000_000
"""Millionths of the base unit: the integer of hot tables (domain.md §1.0, Decimal(18,6))."""

AMOUNT_MAX = Decimal(10) ** 12
"""Decimal(18,6) leaves twelve digits before the point."""


def decimal_of(value: str | int | Decimal, *, where: str = "") -> Decimal:
    """Read an exact decimal; refuse floats, NaN, infinities, more than six places or 12 digits."""
    if isinstance(value, bool | float):
        raise Invalid(f"{value!r} is not an exact amount: send it as a string", where=where)
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise Invalid(f"{value!r} is not a number", where=where) from None
    if not number.is_finite() or abs(number) >= AMOUNT_MAX:
        raise Invalid(f"{value!r} is outside ±10^12", where=where)
    if number != number.quantize(Decimal("0.000001")):
        raise Invalid(f"{value!r} has more than six decimals", where=where)
    return number


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount of one item in one unit of measure; two units never mix by accident."""

    value: Decimal
    unit: str = "EA"

    @classmethod
    def of(cls, value: str | int | Decimal, unit: str = "EA") -> Self:
        return cls(decimal_of(value), unit)

    @classmethod
    def from_micros(cls, micros: int, unit: str = "EA") -> Self:
        return cls(Decimal(micros) / MICROS, unit)

    @property
    def micros(self) -> int:
        """The amount in whole millionths of its unit; exact, or an error."""
        scaled = self.value * MICROS
        if scaled != int(scaled):
            raise Invalid(f"{self.value} {self.unit} has more than six decimals")
        return int(scaled)

    def __add__(self, other: Self) -> "Quantity":
        return Quantity(self.value + self._in_same_unit(other), self.unit)

    def __sub__(self, other: Self) -> "Quantity":
        return Quantity(self.value - self._in_same_unit(other), self.unit)

    def __neg__(self) -> "Quantity":
        return Quantity(-self.value, self.unit)

    def __lt__(self, other: Self) -> bool:
        return self.value < self._in_same_unit(other)

    def __le__(self, other: Self) -> bool:
        return self.value <= self._in_same_unit(other)

    def __str__(self) -> str:
        return f"{plain(self.value)} {self.unit}"

    def _in_same_unit(self, other: Self) -> Decimal:
        if other.unit != self.unit:
            raise Invalid(f"{other} cannot be combined with {self}: convert it first")
        return other.value


def plain(value: Decimal) -> str:
    """Write a decimal without an exponent or trailing zeros: `1E+2` is `100`, `4.50` is `4.5`."""
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def round_down(value: Fraction, step: Decimal) -> Decimal:
    """Round towards minus infinity to a multiple of `step`: the sell side's direction (A12)."""
    return _round(value, step, ROUND_FLOOR)


def round_half_up(value: Fraction, step: Decimal) -> Decimal:
    """Round to the nearest multiple of `step`, halves away from zero."""
    magnitude = _round(abs(value), step, ROUND_HALF_UP)
    return magnitude if value >= 0 else -magnitude


def _round(value: Fraction, step: Decimal, mode: str) -> Decimal:
    steps = value / Fraction(step)
    whole = steps.numerator // steps.denominator
    if mode == ROUND_HALF_UP and 2 * (steps - whole) >= 1:
        whole += 1
    return whole * step
