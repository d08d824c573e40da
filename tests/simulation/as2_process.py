"""A hub process that answers or sends by AS2, and kills itself on the way."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from pathlib import Path
from random import Random
from typing import IO, NoReturn
from uuid import UUID

from crossdock.connectivity.as2 import exchange, mime
from crossdock.connectivity.vault import Vault
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import SystemIds
from crossdock.foundation.scope import Scope
from crossdock.orchestration.case_desk import CaseDesk
from tests.unit.connectivity.as2.parties import NOW


def kill() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


class KillingIds(SystemIds):
    """Names are drawn within the transaction that keeps a message."""

    def new(self) -> UUID:
        kill()


class KillingClock(VirtualClock):
    """How long a call takes is measured from just before it."""

    def ticks(self) -> float:
        kill()


class KillingDesk(CaseDesk):
    """The case of a message is closed within the transaction that settles it."""

    async def closed(
        self, tx: Transaction, fingerprints: Sequence[str], resolution: str, now: datetime
    ) -> None:
        del tx, fingerprints, resolution, now
        kill()


def read_message(file: str) -> mime.Entity:
    return mime.read(Path(file).read_bytes())


async def main(dsn: str, what: str, tenant: str, named: str) -> None:
    database = await Database.open(dsn, pool_size=3)
    as2 = exchange.over(
        database,
        KillingClock(NOW) if what == "before the call" else VirtualClock(NOW),
        (KillingIds() if what == "before it is kept" else SystemIds(), Random(5)),
        (Vault(bytes(32)), KillingDesk() if what == "before it is settled" else CaseDesk()),
        allow_private_addresses=True,
    )
    if tenant == "acme":
        message = read_message(named)

        async def read(_most: int) -> IO[bytes]:
            return BytesIO(message.body)

        await as2.answering.receive(Scope(tenant), tuple(message.headers), read)
    else:
        await as2.posting.post(Scope(tenant), named)
    kill()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
