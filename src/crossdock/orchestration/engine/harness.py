"""Runs a process under a virtual clock: without a database for its author, with one for proof.

Both stages take the same scenario: touch instances, let time pass, look at what was sent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Protocol

import msgspec

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.commands import Command
from crossdock.canonical.envelope import Event
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.orchestration.decision import CloseCase, Decision
from crossdock.orchestration.engine.engine import Engine
from crossdock.orchestration.engine.marking import mark_keys
from crossdock.orchestration.engine.process import (
    FactsT,
    Key,
    LedgerT,
    Process,
    touches,
)
from crossdock.orchestration.engine.work import Claimed, commands_of

STEPS_MAX = 1_000
"""A process that decides this often without time passing would never let its worker rest."""


class Stage(Protocol):
    """Where a scenario is played."""

    async def touch(self, instance: str) -> None:
        """Make an instance due, as an event would, and decide what is due."""
        ...

    async def advance(self, step: timedelta) -> None:
        """Let time pass, stopping at every timer on the way."""
        ...


@dataclass(slots=True)
class Instance(Generic[LedgerT]):
    """One instance as the bare stage keeps it."""

    ledger: LedgerT
    step: int = 0
    decision: Decision[LedgerT] | None = None

    @property
    def due_at(self) -> datetime | None:
        return min(self.decision.timers.values(), default=None) if self.decision else None


@dataclass(slots=True)
class BareStage(Generic[LedgerT, FactsT]):
    """Plays a process with nothing but its `decide`: `facts` answers what `load` would.

    Every decision is made twice and its ledger written and read back, so that one that is not
    pure, or remembers what JSON cannot hold, fails here. `commands`, `notes` and `cases` keep
    everything in order.
    """

    process: Process[LedgerT, FactsT]
    facts: Callable[[Key], FactsT | None]
    now: datetime
    tenant: str = "main"
    commands: list[Command] = field(default_factory=list[Command])
    notes: list[str] = field(default_factory=list[str])
    cases: list[OpenCase | CloseCase] = field(default_factory=list[OpenCase | CloseCase])
    instances: dict[str, Instance[LedgerT]] = field(default_factory=dict[str, Instance[Any]])

    async def say(self, event: Event) -> None:
        """Touch the instances that the process's subscriptions name for an event."""
        for touch in touches(self.process, [event]):
            await self.touch(touch.key.instance)

    async def touch(self, instance: str) -> None:
        self._decide(instance)
        await self.advance(timedelta())

    async def advance(self, step: timedelta) -> None:
        until = self.now + step
        for _ in range(STEPS_MAX):
            due = [
                (one.due_at, instance)
                for instance, one in self.instances.items()
                if one.due_at is not None and one.due_at <= until
            ]
            if not due:
                self.now = until
                return
            due_at, instance = min(due)
            self.now = max(self.now, due_at)
            self._decide(instance)
        raise AssertionError(f"{self.process.name} decides without end")

    def ledger(self, instance: str) -> LedgerT:
        return self.instances[instance].ledger

    def _decide(self, instance: str) -> None:
        key = Key(self.tenant, instance)
        facts = self.facts(key)
        one = self.instances.setdefault(instance, Instance(self.process.ledger()))
        if facts is None:
            one.decision = None
            return
        decision = self.process.decide(one.ledger, facts, self.now)
        if decision != self.process.decide(one.ledger, facts, self.now):
            raise AssertionError(f"{self.process.name} decides differently on the same facts")
        self._keep(key, one, decision)

    def _keep(self, key: Key, one: Instance[LedgerT], decision: Decision[LedgerT]) -> None:
        written = msgspec.json.encode(decision.ledger)
        if msgspec.json.decode(written, type=self.process.ledger) != decision.ledger:
            raise AssertionError(f"the ledger of {self.process.name} does not come back from JSON")
        one.ledger, one.decision = decision.ledger, decision
        one.step += 1
        claimed = Claimed(
            key=key, ledger=one.ledger, step=one.step, correlation_id="", causation_id=""
        )
        self.commands += commands_of(self.process.name, claimed, decision.commands)
        self.cases += decision.cases
        if decision.note:
            self.notes.append(decision.note)


@dataclass(frozen=True, slots=True)
class DatabaseStage:
    """Plays the same scenario on the real engine."""

    database: Database
    engine: Engine
    clock: VirtualClock
    process: str
    tenant: str = "main"

    async def touch(self, instance: str) -> None:
        async with self.database.transaction(Scope(self.tenant)) as tx:
            key = Key(self.tenant, instance)
            await mark_keys(tx, self.process, [key], self.clock.now())
        await self.engine.catch_up()

    async def advance(self, step: timedelta) -> None:
        until = self.clock.now() + step
        while True:
            await self.engine.catch_up()
            due_at = await self.engine.next_due(self.process)
            if due_at is None or due_at > until:
                break
            await self.clock.advance(max(timedelta(), due_at - self.clock.now()))
        await self.clock.advance(until - self.clock.now())
