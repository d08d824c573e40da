"""Maxima and minima that begin anew each week or month: held to, and counted, in the period."""

from datetime import UTC, datetime, timedelta

from crossdock.canonical.allocation import AllocationRuleChanged, Every
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import AllocationProtection, kept_now
from crossdock.foundation.clock import VirtualClock
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_kept_promises import got, promise
from tests.unit.capabilities.allocation.test_runs import of
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand


def weekly(
    clock: VirtualClock, *, minimum: int = 0, maximum: int | None = None
) -> AllocationProtection:
    now = clock.now()
    return AllocationProtection(
        item="X", location="DC1", channel="key", every=Every.WEEK,
        starts_at=now, ends_at=now + timedelta(days=365), minimum=minimum, maximum=maximum,
    )  # fmt: skip


def monday(now: datetime) -> datetime:
    """Tell when the week after a moment begins in UTC, where the test's locations are."""
    day = (now + timedelta(days=7 - now.weekday())).date()
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


async def test_a_maximum_counts_what_was_taken_this_week_and_begins_anew_on_monday(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.hear(counted(1, count(100)))
    book = floor.allocation.rulebook
    said = await book.protect(MAIN, weekly(clock, maximum=10 * MICROS), by="planner")
    assert (said.every, said.timezone) == (Every.WEEK, "UTC")
    assert got(await promise(floor, "key", 8)) == 8
    assert got(await promise(floor, "key", 8, partly=True)) == 2

    end = monday(clock.now())
    await clock.advance(end - clock.now() - timedelta(seconds=1))
    assert got(await promise(floor, "key", 1)) == 0
    await clock.advance(timedelta(seconds=1))

    assert got(await promise(floor, "key", 8)) == 8
    [told] = [one.payload for one in await floor.told(AllocationRuleChanged)]
    assert isinstance(told, AllocationRuleChanged)
    assert (told.every, told.timezone) == (Every.WEEK, "UTC")


async def test_a_minimum_is_kept_anew_each_week_until_it_ends_in_all(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.hear(counted(1, count(20)))
    book = floor.allocation.rulebook
    said = weekly(clock, minimum=6 * MICROS)
    await book.protect(MAIN, said, by="planner")
    assert got(await promise(floor, "key", 6)) == 6
    assert got(await promise(floor, "web", 4)) == 4

    await clock.advance(timedelta(days=7))
    assert got(await promise(floor, "web", 9, partly=True)) == 4
    await clock.advance(timedelta(days=365))

    assert got(await promise(floor, "web", 6)) == 6
    await book.unguard_ended()


async def test_a_week_that_begins_has_who_waits_looked_at_once(
    floor: Floor, clock: VirtualClock
) -> None:
    book = floor.allocation.rulebook
    await floor.hear(counted(1, count(20)), of("key", "K", 1, demand("K/1", 12)))
    await book.protect(MAIN, weekly(clock, maximum=10 * MICROS), by="planner")
    await floor.work()
    await book.unguard_ended()
    await floor.work()
    await book.unguard_ended()
    assert await floor.left("allocation_due where reason = 'PERIOD'") == 0

    await clock.advance(timedelta(days=7))
    for _ in range(2):
        await book.unguard_ended()
        assert await floor.left("allocation_due where reason = 'PERIOD'") == 1

    async with floor.database.transaction(MAIN) as tx:
        [one] = (await kept_now(tx, [("X", "DC1")], clock.now()))["X", "DC1"]
    assert one.ends_at == monday(clock.now())
