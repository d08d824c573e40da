"""Delivers the commands of one connection: claims, calls, settles, probes when it is down.

Intent, call, outcome: the intent is committed before the call, the outcome after it, and what a
process leaves behind when it dies in between is judged by how harmless a repeat would be (D5).
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import structlog

from crossdock.connectivity import calling, claiming, wording
from crossdock.connectivity.acceptance import storable
from crossdock.connectivity.aftermath import (
    UNREACHED_WAIT_MAX,
    Circumstances,
    Fate,
    Tries,
    next_of,
)
from crossdock.connectivity.calling import Answer, Ended
from crossdock.connectivity.claiming import LEASE, Claim, Ending, Held, Limits
from crossdock.connectivity.conversation import Conversation
from crossdock.connectivity.directory import Circuit, Directory, Entry
from crossdock.connectivity.operations import Operation, operation_of
from crossdock.connectivity.pacing import back_off
from crossdock.connectivity.sdk.application import Application, Ports
from crossdock.connectivity.sdk.roles import RepeatSafety
from crossdock.connectivity.settling import OutboxCommand, topic_of
from crossdock.connectivity.wording import NativeKeys, Worded
from crossdock.foundation import telemetry
from crossdock.foundation.bells import Bell
from crossdock.foundation.database import DATABASE_ERRORS, Database, Transaction
from crossdock.foundation.ids import Ids
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

IDLE_SECONDS = 5.0
"""A courier that nobody wakes looks by itself this often."""

RENEW_SECONDS = LEASE.total_seconds() / 3
SETTLE_TRIES = 20
BURY_EVERY = timedelta(seconds=2)

PROBE_LATER = """
update connection_health set probe_at = $3 where tenant = $1 and connection = $2
"""


class Step(StrEnum):
    """What a courier found to do."""

    CALLED = "CALLED"
    PROBED = "PROBED"
    NOTHING = "NOTHING"


@dataclass(frozen=True, slots=True)
class Stepped:
    step: Step
    look_again_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What every courier of a process shares. `worker` names the process in the attempts."""

    database: Database
    directory: Directory
    keys: NativeKeys
    ports: Ports
    ids: Ids
    worker: str


class Courier:
    """Delivers the commands of one connection."""

    def __init__(self, around: Surroundings, entry: Entry) -> None:
        self._around = around
        self._entry = entry
        self._clock = around.ports.clock
        self._random = around.ports.random
        self._scope = Scope(entry.tenant)
        self._conversation = Conversation(around.database, around.directory, around.ports)
        self._calls: set[asyncio.Task[None]] = set()
        self._bury_at: datetime | None = None

    @property
    def name(self) -> str:
        return self._entry.name

    @property
    def application(self) -> Application:
        return self._around.directory.application_of(self._entry)

    @property
    def limits(self) -> Limits:
        application = self.application
        return Limits(application.rate_per_second, application.concurrency, application.batch_max)

    async def run(self) -> None:
        """Deliver until cancelled; calls that are under way then are finished first."""
        bell = self._around.database.bell(topic_of(self._entry.tenant, self.name))
        pause = 0.0
        try:
            while True:
                try:
                    stepped = await self._begin()
                    pause = 0.0
                except DATABASE_ERRORS as error:
                    pause = min(max(0.1, pause * 2), 10.0)
                    log.warning("courier waits", connection=self.name, error=repr(error))
                    await self._clock.sleep(pause)
                    continue
                if stepped.step is Step.NOTHING:
                    await self._idle(bell, stepped.look_again_at)
        finally:
            await self.close()

    async def step(self) -> Stepped:
        """Do one thing and see it through: a call, a probe, or nothing."""
        stepped = await self._begin()
        await asyncio.gather(*self._calls)
        return stepped

    async def close(self) -> None:
        while self._calls:
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*self._calls, return_exceptions=True)
        await self._conversation.close()

    async def _begin(self) -> Stepped:
        now = self._clock.now()
        if self._bury_at is None or now >= self._bury_at:
            await self._bury(now)
            self._bury_at = now + BURY_EVERY
        async with self._around.database.transaction(self._scope) as tx:
            held = await claiming.hold(tx, self._entry.tenant, self.name, self.limits)
            if held is None:
                return Stepped(Step.NOTHING, now + claiming.SOON)
            if held.revision != self._entry.revision:
                directory = self._around.directory
                self._entry = await directory.get_in(tx, tx.tenant, self.name)
                self._conversation.doubt()
            if held.is_paused:
                return Stepped(Step.NOTHING)
            if held.health.circuit is Circuit.OPEN:
                return await self._maybe_probe(tx, held, now)
            call_id = self._around.ids.new()
            claim, words = await self._claim(tx, held, call_id, now)
        if words and words.refused:
            await self._refuse(words, now)
        if words and words.theirs:
            self._start(self._deliver(call_id, held, claim, words.theirs))
        return Stepped(Step.CALLED if claim.commands else Step.NOTHING, claim.look_again_at)

    async def _maybe_probe(self, tx: Transaction, held: Held, now: datetime) -> Stepped:
        if held.health.probe_at and held.health.probe_at > now:
            return Stepped(Step.NOTHING, held.health.probe_at)
        # While this one asks, nobody else does.
        await tx.execute(PROBE_LATER, tx.tenant, self.name, now + LEASE)
        self._start(self._probe())
        return Stepped(Step.PROBED)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work, name=f"call {self.name}")
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    async def _claim(
        self, tx: Transaction, held: Held, call_id: UUID, now: datetime
    ) -> tuple[Claim, Worded | None]:
        claim = await claiming.claim(
            tx,
            self.name,
            held,
            self.limits,
            call_id=call_id,
            worker=self._around.worker,
            now=now,
        )
        if not claim.commands:
            return claim, None
        words = await wording.worded(
            tx, self._entry, self.application, claim.commands, self._around.keys
        )
        await wording.note_shelves(tx, self.name, claim.commands, words, now)
        return claim, words

    async def _refuse(self, words: Worded, now: datetime) -> None:
        """Settle commands that could not even be put into the target's words."""
        endings = [
            self._ending(command, Ended(Fate.REFUSED, error.code, error.message), now)
            for command, error in words.refused
        ]
        async with self._around.database.transaction(self._scope) as tx:
            await claiming.settle(tx, self.name, endings, now)

    async def _deliver(
        self, call_id: UUID, held: Held, claim: Claim, changes: Mapping[str, Any]
    ) -> None:
        operation = operation_of(claim.commands[0].role)
        doubtful = frozenset(each.command_id for each in claim.commands if each.is_unknown)
        commands = [each for each in claim.commands if each.command_id in changes]
        of: dict[str, str | int] = {
            "crossdock.connection": self.name,
            "crossdock.commands": len(commands),
        }
        with telemetry.correlated(_thread(commands), call_id=str(call_id)):
            with telemetry.span("outbox delivery", of):
                async with self._renewed(call_id):
                    answer = await self._answer(operation, changes, doubtful)
            await self._settle(held, commands, answer)

    async def _answer(
        self, operation: Operation[Any], changes: Mapping[str, Any], doubtful: frozenset[str]
    ) -> Answer:
        answer: Answer | None = None
        try:
            async with self._conversation.lent(self._entry) as connection:
                answer = await calling.call(
                    connection,
                    operation,
                    list(changes.values()),
                    self._safety(operation),
                    doubtful,
                )
                if not answer.is_reached:
                    self._conversation.doubt()
        except Exception as error:  # noqa: BLE001 - an application is a stranger's code
            # Opening it failed, so nothing happened; or closing it did, and the answer stands.
            return answer or calling.unreached(list(changes), error)
        return answer

    async def _settle(self, held: Held, commands: Sequence[OutboxCommand], answer: Answer) -> None:
        """Record the outcome; a database that is away for a moment must not lose it.

        What is not recorded in time is judged by its lease, like the work of a dead process.
        """
        for attempt in range(SETTLE_TRIES):
            try:
                await self._settle_once(held, commands, answer)
            except DATABASE_ERRORS as error:
                log.warning(
                    "outcome waits for the database",
                    connection=self.name,
                    attempt=attempt,
                    error=repr(error),
                )
                await self._clock.sleep(0.5)
            else:
                return

    async def _settle_once(
        self, held: Held, commands: Sequence[OutboxCommand], answer: Answer
    ) -> None:
        now = self._clock.now()
        failures = held.health.failures + 1
        pause = answer.pause or min(back_off(failures, self._random), UNREACHED_WAIT_MAX)
        endings = [
            self._ending(command, answer.ended[command.command_id], now, pause)
            for command in commands
        ]
        async with self._around.database.transaction(self._scope) as tx:
            settled = await claiming.settle(tx, self.name, endings, now)
            if answer.error or not held.is_known_well(now):
                await self._note_health(tx, answer, now)
        self._log(commands, settled, answer)

    async def _note_health(self, tx: Transaction, answer: Answer, now: datetime) -> None:
        before = await claiming.health_of(tx, self.name)
        after = before.after_success()
        if not answer.is_reached:
            after = before.after_failure(now, self._random)
        await claiming.set_health(
            tx,
            self.name,
            after,
            answered_at=now if answer.is_reached else None,
            last_error=answer.error,
            not_before=now + answer.pause if answer.pause else None,
        )
        if answer.is_forbidden:
            reason = f"credentials refused: {answer.error}"
            await self._around.directory.pause_in(tx, tx.tenant, self.name, reason)

    def _log(
        self, commands: Sequence[OutboxCommand], settled: Sequence[OutboxCommand], answer: Answer
    ) -> None:
        if len(settled) < len(commands):
            log.warning("outcome came after its lease", connection=self.name)
        for command in settled:
            log.info(
                "delivered",
                connection=self.name,
                command_id=command.command_id,
                correlation_id=command.correlation_id,
                state=command.state,
                attempts=command.attempts,
                error=answer.error,
            )

    def _ending(
        self,
        command: OutboxCommand,
        ended: Ended,
        now: datetime,
        pause: timedelta = timedelta(),
    ) -> Ending:
        tries = Tries(command.attempts, command.suspicions, command.is_unknown)
        given = Circumstances(
            now=now,
            random=self._random,
            safety=self._safety(operation_of(command.role)),
            pause=pause,
        )
        after = next_of(ended.fate, tries, given)
        return Ending(command, ended.fate.value, after, ended.code, ended.detail, ended.observed)

    def _safety(self, operation: Operation[Any]) -> RepeatSafety:
        return self.application.roles.get(operation.role, RepeatSafety.NONE)

    async def _bury(self, now: datetime) -> None:
        """Look into what a process left behind when it died in the middle of a call."""
        async with self._around.database.transaction(self._scope) as tx:
            lost = await claiming.expired(tx, self.name, now)
            ended = Ended(Fate.CRASHED, "crashed", "the process that was sending it has ended")
            endings = [self._ending(command, ended, now) for command in lost]
            await claiming.settle(tx, self.name, endings, now)

    async def _probe(self) -> None:
        """Ask the connection whether it is back; change nothing there."""
        error = ""
        try:
            async with self._conversation.lent(self._entry) as connection:
                self._conversation.doubt()
                async with asyncio.timeout(calling.CALL_SECONDS_MAX):
                    await connection.check()
        except Exception as problem:  # noqa: BLE001 - an application is a stranger's code
            error = storable(str(problem) or type(problem).__name__, 500)
        now = self._clock.now()
        async with self._around.database.transaction(self._scope) as tx:
            before = await claiming.health_of(tx, self.name)
            after = before.probed(now, self._random, is_reached=not error)
            await claiming.set_health(
                tx, self.name, after, answered_at=None if error else now, last_error=error
            )
            tx.wake(topic_of(tx.tenant, self.name))
        log.info("probed", connection=self.name, circuit=after.circuit.value, error=error)

    @asynccontextmanager
    async def _renewed(self, call_id: UUID) -> AsyncIterator[None]:
        async def renew() -> None:
            while True:
                await self._clock.sleep(RENEW_SECONDS)
                with suppress(*DATABASE_ERRORS):
                    async with self._around.database.transaction(self._scope) as tx:
                        until = self._clock.now() + LEASE
                        await claiming.renew(tx, call_id, until)

        renewing = asyncio.create_task(renew(), name=f"lease {self.name}")
        try:
            yield
        finally:
            renewing.cancel()
            with suppress(asyncio.CancelledError):
                await renewing

    async def _idle(self, bell: Bell, until: datetime | None) -> None:
        seconds = IDLE_SECONDS
        if until is not None:
            seconds = min(seconds, max((until - self._clock.now()).total_seconds(), 0.001))
        with suppress(TimeoutError):
            async with asyncio.timeout(IDLE_SECONDS):
                await bell.wait_by(self._clock, seconds)


def _thread(commands: Sequence[OutboxCommand]) -> str:
    """Name the business thread of a call; none where it carries several."""
    threads = {command.correlation_id for command in commands}
    return threads.pop() if len(threads) == 1 else ""
