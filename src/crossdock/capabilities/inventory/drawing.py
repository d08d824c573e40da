"""What orders claim of a stock row by all their lines, and what promises draw of that (A19, A25).

An order that names the parts of a kit claims them once, whatever promises of its lines and of its
kits rest on that claim: together they draw no more than it is worth. Pure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

PARTS = ""
"""What stands for the parts of an order's kits where its lines are named."""


class Pool(NamedTuple):
    """All that one order claims of a stock row, by all its lines."""

    order: tuple[str, str]
    stock_id: int
    open: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """What promises draw of the claims of orders; `made` kits of a line hold their parts already.

    `of` says what each line of a pool draws, and their kits' parts under no name.
    """

    pools: Mapping[tuple[str, int], Pool] = field(default_factory=dict[tuple[str, int], Pool])
    of: Mapping[Pool, Mapping[str, int]] = field(default_factory=dict[Pool, Mapping[str, int]])
    made: Mapping[str, int] = field(default_factory=dict[str, int])


class Draws:
    """What is drawn as a batch is decided: the more promises there are, the less is left."""

    def __init__(self, drawn: Drawn) -> None:
        self._of = dict(drawn.of)
        self._made = dict(drawn.made)

    def copy(self) -> "Draws":
        return Draws(Drawn(of=self._of, made=self._made))

    def left(self, pool: Pool, ref: str = PARTS) -> int:
        """Say what is left of a pool: for a line beside what others draw, for parts beside all."""
        of = self._of.get(pool, {})
        others = sum(micros for line, micros in of.items() if line != ref or not ref)
        return max(0, pool.open - others)

    def draw(self, pool: Pool, micros: int, ref: str = PARTS) -> None:
        """Draw so much; a line's own goods that are promised again are the same goods (A25)."""
        of = self._of.get(pool, {})
        now = max(of.get(ref, 0), micros) if ref else of.get(PARTS, 0) + micros
        self._of[pool] = {**of, ref: now}

    def made(self, ref: str) -> int:
        """Say of how many kits the parts are held for an order line already."""
        return self._made.get(ref, 0)

    def make(self, ref: str, kits: int) -> None:
        self._made[ref] = self.made(ref) + kits
