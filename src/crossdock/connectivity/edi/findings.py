"""What is wrong with an interchange: where, what is acknowledged, what to ask the partner for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

FINDINGS_MAX = 200
"""So many errors are kept of one set, group or interchange, and as many findings let pass."""
TAG_MAX = 10
"""Of what stands in a tag's place, so much is shown."""


class Severity(StrEnum):
    """ERROR is refused in the acknowledgment, WARNING is let pass and told, NOTE is a habit."""

    ERROR = "ERROR"
    WARNING = "WARNING"
    NOTE = "NOTE"


class Level(StrEnum):
    """What a finding is about, and so which part of an acknowledgment its code goes into."""

    FILE = "FILE"
    INTERCHANGE = "INTERCHANGE"
    GROUP = "GROUP"
    SET = "SET"
    SEGMENT = "SEGMENT"
    ELEMENT = "ELEMENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is: `offset` is the byte in the file at which its segment begins.

    `segment` counts from the one that opens the set, which is 1; 0 is outside of a set. `element`,
    `component` and `repetition` count from 1; 0 is the whole.
    """

    offset: int
    tag: str = ""
    segment: int = 0
    element: int = 0
    component: int = 0
    repetition: int = 0
    loop: str = ""

    @property
    def name(self) -> str:
        """Write it as the trade does: PO103, SAC05-2; "" outside of any segment."""
        if not self.element:
            return self.tag
        component = f"-{self.component}" if self.component else ""
        return f"{self.tag}{self.element:02}{component}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One fault or habit of an interchange.

    `code` is ours and never changes. `acknowledged_by` is the standard's code for it in the answer
    of its level (TA105, AK905, AK502, AK304 or AK403; of EDIFACT always 0085); "" is
    told nobody. `asks` says what to ask the partner for. `data_element` is the standard's number.
    """

    code: str
    severity: Severity
    level: Level
    place: Place
    says: str
    asks: str = ""
    acknowledged_by: str = ""
    value: str = ""
    data_element: str = ""


@dataclass(slots=True)
class Kept:
    """What was found of one thing, as far as it is kept; a last finding says how many more.

    Errors are kept apart from what is let pass, so that no number of warnings hides an error.
    """

    found: list[Finding] = field(default_factory=list[Finding])
    errors: int = 0
    more: int = 0

    def add(self, *findings: Finding) -> None:
        for one in findings:
            is_error = one.severity is Severity.ERROR
            kept = self.errors if is_error else len(self.found) - self.errors
            if kept >= FINDINGS_MAX:
                self.more += 1
                continue
            self.errors += is_error
            self.found.append(one)

    def told(self, level: Level, place: Callable[[], Place]) -> tuple[Finding, ...]:
        """Give them, with what says how many are not kept."""
        if not self.more:
            return tuple(self.found)
        says = f"{self.more} more findings of this {level.lower()} are not shown"
        note = Severity.NOTE
        last = Finding(code="MORE", severity=note, level=level, place=place(), says=says)
        return (*self.found, last)
