"""What a set says over many segments: its tree, its count, numbers with check digits. Pure.

A watch is made anew for each set and sees the segments that it names, in their order.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from crossdock.canonical.errors import Invalid
from crossdock.canonical.identifiers import gtin, sscc
from crossdock.connectivity.edi.numbers import DIGITS_MAX
from crossdock.connectivity.edi.x12.elements import Fault

PARENTS: Mapping[str, frozenset[str]] = {
    "S": frozenset({"", "V"}),
    "O": frozenset("SV"),
    "T": frozenset("SOT"),
    "P": frozenset("SOTP"),
    "I": frozenset("SOTPFKI"),
}
"""Beneath which levels (HL03) a level may stand; "" is none. Other levels may stand anywhere."""
_GTINS = frozenset({"UP", "UI", "UK", "EN", "UA", "EO", "U2"})
_SSCC = 18

Watch = Callable[[Sequence[str]], Sequence[Fault]]


@dataclass(slots=True)
class Tree:
    """The levels of a set (HL): each has its own number, and stands beneath an earlier one."""

    levels: dict[str, str] = field(default_factory=dict[str, str])

    def take(self, parts: Sequence[str]) -> Sequence[Fault]:
        number, parent, level = (*parts[1:4], "", "", "")[:3]
        above = self.levels.get(parent, "")
        is_new = number not in self.levels
        self.levels[number] = level
        if is_new and bool(above) == bool(parent) and above in PARENTS.get(level, (above,)):
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
class Count:
    """How many segments of a kind there are, for the total that says it (CTT01)."""

    tag: str
    counted: int = 0

    def take(self, parts: Sequence[str]) -> Sequence[Fault]:
        if parts[0] == self.tag:
            self.counted += 1
            return ()
        said = parts[1] if len(parts) > 1 else ""
        is_number = said.isascii() and said.isdigit() and len(said) <= DIGITS_MAX
        if not is_number or int(said) == self.counted:
            return ()
        says = f"CTT01 says {said}, and there are {self.counted} {self.tag}"
        return [Fault(element=1, code="7", says=says, value=said, number="354")]


@dataclass(slots=True)
class Marks:
    """Numbers of logistic units (SSCC-18): with a right check digit, and each of them once."""

    seen: set[str] = field(default_factory=set[str])

    def take(self, parts: Sequence[str]) -> Sequence[Fault]:
        if len(parts) < 3 or parts[1] != "GM":  # noqa: PLR2004  # the qualifier and the number
            return ()
        number = parts[2].strip()
        digits = number[2:] if len(number) == _SSCC + 2 and number.startswith("00") else number
        says = _refused(sscc, digits)
        if not says and digits in self.seen:
            says = f"SSCC {digits} was there before: each unit has a number of its own"
        self.seen.add(digits)
        return [Fault(element=2, code="7", says=says, value=number, number="87")] if says else ()


def numbers(parts: Sequence[str]) -> Sequence[Fault]:
    """Check the numbers of items (GTIN), each behind the qualifier that says it is one."""
    found: list[Fault] = []
    for at in range(2, len(parts) - 1, 2):
        if parts[at] in _GTINS and (says := _gtin_refused(parts[at + 1])):
            value, place = parts[at + 1], at + 1
            found.append(
                Fault(
                    element=place, code="7", says=says, value=value, number="234", is_warning=True
                )
            )
    return found


@lru_cache(maxsize=10_000)
def _gtin_refused(text: str) -> str:
    return _refused(gtin, text)


def _refused(check: Callable[[str], str], text: str) -> str:
    """Say what is wrong with a number; "" is nothing."""
    try:
        check(text)
    except Invalid as error:
        return error.message
    return ""


def watches(counts: str) -> dict[str, Watch]:
    """Give the watches of a new set, by the tag of the segments that they see."""
    count = Count(counts)
    found: dict[str, Watch] = {
        "HL": Tree().take,
        "MAN": Marks().take,
        "LIN": numbers,
        "PO1": numbers,
        "IT1": numbers,
    }
    if counts:
        found["CTT"] = count.take
        found[counts] = _both(found[counts], count.take) if counts in found else count.take
    return found


def _both(one: Watch, other: Watch) -> Watch:
    def take(parts: Sequence[str]) -> Sequence[Fault]:
        return [*one(parts), *other(parts)]

    return take
