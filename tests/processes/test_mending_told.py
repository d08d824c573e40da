"""What the log is told of mending: what came of it, and each confirmed drift once."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import NotFound, Rejected, Unavailable
from crossdock.canonical.reconciliation import DifferenceConfirmed, DifferenceGone, MendingTried
from crossdock.capabilities.reconciliation.planning import planned
from crossdock.capabilities.reconciliation.stock_ports import Askable
from crossdock.capabilities.reconciliation.taking import Taker
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock, VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Position
from crossdock.foundation.scope import Scope
from tests.processes.shelf import TICK, Warehouse, asked_warehouse, wms_dump
from tests.processes.test_channels_sampled import A_DAY, Cases, Channels, Shop, stage

MAIN = Scope("main")


@pytest.fixture
async def wms(dsn: str, tmp_path: Path) -> AsyncIterator[Warehouse]:
    async with asked_warehouse(dsn, tmp_path) as warehouse:
        yield warehouse


async def told(database: Database) -> list[object]:
    async with database.transaction(MAIN) as tx:
        events, _ = await event_log.read(tx, Position(), limit=1000)
    return [event.payload for event in events]


async def tries(database: Database) -> list[tuple[str, str, str, int]]:
    return [
        (one.how, one.outcome, one.because, one.attempt)
        for one in await told(database)
        if isinstance(one, MendingTried)
    ]


@dataclass
class Keeper:
    """Answers that which records so many facts, or refuses to answer."""

    recorded: int = 0
    refusal: Exception | None = None
    facts: Sequence[Fact] = ()

    async def tenants(self) -> Sequence[str]:
        return ["main"]

    async def places(self, scope: Scope, locations: Sequence[str]) -> Sequence[Askable]:
        del scope, locations
        return []

    async def ask(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> "Keeper":
        del scope, connection, location, items
        if self.refusal is not None:
            raise self.refusal
        return self

    async def record(self) -> int:
        return self.recorded


async def confirmed(wms: Warehouse) -> None:
    """Let the keeper say twice that there are fewer."""
    for number in range(2):
        await wms.at.clock.advance(TICK)
        await wms.moves(100 + number)
        await wms_dump(wms, BOLT=93)
    await wms.at.clock.advance(TICK)


@pytest.mark.parametrize(
    ("keeper", "tried", "attempts"),
    [
        (Keeper(recorded=1), [("RECORDED", "DONE", "", 1)], 1),
        (
            Keeper(recorded=0),
            [
                (
                    "RECORDED",
                    "FAILED",
                    "its answer tells nothing of it that is not recorded already",
                    1,
                )
            ],
            1,
        ),
        (
            Keeper(refusal=Rejected("its token expired")),
            [("RECORDED", "REFUSED", "its token expired", 1)],
            1,
        ),
        (Keeper(refusal=Unavailable("it does not answer")), [], 0),
    ],
)
async def test_the_keepers_word_is_told_to_be_recorded_only_where_it_is(
    wms: Warehouse, keeper: Keeper, tried: list[tuple[str, str, str, int]], attempts: int
) -> None:
    """What is not answered at all is no try, and is asked again (§4.3)."""
    hub = wms.at.hub
    await confirmed(wms)
    clock: Clock = wms.at.clock
    taker = Taker(hub.database, clock, keeper, Cases())
    plan = planned("wms", "DC1", listings=50, keys_a_call=9, quota_calls_a_day=90_000)

    assert await taker.follow(hub.scope, [plan]) == []

    assert await tries(hub.database) == tried
    [found] = await hub.reconciliation.findings(hub.scope)
    assert (found.state, found.attempts) == ("CONFIRMED", attempts)


@dataclass
class Refusing(Channels):
    refusal: Exception | None = None

    async def republish(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> int:
        if self.refusal is not None:
            raise self.refusal
        return await super().republish(scope, connection, location, items)


@pytest.mark.parametrize(
    ("refusal", "outcome", "because"),
    [
        (None, "DONE", ""),
        (NotFound("no terms are agreed"), "REFUSED", "no terms are agreed"),
        (Unavailable("the database rests"), "FAILED", "the database rests"),
    ],
)
async def test_a_level_is_told_to_be_written_again_only_where_it_is(
    database: Database,
    clock: VirtualClock,
    refusal: Exception | None,
    outcome: str,
    because: str,
) -> None:
    channels = Refusing(
        Shop("shop", "web", 60, 100, 10 * A_DAY), held={"I00000": 55}, refusal=refusal
    )
    at = stage(database, clock, channels)
    await at.sampler.sample(MAIN, "shop", "web", ["I00000"], by="ann")
    await clock.advance(TICK)

    if refusal is None:
        done = await at.sampler.sample(MAIN, "shop", "web", ["I00000"], by="ann", republish=True)
        assert done.republished == 1
    else:
        with pytest.raises(type(refusal), match=because):
            await at.sampler.sample(MAIN, "shop", "web", ["I00000"], by="ann", republish=True)

    assert await tries(database) == [("REPUBLISHED", outcome, because, 1)]


async def test_a_drift_is_told_when_it_is_confirmed_and_when_it_is_gone_each_once(
    database: Database, clock: VirtualClock
) -> None:
    channels = Channels(Shop("shop", "web", 60, 100, 10 * A_DAY), held={"I00000": 55})
    at = stage(database, clock, channels)
    for _ in range(3):
        await at.sampler.sample(MAIN, "shop", "web", ["I00000"], by="ann")
        await clock.advance(TICK)
    channels.held = {}
    await at.sampler.sample(MAIN, "shop", "web", ["I00000"], by="ann")

    confirmed, gone = await told(database)
    assert isinstance(confirmed, DifferenceConfirmed)
    assert isinstance(gone, DifferenceGone)
    said = (confirmed.system, confirmed.against, confirmed.location, confirmed.remedy)
    assert said == ("published", "shop", "web", "REPUBLISH")
    micros = [str(one.value) for one in (confirmed.ours, confirmed.theirs)]
    assert micros == ["0.00004", "0.000055"]
    assert gone.finding_id == confirmed.finding_id
