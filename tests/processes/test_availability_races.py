"""However sales, orders, words and writes cross each other, a write never shows goods twice."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.publishing import Terms
from tests.processes.shop import BarePlay, bare

QUANTITIES = st.integers(1, 6)
MOVES = st.one_of(
    st.tuples(st.just("sell"), QUANTITIES),
    st.tuples(st.just("order arrives"), st.just(0)),
    st.tuples(st.just("word arrives"), st.integers(0, 5)),
    st.tuples(st.just("lose"), QUANTITIES),
    st.tuples(st.just("gain"), QUANTITIES),
    st.tuples(st.just("deliver"), st.just(0)),
    st.tuples(st.just("wait"), st.integers(1, 40)),
)
ORDER_LAG_MAX = timedelta(seconds=20)
"""Orders come within the wait that the channel was agreed on (30 s)."""


@dataclass(slots=True)
class World:
    """A shop that sells, a warehouse that loses and finds, and news that travels slowly."""

    play: BarePlay
    free: int = 40
    demand: int = 0
    orders: deque[tuple[datetime, int]] = field(default_factory=deque[tuple[datetime, int]])
    words: list[tuple[datetime, int]] = field(default_factory=list[tuple[datetime, int]])

    @property
    def now(self) -> datetime:
        return self.play.stage.now

    @property
    def truly_free(self) -> int:
        """What is there and not sold, whether or not the hub has heard of the sale."""
        return self.free - sum(quantity for _, quantity in self.orders)

    async def move(self, name: str, number: int) -> None:
        moves = {
            "sell": self.sell,
            "order arrives": self.order_arrives,
            "word arrives": self.word_arrives,
            "lose": self.lose,
            "gain": self.gain,
            "deliver": self.deliver,
            "wait": self.wait,
        }
        await moves[name](number)

    async def sell(self, quantity: int) -> None:
        await self.wait(1)
        if self.play.shop.holds is not None and self.play.shop.holds >= quantity:
            self.play.shop.sell(quantity)
            self.orders.append((self.now, quantity))
            self.words.append((self.now, int(self.play.shop.holds)))

    async def order_arrives(self, _: int) -> None:
        if self.orders:
            quantity = self.orders.popleft()[1]
            self.free, self.demand = self.free - quantity, self.demand + quantity
            await self.tell()

    async def word_arrives(self, back: int) -> None:
        """Let one of the latest words arrive: late, twice, or out of order."""
        if self.words:
            said_at, level = self.words[-1 - back % len(self.words)]
            heard_at = self.play.facts.level.heard_at
            if heard_at is None or said_at > heard_at:
                await self.play.hear(level, said_at)

    async def lose(self, quantity: int) -> None:
        self.free -= quantity
        await self.tell()

    async def gain(self, quantity: int) -> None:
        self.free += quantity
        await self.tell()

    async def tell(self) -> None:
        await self.play.stock(max(0, self.free), self.demand)

    async def deliver(self, _: int) -> None:
        for command in self.play.writes[self.play.delivered :]:
            before = self.play.shop.holds or 0
            was_free = self.truly_free
            await self.play.deliver(one=command)
            after = self.play.shop.holds or 0
            if int(command.arguments["quantity"]) <= max(0, self.free):
                # Figures that are still true were written: no unit is shown that was sold.
                assert after <= max(0, was_free, int(before))

    async def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            await self.play.advance(timedelta(seconds=1))
            while self.orders and self.orders[0][0] + ORDER_LAG_MAX <= self.now:
                await self.order_arrives(0)


async def settled_world(moves: list[tuple[str, int]]) -> World:
    """Play the moves, then let all news arrive and all writes land."""
    hasty = Terms(low_threshold=1000 * MICROS)  # every change is written at once
    world = World(bare(hasty))
    await world.tell()
    await world.deliver(0)
    await world.wait(1)
    for name, number in moves:
        await world.move(name, number)
    while world.orders:
        await world.order_arrives(0)
    for _ in range(60):
        await world.deliver(0)
        await world.wait(40)
    return world


@settings(max_examples=150)
@given(moves=st.lists(MOVES, max_size=40))
async def test_everything_ends_with_the_shop_showing_what_is_free(
    moves: list[tuple[str, int]],
) -> None:
    world = await settled_world(moves)

    assert world.play.shop.holds == max(0, world.free)
    assert world.play.stage.ledger("shop/web/sku-1").held == max(0, world.free) * MICROS


@settings(max_examples=150)
@given(moves=st.lists(MOVES, max_size=40))
async def test_versions_rise_keys_differ_and_no_write_is_swallowed(
    moves: list[tuple[str, int]],
) -> None:
    world = await settled_world(moves)

    writes = world.play.writes
    assert [write.version for write in writes] == list(range(1, len(writes) + 1))
    assert len({write.arguments["idempotency_key"] for write in writes}) == len(writes)
