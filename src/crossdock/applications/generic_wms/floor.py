"""The floor of a simulated warehouse: waves, picks, short picks, shipments, counts, receipts.

Nothing here waits or talks. `advance` plays everything that is due and answers what the
warehouse's own system writes down, each message numbered in one sequence that never restarts.
"""

import heapq
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

Message = dict[str, Any]
Task = Callable[[datetime], None]

AVAILABLE, STAGED_OUT, RECEIVING, DAMAGED = "AVAILABLE", "STAGED_OUT", "RECEIVING", "DAMAGED"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkLine:
    """An order line released to the floor; its picks quote `demand_ref` and `document`."""

    demand_ref: str
    item: str
    quantity: int
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How the warehouse works. Counts are per simulated day; probabilities per pick or receipt."""

    wave_every: timedelta = timedelta(minutes=5)
    wave_lines_max: int = 200
    pick_seconds: tuple[int, int] = (2, 24)
    ship_minutes: tuple[int, int] = (15, 90)
    putaway_minutes: tuple[int, int] = (10, 60)
    receipts_per_day: int = 40
    receipt_quantity: tuple[int, int] = (5, 60)
    counts_per_day: int = 60
    damages_per_day: int = 10
    missing_in_bin: float = 0.01
    unpicked: float = 0.005
    heartbeat_every: timedelta = timedelta(minutes=1)
    snapshot_every: timedelta | None = timedelta(hours=12)


@dataclass(slots=True)
class Floor:
    """One site. `booked` is its books; what lies there in truth is found by picks and counts.

    `misplaced` is what the next count of an item will find beyond the books.
    """

    site: str
    random: Random
    now: datetime
    booked: dict[str, Counter[str]]
    pace: Pace
    misplaced: dict[str, int] = field(default_factory=dict[str, int])
    sequence: int = 0
    picks_count: int = 0
    _messages: list[Message] = field(default_factory=list[Message])
    _waiting: deque[WorkLine] = field(default_factory=deque[WorkLine])
    _tasks: list[tuple[datetime, int, Task]] = field(
        default_factory=list[tuple[datetime, int, Task]]
    )
    _tasks_count: int = 0

    @classmethod
    def opened(
        cls, site: str, stock: Mapping[str, int], random: Random, now: datetime, pace: Pace
    ) -> "Floor":
        """Start with `stock` available; the first message says so, in a full snapshot."""
        booked = {item: Counter({AVAILABLE: quantity}) for item, quantity in stock.items()}
        floor = cls(site, random, now, booked, pace)
        floor._at(now, floor._take_snapshot)
        floor._at(now + pace.wave_every, floor._start_wave)
        floor._at(now + pace.heartbeat_every, floor._beat)
        for task, per_day in (
            (floor._receive, pace.receipts_per_day),
            (floor._count, pace.counts_per_day),
            (floor._damage, pace.damages_per_day),
        ):
            floor._some_time(now, task, per_day)
        return floor

    @property
    def due_at(self) -> datetime:
        return self._tasks[0][0]

    def release(self, lines: Iterable[WorkLine]) -> None:
        """Hand work to the floor; it is picked in one of the next waves."""
        self._waiting.extend(lines)

    def receive(self, item: str, quantity: int) -> None:
        """Have a truck's goods booked and put away at the next turn."""

        def booked(at: datetime) -> None:
            self._move(at, "RECEIPT", item, quantity, "", RECEIVING)
            self._move(at, "PUTAWAY", item, quantity, RECEIVING, AVAILABLE)

        self._at(self.now, booked)

    def count(
        self,
        item: str,
        *,
        after: timedelta,
        posted_after: timedelta,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Have a shelf counted, blind, and its difference posted as of the moment of the count."""

        def counted(at: datetime) -> None:
            if not is_wanted():
                return
            difference = self._found(item)
            self._at(at + posted_after, lambda when: self._adjust(at, difference, item, when))

        self._at(self.now + after, counted)

    def cancel(self, demand_ref: str) -> int:
        """Take back what no wave has begun; answer the quantity."""
        mine = [line for line in self._waiting if line.demand_ref == demand_ref]
        for line in mine:
            self._waiting.remove(line)
        return sum(line.quantity for line in mine)

    def advance(self, now: datetime) -> list[Message]:
        """Play everything due up to `now`, in order; answer the messages written meanwhile."""
        while self._tasks[0][0] <= now:
            due, _, task = heapq.heappop(self._tasks)
            self.now = due
            task(due)
        self.now = max(self.now, now)
        messages, self._messages = self._messages, []
        return messages

    def snapshot_now(self) -> None:
        """Have the levels written at the next turn: what an operator does after a gap."""
        self._at(self.now, self._write_snapshot)

    def _start_wave(self, at: datetime) -> None:
        self._at(at + self.pace.wave_every, self._start_wave)
        wave = [
            self._waiting.popleft()
            for _ in range(min(len(self._waiting), self.pace.wave_lines_max))
        ]
        for line in sorted(wave, key=lambda line: line.item):  # the walk through the aisles
            at += timedelta(seconds=self.random.randint(*self.pace.pick_seconds))
            self._at(at, partial(self._pick, line))

    def _pick(self, line: WorkLine, at: datetime) -> None:
        booked = self.booked.setdefault(line.item, Counter())[AVAILABLE]
        found = min(line.quantity, max(booked, 0))
        if found and self.random.random() < self.pace.missing_in_bin:
            found = self.random.randrange(found)
        self.picks_count += bool(found)
        self._move(at, "PICK", line.item, found, AVAILABLE, STAGED_OUT, line)
        if found < line.quantity and booked > found:
            # The books say there should be more: the picker counts the bin.
            self._adjust(at, found - min(line.quantity, booked), line.item)
        if found and self.random.random() < self.pace.unpicked:
            self._move(at, "UNPICK", line.item, found, STAGED_OUT, AVAILABLE, line)
            self._waiting.append(line)
        elif found:
            ship_at = at + timedelta(minutes=self.random.randint(*self.pace.ship_minutes))
            self._at(ship_at, partial(self._ship, line, found))

    def _ship(self, line: WorkLine, quantity: int, at: datetime) -> None:
        self._move(at, "SHIP", line.item, quantity, STAGED_OUT, "", line)

    def _receive(self, at: datetime) -> None:
        self._some_time(at, self._receive, self.pace.receipts_per_day)
        item = self._any_item()
        quantity = self.random.randint(*self.pace.receipt_quantity)
        self._move(at, "RECEIPT", item, quantity, "", RECEIVING)
        put_at = at + timedelta(minutes=self.random.randint(*self.pace.putaway_minutes))
        self._at(
            put_at,
            lambda when: self._move(when, "PUTAWAY", item, quantity, RECEIVING, AVAILABLE),
        )

    def _count(self, at: datetime) -> None:
        self._some_time(at, self._count, self.pace.counts_per_day)
        item = self._any_item()
        self._adjust(at, self._found(item), item)

    def _found(self, item: str) -> int:
        """Say by how much a count differs from the books at this moment."""
        # Most counts agree with the books; an agreement is written down too, as nothing moved.
        difference = self.random.choice((0, 0, 0, 0, 0, 0, -1, -2, 1, 2))
        difference = self.misplaced.pop(item, difference)
        return max(difference, -self.booked.setdefault(item, Counter())[AVAILABLE])

    def _damage(self, at: datetime) -> None:
        self._some_time(at, self._damage, self.pace.damages_per_day)
        item = self._any_item()
        if self.booked[item][AVAILABLE] > 0:
            self._move(at, "DAMAGE", item, 1, AVAILABLE, DAMAGED)

    def _adjust(
        self, at: datetime, difference: int, item: str, posted_at: datetime | None = None
    ) -> None:
        """Post what a count found: the difference as of then, whatever was picked since."""
        self.booked[item][AVAILABLE] += difference
        message = self._movement(at, "COUNT_ADJUST", item, difference)
        self._write(at, message | {"recorded_at": (posted_at or at).isoformat()})

    def _move(  # noqa: PLR0913, PLR0917  # a movement has that many sides
        self,
        at: datetime,
        reason: str,
        item: str,
        quantity: int,
        source: str,
        target: str,
        line: WorkLine | None = None,
    ) -> None:
        buckets = self.booked[item]
        for bucket, change in ((source, -quantity), (target, quantity)):
            if bucket:
                buckets[bucket] += change
        message = self._movement(at, reason, item, quantity)
        if line:
            message |= {"demand_ref": line.demand_ref, "document": line.document}
        self._write(at, message)

    def _movement(self, at: datetime, reason: str, item: str, quantity: int) -> Message:
        return {
            "type": "movement",
            "movement_id": f"{self.site}-{self.sequence + 1}",
            "reason": reason,
            "item": item,
            "quantity": str(quantity),
            "recorded_at": at.isoformat(),
        }

    def _beat(self, at: datetime) -> None:
        self._at(at + self.pace.heartbeat_every, self._beat)
        self._write(at, {"type": "heartbeat"})

    def _take_snapshot(self, at: datetime) -> None:
        if self.pace.snapshot_every:
            self._at(at + self.pace.snapshot_every, self._take_snapshot)
        self._write_snapshot(at)

    def _write_snapshot(self, at: datetime) -> None:
        lines = [
            {"item": item, "status": status, "quantity": str(quantity)}
            for item, buckets in self.booked.items()
            for status, quantity in buckets.items()
            if quantity or status == AVAILABLE
        ]
        native = f"{self.site}-{self.sequence + 1}"
        self._write(
            at, {"type": "snapshot", "snapshot_id": native, "is_full": True, "lines": lines}
        )

    def _write(self, at: datetime, message: Message) -> None:
        self.sequence += 1
        self._messages.append(
            message
            | {
                "location": self.site,
                "stream": self.site,
                "sequence": self.sequence,
                "occurred_at": at.isoformat(),
            }
        )

    def _any_item(self) -> str:
        return self.random.choice(tuple(self.booked))

    def _some_time(self, now: datetime, task: Task, per_day: int) -> None:
        if per_day:
            pause = self.random.expovariate(per_day / timedelta(days=1).total_seconds())
            self._at(now + timedelta(seconds=round(pause, 3)), task)

    def _at(self, due: datetime, task: Task) -> None:
        # The counter keeps tasks of one moment in the order in which they were planned.
        self._tasks_count += 1
        heapq.heappush(self._tasks, (due, self._tasks_count, task))
