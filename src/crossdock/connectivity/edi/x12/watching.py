"""What a set says over many segments: its tree, its count, numbers with check digits. Pure.

A watch is made anew for each set and sees the segments that it names, in their order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from crossdock.connectivity.edi.checks import (
    Count,
    Fault,
    Watch,
    gtin_refused,
    sscc_refused,
    told_otherwise,
)

PARENTS: Mapping[str, frozenset[str]] = {
    "S": frozenset({"", "V"}),
    "O": frozenset("SV"),
    "T": frozenset("SOT"),
    "P": frozenset("SOTP"),
    "I": frozenset("SOTPFKI"),
}
"""Beneath which levels (HL03) a level may stand; "" is none. Other levels may stand anywhere."""
_GTINS = frozenset({"UP", "UI", "UK", "EN", "UA", "EO", "U2"})
_ITEMS = frozenset({"LIN", "PO1", "IT1"})
_SSCC = 18
_LACKING = ["", "", ""]


@dataclass(slots=True)
class Tree:
    """The levels of a set (HL): each has its own number, and stands beneath an earlier one."""

    element: str
    levels: dict[str, str] = field(default_factory=dict[str, str])

    def take(self, segment: str) -> Sequence[Fault]:
        number, parent, level = (segment.split(self.element) + _LACKING)[1:4]
        levels = self.levels
        above, is_new = levels.get(parent, ""), number not in levels
        levels[number] = level
        beneath = PARENTS.get(level)
        if is_new and bool(above) == bool(parent) and (beneath is None or above in beneath):
            return ()
        return self._faults(number, parent, level, is_new=is_new, above=above)

    @staticmethod
    def _faults(number: str, parent: str, level: str, *, is_new: bool, above: str) -> list[Fault]:
        found: list[Fault] = []
        if not is_new:
            says = f"HL {number} was there before: each level has a number of its own"
            found.append(Fault(element=1, code="7", says=says, value=number, number="628"))
        if parent and not above:
            says = f"HL {number} stands beneath HL {parent}, which does not come before it"
            found.append(Fault(element=2, code="7", says=says, value=parent, number="734"))
        elif above not in PARENTS.get(level, (above,)):
            says = f"level {level} stands beneath {above or 'nothing'}"
            found.append(
                Fault(element=3, code="7", says=says, value=level, number="735", is_warning=True)
            )
        return found


@dataclass(slots=True)
class Marks:
    """Numbers of logistic units (SSCC-18): with a right check digit, and each of them once."""

    element: str
    seen: set[str] = field(default_factory=set[str])

    def take(self, segment: str) -> Sequence[Fault]:
        _, kind, number = (segment.split(self.element) + _LACKING)[:3]
        if kind != "GM" or not number:
            return ()
        number = number.strip()
        digits = number[2:] if len(number) == _SSCC + 2 and number.startswith("00") else number
        says = sscc_refused(digits)
        if not says and digits in self.seen:
            says = f"SSCC {digits} was there before: each unit has a number of its own"
        self.seen.add(digits)
        return [Fault(element=2, code="7", says=says, value=number, number="87")] if says else ()


def values(tag: str, element: str) -> Watch | None:
    """Give what looks at the values of a segment: of those that name items."""
    return partial(_numbers, element) if tag in _ITEMS else None


def _numbers(element: str, segment: str) -> Sequence[Fault]:
    """Check the numbers of items (GTIN), each behind the qualifier that says it is one."""
    parts = segment.split(element)
    found: list[Fault] = []
    for at, (kind, number) in enumerate(zip(parts[2::2], parts[3::2], strict=False)):
        if kind in _GTINS and (says := gtin_refused(number)):
            found.append(
                Fault(
                    element=3 + 2 * at,
                    code="7",
                    says=says,
                    value=number,
                    number="234",
                    is_warning=True,
                )
            )
    return found


def watches(counts: str, element: str) -> dict[str, Watch]:
    """Give the watches of a new set, by the tag of the segments that they see."""
    found: dict[str, Watch] = {"HL": Tree(element).take, "MAN": Marks(element).take}
    if counts:
        count = Count(found.get(counts))
        found |= {counts: count.take, "CTT": partial(_totals, count, counts, element)}
    return found


def _totals(count: Count, tag: str, element: str, segment: str) -> Sequence[Fault]:
    """Compare what a set says of its count (CTT01) with it."""
    said = segment.split(element)[1:2]
    if not said or not told_otherwise(said[0], count.counted):
        return ()
    says = f"CTT01 says {said[0]}, and there are {count.counted} {tag}"
    return [Fault(element=1, code="7", says=says, value=said[0], number="354")]
