"""Sales channels: what they say back about the stock they show, and what is agreed with them.

What a channel says is a follower's number, never a source.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTermsChanged:
    """What is agreed with a sales channel at one of its locations is other than before (§3.7).

    Amounts are in the unit that the channel sells; what is null is not agreed. `oversell_percent`
    is the budget that its buffers are computed for. `stale_buffer` is held back besides while a
    source is silent; null is the buffer once more. `items` have terms of their own, and those of
    `items_changed` of them came, went or are others now. `version` counts from 1. `channel` is
    whose maxima and minima of allocation hold for it; "" is as the connection is called.
    """

    TYPE: ClassVar[str] = "publishing.terms_changed.v1"

    connection: str
    location: str
    version: int
    changed_by: str
    is_active: bool
    source_locations: tuple[str, ...]
    share_mode: str
    share_percent: Decimal
    share_fixed: Decimal
    share_min: Decimal
    period: str
    buffer: Decimal
    low_threshold: Decimal
    coalesce_seconds: int
    when_stale: str
    stale_buffer: Decimal | None = None
    share_max: Decimal | None = None
    oversell_percent: Decimal | None = None
    unit_margin: Decimal | None = None
    currency: str = ""
    cap: Decimal | None = None
    levels: tuple[Decimal, ...] = ()
    items: int = 0
    items_changed: int = 0
    channel: str = ""

    @property
    def key(self) -> str:
        return self.connection


@dataclass(frozen=True, slots=True, kw_only=True)
class OversellBudgetChanged:
    """A channel holds back another amount of an item than before, so as to oversell seldom (§3.7).

    `held_back` and `before` are in the item's base unit. `oversell_percent` is how many of a
    hundred stock-outs may oversell; null is that no budget is agreed any more. `version` counts
    from 1; the hub computes it, so it is who changed it.
    """

    TYPE: ClassVar[str] = "publishing.budget_changed.v1"

    connection: str
    location: str
    item: str
    version: int
    changed_by: str
    before: Decimal
    held_back: Decimal
    oversell_percent: Decimal | None = None

    @property
    def key(self) -> str:
        return self.item


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSafeModeChanged:
    """A channel went into safe mode because a source of its stock is silent, or out of it (§7.2).

    While `is_safe`, it is shown no more than it shows, as `when_stale` of its terms says. `source`
    was heard last at `heard_at` (null: never), and counts as silent `since` then. It is over when
    the source speaks, or when the channel sells nothing of that source any more.
    """

    TYPE: ClassVar[str] = "publishing.safe_mode_changed.v1"

    connection: str
    location: str
    source: str
    is_safe: bool
    when_stale: str
    since: datetime
    heard_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.connection
