"""The words of allocation: how an order line stands when stock is short, and what it was given."""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from crossdock.canonical.quantities import Quantity


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationChanged:
    """A back-order run gave an order line other goods than it had; amounts in the base unit.

    All three amounts are of what is not picked yet: `requested` is open, `before` and `confirmed`
    are what was and is confirmed of it; the rest is back-ordered.
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
