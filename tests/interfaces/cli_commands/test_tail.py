"""Who follows the log sees every event once, whatever becomes of the database meanwhile."""

import asyncio

import pytest

from crossdock.assembly import Hub
from crossdock.canonical.envelope import Event
from crossdock.foundation.postgres import EmbeddedPostgres
from crossdock.interfaces.cli.tail import follow_log
from tests.conftest import out_of_reach


async def test_a_follower_waits_out_a_database_that_is_away(
    hub: Hub, postgres: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    async def show(event: Event) -> None:
        shown.append(event.fact.identity)

    async def until_shown(count: int) -> None:
        while len(shown) < count:
            await asyncio.sleep(0.05)

    await hub.put_stock("BOLT", "DC1", 1)
    following = asyncio.create_task(follow_log(hub, show, from_start=True))
    async with asyncio.timeout(30):
        await until_shown(1)
        async with out_of_reach(postgres, hub.database):
            await asyncio.sleep(1)
            before = len(shown)
        await hub.put_stock("NUT", "DC1", 1)
        await until_shown(before + 1)
    following.cancel()

    assert len(set(shown)) == len(shown)
    assert capsys.readouterr().err.count("the database is away") == 1
