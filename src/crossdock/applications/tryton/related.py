"""What else must be read to understand rows of Tryton: their owners, units and ends; pure."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def number_of(link: int | str) -> int:
    """Read where a row leads to: 7, or 7 of `purchase.line,7`."""
    return int(str(link).rpartition(",")[2])


def ids_of(model: str, references: Iterable[str | None]) -> list[int]:
    """Pick the numbers of one model out of references like `stock.move,7`."""
    parted = (reference.partition(",") for reference in references if reference)
    return sorted({int(number) for name, _, number in parted if name == model})


def item_units(items: Iterable[Mapping[str, Any]]) -> set[int]:
    return {item["default_uom"] for item in items}


def _move_units(moves: Iterable[Mapping[str, Any]]) -> set[int]:
    return {move["unit"] for move in moves}


def _line_units(orders: Iterable[Mapping[str, Any]]) -> set[int]:
    """Name the units of the lines; what serves a line is counted in the same category."""
    return {line["unit"] for order in orders for line in order["lines."]}


UNITS_OF: Mapping[str, Callable[[Iterable[Mapping[str, Any]]], set[int]]] = {
    "items": item_units,
    "orders": _line_units,
    "purchases": _line_units,
    "moves": _move_units,
}


def ends_of(moves: Iterable[Mapping[str, Any]]) -> list[int]:
    return sorted({row[end] for row in moves for end in ("from_location", "to_location")})
