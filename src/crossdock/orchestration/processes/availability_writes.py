"""How a channel's item is named, and how a write to it is worded."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Self
from urllib.parse import quote, unquote

from crossdock.canonical.commands import Lane
from crossdock.canonical.quantities import MICROS, plain
from crossdock.foundation.ids import derived_uuid
from crossdock.orchestration.decision import Send

ROLE = "PublishesAvailability"


@dataclass(frozen=True, slots=True)
class Listing:
    """An item as a channel lists it: through which connection, for which location of its own."""

    connection: str
    location: str
    item: str

    @property
    def instance(self) -> str:
        return "/".join(
            quote(part, safe="") for part in (self.connection, self.location, self.item)
        )

    @classmethod
    def of(cls, instance: str) -> Self:
        connection, location, item = (unquote(part) for part in instance.split("/"))
        return cls(connection, location, item)


def pattern_of(listing: Listing) -> str:
    """Match every listing of a channel, in a `like`: their names begin with the channel's own."""
    name = listing.instance
    return name.replace("\\", r"\\").replace("_", r"\_").replace("%", r"\%") + "%"


def write(listing: Listing, version: int, level: int, expected: int | None, lane: Lane) -> Send:
    """Word a compare-and-set write.

    Its key is made of what this attempt is, never of the amount alone: correcting 5 to 7 and back
    to 5 are three writes, and the last one must not be taken for the first.
    """
    key = derived_uuid("publish", listing.instance, str(version), str(expected))
    return Send(
        connection=listing.connection,
        role=ROLE,
        subject=listing.instance,
        version=version,
        lane=lane,
        arguments={
            "idempotency_key": str(key),
            "item": listing.item,
            "location": listing.location,
            "quantity": amount(level),
            "expected": None if expected is None else amount(expected),
            "version": version,
            "reference": f"{listing.instance}:{version}",
        },
    )


def amount(micros: int | None) -> str:
    """Write millionths as people and wires do; None is what nobody knows."""
    return "unknown" if micros is None else plain(Decimal(micros) / MICROS)
