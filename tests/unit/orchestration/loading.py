"""A small process for the engine's tests: load a truck in five steps, told by location events."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg
import msgspec

from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.commands import Command
from crossdock.canonical.envelope import Event, Fact
from crossdock.foundation import event_log
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Entry
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine import Decision, Key, Process, Send
from tests.conftest import NOON

STEPS = ("called", "docked", "loaded", "sealed", "left")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truck:
    """What an instance remembers."""

    steps: int = 0
    name: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """The only fact: what the location is called now."""

    name: str


def decide(truck: Truck, facts: Name, now: datetime) -> Decision[Truck]:
    """Take one step and come back at once; refuse a location called POISON; wait for WAIT."""
    if facts.name == "POISON":
        raise ValueError(facts.name)
    if facts.name == "WAIT":
        return Decision(ledger=truck, timers={"patience": now + timedelta(minutes=5)})
    if truck.steps == len(STEPS):
        return Decision(ledger=truck)
    taken = replace(truck, steps=truck.steps + 1, name=facts.name)
    send = Send(connection="dock", role="open_dock", subject=STEPS[truck.steps])
    timers = {"next": now} if taken.steps < len(STEPS) else {}
    return Decision(ledger=taken, commands=(send,), timers=timers, note=STEPS[truck.steps])


class Names:
    """Reads the newest name of each location from the log; can be told to fail or to dawdle."""

    def __init__(self, *, refuses: str = "", seconds: float = 0.0) -> None:
        self._refuses = refuses
        self._seconds = seconds

    async def load(self, tx: Transaction, keys: Sequence[Key]) -> Mapping[Key, Name]:
        if self._refuses in {key.instance for key in keys}:
            raise ValueError(self._refuses)
        if self._seconds:
            await asyncio.sleep(self._seconds)
        rows = await tx.fetch(
            "select distinct on (tenant, key) tenant, key, payload ->> 'name' as name"
            " from event_log where key = any($1) order by tenant, key, position desc",
            sorted({key.instance for key in keys}),
        )
        names = {Key(row["tenant"], row["key"]): Name(row["name"]) for row in rows}
        return {key: names[key] for key in keys if names[key].name != "GONE"}


def instances(event: Event) -> list[str]:
    return [event.payload.key]


def loading(names: Names | None = None) -> Process[Truck, Name]:
    return Process(
        name="loading",
        ledger=Truck,
        subscriptions={LocationChanged.TYPE: instances},
        load=(names or Names()).load,
        decide=decide,
    )


class Outbox:
    """A table that keeps intents, so that a rolled back decision takes its commands with it."""

    @staticmethod
    async def make_table(dsn: str) -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute(
            "create table test_outbox (command_id text, body jsonb, number serial);"
            " grant all on test_outbox, test_outbox_number_seq to crossdock_hub"
        )
        await connection.close()

    async def enqueue(self, tx: Transaction, commands: Sequence[Command]) -> None:
        await tx.execute(
            "insert into test_outbox (command_id, body)"
            " select * from unnest($1::text[], $2::jsonb[])",
            [command.command_id for command in commands],
            [msgspec.json.encode(command).decode() for command in commands],
        )


async def sent(database: Database) -> list[Command]:
    async with database.transaction(Scope("main")) as tx:
        rows = await tx.fetch("select body from test_outbox order by number")
    return [msgspec.json.decode(row["body"], type=Command) for row in rows]


async def say(
    database: Database, *codes: str, name: str = "dock", version: int = 1, tenant: str = "main"
) -> None:
    """Record that locations exist, or are called something else now."""
    entries = [
        Entry(
            tenant=tenant,
            source="erp",
            received_at=NOON,
            fact=Fact(
                identity=f"location:{code}:{version}",
                payload=LocationChanged(code=code, name=name),
                occurred_at=NOON,
                correlation_id=f"thread-{code}",
            ),
        )
        for code in codes
    ]
    async with database.transaction(Scope(tenant)) as tx:
        await event_log.append_once(tx, entries)
