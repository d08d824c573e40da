"""A day turns at many locations at once, in bounded steps, and goes on where it was cut off."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from random import Random

import asyncpg
import pytest

from crossdock.canonical.inventory import AvailabilityChanged
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import model
from crossdock.capabilities.inventory.lots import local_day
from crossdock.capabilities.inventory.turning import Bounds, DayTurns, Part
from crossdock.foundation.scope import Scope
from tests.conftest import execute
from tests.unit.capabilities.inventory.house import MAIN, House, count, counted
from tests.unit.capabilities.inventory.test_expiring import (
    DAY,
    TODAY,
    day,
    is_replayed,
    located,
    lot,
    stands,
    told,
)

REFUSES_L4 = """
create function refuse() returns trigger language plpgsql as $$
begin
    if new.lot = 'L4' then raise 'L4 stands still'; end if;
    return new;
end $$;
create trigger refuse before update on inventory_position for each row execute function refuse();
"""
ZONES = ("UTC", "Pacific/Auckland", "America/Los_Angeles")


class Stopped(DayTurns):
    """Stands still, once it knows what is due, until something else has happened."""

    meanwhile: Callable[[], Awaitable[object]]

    async def _due(self, limit: int) -> list[Part]:
        due = await super()._due(limit)
        await self.meanwhile()
        return due


def turns(house: House, bounds: Bounds) -> DayTurns:
    return DayTurns(house.database, house.clock, None, bounds)


async def reached(house: House) -> date | None:
    async with house.database.transaction(MAIN) as tx:
        found: date | None = await tx.fetchval(
            "select from_day from inventory_day where tenant = $1", "main"
        )
    return found


async def test_a_turn_that_was_cut_off_goes_on_where_it_ended_and_counts_nothing_twice(
    house: House, dsn: str
) -> None:
    names = [f"L{number}" for number in range(1, 6)]
    await house.hear(*(lot(name, day(number)) for number, name in enumerate(names)))
    await house.hear(counted(1, *(count(10, lot=name) for name in names)))
    await execute(dsn, REFUSES_L4)
    await house.clock.advance(9 * DAY)
    before = await told(house)

    with pytest.raises(asyncpg.RaiseError, match="L4 stands still"):
        await turns(house, Bounds(lots=2, step=1)).turn(limit=10)
    assert await stands(house) == (20, 30, 20)
    assert await reached(house) == day(1)
    await execute(dsn, "drop trigger refuse on inventory_position")
    await house.hear(counted(2, count(11, lot="L1")))  # taken as any other in between
    assert await turns(house, Bounds(lots=2, step=1)).turn(limit=10) == 1

    assert await stands(house) == (0, 51, 0)
    assert await reached(house) is None
    assert [nettable for _, nettable, _ in (await told(house))[len(before) :]] == [
        40, 30, 20, 20, 10, 0,
    ]  # fmt: skip
    assert await is_replayed(house)


async def test_a_location_that_stands_still_makes_nobody_wait_and_is_tried_last(
    house: House,
) -> None:
    other = Scope("other")
    await house.hear(
        lot("L1", TODAY), counted(1, count(5, lot="L1")),
        counted(2, count(7, lot="L1"), location="DC2"),
    )  # fmt: skip
    await house.hear(lot("L1", TODAY), counted(1, count(6, lot="L1")), scope=other)
    await house.clock.advance(DAY)
    impatient = Bounds(seconds=0.5)

    async with house.database.transaction(MAIN) as tx:
        await tx.execute("select from inventory_stock where location = 'DC1' for update")
        with pytest.raises(TimeoutError) as refused:
            await turns(house, impatient).turn(limit=1)
        assert refused.value.__notes__ == ["the day of DC1 of main is not turned"]
        assert await turns(house, impatient).turn(limit=2) == 2
        with pytest.raises(TimeoutError):
            await turns(house, impatient).turn(limit=10)
    [theirs] = await house.inventory.availability(other, [("X", "DC1")])
    assert (theirs.figures.nettable, theirs.expired) == (0, 6 * MICROS)
    assert [await stands(house), await stands(house, "DC2")] == [(5, 0, 5), (0, 7, 0)]

    assert await turns(house, impatient).turn(limit=10) == 1
    assert await stands(house) == (0, 5, 0)


async def test_what_failed_is_tried_alone_the_next_time_and_behind_all_others(
    house: House,
) -> None:
    places = ("DC1", "DC2", "DC3")
    await house.hear(*(located(place, "UTC") for place in places), lot("L1", TODAY))
    for number, place in enumerate(places):
        await house.hear(counted(number, count(5, lot="L1"), location=place))
    await house.clock.advance(DAY)
    some = turns(house, Bounds(seconds=0.5))
    async with house.database.transaction(MAIN) as tx:
        await tx.execute("select from inventory_stock where location = 'DC1' for update")
        with pytest.raises(TimeoutError):
            await some.turn(limit=10)
    await house.clock.advance(DAY)
    assert await some.turn(limit=10) == 3

    assert [await stands(house, place) for place in places] == [(0, 5, 0)] * 3


async def test_a_turn_goes_by_the_zone_that_a_location_has_when_it_turns(house: House) -> None:
    """A process finds a day over in Auckland, and sleeps; then it is said to be in America."""
    await house.hear(located("DC1", "Pacific/Auckland"), lot("L1", day(1)))
    await house.hear(counted(1, count(5, lot="L1")))
    await house.clock.advance(timedelta(hours=25))

    async def meanwhile() -> None:
        await house.hear(located("DC1", "America/Los_Angeles", 3))
        assert await turns(house, Bounds()).turn(limit=10) == 1

    stopped = Stopped(house.database, house.clock, None)
    stopped.meanwhile = meanwhile
    assert await stopped.turn(limit=10) == 0

    assert await stands(house) == (5, 0, 5)  # there it is the last day still
    assert await is_replayed(house)


@pytest.mark.parametrize("seed", range(8))
async def test_whatever_the_bounds_every_lot_counts_by_the_day_where_it_lies(
    house: House, seed: int
) -> None:
    """Compare, night after night, with the calendar; zones change, and words come late."""
    random = Random(seed)
    names = [f"L{n}" for n in range(6)]
    places = [f"DC{n}" for n in range(5)]
    zones = {place: random.choice(ZONES) for place in places}
    await house.hear(*(located(place, zone) for place, zone in zones.items()))
    lasts: dict[str, date] = {}
    for number in range(1, 13):
        name, place = random.choice(names), random.choice(places)
        lasts[name] = house.clock.now().date() + random.randint(-2, 2) * DAY
        await house.hear(lot(name, lasts[name], number))
        await house.hear(counted(number, *(count(1, lot=one) for one in names), location=place))
        if random.random() < 0.3:
            zones[place] = random.choice(ZONES)
            await house.hear(located(place, zones[place], number + 1))
        await house.clock.advance(random.choice((DAY / 3, DAY)))
        bounds = Bounds(random.randint(1, 3), random.randint(1, 3), random.randint(1, 2))
        await turns(house, bounds).turn(limit=10)

    for place, zone in zones.items():
        held = {at_lot: pieces for _, at_lot, _, pieces in await house.held(location=place)}
        today = local_day(house.clock.now(), zone)
        over = sum(
            pieces for one, pieces in held.items() if model.has_expired(lasts.get(one), today)
        )
        assert (await stands(house, place))[:2] == (sum(held.values()) - over, over)
    assert len(await house.told(AvailabilityChanged)) > 0
    assert await is_replayed(house)
