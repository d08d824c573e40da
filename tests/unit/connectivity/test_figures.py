"""What comes in and goes out is counted, timed, traced, and logged under its own thread."""

import io
from dataclasses import replace
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from crossdock.canonical.commands import Lane
from crossdock.canonical.errors import Unavailable
from crossdock.connectivity import figures
from crossdock.connectivity.courier import Step
from crossdock.connectivity.directory import Circuit
from crossdock.connectivity.replaying import Quarantine
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.interfaces.api.log import cloud_event
from crossdock.interfaces.cli.tail import as_object
from tests.figures import figure, written
from tests.unit.connectivity.standins import (
    MAIN,
    WORKERS,
    World,
    command,
    moved,
    webhook,
    with_shop,
    world,
)

NAME = "figures"


@pytest.fixture
async def hub(database: Database, clock: VirtualClock) -> World:
    """Give a hub with a shop of a name that no other test counts under."""
    return await with_shop(world(database, clock), NAME)


async def measured(hub: World) -> None:
    async with hub.database.transaction(WORKERS) as tx:
        await figures.measure(tx, hub.clock.now())


async def delivered(hub: World) -> None:
    courier = await hub.courier(NAME)
    while (await courier.step()).step is not Step.NOTHING:
        pass
    await courier.close()


def heard(verdict: str) -> float:
    return figure("crossdock_events_total", source=NAME, verdict=verdict)


def tried(outcome: str) -> float:
    return figure("crossdock_outbox_attempts_total", connection=NAME, outcome=outcome)


async def test_every_fact_is_counted_by_what_became_of_it(hub: World) -> None:
    verdicts = ("NEW", "REPEAT", "CONFLICT", "WAITING", "QUARANTINED")
    before = [heard(verdict) for verdict in verdicts]

    moves = [{"number": "M1"}, {"number": "M1"}, {"number": "M2", "item": "SKU-9"}]
    await hub.inbox.receive(MAIN, NAME, webhook(moves=moves, bad=["?"]))
    await hub.inbox.receive(MAIN, NAME, webhook(moves=[{"number": "M1", "amount": "5"}]))

    assert [heard(verdict) - old for verdict, old in zip(verdicts, before, strict=True)] == [
        1, 1, 1, 1, 1,
    ]  # fmt: skip


async def test_new_facts_of_a_clock_that_is_ahead_are_counted_and_kept_as_they_were_said(
    hub: World,
) -> None:
    before = figure("crossdock_clock_ahead_total", source=NAME)
    limit = hub.clock.now() + timedelta(minutes=5)
    at = [limit, limit + timedelta(microseconds=1), hub.clock.now()]
    facts = [replace(moved(f"M{number}"), occurred_at=moment) for number, moment in enumerate(at)]
    facts[2] = replace(facts[2], recorded_at=at[1])

    await hub.inbox.record(MAIN, NAME, facts, b"")
    await hub.inbox.record(MAIN, NAME, facts, b"")

    events = await hub.events()
    assert figure("crossdock_clock_ahead_total", source=NAME) - before == 2
    assert [event.is_ahead for event in events] == [False, True, True]
    assert [event.fact.occurred_at for event in events] == at
    assert [cloud_event(event).get("clockahead") for event in events] == [None, True, True]
    assert [as_object(event)["clock_ahead"] for event in events] == [False, True, True]


async def test_a_dry_run_counts_nothing(hub: World) -> None:
    await hub.inbox.record(MAIN, NAME, [moved("M1"), moved("M1", amount="5")], b"")
    quarantine = Quarantine(hub.database, hub.clock, hub.inbox, hub.catalogue)
    before = heard("CONFLICT")

    await quarantine.replay(MAIN, await quarantine.find(MAIN), dry_run=True)

    assert heard("CONFLICT") == before


async def test_what_waits_for_the_catalogue_or_a_person_is_shown(hub: World) -> None:
    await hub.inbox.receive(
        MAIN, NAME, webhook(moves=[{"number": "M1", "item": "SKU-9"}], bad=["?", "!"])
    )

    await measured(hub)

    assert figure("crossdock_waiting_facts", source=NAME) == 1
    assert figure("crossdock_quarantined", source=NAME) == 2


async def test_the_outbox_shows_how_much_waits_in_each_lane_and_since_when(hub: World) -> None:
    assert isinstance(hub.clock, VirtualClock)
    await hub.enqueue(command("c1", connection=NAME, lane=Lane.IMMEDIATE))
    await hub.clock.advance(timedelta(seconds=30))
    await hub.enqueue(
        command("c2", connection=NAME, item="sku-2", lane=Lane.BULK),
        command("c3", connection=NAME, item="sku-3", lane=Lane.BULK),
    )
    await hub.clock.advance(timedelta(seconds=12))

    await measured(hub)

    lanes = {lane: {"connection": NAME, "lane": lane.value} for lane in Lane}
    assert {lane: figure("crossdock_outbox_depth", **of) for lane, of in lanes.items()} == {
        Lane.IMMEDIATE: 1, Lane.NORMAL: 0, Lane.BULK: 2,
    }  # fmt: skip
    assert figure("crossdock_outbox_age_seconds", **lanes[Lane.IMMEDIATE]) == 42
    assert figure("crossdock_outbox_age_seconds", **lanes[Lane.BULK]) == 12


async def test_deliveries_are_counted_by_their_end_and_timed_to_the_proof(hub: World) -> None:
    assert isinstance(hub.clock, VirtualClock)
    hub.shops[NAME].refuses = {"SKU-2"}
    done, refused = tried("DONE"), tried("REFUSED")
    seconds = figure("crossdock_outbox_seconds_sum", connection=NAME)
    await hub.enqueue(command("c1", connection=NAME), command("c2", connection=NAME, item="sku-2"))
    await hub.clock.advance(timedelta(seconds=4))

    await delivered(hub)
    await measured(hub)

    assert (tried("DONE") - done, tried("REFUSED") - refused) == (1, 1)
    assert figure("crossdock_outbox_seconds_sum", connection=NAME) - seconds == 4
    assert figure("crossdock_dead_letters", connection=NAME) == 1
    assert figure("crossdock_circuit_open", connection=NAME) == 0


async def test_a_circuit_that_is_open_is_shown_as_open(hub: World) -> None:
    hub.shops[NAME].is_down = Unavailable("gone")
    await hub.enqueue(*(command(f"c{n}", connection=NAME, item=f"sku-{n}") for n in range(2)))
    assert isinstance(hub.clock, VirtualClock)
    courier = await hub.courier(NAME)
    for _ in range(6):
        await courier.step()
        await hub.clock.advance(timedelta(minutes=1))
    await courier.close()

    await measured(hub)

    assert figure("crossdock_circuit_open", connection=NAME) == 1
    assert figure("crossdock_outbox_depth", connection=NAME, lane=Lane.NORMAL.value) == 2


async def test_a_circuit_is_not_open_once_a_probe_was_answered_though_nothing_is_left_to_send(
    hub: World, clock: VirtualClock
) -> None:
    hub.shops[NAME].is_down = Unavailable("gone")
    await hub.enqueue(command("c1", connection=NAME))
    courier = await hub.courier(NAME)
    for _ in range(6):
        await courier.step()
        await clock.advance(timedelta(minutes=1))
    async with hub.database.transaction(MAIN) as tx:  # what it still owed is no more
        await tx.execute("delete from outbox_command where tenant = $1", tx.tenant)
    hub.shops[NAME].is_down = None
    await clock.advance(timedelta(minutes=2))

    assert (await courier.step()).step is Step.PROBED
    assert (await courier.step()).step is Step.NOTHING
    await courier.close()

    await measured(hub)
    assert (await hub.directory.get(MAIN, NAME)).circuit is Circuit.HALF_OPEN
    assert figure("crossdock_circuit_open", connection=NAME) == 0


async def test_a_message_in_and_a_delivery_out_are_spans(
    hub: World, spans: InMemorySpanExporter
) -> None:
    await hub.inbox.receive(MAIN, NAME, webhook(moves=[{"number": "M1"}]))
    await hub.enqueue(command("c1", connection=NAME))
    await delivered(hub)

    named = {span.name: dict(span.attributes or {}) for span in spans.get_finished_spans()}
    assert named["inbox receive"]["crossdock.connection"] == NAME
    delivery = named["outbox delivery"]
    assert delivery.pop("crossdock.call_id")
    assert delivery == {
        "crossdock.connection": NAME,
        "crossdock.commands": 1,
        "crossdock.correlation_id": "order-1",
    }


async def test_what_goes_wrong_in_a_call_is_logged_under_its_commands_thread(
    hub: World, lines: io.StringIO
) -> None:
    hub.shops[NAME].is_down = ValueError("a bug in the application")
    await hub.enqueue(command("c1", connection=NAME))

    courier = await hub.courier(NAME)
    await courier.step()
    await courier.close()

    found = {line["event"]: line for line in written(lines)}
    assert found["application failed"]["correlation_id"] == "order-1"
    assert found["application failed"]["call_id"] == found["delivered"]["call_id"]
    assert found["delivered"]["correlation_id"] == "order-1"


async def test_a_refused_fact_is_logged_under_its_own_thread(
    hub: World, lines: io.StringIO
) -> None:
    facts = [moved("M1", correlation_id="so_1"), moved("M\0", correlation_id="so_2")]
    await hub.inbox.record(MAIN, NAME, facts, b"")

    [line] = [line for line in written(lines) if line["event"] == "quarantined"]
    assert line["correlation_id"] == "so_2"
