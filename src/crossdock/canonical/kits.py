"""Kits: what so many take of the items that go into them, level by level (§1.2). Pure.

Of a part that is a kit itself what lies there goes first; the rest is put together whole. Amounts
are micros of base units.
"""

from collections.abc import Callable, Container, Iterator, Sequence
from typing import NamedTuple

from crossdock.canonical.quantities import MICROS

Into = Sequence[tuple[str, int]]
"""The kits that take an item straight, and how many micros of it one base unit of each takes."""

Parts = Sequence[tuple[str, Into]]
"""All that goes into a kit, on every level, each item behind all the kits that take it."""


class Need(NamedTuple):
    """So much of a part is taken as it lies there; `is_there` says whether there is so much."""

    item: str
    micros: int
    is_there: bool


def needed(kit: str, parts: Parts, kits: int, has: Callable[[str], int]) -> Iterator[Need]:
    """Say what so many kits take of what there is of each part."""
    made = {kit: kits}
    opened = {of for _, into in parts for of, _ in into}
    for item, into in parts:
        need = sum(-(-made.get(of, 0) * micros // MICROS) for of, micros in into)
        if item in opened:
            made[item] = whole(max(0, need - has(item)))
            yield Need(item, max(0, need - made[item]), is_there=True)
        else:
            yield Need(item, need, is_there=need <= has(item))


def limited(parts: Parts, gone: Container[str]) -> list[tuple[str, Into]]:
    """Leave out what no stock limits, and what would go into nothing else.

    Nor does any limit a part that is put together from nothing but such.
    """
    left: list[tuple[str, Into]] = []
    out = _endless(parts, gone)
    for item, into in parts:
        taking = [(of, micros) for of, micros in into if of not in out]
        if item not in out and taking:
            left.append((item, taking))
        else:
            out.add(item)
    return left


def _endless(parts: Parts, gone: Container[str]) -> set[str]:
    """Name what no stock limits: by itself, or because all that goes into it is endless."""
    found: set[str] = set()
    made = {of for _, into in parts for of, _ in into}
    ends: set[str] = set()
    for item, into in reversed(parts):
        if item in gone or (item in made and item not in ends):
            found.add(item)
        else:
            ends |= {of for of, _ in into}
    return found


def whole(micros: int) -> int:
    """Round up to whole kits."""
    return -(-micros // MICROS) * MICROS


def most(limit: int, fits: Callable[[int], bool]) -> int:
    """Find the most whole kits that fit, where none behind one that does not does."""
    low, high = 0, limit // MICROS
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle * MICROS) else (low, middle - 1)
    return low * MICROS
