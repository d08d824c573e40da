"""The parts of a hub that the worked examples are played on, each on a real database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.processes.books import Office, office
from tests.processes.test_backfill import Street, open_street
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.conftest import opened as floor_opened
from tests.unit.capabilities.inventory.house import House
from tests.unit.capabilities.supply.yard import Yard


@pytest.fixture
async def house(database: Database, clock: VirtualClock) -> House:
    return await House.opened(database, clock)


@pytest.fixture
async def floor(database: Database, clock: VirtualClock) -> Floor:
    return await floor_opened(database, clock)


@pytest.fixture
async def yard(
    database: Database, dsn: str, clock: VirtualClock, tmp_path: Path
) -> AsyncIterator[Yard]:
    async with Yard.opened(database, dsn, clock, tmp_path) as opened:
        yield opened


@pytest.fixture
async def street(dsn: str, tmp_path: Path) -> AsyncIterator[Street]:
    async with open_street(dsn, tmp_path) as opened:
        yield opened


@pytest.fixture
async def books(dsn: str, tmp_path: Path) -> AsyncIterator[Office]:
    """Open a hub beside an ERP that books what moves at DC1."""
    async with office(dsn, tmp_path) as opened:
        await opened.keeps("erp", roles={"PostsMovements": ["DC1"]})
        yield opened
