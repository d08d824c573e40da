"""The ledger as it stood: what was recorded after the cut is off, whatever else goes on."""

from collections import defaultdict
from datetime import timedelta
from random import Random

import pytest

from crossdock.canonical.inventory import MovementType, StockStatus
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import LedgerAtCut, inventory_reader
from crossdock.capabilities.inventory.at_cut import KeyAtCut
from crossdock.capabilities.inventory.ledger import microseconds
from crossdock.foundation import event_log, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Entry
from crossdock.foundation.scope import Scope
from tests.conftest import NOON, execute
from tests.unit.capabilities.inventory.house import count, counted, moved, place

MAIN = Scope("main")
LEVELS = dict[tuple[str, str, str], int]


async def told(database: Database, clock: VirtualClock, *facts: object) -> None:
    reader = inventory_reader(clock)
    await readers.register(database, reader)
    async with database.transaction(MAIN) as tx:
        await event_log.append_once(
            tx,
            [
                Entry(tenant="main", source="wms", received_at=NOON, fact=fact)  # type: ignore[arg-type]  # any payload will do
                for fact in facts
            ],
        )
    await readers.catch_up(database, reader, clock)


async def lying(
    database: Database,
    cuts: dict[str, int],
    *,
    page: int = 2_000,
    since: int = 0,
    wanted: list[tuple[str, str]] | None = None,
) -> list[KeyAtCut]:
    ledger = LedgerAtCut(page)
    async with database.transaction(MAIN) as tx:
        await ledger.begin(tx)
        if wanted is not None:
            return [key async for key in ledger.some_keys(tx, cuts, since, wanted)]
        return [key async for key in ledger.keys(tx, cuts, since)]


def levels(keys: list[KeyAtCut]) -> LEVELS:
    return {
        (key.location, key.item, bucket.status): bucket.micros // MICROS
        for key in keys
        for bucket in key.buckets
        if bucket.micros
    }


@pytest.mark.parametrize("seed", range(5))
async def test_any_cut_gives_what_was_recorded_up_to_it(
    database: Database, clock: VirtualClock, seed: int
) -> None:
    random = Random(seed)
    stated: list[tuple[int, LEVELS]] = []
    facts: list[object] = []
    for number in range(1, 40):
        ends = [
            None
            if random.random() < 0.3
            else place(random.choice(["DC1", "DC2"]), random.choice(list(StockStatus)[:2]))
            for _ in range(2)
        ]
        item, quantity = random.choice("ABC"), random.randint(1, 9)
        facts.append(moved(number, quantity, *ends, item=item))
        change: LEVELS = defaultdict(int)
        for end, sign in zip(ends, (-1, 1), strict=True):
            if end is not None:
                change[end.location, item, end.status] += sign * quantity
        stated.append((number, change))
    await told(database, clock, *random.sample(facts, len(facts)))

    for number in (0, 7, 20, 39):
        cut = microseconds(NOON + timedelta(seconds=number))
        cuts = {"DC1": cut, "DC2": cut}
        found = await lying(database, cuts, page=random.randint(1, 5))

        expected: LEVELS = defaultdict(int)
        for at, change in stated:
            if at <= number:
                for key, amount in change.items():
                    expected[key] += amount
        assert levels(found) == {key: amount for key, amount in expected.items() if amount}
        order = [(key.location, key.item) for key in found]
        assert order == sorted(set(order))
        assert await lying(database, cuts, wanted=order, page=2) == found
        few = order[::2]
        assert await lying(database, cuts, wanted=few) == [
            key for key in found if (key.location, key.item) in few
        ]


async def test_each_location_has_its_own_cut_and_others_are_left_out(
    database: Database, clock: VirtualClock
) -> None:
    facts = [moved(n, 1, None, place(f"DC{n}")) for n in (1, 2, 3)]
    await told(database, clock, *facts)
    early, late = (microseconds(NOON + timedelta(seconds=n)) for n in (0, 9))

    assert levels(await lying(database, {"DC1": early, "DC2": late})) == {
        ("DC2", "X", "AVAILABLE"): 1
    }
    assert await lying(database, {"NOWHERE": late}) == []


async def test_more_than_one_page_of_positions_and_of_movements(
    database: Database, clock: VirtualClock, dsn: str
) -> None:
    """Six thousand shelves moved after the cut, among twenty thousand that lie still."""
    await told(database, clock, counted(1, count(1, item="X")))
    await execute(
        dsn,
        """
        insert into inventory_position (tenant, item, location, status, micros)
        select 'main', 'I' || g, 'DC1', 'AVAILABLE', 5000000 from generate_series(1, 20500) g;
        insert into inventory_movement (event_position, tenant, source, movement_id, type,
            to_position, micros, stream, seq, us, occurred_at)
        select 1000 + row_number() over (), 'main', 'wms', item, 'RECEIPT', position_id, 2000000,
            1, 1, 10, now()
        from inventory_position where item like 'I%' and length(item) = 6
            and item < 'I16000';
        """,
    )
    found = levels(await lying(database, {"DC1": 9}, since=999))
    passed_over = levels(await lying(database, {"DC1": 9}, since=10**9))

    moved_items = [f"I{n}" for n in range(10_000, 16_000)]
    assert len(found) == 20_501
    assert {found["DC1", item, "AVAILABLE"] for item in moved_items} == {3}
    assert sum(found.values()) == 20_500 * 5 - 2 * 6_000 + 1
    assert sum(passed_over.values()) == 20_500 * 5 + 1


async def test_the_newest_movements_are_shown_with_their_documents(
    database: Database, clock: VirtualClock
) -> None:
    facts = [moved(n, 1, None, place(), item="X") for n in range(1, 9)]
    await told(database, clock, *facts, moved(9, 2, place(), None, item="X"))
    ledger, now = LedgerAtCut(), microseconds(clock.now()) + 10**12

    async with database.transaction(MAIN) as tx:
        found = await ledger.recent(tx, [("X", "DC1", now), ("NONE", "DC1", now)], 3)
        none = await ledger.recent(tx, [("X", "DC1", 0)], 3)

    assert sorted((one.movement_id, one.net // MICROS) for one in found) == [
        *(("M6", 1), ("M7", 1), ("M8", 1), ("M9", -2))
    ]
    assert {one.type for one in found} == {MovementType.OTHER}
    assert none == []
