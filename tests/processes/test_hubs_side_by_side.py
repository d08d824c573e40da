"""Several hubs on one database share out the work: by readers, and by leases."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from pydantic import BaseModel, SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.sdk import Application, Kind, Poll, Ports, Translation
from crossdock.foundation.settings import Settings


class NoSettings(BaseModel):
    pass


class Slow:
    """A source that takes its time."""

    def __init__(self) -> None:
        self.asked = 0

    async def check(self) -> str:
        return "it is there"

    async def poll(self, cursor: str) -> Poll:
        self.asked += 1
        await asyncio.sleep(20)
        return Poll(translation=Translation(), cursor=cursor, raw=b"", is_caught_up=True)


def settings(dsn: str) -> Settings:
    return Settings(dsn=SecretStr(dsn), pool_size=4)


async def test_every_reader_of_the_hub_has_one_shard(dsn: str) -> None:
    async with Hub.open(settings(dsn)) as hub:
        assert {reader.name: reader.shards for reader in hub.readers if reader.shards != 1} == {}


async def test_a_process_with_the_number_of_another_does_not_take_its_lease(dsn: str) -> None:
    """As in two containers of one host name: here it is one process that is both."""
    source = Slow()

    @asynccontextmanager
    async def connected(_settings: NoSettings, _ports: Ports) -> AsyncIterator[Slow]:
        yield source

    slow = Application(
        name="slow",
        title="A slow source",
        kind=Kind.SHOP,
        settings=NoSettings,
        connect=connected,
        poll_every=timedelta(seconds=30),
    )
    outside = Outside(applications={"slow": slow})
    async with (
        Hub.open(settings(dsn), outside) as hub,
        Hub.open(settings(dsn), outside) as other,
    ):
        await hub.connect(Entry(tenant="main", name="erp", application="slow", settings={}))
        assert hub.worker == other.worker
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(hub.pollers.run())
            async with asyncio.timeout(20):
                while not source.asked:
                    await asyncio.sleep(0.01)
            beside = group.create_task(other.pollers.run())
            await asyncio.sleep(1)
            for task in (polling, beside):
                task.cancel()
        assert source.asked == 1
