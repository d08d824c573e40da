"""What an availability answer says, with everything it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crossdock.canonical.inventory import StockStatus
from crossdock.canonical.owing import Owing
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory import granting
from crossdock.capabilities.inventory.granting import UNLIMITED, Counter
from crossdock.capabilities.inventory.model import Figures

GRACE = timedelta(seconds=30)
"""A source may be late by so much, or by a tenth of its freshness, before anybody acts on it."""


@dataclass(frozen=True, slots=True)
class SourceAge:
    """When a source last spoke, and how long its silence may last."""

    source: str
    heard_at: datetime | None
    freshness_seconds: int

    @property
    def fresh_until(self) -> datetime:
        """Tell when it will have been silent for too long; one never heard always was."""
        heard_at = self.heard_at or datetime.min.replace(tzinfo=UTC)
        return heard_at + timedelta(seconds=self.freshness_seconds)

    @property
    def overdue_at(self) -> datetime:
        """Tell when it is no longer a little late, but silent, and something is to be done."""
        return self.fresh_until + max(GRACE, timedelta(seconds=self.freshness_seconds) / 10)

    def is_stale(self, now: datetime) -> bool:
        return now > self.fresh_until


RULE = "available = max(0, nettable - hard - soft - safety)"
NODE_RULE = (
    f"{RULE}; nettable = own goods in AVAILABLE, less what has expired,"
    " a negative bucket counting as zero"
)
UNLIMITED_RULE = "a rule says that no stock limits it"
MEMBER_RULE = f"{NODE_RULE}; at most what the group's promises leave"
GROUP_RULE = (
    f"{RULE}; nettable = the sum of what the members have available;"
    " what they withhold and lack is shown with the group's own"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """An answer with its proof: every figure it was made from, and how old they are.

    `is_known` is false where nobody ever said what lies there: that is not zero. `by_status` sums
    our own goods per bucket, `of_others` is what lies there for other owners.
    `expired` is what lies in AVAILABLE in lots whose last day is over there: it is in `by_status`,
    and not in `nettable` (I8).
    `kept_for_group` is what a node holds back so that its group's promises stay covered: a promise
    here may need what the other nodes have. `owing` is of the whole group, for whoever shows what
    several of its nodes have at once.
    `members_withheld` and `members_shortage` are what a group's nodes withhold and lack: one
    node's shortage takes nothing from another's goods, and still somebody has to see it.
    `unknown_members` are those nodes of a group of which nobody ever said what lies there: the
    group's figures leave them out. What `is_unlimited` is so by a rule: there is no end of it,
    whatever lies there, and no source has to tell of it.
    """

    item: str
    location: str
    unit: str
    figures: Figures
    by_status: Mapping[StockStatus, int]
    of_others: int
    kept_for_group: int
    sources: tuple[SourceAge, ...]
    version: int
    is_known: bool
    as_of: datetime
    rule: str = NODE_RULE
    members_withheld: int = 0
    members_shortage: int = 0
    unknown_members: tuple[str, ...] = ()
    expired: int = 0
    is_unlimited: bool = False
    owing: Owing | None = None

    @property
    def is_stale(self) -> bool:
        return any(source.is_stale(self.as_of) for source in self.sources)

    @property
    def fresh_until(self) -> datetime | None:
        """Tell when the first of its sources will have been silent for too long."""
        return min((source.fresh_until for source in self.sources), default=None)

    @property
    def available(self) -> Quantity:
        free = self.figures.available - self.kept_for_group
        return self.quantity(UNLIMITED if self.is_unlimited else free)

    def left_for(self, own: int) -> int:
        """Say what there is for an order line of which `own` is counted here already (A25)."""
        return own if self.is_unlimited else granting.free_now(0, {0: Counter(self.figures)}, own)

    @property
    def on_hand(self) -> Quantity:
        """Count what is there: every bucket but IN_TRANSIT (A2)."""
        held = (
            micros
            for status, micros in self.by_status.items()
            if status is not StockStatus.IN_TRANSIT
        )
        return self.quantity(sum(held))

    @property
    def withheld(self) -> Quantity:
        return self.quantity(self.figures.withheld + self.members_withheld)

    @property
    def shortage(self) -> Quantity:
        short = self.figures.shortage + self.members_shortage
        return self.quantity(0 if self.is_unlimited else short)

    @property
    def net(self) -> Quantity:
        members = self.members_withheld - self.members_shortage
        return self.quantity(self.figures.net + members)

    def quantity(self, micros: int) -> Quantity:
        return Quantity.from_micros(micros, self.unit)
