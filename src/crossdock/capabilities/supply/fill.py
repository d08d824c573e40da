"""How much of what a supplier acknowledges comes: his fill (§3.3). Pure."""

from collections.abc import Sequence
from typing import NamedTuple

DAYS, LINES_MOST, LINES_LEAST = 180, 100, 10
"""Of his lines that ended within so many days the last so many are looked at, at least so many.

Of fewer the worst one would speak for all, and the rule's percent holds.
"""


class Fill(NamedTuple):
    """So many percent, at least, of nine in ten of a supplier's last `lines` came."""

    supplier: str
    percent: int
    lines: int

    @property
    def is_enough(self) -> bool:
        """Say whether there are enough lines to go by."""
        return self.lines >= LINES_LEAST


def owed(acknowledged: int, cancelled: int) -> int:
    """Say how much of a line its supplier was left to deliver.

    What the buyer cancelled or closed himself is not his fault; what he rejected is.
    """
    return max(0, acknowledged - cancelled)


def percent_filled(received: int, acknowledged: int, cancelled: int = 0) -> int:
    """Give how much of what was owed came, rounded down; more than that is all of it.

    Of a line that the buyer cancelled whole nothing is owed.
    """
    due = owed(acknowledged, cancelled)
    return 100 * min(received, due) // due if due else 100


def p10(percents: Sequence[int]) -> int:
    """Give the tenth percentile by nearest rank: of n in order the one at place n/10, rounded up.

    It is a line that there was, never a figure between two.
    """
    return sorted(percents)[-(-len(percents) // 10) - 1]
