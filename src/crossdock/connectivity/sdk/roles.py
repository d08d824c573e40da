"""What an application can be asked to do. A process asks for a role, never for a product."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, runtime_checkable

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity, decimal_of


class RepeatSafety(StrEnum):
    """How a target makes a repeated command harmless (ARCHITECTURE D5).

    With NONE, a command whose outcome is unknown is parked and a person is asked.
    """

    NATIVE_KEY = "NATIVE_KEY"
    UPSERT = "UPSERT"
    SEARCH_BEFORE_CREATE = "SEARCH_BEFORE_CREATE"
    COMPARE_AND_SET = "COMPARE_AND_SET"
    NONE = "NONE"


class Verdict(StrEnum):
    """What became of one command.

    DONE: the effect is proven. STALE: the target holds another value than we said it would;
    nothing was written. REFUSED: the target will not do it however often it is asked.
    RETRY: this one failed for a passing reason, others of the batch may have worked.
    """

    DONE = "DONE"
    STALE = "STALE"
    REFUSED = "REFUSED"
    RETRY = "RETRY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """`observed` is the value the target now holds, where it says so; `detail` is for people."""

    command_id: str
    verdict: Verdict
    observed: Decimal | None = None
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAvailability:
    """Tell a channel what it may sell, if it still holds `expected` (None: it holds nothing yet).

    `item` and `location` are the target's own keys. `quantity` and `expected` are in the unit the
    channel sells. `idempotency_key` belongs to this attempt at this change: a corrective write
    carries a new one, a repeat of the same write the same one. `version` only ever rises. What no
    channel can be told (an amount below zero or beyond ±10^12) is `Invalid`.
    """

    command_id: str
    idempotency_key: str
    item: str
    location: str
    quantity: Decimal
    expected: Decimal | None
    version: int
    reference: str = ""

    def __post_init__(self) -> None:
        _named(self.item, "item")
        _named(self.location, "location")
        if decimal_of(self.quantity, where="quantity") < 0:
            raise Invalid(f"a channel cannot sell {self.quantity}", where="quantity")
        if self.expected is not None:
            decimal_of(self.expected, where="expected")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldQuantity:
    """What a channel says it holds now: a read-back, after an unknown outcome or a stale write."""

    item: str
    location: str
    quantity: Decimal | None


@runtime_checkable
class PublishesAvailability(Protocol):
    """Shows stock to customers: a shop, a marketplace, a portal.

    Both methods answer one entry per entry asked, in the same order. They raise `Unavailable`
    (nothing happened), `Throttled` (nothing happened, come back later) or `Ambiguous` (it may have
    happened) for the whole batch.
    """

    async def set_availability(self, commands: Sequence[SetAvailability]) -> Sequence[Outcome]: ...

    async def held_availability(
        self, keys: Sequence[tuple[str, str]]
    ) -> Sequence[HeldQuantity]: ...


BOOKED_BY_HUB = "crossdock:"
"""How every `external_ref` begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMovement:
    """Book a stock movement in a follower (an ERP that must learn what the warehouse did).

    `external_ref` is the hub's business identity of the movement; the target stores it, so that a
    repeat finds it by search before it creates. Locations are the target's own keys, "" outside
    its books. What is in transit at an end belongs to that location and does not lie there. An
    amount that is not above zero, or a day that is none, is `Invalid`.
    """

    command_id: str
    external_ref: str
    item: str
    quantity: Decimal
    unit: str
    source_location: str
    target_location: str
    occurred_on: str
    is_source_in_transit: bool = False
    is_target_in_transit: bool = False

    def __post_init__(self) -> None:
        _named(self.item, "item")
        _named(self.unit, "unit")
        if decimal_of(self.quantity, where="quantity") <= 0:
            raise Invalid(f"a movement of {self.quantity} moves nothing", where="quantity")
        try:
            date.fromisoformat(self.occurred_on)
        except ValueError:
            raise Invalid(f"{self.occurred_on!r} is no day", where="occurred_on") from None


@runtime_checkable
class PostsMovements(Protocol):
    """Keeps books of stock that somebody else moves: an ERP behind a warehouse system.

    One that also tells what moved leaves out what it was told to book: its reference begins with
    `BOOKED_BY_HUB`. Otherwise the movement would count twice.
    """

    async def post_movements(self, commands: Sequence[PostMovement]) -> Sequence[Outcome]: ...


COUNT_REFUSED = "count_refused"
"""The code of an outcome by which the warehouse itself says that it will not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCountTask:
    """Have a shelf counted, or take that back (`is_withdrawn`).

    `count_id` is the business key: told again, it is the same task, with what is said now. The
    count is blind, so no quantity is named. `version` only ever rises for a task: what carries a
    lower one than was taken is late, and changes nothing. `idempotency_key` belongs to this
    telling. `item` and `location` are the target's own keys. `because` says why it is withdrawn.
    `not_by` is who has counted first, as the count's source named it: another person is to count
    ("": anybody may).
    """

    command_id: str
    idempotency_key: str
    count_id: str
    item: str
    location: str
    reason: str
    item_class: str = ""
    not_by: str = ""
    is_withdrawn: bool = False
    because: str = ""
    version: int

    def __post_init__(self) -> None:
        _named(self.count_id, "count_id")
        _named(self.item, "item")
        _named(self.location, "location")


@runtime_checkable
class TakesCountTasks(Protocol):
    """Has shelves counted: a warehouse system.

    Counted is what a movement says (COUNT_ADJUST, of zero where the shelf was right), as of the
    moment of the count. A task that it will not count it answers with REFUSED and the code
    `COUNT_REFUSED`, and says why. To withdraw what it does not know, or has counted, is DONE.
    """

    async def set_count_tasks(self, commands: Sequence[SetCountTask]) -> Sequence[Outcome]: ...


class OpenKind(StrEnum):
    """Which documents are open: what is to be shipped, or what is to come from suppliers."""

    ORDERS = "orders"
    PURCHASES = "purchases"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLine:
    """A line as it stands: what is not shipped or received of it, and not cancelled.

    `document` and `line` are as its facts name them: the order, and the line's reference without
    the order's name before it; of a purchase what stands before and behind the first stroke of
    its `supply_id`. Item, location and unit are the application's own.
    """

    document: str
    line: str
    item: str
    location: str
    quantity: Quantity
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPage:
    """A page of open lines; `after` begins the next one, "" ends them.

    `unread` are the documents that no sense could be made of: of those nothing is said.
    """

    lines: tuple[OpenLine, ...]
    after: str = ""
    unread: tuple[str, ...] = ()


@runtime_checkable
class ListsOpenLines(Protocol):
    """Can be asked for all orders, or purchases, that are open now, beside telling what changes.

    All that it ever told of, and leaves out, is taken to be open no more. What its settings keep
    it from telling is `Rejected`, `not_listed`.
    """

    async def open_lines(self, kind: OpenKind, after: str) -> OpenPage:
        """Read one page; "" is the first."""
        ...


def _named(key: str, where: str) -> None:
    if not key.strip():
        raise Invalid(f"no {where} is named", where=where)
