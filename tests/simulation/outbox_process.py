"""A hub process that delivers one connection's outbox over HTTP, to be killed by a test."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

import msgspec
from pydantic import BaseModel

from crossdock.connectivity.courier import Surroundings
from crossdock.connectivity.deliveries import Deliveries
from crossdock.connectivity.directory import Directory
from crossdock.connectivity.sdk import (
    Application,
    HeldQuantity,
    Kind,
    Outcome,
    Ports,
    PublishesAvailability,
    RepeatSafety,
    SetAvailability,
    Verdict,
)
from crossdock.connectivity.transports.http import HttpClient, checked
from crossdock.connectivity.vault import Vault
from crossdock.foundation.clock import Clock, SystemClock
from crossdock.foundation.database import Database
from crossdock.foundation.ids import SystemIds
from tests.unit.connectivity.standins import Catalogue


class Settings(BaseModel):
    address: str
    safety: RepeatSafety


class HttpShop:
    """One call carries one command, so the target can count each."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def check(self) -> str:
        return "a target that counts"

    async def set_availability(self, commands: Sequence[SetAvailability]) -> Sequence[Outcome]:
        [command] = commands
        answer = checked(
            await self._client.request("POST", "/set", body=msgspec.json.encode(command))
        )
        return [Outcome(command_id=command.command_id, verdict=Verdict(answer.body.decode()))]

    async def held_availability(self, keys: Sequence[tuple[str, str]]) -> Sequence[HeldQuantity]:
        body = msgspec.json.encode(keys)
        answer = checked(await self._client.request("POST", "/held", body=body))
        return msgspec.json.decode(answer.body, type=list[HeldQuantity])


def application(safety: RepeatSafety, clock: Clock) -> Application:
    @asynccontextmanager
    async def connect(settings: Settings, _ports: Ports) -> AsyncIterator[HttpShop]:
        client = HttpClient(
            settings.address, clock=clock, allow_private_addresses=True, timeout_seconds=5
        )
        async with client:
            yield HttpShop(client)

    return Application(
        name="http_shop",
        title="HTTP shop",
        kind=Kind.SHOP,
        settings=Settings,
        connect=connect,
        roles={PublishesAvailability: safety},
        batch_max=1,
        rate_per_second=1000,
        concurrency=3,
    )


def surroundings(
    database: Database, clock: Clock, safety: RepeatSafety, worker: str
) -> Surroundings:
    applications = {"http_shop": application(safety, clock)}
    directory = Directory(database, clock, Vault(b"k" * 32), applications)
    ports = Ports(clock=clock, random=Random(1), allow_private_addresses=True)
    return Surroundings(
        database=database,
        directory=directory,
        keys=Catalogue(),
        ports=ports,
        ids=SystemIds(),
        worker=worker,
    )


async def main(dsn: str, safety: str, worker: str) -> None:
    database = await Database.open(dsn, pool_size=4)
    around = surroundings(database, SystemClock(), RepeatSafety(safety), worker)
    await Deliveries(around).run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
