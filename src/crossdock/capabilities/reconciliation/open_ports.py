"""What the comparison of open lines asks of others, in its own words."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.reconciliation.kinds import Kind
from crossdock.foundation.database import Transaction
from crossdock.foundation.scope import Scope


class KeptLine(Protocol):
    """A line of a document as the hub heard it last.

    `reference` names the line for ever. `total` is what there is to deliver of it in all, in
    micros of the base unit, and `picked` how much has left its shelf for it by now. `changed_us`
    is when its newest version was made, by `source`.
    """

    @property
    def document(self) -> str: ...

    @property
    def reference(self) -> str: ...

    @property
    def item(self) -> str: ...

    @property
    def location(self) -> str: ...

    @property
    def source(self) -> str: ...

    @property
    def total(self) -> int: ...

    @property
    def picked(self) -> int: ...

    @property
    def changed_us(self) -> int: ...


class LinePicks(Protocol):
    """A line for which something moved of late: how much of it after the cut.

    Of what follows upon goods, `lately` is how much moved from then until the cut, and `back`
    how much came back; neither is taken off the other.
    """

    @property
    def document(self) -> str: ...

    @property
    def reference(self) -> str: ...

    @property
    def after(self) -> int: ...

    @property
    def lately(self) -> int: ...

    @property
    def back(self) -> int: ...


class ReadsOpenLines(Protocol):
    """Lines of documents as the hub heard them from `source`; "" is from anybody."""

    async def of_documents(
        self, tx: Transaction, documents: Sequence[str], source: str
    ) -> Sequence[KeptLine]:
        """Give all lines of these documents, closed ones too."""
        ...

    def all_open(
        self, tx: Transaction, source: str, cut: int
    ) -> AsyncIterator[Sequence[KeptLine]]:
        """Give all that is open, page by page; or that moved within ninety days of the cut."""
        ...

    async def picks(
        self, tx: Transaction, since: int, cut: int, lately: int
    ) -> Sequence[LinePicks]:
        """Tell what was picked later than `lately`, and how much of it later than the cut.

        `since` is a place in the log before which nothing was recorded after `lately`.
        """
        ...

    async def told(self, tx: Transaction) -> Mapping[str, int]:
        """Name who tells of such lines, and when the newest of each was received.

        In microseconds; 0 where the ledger knows when each source was heard.
        """
        ...


class OpenTold(Protocol):
    """A line that an application says is open; names and units are its own."""

    @property
    def document(self) -> str: ...

    @property
    def line(self) -> str: ...

    @property
    def item(self) -> str: ...

    @property
    def location(self) -> str: ...

    @property
    def quantity(self) -> Quantity: ...

    @property
    def changed_at(self) -> datetime | None: ...


class OpenReading(Protocol):
    """All lines that an application says are open, read between two moments.

    `unread` are documents that it made no sense of. `pages` is how many calls that took.
    """

    @property
    def lines(self) -> Sequence[OpenTold]: ...

    @property
    def began_at(self) -> datetime: ...

    @property
    def ended_at(self) -> datetime: ...

    @property
    def unread(self) -> Sequence[str]: ...

    @property
    def pages(self) -> int: ...


class Lister(Protocol):
    """A connection that lists its open documents of a kind, and how many calls it allows.

    The calls are for all its kinds together.
    """

    @property
    def connection(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def calls_a_day(self) -> int: ...

    @property
    def added_at(self) -> datetime | None: ...


class UnderWay(Protocol):
    """A reading that was broken off: the calls it took, and whether it came on with the last."""

    @property
    def calls(self) -> int: ...

    @property
    def gets_on(self) -> bool: ...


class ListsOpenLines(Protocol):
    async def tenants(self) -> Sequence[str]: ...

    async def listers(self, scope: Scope, /) -> Sequence[Lister]:
        """Say which connections can be asked; no paused one."""
        ...

    def under_way(
        self, scope: Scope, connection: str, kind: str, /, *, since: datetime | None
    ) -> UnderWay:
        """Say how far the last reading came that was to go on and was broken off.

        One that is older than a whole one, which began at `since`, goes on no more.
        """
        ...

    async def open_lines(
        self, scope: Scope, connection: str, kind: str, /, *, go_on: bool = False
    ) -> OpenReading:
        """Read a connection's open lines of a kind; `Rejected` if it cannot tell them.

        `go_on`: from where the last such reading was broken off, if it was.
        """
        ...


@dataclass(frozen=True, slots=True)
class LineInformants:
    """The hub's books of open lines, and whoever can list his own."""

    orders: ReadsOpenLines
    purchases: ReadsOpenLines
    lists: ListsOpenLines
    following: Mapping[Kind, ReadsOpenLines] = field(default_factory=dict[Kind, ReadsOpenLines])
    """What has moved of each line, by what follows upon it."""
