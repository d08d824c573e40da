"""Promises by date that are kept: on a real hub, each unit is counted once."""

import asyncio
from datetime import timedelta
from random import Random

import msgspec
import pytest

from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.canonical.inventory import ReservationKind
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.supply import PromiseByDateChanged, PromiseState, SupplyEvidence
from crossdock.capabilities.inventory import ReservationLine, ReservationRequest
from crossdock.capabilities.supply import AtpRule, KeptPromise, PromiseAsked, Question
from crossdock.capabilities.supply.answer import Basis
from crossdock.foundation import event_log
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.event_log import Position
from tests.unit.capabilities.supply.yard import EVERY_DAY, Yard, committed, day, line, ordered

A4_DEMAND = (30, 25, 30, 10, 0, 35, 0, 0)
AT_ONCE = msgspec.convert(
    {
        "weekdays": "1234567",
        "daily_buckets": 8,
        "weekly_buckets": 0,
        "classes": [{"confidence": "C", "percent": 100, "buffer_days": 0}],
    },
    AtpRule,
)
"""Count what is acknowledged in full, on its day."""


async def a4(yard: Yard) -> None:
    """Start 80; supply 60 in b3 and b6; demand 30,25,30,10,0,35,0,0 (buckets from b1)."""
    await yard.hub.put_stock("X", "DC1", 80)
    await yard.rule(AT_ONCE)
    lines = [line(f"o/{n}", micros, day(n)) for n, micros in enumerate(A4_DEMAND) if micros]
    await yard.hear(
        ordered("o", *lines),
        committed("po:1", 60, eta=day(2)),
        committed("po:2", 60, eta=day(5)),
    )


async def promise(
    yard: Yard, request: str, pieces: int, ref: str = "", *, replaces: str = "", by: int = -1
) -> KeptPromise:
    on = None if by < 0 else day(by)
    question = Question("X", "DC1", "EA", pieces * MICROS, on)
    asked = PromiseAsked(request, (question,), (ref,), replaces)
    return await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)


def parts(made: KeptPromise) -> list[tuple[int, int, int]]:
    return [
        ((one.ship_date - day(0)).days, one.micros // MICROS, one.held // MICROS)
        for one in made.lines
    ]


async def test_a9_promised_on_a4_everybody_else_sees_what_is_left(yard: Yard) -> None:
    await a4(yard)
    assert await yard.promisable() == {0: 25, 2: 45, 5: 70}
    made = await promise(yard, "r1", 60, "so1/1")
    assert made.is_granted
    assert parts(made) == [(0, 25, 0), (2, 20, 0), (5, 15, 0)]
    assert await yard.promisable() == {0: 0, 5: 10}
    assert await yard.promisable("so1/1") == {0: 25, 2: 45, 5: 70}


async def test_a25_a26_what_lies_there_is_held_and_a_promise_made_anew_counts_once(
    yard: Yard,
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    first = await promise(yard, "r1", 40, "so1/1")
    assert parts(first) == [(0, 40, 40)]
    assert await yard.promisable() == {0: 0, 1: 60}
    lines = (ReservationLine("X", "DC1", MICROS, "cart"),)
    plain = ReservationRequest("cart", lines, ReservationKind.HARD)
    denied = await yard.hub.inventory.reserve(yard.hub.scope, "shop", plain)
    assert denied.lines[0].granted == 0

    with pytest.raises(Conflict, match="has the promise prm_"):
        await promise(yard, "r2", 55, "so1/1")
    again = await promise(yard, "r2", 55, "so1/1", replaces=first.promise_id)
    assert parts(again) == [(0, 40, 40), (1, 15, 0)]
    assert await yard.promisable() == {0: 0, 1: 45}
    old = await yard.hub.kept_promises.get(yard.hub.scope, first.promise_id)
    assert old.replaced_by == again.promise_id
    assert old.released_at is not None
    with pytest.raises(Conflict, match="is over"):
        await promise(yard, "r3", 10, replaces=first.promise_id)


async def test_a19_an_order_and_its_promise_are_counted_once(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    await promise(yard, "r1", 55, "so1/1")
    assert await yard.promisable() == {0: 0, 1: 45}
    await yard.hear(ordered("so1", line("so1/1", 55)))
    assert await yard.promisable() == {0: 0, 1: 45}
    await yard.hear(ordered("so1", line("so1/1", 60), version=2))
    assert await yard.promisable() == {0: 0, 1: 40}
    await yard.hear(ordered("so1", line("so1/1", 15), version=3))
    assert (await yard.promisable())[1] == 85


async def test_a_repeat_gets_its_first_answer_and_another_content_is_refused(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 40)
    first = await promise(yard, "r1", 30)
    assert await promise(yard, "r1", 30) == first
    with pytest.raises(Conflict, match="other content"):
        await promise(yard, "r1", 31)
    refused = await promise(yard, "r2", 11)
    assert not refused.is_granted
    assert refused.proof.reasons == ("stock and supply end, and it is not replenished",)
    assert await yard.promisable() == {0: 10}


async def test_a_lead_time_is_told_and_no_promise_is_kept_on_it(yard: Yard) -> None:
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.rule(AtpRule(is_replenishable=True, lead_time_days=5), "X")
    told = await yard.ask(41)
    assert (told.basis, told.promised_on) == (Basis.LEAD_TIME, day(5))
    refused = await promise(yard, "r1", 41)
    assert not refused.is_granted
    assert refused.proof.reasons == (told.reason,)
    assert await yard.promisable() == {0: 40}


async def test_the_proof_stays_as_it_was_whatever_changes(yard: Yard) -> None:
    await a4(yard)
    made = await promise(yard, "r1", 60, "so1/1")
    before = msgspec.json.encode(made)
    await yard.rule(EVERY_DAY)
    await yard.hub.put_stock("X", "DC1", 3)
    await yard.hear(committed("po:1", 0, 2, eta=day(2)))
    after = await yard.hub.kept_promises.get(yard.hub.scope, made.promise_id)
    assert msgspec.json.encode(after) == before
    assert AT_ONCE in [one.rule for one in made.proof.rules]


async def test_released_it_claims_nothing_and_released_twice_is_once(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(committed("po:1", 60, eta=day(1)))
    made = await promise(yard, "r1", 55, "so1/1")
    kept = yard.hub.kept_promises
    assert await kept.listed(yard.hub.scope) == await kept.of_order(yard.hub.scope, "so1")
    over = await kept.release(yard.hub.scope, made.promise_id, by="test")
    assert await kept.release(yard.hub.scope, made.promise_id, by="test") == over
    assert await yard.promisable() == {0: 40, 1: 100}
    assert await kept.listed(yard.hub.scope, after=made.promise_id) == []
    for unknown in ("prm_7", "prm_" + "0" * 32):
        with pytest.raises(NotFound, match="there is no promise"):
            await kept.get(yard.hub.scope, unknown)


async def test_all_has_to_leave_by_the_day_that_was_asked_for(yard: Yard) -> None:
    await a4(yard)
    late = await promise(yard, "r1", 60, by=4)
    assert late.proof.reasons == (f"not all of it can leave by {day(4)}",)
    assert (await promise(yard, "r2", 60, by=5)).is_granted


async def test_i6_nothing_is_promised_of_what_is_not_acknowledged(yard: Yard) -> None:
    unsure = [SupplyEvidence.SENT, SupplyEvidence.BACKORDERED, SupplyEvidence.ON_HOLD]
    await yard.hear(
        *(committed(f"po:{one}", 50, evidence=one) for one in unsure),
        committed("po:sure", 20),
    )
    assert not (await promise(yard, "r1", 60)).is_granted
    random = Random(6)
    promised = 0
    for number in range(12):
        pieces = random.randint(1, 6)
        if (await promise(yard, f"i6-{number}", pieces)).is_granted:
            promised += pieces
    assert 0 < promised <= 20


async def test_promises_at_once_never_take_the_same_goods(yard: Yard) -> None:
    await a4(yard)
    made = await asyncio.gather(*(promise(yard, f"r{n}", 9) for n in range(12)))
    granted = [one for one in made if one.is_granted]
    assert len(granted) == 70 // 9
    for last, room in ((1, 25), (4, 45), (9, 70)):
        taken = sum(pieces for one in granted for on, pieces, _ in parts(one) if on <= last)
        assert taken <= room


async def test_i10_a_promise_takes_its_quantity_from_its_day_on_and_no_more_before(
    yard: Yard,
) -> None:
    await a4(yard)
    random = Random(10)
    for number in range(8):
        before = await balances(yard)
        made = await promise(yard, f"r{number}", random.randint(1, 15))
        after = await balances(yard)
        for on in range(8):
            due = sum(pieces for at, pieces, _ in parts(made) if at <= on)
            total = sum(pieces for _, pieces, _ in parts(made))
            assert due <= before[on] - after[on] <= total


async def balances(yard: Yard) -> list[int]:
    found = await yard.promisable()
    return [found[max(at for at in found if at <= on)] for on in range(8)]


@pytest.mark.parametrize("pieces", [0, -1])
async def test_nothing_is_no_promise(yard: Yard, pieces: int) -> None:
    with pytest.raises(Invalid, match="more than zero"):
        await promise(yard, "r1", pieces)


async def lapsing(yard: Yard, request: str, pieces: int, ref: str = "") -> KeptPromise:
    question = Question("X", "DC1", "EA", pieces * MICROS)
    asked = PromiseAsked(request, (question,), (ref,), ttl_seconds=600)
    return await yard.hub.kept_promises.promise(yard.hub.scope, "shop", asked)


async def lapses(yard: Yard) -> list[PromiseByDateChanged]:
    async with yard.hub.database.transaction(yard.hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=10_000)
    told = [one.payload for one in events if isinstance(one.payload, PromiseByDateChanged)]
    return [one for one in told if one.state is PromiseState.LAPSED]


async def test_a_promise_without_an_order_lapses_when_its_time_is_over(
    yard: Yard, clock: VirtualClock
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 10)
    made = await lapsing(yard, "r1", 10, "so1/1")
    assert made.expires_at == made.made_at + timedelta(seconds=600)
    await clock.advance(timedelta(seconds=599))
    assert await yard.hub.kept_promises.lapse_due() == 0
    assert not (await promise(yard, "r2", 10)).is_granted
    # An interval is half open: at its end it is over (A22). Whoever asks next has the goods.
    await clock.advance(timedelta(seconds=1))
    assert (await promise(yard, "r3", 10)).is_granted
    again = await lapsing(yard, "r1", 10, "so1/1")
    assert (again.is_granted, again.released_at) == (True, yard.hub.clock.now())
    [told] = await lapses(yard)
    assert (told.promise_id, told.expires_at) == (made.promise_id, made.expires_at)
    assert (told.version, told.changed_by, told.client) == (2, "crossdock", "shop")


async def test_a_job_ends_what_has_lapsed_and_what_an_order_took_up_stays(
    yard: Yard, clock: VirtualClock
) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 10)
    await lapsing(yard, "r1", 6, "so1/1")
    await lapsing(yard, "r2", 4, "so2/1")
    await yard.hear(ordered("so1", line("so1/1", 6)))
    await clock.advance(timedelta(seconds=600))
    assert await yard.hub.kept_promises.lapse_due() == 1
    assert await yard.hub.kept_promises.lapse_due() == 0
    await yard.hub.settle()
    assert await yard.promisable() == {0: 4}
    [kept] = await yard.hub.kept_promises.listed(yard.hub.scope)
    assert (kept.request_id, kept.expires_at) == ("r1", None)


async def test_the_promises_of_an_order_are_found_by_it_when_they_are_over(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 100)
    await yard.hear(ordered("sale:7", line("sale.line,1", 10), line("sale.line,2", 10)))
    gone = await promise(yard, "r1", 10, "sale.line,1")
    stays = await promise(yard, "r2", 10, "sale.line,2")
    kept = yard.hub.kept_promises
    await kept.release(yard.hub.scope, gone.promise_id, by="test")

    found = await kept.of_order(yard.hub.scope, "sale:7", with_over=True)
    assert [one.promise_id for one in found] == [stays.promise_id, gone.promise_id]
    [is_open] = await kept.of_order(yard.hub.scope, "sale:7")
    assert is_open.promise_id == stays.promise_id


async def test_of_many_promises_of_an_order_the_newest_are_found_first(
    yard: Yard, clock: VirtualClock
) -> None:
    """An order that is promised again and again leaves a proof each time: not all are read."""
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 100)
    names = [(await promise(yard, "r0", 10, "so1/1")).promise_id]
    for number in range(1, 5):
        await clock.advance(timedelta(seconds=1))
        made = await promise(yard, f"r{number}", 10, "so1/1", replaces=names[-1])
        names.append(made.promise_id)
    kept = yard.hub.kept_promises

    found = await kept.of_order(yard.hub.scope, "so1", with_over=True, limit=3)

    assert [one.promise_id for one in found] == names[:1:-1]
