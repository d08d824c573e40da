"""How an alternative is confirmed in the place of what was asked, be it an item or a location."""

from enum import StrEnum


class Chooses(StrEnum):
    """How alternatives are taken: as they are ranked, or what has most on time first (§3.5)."""

    RANK = "RANK"
    MAX_ON_TIME = "MAX_ON_TIME"


class KeepsRest(StrEnum):
    """Where what nothing has on time stays: with what was asked, or the first taken (§3.5)."""

    ORIGINAL = "ORIGINAL"
    LEADING = "LEADING"
