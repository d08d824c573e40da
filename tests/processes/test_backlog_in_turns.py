"""What is overdue is looked for among all that is open, however much is older (RCN-BACKLOG)."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.overdue import Overdue
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from crossdock.orchestration.case_desk import CaseDesk
from tests.conftest import NOON
from tests.processes.test_reconciliation import HEADER, HOUR, House

ITEMS = [f"SKU-{number}" for number in range(1, 8)]
LAST = ITEMS[-1]
OLD: Mapping[str, str] = dict.fromkeys(ITEMS[:-1], "C")
"""Six of class C, which have three days."""


@pytest.fixture
async def house(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[House]:
    settings = Settings(dsn=SecretStr(dsn), data_dir=tmp_path, log_level="ERROR")
    async with Hub.open(settings, Outside(clock=clock, applications={})) as hub:
        facts = [own_fact(ItemChanged(sku=item), NOON) for item in ITEMS]
        facts.append(own_fact(LocationChanged(code="DC1"), NOON))
        await hub.record(facts, source=OWN_SOURCE)
        opened = House(hub, clock, tmp_path)
        await opened.counted(**dict.fromkeys((item.replace("-", "_") for item in ITEMS), 100))
        await clock.advance(HOUR)
        yield opened


@pytest.fixture
def overdue(house: House) -> Overdue:
    return Overdue(house.hub.database, CaseDesk(), Policy())


async def says(house: House, level: int, classes: Mapping[str, str]) -> None:
    """Let the ERP say how many there are of these items, twice an hour apart."""
    for _ in range(2):
        rows = [
            f"{item},DC1,AVAILABLE,{level},{house.at.isoformat()},1,{of}"
            for item, of in classes.items()
        ]
        await house.dumped(*rows, header=f"{HEADER},unit_cost,class")
        await house.clock.advance(HOUR)


async def backlog(house: House) -> list[tuple[object, object]]:
    return [
        (one.evidence["findings"], one.entity)
        for one in await house.hub.cases.find(house.hub.scope)
        if one.code == "RCN-BACKLOG"
    ]


async def test_one_that_is_overdue_is_found_behind_older_ones_that_are_not(
    house: House, overdue: Overdue
) -> None:
    await says(house, 90, OLD)
    await says(house, 90, {LAST: "A"})  # eight hours
    await house.clock.advance(9 * HOUR)

    await overdue.watch(house.at, page=2)

    assert await backlog(house) == [(1, LAST)]


async def test_a_look_goes_on_where_the_last_one_ended(house: House, overdue: Overdue) -> None:
    await says(house, 90, OLD)
    await says(house, 90, {LAST: "A"})
    await house.clock.advance(9 * HOUR)

    looks = 0
    while not await backlog(house) and looks < len(ITEMS):
        await overdue.watch(house.at, page=2, pages_most=1)
        looks += 1

    assert looks == 4, "three pages of older ones come first"


async def test_the_case_does_not_end_before_all_were_looked_at(
    house: House, overdue: Overdue
) -> None:
    await says(house, 90, OLD)
    await says(house, 90, {LAST: "A"})
    await house.clock.advance(9 * HOUR)
    await overdue.watch(house.at, page=2)

    for _ in range(3):
        await overdue.watch(house.at, page=2, pages_most=1)
        assert await backlog(house) == [(1, LAST)]

    await says(house, 100, {LAST: "A"})
    for _ in range(9):
        await overdue.watch(house.at, page=2, pages_most=1)
    assert await backlog(house) == []


async def test_what_becomes_late_behind_a_look_keeps_the_case_open(
    house: House, overdue: Overdue
) -> None:
    """One of three days is passed while it has an hour left; by the end of the turn it is late."""
    await says(house, 90, OLD)
    await says(house, 90, {LAST: "A"})
    await house.clock.advance(9 * HOUR)
    await overdue.watch(house.at, page=2)
    await house.clock.advance(timedelta(hours=56))  # of those of class C an hour or two are left
    await says(house, 100, {LAST: "A"})
    left = [
        one.due_at - house.at for one in await house.findings("CONFIRMED") if one.item_class == "C"
    ]
    assert min(left) > timedelta(0), "else nothing becomes late behind it"

    await overdue.watch(house.at, page=2, pages_most=1)
    await house.clock.advance(max(left) + HOUR)
    for _ in range(3):
        await overdue.watch(house.at, page=2, pages_most=1)

    assert await backlog(house) == [(1, LAST)], "the same case goes on"
