"""Among systems that contradict each other, the positions of a location follow its keeper."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Rejected
from crossdock.canonical.inventory import StockStatus
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.scope import Scope
from crossdock.foundation.settings import Settings
from tests.conftest import NOON
from tests.unit.capabilities.inventory.house import count, counted, moved, place

DAYS = 12
ITEMS = ("X", "Y")
LOCATIONS = ("EAST", "WEST", "NORTH")
SOURCES = ("wms", "erp")
STATUSES = (StockStatus.AVAILABLE, StockStatus.DAMAGED)
Levels = dict[tuple[str, str], dict[str, int]]


@pytest.fixture
async def hub(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Hub]:
    settings = Settings(dsn=SecretStr(dsn), data_dir=tmp_path, log_level="ERROR")
    async with Hub.open(settings, Outside(clock=clock, applications={})) as opened:
        yield opened


def day(random: Random) -> list[tuple[str, Fact]]:
    """Make up what two systems tell of the same three locations."""
    return [
        (random.choice(SOURCES), _fact(random, number))
        for number in range(1, random.randint(8, 25))
    ]


def _fact(random: Random, number: int) -> Fact:
    if random.random() < 0.7:
        ends = [
            None
            if random.random() < 0.3
            else place(random.choice(LOCATIONS), random.choice(STATUSES))
            for _ in range(2)
        ]
        return moved(number, random.randint(1, 9), *ends, item=random.choice(ITEMS))
    lines = [
        count(random.randint(0, 40), random.choice(STATUSES), item=item)
        for item in random.sample(ITEMS, random.randint(0, 2))
    ]
    location = random.choice(LOCATIONS)
    return counted(number, *lines, location=location, is_full=random.random() < 0.5)


async def tell(hub: Hub, scope: Scope, told: list[tuple[str, Fact]], random: Random) -> None:
    told = told + random.sample(told, len(told) // 3)  # some twice
    for source, fact in told:
        await hub.inbox.record(scope, source, [fact], b"")


async def settled(hub: Hub, scope: Scope, keepers: dict[str, str]) -> None:
    """Make a tenant's items, locations and keepers known; each source has spoken before."""
    facts = [own_fact(ItemChanged(sku=item), NOON) for item in ITEMS]
    facts += [own_fact(LocationChanged(code=location), NOON) for location in LOCATIONS]
    for source in (OWN_SOURCE, *SOURCES):
        await hub.inbox.record(scope, source, facts, b"")
    await hub.settle()
    for location, source in keepers.items():
        await hub.authority.set_keeper(scope, location, source, by="test")


async def levels(hub: Hub, scope: Scope, location: str) -> Levels:
    answers = await hub.inventory.availability(scope, [(item, location) for item in ITEMS])
    return {
        (answer.item, location): {
            status: micros for status, micros in answer.by_status.items() if micros
        }
        for answer in answers
    }


@pytest.mark.parametrize("seed", range(DAYS))
async def test_only_its_keeper_ever_moves_a_kept_location(hub: Hub, seed: int) -> None:
    """Compare with a house where the others never spoke, and one where nobody is keeper."""
    random = Random(seed)
    told = day(random)
    keepers = {"EAST": "wms", "WEST": random.choice(SOURCES)}
    both, free = Scope("both"), Scope("free")
    alone = {source: Scope(f"alone-{source}") for source in SOURCES}
    await settled(hub, both, keepers)
    for scope in (free, *alone.values()):
        await settled(hub, scope, {})

    await tell(hub, both, told, random)
    await tell(hub, free, told, random)
    for source, scope in alone.items():
        await tell(hub, scope, [one for one in told if one[0] == source], random)
    await hub.settle()

    for location, keeper in keepers.items():
        expected = await levels(hub, alone[keeper], location)
        assert await levels(hub, both, location) == expected
    assert await levels(hub, both, "NORTH") == await levels(hub, free, "NORTH")


async def test_a_count_by_hand_at_a_kept_location_is_refused_and_leaves_nothing(hub: Hub) -> None:
    await hub.put_stock("X", "EAST", 5)
    await hub.record([counted(1, count(40), location="EAST")], source="wms")
    await hub.authority.set_keeper(hub.scope, "EAST", "wms", by="test")

    with pytest.raises(Rejected, match="wms keeps the stock of EAST") as refusal:
        await hub.put_stock("NEW", "east", 7)

    assert "count it in wms" in refusal.value.hint
    assert await hub.proposals.find(hub.scope) == []
    assert [one.item for one in await hub.catalog.items(hub.scope)] == ["X"]


async def test_the_hub_itself_may_keep_a_location(hub: Hub, clock: VirtualClock) -> None:
    await hub.put_stock("X", "EAST", 5)
    await hub.authority.set_keeper(hub.scope, "EAST", OWN_SOURCE, by="test")

    await hub.record([counted(1, count(40), location="EAST")], source="wms")
    await clock.advance(timedelta(minutes=1))
    await hub.put_stock("X", "EAST", 6)

    answer = await hub.availability("X", "EAST")
    assert answer.available.value == 6
    assert [one.source for one in await hub.proposals.find(hub.scope)] == ["wms"]
