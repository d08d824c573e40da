"""Reservations: repeatable, exact, and moved through their life without a gap."""

import asyncio
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.errors import Conflict, Invalid, NotFound, Rejected
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    ReservationChanged,
    ReservationKind,
    ReservationStatus,
)
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import (
    Inventory,
    Reservation,
    ReservationLine,
    ReservationRequest,
    store,
)
from crossdock.foundation.database import Database
from tests.figures import figure
from tests.unit.capabilities.inventory.house import (
    MAIN,
    House,
    count,
    counted,
    demand,
    fact,
    moved,
    ordered,
    place,
)

HARD = ReservationKind.HARD
STOCK_ROWS_READ = """
select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables
where relname = 'inventory_stock' and $1 <> ''
"""


def request(name: str, *amounts: int, item: str = "X", **rest: bool) -> ReservationRequest:
    lines = tuple(ReservationLine(item, "DC1", amount * MICROS) for amount in amounts)
    return ReservationRequest(name, lines, **rest)  # type: ignore[arg-type]  # fields by name, as the case has them


async def test_a_repeat_gets_the_first_answer_again(house: House) -> None:
    await house.hear(counted(1, count(10)))
    for name, amount in (("granted", 4), ("denied", 99)):
        first = await house.inventory.reserve(MAIN, "shop", request(name, amount))
        again = await house.inventory.reserve(MAIN, "shop", request(name, amount))
        assert not first.is_repeat
        assert again == first._replace(is_repeat=True)
    assert (await house.stock()).available.value == 6


async def test_a_batch_is_counted_by_its_size_and_its_time(house: House) -> None:
    sums = ("reservation_batch_size_sum", "reservation_seconds_count")
    before = [figure(f"crossdock_{name}") for name in sums]
    await house.hear(counted(1, count(10)))

    await asyncio.gather(
        *(house.inventory.reserve(MAIN, "shop", request(f"R{number}", 1)) for number in range(7))
    )
    await house.inventory.reserve_many(MAIN, "shop", [request("R8", 1), request("R9", 1)])

    after = [figure(f"crossdock_{name}") for name in sums]
    assert [new - old for new, old in zip(after, before, strict=True)] == [9, 2]


async def test_naming_a_few_promises_reads_a_few_stock_rows(house: House) -> None:
    """A join read every stock row there is, each time that promises were announced."""
    items = [f"X{number}" for number in range(2000)]
    await house.hear(counted(1, *(count(10, item=item) for item in items)))
    asked = [request(f"R-{item}", 1, item=item) for item in items[:40]]
    made = await house.inventory.reserve_many(MAIN, "shop", asked)
    ids = [UUID(one.reservation_id.removeprefix("rsv_")) for one in made]  # type: ignore[union-attr]  # all were granted

    async with house.database.transaction(MAIN) as tx:
        before = await tx.fetchval(STOCK_ROWS_READ, "main")
        lines = await store.lines_of(tx, ids)
        rows_read = await tx.fetchval(STOCK_ROWS_READ, "main") - before

    assert {line.line.item for line in lines} == set(items[:40])
    assert rows_read == 40


@pytest.mark.parametrize("seed", range(4))
async def test_a_batch_is_decided_as_if_each_had_asked_alone_in_turn(
    house: House, seed: int
) -> None:
    """Where there is room for all they are granted in one step; else one by one: the same."""
    random = Random(seed)
    left = {f"X{number}": random.randint(0, 40) for number in range(5)}
    await house.hear(counted(1, *(count(amount, item=item) for item, amount in left.items())))
    expected: list[int] = []
    granted: list[int] = []
    for number in range(12):
        wanted = [
            (random.choice(list(left)), random.randint(1, 6)) for _ in range(random.randint(1, 9))
        ]
        for item, amount in wanted:
            fits = amount <= left[item]
            expected.append(amount if fits else 0)
            left[item] -= amount if fits else 0
        asked = [
            request(f"R{number}-{place}", amount, item=item)
            for place, (item, amount) in enumerate(wanted)
        ]
        made = await house.inventory.reserve_many(MAIN, "shop", asked)
        granted += [one.lines[0].granted // MICROS for one in made if isinstance(one, Reservation)]

    assert granted == expected
    assert 0 in granted
    assert {item: int((await house.stock(item)).available.value) for item in left} == left
    told = [event.payload for event in await house.told(ReservationChanged)]
    assert len(told) == len({one.reservation_id for one in told}) == len(expected)  # type: ignore[attr-defined]  # events of one kind were asked for


async def test_more_than_a_column_can_count_is_denied_and_spoils_nobodys_batch(
    house: House,
) -> None:
    await house.hear(counted(1, count(10)))
    most = [
        ReservationRequest(f"R{number}", (ReservationLine("X", "DC1", 10**18 - 1),))
        for number in range(20)
    ]

    made = await house.inventory.reserve_many(MAIN, "shop", [*most, request("small", 4)])

    granted = [one.is_granted for one in made if isinstance(one, Reservation)]
    assert granted == [False] * 20 + [True]


async def test_a_denied_request_stays_denied_when_stock_arrives(house: House) -> None:
    await house.hear(counted(1, count(1)))
    await house.inventory.reserve(MAIN, "shop", request("R", 5))
    await house.hear(counted(2, count(10)))

    again = await house.inventory.reserve(MAIN, "shop", request("R", 5))
    assert again.status is ReservationStatus.DENIED


async def test_the_same_id_with_other_content_is_a_conflict(house: House) -> None:
    await house.hear(counted(1, count(10)))
    await house.inventory.reserve(MAIN, "shop", request("R", 4))

    with pytest.raises(Conflict):
        await house.inventory.reserve(MAIN, "shop", request("R", 5))
    twice = await house.inventory.reserve_many(
        MAIN, "shop", [request("S", 1), request("S", 2), request("S", 1)]
    )
    assert isinstance(twice[1], Conflict)
    assert isinstance(twice[2], Reservation)
    assert twice[2].is_repeat
    other_client = await house.inventory.reserve(MAIN, "portal", request("R", 5))
    assert other_client.is_granted


async def test_the_same_request_sent_at_once_from_two_processes_holds_once(
    house: House, dsn: str
) -> None:
    await house.hear(counted(1, count(10)))
    other = await Database.open(dsn, pool_size=2)
    rival = Inventory(other, house.clock)
    try:
        answers = await asyncio.gather(
            *(one.reserve(MAIN, "shop", request("R", 4)) for one in (house.inventory, rival) * 4)
        )
    finally:
        await other.close()

    assert {answer.reservation_id for answer in answers} == {answers[0].reservation_id}
    assert all(answer.is_granted for answer in answers)
    assert (await house.stock()).available.value == 6


async def test_a_small_request_behind_a_too_large_one_is_served(house: House) -> None:
    await house.hear(counted(1, count(10)))
    asked = [request(str(number), amount) for number, amount in enumerate((6, 9, 3, 2, 1, 1))]

    answers = await house.inventory.reserve_many(MAIN, "shop", asked)

    assert [isinstance(one, Reservation) and one.is_granted for one in answers] == [
        True,
        False,
        True,
        False,
        True,
        False,
    ]


async def test_the_same_item_twice_in_one_request_is_summed(house: House) -> None:
    await house.hear(counted(1, count(10)))

    assert not (await house.inventory.reserve(MAIN, "shop", request("R", 6, 6))).is_granted
    assert (await house.inventory.reserve(MAIN, "shop", request("S", 6, 4))).is_granted


async def test_unknown_stock_promises_nothing(house: House) -> None:
    answer = await house.inventory.reserve(MAIN, "shop", request("R", 1, item="nobody knows"))

    assert answer.status is ReservationStatus.DENIED
    assert not (await house.stock("nobody knows")).is_known


async def test_lapsed_holds_are_free_for_the_next_who_asks(house: House) -> None:
    await house.hear(counted(1, count(10)))
    held = await house.reserve(10, ttl_seconds=60)
    await house.clock.advance(timedelta(seconds=60))

    assert (await house.reserve(10)).is_granted
    assert (await house.stock()).figures.soft == 10 * MICROS
    shown = await house.inventory.get(MAIN, held.reservation_id)
    assert shown.status is ReservationStatus.EXPIRED


async def test_the_sweep_ends_lapsed_holds_and_tells_of_it(house: House) -> None:
    await house.hear(counted(1, count(10)))
    await house.reserve(4, ttl_seconds=60)
    await house.reserve(3, ttl_seconds=600)
    await house.clock.advance(timedelta(seconds=60))
    await house.inventory.upkeep.sweep()

    told = [event.payload for event in await house.told(AvailabilityChanged)]
    assert told[-1].soft.value == 3  # type: ignore[attr-defined]  # events of one kind were asked for
    statuses = {event.payload.status for event in await house.told(ReservationChanged)}  # type: ignore[attr-defined]  # events of one kind were asked for
    assert statuses == {ReservationStatus.ACTIVE, ReservationStatus.EXPIRED}


async def test_extending_moves_the_end_and_a_hard_hold_has_none(house: House) -> None:
    await house.hear(counted(1, count(10)))
    held = await house.reserve(4, ttl_seconds=60)
    extended = await house.inventory.extend(MAIN, held.reservation_id, 120)
    assert extended.expires_at == house.clock.now() + timedelta(seconds=120)

    await house.inventory.confirm(MAIN, held.reservation_id)
    with pytest.raises(Rejected):
        await house.inventory.extend(MAIN, held.reservation_id, 120)
    with pytest.raises(Invalid):
        await house.inventory.extend(MAIN, held.reservation_id, 99_999)


async def test_releasing_gives_back_what_was_not_consumed_and_repeats_harmlessly(
    house: House,
) -> None:
    await house.hear(counted(1, count(10)))
    held = await house.reserve(8, kind=HARD)
    await house.inventory.consume(MAIN, held.reservation_id, {1: 3 * MICROS})
    with pytest.raises(Rejected):
        await house.inventory.consume(MAIN, held.reservation_id, {1: 9 * MICROS})

    for _ in range(2):
        released = await house.inventory.release(MAIN, held.reservation_id)
        assert released.status is ReservationStatus.RELEASED
    assert (await house.stock()).available.value == 10
    with pytest.raises(Conflict):
        await house.inventory.confirm(MAIN, held.reservation_id)
    for _ in range(2):
        await house.inventory.consume(MAIN, held.reservation_id, {1: 3 * MICROS})
    with pytest.raises(Conflict):
        await house.inventory.consume(MAIN, held.reservation_id, {1: 4 * MICROS})


async def test_a_consumption_told_again_gives_nobody_the_units_of_another(house: House) -> None:
    await house.hear(counted(1, count(10)))
    held = await house.reserve(8, kind=HARD)

    for total in (4, 4, 3):
        await house.inventory.consume(MAIN, held.reservation_id, {1: total * MICROS})

    assert (await house.stock()).figures.hard == 4 * MICROS


async def test_a_pick_and_a_consumption_that_tell_of_the_same_units_count_once(
    house: House,
) -> None:
    await house.hear(counted(1, count(10)))
    held = await house.reserve(8, kind=HARD, demand_ref="O/1")

    await house.inventory.consume(MAIN, held.reservation_id, {1: 4 * MICROS})
    await house.hear(moved(2, 4, place(), None, demand_ref="O/1"))

    assert (await house.stock()).figures.hard == 4 * MICROS
    await house.hear(moved(3, 2, place(), None, demand_ref="O/1"))
    assert (await house.stock()).figures.hard == 2 * MICROS


async def test_a_soft_hold_lapses_with_what_neither_word_has_seen_go(house: House) -> None:
    await house.hear(counted(1, count(10)))
    held = await house.reserve(8, demand_ref="O/1")
    await house.inventory.consume(MAIN, held.reservation_id, {1: 4 * MICROS})
    await house.hear(moved(2, 4, place(), None, demand_ref="O/1"))
    assert (await house.stock()).figures.soft == 4 * MICROS

    await house.clock.advance(timedelta(hours=1))

    assert (await house.reserve(6)).is_granted
    assert (await house.stock()).figures.soft == 6 * MICROS


async def test_consuming_nothing_by_line_is_not_consuming_all(house: House) -> None:
    await house.hear(counted(1, count(10)))
    held = await house.reserve(8)

    after = await house.inventory.consume(MAIN, held.reservation_id, {})

    assert after.status is ReservationStatus.ACTIVE


async def test_consuming_all_closes_the_promise(house: House) -> None:
    await house.hear(counted(1, count(10)))
    held = await house.reserve(8)
    consumed = await house.inventory.consume(MAIN, held.reservation_id)

    assert consumed.status is ReservationStatus.CONSUMED
    confirmed = await house.inventory.confirm(MAIN, held.reservation_id)
    assert confirmed.status is ReservationStatus.CONSUMED


async def test_an_unpick_gives_the_promise_its_units_back(house: House) -> None:
    await house.hear(counted(1, count(10)))
    held = await house.reserve(4, kind=HARD, demand_ref="O/1")
    await house.hear(moved(2, 4, place(), None, demand_ref="O/1"))
    shown = await house.inventory.get(MAIN, held.reservation_id)
    assert shown.status is ReservationStatus.CONSUMED

    await house.hear(moved(3, 4, None, place(), demand_ref="O/1"))
    shown = await house.inventory.get(MAIN, held.reservation_id)
    assert shown.status is ReservationStatus.ACTIVE
    assert await house.figures() == (6, 6, 0, 0)


async def test_an_order_may_reserve_what_it_already_claims_and_no_more(house: House) -> None:
    await house.hear(counted(1, count(10)), ordered("O", 1, demand("O/1", 10)))

    assert (await house.reserve(10, kind=HARD, demand_ref="O/1")).is_granted
    assert not (await house.reserve(11, kind=HARD, demand_ref="O/1")).is_granted
    assert not (await house.reserve(1)).is_granted


async def group(house: House, *members: str) -> None:
    payload = LocationChanged(code="WEST", kind=LocationKind.GROUP, members=members)
    number = len(members)
    await house.hear(fact(f"location:WEST:{number}", payload, number), source="erp")


@pytest.mark.parametrize(("ordered_at_group", "had"), [(7, 7), (10, 10), (12, 10)])
async def test_an_order_at_a_group_may_reserve_what_its_nodes_have_for_it(
    house: House, ordered_at_group: int, had: int
) -> None:
    await house.hear(counted(1, count(6)), counted(1, count(4), location="DC2"))
    await group(house, "DC1", "DC2")
    await house.hear(ordered("O", 1, demand("O/1", ordered_at_group, location="WEST")))

    held = await house.reserve(had, location="WEST", kind=HARD, demand_ref="O/1")
    more = await house.reserve(had + 1, location="WEST", kind=HARD, demand_ref="O/1")
    others = await house.reserve(10 - had + 1, location="WEST")

    assert held.is_granted
    assert not more.is_granted
    assert not others.is_granted
    assert (await house.stock(location="WEST")).figures.hard == ordered_at_group * MICROS


async def test_a_groups_promise_stays_covered_by_its_nodes(house: House) -> None:
    await house.hear(counted(1, count(6)), counted(1, count(4), location="DC2"))
    await group(house, "DC1", "DC2")

    held = await house.reserve(7, location="WEST")
    assert held.is_granted
    assert not (await house.reserve(4, location="WEST")).is_granted
    assert not (await house.reserve(4)).is_granted
    assert (await house.reserve(3)).is_granted
    west, node = await house.stock(location="WEST"), await house.stock()
    assert west.available.value == 0
    assert node.available.value == 0
    assert node.kept_for_group == 3 * MICROS


async def test_a_shortage_at_one_node_does_not_eat_anothers_stock(house: House) -> None:
    await house.hear(counted(1, count(2)), counted(1, count(4), location="DC2"))
    await house.hear(ordered("O", 1, demand("O/1", 9)))
    await group(house, "DC1", "DC2")

    # 4 at DC2; 9 asked of the 2 at DC1.
    assert await house.figures(location="WEST") == (-3, 4, 0, 7)


async def test_a_group_shows_what_its_nodes_withhold_beside_what_it_withholds_itself(
    house: House,
) -> None:
    await house.hear(counted(1, count(6)), counted(1, count(4), location="DC2"))
    await group(house, "DC1", "DC2")
    await house.inventory.upkeep.set_safety(MAIN, "X", "DC1", 2 * MICROS, by="test")
    await house.inventory.upkeep.set_safety(MAIN, "X", "WEST", 1 * MICROS, by="test")
    await house.reserve(3, location="WEST")

    # 10 there, 3 promised at the group: 7; of these 2 stay at DC1 and 1 with the group.
    assert await house.figures(location="WEST") == (7, 4, 3, 0)


async def test_a_group_names_the_nodes_of_which_nobody_said_what_lies_there(house: House) -> None:
    await house.hear(counted(1, count(6)), counted(1, location="DC3", is_full=True))
    await group(house, "DC1", "DC2", "DC3", "DC4")

    west, node = await house.stock(location="WEST"), await house.stock()

    assert west.is_known
    assert west.available.value == 6
    assert west.unknown_members == ("DC2", "DC4")  # DC3 was counted whole, and has none
    assert node.unknown_members == ()


async def test_a_group_is_unknown_while_all_its_nodes_are(house: House) -> None:
    await group(house, "DC1", "DC2")

    west = await house.stock(location="WEST")

    assert (west.is_known, west.unknown_members) == (False, ("DC1", "DC2"))


async def test_a_hold_moves_from_group_to_node_without_a_gap(house: House) -> None:
    await house.hear(counted(1, count(6)), counted(1, count(4), location="DC2"))
    await group(house, "DC1", "DC2")
    held = await house.reserve(5, location="WEST", kind=HARD)

    with pytest.raises(Rejected):
        await house.inventory.transfer(MAIN, held.reservation_id, "DC2")
    routed = await house.inventory.transfer(MAIN, held.reservation_id, "DC1")

    assert routed.lines[0].location == "DC1"
    assert (await house.stock()).available.value == 1
    assert (await house.stock(location="WEST")).available.value == 5


async def test_a_node_that_left_its_group_answers_for_itself_again(house: House) -> None:
    await house.hear(counted(1, count(6)), counted(1, count(4), location="DC2"))
    await group(house, "DC1")
    await house.reserve(6, location="WEST")
    await group(house, "DC2", "DC3")

    assert (await house.stock()).available.value == 6
    assert (await house.reserve(6)).is_granted


async def test_a_reservation_that_does_not_exist_is_not_found(house: House) -> None:
    for name in ("rsv_" + "0" * 32, "rsv_x", "so_1", ""):
        with pytest.raises(NotFound):
            await house.inventory.get(MAIN, name)


@pytest.mark.parametrize(
    "asked",
    [
        request("", 1),
        request("R"),
        request("R", 0),
        request("R", -1),
        request("R\0", 1),
        request("R", 1, item="X\0"),
        ReservationRequest("R", (ReservationLine("X", "DC1", MICROS),), ttl_seconds=0),
        ReservationRequest("R", (ReservationLine("X", "DC1", MICROS),), ttl_seconds=14_401),
    ],
)
async def test_what_no_stock_could_grant_is_refused_at_the_door(
    house: House, asked: ReservationRequest
) -> None:
    with pytest.raises(Invalid):
        await house.inventory.reserve(MAIN, "shop", asked)


async def test_every_promise_reaches_the_log_once(house: House) -> None:
    await house.hear(counted(1, count(100)))
    held = [await house.reserve(1) for _ in range(5)]
    await house.inventory.confirm(MAIN, held[0].reservation_id)
    await house.inventory.upkeep.tell()
    await house.inventory.upkeep.tell()

    told = await house.told(ReservationChanged)
    assert len({event.fact.identity for event in told}) == len(told) == 5
    figures = [event.payload for event in await house.told(AvailabilityChanged)]
    assert [one.version for one in figures] == [1, 7]  # type: ignore[attr-defined]  # events of one kind were asked for
