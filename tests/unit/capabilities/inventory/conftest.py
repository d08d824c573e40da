"""A hub's inventory on a real database, and short ways to say what happened."""

import pytest

from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.unit.capabilities.inventory.house import House


@pytest.fixture
async def house(database: Database, clock: VirtualClock) -> House:
    return await House.opened(database, clock)
