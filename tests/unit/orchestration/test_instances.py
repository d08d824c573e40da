"""Process instances are seen, and parked ones decided again when somebody says so."""

import asyncio
from datetime import timedelta

import pytest

from crossdock.canonical.errors import NotFound
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.orchestration.cases import Cases
from crossdock.orchestration.engine import Engine
from crossdock.orchestration.engine.instances import Instances, Resumed
from crossdock.orchestration.engine.process import Key
from crossdock.orchestration.engine.work import tell_parked
from tests.unit.orchestration.loading import STEPS, say
from tests.unit.orchestration.test_engine import engine_on

MAIN = Scope("main")
PARK = """
update process_instance set parked_at = $2, parked_reason = 'POISON'
where tenant = $1 and process = 'loading' and instance = 'GOOD'
"""


async def parked(database: Database, dsn: str, clock: VirtualClock, *names: str) -> Engine:
    engine = await engine_on(database, dsn, clock)
    await say(database, *names, name="POISON")
    await say(database, "GOOD")
    await engine.catch_up()
    return engine


async def test_parked_instances_are_listed_and_all_if_asked(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await parked(database, dsn, clock, "BAD1", "BAD2")
    instances = Instances(database, clock, engine.processes)

    found = await instances.find(MAIN)
    every = await instances.find(MAIN, process="loading", is_parked=False)

    assert [(one.instance, one.parked_reason) for one in found] == [
        ("BAD1", "ValueError('POISON')"),
        ("BAD2", "ValueError('POISON')"),
    ]
    assert [one.instance for one in every] == ["BAD1", "BAD2", "GOOD"]
    assert await instances.count_parked(MAIN) == 2
    assert await instances.count_parked(Scope("other")) == 0
    assert await instances.find(Scope("other"), is_parked=False) == []


async def test_an_instance_is_shown_with_its_journal(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await parked(database, dsn, clock, "BAD")
    instances = Instances(database, clock, engine.processes)

    whole = await instances.show(MAIN, "loading", "GOOD")

    assert whole.standing.step == len(STEPS)
    assert [entry.note for entry in reversed(whole.journal)] == list(STEPS)


async def test_a_mended_process_is_resumed_as_a_whole(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await parked(database, dsn, clock, "BAD1", "BAD2", "BAD3")
    instances = Instances(database, clock, engine.processes)
    await say(database, "BAD1", "BAD2", "BAD3", version=2)
    await engine.catch_up()

    one = await instances.resume(MAIN, "loading", "BAD2")
    rest = await instances.resume(MAIN, "loading")
    await engine.catch_up()

    assert one == Resumed(count=1, first=["BAD2"])
    assert rest == Resumed(count=2, first=["BAD1", "BAD3"])
    assert await instances.count_parked(MAIN) == 0
    assert (await instances.show(MAIN, "loading", "BAD3")).standing.step == len(STEPS)
    assert (await instances.resume(MAIN, "loading")).count == 0


MANY = """
insert into process_instance (process, tenant, instance, parked_at, parked_reason)
select 'loading', 'main', 'D' || number, now(), 'ValueError()' from generate_series(1, 2500) number
"""


async def test_thousands_are_resumed_once_each_and_a_hundred_are_named(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    async with database.transaction(MAIN) as tx:
        await tx.execute(MANY)

    resumed = await Instances(database, clock, engine.processes).resume(MAIN, "loading")

    assert resumed.count == 2500
    assert len(set(resumed.first)) == 100
    assert await Instances(database, clock, engine.processes).count_parked(MAIN) == 0


async def test_resuming_leaves_other_tenants_alone(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await parked(database, dsn, clock, "BAD")
    await say(database, "BAD", name="POISON", tenant="other")
    await engine.catch_up()
    instances = Instances(database, clock, engine.processes)

    await instances.resume(MAIN, "loading")

    assert await instances.count_parked(Scope("other")) == 1


async def test_a_name_that_nobody_has_is_said_with_those_that_are(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await engine_on(database, dsn, clock)
    instances = Instances(database, clock, engine.processes)

    with pytest.raises(NotFound, match="no process is called 'lauding'") as unknown:
        await instances.resume(MAIN, "lauding")
    assert unknown.value.hint == "one of loading"
    with pytest.raises(NotFound, match="no instance 'D1'"):
        await instances.show(MAIN, "loading", "D1")
    with pytest.raises(NotFound, match="no parked instance 'D1'"):
        await instances.resume(MAIN, "loading", "D1")


async def test_what_is_parked_is_one_case_of_its_process_until_all_is_resumed(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await parked(database, dsn, clock, "BAD1", "BAD2")
    instances, cases = Instances(database, clock, engine.processes), Cases(database, clock)
    [case] = await cases.find(MAIN)
    assert (case.code, case.owner_role, case.entity) == ("PRC-PARKED", "Integration", "loading")
    assert case.title in {f"loading goes on without BAD{n}: ValueError('POISON')" for n in (1, 2)}
    assert case.evidence["reason"] == "ValueError('POISON')"
    assert await cases.find(Scope("other")) == []

    await instances.resume(MAIN, "loading", "BAD1")
    assert len(await cases.find(MAIN)) == 1
    await instances.resume(MAIN, "loading")
    assert await cases.find(MAIN) == []

    await clock.advance(timedelta(seconds=1))
    await engine.catch_up()
    assert [case.code for case in await cases.find(MAIN)] == ["PRC-PARKED"]


async def test_a_case_stays_open_where_another_is_parked_while_the_last_is_resumed(
    database: Database, dsn: str, clock: VirtualClock
) -> None:
    engine = await parked(database, dsn, clock, "BAD1")
    instances, cases = Instances(database, clock, engine.processes), Cases(database, clock)
    async with database.transaction(MAIN) as tx:
        await tx.execute(PARK, "main", clock.now())
        failed = {"main": (Key("main", "GOOD"), ValueError("POISON"))}
        await tell_parked(tx, "loading", failed, clock.now())
        resuming = asyncio.create_task(instances.resume(MAIN, "loading", "BAD1"))
        await asyncio.wait([resuming], timeout=0.5)
        assert not resuming.done()  # it waits for who tells of the other
    await resuming
    assert [case.evidence["instance"] for case in await cases.find(MAIN)] == ["GOOD"]
