"""How a side parts an item at a location, and what of it either side says can be sold. Pure."""

from collections.abc import Mapping
from typing import NamedTuple


class Bucket(NamedTuple):
    """How a side parts an item at a location; "" where it does not part it so."""

    status: str = ""
    owner: str = ""
    lot: str = ""
    serial: str = ""


AVAILABLE = "AVAILABLE"
"""The status of what can be sold."""

Buckets = Mapping[Bucket, int]
"""Micros of the base unit in each bucket, at the cut."""


class Sold(NamedTuple):
    """What either side says can be sold, in micros; all of it where one does not part statuses.

    What may be shown and what is withheld come of the same two numbers, so that they add up.
    """

    ours: int
    theirs: int

    @property
    def difference(self) -> int:
        """How much more theirs says; below zero it says less."""
        return self.theirs - self.ours

    @property
    def lower(self) -> int:
        """What may be promised while it is suspect: the lower, not below zero (§4.3)."""
        return max(0, min(self))

    @property
    def withheld(self) -> int:
        """By how much less than ours may be shown (§4.3)."""
        return max(0, self.ours - self.lower)


NOTHING = Sold(0, 0)


def is_parted(ours: Buckets, theirs: Buckets) -> bool:
    """Say whether both sides part what can be sold from what cannot."""
    return all(bucket.status for bucket in (*ours, *theirs))


def sold_of(ours: Buckets, theirs: Buckets, sold: str = AVAILABLE) -> Sold:
    """Say what either can sell; what lies in other statuses is shown to nobody.

    `sold` is their word for the status of what can be sold.
    """
    if not is_parted(ours, theirs):
        return Sold(sum(ours.values()), sum(theirs.values()))
    mine, other = (
        sum(micros for bucket, micros in side.items() if bucket.status == sold)
        for side in (ours, theirs)
    )
    return Sold(mine, other)
