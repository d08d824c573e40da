"""The harness plays a process by the clock, and finds out one that is not pure."""

import itertools
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.envelope import Event, Fact
from crossdock.orchestration.engine import Decision
from crossdock.orchestration.engine.harness import BareStage
from tests.conftest import NOON
from tests.unit.orchestration.loading import STEPS, Name, Truck, loading

EVENT = Event(
    position=1,
    event_id="e1",
    tenant="main",
    source="erp",
    received_at=NOON,
    raw_ref=None,
    fact=Fact(identity="D1", payload=LocationChanged(code="D1"), occurred_at=NOON),
)


def stage(name: str | None = "dock") -> BareStage[Truck, Name]:
    return BareStage(loading(), lambda _key: None if name is None else Name(name), NOON)


async def test_an_event_is_played_to_its_end() -> None:
    played = stage()

    await played.say(EVENT)

    assert [command.subject for command in played.commands] == list(STEPS)
    assert played.ledger("D1") == Truck(steps=5, name="dock")
    assert played.notes == list(STEPS)
    assert played.now == NOON


async def test_commands_have_the_ids_that_the_engine_gives_them() -> None:
    first, second = stage(), stage()
    await first.touch("D1")
    await second.touch("D1")

    assert [one.command_id for one in first.commands] == [
        one.command_id for one in second.commands
    ]


async def test_time_stops_at_every_timer_on_the_way() -> None:
    played = stage("WAIT")
    await played.touch("D1")

    await played.advance(timedelta(minutes=12))

    assert played.instances["D1"].step == 3
    assert played.now == NOON + timedelta(minutes=12)


async def test_an_instance_without_facts_rests() -> None:
    played = stage(None)

    await played.touch("D1")

    assert played.instances["D1"].decision is None


async def test_a_decision_that_is_not_pure_is_found() -> None:
    numbers = itertools.count()

    def fickle(truck: Truck, _facts: Name, _now: datetime) -> Decision[Truck]:
        return Decision(ledger=replace(truck, steps=next(numbers)))

    played = BareStage(replace(loading(), decide=fickle), lambda _key: Name("x"), NOON)

    with pytest.raises(AssertionError, match="decides differently"):
        await played.touch("D1")


async def test_a_process_that_never_rests_is_found() -> None:
    def restless(truck: Truck, _facts: Name, now: datetime) -> Decision[Truck]:
        return Decision(ledger=truck, timers={"now": now})

    played = BareStage(replace(loading(), decide=restless), lambda _key: Name("x"), NOON)

    with pytest.raises(AssertionError, match="decides without end"):
        await played.touch("D1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetful:
    seen: tuple[int, ...] = ()


async def test_a_ledger_that_json_cannot_hold_is_found() -> None:
    def decide(_ledger: Forgetful, _facts: Name, _now: datetime) -> Decision[Forgetful]:
        return Decision(ledger=Forgetful(seen=[1]))  # type: ignore[arg-type]  # a ledger that is none: the point

    process = replace(loading(), ledger=Forgetful, decide=decide)  # type: ignore[arg-type]  # a ledger that is none: the point
    played = BareStage(process, lambda _key: Name("x"), NOON)

    with pytest.raises(AssertionError, match="does not come back"):
        await played.touch("D1")
