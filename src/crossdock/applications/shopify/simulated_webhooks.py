"""The simulated webhooks: signed, and as unreliable as the real ones, by seed.

A delivery may come late, twice, out of order, or not at all. One that is not answered with success
within five seconds is repeated eight times over four hours, with its first body; then its
subscription is deleted.
"""

import asyncio
import heapq
import itertools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID

from crossdock.applications.shopify.mapping import gid
from crossdock.applications.shopify.receiving import signature
from crossdock.applications.shopify.settings import API_VERSION
from crossdock.applications.shopify.simulated_shop import Happening, Shop
from crossdock.canonical.errors import CrossdockError
from crossdock.connectivity.sdk import Delivery, Ports
from crossdock.connectivity.transports.http import HttpClient

ANSWER_SECONDS = 5.0
RETRY_SECONDS = (10, 60, 300, 900, 1800, 2700, 3600, 5030)
"""Eight pauses; Shopify tells their number and their sum, four hours, but not each."""
CONCURRENCY = 16
CLOCK_SECONDS = 0.05

Send = Callable[[Delivery], Awaitable[bool]]
"""Hand over a delivery; answer whether the receiver said 2xx."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the shop treats its deliveries: shares of one, and how late late is."""

    lost: float = 0.0
    twice: float = 0.0
    late: float = 0.0
    usual_delay: timedelta = timedelta(milliseconds=500)
    late_by: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Subscription:
    number: int
    topic: str
    uri: str
    created_at: datetime

    @property
    def id(self) -> str:
        return gid("WebhookSubscription", str(self.number))


@dataclass(order=True, slots=True)
class Pending:
    """One delivery on its way; the earliest due comes first, then the first made."""

    due: datetime
    turn: int
    subscription: Subscription = field(compare=False)
    delivery: Delivery = field(compare=False)
    failures: int = field(default=0, compare=False)


class Webhooks:
    """Listens to a shop and delivers by the clock.

    `send` takes the deliveries in process; without it they are posted to the subscribed address.
    """

    def __init__(
        self,
        shop: Shop,
        ports: Ports,
        secret: str,
        *,
        habits: Habits | None = None,
        send: Send | None = None,
    ) -> None:
        self.subscriptions: list[Subscription] = []
        self.habits = habits or Habits()
        self.delivered = 0
        self._domain = shop.domain
        self._ports = ports
        self._secret = secret
        self._send = send
        self._pending: list[Pending] = []
        self._turns = itertools.count()
        shop.listeners.append(self._hear)

    def subscribe(self, topic: str, uri: str) -> Subscription:
        number = next(self._turns) + 1
        made = Subscription(number, topic, uri, self._ports.clock.now())
        self.subscriptions.append(made)
        return made

    @property
    def next_due(self) -> datetime | None:
        """When the next delivery goes out; None while nothing is on its way."""
        return self._pending[0].due if self._pending else None

    async def run(self) -> None:
        """Deliver for ever, by the clock."""
        while True:
            await self.deliver_due()
            await self._ports.clock.sleep(CLOCK_SECONDS)

    async def deliver_due(self) -> int:
        """Send all that is due now; answer how many were accepted."""
        accepted = 0
        while due := self._taken():
            accepted += sum(await asyncio.gather(*(self._attempted(one) for one in due)))
        self.delivered += accepted
        return accepted

    def _taken(self) -> list[Pending]:
        now = self._ports.clock.now()
        taken: list[Pending] = []
        while self._pending and self._pending[0].due <= now and len(taken) < CONCURRENCY:
            taken.append(heapq.heappop(self._pending))
        return taken

    def _hear(self, happening: Happening) -> None:
        topic = happening.topic.replace("/", "_").upper()
        for subscription in self.subscriptions:
            if subscription.topic != topic:
                continue
            if self._chance(self.habits.lost):
                continue
            delivery = self._signed(happening)
            self._enqueue(subscription, delivery)
            if self._chance(self.habits.twice):
                self._enqueue(subscription, delivery)

    def _enqueue(self, subscription: Subscription, delivery: Delivery) -> None:
        delay = self.habits.usual_delay * self._ports.random.random()
        if self._chance(self.habits.late):
            delay += self.habits.late_by * self._ports.random.random()
        due = self._ports.clock.now() + delay
        heapq.heappush(self._pending, Pending(due, next(self._turns), subscription, delivery))

    def _signed(self, happening: Happening) -> Delivery:
        body = json.dumps(happening.payload, separators=(",", ":")).encode()
        triggered_at = happening.triggered_at.astimezone(UTC)
        return Delivery(
            body=body,
            headers={
                "content-type": "application/json",
                "x-shopify-topic": happening.topic,
                "x-shopify-hmac-sha256": signature(body, self._secret),
                "x-shopify-shop-domain": self._domain,
                "x-shopify-api-version": API_VERSION,
                "x-shopify-webhook-id": str(
                    UUID(int=self._ports.random.getrandbits(128), version=4)
                ),
                "x-shopify-event-id": happening.event_id,
                "x-shopify-triggered-at": triggered_at.strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
            },
        )

    async def _attempted(self, pending: Pending) -> bool:
        if pending.subscription not in self.subscriptions:
            return False
        if await self._accepted(pending):
            return True
        if pending.failures >= len(RETRY_SECONDS):
            self._forget(pending.subscription)
            return False
        pause = timedelta(seconds=RETRY_SECONDS[pending.failures])
        pending.failures += 1
        pending.due = self._ports.clock.now() + pause
        heapq.heappush(self._pending, pending)
        return False

    async def _accepted(self, pending: Pending) -> bool:
        """Ask for an answer within five seconds of the clock; a late one counts as none."""
        sending = asyncio.ensure_future(self._handed_over(pending))
        waiting = asyncio.ensure_future(self._ports.clock.sleep(ANSWER_SECONDS))
        await asyncio.wait({sending, waiting}, return_when=asyncio.FIRST_COMPLETED)
        is_in_time = sending.done()
        for task in (sending, waiting):
            task.cancel()
        await asyncio.gather(sending, waiting, return_exceptions=True)
        return is_in_time and sending.result()

    async def _handed_over(self, pending: Pending) -> bool:
        try:
            if self._send is not None:
                return await self._send(pending.delivery)
            return await self._posted(pending)
        except CrossdockError:
            return False

    async def _posted(self, pending: Pending) -> bool:
        parts = urlsplit(pending.subscription.uri)
        async with HttpClient(
            f"{parts.scheme}://{parts.netloc}",
            clock=self._ports.clock,
            allow_private_addresses=self._ports.allow_private_addresses,
            timeout_seconds=ANSWER_SECONDS,
        ) as http:
            response = await http.request(
                "POST",
                f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}",
                headers=pending.delivery.headers,
                body=pending.delivery.body,
            )
        return 200 <= response.status < 300  # noqa: PLR2004 - success, in the protocol's words

    def _chance(self, share: float) -> bool:
        # The die is thrown even for a share of nothing, so that habits do not shift the seed.
        return self._ports.random.random() < share

    def _forget(self, subscription: Subscription) -> None:
        self.subscriptions.remove(subscription)
        self._pending = [x for x in self._pending if x.subscription != subscription]
        heapq.heapify(self._pending)
