"""Many ask for the same few units at once, some die while asking: nothing is promised twice."""

import asyncio
import os
from random import Random

import pytest

from benchmarks.reservations_under_fire import kill_loop
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import Inventory, ReservationLine, ReservationRequest
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.unit.capabilities.inventory.house import MAIN, House, count, counted, moved, place

CLIENTS = 200
KILLS = int(os.environ.get("CROSSDOCK_KILLS", "4"))  # noqa: TID251  # how much to test

# I1 and I2 as the database sees them: the counters are what the promises add up to.
DISAGREEMENTS = """
select s.item from inventory_stock s
left join inventory_reservation r on r.stock_id = s.stock_id and not r.is_linked
    and r.status in ('ACTIVE', 'PARTIALLY_CONSUMED')
group by s.stock_id, s.item, s.hard, s.soft
having s.hard <> coalesce(sum(r.granted - r.consumed) filter (where r.is_hard), 0)
    or s.soft <> coalesce(sum(r.granted - r.consumed) filter (where not r.is_hard), 0)
"""


async def test_a_stampede_from_several_processes_sells_exactly_what_there_is(
    database: Database, clock: VirtualClock, dsn: str
) -> None:
    house = await House.opened(database, clock)
    await house.hear(counted(1, count(60), count(25, item="Y")))
    pools = [await Database.open(dsn, pool_size=3) for _ in range(3)]
    hubs = [Inventory(pool, clock) for pool in pools]
    random = Random(1)

    async def client(number: int) -> int:
        item = random.choice("XY")
        asked = ReservationRequest(
            f"R{number}",
            (ReservationLine(item, "DC1", random.randint(1, 3) * MICROS),),
            kind=random.choice(list(ReservationKind)),
        )
        made = await random.choice(hubs).reserve(MAIN, "shop", asked)
        return made.lines[0].granted // MICROS

    try:
        granted = await asyncio.gather(*map(client, range(CLIENTS)))
    finally:
        for pool in pools:
            await pool.close()

    assert sum(granted) == 85  # single units were asked for, so nothing is left over
    await assert_counters_agree(database)


async def test_promises_hold_while_stock_moves_beneath_them(
    database: Database, clock: VirtualClock
) -> None:
    """I2: every grant finds its units; what picks and losses do shows as shortage at once."""
    house = await House.opened(database, clock)
    await house.hear(counted(1, count(500)))
    random = Random(2)
    made: list[str] = []

    async def ask(number: int) -> None:
        line = ReservationLine("X", "DC1", random.randint(1, 4) * MICROS, f"O/{number}")
        request = ReservationRequest(f"R{number}", (line,), kind=ReservationKind.HARD)
        answer = await house.inventory.reserve(MAIN, "shop", request)
        if answer.is_granted:
            made.append(answer.reservation_id)

    async def undo(_: int) -> None:
        if made:
            await house.inventory.release(MAIN, random.choice(made))

    async def pick(number: int) -> None:
        ref = f"O/{random.randint(0, 60)}"
        await house.record(moved(number + 2, 1, place(), None, demand_ref=ref))
        await house.fold()

    acts = (ask, ask, undo, pick)
    for round_ in range(15):
        numbers = range(round_ * 10, round_ * 10 + 10)
        await asyncio.gather(*(random.choice(acts)(number) for number in numbers))
    await house.inventory.upkeep.tell()

    stock = await house.stock()
    assert stock.figures.shortage == 0
    upkeep = house.inventory.upkeep
    assert await upkeep.state_hash(MAIN) == await upkeep.replayed_hash(MAIN)


async def test_killed_hubs_and_databases_lose_and_oversell_nothing() -> None:
    outcome = await kill_loop(KILLS)

    assert (outcome["oversold"], outcome["lost"], outcome["miscounted"]) == (0, 0, 0)
    assert outcome["kills"] == KILLS  # each met a hub that had promised
    assert int(outcome["reported"]) >= KILLS
    # Some items sold out, so that too much could have been promised, and some never did.
    assert int(outcome["denied"]) > 0
    assert int(outcome["sold_out"]) > 0
    assert int(outcome["left_over"]) > 0


async def assert_counters_agree(database: Database) -> None:
    async with database.transaction(Scope.of_workers()) as tx:
        assert await tx.fetch(DISAGREEMENTS) == []


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_lost_after_it_was_promised_is_a_shortage_at_once(
    database: Database, clock: VirtualClock, seed: int
) -> None:
    """I2: promises stand when their goods are lost, and the shortage shows with the loss."""
    house = await House.opened(database, clock)
    await house.hear(counted(1, count(50)))
    random, lying, promised, shortages = Random(seed), 50, 0, set[bool]()
    for number in range(30):
        pieces = random.randint(1, 6)
        if random.random() < 0.6:
            line = ReservationLine("X", "DC1", pieces * MICROS, f"O/{number}")
            request = ReservationRequest(f"R{number}", (line,), kind=ReservationKind.HARD)
            answer = await house.inventory.reserve(MAIN, "shop", request)
            assert answer.is_granted == (lying - promised >= pieces)
            promised += pieces * answer.is_granted
        else:
            await house.hear(moved(number + 2, pieces, place(), None))
            lying -= pieces
        figures = (await house.stock()).figures
        assert figures.shortage == max(0, promised - max(0, lying)) * MICROS
        shortages.add(figures.shortage > 0)
    assert shortages == {True, False}
