"""A promise can be derived again from what its decision saw, whatever has happened since."""

import asyncio
from datetime import timedelta
from random import Random

import msgspec
import pytest

from crossdock.canonical.catalog import LocationChanged, LocationKind
from crossdock.canonical.errors import NotFound
from crossdock.canonical.inventory import ReservationKind, SourceHeard
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import (
    Explanation,
    LineProof,
    Reservation,
    ReservationLine,
    ReservationRequest,
    model,
)
from crossdock.capabilities.inventory.announcing import TELL
from crossdock.capabilities.inventory.incoming import taken_in
from crossdock.capabilities.inventory.promise_proof import GROUP_RULE, MEMBER_RULE, OWN_RULE
from crossdock.foundation.scope import Scope
from crossdock.interfaces.api.promise_shapes import promise_shown
from tests.conftest import NOON
from tests.unit.capabilities.inventory.house import (
    MAIN,
    House,
    count,
    counted,
    demand,
    fact,
    ordered,
)

HARD = ReservationKind.HARD
HOUR = timedelta(hours=1)
GROUP = LocationKind.GROUP


async def explained(house: House, reservation_id: str) -> Explanation:
    found = await house.inventory.explain(MAIN, reservation_id)
    assert found.is_reproduced
    return found


async def the_line(house: House, reservation_id: str) -> LineProof:
    [line] = (await explained(house, reservation_id)).lines
    return line


def units(line: LineProof) -> tuple[int, int, int, int, int]:
    """Give nettable, claimed, earlier, safety and free in whole units."""
    amounts = (line.nettable, line.claimed, line.earlier, line.safety, line.free)
    return tuple(one // MICROS for one in amounts)  # type: ignore[return-value]  # as many as came in


async def test_a_promise_says_what_it_was_made_from(house: House) -> None:
    await house.hear(counted(1, count(100)), ordered("O", 1, demand("O/1", 30)))
    await house.inventory.upkeep.set_safety(MAIN, "X", "DC1", 8 * MICROS, by="test")
    await house.reserve(10)
    made = await house.reserve(40, kind=HARD)

    line = await the_line(house, made.reservation_id)
    assert units(line) == (100, 40, 0, 8, 52)
    assert (line.granted, line.item, line.location) == (40 * MICROS, "X", "DC1")
    assert [(one.source, one.heard_at, one.is_stale(line.as_of)) for one in line.sources] == [
        ("wms", NOON, False)
    ]


async def test_a_refusal_says_what_was_missing(house: House) -> None:
    await house.hear(counted(1, count(3)))
    denied = await house.reserve(5)

    line = await the_line(house, denied.reservation_id)
    assert (line.granted, *units(line)) == (0, 3, 0, 0, 0, 3)
    assert [one.source for one in line.sources] == ["wms"]


async def test_what_was_never_counted_is_refused_with_nothing_there(house: House) -> None:
    denied = await house.reserve(5)

    line = await the_line(house, denied.reservation_id)
    assert (line.granted, *units(line), line.sources) == (0, 0, 0, 0, 0, 0, ())


async def test_a_source_that_was_silent_for_too_long_is_shown_as_stale(house: House) -> None:
    await house.hear(counted(1, count(10)))
    await house.clock.advance(HOUR)
    made = await house.reserve(1)
    await house.hear(fact("alive", SourceHeard(source="wms"), 3600))

    [source] = (line := await the_line(house, made.reservation_id)).sources
    assert (source.heard_at, source.is_stale(line.as_of)) == (NOON, True)


async def test_an_explanation_stays_the_same_whatever_happens_afterwards(house: House) -> None:
    await house.hear(counted(1, count(100)), counted(2, count(9), location="DC2"))
    made = await house.reserve(40)
    refused = await house.reserve(99)
    before = [await as_json(house, one.reservation_id) for one in (made, refused)]

    await house.inventory.confirm(MAIN, made.reservation_id)
    await house.inventory.upkeep.set_safety(MAIN, "X", "DC1", 30 * MICROS, by="test")
    await house.inventory.upkeep.set_freshness(MAIN, "wms", 5)
    await house.reserve(5)
    await house.inventory.upkeep.tell()
    await house.hear(
        counted(3, count(50)), counted(4, count(60), location="DC2"),
        fact("erp", SourceHeard(source="erp"), 5),
    )  # fmt: skip
    await house.hear(counted(5, count(45)), source="erp")
    await house.inventory.transfer(MAIN, made.reservation_id, "DC2")
    await house.inventory.release(MAIN, made.reservation_id)

    after = [await as_json(house, one.reservation_id) for one in (made, refused)]
    granted_anew = b',"regrants":['
    assert [text.split(granted_anew)[0] for text in after] == [
        text.removesuffix(granted_anew + b"]}") for text in before
    ]
    assert after[1] == before[1]


async def as_json(house: House, reservation_id: str) -> bytes:
    found = await explained(house, reservation_id)
    return msgspec.json.encode(promise_shown(found, {"X": "EA"}))


async def test_promises_of_one_batch_are_each_proven_at_their_turn(house: House) -> None:
    await house.hear(counted(1, count(10)))
    requests = [
        ReservationRequest(f"R{number}", (ReservationLine("X", "DC1", amount * MICROS),))
        for number, amount in enumerate([4, 7, 3, 50, 2])
    ]
    made = await house.inventory.reserve_many(MAIN, "shop", requests)

    proven = [
        await the_line(house, one.reservation_id) for one in made if isinstance(one, Reservation)
    ]
    assert [line.granted // MICROS for line in proven] == [4, 0, 3, 0, 2]
    assert all(line.free >= line.granted for line in proven)
    assert [line.free < line.requested for line in proven] == [False, True, False, True, False]


async def test_a_line_short_takes_the_others_with_it_and_says_so(house: House) -> None:
    await house.hear(counted(1, count(10), count(3, item="Y")))
    lines = (ReservationLine("X", "DC1", 4 * MICROS), ReservationLine("Y", "DC1", 5 * MICROS))
    whole = await house.inventory.reserve(MAIN, "shop", ReservationRequest("all", lines))
    part = await house.inventory.reserve(
        MAIN, "shop", ReservationRequest("part", lines, allow_partial=True)
    )

    first, second = (await explained(house, whole.reservation_id)).lines
    assert (first.granted, first.is_denied_for_another) == (0, True)
    assert (second.granted, second.is_denied_for_another, units(second)[-1]) == (0, False, 3)
    assert [
        line.granted // MICROS for line in (await explained(house, part.reservation_id)).lines
    ] == [4, 3]


async def test_an_order_line_is_not_counted_against_itself(house: House) -> None:
    await house.hear(counted(1, count(100)), ordered("O", 1, demand("O/1", 60)))
    made = await house.reserve(60, kind=HARD, demand_ref="O/1")

    line = await the_line(house, made.reservation_id)
    assert (units(line), line.own, line.rule) == ((100, 60, 0, 0, 60), 60 * MICROS, OWN_RULE)


async def test_a_promise_at_a_group_shows_its_members(house: House) -> None:
    await house.hear(
        fact("east", LocationChanged(code="EAST", kind=GROUP, members=("DC1", "DC2")), 1)
    )
    await house.hear(counted(2, count(5)), counted(3, count(7), location="DC2"))
    made = await house.reserve(9, location="EAST")
    member = await house.reserve(3, location="DC1")
    refused = await house.reserve(3, location="DC1")

    line = await the_line(house, made.reservation_id)
    assert (units(line), line.rule) == ((12, 0, 0, 0, 12), GROUP_RULE)
    assert [(one.location, one.free // MICROS) for one in line.members] == [("DC1", 5), ("DC2", 7)]
    proven = [await the_line(house, one.reservation_id) for one in (member, refused)]
    assert [(one.rule, units(one)[-1], one.granted // MICROS) for one in proven] == [
        (MEMBER_RULE, 3, 3), (MEMBER_RULE, 0, 0),
    ]  # fmt: skip


async def test_an_order_is_explained_by_its_lines(house: House) -> None:
    await house.hear(counted(1, count(100)))
    made = [
        await house.reserve(number, demand_ref=ref)
        for number, ref in enumerate(["shop:7/1", "shop:7/2", "shop:70/1"], 1)
    ]

    of_order = await house.inventory.explain_order(MAIN, "shop:7")
    [of_line] = await house.inventory.explain_order(MAIN, "shop:7/2")
    assert {one.reservation.reservation_id for one in of_order} == {
        one.reservation_id for one in made[:2]
    }
    assert of_line.lines[0].demand_ref == "shop:7/2"


async def test_an_order_is_explained_whatever_its_lines_are_called_and_became_of_them(
    house: House,
) -> None:
    """Another system's lines are not named after their order, and its promises end."""
    await house.hear(counted(1, count(20)))
    await house.hear(ordered("sale:7", 1, demand("sale.line,1", 5), demand("sale.line,2", 5)))
    made = [
        await house.reserve(5, demand_ref="sale.line,1"),
        await house.reserve(5, demand_ref="sale.line,2"),
        await house.reserve(50, demand_ref="sale.line,2"),
    ]
    await house.inventory.release(MAIN, made[0].reservation_id)

    found = await house.inventory.explain_order(MAIN, "sale:7")
    assert [one.reservation.reservation_id for one in found] == [
        made[number].reservation_id for number in (1, 0, 2)
    ]
    assert [one.reservation.status.value for one in found] == ["ACTIVE", "RELEASED", "DENIED"]
    assert await house.inventory.lines_of(MAIN, "sale:7") == ["sale.line,1", "sale.line,2"]
    assert await house.inventory.lines_of(MAIN, "") == []
    [of_line] = await house.inventory.explain_order(MAIN, "sale.line,1")
    assert of_line.reservation.reservation_id == made[0].reservation_id


async def test_who_asks_for_what_was_never_promised_is_told(house: House) -> None:
    with pytest.raises(NotFound, match="there is no reservation"):
        await house.inventory.explain(MAIN, f"rsv_{'0' * 32}")
    with pytest.raises(NotFound, match="is no reservation id"):
        await house.inventory.explain(MAIN, "shop:7")
    with pytest.raises(NotFound, match="nothing was promised to 'shop:7'"):
        await house.inventory.explain_order(MAIN, "shop:7")


async def test_a_stampede_is_explained_to_the_last_promise(house: House) -> None:
    chance = Random(7)
    await house.hear(counted(1, *(count(30, item=item) for item in "ABCD")))
    requests = [
        ReservationRequest(
            f"R{number}",
            tuple(
                ReservationLine(item, "DC1", chance.randint(1, 9) * MICROS)
                for item in chance.sample("ABCD", chance.choice([1, 1, 1, 2]))
            ),
            chance.choice(list(ReservationKind)),
            allow_partial=chance.random() < 0.2,
        )
        for number in range(80)
    ]
    made = await asyncio.gather(*(house.inventory.reserve(MAIN, "shop", one) for one in requests))

    for reservation in made:
        found = await explained(house, reservation.reservation_id)
        assert [line.granted for line in found.lines] == [
            line.granted for line in reservation.lines
        ]
        assert all(line.granted <= line.free for line in found.lines)
    assert {reservation.is_granted for reservation in made} == {True, False}


async def test_a_promise_is_explained_before_the_log_has_heard_of_it(house: House) -> None:
    """Another process may be just telling the log: its row is nowhere until it commits."""
    await house.hear(counted(1, count(10)))
    made = await house.reserve(4)

    async with house.database.transaction(Scope.of_workers()) as telling:
        await telling.fetchrow(TELL, 64)
        assert units(await the_line(house, made.reservation_id))[-1] == 10
    assert units(await the_line(house, made.reservation_id))[-1] == 10


async def test_a_group_is_explained_in_the_same_order_after_its_rows_have_moved(
    house: House,
) -> None:
    members = ("DC1", "DC2", "DC3")
    await house.hear(
        fact("east", LocationChanged(code="EAST", kind=GROUP, members=members), 1),
        *(counted(number, count(5), location=at) for number, at in enumerate(members, 2)),
    )
    made = await house.reserve(12, location="EAST")
    before = await as_json(house, made.reservation_id)

    async with house.database.transaction(MAIN) as tx:
        for _ in range(300):  # until the row no longer fits on its page
            await tx.execute(
                "update inventory_stock set unit = unit where tenant = $1 and location = 'DC1'",
                tx.tenant,
            )

    assert await as_json(house, made.reservation_id) == before


async def test_an_order_that_was_cancelled_just_now_is_no_longer_its_own(house: House) -> None:
    """What is open of an order is looked up before the stock is locked, and again after."""
    await house.hear(counted(1, count(10)), ordered("O", 1, demand("O/1", 10)))
    promises = house.inventory._promises  # the moment between the two looks
    line = ReservationLine("X", "DC1", 10 * MICROS, "O/1")
    incoming = taken_in("main", [("shop", ReservationRequest("R", (line,), HARD))],
                        model.Expiry(NOON, 900))  # fmt: skip
    look = await promises._look(MAIN, incoming, NOON)
    await house.hear(ordered("O", 2, demand("O/1", 10, 10)))
    await house.reserve(5)

    async with house.database.transaction(MAIN) as tx:
        await promises._decide_general(tx, incoming, look)

    answer = incoming[0].answer
    assert isinstance(answer, Reservation)
    line_proof = await the_line(house, answer.reservation_id)
    assert (line_proof.granted, line_proof.own, units(line_proof)[-1]) == (0, 0, 0)


async def test_every_state_of_a_row_has_a_version_of_its_own(house: House) -> None:
    """A hold that lapses where as much is held anew leaves the row as it was."""
    await house.hear(counted(1, count(10)), ordered("O", 1, demand("O/1", 1)))
    await house.reserve(5, ttl_seconds=60)
    await house.clock.advance(HOUR)
    lines = tuple(ReservationLine("X", "DC1", amount * MICROS) for amount in (2, 3))
    anew = await house.inventory.reserve(MAIN, "shop", ReservationRequest("two", lines))
    later = await house.reserve(1)

    first = (await explained(house, anew.reservation_id)).lines[0]
    second = await the_line(house, later.reservation_id)
    assert (units(first)[1], units(second)[1]) == (1, 6)
    assert second.version == first.version + 1


async def test_an_order_does_not_answer_for_another_that_begins_like_it(house: House) -> None:
    await house.hear(counted(1, count(100)))
    for ref in ("7/1", "7/a/1"):
        await house.reserve(1, demand_ref=ref)

    found = await house.inventory.explain_order(MAIN, "7")
    assert [one.lines[0].demand_ref for one in found] == ["7/1"]


async def test_a_promise_of_a_thousand_lines_is_explained(house: House) -> None:
    items = [f"X{number}" for number in range(1000)]
    await house.hear(counted(1, *(count(10, item=item) for item in items)))
    lines = tuple(ReservationLine(item, "DC1", 4 * MICROS) for item in items)
    made = await house.inventory.reserve(MAIN, "shop", ReservationRequest("many", lines))

    found = await explained(house, made.reservation_id)
    assert len(found.lines) == 1000
    assert {units(line)[-1] for line in found.lines} == {10}


@pytest.mark.parametrize("verb", ["confirm", "extend"])
async def test_a_lapsed_hold_that_is_granted_anew_says_why(house: House, verb: str) -> None:
    await house.hear(counted(1, count(10)))
    made = await house.reserve(4, ttl_seconds=60)
    await house.clock.advance(HOUR)
    await house.reserve(3, kind=HARD)
    if verb == "confirm":
        await house.inventory.confirm(MAIN, made.reservation_id)
    else:
        await house.inventory.extend(MAIN, made.reservation_id, 60)
    before = await as_json(house, made.reservation_id)
    await house.inventory.upkeep.tell()
    await house.hear(counted(9, count(2)))

    found = await explained(house, made.reservation_id)
    [first], [anew] = found.lines, found.regrants
    assert units(first) == (10, 0, 0, 0, 10)
    assert (anew.at, anew.is_reproduced) == (house.clock.now(), True)
    assert [units(line) for line in anew.lines] == [(10, 3, 0, 0, 7)]
    assert [(line.requested // MICROS, line.granted // MICROS) for line in anew.lines] == [(4, 4)]
    assert await as_json(house, made.reservation_id) == before


async def test_a_promise_that_is_moved_says_why_it_had_its_goods_there(house: House) -> None:
    group = LocationChanged(code="EAST", kind=GROUP, members=("DC1", "DC2"))
    await house.hear(
        fact("location:EAST", group, 1), counted(2, count(6)), counted(3, count(5), location="DC2")
    )
    made = await house.reserve(5, location="EAST", demand_ref="O/1")
    await house.inventory.transfer(MAIN, made.reservation_id, "DC2")
    await house.clock.advance(timedelta(seconds=1))
    await house.inventory.transfer(MAIN, made.reservation_id, "DC1")
    await house.inventory.upkeep.tell()

    found = await explained(house, made.reservation_id)
    [there, back] = found.regrants
    assert there.is_reproduced
    assert back.is_reproduced
    assert [(line.location, line.demand_ref, line.rule) for line in there.lines] == [
        ("DC2", "O/1", MEMBER_RULE)
    ]
    assert [(line.location, units(line)) for line in back.lines] == [("DC1", (6, 0, 0, 0, 6))]


async def test_a_verb_that_grants_nothing_anew_keeps_no_decision(house: House) -> None:
    await house.hear(counted(1, count(10)))
    made = await house.reserve(4)
    await house.inventory.confirm(MAIN, made.reservation_id)
    await house.inventory.release(MAIN, made.reservation_id)
    await house.inventory.upkeep.tell()

    assert (await explained(house, made.reservation_id)).regrants == ()
