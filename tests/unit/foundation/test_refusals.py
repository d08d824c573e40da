"""An event that a reader refused is seen, and applied once its cause is mended."""

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.errors import Invalid, NotFound, Unavailable
from crossdock.foundation import event_log, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Entry
from crossdock.foundation.readers import Reader
from crossdock.foundation.refusals import Refusals
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.figures import figure

MAIN = Scope("main")


class Ledger:
    """Keeps the codes it hears, in a table and in order; refuses some until it is mended."""

    def __init__(self, *refuses: str) -> None:
        self.heard: list[str] = []
        self.refuses = set(refuses)
        self.outage: Exception | None = None

    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        await tx.execute("select 1")
        if self.outage:
            raise self.outage
        codes = [event.payload.key for event in events]
        if bad := self.refuses.intersection(codes):
            raise ValueError(min(bad))
        self.heard += codes


async def refused(
    database: Database, clock: VirtualClock, ledger: Ledger, *codes: str, tenant: str = "main"
) -> Refusals:
    """Record locations, let the ledger hear them, and give what people may do then."""
    reader = Reader(name="ledger", apply=ledger.apply, shards=4)
    await readers.register(database, reader)
    entries = [
        Entry(
            tenant=tenant,
            source="erp",
            received_at=NOON,
            fact=Fact(
                identity=f"location:{code}", payload=LocationChanged(code=code), occurred_at=NOON
            ),
        )
        for code in codes
    ]
    async with database.transaction(Scope(tenant)) as tx:
        await event_log.append_once(tx, entries)
    await readers.catch_up(database, reader, clock)
    return Refusals(database, clock, [reader])


async def test_a_refused_event_is_listed_with_reader_and_reason(
    database: Database, clock: VirtualClock
) -> None:
    refusals = await refused(database, clock, Ledger("DC2"), "DC1", "DC2")

    [one] = await refusals.find(MAIN)

    assert (one.reader, one.type, one.source, one.key) == (
        "ledger",
        "catalog.location_changed.v1",
        "erp",
        "DC2",
    )
    assert (one.reason, one.refused_at) == ("ValueError('DC2')", NOON)
    assert await refusals.count(MAIN) == 1
    assert await refusals.find(MAIN, reader="other") == []
    assert await refusals.find(MAIN, after=one.position) == []


async def test_a_mended_event_is_applied_once_and_leaves_the_list(
    database: Database, clock: VirtualClock
) -> None:
    ledger = Ledger("DC2")
    refusals = await refused(database, clock, ledger, "DC1", "DC2", "DC3")
    [one] = await refusals.find(MAIN)
    ledger.refuses.clear()

    [result] = await refusals.reapply(MAIN, one.position)

    assert (result.reader, result.is_applied) == ("ledger", True)
    assert sorted(ledger.heard) == ["DC1", "DC2", "DC3"]
    assert await refusals.count(MAIN) == 0
    with pytest.raises(NotFound, match=f"position {one.position}"):
        await refusals.reapply(MAIN, one.position)


async def test_an_event_that_is_refused_again_stays_with_its_new_reason(
    database: Database, clock: VirtualClock
) -> None:
    ledger = Ledger("DC2")
    refusals = await refused(database, clock, ledger, "DC2")
    [one] = await refusals.find(MAIN)
    ledger.outage = ValueError("something else")

    [result] = await refusals.reapply(MAIN, one.position)

    assert (result.is_applied, result.reason) == (False, "ValueError('something else')")
    assert [each.reason for each in await refusals.find(MAIN)] == ["ValueError('something else')"]


@pytest.mark.parametrize(
    "outage",
    [
        Unavailable("the disk is full"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
        asyncpg.QueryCanceledError("canceling statement due to user request"),
        asyncpg.InternalClientError("got result for unknown protocol state"),
    ],
    ids=lambda outage: type(outage).__name__,
)
async def test_an_outage_is_no_refusal(
    database: Database, clock: VirtualClock, outage: Exception
) -> None:
    ledger = Ledger("DC2")
    refusals = await refused(database, clock, ledger, "DC2")
    [one] = await refusals.find(MAIN)
    ledger.outage = outage

    with pytest.raises(type(outage)):
        await refusals.reapply(MAIN, one.position)

    assert [each.reason for each in await refusals.find(MAIN)] == ["ValueError('DC2')"]


async def test_two_people_apply_an_event_once(database: Database, clock: VirtualClock) -> None:
    ledger = Ledger("DC2")
    refusals = await refused(database, clock, ledger, "DC2")
    [one] = await refusals.find(MAIN)
    ledger.refuses.clear()

    tries = [refusals.reapply(MAIN, one.position) for _ in range(2)]
    results = await asyncio.gather(*tries, return_exceptions=True)

    applied = [each for each in results if isinstance(each, list) and each[0].is_applied]
    assert len(applied) == 1
    assert ledger.heard == ["DC2"]


async def test_nobody_applies_another_tenants_event(
    database: Database, clock: VirtualClock
) -> None:
    ledger = Ledger("DC2")
    refusals = await refused(database, clock, ledger, "DC2", tenant="other")
    [one] = await refusals.find(Scope("other"))
    ledger.refuses.clear()

    with pytest.raises(NotFound):
        await refusals.reapply(MAIN, one.position)

    assert (await refusals.count(MAIN), await refusals.count(Scope("other"))) == (0, 1)
    assert ledger.heard == []


async def test_a_reader_that_is_gone_is_named(database: Database, clock: VirtualClock) -> None:
    await refused(database, clock, Ledger("DC2"), "DC2")
    later = Refusals(database, clock, [])
    [one] = await later.find(MAIN)

    [result] = await later.reapply(MAIN, one.position)

    assert (result.is_applied, result.reason) == (False, "this hub has no reader ledger any more")


async def test_a_refused_event_that_is_given_up_is_off_the_list_and_on_record(
    database: Database, clock: VirtualClock
) -> None:
    ledger = Ledger("DC2")
    refusals = await refused(database, clock, ledger, "DC2")
    [one] = await refusals.find(MAIN)
    ledger.refuses.clear()

    assert await refusals.discard(MAIN, one.position, reason="said by mistake") == 1

    assert (await refusals.find(MAIN), await refusals.count(MAIN)) == ([], 0)
    async with database.transaction(Scope.of_workers()) as tx:
        await readers.measure(tx, clock.now())
        kept = await tx.fetchrow("select discarded_at, discarded_reason from log_refusal")
    assert tuple(kept) == (clock.now(), "said by mistake")
    assert figure("crossdock_reader_refusals", reader="ledger") == 0
    for again in (refusals.reapply(MAIN, one.position), refusals.discard(MAIN, 1, reason="no")):
        with pytest.raises(NotFound):
            await again
    assert ledger.heard == []


async def test_nobody_gives_up_without_a_reason_or_for_another_tenant(
    database: Database, clock: VirtualClock
) -> None:
    refusals = await refused(database, clock, Ledger("DC2"), "DC2", tenant="other")
    [one] = await refusals.find(Scope("other"))

    with pytest.raises(Invalid, match="say why"):
        await refusals.discard(Scope("other"), one.position, reason=" ")
    with pytest.raises(NotFound):
        await refusals.discard(MAIN, one.position, reason="not ours")
    with pytest.raises(NotFound, match="by catalog"):
        await refusals.discard(Scope("other"), one.position, reason="why", reader="catalog")

    assert await refusals.count(Scope("other")) == 1
