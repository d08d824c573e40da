"""Minima are kept and maxima hold when stock is promised, whoever asks at the same time (A14)."""

import asyncio
import itertools
from datetime import timedelta
from random import Random

import msgspec
import pytest

from crossdock.canonical.errors import Rejected
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import AllocationProtection
from crossdock.capabilities.inventory import Reservation, ReservationLine, ReservationRequest
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.promise_shapes import promise_shown
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_meanwhile import east
from tests.unit.capabilities.allocation.test_runs import of
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand, moved, place

HARD, SOFT = ReservationKind.HARD, ReservationKind.SOFT
DAY = timedelta(days=1)
_numbers = itertools.count()


async def keep(
    floor: Floor, channel: str, *, least: int = 0, most: int | None = None, location: str = "DC1"
) -> None:
    now = floor.clock.now()
    said = AllocationProtection(
        item="X", location=location, channel=channel, minimum=least * MICROS,
        maximum=None if most is None else most * MICROS, starts_at=now - DAY, ends_at=now + DAY,
    )  # fmt: skip
    await floor.allocation.rulebook.protect(MAIN, said, by="planner")


async def promise(  # noqa: PLR0913  # all that a request may say
    floor: Floor,
    channel: str,
    quantity: int,
    *,
    name: str = "",
    kind: ReservationKind = HARD,
    partly: bool = False,
    ref: str = "",
    location: str = "DC1",
) -> Reservation:
    request = ReservationRequest(
        request_id=name or f"R {next(_numbers)}",
        lines=(ReservationLine("X", location, quantity * MICROS, ref),),
        kind=kind, allow_partial=partly, channel=channel,
    )  # fmt: skip
    return await floor.inventory.reserve(MAIN, "shop", request)


def got(made: Reservation) -> int:
    return sum(line.granted for line in made.lines) // MICROS


# A14: pool 100; SUP KEY 40 (used 0), WEB 20 (used 10); PAL WEB 30 (used 10), BRANCH 70 (used 20)
@pytest.mark.parametrize(
    ("channel", "expected", "cut_by"),
    [("KEY", 90, "MINIMUM"), ("WEB", 20, "MAXIMUM"), ("BRANCH", 50, "MAXIMUM")],
)
async def test_a14_a_channel_is_promised_what_its_maximum_and_others_minima_leave(
    floor: Floor, channel: str, expected: int, cut_by: str
) -> None:
    await floor.hear(counted(1, count(130)))
    await keep(floor, "KEY", least=40)
    await keep(floor, "WEB", least=20, most=30)
    await keep(floor, "BRANCH", most=70)
    assert got(await promise(floor, "WEB", 10)) == 10
    assert got(await promise(floor, "BRANCH", 20)) == 20
    assert await floor.figures() == (100, 100, 0, 0)

    refused = await promise(floor, channel, expected + 1)
    assert (refused.status, refused.cut_by) == ("DENIED", cut_by)
    cut = await promise(floor, channel, 101, partly=True)
    assert (got(cut), cut.cut_by) == (expected, cut_by)


async def test_a14_through_orders_that_channels_placed_in_the_period(floor: Floor) -> None:
    await keep(floor, "KEY", least=40)
    await keep(floor, "WEB", least=20, most=30)
    await keep(floor, "BRANCH", most=70)
    await floor.hear(
        counted(1, count(130)),
        of("WEB", "W", 1, demand("W/1", 10)),
        of("BRANCH", "B", 1, demand("B/1", 20)),
    )
    await floor.work()
    await floor.hear(moved(2, 15, place(), None, demand_ref="B/1"))

    granted = [got(await promise(floor, name, 101, partly=True, name=f"{name} {turn}"))
               for turn, name in enumerate(("KEY", "WEB", "BRANCH"))]  # fmt: skip
    assert granted == [90, 10, 0]


async def test_a_refusal_is_answered_again_and_explained_for_ever(floor: Floor) -> None:
    await floor.hear(counted(1, count(10)))
    await keep(floor, "key", least=6)
    refused = await promise(floor, "web", 5, name="R1")
    again = await promise(floor, "web", 5, name="R1")
    assert (again.is_repeat, again.cut_by, again.status) == (True, "MINIMUM", "DENIED")
    await floor.inventory.upkeep.tell()

    explained = await floor.inventory.explain(MAIN, refused.reservation_id)
    assert explained.is_reproduced
    [line] = explained.lines
    assert (line.channel, line.kept_for_channels, line.free) == ("web", 6 * MICROS, 4 * MICROS)
    assert line.rule.endswith("; less kept_for_channels, and at most allowance")
    told = msgspec.json.encode(promise_shown(explained, {"X": "EA"}))
    await floor.allocation.rulebook.unprotect(MAIN, "X", "DC1", "key", by="planner")
    await floor.hear(moved(2, 3, place(), None))
    later = await floor.inventory.explain(MAIN, refused.reservation_id)
    assert msgspec.json.encode(promise_shown(later, {"X": "EA"})) == told


async def test_several_decided_together_are_reproduced_with_what_each_channel_took(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(20)))
    await keep(floor, "key", least=6, most=9)
    asked = [
        ReservationRequest(
            request_id=f"R{number}", lines=(ReservationLine("X", "DC1", 4 * MICROS),),
            kind=HARD, channel=channel,
        )
        for number, channel in enumerate(("web", "key", "web", "key", "web", "key", "web"))
    ]  # fmt: skip
    made = await floor.inventory.reserve_many(MAIN, "shop", asked)
    granted = [got(one) for one in made if isinstance(one, Reservation)]
    assert granted == [4, 4, 4, 4, 4, 0, 0]
    await floor.inventory.upkeep.tell()

    for one in made:
        assert isinstance(one, Reservation)
        assert (await floor.inventory.explain(MAIN, one.reservation_id)).is_reproduced


async def test_who_names_no_channel_stands_as_its_client(floor: Floor) -> None:
    await floor.hear(counted(1, count(10)))
    await keep(floor, "shop", most=3)

    assert got(await promise(floor, "", 9, partly=True)) == 3
    assert got(await promise(floor, "web", 9, partly=True)) == 7


async def test_a_minimum_is_kept_no_longer_once_it_is_had_or_its_period_has_ended(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.hear(counted(1, count(20)))
    await keep(floor, "key", least=8)
    assert got(await promise(floor, "key", 5)) == 5
    assert got(await promise(floor, "web", 20, partly=True)) == 12
    await clock.advance(DAY)
    assert got(await promise(floor, "web", 20, partly=True)) == 3


async def test_a_hold_that_ends_is_had_no_longer(floor: Floor, clock: VirtualClock) -> None:
    await floor.hear(counted(1, count(20)))
    await keep(floor, "key", least=8, most=8)
    held = await promise(floor, "key", 8, kind=SOFT)
    assert got(await promise(floor, "key", 1)) == 0
    await clock.advance(timedelta(minutes=15))
    assert got(await promise(floor, "web", 20, partly=True)) == 12
    assert got(await promise(floor, "key", 8, kind=SOFT)) == 8

    with pytest.raises(Rejected) as gone:
        await floor.inventory.confirm(MAIN, held.reservation_id)
    assert gone.value.code == "RSV-EXPIRED"


async def test_a_promise_that_is_moved_or_revived_asks_for_its_own_channel(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.hear(counted(1, count(20)), counted(2, count(20), location="DC2"))
    await keep(floor, "key", least=15)
    await keep(floor, "web", most=4, location="DC2")
    web = await promise(floor, "web", 5, kind=SOFT)
    with pytest.raises(Rejected, match="not enough"):
        await floor.inventory.transfer(MAIN, web.reservation_id, "DC2")
    key = await promise(floor, "key", 5)
    await floor.inventory.transfer(MAIN, key.reservation_id, "DC2")
    assert got(await promise(floor, "counter", 9, partly=True)) == 0
    await clock.advance(timedelta(minutes=15))
    assert got(await promise(floor, "counter", 9, partly=True)) == 5
    with pytest.raises(Rejected) as gone:
        await floor.inventory.extend(MAIN, web.reservation_id, 60)
    assert gone.value.code == "RSV-EXPIRED"


async def test_a_promise_that_an_order_takes_over_is_counted_once(floor: Floor) -> None:
    await floor.hear(counted(1, count(50)))
    await keep(floor, "web", most=10)
    assert got(await promise(floor, "web", 6, ref="W/1")) == 6
    await floor.hear(of("web", "W", 1, demand("W/1", 6)))

    assert got(await promise(floor, "web", 9, partly=True)) == 4


async def test_an_order_is_confirmed_of_its_channels_share(floor: Floor) -> None:
    await keep(floor, "key", least=6)
    await keep(floor, "web", most=8)
    await floor.hear(counted(1, count(10)), of("web", "W", 1, demand("W/1", 8)))

    made = await promise(floor, "web", 8, ref="W/1", partly=True)
    assert (got(made), made.cut_by) == (4, "MINIMUM")


async def test_a_group_of_locations_keeps_a_minimum_of_what_its_members_have(
    floor: Floor,
) -> None:
    await floor.hear(
        east(1, "DC1", "DC2"), counted(1, count(6)), counted(2, count(6), location="DC2")
    )
    await keep(floor, "key", least=8, location="EAST")

    assert got(await promise(floor, "web", 9, partly=True, location="EAST")) == 4
    assert got(await promise(floor, "key", 8, location="EAST")) == 8


async def test_where_nothing_is_kept_any_more_the_hot_statement_decides_again(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(10)))
    await keep(floor, "key", least=6)
    assert await floor.left("inventory_stock where is_guarded") == 1
    await floor.allocation.rulebook.unprotect(MAIN, "X", "DC1", "key", by="planner")

    assert await floor.left("inventory_stock where is_guarded") == 0
    assert got(await promise(floor, "web", 10)) == 10
    assert await floor.left("inventory_channel_line") == 0


async def test_where_the_last_period_has_ended_the_hot_statement_decides_again(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.hear(counted(1, count(10)))
    await keep(floor, "key", least=6)
    await clock.advance(DAY / 2)
    await keep(floor, "web", least=2)
    book = floor.allocation.rulebook
    await clock.advance(DAY / 2)
    await book.unguard_ended()
    assert await floor.left("inventory_stock where is_guarded") == 1

    await clock.advance(DAY / 2)
    for _ in range(2):
        await book.unguard_ended()
        assert await floor.left("inventory_stock where is_guarded") == 0
    assert got(await promise(floor, "other", 10)) == 10


async def test_another_tenants_minimum_keeps_nothing(floor: Floor) -> None:
    await keep(floor, "key", least=6)
    other = Scope("other")
    await floor.hear(counted(1, count(10)), scope=other)
    request = ReservationRequest("R", (ReservationLine("X", "DC1", 10 * MICROS),), channel="web")

    assert (await floor.inventory.reserve(other, "shop", request)).is_granted


@pytest.mark.parametrize("seed", range(3))
async def test_whoever_asks_at_once_no_minimum_of_another_is_broken(
    floor: Floor, seed: int
) -> None:
    chance = Random(seed)
    await floor.hear(counted(1, count(60)))
    await keep(floor, "key", least=20)
    await keep(floor, "web", least=15, most=25)
    rooms = [Floor(floor.database, floor.clock) for _ in range(3)]  # three processes, as it were
    channels = [chance.choice(("key", "web", "other")) for _ in range(60)]
    asks = [
        promise(
            chance.choice(rooms), channel, chance.randint(1, 6), kind=chance.choice((HARD, SOFT))
        )
        for channel in channels
    ]  # fmt: skip
    changing = keep(floor, "web", least=15, most=24)
    made, _ = await asyncio.gather(asyncio.gather(*asks), changing)
    had = {"key": 0, "web": 0, "other": 0}
    for channel, one in zip(channels, made, strict=True):
        had[channel] += got(one)

    assert had["web"] <= 25
    left = 60 - sum(had.values())
    assert left >= max(0, 20 - had["key"]) + max(0, 15 - had["web"])
    assert await floor.figures() == (left, left, 0, 0)
