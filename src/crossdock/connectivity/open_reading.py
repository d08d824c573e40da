"""Asks a connection for all orders that are open there, page by page; it shares its rate."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from crossdock.canonical.errors import Rejected, Unavailable
from crossdock.connectivity import stock_asking
from crossdock.connectivity.claiming import SOON, Limits, hold
from crossdock.connectivity.conversation import Conversation
from crossdock.connectivity.courier import Surroundings
from crossdock.connectivity.directory import Circuit, Entry
from crossdock.connectivity.pacing import next_call_at
from crossdock.connectivity.sdk.roles import ListsOpenOrders, OpenOrderLine
from crossdock.foundation.scope import Scope

PLANNED = """
update connection_health set next_call_at = $3 where tenant = $1 and connection = $2
"""
PAGES_MAX = 2_000
"""An application that never comes to an end is none that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrdersRead:
    """What a connection says is open, read from when until when.

    `is_whole`: every order of it could be made sense of. `pages` is how many calls it took.
    """

    lines: Sequence[OpenOrderLine]
    began_at: datetime
    ended_at: datetime
    is_whole: bool
    pages: int


class Lister(NamedTuple):
    """A connection that can be asked for its open orders, and how many calls it allows."""

    connection: str
    calls_a_day: int


class OpenReader:
    """`around` gives what calls need, for it is built after whoever asks."""

    def __init__(self, around: Callable[[], Surroundings]) -> None:
        self._around = around

    async def tenants(self) -> list[str]:
        async with self._around().database.transaction(Scope.of_workers()) as tx:
            return [row["tenant"] for row in await tx.fetch(stock_asking.TENANTS)]

    async def listers(self, scope: Scope) -> list[Lister]:
        """Say which connections can be asked for their open orders, by name; no paused one."""
        directory = self._around().directory
        found: list[Lister] = []
        for entry in await directory.entries(scope):
            application = directory.applications.get(entry.application)
            if application is not None and application.lists_open_orders and not entry.is_paused:
                rate = entry.rate_per_second or application.rate_per_second
                found.append(Lister(entry.name, int(rate * 86_400)))
        return sorted(found)

    async def open_orders(self, scope: Scope, connection: str) -> OpenOrdersRead:
        """Read a connection's open order lines.

        Each page takes its turn in the connection's rate. Raises `Unavailable` if it is paused or
        down, `Rejected` if it cannot tell them, `NotFound` if there is no such connection.
        """
        around = self._around()
        entry = await around.directory.get(scope, connection)
        if around.directory.application_of(entry).connect is None:
            raise _cannot(connection)
        clock = around.ports.clock
        began_at = clock.now()
        lines: list[OpenOrderLine] = []
        is_whole, after, pages = True, "", 0
        conversation = Conversation(around.database, around.directory, around.ports)
        try:
            async with conversation.lent(entry) as opened:
                if not isinstance(opened, ListsOpenOrders):
                    raise _cannot(connection)
                for _ in range(PAGES_MAX):
                    await self._take_turn(scope, entry)
                    page = await opened.open_orders(after)
                    lines.extend(page.lines)
                    is_whole = is_whole and page.is_whole
                    pages += 1
                    after = page.after
                    if not after:
                        break
                else:
                    raise Unavailable(f"{connection} tells of open orders without an end")
        finally:
            await conversation.close()
        return OpenOrdersRead(
            lines=lines,
            began_at=began_at,
            ended_at=clock.now(),
            is_whole=is_whole,
            pages=pages,
        )

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


def _cannot(connection: str) -> Rejected:
    return Rejected(
        f"{connection} cannot be asked for its open orders",
        code="not_listed",
        hint="give its dump as a file",
    )
