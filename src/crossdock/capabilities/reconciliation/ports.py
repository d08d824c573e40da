"""What reconciliation asks of others, in its own words; the assembly hands them over."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from crossdock.canonical.calendars import WorkingTime
from crossdock.canonical.envelope import Fact
from crossdock.capabilities.reconciliation.kinds import Listed
from crossdock.capabilities.reconciliation.planning import Seller
from crossdock.foundation.database import Transaction
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk

Key = tuple[str, str]
"""Location and item: what both sides are in order of."""


class TimedDesk(Desk, Protocol):
    """Opens and closes cases, and knows by when they are to be settled."""

    async def working(self, tx: Transaction, at: Collection[str], /) -> Mapping[str, WorkingTime]:
        """Give when each of these places works: in that time deadlines there run."""
        ...


class LedgerBucket(Protocol):
    @property
    def status(self) -> str: ...

    @property
    def owner(self) -> str: ...

    @property
    def lot(self) -> str: ...

    @property
    def serial(self) -> str: ...

    @property
    def micros(self) -> int: ...


class LedgerKey(Protocol):
    """An item at a location, at the cut."""

    @property
    def location(self) -> str: ...

    @property
    def item(self) -> str: ...

    @property
    def unit(self) -> str: ...

    @property
    def buckets(self) -> Sequence[LedgerBucket]: ...

    @property
    def counted_us(self) -> int:
        """Tell when the newest count that the buckets start from was taken, or 0."""
        ...


class LedgerMovement(Protocol):
    """What a movement changed in one bucket; times in microseconds."""

    @property
    def item(self) -> str: ...

    @property
    def location(self) -> str: ...

    @property
    def status(self) -> str: ...

    @property
    def owner(self) -> str: ...

    @property
    def lot(self) -> str: ...

    @property
    def serial(self) -> str: ...

    @property
    def net(self) -> int: ...

    @property
    def us(self) -> int: ...

    @property
    def occurred_us(self) -> int: ...

    @property
    def type(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def movement_id(self) -> str: ...

    @property
    def document_ref(self) -> str: ...

    @property
    def zone(self) -> str:
        """Name the time zone that the days of its location go by."""
        ...

    @property
    def position(self) -> int:
        """Tell where in the log it stands: what came in later stands behind it."""
        ...


class ReadsLedger(Protocol):
    """The hub's ledger as it stood; `recent` gives at most `RECENT_MAX` a bucket and direction."""

    async def begin(self, tx: Transaction) -> None: ...

    def keys(
        self, tx: Transaction, cuts: Mapping[str, int], since: int
    ) -> AsyncIterator[LedgerKey]: ...

    def some_keys(
        self, tx: Transaction, cuts: Mapping[str, int], since: int, wanted: Sequence[Key]
    ) -> AsyncIterator[LedgerKey]: ...

    async def recent(
        self, tx: Transaction, keys: Sequence[tuple[str, str, int]]
    ) -> Sequence[LedgerMovement]: ...

    async def late(
        self, tx: Transaction, keys: Sequence[tuple[str, str, int, int]]
    ) -> Sequence[int]:
        """Say what sellable stock gained by messages that came late, key by key.

        Each says an item, a location, up to when they were recorded and behind which position
        they came in.
        """
        ...

    async def places(self, tx: Transaction) -> Mapping[str, int]:
        """Tell how many items it has at each location."""
        ...

    async def negative(self, tx: Transaction, location: str, limit: int, /) -> Sequence[Key]:
        """Name what has been below zero for so long that it is a case; "" is anywhere."""
        ...

    async def heard(self, tx: Transaction) -> Mapping[str, datetime | None]:
        """Tell when each source was heard last."""
        ...


RECENT_MAX = 50


class Goods(Protocol):
    @property
    def base_unit(self) -> str: ...

    @property
    def is_exact(self) -> bool: ...

    @property
    def factors(self) -> Sequence[tuple[str, int, int]]: ...

    @property
    def item_class(self) -> str: ...


class KnowsNames(Protocol):
    """The catalogue: `kind` is "item" or "location"; what nobody knows is left out."""

    def spelled(self, text: str) -> str: ...

    def base(self, unit: str) -> str:
        """Give the canonical word for a unit."""
        ...

    async def speaks(self, tx: Transaction, system: str, kind: str) -> bool: ...

    async def called(
        self, tx: Transaction, system: str, kind: str, names: Collection[str]
    ) -> Mapping[str, str]: ...

    async def goods(self, tx: Transaction, items: Collection[str]) -> Mapping[str, Goods]: ...


class KnowsBills(Protocol):
    """Whoever knows what kits are put together from."""

    async def bills_in(
        self, tx: Transaction, items: Collection[str]
    ) -> Mapping[str, Mapping[str, int]]:
        """Give, of each kit among these, how many micros of each component make one base unit.

        The kits that go into them are among the answer, on every level.
        """
        ...


class Waiting(Protocol):
    """A movement that the other side is to book and has not: on its way, or refused."""

    @property
    def source(self) -> str: ...

    @property
    def identity(self) -> str: ...

    @property
    def is_rejected(self) -> bool: ...


class KnowsBookings(Protocol):
    async def waiting(
        self, tx: Transaction, connection: str, items: Collection[str]
    ) -> Mapping[str, Sequence[Waiting]]:
        """Name, item by item, the movements that a connection was asked to book and has not."""
        ...


class Teller(Protocol):
    """A system that told of stock which another keeps, and when it was heard doing so last."""

    @property
    def tenant(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def received_at(self) -> datetime: ...


class KnowsProposals(Protocol):
    async def tellers(self) -> Sequence[Teller]: ...

    async def snapshots(self, scope: Scope, source: str) -> Sequence[Fact]:
        """Give the newest snapshot of each location that `source` told though another keeps it."""
        ...


class SendsAgain(Protocol):
    async def send_again(
        self, scope: Scope, connection: str, movements: Sequence[str], reason: str
    ) -> frozenset[str]:
        """Send what was refused of these movements (`source:identity`) again; say which."""
        ...


class ReadsAgain(Protocol):
    async def read_again(self, scope: Scope, source: str, since: datetime) -> bool:
        """Have a source read again from a moment.

        False: it cannot be asked, or it is not caught up since it last was.
        """
        ...


class RecordsUnlisted(Protocol):
    async def record(
        self, scope: Scope, source: str, units: Mapping[str, str], as_of: datetime, /
    ) -> int:
        """Mark that nothing is to come of lines, each in a unit; what is told later stands."""
        ...

    async def relist(
        self, scope: Scope, source: str, listed: Mapping[str, Listed], as_of: datetime, /
    ) -> int:
        """Take back, of lines of purchases that a source lists, that it listed them no more."""
        ...


class KnowsIncidents(Protocol):
    async def is_in_incident(self, scope: Scope, source: str) -> bool:
        """Say whether a system is paused or does not answer; one that is never called is not."""
        ...


class Told(Protocol):
    """A listing: what the channel confirmed to hold, and what it says now; None is unknown.

    `numerator / denominator` base units make one that the channel sells; `unit_margin` is what one
    of these earns, in micros of `currency`, if that is agreed.
    """

    @property
    def item(self) -> str: ...

    @property
    def told(self) -> int | None: ...

    @property
    def held(self) -> int | None: ...

    @property
    def is_in_flight(self) -> bool: ...

    @property
    def numerator(self) -> int: ...

    @property
    def denominator(self) -> int: ...

    @property
    def unit_margin(self) -> int | None: ...

    @property
    def currency(self) -> str: ...

    @property
    def is_removed(self) -> bool:
        """Say whether the channel answers that it does not list the item there any more."""
        ...


class ReadsChannels(Protocol):
    """Channels, and what they hold: the readers raise `Throttled` or `Unavailable`."""

    async def tenants(self) -> Sequence[str]: ...

    async def sellers(self, scope: Scope, /) -> Sequence[Seller]: ...

    async def listed(
        self, scope: Scope, connection: str, location: str, after: str, limit: int, /
    ) -> list[str]: ...

    async def read_back(
        self, scope: Scope, connection: str, location: str, items: Sequence[str], /
    ) -> Sequence[Told]: ...

    async def republish(
        self, scope: Scope, connection: str, location: str, items: Sequence[str], /
    ) -> int: ...


@dataclass(frozen=True, slots=True)
class Informants:
    """Everything reconciliation asks of others."""

    ledger: ReadsLedger
    names: KnowsNames
    bookings: KnowsBookings
    proposals: KnowsProposals
    cases: TimedDesk
    sender: SendsAgain
    reader: ReadsAgain
    bills: KnowsBills
    incidents: KnowsIncidents
    unlisted: RecordsUnlisted
