"""One real Tryton for all of its tests, and a connection to it."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from crossdock.applications.tryton.client import TrytonConnection, connected
from crossdock.applications.tryton.settings import TrytonSettings
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import StockStatus
from crossdock.connectivity.sdk import Ports, PostMovement
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.postgres import EmbeddedPostgres
from tests.peers.tryton import server
from tests.peers.tryton.reading import Reading, reading
from tests.peers.tryton.server import TrytonServer
from tests.peers.tryton.trading import Trading

_numbers = itertools.count(1)

Connect = Callable[..., AbstractAsyncContextManager[TrytonConnection]]
Read = Callable[..., AbstractAsyncContextManager[Reading]]


@pytest.fixture(scope="session")
async def tryton() -> AsyncIterator[TrytonServer]:
    cluster = await EmbeddedPostgres.start(server.ROOT / ".peers" / "tryton" / "cluster")
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(server.running(cluster.dsn))


@pytest.fixture
def settings(tryton: TrytonServer) -> TrytonSettings:
    return TrytonSettings.model_validate(
        {
            "base_url": tryton.base_url,
            "database": tryton.database,
            "user": server.USER,
            "password": server.PASSWORD,
            "count_every": None,
            "location_statuses": {"QC": StockStatus.QC_HOLD},
        }
    )


@pytest.fixture
def connect(settings: TrytonSettings) -> Connect:
    """Open a connection with these settings changed."""

    def opened(**changes: Any) -> AbstractAsyncContextManager[TrytonConnection]:
        ports = Ports(clock=SystemClock(), random=Random(4), allow_private_addresses=True)
        return connected(settings.model_copy(update=changes), ports)

    return opened


@pytest.fixture
async def connection(connect: Connect) -> AsyncIterator[TrytonConnection]:
    async with connect() as opened:
        yield opened


@pytest.fixture
def read(settings: TrytonSettings, dsn: str, tmp_path: Path) -> Read:
    """Let a hub of its own read Tryton, with these settings changed."""

    def opened(**changes: Any) -> AbstractAsyncContextManager[Reading]:
        return reading(dsn, tmp_path, settings.model_copy(update=changes))

    return opened


@pytest.fixture
async def clerk(connect: Connect) -> AsyncIterator[Trading]:
    """Somebody else who works in the same Tryton."""
    async with connect() as opened:
        yield Trading(opened.session)


@pytest.fixture
def code() -> str:
    """Give an item code that no other test uses."""
    return f"ITEM-{next(_numbers)}"


def booking(
    reference: str,
    item: int,
    quantity: str,
    *,
    source: str = "",
    target: str = "",
    **more: Any,
) -> PostMovement:
    return PostMovement(
        command_id=f"command of {reference}",
        external_ref=reference,
        item=str(item),
        quantity=Decimal(quantity),
        unit="EA",
        source_location=source,
        target_location=target,
        occurred_on="2026-05-04",
        **more,
    )


async def round_of(connection: TrytonConnection, cursor: str = "") -> tuple[list[Fact], str]:
    """Poll until there is nothing more; nothing may have been refused."""
    facts: list[Fact] = []
    for _ in range(500):
        page = await connection.poll(cursor)
        assert page.translation.refused == ()
        facts += page.translation.facts
        cursor = page.cursor
        if page.is_caught_up:
            return facts, cursor
    raise AssertionError("the round does not end")
