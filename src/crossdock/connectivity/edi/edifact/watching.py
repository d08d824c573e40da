"""What a message says over many segments: its count of lines, its packages, numbers, dates. Pure.

A watch is made anew for each message and sees the segments that it names, in their order, each as
its elements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache, partial

from crossdock.connectivity.edi.checks import (
    Count,
    Fault,
    Watch,
    gtin_refused,
    sscc_refused,
    told_otherwise,
)
from crossdock.connectivity.edi.edifact.delimiters import Delimiters

_LINES = "2"
_UNIT = "BJ"
_SSCC = 18
_ITEMS = frozenset({"LIN", "PIA"})
_LACKING = ["", ""]
_GTINS = frozenset({"EN", "UP", "SRV"})
_FORMS: Mapping[str, tuple[str, int]] = {
    "101": ("%y%m%d", 6),
    "102": ("%Y%m%d", 8),
    "201": ("%y%m%d%H%M", 10),
    "203": ("%Y%m%d%H%M", 12),
    "204": ("%Y%m%d%H%M%S", 14),
    "401": ("%H%M", 4),
    "602": ("%Y", 4),
    "610": ("%Y%m", 6),
}
"""How a date is written by its format (2379), and how long it is; others are not looked at."""
_SPANS: Mapping[str, str] = {"711": "102", "718": "102", "719": "203"}
"""Two dates behind one another, by the format of each."""


@dataclass(slots=True)
class Packages:
    """The packages of a despatch (CPS): each has its own number, beneath an earlier one."""

    element: str
    numbers: set[str] = field(default_factory=set[str])

    def take(self, segment: str) -> Sequence[Fault]:
        number, above = (segment.split(self.element) + _LACKING)[1:3]
        numbers = self.numbers
        if number not in numbers and (not above or above in numbers):
            numbers.add(number)
            return ()
        found: list[Fault] = []
        if number in numbers:
            says = f"CPS {number} was there before: each has a number of its own"
            found.append(_fault(1, 0, says, number, "7164"))
        if above and above not in numbers:
            says = f"CPS {number} stands beneath CPS {above}, which does not come before it"
            found.append(_fault(2, 0, says, above, "7166"))
        numbers.add(number)
        return found


@dataclass(slots=True)
class Marks:
    """Numbers of logistic units (GIN+BJ): with a right check digit, and each of them once."""

    by: Delimiters
    seen: set[str] = field(default_factory=set[str])

    def take(self, segment: str) -> Sequence[Fault]:
        parts = segment.split(self.by.element)
        if parts[1:2] != [_UNIT]:
            return ()
        found: list[Fault] = []
        for element, part in enumerate(parts[2:], 2):
            # Two components are a range; of one, each unit is named.
            for at, number in enumerate(part.split(self.by.component), 1):
                if number and (says := self._refused(number)):
                    found.append(_fault(element, at, says, number, "7402"))
        return found

    def _refused(self, number: str) -> str:
        is_prefixed = len(number) == _SSCC + 2 and number.startswith("00")
        digits = number[2:] if is_prefixed else number
        says = sscc_refused(digits)
        if not says and digits in self.seen:
            says = f"SSCC {digits} was there before: each unit has a number of its own"
        self.seen.add(digits)
        return says


def values(tag: str, delimiters: Delimiters) -> Watch | None:
    """Give what looks at the values of a segment: of those that name items, or a date."""
    if tag == "DTM":
        return partial(_dates, delimiters)
    return partial(_numbers, delimiters) if tag in _ITEMS else None


def _numbers(by: Delimiters, segment: str) -> Sequence[Fault]:
    """Check the numbers of items (GTIN), each beside the code that says it is one (C212)."""
    found: list[Fault] = []
    for element, part in enumerate(segment.split(by.element)[2:], 2):
        number, _, kind = part.partition(by.component)
        if by.component in kind:
            kind = kind.partition(by.component)[0]
        if kind in _GTINS and number and (says := gtin_refused(number)):
            found.append(_fault(element, 1, says, number, "7140", is_warning=True))
    return found


def _dates(by: Delimiters, segment: str) -> Sequence[Fault]:
    """Check a date or time, which is written as the format behind it says (C507)."""
    pieces = _at(segment.split(by.element), 1).split(by.component)
    value, form = _at(pieces, 1), _at(pieces, 2)
    if not value or is_date(value, form):
        return ()
    says = f"{value!r} is not written as format {form} says"
    return [_fault(1, 2, says, value, "2380")]


@lru_cache(maxsize=10_000)
def is_date(value: str, form: str) -> bool:
    """Say whether a date is one by its format; of a format that is not known here, it is."""
    if form in _SPANS:
        one, half = _SPANS[form], len(value.replace("-", "")) // 2
        digits = value.replace("-", "", 1)
        return is_date(digits[:half], one) and is_date(digits[half:], one)
    written, length = _FORMS.get(form, ("", 0))
    if not written:
        return True
    if len(value) != length or not (value.isascii() and value.isdigit()):
        return False
    try:
        datetime.strptime(value, written)  # noqa: DTZ007  # of a form, not of a zone: none is said
    except ValueError:
        return False
    return True


def watches(counts: str, by: Delimiters) -> dict[str, Watch]:
    """Give the watches of a new message, by the tag of the segments that they see."""
    found: dict[str, Watch] = {"CPS": Packages(by.element).take, "GIN": Marks(by).take}
    if counts:
        count = Count(found.get(counts))
        found |= {counts: count.take, "CNT": partial(_totals, count, counts, by)}
    return found


def _totals(count: Count, tag: str, by: Delimiters, segment: str) -> Sequence[Fault]:
    """Compare what a message says of its lines (CNT) with their count."""
    kind, said = (*_at(segment.split(by.element), 1).split(by.component), "", "")[:2]
    if kind != _LINES or not told_otherwise(said, count.counted):
        return ()
    says = f"it says {said}, and there are {count.counted} {tag}"
    return [_fault(1, 2, says, said, "6066")]


def _at(parts: Sequence[str], number: int) -> str:
    return parts[number] if number < len(parts) else ""


def _fault(  # a place, and what is wrong there
    element: int, component: int, says: str, value: str, number: str, *, is_warning: bool = False
) -> Fault:
    return Fault(
        code="VALUE",
        says=says,
        element=element,
        component=component,
        value=value,
        number=number,
        is_warning=is_warning,
    )
