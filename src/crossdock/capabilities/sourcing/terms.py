"""What holds for one order: its own word, else the rules in force (§3.5). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from crossdock.canonical.alternatives import Chooses
from crossdock.capabilities.sourcing.model import (
    SHIPMENTS_MAX,
    Occasion,
    Order,
    Policy,
    Preference,
    Rules,
    Substitute,
    When,
)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for this order: its own word, else the rules'."""

    policy: Policy
    max_shipments: int
    min_split: int
    preferences: tuple[Preference, ...]
    is_closed: bool

    @classmethod
    def of(cls, order: Order, rules: Rules) -> Self:
        most = order.max_shipments or rules.max_shipments or SHIPMENTS_MAX
        split = rules.min_line_split if order.min_line_split is None else order.min_line_split
        preferences = rules.preferences
        if order.original and rules.alternatives.chooses is Chooses.MAX_ON_TIME:
            preferences = tuple(dict.fromkeys((Preference.ON_TIME, *preferences)))
        return cls(order.policy or rules.policy, most, split, preferences, is_closed(order, rules))


def is_closed(order: Order, rules: Rules) -> bool:
    """Say whether the order's own node alone may serve it."""
    by_location = (Substitute.LOCATION, Substitute.LOCATION_AND_ITEM)
    return bool(order.original) and not _may(order, rules, by_location)


def takes_items(order: Order, rules: Rules) -> bool:
    """Say whether another item may stand in for what no node has in time."""
    return _may(order, rules, (Substitute.ITEM, Substitute.LOCATION_AND_ITEM))


def _may(order: Order, rules: Rules, kinds: Sequence[Substitute]) -> bool:
    knobs = rules.alternatives
    is_too_late = order.occasion is Occasion.BACKORDER_RUN and knobs.when is When.CREATION
    return knobs.substitute in kinds and not is_too_late
