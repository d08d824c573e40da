"""Asks applications that never tell by themselves what is new.

A page's facts and the cursor behind it are one transaction, so a page is read again or not, but
never half. A lease with a fence keeps two processes from asking the same connection at once.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import structlog

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import (
    CrossdockError,
    Forbidden,
    Invalid,
    NotFound,
    Rejected,
    Throttled,
    Unavailable,
)
from crossdock.canonical.inventory import SourceHeard
from crossdock.connectivity.acceptance import storable
from crossdock.connectivity.conversation import DATABASE_GONE, Conversation, theirs
from crossdock.connectivity.directory import TOPIC, Directory, Entry, poll_topic
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.pacing import back_off
from crossdock.connectivity.raw_messages import Via
from crossdock.connectivity.sdk.application import Application, Polls, Ports, Subscribes
from crossdock.connectivity.sdk.facts import Poll
from crossdock.connectivity.subscriptions import (
    NOTE,
    SUBSCRIBE_SECONDS_MAX,
    PublicAddress,
    Subscription,
)
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import DATABASE_ERRORS, Database, Transaction
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
PAGE_SECONDS_MAX = 45.0
"""Shorter than the lease: who still holds a page when its lease ends has given the page up."""

HEARD_EVERY = timedelta(seconds=30)
LOOK_SECONDS = 5.0

# Only if nobody else polls it now, and only when it is due.
TAKE = """
update poll_cursor p set holder = $3, lease_until = $4, asked_at = $5, fence = p.fence + 1
from connection c
where p.tenant = $1 and p.connection = $2 and c.tenant = p.tenant and c.name = p.connection
    and not c.is_paused and (p.lease_until is null or p.lease_until <= $5 or p.holder = $3)
    and (p.due_at is null or p.due_at <= $5)
returning p.cursor, p.fence, p.failures, p.last_error, p.heard_at, p.subscribed_to,
    p.subscribed_at, p.subscription_error, c.revision
"""
MOVE = """
update poll_cursor set cursor = $4, moved_at = $5, lease_until = $6, failures = 0,
    last_error = '', heard_at = coalesce($7, heard_at)
where tenant = $1 and connection = $2 and fence = $3
returning fence
"""
FREE = """
update poll_cursor set lease_until = null, due_at = $4, failures = $5, last_error = $6
where tenant = $1 and connection = $2 and fence = $3
"""
REWIND = """
update poll_cursor set cursor = $3, due_at = null, failures = 0, last_error = '',
    fence = fence + 1, lease_until = null, rewound_at = $4
where tenant = $1 and connection = $2 returning connection
"""
# Who was heard behind a moment, and since the last rewind, has told all up to there: its cursor
# only moves back.
REREAD = """
update poll_cursor set cursor = $3, fence = fence + 1, lease_until = null, rewound_at = $5
where tenant = $1 and connection = $2 and failures = 0 and heard_at >= $4
    and (rewound_at is null or heard_at > rewound_at and rewound_at <= $6)
returning connection
"""
REREAD_EVERY = timedelta(hours=4)
STATE = """
select cursor, due_at, failures, last_error, moved_at, heard_at, holder, lease_until,
    subscribed_to, subscribed_at, subscription_error
from poll_cursor where tenant = $1 and connection = $2
"""


class _Overtaken(Exception):
    """Another process polls this connection by now."""


@dataclass(frozen=True, slots=True)
class _Turn:
    cursor: str
    fence: int
    failures: int
    last_error: str
    heard_at: datetime | None
    subscription: Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class Polling:
    """What every poller of a process shares."""

    database: Database
    directory: Directory
    inbox: Inbox
    ports: Ports
    worker: str
    public: PublicAddress = field(default_factory=PublicAddress)


class Poller:
    """Polls one connection."""

    def __init__(self, around: Polling, entry: Entry) -> None:
        self._around = around
        self._entry = entry
        self._clock: Clock = around.ports.clock
        self._random: Random = around.ports.random
        self._scope = Scope(entry.tenant)
        self._conversation = Conversation(around.database, around.directory, around.ports)

    @property
    def every(self) -> timedelta:
        application = self._around.directory.application_of(self._entry)
        return application.poll_every or timedelta(minutes=1)

    async def run(self) -> None:
        bell = self._around.database.bell(poll_topic(self._entry.tenant, self._entry.name))
        try:
            while True:
                with suppress(*DATABASE_ERRORS):
                    await self.round()
                await bell.wait_by(self._clock, min(LOOK_SECONDS, self.every.total_seconds()))
        finally:
            await self.close()

    async def close(self) -> None:
        await self._conversation.close()

    async def round(self) -> bool:
        """Read page after page until there is nothing new; False when it is not our turn."""
        turn = await self._take()
        if turn is None:
            return False
        try:
            async with self._conversation.lent(self._entry) as connection:
                await self._subscribe(connection, turn)
                warning = await self._read(connection, turn)
        except _Overtaken:
            log.warning("overtaken while polling", connection=self._entry.name)
        except DATABASE_GONE:
            raise
        except Exception as error:  # noqa: BLE001 - an application is a stranger's code
            self._conversation.doubt()
            await self._failed(turn, error)
        else:
            if warning and warning != turn.last_error:
                log.warning("poll passed over", connection=self._entry.name, what=warning)
            await self._free(turn, self._clock.now() + self.every, 0, warning)
        return True

    async def _take(self) -> _Turn | None:
        now = self._clock.now()
        async with self._around.database.transaction(self._scope) as tx:
            name = self._entry.name
            row = await tx.fetchrow(TAKE, tx.tenant, name, self._around.worker, now + LEASE, now)
            if row is None:
                return None
            if row["revision"] != self._entry.revision:
                self._entry = await self._around.directory.get_in(tx, tx.tenant, name)
                self._conversation.doubt()
        subscription = Subscription(
            row["subscribed_to"], row["subscribed_at"], row["subscription_error"]
        )
        said = (row["failures"], row["last_error"], row["heard_at"])
        return _Turn(row["cursor"], row["fence"], *said, subscription)

    async def _subscribe(self, connection: Any, turn: _Turn) -> None:
        """Have the application send its news here; that it will not is noted, and it is polled."""
        address = self._around.public.webhook_of(self._entry.tenant, self._entry.name)
        now = self._clock.now()
        is_wanted = address and turn.subscription.is_due(address, now)
        if not is_wanted or not isinstance(connection, Subscribes):
            return
        problem = ""
        try:
            async with asyncio.timeout(SUBSCRIBE_SECONDS_MAX):
                missing = await connection.ensure_subscribed(address)
        except Exception as error:  # noqa: BLE001 - an application is a stranger's code
            problem = storable(str(error) or type(error).__name__, 500)
            log.warning("not subscribed", connection=self._entry.name, error=problem)
        else:
            if missing:
                log.info("subscribed", connection=self._entry.name, to=list(missing))
        async with self._around.database.transaction(self._scope) as tx:
            place = (tx.tenant, self._entry.name, turn.fence)
            if not await tx.fetchval(NOTE, *place, address, now, problem, now + LEASE):
                raise _Overtaken

    async def _read(self, connection: Any, turn: _Turn) -> str:
        if not isinstance(connection, Polls):
            raise Rejected(f"{self._entry.application} cannot be polled")
        cursor = turn.cursor
        while True:
            page = await self._page(connection, cursor)
            await self._keep(turn, page)
            if page.is_caught_up:
                return storable(page.warning, 500)
            if page.cursor == cursor:
                raise Rejected("the application gave a page that leads back to itself")
            cursor = page.cursor

    async def _page(self, connection: Polls, cursor: str) -> Poll:
        try:
            async with asyncio.timeout(PAGE_SECONDS_MAX):
                return await connection.poll(cursor)
        except DATABASE_GONE as error:
            raise theirs(error) from error

    async def _keep(self, turn: _Turn, page: Poll) -> None:
        """Record the page and move the cursor, together, if it is still ours to move."""
        now = self._clock.now()
        application = self._around.directory.application_of(self._entry)
        is_due = turn.heard_at is None or now >= turn.heard_at + HEARD_EVERY
        is_heard = page.is_caught_up and page.proves_alive and is_due
        async with self._around.database.transaction(self._scope) as tx:
            moved = await tx.fetchval(
                MOVE, tx.tenant, self._entry.name, turn.fence, page.cursor, now, now + LEASE,
                now if is_heard else None,
            )  # fmt: skip
            if moved is None:
                raise _Overtaken
            await self._around.inbox.record_in(
                tx,
                self._entry.name,
                page.translation,
                page.raw,
                via=Via.POLL,
                allowed=application.events,
            )
            if is_heard:
                await self._hear(tx, now)

    async def _hear(self, tx: Transaction, now: datetime) -> None:
        """Say that the source answers and has no more to tell: its quiet items are not stale."""
        fact = Fact(
            identity=f"heard:{now.isoformat()}",
            payload=SourceHeard(source=self._entry.name),
            occurred_at=now,
            recorded_at=now,
        )
        entry = event_log.Entry(
            tenant=tx.tenant, source=self._entry.name, received_at=now, fact=fact
        )
        await event_log.append_once(tx, [entry])

    async def _failed(self, turn: _Turn, error: Exception) -> None:
        failures = turn.failures + 1
        pause = back_off(failures, self._random)
        if isinstance(error, Throttled):
            pause = max(pause, error.retry_after)
        reason = storable(str(error) or type(error).__name__, 500)
        expected = isinstance(error, Unavailable)
        log.log(
            30 if expected else 40,
            "poll failed",
            connection=self._entry.name,
            failures=failures,
            error=reason,
            exc_info=None if isinstance(error, CrossdockError) or expected else error,
        )
        await self._free(turn, self._clock.now() + pause, failures, reason)
        if isinstance(error, Forbidden):
            reason = f"credentials refused: {reason}"
            await self._around.directory.pause(self._scope, self._entry.name, reason)

    async def _free(self, turn: _Turn, due_at: datetime, failures: int, error: str) -> None:
        async with self._around.database.transaction(self._scope) as tx:
            await tx.execute(
                FREE, tx.tenant, self._entry.name, turn.fence, due_at, failures, error
            )


class Pollers:
    """Keeps a poller at work for every connection whose application is asked what is new."""

    def __init__(self, around: Polling) -> None:
        self._around = around
        self._clock: Clock = around.ports.clock
        self._at_work: dict[tuple[str, str], asyncio.Task[None]] = {}

    async def run(self) -> None:
        bell = self._around.database.bell(TOPIC)
        try:
            while True:
                with suppress(*DATABASE_ERRORS):
                    await self._look()
                await bell.wait(LOOK_SECONDS * 6)
        finally:
            for task in self._at_work.values():
                task.cancel()
            await asyncio.gather(*self._at_work.values(), return_exceptions=True)

    async def rewind(self, scope: Scope, name: str, cursor: str = "") -> None:
        """Read a source again from a place, or from the beginning; what is known is a repeat."""
        async with self._around.database.transaction(scope) as tx:
            if not await tx.fetchval(REWIND, tx.tenant, name, cursor, self._clock.now()):
                raise NotFound(f"there is no connection {name!r}")
            tx.wake(poll_topic(tx.tenant, name))

    async def reread(self, scope: Scope, name: str, moment: datetime) -> bool:
        """Read a source again from a moment without being asked by a person.

        Answer False where that is not the time: it is not caught up since it was last read again,
        or that was within four hours, or it fails. It is asked when it is due.
        """
        cursor = _cursor_of(await self._polled(scope, name), moment)
        now = self._clock.now()
        async with self._around.database.transaction(scope) as tx:
            at = (cursor, moment, now, now - REREAD_EVERY)
            return await tx.fetchval(REREAD, tx.tenant, name, *at) is not None

    async def rewind_to(self, scope: Scope, name: str, moment: datetime | None) -> None:
        """Read a source again from a moment; None: from its beginning."""
        application = await self._polled(scope, name)
        if moment is None:
            await self.rewind(scope, name)
            return
        cursor = _cursor_of(application, moment)
        if moment > self._clock.now():
            raise Invalid("that moment is yet to come", where="to", hint="name one in the past")
        await self.rewind(scope, name, cursor)

    async def _polled(self, scope: Scope, name: str) -> Application:
        entry = await self._around.directory.get(scope, name)
        application = self._around.directory.application_of(entry)
        if application.poll_every is None:
            raise Rejected(
                f"{name} is never asked: {application.title} tells by itself",
                code="not_polled",
                hint="have it send again what is missing; what is known counts once",
            )
        return application

    async def state(self, scope: Scope, name: str) -> dict[str, Any]:
        """Tell where a source was read up to, when next, and what went wrong last."""
        async with self._around.database.transaction(scope) as tx:
            row = await tx.fetchrow(STATE, tx.tenant, name)
        if row is None:
            raise NotFound(f"there is no connection {name!r}")
        return dict(row)

    async def _look(self) -> None:
        entries = await self._around.directory.entries(Scope.of_workers())
        for gone in self._at_work.keys() - {(entry.tenant, entry.name) for entry in entries}:
            self._at_work.pop(gone).cancel()
        for entry in entries:
            key = (entry.tenant, entry.name)
            task = self._at_work.get(key)
            if task and task.done():
                error = None if task.cancelled() else task.exception()
                log.error("poller ended", connection=entry.name, error=repr(error))
                task = None
            if task is None and self._is_polled(entry):
                work = Poller(self._around, entry).run()
                self._at_work[key] = asyncio.create_task(work, name=f"poller {entry.name}")

    def _is_polled(self, entry: Entry) -> bool:
        try:
            application = self._around.directory.application_of(entry)
        except NotFound:
            return False
        return application.poll_every is not None and application.connect is not None


def _cursor_of(application: Application, moment: datetime) -> str:
    if application.cursor_at is None:
        raise Invalid(
            f"{application.title} cannot be read from a moment",
            where="to",
            hint="read it from the beginning: what is known counts once",
        )
    return application.cursor_at(moment)
