"""What may stand in for a line of an order, and what became of it (§1.2, §3.5). Pure values.

An order line is never edited: what stands in for it is a line of its own, linked to it. Amounts
are whole micros, millionths of the item's base unit.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction


@dataclass(frozen=True, slots=True, kw_only=True)
class SubstituteLine:
    """A line that may be made for `of_line`, by an approved rule of substitution and its version.

    `numerator / denominator` base units of `item` replace one of the line's; of it changes hands
    `step` at the least. It leaves `not_before` a day and `before` another; None is no limit. What
    `requires_approval` is shown and never taken.
    """

    line_no: int
    of_line: int
    item: str
    kind: str
    rank: int
    ruled: str
    version: int
    step: int
    numerator: int = 1
    denominator: int = 1
    not_before: date | None = None
    before: date | None = None
    requires_approval: bool = False

    @property
    def factor(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)

    def may_leave(self, day: date | None) -> bool:
        """Say whether it may leave on a day; on a day that nobody knows only without limits."""
        if day is None:
            return self.not_before is None and self.before is None
        return (self.not_before is None or self.not_before <= day) and (
            self.before is None or day < self.before
        )

    def step_for(self, step: int) -> int:
        """Give the least of it that leaves by itself where the line leaves in steps.

        A case is replaced whole where a whole number of it replaces a case.
        """
        whole = step * self.factor
        if whole.denominator == 1 and not whole.numerator % self.step:
            return whole.numerator
        return self.step

    def replacing(self, micros: int) -> int:
        """Give how much of it replaces so much of the line, rounded up to its own step."""
        whole = micros * self.factor
        return -(-whole.numerator // (whole.denominator * self.step)) * self.step

    def replaced(self, micros: int, step: int) -> int:
        """Give how much of the line so much of it replaces, rounded down to the line's step."""
        whole = micros / self.factor
        return whole.numerator // (whole.denominator * step) * step


class SubstituteVerdict(StrEnum):
    """TAKEN: it stands in for some of its line. NOT_NEEDED: nothing was lacking at its turn.

    NOT_THERE: nothing of it can be had as the order asks. REQUIRES_APPROVAL: a person decides.
    """

    TAKEN = "TAKEN"
    NOT_NEEDED = "NOT_NEEDED"
    NOT_THERE = "NOT_THERE"
    REQUIRES_APPROVAL = "REQUIRES_APPROVAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Substituted:
    """What became of a line that might have stood in: `micros` leave, and replace `covers`."""

    line: SubstituteLine
    verdict: SubstituteVerdict
    micros: int = 0
    covers: int = 0
