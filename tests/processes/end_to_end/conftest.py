"""One real Tryton for all tests of this folder."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from crossdock.foundation.postgres import EmbeddedPostgres
from tests.peers.tryton import server
from tests.peers.tryton.server import TrytonServer


@pytest.fixture(scope="session")
async def tryton() -> AsyncIterator[TrytonServer]:
    cluster = await EmbeddedPostgres.start(server.ROOT / ".peers" / "tryton" / "cluster")
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(server.running(cluster.dsn))
