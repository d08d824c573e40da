"""Exact amounts of goods: decimals with a unit at the edges, whole millionths in hot tables."""

import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

from crossdock.canonical.errors import Invalid

MICROS = 1_000_000
"""Millionths of the base unit: the integer of hot tables (domain.md §1.0, Decimal(18,6))."""

AMOUNT_MAX = Decimal(10) ** 12
"""Decimal(18,6) leaves twelve digits before the point."""

_MICRO = Decimal("0.000001")
_MICROS = Decimal(MICROS)
_NUMBER_CHARACTERS_MAX = 64
_PLAIN_DIGITS_MAX = 12
# Narrower than Decimal's own reader, which takes underscores, spaces and any script's digits too.
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


def decimal_of(value: str | int | Decimal, *, where: str = "") -> Decimal:
    """Read an exact decimal; refuse floats, NaN, infinities, more than six places or 12 digits.

    Equal amounts come out alike, however they were written: `4.50`, `4.5` and `45e-1` are `4.5`.
    """
    if isinstance(value, str) and len(value) <= _PLAIN_DIGITS_MAX and _is_plain(value):
        return Decimal(value)
    number = _number(value, where)
    if not number.is_finite() or abs(number) >= AMOUNT_MAX:
        raise Invalid(f"{_shown(value)} is outside ±10^12", where=where)
    rounded = number.quantize(_MICRO)
    if number != rounded:
        raise Invalid(f"{_shown(value)} has more than six decimals", where=where)
    return Decimal(plain(rounded))


def _is_plain(text: str) -> bool:
    """Say whether it is ASCII digits alone, as most amounts are: then it is exact as it stands."""
    return text.isascii() and text.isdigit()


def _number(value: str | int | Decimal, where: str) -> Decimal:
    if isinstance(value, bool | float):
        raise Invalid(f"{value!r} is not an exact amount: send it as a string", where=where)
    if isinstance(value, str) and (
        len(value) > _NUMBER_CHARACTERS_MAX or not _NUMBER.fullmatch(value)
    ):
        raise Invalid(f"{_shown(value)} is not a number", where=where)
    return Decimal(value)


def _shown(value: str | int | Decimal) -> str:
    """Quote a value without letting it flood the message, or break on its own length."""
    if isinstance(value, int) and abs(value) >= AMOUNT_MAX:
        return "The number"
    text = repr(value)
    return text if len(text) <= _NUMBER_CHARACTERS_MAX else text[:_NUMBER_CHARACTERS_MAX] + "…"


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
        return cls(Decimal(micros) / _MICROS, unit)

    @property
    def micros(self) -> int:
        """The amount in whole millionths of its unit; exact, or an error."""
        if not self.value.is_finite() or abs(self.value) >= AMOUNT_MAX:
            raise Invalid(f"An amount of {self.unit} is outside ±10^12")
        scaled = self.value * _MICROS
        whole = int(scaled)
        if scaled != whole:
            raise Invalid(f"{self.value} {self.unit} has more than six decimals")
        return whole

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
    """Write a decimal without an exponent, trailing zeros or a sign on zero: `4.50` is `4.5`."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def round_down(value: Fraction, step: Decimal) -> Decimal:
    """Round towards minus infinity to a multiple of `step`: the sell side's direction (A12)."""
    steps = value / Fraction(step)
    return steps.numerator // steps.denominator * step


def round_up(value: Fraction, step: Decimal) -> Decimal:
    """Round towards plus infinity to a multiple of `step`: the purchase direction (P14)."""
    return -round_down(-value, step)


def round_half_up(value: Fraction, step: Decimal) -> Decimal:
    """Round to the nearest multiple of `step`, halves away from zero."""
    magnitude = round_down(abs(value) + Fraction(step) / 2, step)
    return magnitude if value >= 0 else -magnitude
