"""The words of allocation: how an order line stands when stock is short, and what it was given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from crossdock.canonical.quantities import Quantity


class Every(StrEnum):
    """How often a maximum or minimum begins anew, by the calendar of its location."""

    WEEK = "WEEK"
    MONTH = "MONTH"


class Strategy(StrEnum):
    """What a back-order run may do to an order line (domain.md §3.6), in the order of granting.

    WIN: fully confirmed, or an exception. GAIN: keeps its confirmation and may gain, or an
    exception. IMPROVE: keeps and gains if it can, no exception. REDISTRIBUTE: may gain or lose by
    its place. FILL: may keep or lose, never gain. LOSE: gives everything up. SKIP: not touched.
    """

    WIN = "WIN"
    GAIN = "GAIN"
    IMPROVE = "IMPROVE"
    REDISTRIBUTE = "REDISTRIBUTE"
    FILL = "FILL"
    LOSE = "LOSE"
    SKIP = "SKIP"


@dataclass(frozen=True, slots=True)
class AllocationGroups:
    """Whose maxima and minima a demand counts for (§3.6): a group's, or its channel's own.

    `channels` and `customers` name the group of each that is in one; customers by every name that
    each is known by, as they compare.
    """

    channels: Mapping[str, str] = field(default_factory=dict[str, str])
    customers: Mapping[str, str] = field(default_factory=dict[str, str])

    def of(self, channel: str, customer: str = "") -> str:
        """Name the group of the demand's customer, else of its channel, else the channel."""
        return self.customers.get(customer) or self.channels.get(channel, channel)

    def members(self, group: str) -> frozenset[str]:
        """Name the channels whose demand is the group's, unless its customer says otherwise."""
        return frozenset(one for one in {group, *self.channels} if self.of(one) == group)


NO_GROUPS = AllocationGroups()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationChanged:
    """A back-order run gave an order line other goods than it had; amounts in the base unit.

    All three amounts are of what is not picked yet: `requested` is open, `before` and `confirmed`
    are what was and is confirmed of it; the rest is back-ordered. What was held for the line at
    other places by then is not in it.
    """

    TYPE: ClassVar[str] = "allocation.confirmation_changed.v1"

    run_id: str
    demand_ref: str
    order_id: str
    channel: str
    item: str
    location: str
    strategy: Strategy
    requested: Quantity
    before: Quantity
    confirmed: Quantity

    @property
    def key(self) -> str:
        return self.order_id


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRuleChanged:
    """Somebody said how order lines stand, what is kept for a channel, or what applies by itself.

    `kind` says which of the fields do: DEFAULT, CHANNEL, CUSTOMER and ORDER (whose strategy and
    priority, and whether its shortage is told; `subject` is the channel, customer or order),
    PROTECTION (a maximum and minimum of channel `subject`, in the item's base unit, from
    `starts_at` until `ends_at`, and between them anew `every` week or month by the calendar of
    `timezone`; `is_of_group`: of the allocation group `subject`), GROUP (the `channels` and
    `customers` that share what is said of allocation group `subject`) or POLICY. `is_cleared`: it
    was taken back. `version` numbers all rules of the house; it holds from now on (§3.6).
    """

    TYPE: ClassVar[str] = "allocation.rule_changed.v1"

    kind: str
    version: int
    changed_by: str
    subject: str = ""
    item: str = ""
    location: str = ""
    is_cleared: bool = False
    strategy: Strategy | None = None
    priority: int | None = None
    tells_shortage: bool | None = None
    maximum: Decimal | None = None
    minimum: Decimal | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    every: Every | None = None
    timezone: str = ""
    applies: str = ""
    four_eyes: bool | None = None
    is_of_group: bool = False
    channels: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        return self.item or self.subject or self.kind


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedAlternative:
    """What a run found for an order line that stays short: so much of an item at another place.

    `covers` of the line is replaced by `quantity` of `item`, which is another where one stands in.
    It is for whoever keeps the order to move so much of the line there, or to make a new line of
    another item: none is edited here. Dates are local (`2026-05-08`), "" where nobody knows.
    """

    demand_ref: str
    order_id: str
    item: str
    location: str
    quantity: Quantity
    covers: Quantity
    decision_id: str
    why: str = ""
    ships_on: str = ""
    arrives_on: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRunChanged:
    """A back-order run was proposed (SIMULATED), or came to its end; amounts in the base unit.

    `state` is APPLIED, REJECTED, REFUSED (more is owed than there is) or SUPERSEDED (by a newer
    look) at the end. `changed_by` made or decided it; `rules_version` is the newest rule it saw.
    `alternatives` are said when it is proposed and when it is decided on; once it is APPLIED they
    are held, as far as they are still there.
    """

    TYPE: ClassVar[str] = "allocation.run_changed.v1"

    run_id: str
    item: str
    location: str
    state: str
    reason: str
    supply: Quantity
    owed: Quantity
    gained: Quantity
    lost: Quantity
    rules_version: int
    changed_by: str
    remark: str = ""
    alternatives: tuple[OfferedAlternative, ...] = ()

    @property
    def key(self) -> str:
        return self.item
