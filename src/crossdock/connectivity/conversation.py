"""An open connection to an installation: opened when first needed, lent to calls, closed once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from crossdock.canonical.errors import Rejected
from crossdock.connectivity.directory import Directory, Entry
from crossdock.connectivity.sdk.application import Connection, Ports
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope


class _Opened:
    """One opening of the connection, and how many calls have it."""

    def __init__(self) -> None:
        self.borrowers = 0
        self.ending = asyncio.Event()
        self.keeper: asyncio.Task[None] | None = None

    async def close(self) -> None:
        self.ending.set()
        if self.keeper:
            with suppress(Exception):  # what fails while closing harms nobody any more
                await self.keeper


class Conversation:
    """Several calls may borrow it at once; it is closed when nobody does.

    A task of its own opens and closes it, because what an application opens in one task it may
    have to close in the same.
    """

    def __init__(self, database: Database, directory: Directory, ports: Ports) -> None:
        self._database = database
        self._directory = directory
        self._ports = ports
        self._lock = asyncio.Lock()
        self._current: tuple[_Opened, Connection] | None = None
        self._left: list[_Opened] = []

    @asynccontextmanager
    async def lent(self, entry: Entry) -> AsyncIterator[Connection]:
        """Lend the open connection for the length of a call."""
        async with self._lock:
            while self._left:
                await self._left.pop().close()
            opened, connection = self._current or await self._open(entry)
            opened.borrowers += 1
        try:
            yield connection
        finally:
            opened.borrowers -= 1
            is_doubted = self._current is None or self._current[0] is not opened
            if is_doubted and not opened.borrowers:
                await opened.close()

    def doubt(self) -> None:
        """Open it anew for the next call: it broke, or its settings have changed.

        Calls that have it keep it to their end; the last of them closes it.
        """
        doubted, self._current = self._current, None
        if doubted and not doubted[0].borrowers:
            self._left.append(doubted[0])

    async def close(self) -> None:
        self.doubt()
        while self._left:
            await self._left.pop().close()

    async def _open(self, entry: Entry) -> tuple[_Opened, Connection]:
        application = self._directory.application_of(entry)
        if application.connect is None:
            raise Rejected(f"{application.title} cannot be called", code="role_not_played")
        async with self._database.transaction(Scope(entry.tenant)) as tx:
            settings = await self._directory.settings_of(tx, entry)
        ready: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        opened = _Opened()
        connecting = application.connect(settings, self._ports)

        async def keep() -> None:
            try:
                async with connecting as connection:
                    ready.set_result(connection)
                    await opened.ending.wait()
            except Exception as error:
                if ready.done():
                    raise
                ready.set_exception(error)

        opened.keeper = asyncio.create_task(keep(), name=f"conversation {entry.name}")
        try:
            connection = await ready
        except asyncio.CancelledError:
            opened.keeper.cancel()
            raise
        self._current = opened, connection
        return self._current
