"""How a segment is checked: a fast look that mostly says nothing, and a slow one that says all.

Pure. What is right by its expression and by the conditions between its elements has no faults;
what is not is looked at element by element.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from crossdock.canonical.errors import Invalid
from crossdock.canonical.identifiers import gtin, is_gtin, is_sscc, sscc
from crossdock.connectivity.edi.definitions import Condition, SegmentDefinition
from crossdock.connectivity.edi.numbers import DIGITS_MAX

PASSED_MAX = 500
"""So many right segments of a tag are remembered: dates, carriers and addresses come again."""
_PASSED_SIZE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong with an element: what it is, its place in the segment and its number.

    `code` is of X12 that of AK403, of EDIFACT a word of ours.
    """

    code: str
    says: str
    element: int = 0
    component: int = 0
    repetition: int = 0
    value: str = ""
    number: str = ""
    is_warning: bool = False


Watch = Callable[[str], Sequence[Fault]]
"""Sees the segments of a tag, one after the other, and says what is wrong among them."""


@dataclass(slots=True, eq=False)
class Check:
    """How the segments of a tag are checked: `accepts` is the fast look, `faults` the slow one.

    `values` looks at what an expression cannot say of right elements: check digits, dates by their
    format. `passed` are the first segments that were right. `kept` remembers which of the elements
    that conditions name may be there together, as far as it was asked.
    """

    accepts: Callable[[str], re.Match[str] | None]
    faults: Callable[[str], list[Fault]]
    element: str
    rules: tuple[Condition, ...] = ()
    values: Watch | None = None
    passed: set[str] = field(default_factory=set[str])
    kept: dict[object, bool] = field(default_factory=dict[object, bool])

    def look(self, segment: str) -> Sequence[Fault]:
        """Say what is wrong with a segment: mostly nothing."""
        right = self.accepts(segment)
        if right is None or (self.rules and not self._keeps(right.groups(), segment)):
            return self.faults(segment)
        if self.values is not None and (found := self.values(segment)):
            return found
        if len(self.passed) < PASSED_MAX and len(segment) <= _PASSED_SIZE:
            self.passed.add(segment)
        return ()

    def _keeps(self, there: tuple[str | None, ...], segment: str) -> bool:
        kept = self.kept.get(there)
        if kept is None:
            kept = self.kept[there] = not breaches(self.rules, segment.split(self.element))
        return kept


def breaches(rules: Sequence[Condition], parts: Sequence[object]) -> list[Condition]:
    """Name the conditions not kept; `parts` are a segment's, or whether each is there."""
    return [one for one in rules if not _keeps(one, parts)]


def _keeps(rule: Condition, parts: Sequence[object]) -> bool:
    count = len(parts)
    there = [at < count and bool(parts[at]) for at in rule.places]
    match rule.kind:
        case "P":
            return all(there) or not any(there)
        case "R":
            return any(there)
        case "E":
            return sum(there) <= 1
        case "C":
            return all(there) or not there[0]
        case _:
            return not there[0] or any(there[1:])


def breach(
    definition: SegmentDefinition, rule: Condition, parts: Sequence[str], codes: tuple[str, str]
) -> Fault:
    """Say which condition is not kept; the codes are of what is missing, and of one too many."""
    names = [f"{definition.tag}{at:02}" for at in rule.places]
    listed, first, others = ", ".join(names), names[0], ", ".join(names[1:])
    says = {
        "P": f"{listed} go together: all of them, or none",
        "R": f"one of {listed} has to be there",
        "E": f"only one of {listed} may be there",
        "C": f"where {first} is, {others} have to be, too",
        "L": f"where {first} is, one of {others} has to be, too",
    }[rule.kind]
    is_excluded = rule.kind == "E"
    missing = [at for at in rule.places if at >= len(parts) or not parts[at]]
    at = rule.places[-1] if is_excluded else missing[-1 if rule.kind == "P" else 0]
    return Fault(
        code=codes[is_excluded],
        says=f"{says} ({rule.name})",
        element=at,
        number=definition.uses[at - 1].number,
    )


def gtin_refused(text: str) -> str:
    """Say what is wrong with the number of an item; "" is nothing."""
    return "" if is_gtin(text) else _refused(gtin, text)


def sscc_refused(text: str) -> str:
    """Say what is wrong with the number of a logistic unit; "" is nothing."""
    return "" if is_sscc(text) else _refused(sscc, text)


def told_otherwise(said: str, counted: int) -> bool:
    """Say whether a total is a number, and another than there are."""
    is_number = said.isascii() and said.isdigit() and len(said) <= DIGITS_MAX
    return is_number and int(said) != counted


def _refused(check: Callable[[str], str], text: str) -> str:
    try:
        check(text)
    except Invalid as error:
        return error.message
    return ""


@dataclass(slots=True)
class Count:
    """How many segments of a kind there are, beside `also` what else sees them."""

    also: Watch | None = None
    counted: int = 0

    def take(self, segment: str) -> Sequence[Fault]:
        self.counted += 1
        return self.also(segment) if self.also is not None else ()
