"""Asks a connection for all that is open there, page by page; it shares its rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from crossdock.canonical.errors import Rejected, Unavailable
from crossdock.connectivity import stock_asking
from crossdock.connectivity.claiming import SOON, Limits, hold
from crossdock.connectivity.conversation import Conversation
from crossdock.connectivity.courier import Surroundings
from crossdock.connectivity.directory import Circuit, Entry
from crossdock.connectivity.pacing import next_call_at
from crossdock.connectivity.sdk.roles import ListsOpenLines, OpenKind, OpenLine, OpenPage
from crossdock.foundation.scope import Scope

PLANNED = """
update connection_health set next_call_at = $3 where tenant = $1 and connection = $2
"""
PAGES_MAX = 2_000
"""An application that never comes to an end is none that can be read."""
KEPT = timedelta(days=7)
"""A reading that was broken off goes on for so long; what is older is read anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRead:
    """What a connection says is open, read from when until when.

    `unread` are the documents that it could make no sense of. `pages` is how many calls it took.
    """

    lines: Sequence[OpenLine]
    began_at: datetime
    ended_at: datetime
    unread: Sequence[str]
    pages: int


class UnderWay(NamedTuple):
    """A reading that was broken off: the calls it took so far, and whether it gets on."""

    calls: int = 0
    gets_on: bool = False


@dataclass(slots=True)
class _Reading:
    """What a reading has by now; `stood` is how many pages that was when it went on last.

    `is_lost`: its system gave nothing when it was asked to go on; it may have forgotten the place.
    `of` is the connection as it was then: one of that name that was changed is read anew.
    """

    began_at: datetime
    of: tuple[datetime | None, int]
    lines: list[OpenLine] = field(default_factory=list[OpenLine])
    unread: list[str] = field(default_factory=list[str])
    after: str = ""
    pages: int = 0
    calls: int = 0
    stood: int = 0
    is_lost: bool = False

    @property
    def gets_on(self) -> bool:
        """Say whether the last try read a page."""
        return self.stood < self.pages < PAGES_MAX

    @property
    def is_begun_anew(self) -> bool:
        """Say whether the next try has nothing to go on from."""
        return self.is_lost or not self.after or self.pages >= PAGES_MAX

    async def go_on(self, opened: ListsOpenLines, kind: OpenKind) -> None:
        """Read the next page. A call that is cut off, as time is up, says nothing of the place."""
        self.calls += 1
        try:
            self._take(await opened.open_lines(kind, self.after))
        except Exception:
            self.is_lost = self.stood == self.pages
            raise

    def _take(self, page: OpenPage) -> None:
        self.lines.extend(page.lines)
        self.unread.extend(page.unread)
        self.pages += 1
        self.after = page.after


class Lister(NamedTuple):
    """A connection that lists its open documents of a kind, and how many pages a day it allows.

    The pages are those of all its kinds together.
    """

    connection: str
    kind: OpenKind
    calls_a_day: int
    added_at: datetime | None


class OpenReader:
    """`around` gives what calls need, for it is built after whoever asks.

    What a reading has when it is broken off is kept here, so that it may go on from there.
    """

    def __init__(self, around: Callable[[], Surroundings]) -> None:
        self._around = around
        self._broken_off: dict[tuple[str, str, str], _Reading] = {}

    async def tenants(self) -> list[str]:
        async with self._around().database.transaction(Scope.of_workers()) as tx:
            return [row["tenant"] for row in await tx.fetch(stock_asking.TENANTS)]

    async def listers(self, scope: Scope) -> list[Lister]:
        """Say which connections can be asked for what is open there, by name; no paused one."""
        directory = self._around().directory
        found: list[Lister] = []
        for entry in await directory.entries(scope):
            application = directory.applications.get(entry.application)
            if application is not None and application.lists_open and not entry.is_paused:
                rate = entry.rate_per_second or application.rate_per_second
                calls = int(rate * 86_400 / application.requests_a_listing)
                found += [
                    Lister(entry.name, kind, calls, entry.created_at)
                    for kind in application.lists_open
                ]
        return sorted(found)

    def under_way(
        self, scope: Scope, connection: str, kind: str, *, since: datetime | None
    ) -> UnderWay:
        """Say how far a reading came that was broken off; it is known in this process alone.

        One that began before `since`, from when a whole reading is known, is dropped.
        """
        key = (scope.tenant, connection, kind)
        reading = self._broken_off.get(key)
        if reading is None or (since is not None and reading.began_at <= since):
            self._broken_off.pop(key, None)
            return UnderWay()
        return UnderWay(reading.calls, reading.gets_on)

    async def open_lines(
        self, scope: Scope, connection: str, kind: str, *, go_on: bool = False
    ) -> OpenRead:
        """Read a connection's open lines of a kind; `go_on` from where a reading was broken off.

        One whose system gave no page when it was asked to go on is begun anew: what it goes on
        after may be known no more.
        Each page takes its turn in the connection's rate. Raises `Unavailable` if it is paused or
        down, `Rejected` if it cannot tell them, `NotFound` if there is no such connection.
        """
        around = self._around()
        entry = await around.directory.get(scope, connection)
        if kind not in around.directory.application_of(entry).lists_open:
            raise _cannot(connection, kind)
        clock, key = around.ports.clock, (scope.tenant, connection, kind)
        reading = self._broken_off.get(key) if go_on else None
        of = (entry.created_at, entry.revision)
        if reading and (reading.of != of or reading.began_at < clock.now() - KEPT):
            reading = None
        if reading is None or reading.is_begun_anew:
            reading = _Reading(clock.now(), of)
        if go_on:
            self._broken_off[key] = reading
        await self._read(scope, entry, OpenKind(kind), reading)
        if go_on:
            self._broken_off.pop(key, None)
        return OpenRead(
            lines=reading.lines,
            began_at=reading.began_at,
            ended_at=clock.now(),
            unread=reading.unread,
            pages=reading.calls,
        )

    async def _read(self, scope: Scope, entry: Entry, kind: OpenKind, reading: _Reading) -> None:
        around = self._around()
        reading.stood = reading.pages
        requests = around.directory.application_of(entry).requests_a_listing
        conversation = Conversation(around.database, around.directory, around.ports)
        try:
            async with conversation.lent(entry) as opened:
                if not isinstance(opened, ListsOpenLines):
                    raise _cannot(entry.name, kind)
                while reading.pages < PAGES_MAX:
                    for _ in range(requests):
                        await self._take_turn(scope, entry)
                    await reading.go_on(opened, kind)
                    if not reading.after:
                        return
                raise Unavailable(f"{entry.name} tells of open {kind} without an end")
        finally:
            await conversation.close()

    async def _take_turn(self, scope: Scope, entry: Entry) -> None:
        """Wait for a turn in the connection's rate, which deliveries take theirs from too."""
        around = self._around()
        clock = around.ports.clock
        application = around.directory.application_of(entry)
        limits = Limits(
            application.rate_per_second, application.concurrency, application.batch_max
        )
        while True:
            now = clock.now()
            async with around.database.transaction(scope) as tx:
                held = await hold(tx, entry.tenant, entry.name, limits)
                if held and (held.is_paused or held.health.circuit is not Circuit.CLOSED):
                    raise Unavailable(f"{entry.name} is paused or does not answer")
                if held is None:
                    may_call, next_at = False, now + SOON
                else:
                    may_call, next_at = next_call_at(held.next_call_at, now, held.rate_per_second)
                if may_call:
                    await tx.execute(PLANNED, tx.tenant, entry.name, next_at)
                    return
            await clock.sleep((next_at - now).total_seconds())


def _cannot(connection: str, kind: str) -> Rejected:
    return Rejected(
        f"{connection} cannot be asked for its open {kind}",
        code="not_listed",
        hint="give its dump as a file",
    )
