"""What a message says over many segments: its count of lines, its packages, numbers, dates. Pure.

A watch is made anew for each message and sees the segments that it names, in their order, each as
its elements.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from crossdock.canonical.errors import Invalid
from crossdock.canonical.identifiers import gtin, sscc
from crossdock.connectivity.edi.edifact.elements import Fault
from crossdock.connectivity.edi.numbers import DIGITS_MAX

Watch = Callable[[Sequence[str]], Sequence[Fault]]
_LINES = "2"
_UNIT = "BJ"
_SSCC = 18
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
class Count:
    """How many segments of a kind there are, for the total that says it (CNT)."""

    tag: str
    component: str
    counted: int = 0

    def take(self, parts: Sequence[str]) -> Sequence[Fault]:
        if parts[0] == self.tag:
            self.counted += 1
            return ()
        kind, _, said = _at(parts, 1).partition(self.component)
        said = said.partition(self.component)[0]
        is_number = said.isascii() and said.isdigit() and len(said) <= DIGITS_MAX
        if kind != _LINES or not is_number or int(said) == self.counted:
            return ()
        says = f"it says {said}, and there are {self.counted} {self.tag}"
        return [_fault(1, 2, says, said, "6066")]


@dataclass(slots=True)
class Packages:
    """The packages of a despatch (CPS): each has its own number, beneath an earlier one."""

    numbers: set[str] = field(default_factory=set[str])

    def take(self, parts: Sequence[str]) -> Sequence[Fault]:
        number, above = _at(parts, 1), _at(parts, 2)
        found: list[Fault] = []
        if number in self.numbers:
            says = f"CPS {number} was there before: each has a number of its own"
            found.append(_fault(1, 0, says, number, "7164"))
        if above and above not in self.numbers:
            says = f"CPS {number} stands beneath CPS {above}, which does not come before it"
            found.append(_fault(2, 0, says, above, "7166"))
        self.numbers.add(number)
        return found


@dataclass(slots=True)
class Marks:
    """Numbers of logistic units (GIN+BJ): with a right check digit, and each of them once."""

    component: str
    seen: set[str] = field(default_factory=set[str])

    def take(self, parts: Sequence[str]) -> Sequence[Fault]:
        if _at(parts, 1) != _UNIT:
            return ()
        found: list[Fault] = []
        for element, part in enumerate(parts[2:], 2):
            # Two components are a range; of one, each unit is named.
            numbers = part.split(self.component)
            for number in filter(None, numbers):
                is_prefixed = len(number) == _SSCC + 2 and number.startswith("00")
                digits = number[2:] if is_prefixed else number
                says = _refused(sscc, digits)
                if not says and digits in self.seen:
                    says = f"SSCC {digits} was there before: each unit has a number of its own"
                self.seen.add(digits)
                if says:
                    at = numbers.index(number) + 1
                    found.append(_fault(element, at, says, number, "7402"))
        return found


@dataclass(slots=True)
class Numbers:
    """Numbers of items (GTIN), each beside the code that says it is one (C212)."""

    component: str

    def take(self, parts: Sequence[str]) -> Sequence[Fault]:
        found: list[Fault] = []
        for element, part in enumerate(parts[2:], 2):
            number, _, kind = part.partition(self.component)
            kind = kind.partition(self.component)[0]
            if number and kind in _GTINS and (says := _gtin_refused(number)):
                found.append(_fault(element, 1, says, number, "7140", is_warning=True))
        return found


@dataclass(slots=True)
class Dates:
    """Dates and times, each written as the format behind it says (C507)."""

    component: str

    def take(self, parts: Sequence[str]) -> Sequence[Fault]:
        pieces = _at(parts, 1).split(self.component)
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


def watches(counts: str, component: str) -> dict[str, Watch]:
    """Give the watches of a new message, by the tag of the segments that they see."""
    count, numbers = Count(counts, component), Numbers(component)
    found: dict[str, Watch] = {
        "CPS": Packages().take,
        "GIN": Marks(component).take,
        "DTM": Dates(component).take,
        "PIA": numbers.take,
        "LIN": numbers.take,
    }
    if counts:
        found["CNT"] = count.take
        found[counts] = _both(found[counts], count.take) if counts in found else count.take
    return found


def _both(one: Watch, other: Watch) -> Watch:
    def take(parts: Sequence[str]) -> Sequence[Fault]:
        return [*one(parts), *other(parts)]

    return take


def _at(parts: Sequence[str], number: int) -> str:
    return parts[number] if number < len(parts) else ""


def _fault(  # a place, and what is wrong there
    element: int, component: int, says: str, value: str, number: str, *, is_warning: bool = False
) -> Fault:
    return Fault(
        kind="VALUE",
        says=says,
        element=element,
        component=component,
        value=value,
        number=number,
        is_warning=is_warning,
    )


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
