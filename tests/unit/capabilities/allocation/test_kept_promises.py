"""Minima are kept and maxima hold when stock is promised, whoever asks at the same time (A14)."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

import msgspec
import pytest

from crossdock.canonical.allocation import AllocationGroups
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid, Rejected
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import AllocationProtection
from crossdock.capabilities.inventory import (
    ChannelProtection,
    HadByOrders,
    Inventory,
    Reservation,
    ReservationLine,
    ReservationRequest,
)
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.promise_shapes import promise_shown
from crossdock.orchestration.allocating import ChannelProtections
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_meanwhile import east
from tests.unit.capabilities.allocation.test_runs import of
from tests.unit.capabilities.inventory.house import (
    MAIN,
    House,
    count,
    counted,
    demand,
    moved,
    place,
)

Key = tuple[str, str]
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
    assert got(await promise(floor, "", 10)) == 10
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


async def fold_only_stock(floor: Floor, *facts: Fact) -> None:
    """Let inventory hear something that allocation has not heard yet."""
    await floor.record(*facts)
    await House.fold(floor)


async def test_an_order_that_allocation_has_not_heard_counts_for_who_was_promised_it(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(50)))
    await keep(floor, "web", most=10)
    assert got(await promise(floor, "web", 6, ref="W/1")) == 6
    await fold_only_stock(floor, of("web", "W", 1, demand("W/1", 6)))

    assert got(await promise(floor, "web", 9, partly=True)) == 4
    await floor.fold()
    assert got(await promise(floor, "web", 9, partly=True)) == 0


async def test_an_order_that_is_quoted_before_allocation_hears_it_is_its_quoters(
    floor: Floor,
) -> None:
    await keep(floor, "web", most=10)
    await floor.hear(counted(1, count(50)))
    assert got(await promise(floor, "web", 6)) == 6
    await fold_only_stock(floor, of("web", "W", 1, demand("W/1", 8)))

    assert got(await promise(floor, "web", 8, ref="W/1", partly=True)) == 4


async def test_who_quotes_an_order_that_another_was_promised_frees_him_of_nothing(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(50)))
    await keep(floor, "web", most=10)
    await keep(floor, "key", most=10)
    assert got(await promise(floor, "web", 6, ref="W/1")) == 6
    await fold_only_stock(floor, of("web", "W", 1, demand("W/1", 8)))
    asked = [
        ReservationRequest(
            f"R{number}", (ReservationLine("X", "DC1", micros * MICROS, ref),),
            allow_partial=True, channel=channel,
        )
        for number, (channel, micros, ref) in enumerate((("key", 8, "W/1"), ("web", 9, "")))
    ]  # fmt: skip
    made = await floor.inventory.reserve_many(MAIN, "shop", asked)

    assert [got(one) for one in made if isinstance(one, Reservation)] == [8, 2]


async def test_a_period_that_has_ended_is_refused(floor: Floor) -> None:
    now = floor.clock.now()
    for ends_at in (now - DAY, now):
        said = AllocationProtection(
            item="X", location="DC1", channel="web", minimum=MICROS, starts_at=now - 2 * DAY,
            ends_at=ends_at,
        )  # fmt: skip
        with pytest.raises(Invalid, match="has ended") as refused:
            await floor.allocation.rulebook.protect(MAIN, said, by="planner")
        assert refused.value.where == "/ends_at"
    assert await floor.left("inventory_stock where is_guarded") == 0


async def test_a_promise_is_its_orders_channels_once_the_order_is_heard(floor: Floor) -> None:
    await floor.hear(counted(1, count(50)))
    await keep(floor, "web", most=10)
    await keep(floor, "key", most=10)
    assert got(await promise(floor, "web", 6, ref="K/1")) == 6
    await floor.hear(of("key", "K", 1, demand("K/1", 6)))

    assert got(await promise(floor, "key", 9, partly=True)) == 4
    assert got(await promise(floor, "web", 11, partly=True)) == 10


async def test_what_an_order_lets_go_of_is_its_promises_again(floor: Floor) -> None:
    await floor.hear(counted(1, count(50)))
    await keep(floor, "web", most=10)
    assert got(await promise(floor, "web", 6, ref="W/1")) == 6
    await floor.hear(of("web", "W", 1, demand("W/1", 6)))
    assert got(await promise(floor, "web", 1)) == 1
    await floor.hear(of("web", "W", 2))

    assert got(await promise(floor, "web", 9, partly=True)) == 3


async def test_who_quotes_an_order_has_what_the_orders_channel_may_have(floor: Floor) -> None:
    await keep(floor, "web", most=5)
    await floor.hear(counted(1, count(20)), of("web", "W", 1, demand("W/1", 8)))

    made = await promise(floor, "", 8, ref="W/1", partly=True)
    assert (got(made), made.cut_by) == (5, "MAXIMUM")
    await floor.inventory.upkeep.tell()
    explained = await floor.inventory.explain(MAIN, made.reservation_id)
    assert explained.is_reproduced
    assert [line.channel for line in explained.lines] == ["web"]


async def test_a_hold_of_before_the_maximum_counts_once_it_is_granted_anew(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.hear(counted(1, count(20)))
    held = await promise(floor, "", 5, kind=SOFT)
    await keep(floor, "shop", most=5)
    await clock.advance(timedelta(minutes=15))
    await floor.inventory.confirm(MAIN, held.reservation_id)

    assert got(await promise(floor, "", 5, partly=True)) == 0


async def test_a_hold_of_before_the_period_counts_once_it_is_granted_anew_in_it(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.hear(counted(1, count(20)))
    await keep(floor, "web", most=9)
    held = await promise(floor, "web", 5, kind=SOFT)
    await clock.advance(timedelta(days=2))
    await keep(floor, "web", most=5)
    assert got(await promise(floor, "web", 1, kind=SOFT)) == 1
    await clock.advance(timedelta(minutes=15))
    await floor.inventory.confirm(MAIN, held.reservation_id)

    assert got(await promise(floor, "web", 5, partly=True)) == 0


async def test_a_promise_is_moved_for_the_channel_it_was_made_for(floor: Floor) -> None:
    await floor.hear(counted(1, count(20)), counted(2, count(20), location="DC2"))
    key = await promise(floor, "key", 10)
    await keep(floor, "key", least=15, location="DC2")
    await floor.inventory.transfer(MAIN, key.reservation_id, "DC2")

    assert got(await promise(floor, "web", 20, partly=True, location="DC2")) == 5
    assert got(await promise(floor, "web", 20, partly=True)) == 20


async def test_each_line_is_granted_anew_for_the_channel_it_was_made_for(
    floor: Floor, clock: VirtualClock
) -> None:
    await floor.hear(counted(1, count(5, item="A"), count(10)))
    await keep(floor, "key", least=8)
    lines = tuple(ReservationLine(item, "DC1", n * MICROS) for item, n in (("A", 1), ("X", 8)))
    request = ReservationRequest("R", lines, channel="key")
    held = await floor.inventory.reserve(MAIN, "shop", request)
    await clock.advance(timedelta(minutes=15))
    revived = await floor.inventory.confirm(MAIN, held.reservation_id)

    assert [line.status for line in revived.lines] == ["ACTIVE", "ACTIVE"]


class Meanwhile:
    """A transaction in which something else commits after its `after`th reading."""

    def __init__(self, tx: Transaction, after: list[Callable[[], Awaitable[object]]]) -> None:
        self._tx = tx
        self._after = after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    async def fetch(self, *asked: Any) -> list[Any]:
        rows = await self._tx.fetch(*asked)
        if self._after:
            await self._after.pop(0)()
        return rows


class Interrupted:
    """What allocation keeps, while others work between its readings."""

    def __init__(self) -> None:
        self.after: list[Callable[[], Awaitable[object]]] = []

    async def protections(
        self, tx: Transaction, keys: Sequence[Key], now: datetime
    ) -> Mapping[Key, Sequence[ChannelProtection]]:
        return await ChannelProtections().protections(self._meanwhile(tx), keys, now)

    async def had(
        self,
        tx: Transaction,
        asked: Sequence[tuple[Key, ChannelProtection]],
        lines: Sequence[tuple[str, str, str]],
        groups: AllocationGroups,
    ) -> HadByOrders:
        return await ChannelProtections().had(self._meanwhile(tx), asked, lines, groups)

    async def groups(self, tx: Transaction) -> AllocationGroups:
        return await ChannelProtections().groups(tx)

    async def look_again(
        self,
        tx: Transaction,
        keys: Sequence[Key],
        reason: str,
        now: datetime,
        *,
        tenant: str = "",
    ) -> None:
        await ChannelProtections().look_again(tx, keys, reason, now, tenant=tenant)

    def _meanwhile(self, tx: Transaction) -> Transaction:
        return cast("Transaction", Meanwhile(tx, self.after))


async def nothing() -> None:
    pass


@pytest.mark.parametrize("readings", range(3))
async def test_a_line_that_closes_while_a_channel_asks_counts_once(
    floor: Floor, readings: int
) -> None:
    await keep(floor, "web", most=10)
    await floor.hear(counted(1, count(50)), of("web", "W", 1, demand("W/1", 9)))
    await floor.hear(moved(2, 9, place(), None, demand_ref="W/1"))
    interrupted = Interrupted()
    interrupted.after += [nothing] * readings + [floor.allocating.work.due]
    asked = ReservationRequest(
        "R", (ReservationLine("X", "DC1", 9 * MICROS),), allow_partial=True, channel="web"
    )
    inventory = Inventory(floor.database, floor.clock, protections=interrupted)

    assert got(await inventory.reserve(MAIN, "shop", asked)) == 1


class Counted:
    """A database that remembers how the hot statement was asked to decide: exactly, or not."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.exactly: list[bool] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def call(self, statement: str, *asked: Any) -> list[Any]:
        self.exactly.append(asked[-2])
        return await self._database.call(statement, *asked)


async def test_what_is_guarded_slows_down_nothing_that_is_not(floor: Floor) -> None:
    await floor.hear(counted(1, count(90), count(90, item="Y")))
    await keep(floor, "key", least=6)
    counting = Counted(floor.database)
    inventory = Inventory(
        cast("Database", counting), floor.clock, protections=ChannelProtections()
    )

    async def both() -> list[bool]:
        counting.exactly.clear()
        asked = [
            ReservationRequest(f"{item} {next(_numbers)}", (ReservationLine(item, "DC1", MICROS),))
            for item in ("X", "Y")
        ]
        made = await inventory.reserve_many(MAIN, "shop", asked)
        assert all(isinstance(one, Reservation) and one.is_granted for one in made)
        return counting.exactly

    assert await both() == [False, True]
    assert await both() == [False]
    await floor.allocation.rulebook.unprotect(MAIN, "X", "DC1", "key", by="planner")
    assert await both() == [False]
    async with floor.database.transaction(MAIN) as tx:
        rows = await tx.fetch("select count(*) from inventory_announcement where tenant = 'main'")
        before: int = rows[0]["count"]
    assert await both() == [False]
    async with floor.database.transaction(MAIN) as tx:
        rows = await tx.fetch("select count(*) from inventory_announcement where tenant = 'main'")
    assert rows[0]["count"] == before + 1  # one decision for both
