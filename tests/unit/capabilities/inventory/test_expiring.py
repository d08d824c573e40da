"""What lies in lots that have expired at their location is shown, and promised to nobody (I8)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random

import asyncpg
import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind, LotChanged
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import AvailabilityChanged, ReservationKind, StockStatus
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import model
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from tests.conftest import NOON, execute
from tests.unit.capabilities.inventory.house import (
    MAIN,
    SECOND,
    House,
    count,
    counted,
    demand,
    moved,
    ordered,
    place,
)

TODAY = NOON.date()
DAY = timedelta(days=1)
HARD = ReservationKind.HARD
A13 = {"L1": (20, 25), "L2": (30, 33), "L3": (50, 120)}
"""Pieces of each lot, and the days it has left."""

REFUSES_DC1 = """
create function refuse() returns trigger language plpgsql as $$
begin
    if new.location = 'DC1' then raise 'DC1 stands still'; end if;
    return new;
end $$;
create trigger refuse before update on inventory_day for each row execute function refuse();
"""


def day(number: int) -> date:
    return TODAY + number * DAY


def lot(name: str, on: date | None, version: int = 1, *, item: str = "X") -> Fact:
    """Tell until which day a lot is good."""
    return Fact(
        identity=f"lot:{item}:{name}@{version}",
        payload=LotChanged(item=item, lot=name, expires_on=on),
        occurred_at=NOON + version * SECOND,
        version=version,
    )


def located(code: str, zone: str, version: int = 1) -> Fact:
    return Fact(
        identity=f"location:{code}@{version}",
        payload=LocationChanged(code=code, timezone=zone),
        occurred_at=NOON + version * SECOND,
        version=version,
    )


async def shelved(house: House) -> None:
    """Lay the lots of A13 into DC1."""
    await house.hear(*(lot(name, day(left)) for name, (_, left) in A13.items()))
    await house.hear(counted(1, *(count(pieces, lot=name) for name, (pieces, _) in A13.items())))


async def at(house: House, days: float) -> None:
    """Go on to a moment so many days behind noon of the first one, and turn what is due."""
    await house.clock.advance(NOON + days * DAY - house.clock.now())
    await house.inventory.upkeep.turn_days()


async def stands(house: House, location: str = "DC1") -> tuple[int, int, int]:
    """Give what is nettable, what has expired, and what is available, in whole units."""
    found = await house.stock(location=location)
    amounts = (found.figures.nettable, found.expired, found.available.micros)
    return amounts[0] // MICROS, amounts[1] // MICROS, amounts[2] // MICROS


async def told(house: House) -> list[tuple[int, int, int]]:
    """Give version, nettable and hard of every figure that the log was told, in whole units."""
    events = await house.told(AvailabilityChanged)
    return [
        (one.version, int(one.nettable.value), int(one.hard.value))
        for one in (event.payload for event in events)
        if isinstance(one, AvailabilityChanged)
    ]


async def is_replayed(house: House) -> bool:
    upkeep = house.inventory.upkeep
    await upkeep.tell()
    return await upkeep.state_hash(MAIN) == await upkeep.replayed_hash(MAIN)


async def test_a13_plain_reservations_take_only_the_lots_that_are_still_good(
    house: House,
) -> None:
    await shelved(house)
    assert await stands(house) == (100, 0, 100)

    await at(house, 25)
    assert await stands(house) == (100, 0, 100)  # the last day is a good one

    await at(house, 26)
    assert await stands(house) == (80, 20, 80)
    assert not (await house.reserve(81)).is_granted
    assert (await house.reserve(80, kind=HARD)).is_granted

    await at(house, 34)
    assert await stands(house) == (50, 50, 0)
    found = await house.stock()
    assert int(found.on_hand.value) == 100
    assert found.by_status == {StockStatus.AVAILABLE: 100 * MICROS}
    assert "less what has expired" in found.rule
    assert await is_replayed(house)


async def test_goods_that_expire_under_a_hard_promise_are_a_shortage_that_is_told_at_once_i2(
    house: House,
) -> None:
    await shelved(house)
    await house.reserve(90, kind=HARD)
    await house.inventory.upkeep.tell()
    before = len(await told(house))

    await at(house, 26)

    assert await house.figures() == (-10, 0, 0, 10)
    assert (await told(house))[before:] == [(3, 80, 90)]


async def test_each_location_turns_its_day_at_its_own_midnight(house: House) -> None:
    await house.hear(
        located("DC1", "Pacific/Auckland"), located("DC2", "America/Los_Angeles"),
        lot("L1", TODAY),
        counted(1, count(5, lot="L1")), counted(2, count(7, lot="L1"), location="DC2"),
    )  # fmt: skip
    seen: list[tuple[int, int]] = []
    for hours in (0, 1, 18, 20):  # noon in UTC is midnight in Auckland, 5 in Los Angeles
        await at(house, hours / 24)
        seen.append(((await stands(house))[0], (await stands(house, "DC2"))[0]))

    assert seen == [(0, 7), (0, 7), (0, 7), (0, 0)]


async def test_a_day_that_cannot_be_turned_keeps_no_other_location_back(
    house: House, dsn: str
) -> None:
    await house.hear(
        located("DC1", "UTC"), located("DC2", "UTC"), lot("L1", TODAY),
        counted(1, count(5, lot="L1")), counted(2, count(7, lot="L1"), location="DC2"),
    )  # fmt: skip
    await execute(dsn, REFUSES_DC1)

    with pytest.raises(asyncpg.RaiseError, match="DC1 stands still") as refused:
        await at(house, 1)

    assert refused.value.__notes__ == ["the day of DC1 of main is not turned"]
    assert ((await stands(house))[0], (await stands(house, "DC2"))[0]) == (5, 0)


@pytest.mark.parametrize(
    ("last", "begins", "hours"),
    [
        (date(2026, 3, 29), datetime(2026, 3, 28, 23, tzinfo=UTC), 23),
        (date(2026, 10, 24), datetime(2026, 10, 23, 22, tzinfo=UTC), 24),
        (date(2026, 10, 25), datetime(2026, 10, 24, 22, tzinfo=UTC), 25),
    ],
)
async def test_a_last_day_of_23_or_25_hours_ends_when_the_clock_on_the_wall_says_so(
    database: Database, last: date, begins: datetime, hours: int
) -> None:
    house = await House.opened(database, VirtualClock(begins - DAY))
    await house.hear(located("DC1", "Europe/Berlin"), lot("L1", last))
    await house.hear(counted(1, count(5, lot="L1")))
    seen: list[int] = []
    for since in (timedelta(0), timedelta(hours=hours) - SECOND, timedelta(hours=hours)):
        await house.clock.advance(begins + since - house.clock.now())
        await house.inventory.upkeep.turn_days()
        seen.append((await stands(house))[0])

    assert seen == [5, 5, 0]


async def test_a_lot_whose_last_day_is_heard_of_late_changed_or_taken_back_counts_anew(
    house: House,
) -> None:
    await house.hear(counted(1, count(20, lot="L1"), count(30)))
    assert await stands(house) == (50, 0, 50)
    found: list[tuple[int, int, int]] = []
    for version, on in enumerate((day(-1), day(0), day(-9), None), 1):
        await house.hear(lot("L1", on, version))
        found.append(await stands(house))
    await house.hear(lot("L1", day(-9), 3), lot("L1", day(-1), 2))  # older words change nothing

    assert found == [(30, 20, 30), (50, 0, 50), (30, 20, 30), (50, 0, 50)]
    assert await stands(house) == (50, 0, 50)
    assert await is_replayed(house)


async def test_of_two_sources_the_last_to_tell_of_a_lot_is_believed(house: House) -> None:
    await house.hear(counted(1, count(20, lot="L1")))
    await house.hear(lot("L1", day(-1), 5), source="wms")
    await house.hear(lot("L1", day(9), 7), source="erp")
    assert await stands(house) == (20, 0, 20)
    await house.hear(lot("L1", day(-1), 6), source="wms")
    assert await stands(house) == (20, 0, 20)
    await house.hear(lot("L1", day(-1), 8), source="wms")

    assert await stands(house) == (0, 20, 0)
    assert await is_replayed(house)


async def test_who_tells_of_a_lot_has_said_nothing_of_stock(house: House) -> None:
    await house.hear(counted(1, count(20, lot="L1")))
    await house.clock.advance(timedelta(hours=1))
    late = replace(lot("L1", day(9)), occurred_at=house.clock.now())
    await house.hear(late, source="wms")
    await house.hear(late, source="quality")

    silent = await house.inventory.upkeep.silent_sources(MAIN)
    assert [one.source for one in silent] == ["wms"]


async def test_movements_of_what_has_expired_move_what_is_withheld(house: House) -> None:
    await house.hear(lot("OLD", day(-1)), lot("NEW", day(9)))
    await house.hear(
        moved(1, 20, None, place(lot="OLD")),  # a receipt of what has expired already
        moved(2, 10, None, place(lot="NEW")),
        ordered("O", 1, demand("O/1", 6)),
    )
    assert await stands(house) == (10, 20, 4)

    expired = place(status=StockStatus.EXPIRED, lot="OLD")
    await house.hear(moved(3, 5, place(lot="OLD"), expired))
    assert await stands(house) == (10, 15, 4)

    # Somebody picks an order from goods that have expired: these are gone, and so is its claim.
    staged = place(status=StockStatus.STAGED_OUT, lot="OLD")
    await house.hear(moved(4, 6, place(lot="OLD"), staged, demand_ref="O/1"))
    assert await stands(house) == (10, 9, 10)

    await house.hear(moved(5, 9, place(lot="OLD"), expired))
    await house.hear(moved(6, 3, expired, place(lot="OLD")))  # back into a bucket that was empty
    assert await stands(house) == (10, 3, 10)

    await house.hear(moved(7, 8, place(lot="OLD"), None))
    assert await stands(house) == (10, 0, 10)  # a bucket below zero holds nothing
    assert await is_replayed(house)


async def test_a_bucket_that_is_empty_when_its_lot_expires_is_known_to_have_expired(
    house: House,
) -> None:
    await house.hear(lot("L1", TODAY), moved(1, 4, None, place(lot="L1")))
    await house.hear(moved(2, 4, place(lot="L1"), place(status=StockStatus.STAGED_OUT, lot="L1")))
    await at(house, 1)

    await house.hear(moved(3, 4, place(status=StockStatus.STAGED_OUT, lot="L1"), place(lot="L1")))

    assert await stands(house) == (0, 4, 0)
    assert await is_replayed(house)


async def test_a_snapshot_puts_what_has_expired_in_place_of_what_was_there(house: House) -> None:
    await house.hear(lot("OLD", day(-1)))
    await house.hear(counted(1, count(20, lot="OLD"), count(5), count(3, serial="S")))
    assert await stands(house) == (8, 20, 8)
    await house.hear(counted(9, count(7, lot="OLD"), count(4), is_full=True))
    assert await stands(house) == (4, 7, 4)
    await house.hear(counted(12, count(1), is_full=True))

    assert await stands(house) == (1, 0, 1)
    assert await is_replayed(house)


async def test_goods_of_others_and_goods_set_aside_are_not_among_what_has_expired(
    house: House,
) -> None:
    await house.hear(lot("OLD", day(-1)))
    await house.hear(
        counted(1, count(2, lot="OLD", owner="maker"), count(3, StockStatus.QC_HOLD, lot="OLD"))
    )

    assert await stands(house) == (0, 0, 0)
    assert (await house.stock()).of_others == 2 * MICROS


async def test_a_location_of_another_zone_than_was_told_before_counts_by_its_day(
    house: House,
) -> None:
    await house.hear(located("DC1", "Pacific/Auckland"), lot("L1", TODAY))
    await house.hear(counted(1, count(5, lot="L1")))
    assert (await stands(house))[1] == 5

    await house.hear(located("DC1", "UTC", 3))
    await house.hear(located("DC1", "Pacific/Auckland", 2))  # an older word
    await house.inventory.upkeep.turn_days()

    assert await stands(house) == (5, 0, 5)
    assert await house.inventory.upkeep.turn_days() == 0
    assert await is_replayed(house)


async def test_turning_a_day_that_has_turned_changes_and_tells_nothing(
    house: House, dsn: str
) -> None:
    await shelved(house)
    await at(house, 26)
    before = await told(house)

    await execute(dsn, "update inventory_day set turns_at = '2026-01-01'")
    assert await house.inventory.upkeep.turn_days() == 1

    assert await told(house) == before
    assert await stands(house) == (80, 20, 80)
    assert await house.inventory.upkeep.turn_days() == 0


async def test_nights_that_nobody_worked_through_are_made_up_for(house: House) -> None:
    await shelved(house)
    await at(house, 130)

    assert await stands(house) == (0, 100, 0)
    assert await is_replayed(house)


async def test_a_group_shows_what_has_expired_at_its_members_and_promises_none_of_it(
    house: House,
) -> None:
    east = LocationChanged(code="EAST", kind=LocationKind.GROUP, members=("DC1", "DC2"))
    await house.hear(
        Fact(identity="east", payload=east, occurred_at=NOON), lot("OLD", day(-1)),
        counted(1, count(20, lot="OLD"), count(5)),
        counted(2, count(1, lot="OLD"), count(4), location="DC2"),
    )  # fmt: skip

    assert await stands(house, "EAST") == (9, 21, 9)
    made = await house.reserve(9, location="EAST", kind=HARD)
    assert made.is_granted
    assert not (await house.reserve(1, location="EAST", kind=HARD)).is_granted
    [line] = (await house.inventory.explain(MAIN, made.reservation_id)).lines
    assert line.expired == 21 * MICROS
    assert [(one.location, one.expired) for one in line.members] == [
        ("DC1", 20 * MICROS),
        ("DC2", MICROS),
    ]


async def test_the_proof_of_a_promise_shows_what_had_expired_when_it_was_made(
    house: House,
) -> None:
    await shelved(house)
    first = await house.reserve(10)
    await at(house, 26)
    denied = await house.reserve(91)
    second = await house.reserve(10)
    await at(house, 34)
    third = await house.reserve(1)

    shown: list[tuple[int, int, int]] = []
    for made in (first, denied, second, third):
        found = await house.inventory.explain(MAIN, made.reservation_id)
        assert found.is_reproduced
        [line] = found.lines
        shown.append((line.nettable // MICROS, line.expired // MICROS, line.free // MICROS))
    assert shown == [(100, 0, 100), (80, 20, 80), (80, 20, 80), (50, 50, 50)]


async def test_a_lot_that_has_expired_is_so_for_its_tenant_alone(house: House) -> None:
    other = Scope("other")
    await house.hear(counted(1, count(5, lot="L1")))
    await house.hear(counted(1, count(6, lot="L1")), scope=other)
    await house.hear(lot("L1", day(-1)), scope=other)

    assert await stands(house) == (5, 0, 5)
    [theirs] = await house.inventory.availability(other, [("X", "DC1")])
    assert (theirs.figures.nettable, theirs.expired) == (0, 6 * MICROS)


@pytest.mark.parametrize("seed", range(12))
async def test_whatever_happens_no_promise_is_granted_from_what_has_expired_i2(  # noqa: PLR0915 - one story, told in its order
    house: House, seed: int
) -> None:
    """Compare each answer with what the buckets and the calendar say, counted by hand."""
    random, number = Random(seed), 1
    names = ("", "A", "B", "C")
    lasts: dict[str, date | None] = {}
    hard = 0
    for _ in range(40):
        number += 1
        what = random.random()
        name = random.choice(names)
        if what < 0.25:
            await house.hear(moved(number, random.randint(1, 9), None, place(lot=name)))
        elif what < 0.4:
            await house.hear(moved(number, random.randint(1, 9), place(lot=name), None))
        elif what < 0.5:
            await house.hear(counted(number, count(random.randint(0, 20), lot=name)))
        elif what < 0.65 and name:
            lasts[name] = (
                None if random.random() < 0.2
                else house.clock.now().date() + random.randint(-2, 3) * DAY
            )  # fmt: skip
            await house.hear(lot(name, lasts[name], number))
        elif what < 0.75:
            await house.clock.advance(random.choice((DAY / 3, DAY)))
            await house.inventory.upkeep.turn_days()
        else:
            asked, today = random.randint(1, 9), house.clock.now().date()
            lying = await house.held()
            good = sum(
                max(0, pieces)
                for _, at_lot, _, pieces in lying
                if not model.has_expired(lasts.get(at_lot), today)
            )
            is_granted = (await house.reserve(asked, kind=HARD)).is_granted
            assert is_granted == (asked <= max(0, good - hard))
            hard += asked * is_granted
            found = await house.stock()
            everything = sum(max(0, pieces) for _, _, _, pieces in lying)
            assert found.figures.nettable == good * MICROS
            assert found.expired == (everything - good) * MICROS
            assert found.figures.shortage == max(0, hard - good) * MICROS
    assert await is_replayed(house)
