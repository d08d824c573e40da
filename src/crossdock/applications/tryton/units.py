"""Tryton's units of measure as exact rationals and trade codes; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from crossdock.canonical.catalog import ItemUnit
from crossdock.canonical.errors import Missing
from crossdock.canonical.quantities import Quantity, decimal_of

FIELDS = ("symbol", "category", "factor", "rate", "active", "last_modified_at")

# UN/ECE recommendation 20 for the units that Tryton's product module installs, by their symbol.
CODE_BY_SYMBOL = {
    "u": "EA",
    "kg": "KGM",
    "g": "GRM",
    "lb": "LBR",
    "oz": "ONZ",
    "c": "CTM",
    "m": "MTR",
    "km": "KMT",
    "cm": "CMT",
    "mm": "MMT",
    "ft": "FOT",
    "in": "INH",
    "yd": "YRD",
    "mi": "SMI",
    "m²": "MTK",
    "cm²": "CMK",
    "m³": "MTQ",
    "cm³": "CMQ",
    "l": "LTR",
    "L": "LTR",
    "s": "SEC",
    "min": "MIN",
    "h": "HUR",
    "d": "DAY",
}

SIZE_MIN, SIZE_MAX = Decimal("1E-20"), Decimal("1E+20")


@dataclass(frozen=True, slots=True)
class Units:
    """Every unit by id, and the code of each symbol: the table above under the settings."""

    rows: Mapping[int, Mapping[str, Any]]
    code_by_symbol: Mapping[str, str]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]], own_codes: Mapping[str, str]) -> "Units":
        return cls({row["id"]: row for row in rows}, {**CODE_BY_SYMBOL, **own_codes})

    def code(self, unit: int) -> str:
        symbol = str(self._row(unit)["symbol"])
        return self.code_by_symbol.get(symbol, symbol)

    def size(self, unit: int, base: int) -> Fraction:
        """Say how many `base` make one `unit`, exactly."""
        if self._row(unit)["category"] != self._row(base)["category"]:
            raise Missing(
                f"{self.code(unit)} and {self.code(base)} measure different things", code="MD-UOM"
            )
        return _size(self._row(unit)) / _size(self._row(base))

    def of_item(self, base: int) -> tuple[ItemUnit, ...]:
        """List the units an item counted in `base` may be moved in: all of its category."""
        category = self._row(base)["category"]
        alike = [unit for unit, row in sorted(self.rows.items()) if row["category"] == category]
        sizes = {self.code(unit): self.size(unit, base) for unit in [*alike, base]}
        return tuple(
            ItemUnit(unit=code, numerator=size.numerator, denominator=size.denominator)
            for code, size in sizes.items()
        )

    def stamp(self, base: int) -> datetime:
        """Say when a unit that an item may be moved in was last changed or added."""
        category = self._row(base)["category"]
        alike = [row for row in self.rows.values() if row["category"] == category]
        stamps: list[datetime] = [row["last_modified_at"] for row in alike]
        return max(stamps)

    def around(self, units: Iterable[int]) -> list[Mapping[str, Any]]:
        """Pick all units of the categories of these, to be kept beside what they decide."""
        categories = {self.rows[unit]["category"] for unit in units if unit in self.rows}
        return [row for _, row in sorted(self.rows.items()) if row["category"] in categories]

    def quantity(self, value: Decimal | int, unit: int) -> Quantity:
        return Quantity(decimal_of(value), self.code(unit))

    def converted(self, value: Decimal | int, unit: int, into: int) -> Quantity:
        """Convert by the exact rational, rounded to the sixth decimal as the hub keeps them."""
        exact = Fraction(decimal_of(value)) * self.size(unit, into)
        return Quantity(decimal_of(Decimal(round(exact * 10**6)) / 10**6), self.code(into))

    def named(self, code: str, like: int) -> int:
        """Find the unit that `code` means for an item counted in `like`."""
        category = self._row(like)["category"]
        for unit in sorted(self.rows):
            if self._row(unit)["category"] == category and self.code(unit) == code:
                return unit
        raise Missing(f"Tryton has no unit {code!r} beside {self.code(like)}", code="MD-UOM")

    def _row(self, unit: int) -> Mapping[str, Any]:
        if unit not in self.rows:
            raise Missing(f"unit {unit} of Tryton is not known yet", code="MD-UOM")
        return self.rows[unit]


def _size(row: Mapping[str, Any]) -> Fraction:
    """Take the exact one of `factor` and `rate`, which are each other's inverse, both rounded.

    A dozen has the factor 12 and the rate 0.083333333333: the one that is written with fewer
    digits is the one that a person entered.
    """
    factor, rate = Decimal(row["factor"]), Decimal(row["rate"])
    if not SIZE_MIN < factor < SIZE_MAX or not SIZE_MIN < rate < SIZE_MAX:
        raise Missing(f"unit {row['symbol']!r} has no size", code="MD-UOM")
    return 1 / Fraction(rate) if _digits(rate) < _digits(factor) else Fraction(factor)


def _digits(value: Decimal) -> int:
    return len(value.normalize().as_tuple().digits)
