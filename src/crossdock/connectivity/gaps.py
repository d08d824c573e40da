"""Holes in a source's sequence: which numbers of a stream have not come yet. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

HOLES_MAX = 1000
"""A stream with more holes than this is not dense; the oldest ones are kept."""


@dataclass(frozen=True, slots=True, order=True)
class Hole:
    """The numbers from `first` to `last`, both included, are missing."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Progress:
    """The highest number heard in a stream (None: nothing yet) and what is missing below it."""

    highest: int | None = None
    holes: tuple[Hole, ...] = ()

    def after(self, sequences: Iterable[int], covered: int | None = None) -> "Progress":
        """Hear these numbers, in any order and any number of times.

        The first number ever heard starts the stream: what lies before it was never promised.
        What is missing up to `covered`, inclusive, is missed no more: a snapshot contains it.
        """
        heard = sorted(set(sequences))
        if not heard:
            return self
        highest = heard[0] - 1 if self.highest is None else self.highest
        holes = list(self.holes)
        for number in heard:
            if number > highest:
                if number > highest + 1:
                    holes.append(Hole(highest + 1, number - 1))
                highest = number
            else:
                holes = _filled(holes, number)
        if covered is not None:
            holes = [
                Hole(max(hole.first, covered + 1), hole.last)
                for hole in holes
                if hole.last > covered
            ]
        return Progress(highest, tuple(sorted(holes)[:HOLES_MAX]))


def _filled(holes: list[Hole], number: int) -> list[Hole]:
    left: list[Hole] = []
    for hole in holes:
        if not hole.first <= number <= hole.last:
            left.append(hole)
            continue
        if hole.first < number:
            left.append(Hole(hole.first, number - 1))
        if number < hole.last:
            left.append(Hole(number + 1, hole.last))
    return left
