"""Channels and customers of a group share its maximum and minimum, wherever it is asked for."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from random import Random

import pytest

from crossdock.canonical.allocation import AllocationRuleChanged, Every
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Conflict, Invalid, Rejected
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import (
    AllocationGroup,
    AllocationProtection,
    is_run_reproduced,
)
from crossdock.capabilities.inventory import Reservation, ReservationLine, ReservationRequest
from crossdock.capabilities.supply import PromiseAsked, Question
from tests.conftest import NOON
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_kept_promises import got, keep, promise
from tests.unit.capabilities.inventory.house import MAIN, count, counted, demand, moved, place

HARD = ReservationKind.HARD
DAY = timedelta(days=1)


async def share(
    floor: Floor, name: str, *channels: str, customers: tuple[str, ...] = ()
) -> AllocationGroup:
    said = AllocationGroup(name=name, channels=channels, customers=customers)
    return await floor.allocation.groups.put(MAIN, said, by="planner")


async def keep_of(  # noqa: PLR0913  # all that may be said of it
    floor: Floor, group: str, *, least: int = 0, most: int | None = None, location: str = "DC1",
    every: Every | None = None, days: int = 1,
) -> None:  # fmt: skip
    now = floor.clock.now()
    said = AllocationProtection(
        item="X", location=location, group=group, minimum=least * MICROS,
        maximum=None if most is None else most * MICROS,
        starts_at=now - DAY, ends_at=now + days * DAY, every=every,
    )  # fmt: skip
    await floor.allocation.rulebook.protect(MAIN, said, by="planner")


async def asked(
    floor: Floor, name: str, channel: str, customer: str, pieces: int, *, partly: bool = True
) -> Reservation:
    line = ReservationLine("X", "DC1", pieces * MICROS)
    request = ReservationRequest(
        name, (line,), HARD, allow_partial=partly, channel=channel, customer=customer
    )
    return await floor.inventory.reserve(MAIN, "shop", request)


def bought(order: str, channel: str, customer: str, pieces: int, version: int = 1) -> Fact:
    payload = OrderChanged(
        order_id=order, lines=(demand(f"{order}/1", pieces),), channel=channel, customer=customer
    )
    return Fact(
        identity=f"order:{order}:{version}", payload=payload, occurred_at=NOON, version=version
    )


async def link(floor: Floor, *names: str) -> None:
    """Let these be names of one party: `PARTY-1`."""
    async with floor.database.transaction(MAIN) as tx:
        for number, name in enumerate(names):
            await tx.execute(
                "insert into xref (tenant, hub_id, system, entity_type, native_id, name,"
                " qualifier, valid_from, confidence, asserted_by)"
                " values ($1, 'PARTY-1', $2, 'party', $3, $3, 'id', now(), 'ASSERTED', 'test')",
                tx.tenant, f"erp{number}", name,
            )  # fmt: skip


async def test_two_channels_of_a_group_share_its_maximum(floor: Floor) -> None:
    await floor.hear(counted(1, count(100)))
    await share(floor, "online", "web", "app")
    await keep_of(floor, "online", most=10)

    assert got(await promise(floor, "web", 6)) == 6
    cut = await promise(floor, "app", 9, partly=True)
    assert (got(cut), cut.cut_by) == (4, "MAXIMUM")
    assert (await promise(floor, "online", 1)).status == "DENIED"
    assert got(await promise(floor, "fax", 50)) == 50


async def test_a_groups_minimum_is_there_for_each_of_its_channels_and_for_no_other(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(20)))
    await share(floor, "online", "web", "app")
    await keep_of(floor, "online", least=12)

    cut = await promise(floor, "fax", 20, partly=True)
    assert (got(cut), cut.cut_by) == (8, "MINIMUM")
    assert got(await promise(floor, "app", 7)) == 7
    assert got(await promise(floor, "web", 9, partly=True)) == 5


async def test_a14_by_groups_of_channels_and_customers(floor: Floor) -> None:
    await share(floor, "KEY", customers=("Metro", "Edeka"))
    await share(floor, "WEB", "shop", "app")
    await share(floor, "BRANCH", "north", "south")
    await floor.hear(counted(1, count(130)))
    await keep_of(floor, "KEY", least=40)
    await keep_of(floor, "WEB", least=20, most=30)
    await keep_of(floor, "BRANCH", most=70)
    assert got(await asked(floor, "a", "app", "", 10)) == 10
    assert got(await asked(floor, "b", "south", "Rewe", 20)) == 20

    for name, channel, customer, left in (
        ("c", "fax", "METRO", 90),
        ("d", "shop", "edeka", 90),
        ("e", "shop", "Rewe", 20),
        ("f", "north", "", 50),
    ):
        refused = await asked(floor, name, channel, customer, left + 1, partly=False)
        assert refused.status == "DENIED"
        cut = await asked(floor, f"{name}2", channel, customer, 101)
        assert got(cut) == left
        await floor.inventory.release(MAIN, cut.reservation_id)


async def test_a_customers_group_holds_before_that_of_his_channel(floor: Floor) -> None:
    await floor.hear(counted(1, count(100)))
    await share(floor, "online", "web")
    await share(floor, "key", customers=("METRO",))
    await keep_of(floor, "online", most=10)
    await keep_of(floor, "key", most=30)

    assert got(await asked(floor, "a", "web", "metro ", 40)) == 30
    assert got(await asked(floor, "b", "web", "", 40)) == 10
    assert got(await asked(floor, "c", "fax", "Metro", 40)) == 0


async def test_a_customer_of_a_group_of_which_nothing_is_said_leaves_his_channels_alone(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(100)))
    await share(floor, "key", customers=("METRO",))
    await keep(floor, "web", most=10)

    assert got(await asked(floor, "a", "web", "METRO", 40)) == 40
    assert got(await asked(floor, "b", "web", "", 40)) == 10


async def test_any_name_of_a_customer_is_in_his_group(floor: Floor) -> None:
    await link(floor, "METRO", "K-17")
    await floor.hear(counted(1, count(100)))
    await share(floor, "key", customers=("metro",))
    await keep_of(floor, "key", most=10)

    assert got(await asked(floor, "a", "web", "k-17", 6)) == 6
    assert got(await asked(floor, "b", "fax", "party-1", 6)) == 4


async def test_orders_count_for_their_customers_group(floor: Floor) -> None:
    await share(floor, "key", customers=("METRO",))
    await share(floor, "online", "web", "app")
    await keep_of(floor, "key", most=12)
    await keep_of(floor, "online", most=20)
    await floor.hear(
        counted(1, count(100)),
        bought("1", "web", "METRO", 8),
        bought("2", "app", "EDEKA", 9),
        bought("3", "web", "", 4),
    )
    await floor.work()
    await floor.hear(moved(2, 3, place(), None, demand_ref="1/1"))

    assert got(await asked(floor, "a", "fax", "Metro", 50)) == 4
    assert got(await asked(floor, "b", "web", "", 50)) == 7


async def test_a_run_holds_a_group_to_its_maximum_and_says_so(floor: Floor) -> None:
    await share(floor, "online", "web", "app")
    await share(floor, "key", customers=("METRO",))
    await keep_of(floor, "online", most=10)
    await keep_of(floor, "key", least=5)
    await floor.hear(
        counted(1, count(20)),
        bought("1", "web", "", 8),
        bought("2", "app", "", 8),
        bought("3", "app", "METRO", 9),
    )

    run = await floor.applied()

    assert await floor.confirmed() == {"1/1": 8, "2/1": 2, "3/1": 9}
    assert {one.demand_ref: one.counts_for for one in run.lines} == {
        "1/1": "online", "2/1": "online", "3/1": "key",
    }  # fmt: skip
    assert {one.demand_ref: one.why for one in run.lines}["2/1"] == "MAXIMUM"
    assert is_run_reproduced(run)
    found = await floor.allocation.lines(MAIN, "X", "DC1")
    assert [(one.channel, one.counts_for) for one in found] == [
        ("web", "online"), ("app", "online"), ("app", "key"),
    ]  # fmt: skip


async def test_a_run_waits_no_longer_once_a_line_counts_for_another_group(floor: Floor) -> None:
    await share(floor, "online", "web")
    await keep_of(floor, "online", most=5)
    await floor.hear(counted(1, count(20)), bought("1", "web", "METRO", 8))
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    await share(floor, "key", customers=("METRO",))

    with pytest.raises(Conflict, match="has changed") as stale:
        await floor.allocation.approve(MAIN, run.run_id, by="boss")
    assert stale.value.code == "stale"
    assert await floor.work() == {"1/1": 8}


async def test_what_a_channel_has_had_counts_where_it_is_now(floor: Floor) -> None:
    await floor.hear(counted(1, count(100)))
    await share(floor, "online", "web", "app")
    await keep_of(floor, "online", most=20)
    assert got(await promise(floor, "web", 8)) == 8
    assert got(await promise(floor, "app", 5)) == 5

    await share(floor, "online", "web")
    assert got(await promise(floor, "web", 50, partly=True)) == 12
    await share(floor, "online", "web", "app")
    assert got(await promise(floor, "app", 50, partly=True)) == 0


async def test_what_a_customer_was_promised_counts_for_his_group_once_he_is_in_it(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(100)))
    await keep(floor, "web", most=20)
    assert got(await asked(floor, "a", "web", "Metro", 15)) == 15
    assert got(await asked(floor, "b", "web", "", 50)) == 5

    await share(floor, "key", customers=("METRO",))
    await keep_of(floor, "key", most=18)
    assert got(await asked(floor, "c", "web", "", 50)) == 15
    assert got(await asked(floor, "d", "fax", "METRO", 50)) == 3


async def test_the_order_says_for_which_group_a_promise_counts(floor: Floor) -> None:
    await floor.hear(counted(1, count(100)))
    await share(floor, "online", "web", "app")
    await share(floor, "key", customers=("METRO",))
    await keep_of(floor, "online", most=10)
    await keep_of(floor, "key", most=10)
    assert got(await promise(floor, "web", 6, ref="1/1")) == 6
    assert got(await promise(floor, "app", 50, partly=True, name="before")) == 4
    await floor.hear(bought("1", "app", "METRO", 6))

    assert got(await promise(floor, "app", 50, partly=True)) == 6
    assert got(await asked(floor, "m", "fax", "METRO", 50)) == 4


async def test_a_group_begins_anew_with_its_period(floor: Floor) -> None:
    await floor.hear(counted(1, count(100)))
    await share(floor, "online", "web", "app")
    await keep_of(floor, "online", most=10, every=Every.WEEK, days=30)
    assert got(await promise(floor, "web", 50, partly=True)) == 10
    assert got(await promise(floor, "app", 1, partly=True)) == 0
    await floor.clock.advance(7 * DAY)

    assert got(await promise(floor, "app", 50, partly=True)) == 10


async def test_a_promise_that_moves_stays_its_customers(floor: Floor) -> None:
    await floor.hear(counted(1, count(100)), counted(2, count(100), location="DC2"))
    await share(floor, "key", customers=("METRO",))
    await keep_of(floor, "key", most=10)
    await keep_of(floor, "key", most=7, location="DC2")
    made = await asked(floor, "a", "web", "METRO", 8)
    with pytest.raises(Rejected, match="DC2 has not enough"):
        await floor.inventory.transfer(MAIN, made.reservation_id, "DC2")
    await floor.inventory.release(MAIN, made.reservation_id)
    less = await asked(floor, "b", "web", "METRO", 5)
    await floor.inventory.transfer(MAIN, less.reservation_id, "DC2")

    assert got(await asked(floor, "c", "fax", "METRO", 50)) == 10
    assert got(await promise(floor, "fax", 50, location="DC2")) == 50


async def test_a_promise_to_a_group_is_derived_again_after_the_group_has_ended(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(10)))
    await share(floor, "online", "web", "app")
    await share(floor, "key", customers=("METRO",))
    await keep_of(floor, "key", least=6)
    made = await promise(floor, "app", 9, partly=True)
    his = await asked(floor, "m", "app", "METRO", 3)
    await floor.inventory.upkeep.tell()
    await floor.allocation.rulebook.unprotect(MAIN, "X", "DC1", "key", by="planner")
    for name in ("online", "key"):
        await floor.allocation.groups.clear(MAIN, name, by="planner")

    explained = await floor.inventory.explain(MAIN, made.reservation_id)
    assert explained.is_reproduced
    [line] = explained.lines
    assert (line.channel, line.kept_for_channels) == ("online", 6 * MICROS)
    his_own = await floor.inventory.explain(MAIN, his.reservation_id)
    assert his_own.is_reproduced
    assert [line.channel for line in his_own.lines] == ["key"]


@pytest.mark.parametrize("channels", [frozenset[str](), frozenset({"web"})])
async def test_a_promise_by_date_counts_for_its_customers_group(
    floor: Floor, channels: frozenset[str]
) -> None:
    """Unless its client is bound to channels: then for his channel, whoever the customer is."""
    await floor.hear(counted(1, count(50)))
    await share(floor, "key", customers=("METRO",))
    await keep_of(floor, "key", most=10)
    await keep(floor, "web", most=20)
    line = Question("X", "DC1", "EA", 8 * MICROS, channel="web", customer="METRO")
    made = await floor.promises.promise(
        MAIN, "shop", PromiseAsked("p1", (line,), ("",)), channels=channels
    )
    assert made.is_granted, made.proof.reasons

    left = [got(await asked(floor, "a", "fax", "METRO", 50)),
            got(await asked(floor, "b", "web", "", 50))]  # fmt: skip
    assert left == ([10, 12] if channels else [2, 20])
    if not channels:
        again = PromiseAsked("p2", (line,), ("",))
        assert not (await floor.promises.promise(MAIN, "shop", again)).is_granted


async def test_the_same_request_for_another_customer_is_another_request(floor: Floor) -> None:
    await floor.hear(counted(1, count(10)))
    assert got(await asked(floor, "a", "web", "METRO", 3)) == 3
    assert (await asked(floor, "a", "web", "METRO", 3)).is_repeat

    with pytest.raises(Conflict, match="other content"):
        await asked(floor, "a", "web", "EDEKA", 3)
    with pytest.raises(Conflict, match="other content"):
        await asked(floor, "a", "web", "", 3)


async def test_groups_are_versions_that_the_log_hears(floor: Floor) -> None:
    made = await share(floor, "online", "web", " ", "app", customers=("Metro ", "METRO"))
    assert (made.channels, made.customers) == (("app", "web"), ("METRO",))
    assert (made.version, made.set_by) == (1, "planner")
    again = await share(floor, "online", "app", "web", customers=("metro",))
    assert again == made
    await keep_of(floor, "online", most=5)
    await floor.allocation.rulebook.unprotect(MAIN, "X", "DC1", "online", by="planner")
    await floor.allocation.groups.clear(MAIN, "online", by="boss")
    assert await floor.allocation.groups.listed(MAIN) == []

    told = [event.payload for event in await floor.told(AllocationRuleChanged)]
    heard = [
        (one.kind, one.subject, one.is_of_group, one.channels, one.customers, one.is_cleared,
         one.changed_by)
        for one in told
        if isinstance(one, AllocationRuleChanged)
    ]  # fmt: skip
    assert heard == [
        ("GROUP", "online", False, ("app", "web"), ("METRO",), False, "planner"),
        ("PROTECTION", "online", True, (), (), False, "planner"),
        ("PROTECTION", "online", False, (), (), True, "planner"),
        ("GROUP", "online", False, (), (), True, "boss"),
    ]


async def twice(floor: Floor) -> None:
    await share(floor, "a", customers=("METRO",))
    await share(floor, "b", customers=("metro",))


async def twice_by_another_name(floor: Floor) -> None:
    await link(floor, "METRO", "K-17")
    await share(floor, "a", customers=("METRO",))
    await share(floor, "b", customers=("k-17",))


async def in_two(floor: Floor) -> None:
    await share(floor, "a", "web")
    await share(floor, "b", "web")


async def its_own(floor: Floor) -> None:
    await keep(floor, "web", most=3)
    await share(floor, "a", "web")


async def called_as_one(floor: Floor) -> None:
    await keep(floor, "key", most=3)
    await share(floor, "key", customers=("METRO",))


async def of_a_member(floor: Floor) -> None:
    await share(floor, "a", "web")
    await keep(floor, "web", most=3)


async def of_its_name(floor: Floor) -> None:
    await share(floor, "a", "web")
    await keep(floor, "a", most=3)


async def of_nobody(floor: Floor) -> None:
    await keep_of(floor, "a", most=3)


@pytest.mark.parametrize(
    ("attempt", "where", "why"),
    [
        (twice, "/customers", "customer METRO is in allocation group a already"),
        (twice_by_another_name, "/customers", "customer K-17 is in allocation group a already"),
        (in_two, "/channels", "channel web is in allocation group a already"),
        (its_own, "/channels", "channel web has maxima or minima of its own: X at DC1"),
        (called_as_one, "/channels", "channel key has maxima or minima of its own: X at DC1"),
        (of_a_member, "/channel", "channel web is in allocation group a"),
        (of_its_name, "/channel", "channel a is in allocation group a"),
        (of_nobody, "/group", "there is no allocation group a"),
    ],
)
async def test_what_would_count_twice_or_for_nobody_is_refused(
    floor: Floor, attempt: Callable[[Floor], Awaitable[None]], where: str, why: str
) -> None:
    with pytest.raises(Invalid, match=why) as refused:
        await attempt(floor)

    assert refused.value.where == where
    assert refused.value.hint


async def test_customers_of_two_groups_who_turn_out_to_be_one_count_for_one(
    floor: Floor,
) -> None:
    await floor.hear(counted(1, count(100)))
    await share(floor, "a", customers=("METRO",))
    await share(floor, "b", customers=("K-17",))
    await keep_of(floor, "a", most=9)
    await keep_of(floor, "b", most=5)
    await link(floor, "METRO", "K-17")

    assert got(await asked(floor, "1", "web", "METRO", 50)) == 5
    assert got(await asked(floor, "2", "web", "PARTY-1", 50)) == 0
    with pytest.raises(Invalid, match="is in allocation group b already"):
        await share(floor, "a", "fax", customers=("METRO",))
    await share(floor, "b", "shop")
    assert got(await asked(floor, "3", "web", "K-17", 50)) == 4


async def test_a_group_that_has_a_maximum_is_not_ended(floor: Floor) -> None:
    await share(floor, "online", "web")
    await keep_of(floor, "online", most=5)

    with pytest.raises(Conflict, match="has maxima or minima: X at DC1") as refused:
        await floor.allocation.groups.clear(MAIN, "online", by="planner")
    assert refused.value.code == "group_in_use"
    await floor.clock.advance(2 * DAY)
    await floor.allocation.groups.clear(MAIN, "online", by="planner")


async def test_a_channel_whose_own_maximum_has_ended_may_join_a_group(floor: Floor) -> None:
    await floor.hear(counted(1, count(100)))
    await keep(floor, "web", most=5)
    await floor.clock.advance(2 * DAY)
    await share(floor, "online", "web")
    await keep_of(floor, "online", most=7)

    assert got(await promise(floor, "web", 50, partly=True)) == 7


@pytest.mark.parametrize("seed", range(6))
async def test_promises_and_runs_count_for_a_group_as_a_naive_sum_does(
    floor: Floor, seed: int
) -> None:
    chance = Random(seed)
    channels, customers = ("web", "app", "fax", "key"), ("", "METRO", "EDEKA")
    most = {"online": 60, "key": 45, "fax": 30}
    await share(floor, "online", "web", "app")
    await share(floor, "key", customers=("METRO",))
    await keep_of(floor, "online", most=60)
    await keep_of(floor, "key", most=45)
    await keep(floor, "fax", most=30)
    await floor.hear(counted(1, count(500)))

    def whose(channel: str, customer: str) -> str:
        if customer == "METRO" or channel == "key":
            return "key"
        return "online" if channel in {"web", "app"} else channel

    had = dict.fromkeys(most, 0)
    for step in range(14):
        channel, customer = chance.choice(channels), chance.choice(customers)
        pieces, of = chance.randint(1, 9), whose(channel, customer)
        left = most[of] - had[of]
        if chance.random() < 0.6:
            given = got(await asked(floor, f"r{step}", channel, customer, pieces))
        else:
            await floor.hear(bought(f"O{step}", channel, customer, pieces))
            given = (await floor.work())[f"O{step}/1"]
            if given and chance.random() < 0.5:
                picked = chance.randint(1, given)
                await floor.hear(moved(step + 2, picked, place(), None, demand_ref=f"O{step}/1"))
        assert given == min(pieces, left)
        had[of] += given
