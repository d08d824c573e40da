"""The simulated warehouse keeps true books, works by a seed, and has the habits it is given."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.applications.generic_wms.client import Receiving
from crossdock.applications.generic_wms.settings import GenericWmsSettings
from crossdock.applications.generic_wms.simulator import Habits, Pace, Warehouse, WorkLine
from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Rejected, Unavailable
from crossdock.canonical.inventory import StockMoved, StockSnapshotTaken
from crossdock.connectivity.sdk import Delivery, Ports
from crossdock.foundation.clock import VirtualClock

MORNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SETTINGS = GenericWmsSettings.model_validate({"secrets": [SECRET]})
STOCK = {f"SKU-{n}": 40 for n in range(8)}
MINUTE = timedelta(minutes=1)


class Listener:
    """Believes what is signed, and remembers every fact by its identity."""

    def __init__(self, clock: VirtualClock) -> None:
        self.deliveries: list[Delivery] = []
        self.facts: dict[str, Fact] = {}
        self._clock = clock
        self._receiving = Receiving(SETTINGS)

    async def __call__(self, delivery: Delivery) -> None:
        self._receiving.verify(delivery, self._clock.now())
        translation = self._receiving.translate(delivery)
        assert not translation.refused
        for fact in translation.facts:
            assert self.facts.setdefault(fact.identity, fact) == fact
        self.deliveries.append(delivery)

    @property
    def sequences(self) -> list[int]:
        return [json.loads(delivery.body)["sequence"] for delivery in self.deliveries]


def folded(facts: Iterable[Fact]) -> dict[str, Counter[str]]:
    """Fold the first snapshot and all movements, in whatever order, into levels."""
    levels: dict[str, Counter[str]] = defaultdict(Counter)
    for fact in facts:
        payload = fact.payload
        if isinstance(payload, StockSnapshotTaken) and fact.sequence == 1:
            for line in payload.lines:
                levels[line.item][line.status] += int(line.quantity.value)
        elif isinstance(payload, StockMoved):
            for place, sign in ((payload.source_place, -1), (payload.target_place, 1)):
                if place:
                    levels[payload.item][place.status] += sign * int(payload.quantity.value)
    return levels


def assert_same(left: dict[str, Counter[str]], right: dict[str, Counter[str]]) -> None:
    for item in left.keys() | right.keys():
        mine, theirs = left.get(item, Counter()), right.get(item, Counter())
        assert +mine == +theirs, item
        assert -mine == -theirs, item


async def a_day(
    seed: int, *, habits: Habits | None = None, hours: int = 8, step: timedelta = MINUTE
) -> tuple[Warehouse, Listener]:
    clock = VirtualClock(MORNING)
    listener = Listener(clock)
    warehouse = Warehouse(
        "DC1",
        stock=STOCK,
        ports=Ports(clock=clock, random=Random(seed)),
        send=listener,
        secrets=[SECRET],
        habits=habits,
        pace=Pace(missing_in_bin=0.1, unpicked=0.05),
    )
    orders = Random(seed)
    while clock.now() < MORNING + timedelta(hours=hours):
        if clock.now().minute == 0:
            number = clock.now().hour
            warehouse.release(
                WorkLine(
                    demand_ref=f"shop:{number}/{line}",
                    item=orders.choice(sorted(STOCK)),
                    quantity=orders.randint(1, 9),
                    document=f"SO-{number}",
                )
                for line in range(12)
            )
        await clock.advance(step)
        await warehouse.work()
    return warehouse, listener


async def test_who_folds_all_movements_has_the_warehouse_s_own_books() -> None:
    warehouse, listener = await a_day(1)

    assert warehouse.floor.picks_count > 50
    assert_same(folded(listener.facts.values()), warehouse.levels())


async def test_the_sequence_has_no_hole_and_never_restarts() -> None:
    _, listener = await a_day(2)

    assert listener.sequences == list(range(1, len(listener.deliveries) + 1))


async def test_a_later_snapshot_agrees_with_the_movements_before_it() -> None:
    warehouse, listener = await a_day(3)
    warehouse.floor.snapshot_now()
    await warehouse.work()

    (last,) = [
        fact
        for fact in listener.facts.values()
        if isinstance(fact.payload, StockSnapshotTaken) and fact.sequence != 1
    ]
    assert isinstance(last.payload, StockSnapshotTaken)
    levels: dict[str, Counter[str]] = defaultdict(Counter)
    for line in last.payload.lines:
        levels[line.item][line.status] += int(line.quantity.value)
    assert last.payload.is_full
    assert_same(levels, warehouse.levels())


async def test_a_pick_quotes_the_order_line_it_serves() -> None:
    _, listener = await a_day(4)

    picks = [
        fact.payload
        for fact in listener.facts.values()
        if isinstance(fact.payload, StockMoved) and fact.payload.type == "PICK"
    ]
    assert picks
    assert all(pick.demand_ref.startswith("shop:") for pick in picks)
    assert all(pick.document_ref.startswith("SO-") for pick in picks)


async def test_short_picks_are_picked_short_and_counted() -> None:
    _, listener = await a_day(5)
    reasons: Counter[str] = Counter(
        fact.payload.type
        for fact in listener.facts.values()
        if isinstance(fact.payload, StockMoved)
    )

    assert reasons["COUNT_ADJUST"]
    assert reasons["SHIP"]
    assert reasons["UNPICK"]
    assert reasons["PUTAWAY"]


async def test_the_same_seed_sends_the_same_bytes() -> None:
    _, first = await a_day(6, habits=Habits.bad())
    _, second = await a_day(6, habits=Habits.bad())
    _, other = await a_day(7, habits=Habits.bad())

    assert first.deliveries == second.deliveries
    assert first.deliveries != other.deliveries


async def test_how_often_it_is_asked_does_not_change_what_happens_on_the_floor() -> None:
    often, _ = await a_day(8, step=MINUTE)
    rarely, _ = await a_day(8, step=timedelta(minutes=20))

    assert_same(often.levels(), rarely.levels())


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32))
async def test_bad_habits_lose_nothing_but_what_is_lost_on_purpose(seed: int) -> None:
    warehouse, listener = await a_day(seed, habits=Habits.bad(), hours=3)
    assert listener.sequences != sorted(listener.sequences)
    assert len(set(listener.sequences)) < len(listener.sequences)

    await warehouse.deliver_all()
    for message in warehouse.lost:
        assert message["sequence"] not in listener.sequences
        await warehouse.resend(message)

    assert set(listener.sequences) == set(range(1, warehouse.floor.sequence + 1))
    assert_same(folded(listener.facts.values()), warehouse.levels())


async def test_what_a_dead_hub_missed_is_sent_again_with_the_same_id() -> None:
    clock = VirtualClock(MORNING)
    listener = Listener(clock)
    dead_until = MORNING + timedelta(minutes=20)

    async def send(delivery: Delivery) -> None:
        if clock.now() < dead_until:
            raise Unavailable("no answer")
        await listener(delivery)

    ports = Ports(clock=clock, random=Random(1))
    warehouse = Warehouse("DC1", stock=STOCK, ports=ports, send=send, secrets=[SECRET])
    for _ in range(120):
        await warehouse.work()
        await clock.advance(MINUTE)

    assert set(listener.sequences) >= set(range(1, 60))
    ids = [delivery.headers["webhook-id"] for delivery in listener.deliveries]
    assert len(ids) == len(set(ids))


async def test_a_refused_message_is_kept_and_not_sent_again() -> None:
    async def send(_: Delivery) -> None:
        raise Rejected("no such connection")

    clock = VirtualClock(MORNING)
    ports = Ports(clock=clock, random=Random(1))
    warehouse = Warehouse("DC1", stock=STOCK, ports=ports, send=send)
    await warehouse.work()
    await warehouse.work()

    assert len(warehouse.refused) == 1
    assert warehouse.outgoing_count == 0


async def test_work_that_no_wave_has_begun_can_be_taken_back() -> None:
    warehouse, _ = await a_day(9, hours=1)
    warehouse.release([WorkLine(demand_ref="x/1", item="SKU-1", quantity=3)])

    assert warehouse.floor.cancel("x/1") == 3
    assert warehouse.floor.cancel("x/1") == 0


async def test_it_runs_by_the_clock_alone() -> None:
    clock = VirtualClock(MORNING)
    listener = Listener(clock)
    ports = Ports(clock=clock, random=Random(1))
    warehouse = Warehouse("DC1", stock=STOCK, ports=ports, send=listener, secrets=[SECRET])
    running = asyncio.create_task(warehouse.run())
    await asyncio.sleep(0)
    for _ in range(30):
        await clock.advance(MINUTE)
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert len(listener.deliveries) > 25


async def test_a_truck_that_is_told_to_come_is_put_away_in_the_messages_too() -> None:
    clock = VirtualClock(MORNING)
    listener = Listener(clock)
    warehouse = Warehouse(
        "DC1",
        stock={"SKU-0": 4},
        ports=Ports(clock=clock, random=Random(1)),
        send=listener,
        secrets=[SECRET],
    )

    warehouse.receive("SKU-0", 6)
    await warehouse.work()

    assert warehouse.levels()["SKU-0"]["AVAILABLE"] == 10
    assert +folded(listener.facts.values())["SKU-0"] == +warehouse.levels()["SKU-0"]
