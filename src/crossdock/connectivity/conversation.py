"""An open connection to an installation: opened when first needed, lent to calls, closed once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from crossdock.canonical.errors import Rejected
from crossdock.connectivity.directory import Directory, Entry
from crossdock.connectivity.sdk.application import Connection, Ports
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope


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
        self._borrowers = 0
        self._is_doubted = False
        self._keeper: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._connection: Connection | None = None

    @asynccontextmanager
    async def lent(self, entry: Entry) -> AsyncIterator[Connection]:
        """Lend the open connection for the length of a call."""
        async with self._lock:
            connection = self._connection or await self._open(entry)
            self._borrowers += 1
        try:
            yield connection
        finally:
            self._borrowers -= 1
            if self._is_doubted and not self._borrowers:
                await self.close()

    def doubt(self) -> None:
        """Open it anew for the next call: it broke, or its settings have changed."""
        self._is_doubted = True

    async def close(self) -> None:
        keeper, self._keeper, self._connection = self._keeper, None, None
        self._is_doubted = False
        self._ending.set()
        if keeper:
            with suppress(Exception):  # what fails while closing harms nobody any more
                await keeper

    async def _open(self, entry: Entry) -> Connection:
        application = self._directory.application_of(entry)
        if application.connect is None:
            raise Rejected(f"{application.title} cannot be called", code="role_not_played")
        async with self._database.transaction(Scope(entry.tenant)) as tx:
            settings = await self._directory.settings_of(tx, entry)
        opened: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        ending = self._ending = asyncio.Event()
        connecting = application.connect(settings, self._ports)

        async def keep() -> None:
            try:
                async with connecting as connection:
                    opened.set_result(connection)
                    await ending.wait()
            except Exception as error:
                if opened.done():
                    raise
                opened.set_exception(error)

        self._keeper = asyncio.create_task(keep(), name=f"conversation {entry.name}")
        try:
            connection = self._connection = await opened
        except asyncio.CancelledError:
            self._keeper.cancel()
            raise
        return connection
