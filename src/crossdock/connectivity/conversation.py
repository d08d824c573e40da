"""An open connection to an installation: opened when first needed, lent to calls, closed once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import structlog

from crossdock.canonical.errors import Rejected, Unavailable
from crossdock.connectivity.acceptance import storable
from crossdock.connectivity.directory import Directory, Entry
from crossdock.connectivity.drop_folders import claimed
from crossdock.connectivity.sdk.application import Connection, Ports
from crossdock.foundation.database import DATABASE_ERRORS, Database
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

# `Unavailable` is what an application says of its other side: no error of the database's.
DATABASE_GONE = tuple(kind for kind in DATABASE_ERRORS if kind is not Unavailable)


@dataclass(frozen=True, slots=True)
class Patience:
    """How many seconds an application may take to open a connection, and to close it."""

    opening: float = 60.0
    closing: float = 10.0


PATIENCE = Patience()


class _Opened:
    """One opening of the connection, and how many calls have it."""

    def __init__(self) -> None:
        self.borrowers = 0
        self.ending = asyncio.Event()
        self.keeper: asyncio.Task[None] | None = None

    async def close(self, seconds: float) -> None:
        self.ending.set()
        if self.keeper is None:
            return
        closed, late = await asyncio.wait({self.keeper}, timeout=seconds)
        if late:
            name = self.keeper.get_name()
            log.warning("closing took too long", keeper=name, seconds=seconds)
            self.give_up()
        for keeper in closed:
            # What fails while closing harms nobody any more.
            _ = keeper.cancelled() or keeper.exception()

    def give_up(self) -> None:
        """Wait for it no longer."""
        self.ending.set()
        if self.keeper:
            self.keeper.cancel()


class Conversation:
    """Several calls may borrow it at once; it is closed when nobody does.

    A task of its own opens and closes it, because what an application opens in one task it may
    have to close in the same.
    """

    def __init__(
        self,
        database: Database,
        directory: Directory,
        ports: Ports,
        patience: Patience = PATIENCE,
    ) -> None:
        self._database = database
        self._directory = directory
        self._ports = ports
        self._patience = patience
        self._lock = asyncio.Lock()
        self._current: tuple[_Opened, Connection] | None = None
        self._left: list[_Opened] = []

    @asynccontextmanager
    async def lent(self, entry: Entry) -> AsyncIterator[Connection]:
        """Lend the open connection for the length of a call."""
        async with self._lock:
            while self._left:
                await self._close(self._left.pop())
            opened, connection = self._current or await self._open(entry)
            opened.borrowers += 1
        try:
            yield connection
        finally:
            opened.borrowers -= 1
            is_doubted = self._current is None or self._current[0] is not opened
            if is_doubted and not opened.borrowers:
                await self._close(opened)

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
            await self._close(self._left.pop())

    async def _close(self, opened: _Opened) -> None:
        await opened.close(self._patience.closing)

    async def _open(self, entry: Entry) -> tuple[_Opened, Connection]:
        application = self._directory.application_of(entry)
        if application.connect is None:
            raise Rejected(f"{application.title} cannot be called", code="role_not_played")
        async with self._database.transaction(Scope(entry.tenant)) as tx:
            settings = await self._directory.settings_of(tx, entry)
        ready: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        opened = _Opened()
        ports = replace(self._ports, claimed=claimed(entry.folder, entry.tasks_folder))
        connecting = application.connect(settings, ports)

        async def keep() -> None:
            try:
                async with connecting as connection:
                    ready.set_result(connection)
                    await opened.ending.wait()
            except Exception as error:
                if ready.done():
                    raise
                ready.set_exception(theirs(error))

        opened.keeper = asyncio.create_task(keep(), name=f"conversation {entry.name}")
        seconds = self._patience.opening
        try:
            await asyncio.wait({ready}, timeout=seconds)
        except asyncio.CancelledError:
            opened.give_up()
            raise
        if not ready.done():
            opened.give_up()
            raise Unavailable(f"{entry.name} was not open within {seconds:g} s")
        self._current = opened, ready.result()
        return self._current


def theirs(error: Exception) -> Exception:
    """Call an outage of its own that an application let through what it is: none of ours."""
    if isinstance(error, DATABASE_GONE):
        return Unavailable(storable(f"{type(error).__name__}: {error}", 500))
    return error
