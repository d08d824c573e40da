"""A warehouse that works, and whose messages come as they do in life: late, twice, out of order.

```python
warehouse = Warehouse("DC1", stock={"SKU-1": 100}, ports=ports, send=send)
warehouse.release([WorkLine(demand_ref="shop:1001/1", item="SKU-1", quantity=4)])
await warehouse.work()    # plays and sends everything due by the clock; or `run()` for ever
```

`send` is any coroutine function that takes a `Delivery`: `webhook_sender` for a hub's address,
`FileDrop.send` for a folder, an inbox. The same seed and clock give the same messages.
"""

import heapq
import json
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from crossdock.applications.generic_wms.floor import Floor, Message, Pace, WorkLine
from crossdock.applications.generic_wms.signature import secret_key, signed_headers
from crossdock.canonical.errors import Rejected, Unavailable
from crossdock.connectivity.sdk import Delivery, Ports
from crossdock.connectivity.transports.http import HttpClient, checked

__all__ = ["Habits", "Pace", "Warehouse", "WorkLine", "webhook_sender"]

Send = Callable[[Delivery], Awaitable[None]]

# Standard Webhooks asks senders to try again for days, ever more rarely.
RETRY_SECONDS = (5, 30, 120, 600, 1_800, 3_600, 7_200, 21_600)
KEPT_MAX = 100_000
"""So many messages its event store keeps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How badly messages travel: probabilities a message, and by how much at most."""

    repeated: float = 0.0
    reordered: float = 0.0
    late: float = 0.0
    lost: float = 0.0
    reordered_by: timedelta = timedelta(seconds=20)
    late_by: timedelta = timedelta(hours=2)

    @classmethod
    def usual(cls) -> "Habits":
        """Travel as from a decent system on a fair network; nothing is lost for good."""
        return cls(repeated=0.02, reordered=0.05, late=0.002)

    @classmethod
    def bad(cls) -> "Habits":
        return cls(repeated=0.3, reordered=0.4, late=0.05, lost=0.01)


class Warehouse:
    """One site and its system. Counters say what was done: `floor.picks_count`, `sent_count`."""

    def __init__(  # noqa: PLR0913  # each is a port or a plan of its own
        self,
        site: str,
        *,
        stock: Mapping[str, int],
        ports: Ports,
        send: Send,
        secrets: Sequence[str] = (),
        pace: Pace | None = None,
        habits: Habits | None = None,
    ) -> None:
        self._clock = ports.clock
        self._random = ports.random
        self._send = send
        self._keys = [secret_key(secret) for secret in secrets]
        self._habits = habits or Habits()
        # A chance of its own: how messages travel must not change what happens on the floor.
        floor_random = Random(self._random.getrandbits(64))  # noqa: S311  # a game, not a secret
        self.floor = Floor.opened(site, stock, floor_random, self._clock.now(), pace or Pace())
        self._outgoing: list[tuple[datetime, int, int, Message]] = []
        self._planned_count = 0
        self.sent_count = 0
        self.lost: list[Message] = []
        self.kept: deque[Message] = deque(maxlen=KEPT_MAX)
        self.refused: list[tuple[Message, Rejected]] = []

    @property
    def due_at(self) -> datetime:
        """When `work` next has something to do."""
        return (
            min(self.floor.due_at, self._outgoing[0][0]) if self._outgoing else self.floor.due_at
        )

    @property
    def outgoing_count(self) -> int:
        """Messages written down that are still on their way."""
        return len(self._outgoing)

    def levels(self) -> dict[str, Counter[str]]:
        """Answer the books: what a perfect listener would know, by item and status."""
        return {item: Counter(buckets) for item, buckets in self.floor.booked.items()}

    def release(self, lines: Iterable[WorkLine]) -> None:
        self.floor.release(lines)

    def receive(self, item: str, quantity: int) -> None:
        self.floor.receive(item, quantity)

    async def run(self) -> None:
        """Work for ever, by the clock."""
        while True:
            pause = (self.due_at - self._clock.now()).total_seconds()
            await self._clock.sleep(max(pause, 0))
            await self.work()

    async def work(self) -> None:
        """Play everything due by now, and send what is due."""
        now = self._clock.now()
        for message in self.floor.advance(now):
            self._plan(message)
        while self._outgoing and self._outgoing[0][0] <= now:
            _, _, attempt, message = heapq.heappop(self._outgoing)
            await self._deliver(message, attempt, now)

    async def deliver_all(self) -> None:
        """Send what is still on its way at once, as at the end of a day."""
        outgoing, self._outgoing = self._outgoing, []
        for _, _, attempt, message in sorted(outgoing, key=lambda entry: entry[:2]):
            await self._deliver(message, attempt, self._clock.now())

    async def resend(self, message: Message) -> None:
        """Send again what was lost: what the system's operator does after a reported gap."""
        await self._deliver(message, 0, self._clock.now())

    def _plan(self, message: Message) -> None:
        habits, chance = self._habits, self._random.random
        self.kept.append(message)
        at = datetime.fromisoformat(message["occurred_at"])
        if message["sequence"] == 1:  # somebody watches the very first message arrive
            self._post(at, 0, message)
            return
        if chance() < habits.lost:
            self.lost.append(message)
            return
        if chance() < habits.reordered:
            at += habits.reordered_by * self._random.random()
        if chance() < habits.late:
            at += habits.late_by * self._random.random()
        self._post(at, 0, message)
        while chance() < habits.repeated:
            at += habits.reordered_by * self._random.random()
            self._post(at, 0, message)

    def _post(self, due: datetime, attempt: int, message: Message) -> None:
        self._planned_count += 1
        heapq.heappush(self._outgoing, (due, self._planned_count, attempt, message))

    async def _deliver(self, message: Message, attempt: int, now: datetime) -> None:
        try:
            await self._send(self._delivery(message, now))
        except Unavailable:
            pause = RETRY_SECONDS[min(attempt, len(RETRY_SECONDS) - 1)]
            self._post(now + timedelta(seconds=pause), attempt + 1, message)
        except Rejected as refusal:
            self.refused.append((message, refusal))
        else:
            self.sent_count += 1

    def _delivery(self, message: Message, now: datetime) -> Delivery:
        """Sign at the moment of sending: a retry keeps the message's id and gets a new time."""
        body = json.dumps(message).encode()
        message_id = f"{self.floor.site}-{message['sequence']}"
        headers = signed_headers(self._keys, message_id, now, body) if self._keys else {}
        return Delivery(body=body, headers={"content-type": "application/json", **headers})


def webhook_sender(client: HttpClient, path: str) -> Send:
    """Post to a hub: anything but a success is raised as what it means for the sender."""

    async def send(delivery: Delivery) -> None:
        checked(await client.request("POST", path, headers=delivery.headers, body=delivery.body))

    return send
