"""Back-order runs as people see them: what decided, and each line's change."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from crossdock.canonical.allocation import Strategy
from crossdock.capabilities.allocation.model import Protection, RunException, Why


class RunState(StrEnum):
    """SIMULATED waits for approval. REFUSED: more is owed than there is, so nobody may apply it.

    SUPERSEDED: something it was decided on has changed, and a newer look was taken (§3.6).
    """

    SIMULATED = "SIMULATED"
    APPLIED = "APPLIED"
    REJECTED = "REJECTED"
    REFUSED = "REFUSED"
    SUPERSEDED = "SUPERSEDED"


class Word(NamedTuple):
    """Who decides on a run, when, and what is said of it."""

    by: str
    at: datetime
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """An order line in a run, in micros of the base unit: before, after, and why.

    `released`, of both, is in the warehouse's hands. `coming` is what supply that is still to
    come covers of the rest by `ships_on`, the day it is to leave on.
    """

    demand_ref: str
    order_id: str
    channel: str
    requested: int
    picked: int
    before: int
    after: int
    strategy: Strategy
    priority: int
    since: datetime
    why: Why
    exception: RunException
    multiple: int = 1
    released: int = 0
    coming: int = 0
    ships_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run for an item at a location. `owed` is what WIN requests and GAIN has.

    `rules_version` names the newest rule there was; `stock_version` the stock row it saw.
    """

    run_id: str
    item: str
    location: str
    unit: str
    state: RunState
    reason: str
    supply: int
    owed: int
    gained: int
    lost: int
    stock_version: int
    rules_version: int
    protections: tuple[Protection, ...]
    digest: str
    made_by: str
    made_at: datetime
    decided_by: str = ""
    decided_at: datetime | None = None
    remark: str = ""
    lines: tuple[RunLine, ...] = ()

    @property
    def is_change(self) -> bool:
        return bool(self.gained or self.lost)

    @property
    def short(self) -> list[str]:
        """Name the order lines that do not get what their strategy owes them."""
        return [line.demand_ref for line in self.lines if line.exception]

    @property
    def is_worse(self) -> bool:
        """Say whether somebody loses, or is owed more than there is."""
        return bool(self.lost) or self.state is RunState.REFUSED
