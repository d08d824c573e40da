"""What the database tells the log by itself is what Python would have told."""

import random
from datetime import timedelta

import msgspec
import pytest

from crossdock.canonical.catalog import LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Forbidden
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    ReservationChanged,
    ReservationKind,
    ReservationStatus,
)
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory import facts, store
from crossdock.foundation import event_log
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Entry
from crossdock.foundation.scope import Scope
from tests.conftest import NOON
from tests.unit.capabilities.inventory.house import House, count, counted

SEED = 7
LETTERS = "aZ0 -/:\\\"'{}[],\t\n\x01\x1f\x7fé漢🙂"
ODD = ['"', "\\", "a\tb\nc", "\x01\x1f", "漢字 é", "🙂", "{}", "%s %", "'; --"]


def texts(count: int) -> list[str]:
    chance = random.Random(SEED)
    return ["".join(chance.choices(LETTERS, k=chance.randrange(1, 30))) for _ in range(count)]


async def test_a_fact_has_the_same_id_and_shard_in_the_database_as_here(
    database: Database,
) -> None:
    names = texts(900)
    triples = list(zip(names[::3], names[1::3], names[2::3], strict=True))
    async with database.transaction(Scope.of_workers()) as tx:
        rows = await tx.fetch(
            "select event_uuid(t, s, i) as event_id, event_shard(t, i) as shard"
            " from unnest($1::text[], $2::text[], $3::text[]) n(t, s, i)",
            *(list(column) for column in zip(*triples, strict=True)),
        )

    told = [(row["event_id"], row["shard"]) for row in rows]
    payload = LocationChanged(code="DC1")
    assert told == [
        (
            event_log.event_uuid(
                Entry(
                    tenant=tenant,
                    source=source,
                    received_at=NOON,
                    fact=Fact(identity=identity, payload=payload, occurred_at=NOON),
                )
            ),
            event_log.shard_of(tenant, identity),
        )
        for tenant, source, identity in triples
    ]


async def test_an_amount_is_written_exactly_as_python_writes_it(database: Database) -> None:
    chance = random.Random(SEED)
    micros = [0, 1, -1, 999_999, 1_000_000, 10**18 - 1, -(10**18) + 1]
    micros += [
        chance.randrange(-(10**18), 10**18) // 10 ** chance.randrange(18) for _ in range(500)
    ]
    async with database.transaction(Scope.of_workers()) as tx:
        rows = await tx.fetch(
            "select inventory_amount(m, 'kg \"x\"') as text from unnest($1::bigint[]) m", micros
        )

    told = [msgspec.json.decode(row["text"], type=Quantity) for row in rows]
    assert told == [Quantity.from_micros(one, 'kg "x"') for one in micros]
    assert [row["text"] for row in rows] == [
        msgspec.json.encode(quantity).decode() for quantity in told
    ]


@pytest.mark.parametrize("odd", ODD)
async def test_whatever_a_thing_is_called_its_promise_is_told_whole(
    house: House, odd: str
) -> None:
    item, ref = f"X{odd}", f"SO{odd}/1/{odd}"
    await house.hear(counted(1, count("10.5", item=item), location=f"L{odd}"))
    held = await house.reserve(4, item=item, location=f"L{odd}", demand_ref=ref, ttl_seconds=60)

    [promised] = await house.told(ReservationChanged)
    assert promised.payload == ReservationChanged(
        reservation_id=held.reservation_id,
        line_no=1,
        status=ReservationStatus.ACTIVE,
        kind=ReservationKind.SOFT,
        item=item,
        location=f"L{odd}",
        requested=Quantity.of(4),
        granted=Quantity.of(4),
        consumed=Quantity.of(0),
        demand_ref=ref,
        expires_at=house.clock.now() + timedelta(seconds=60),
    )
    assert promised.fact.correlation_id == ref.rpartition("/")[0]
    assert promised.event_id == promised_id(promised.fact)
    [_, shown] = await house.told(AvailabilityChanged)
    assert shown.payload == AvailabilityChanged(
        item=item,
        location=f"L{odd}",
        version=2,
        nettable=Quantity.of("10.5"),
        hard=Quantity.of(0),
        soft=Quantity.of(4),
        safety=Quantity.of(0),
    )
    assert shown.fact.version == 2
    assert shown.fact.occurred_at == shown.received_at == house.clock.now()


async def test_a_hard_promise_that_quotes_no_order_is_told_without_end_or_thread(
    house: House,
) -> None:
    await house.hear(counted(1, count(10)))
    await house.reserve(4, kind=ReservationKind.HARD)

    [promised] = await house.told(ReservationChanged)
    assert isinstance(promised.payload, ReservationChanged)
    assert (promised.payload.kind, promised.payload.expires_at) == (ReservationKind.HARD, None)
    assert (promised.payload.demand_ref, promised.fact.correlation_id) == ("", "")


async def test_nobody_tells_of_what_belongs_to_another_tenant(house: House) -> None:
    await house.hear(counted(1, count(10)))
    await house.reserve(4)
    async with house.database.transaction(Scope.of_workers()) as tx:
        stock = await store.lock_stock(tx, range(100))
    assert {row.tenant for row in stock.values()} == {"main"}

    async with house.database.transaction(Scope("stranger")) as tx:
        with pytest.raises(Forbidden) as refused:
            await facts.tell(tx, list(stock.values()), [], NOON, {})
    assert refused.value.code == "other_tenant"


def promised_id(fact: Fact) -> str:
    entry = Entry(tenant="main", source="crossdock", received_at=NOON, fact=fact)
    return event_log.event_uuid(entry).hex
