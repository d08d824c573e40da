"""A time is found in the log by halving: what came later lies behind the place."""

from datetime import timedelta

import pytest

from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.foundation import event_log
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Entry
from crossdock.foundation.log_times import place_before
from crossdock.foundation.scope import Scope
from tests.conftest import NOON

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("count", [0, 1, 2, 7])
async def test_everything_received_since_comes_behind_the_place(
    database: Database, count: int
) -> None:
    for number in range(count):
        tenant = "main" if number % 2 else "other"
        payload = LocationChanged(code=f"L{number}")
        fact = Fact(identity=f"l{number}", payload=payload, occurred_at=NOON)
        entry = Entry(tenant=tenant, source="x", received_at=NOON + number * SECOND, fact=fact)
        async with database.transaction(Scope(tenant)) as tx:
            await event_log.append_once(tx, [entry])
    rows = await database.call("select 1")
    assert rows

    for number in range(count + 2):
        place = await place_before(database, NOON + number * SECOND)
        async with database.transaction(Scope.of_workers()) as tx:
            behind = await tx.fetchval(
                "select count(*) from event_log where position > $1 and ($2 = '*' or tenant = $2)",
                place,
                tx.tenant,
            )
        assert behind == max(0, count - number)
