"""The engine decides what is due, once, whatever dies or fails beside it."""

import asyncio
import io
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta

import asyncpg
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from crossdock.canonical.commands import Command
from crossdock.canonical.errors import NotFound, Unavailable
from crossdock.foundation import migrate, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine import Engine, follow_all, journal, work
from tests.conftest import NOON
from tests.figures import figure, written
from tests.unit.orchestration.loading import STEPS, Names, Outbox, loading, say, sent

MAIN = Scope("main")


class FullOutbox:
    """Cannot take anything now."""

    def __init__(self) -> None:
        self.tries = 0

    async def enqueue(self, _tx: Transaction, _commands: Sequence[Command]) -> None:
        self.tries += 1
        raise Unavailable("the disk is full")


async def engine_on(
    database: Database, dsn: str, clock: VirtualClock, *, names: Names | None = None
) -> Engine:
    await Outbox.make_table(dsn)
    engine = Engine(database, clock, Outbox(), [loading(names)], worker="w1")
    for reader in engine.readers():
        await readers.register(database, reader)
    return engine


async def test_an_event_moves_its_instance_step_by_step(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    await say(database, "D1")

    decided = await engine.catch_up()

    commands = await sent(database)
    assert decided == 5
    assert [command.subject for command in commands] == list(STEPS)
    assert {command.correlation_id for command in commands} == {"thread-D1"}
    assert len({command.command_id for command in commands}) == 5


async def test_the_journal_says_who_did_what_when_and_why(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    await say(database, "D1")
    await engine.catch_up()

    async with database.transaction(MAIN) as tx:
        of_instance = await journal.of_instance(tx, "loading", "D1")
        of_thread = await journal.of_thread(tx, "thread-D1")
        standing = await journal.standing(tx, "loading", "D1")

    assert of_instance == of_thread
    assert [entry.note for entry in reversed(of_instance)] == list(STEPS)
    assert (of_instance[0].worker, of_instance[0].decided_at) == ("w1", NOON)
    assert of_instance[0].commands[0]["subject"] == "left"
    assert of_instance[0].causation_id
    assert (standing.step, standing.ledger["steps"], standing.due_at) == (5, 5, None)


async def test_another_tenants_journal_is_invisible(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    await say(database, "D1", tenant="other")
    await say(database, "D1")
    await engine.catch_up()

    async with database.transaction(Scope("other")) as tx:
        entries = await journal.of_instance(tx, "loading", "D1")

    assert len(entries) == 5


async def test_an_instance_without_facts_rests(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    await say(database, "D1", name="GONE")

    await engine.catch_up()

    async with database.transaction(MAIN) as tx:
        standing = await journal.standing(tx, "loading", "D1")
    assert (standing.step, standing.due_at) == (0, None)


async def test_a_timer_is_due_by_the_clock(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    await say(database, "D1", name="WAIT")
    await engine.catch_up()
    assert await engine.run_due() == 0

    await clock.advance(timedelta(minutes=5))

    assert await engine.run_due() == 1


async def test_a_poisonous_instance_is_parked_and_the_others_go_on(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    await say(database, "D1", "D2")
    await say(database, "BAD", name="POISON")
    await engine.catch_up()

    async with database.transaction(MAIN) as tx:
        parked = await journal.parked(tx)
    assert [(one.instance, one.parked_reason) for one in parked] == [
        ("BAD", "ValueError('POISON')")
    ]
    assert len(await sent(database)) == 10

    await say(database, "BAD", version=2)
    await engine.catch_up()
    assert len(await sent(database)) == 10  # parked stays parked, until somebody resumes it
    async with database.transaction(MAIN) as tx:
        await journal.resume(tx, "loading", "BAD", clock.now())
    await engine.catch_up()
    assert len(await sent(database)) == 15


async def test_decisions_are_counted_and_traced_and_what_is_parked_is_shown_and_logged(
    database: Database,
    dsn: str,
    clock: VirtualClock,
    spans: InMemorySpanExporter,
    lines: io.StringIO,
) -> None:
    engine = await engine_on(database, dsn, clock)
    before = figure("crossdock_process_decisions_total", process="loading")
    await say(database, "D1")
    await say(database, "BAD", name="POISON")

    await engine.catch_up()

    async with database.transaction(Scope.of_workers()) as tx:
        await work.measure(tx)
    assert figure("crossdock_process_decisions_total", process="loading") - before == 5
    assert figure("crossdock_process_parked", process="loading") == 1
    assert "process batch" in {span.name for span in spans.get_finished_spans()}
    [line] = [line for line in written(lines) if line["event"] == "instance parked"]
    assert line["correlation_id"] == "thread-BAD"


async def test_an_instance_whose_facts_cannot_be_loaded_is_found_and_parked(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock, names=Names(refuses="D5"))
    await say(database, *(f"D{number}" for number in range(9)))

    await engine.catch_up()

    async with database.transaction(MAIN) as tx:
        parked = await journal.parked(tx)
    assert [one.instance for one in parked] == ["D5"]
    assert len(await sent(database)) == 8 * 5


async def test_an_event_during_a_decision_makes_its_instance_due_again(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock, names=Names(seconds=0.3))
    await say(database, "D1", name="WAIT")
    await readers.catch_up(database, engine.readers()[0], clock)

    deciding = asyncio.create_task(engine.run_batch("loading"))
    await asyncio.sleep(0.1)  # it has read WAIT, and is still at it
    await say(database, "D1", version=2)
    await readers.catch_up(database, engine.readers()[0], clock)
    await deciding

    assert await engine.run_batch("loading") == 1


async def test_two_workers_never_decide_the_same_step_twice(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    other_database = await Database.open(dsn)
    other = Engine(other_database, clock, Outbox(), [loading()], worker="w2")
    await say(database, *(f"D{number}" for number in range(600)))
    await readers.catch_up(database, engine.readers()[0], clock)

    decided = await asyncio.gather(engine.run_due(), other.run_due())
    rest = await engine.run_due()
    await other_database.close()

    commands = await sent(database)
    assert sum(decided) + rest == len(commands) == 3000
    assert len({command.command_id for command in commands}) == 3000
    assert min(decided) > 0


async def test_a_worker_wakes_with_the_event(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    reader = engine.readers()[0]
    tasks = [
        asyncio.create_task(readers.follow(database, reader, clock)),
        asyncio.create_task(follow_all(engine)),
    ]
    await asyncio.sleep(0.2)
    await say(database, "D1")

    async with asyncio.timeout(3):  # below the idle look of five seconds
        while len(await sent(database)) < 5:
            await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_killed_workers_instances_are_due_for_the_next_at_once(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    await say(database, *(f"D{number}" for number in range(100)))
    await readers.catch_up(database, engine.readers()[0], clock)

    for _ in range(3):
        doomed = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.unit.orchestration.worker", dsn, stdout=-1
        )
        assert doomed.stdout
        assert await doomed.stdout.readline() == b"batch\n"
        await asyncio.sleep(0.05)  # in the middle of the next one
        doomed.send_signal(signal.SIGKILL)
        await doomed.wait()
    left_over = await sent(database)
    assert 0 < len(left_over) < 500
    async with asyncio.timeout(10):  # the server notices the loss when it next writes to it
        while len(await sent(database)) < 500:
            await engine.run_due()

    commands = await sent(database)
    assert len({command.command_id for command in commands}) == len(commands) == 500
    assert {command.instance for command in commands} == {f"D{number}" for number in range(100)}


async def test_the_same_step_decided_again_is_the_same_command(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    await say(database, "D1")
    await engine.catch_up()
    before = await sent(database)

    connection = await asyncpg.connect(dsn)  # as if none of it had been committed
    await connection.execute(
        "update process_instance set step = 0, ledger = null, due_at = '2026-05-04T12:00Z';"
        " delete from process_journal"
    )
    await connection.close()
    await engine.run_due()

    again = (await sent(database))[5:]
    assert [command.command_id for command in again] == [command.command_id for command in before]


async def test_an_outage_parks_nobody_and_costs_a_pause(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    await say(database, "D1")
    await readers.catch_up(database, engine.readers()[0], clock)
    outbox = FullOutbox()
    struck = Engine(database, clock, outbox, [loading()])
    with pytest.raises(Unavailable):
        await struck.run_due()

    following = asyncio.create_task(struck.follow("loading"))
    async with asyncio.timeout(5):
        while outbox.tries < 3:
            await asyncio.sleep(0.01)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following

    assert await engine.run_due() == 5


async def test_a_failing_claim_is_told_and_an_unknown_process_too(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    connection = await asyncpg.connect(dsn)
    await connection.execute("alter table process_instance rename to elsewhere")
    await connection.close()

    assert engine.processes == ("loading",)
    with pytest.raises(asyncpg.UndefinedTableError):
        await engine.run_due()
    with pytest.raises(NotFound, match="no process is called 'unloading'"):
        await engine.run_batch("unloading")


async def test_what_nobody_knows_is_not_found(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    await engine_on(database, dsn, clock)
    async with database.transaction(MAIN) as tx:
        with pytest.raises(NotFound, match="has no instance 'D1'"):
            await journal.standing(tx, "loading", "D1")
        with pytest.raises(NotFound, match="no parked instance 'D1'"):
            await journal.resume(tx, "loading", "D1", NOON)


async def test_the_tables_go_and_come_again(dsn: str) -> None:
    await migrate.downgrade(dsn, "0005")
    await migrate.upgrade(dsn)

    assert await migrate.current(dsn) == migrate.head()
