"""What a sales channel says back about the stock it shows: a follower's number, never a source."""

from dataclasses import dataclass, replace
from typing import ClassVar, Self

from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import Reference, Resolution


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLevelHeard:
    """A channel told what it offers of an item at a location.

    It proves that our writes arrived, and shows when the channel itself changed the number (a
    sale, a hand in its admin). It never moves stock: the channel follows, the hub knows.
    """

    TYPE: ClassVar[str] = "inventory.channel_level_heard.v1"

    item: str
    location: str
    quantity: Quantity

    @property
    def key(self) -> str:
        return self.item

    def references(self) -> tuple[Reference, ...]:
        return (Reference.item(self.item, self.quantity), Reference.location(self.location))

    def resolved(self, resolution: Resolution) -> Self:
        """Convert to the hub's keys and the item's base unit."""
        return replace(
            self,
            item=resolution.item(self.item),
            location=resolution.location(self.location),
            quantity=resolution.base(self.item, self.quantity),
        )
