"""Whatever is lost, late, twice or out of order, a shop ends by showing what there is.

One item and the real decider. Around it a made-up quarter of a minute: customers, cancellations, a
hand in the shop's admin, a counter, receipts, picks; words and orders by webhook or poll; a hub
that is busy, answers that are lost, and a shop whose clock counts whole seconds, and wrongly.
`CROSSDOCK_SHUFFLES` says how many seeds to try (400 by default).
"""

import heapq
import itertools
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

from crossdock.applications.shopify.mapping import Heard, level_fact
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.commands import Command, CommandSettled, Settlement
from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory.publishing import Terms
from crossdock.orchestration.processes.availability_state import Agreement
from tests.processes.shop import LISTING, BarePlay

SEEDS = int(os.environ.get("CROSSDOCK_SHUFFLES", "400"))  # noqa: TID251  # how much to test
SECOND = timedelta(seconds=1)
TOLD_WITHIN = 20 * SECOND
"""After the last thing that happens: late webhooks, the next poll, a busy hub, an outbox."""
IN_STEP_WITHIN = timedelta(minutes=4)
"""After the last news: the wait for an order, the flush, what is found, and once more."""

HIDDEN_SHARE_MAX = 0.001
"""So many of all seeds may end out of step until the daily proof: those in which the shop's whole
seconds hid a change from every poll, and its webhooks were lost. Of the first 4,000 none does."""

Happening = Callable[[], Awaitable[None] | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How bad the world of one seed is: shares of one, and seconds."""

    lost: float
    twice: float
    late: float
    late_by: float
    busy_by: float
    unanswered: float
    clock_off_by: float

    @classmethod
    def by(cls, random: Random) -> "Habits":
        return cls(
            lost=random.choice((0, 0.2, 0.5, 1)),
            twice=random.choice((0, 0.3)),
            late=random.choice((0, 0.3)),
            late_by=random.choice((1, 4)),
            busy_by=random.choice((0.01, 0.3, 1.5)),
            unanswered=random.choice((0, 0, 0.2)),
            clock_off_by=random.choice((0, 0, -3, -0.6, 0.6, 3)),
        )


@dataclass(slots=True)
class Order:
    """A shop's order: what it asks for now, and what of that the hub knows and has picked."""

    quantity: int
    known: int | None = None
    is_picked: bool = False


@dataclass(slots=True)
class Street:
    """A shop (`play.shop`), its customers, and a hub whose inventory knows `free` and `demand`."""

    play: BarePlay
    random: Random
    habits: Habits
    free: int = 40
    demand: int = 0
    changed_at: datetime | None = None
    orders: list[Order] = field(default_factory=list[Order])
    recorded: dict[str, int] = field(default_factory=dict[str, int])
    changes: int = 0
    is_hidden: bool = False
    sent: int = 0
    is_over: bool = False
    diary: list[str] = field(default_factory=list[str])
    agenda: list[tuple[datetime, int, Happening]] = field(
        default_factory=list[tuple[datetime, int, Happening]]
    )
    turns: Iterator[int] = field(default_factory=itertools.count)

    @property
    def now(self) -> datetime:
        return self.play.stage.now

    @property
    def holds(self) -> int:
        return int(self.play.shop.holds or 0)

    @property
    def in_step(self) -> bool:
        return self.holds == self.free

    def after(self, seconds: float, do: Happening) -> None:
        heapq.heappush(self.agenda, (self.now + SECOND * seconds, next(self.turns), do))

    def while_busy(self, do: Happening) -> None:
        self.after(self.random.random() * self.habits.busy_by, do)

    def note(self, text: str) -> None:
        self.diary.append(f"{self.now:%H:%M:%S.%f} {text}")

    async def live(self, span: timedelta) -> None:
        """Let this much time pass, and everything that is due in it happen in turn."""
        end = self.now + span
        while True:
            self.send()
            due = [one.due_at for one in self.play.stage.instances.values() if one.due_at]
            due += [moment for moment, _, _ in self.agenda[:1]]
            if not due or min(due) > end:
                await self.play.advance(end - self.now)
                return
            await self.play.advance(max(timedelta(), min(due) - self.now))
            if self.agenda and self.agenda[0][0] <= self.now:
                happened = heapq.heappop(self.agenda)[2]()
                if happened is not None:
                    await happened

    # ---- the shop -------------------------------------------------------------------------------

    def sell(self, quantity: int) -> None:
        if self.holds >= quantity:
            order = Order(quantity)
            self.orders.append(order)
            self.tell(lambda: self.hear_of(order))
            self.change_level(-quantity, "sold")

    def cancel(self, _: int) -> None:
        """Cancel the latest order, if it has not been picked: the shop offers the goods again."""
        order = self.orders[-1] if self.orders else Order(0)
        if order.quantity and not order.is_picked:
            freed, order.quantity = order.quantity, 0
            self.tell(lambda: self.hear_of(order))
            self.change_level(freed, "cancelled")

    def meddle(self, quantity: int) -> None:
        """Change the number by hand, in the shop's admin: the hub will undo it."""
        by = self.random.choice((quantity, -min(quantity, self.holds)))
        self.change_level(by, "changed by hand")

    def change_level(self, by: int, why: str) -> None:
        self.play.shop.sell(-by)
        self.note(f"the shop holds {self.holds}: {why}")
        self.tell_level()

    def tell_level(self) -> None:
        shops_clock = self.now + SECOND * self.habits.clock_off_by
        self.changed_at = shops_clock.replace(microsecond=0)
        self.changes += 1
        told = Heard(event_id=str(next(self.turns)), triggered_at=shops_clock)
        word = self.word(self.changed_at, told)
        self.tell(partial(self.record, word, self.changes))

    def word(self, changed_at: datetime, told: Heard) -> Fact:
        return level_fact(
            item=LISTING.item,
            location=LISTING.location,
            available=self.holds,
            updated_at=changed_at,
            heard=told,
        )

    def tell(self, arrive: Happening) -> None:
        """Deliver by webhook: perhaps never, perhaps late, perhaps twice."""
        random, habits = self.random, self.habits
        if random.random() < habits.lost:
            return
        for _ in range(2 if random.random() < habits.twice else 1):
            late_by = habits.late_by if random.random() < habits.late else 0.05
            self.after(random.random() * late_by, arrive)

    def poll(self) -> None:
        """Read what the shop holds and which orders it has, every two seconds."""
        if self.changed_at:
            word = self.word(self.changed_at, Heard())
            self.while_busy(partial(self.record, word, self.changes))
        for order in self.orders:
            self.while_busy(partial(self.hear_of, order))
        if not self.is_over:
            self.after(2, self.poll)

    # ---- the hub --------------------------------------------------------------------------------

    def record(self, word: Fact, change: int) -> None:
        """Hear a level once. A poll cannot tell the same number, twice in one second, apart."""
        assert isinstance(word.payload, ChannelLevelHeard)
        if word.identity in self.recorded:
            self.is_hidden |= self.recorded[word.identity] != change
        else:
            self.recorded[word.identity] = change
            level = int(word.payload.quantity.value)
            self.note(f"heard: {level} at {word.occurred_at:%M:%S.%f}")
            self.play.keep_word(level, word.occurred_at)
            self.while_busy(self.look)

    def hear_of(self, order: Order) -> None:
        """Hear an order's newest state."""
        if order.known is None:
            self.after(1 + self.random.random() * 5, lambda: self.pick(order))
        change = order.quantity - (order.known or 0)
        order.known = order.quantity
        if change:
            self.count(free=-change, demand=change, why=f"order of {order.quantity} heard")

    def pick(self, order: Order) -> None:
        if order.quantity and order.known == order.quantity:
            order.is_picked = True
            self.count(demand=-order.quantity, why="picked")

    def reserve(self, quantity: int) -> None:
        if self.free >= quantity:
            self.count(free=-quantity, demand=quantity, why=f"{quantity} reserved")
            picked = self.random.random() * 5
            self.after(picked, lambda: self.count(demand=-quantity, why="picked"))

    def receive(self, quantity: int) -> None:
        self.count(free=quantity, why=f"{quantity} received")

    def count(self, *, free: int = 0, demand: int = 0, why: str) -> None:
        """Change inventory's figures: whoever looks next sees them."""
        self.free, self.demand = self.free + free, self.demand + demand
        self.note(f"{why}: {self.free} are free")
        pool, claimed = max(0, self.free) * MICROS, self.demand * MICROS
        self.play.facts = replace(self.play.facts, pool=pool, demand=claimed)
        self.while_busy(self.look)

    async def look(self) -> None:
        await self.play.stage.touch(LISTING.instance)

    def send(self) -> None:
        """Take what was decided to the shop, in the outbox's own time."""
        for command in self.play.writes[self.sent :]:
            quantity, expected = command.arguments["quantity"], command.arguments["expected"]
            self.note(f"decided: {quantity} over {expected}")
            self.while_busy(partial(self.land, command))
        self.sent = len(self.play.writes)

    def land(self, command: Command) -> None:
        settled = self.play.shop.settle(command)
        if settled.settlement is Settlement.DONE:
            self.note(f"the shop holds {self.holds}: written")
            self.tell_level()
        if self.random.random() < self.habits.unanswered:
            self.after(2, lambda: self.ask(command))
        elif settled.settlement is Settlement.STALE:
            self.while_busy(lambda: self.settle_read(settled))
        else:
            self.while_busy(lambda: self.settle(settled))

    def ask(self, command: Command) -> None:
        """Read the number, for the answer was lost, and send again only if it has not changed."""
        if str(self.holds) == command.arguments["expected"]:
            self.land(command)
            return
        is_done = str(self.holds) == command.arguments["quantity"]
        settled = self.play.shop.settle(command)
        if is_done:
            settled = replace(settled, settlement=Settlement.DONE)
        self.while_busy(lambda: self.settle(settled))

    async def settle_read(self, settled: CommandSettled) -> None:
        """After a refused comparison the number is read, which is a call of its own."""
        await self.settle(replace(settled, observed=self.play.shop.holds))

    async def settle(self, settled: CommandSettled) -> None:
        self.note(f"settled: {settled.settlement}, {settled.observed}")
        await self.play.settle(settled)


async def opened(seed: int) -> Street:
    """Begin with a shop that shows nothing and a hub that knows of forty."""
    random = Random(seed)
    coalesce = random.choice((1, 60)) * SECOND
    street = Street(
        BarePlay(Agreement(terms=Terms(), coalesce=coalesce)), random, Habits.by(random)
    )
    street.play.shop.stock(0)
    street.count(why="founded")
    street.poll()
    await street.live(TOLD_WITHIN)
    return street


async def lived(seed: int) -> Street:
    """Play a busy quarter of a minute; then nothing happens any more, and all news arrives."""
    street = await opened(seed)
    doings = (
        street.sell, street.sell, street.sell, street.cancel, street.meddle,
        street.reserve, street.receive,
    )  # fmt: skip
    random = street.random
    for _ in range(random.randint(1, 12)):
        do, quantity = random.choice(doings), random.choice((1, 1, 2, 3))
        street.after(random.random() * 15, partial(do, quantity))
    await street.live(15 * SECOND + TOLD_WITHIN)
    street.is_over = True
    await street.live(IN_STEP_WITHIN)
    return street


async def test_the_shop_ends_by_showing_what_there_is_and_nobody_writes_any_more() -> None:
    hidden: list[int] = []
    for seed in range(SEEDS):
        street = await lived(seed)
        written, story = street.sent, "\n".join((f"seed {seed}", *street.diary))

        if street.is_hidden and not street.in_step:
            hidden.append(seed)  # left to the daily proof, which the next test looks at
            continue
        assert street.in_step, story
        await street.live(timedelta(hours=12))
        assert street.sent == written, story
    assert len(hidden) <= SEEDS * HIDDEN_SHARE_MAX, f"left to the daily proof: seeds {hidden}"


async def test_what_no_news_tells_is_found_within_a_day() -> None:
    for seed in range(SEEDS // 10):
        street = await lived(seed)
        street.play.shop.sell(1)
        await street.live(timedelta(hours=25))

        assert street.in_step, "\n".join((f"seed {seed}", *street.diary))
