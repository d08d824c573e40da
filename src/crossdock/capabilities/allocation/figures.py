"""What there is for order lines out of a stock row (domain.md §3.1, A3). Pure."""

from collections.abc import Iterable
from typing import NamedTuple

from crossdock.capabilities.allocation.model import Line


def unpicked(confirmed_total: int, picked: int, requested: int) -> int:
    """Say how much of what is open and unpicked is confirmed; picks took the confirmed first."""
    return max(0, min(confirmed_total - picked, requested))


class Figures(NamedTuple):
    """A stock row: what may be promised lies there (`nettable`), and what claims it (§3.1)."""

    nettable: int
    hard: int
    soft: int
    safety: int


def others(figures: Figures, lines: Iterable[Line]) -> int:
    """Say how much is promised hard to nobody of these order lines."""
    return max(0, figures.hard - sum(line.requested + line.elsewhere for line in lines))


def supply(figures: Figures, lines: Iterable[Line]) -> int:
    """Say what there is for these order lines.

    Promises that belong to no order line known here are taken off first. Safety stock is kept
    from whoever would gain, never taken from what is confirmed: a shortage is what confirmed
    lines lose, and no more (A3).
    """
    known = list(lines)
    there = max(0, figures.nettable - figures.soft - others(figures, known))
    confirmed = sum(line.confirmed for line in known)
    return max(0, there - figures.safety, min(there, confirmed))
