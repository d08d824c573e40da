"""One thread leads from a movement to what it made the shop be told, and ends where it ends."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.canonical.commands import CommandSettled
from crossdock.canonical.envelope import Event, Payload
from crossdock.canonical.inventory import AvailabilityChanged, StockMoved
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Position
from tests.conftest import NOON
from tests.processes.test_backfill import Street, count, open_street, step


@pytest.fixture
async def street(dsn: str, tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(dsn, tmp_path) as opened:
        await opened.say(count(1, 40))
        yield opened


async def told(street: Street, kind: type[Payload]) -> list[Event]:
    hub = street.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=10_000)
    return [event for event in events if isinstance(event.payload, kind)]


async def test_the_thread_of_a_movement_reaches_the_settled_write(street: Street) -> None:
    moment = NOON + timedelta(seconds=1)
    verdicts = await street.say(step(1, -38, moment, correlation_id="SO-77"))

    assert verdicts == ["NEW"]
    assert street.shown == [40, 2]
    [moved] = await told(street, StockMoved)
    available = (await told(street, AvailabilityChanged))[-1]
    assert (available.fact.correlation_id, available.fact.causation_id) == (
        "SO-77",
        moved.event_id,
    )
    hub = street.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        [causation] = [
            row["causation_id"]
            for row in await tx.fetch(
                "select causation_id from outbox_command"
                " where tenant = $1 and correlation_id = 'SO-77' and connection = 'shop'",
                tx.tenant,
            )
        ]
    assert causation == available.event_id
    settled = (await told(street, CommandSettled))[-1]
    assert settled.fact.correlation_id == "SO-77"


async def test_of_several_movements_heard_at_once_the_newest_is_the_cause(
    street: Street,
) -> None:
    first = step(1, -20, NOON + timedelta(seconds=1), correlation_id="SO-1")
    second = step(2, -18, NOON + timedelta(seconds=2), correlation_id="SO-2")
    await street.say(first, second)

    newest = (await told(street, StockMoved))[-1]
    available = (await told(street, AvailabilityChanged))[-1]
    assert newest.fact.correlation_id == "SO-2"
    assert available.fact.causation_id == newest.event_id
    assert (await told(street, CommandSettled))[-1].fact.correlation_id == "SO-2"


async def test_what_follows_from_a_promise_is_not_filed_under_an_older_thread(
    street: Street,
) -> None:
    await street.say(step(1, -10, NOON + timedelta(seconds=1), correlation_id="SO-77"))
    await street.at.clock.advance(timedelta(minutes=2))
    hub = street.at.hub
    await hub.settle()
    before = len(await told(street, CommandSettled))

    await hub.reserve("BOLT", "DC1", 29, request_id="r1")
    for _ in range(3):
        await street.at.clock.advance(timedelta(minutes=2))
        await hub.settle()

    available = (await told(street, AvailabilityChanged))[-1]
    assert (available.fact.correlation_id, available.fact.causation_id) == ("", "")
    news = (await told(street, CommandSettled))[before:]
    assert news
    assert {event.fact.correlation_id for event in news} == {""}
