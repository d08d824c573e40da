"""A hub on a real database, with goods that are still to come."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from tests.unit.capabilities.supply.yard import Yard


@pytest.fixture
async def yard(
    database: Database, dsn: str, clock: VirtualClock, tmp_path: Path
) -> AsyncIterator[Yard]:
    async with Yard.opened(database, dsn, clock, tmp_path) as opened:
        yield opened
