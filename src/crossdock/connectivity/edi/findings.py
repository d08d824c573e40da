"""What is wrong with an interchange: where, what is acknowledged, what to ask the partner for."""

from dataclasses import dataclass
from enum import StrEnum


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
