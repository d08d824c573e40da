"""A shop to publish to, and the two stages that a publishing scenario is played on."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.commands import Command, CommandSettled, Settlement
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.inventory import AvailabilityChanged
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.inventory import SourceAge
from crossdock.capabilities.inventory.publishing import Terms
from crossdock.capabilities.supply import Lasting, Wanted
from crossdock.foundation import event_log, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Entry
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine import Engine
from crossdock.orchestration.engine.harness import BareStage, DatabaseStage
from crossdock.orchestration.processes.availability_asking import Requests
from crossdock.orchestration.processes.availability_channels import Channels
from crossdock.orchestration.processes.availability_claims import Calendar
from crossdock.orchestration.processes.availability_facts import availability_publishing
from crossdock.orchestration.processes.availability_pools import KnowsKits, Pool
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_state import Agreement, Facts, Shown
from crossdock.orchestration.processes.availability_writes import Listing
from crossdock.orchestration.processes.channel_terms import Channel
from tests.conftest import NOON

LISTING = Listing("shop", "web", "sku-1")
MAIN = Scope("main")


@dataclass(slots=True)
class Shop:
    """Holds one number, compares before it sets, and sells by itself.

    It can refuse everything, take a write and lose the answer, or not tell what it holds.
    """

    holds: Decimal | None = None
    refuses: str = ""
    loses_answers: bool = False
    is_silent: bool = False

    def settle(self, command: Command) -> CommandSettled:
        expected = command.arguments["expected"]
        is_as_expected = (None if expected is None else Decimal(expected)) == self.holds
        settlement = Settlement.DONE if is_as_expected else Settlement.STALE
        if self.refuses:
            settlement = Settlement.REFUSED
        if settlement is Settlement.DONE:
            self.holds = Decimal(command.arguments["quantity"])
        if self.loses_answers:
            settlement = Settlement.PARKED
        return CommandSettled(
            command_id=command.command_id,
            connection=command.connection,
            role=command.role,
            subject=command.subject,
            version=command.version,
            settlement=settlement,
            process=command.process,
            instance=command.instance,
            observed=None if self.is_silent or self.loses_answers else self.holds,
            detail=self.refuses,
        )

    def stock(self, quantity: int) -> None:
        self.holds = Decimal(quantity)

    def sell(self, quantity: int) -> None:
        assert self.holds is not None
        self.holds -= quantity


class Play(Protocol):
    """What a scenario may do. Amounts are in whole units."""

    shop: Shop

    @property
    def writes(self) -> Sequence[Command]: ...

    async def stock(self, free: int | None, demand: int = 0) -> None:
        """Let the hub's own figures change."""
        ...

    async def deliver(self, *, newest_only: bool = False) -> int:
        """Carry every waiting write to the shop and its outcome back; say how many."""
        ...

    async def settle(self, settled: CommandSettled) -> None:
        """Carry one outcome back."""
        ...

    async def supersede(self) -> None:
        """Let the outbox drop the waiting write before it leaves."""
        ...

    async def hear(self, level: int, at: datetime) -> None:
        """Let the shop's own word arrive: what it held at that time."""
        ...

    async def switch(self, *, is_active: bool) -> None:
        """Let the channel be switched off, or on again."""
        ...

    async def ask(self) -> None:
        """Let a person ask for the level to be written now."""
        ...

    async def advance(self, step: timedelta) -> None: ...

    async def cases(self) -> list[str]:
        """Give each case's code, or `closed`."""
        ...


def superseded(command: Command) -> CommandSettled:
    settled = Shop(refuses="a newer command came first").settle(command)
    return replace(settled, settlement=Settlement.SUPERSEDED, observed=None)


def quantities(play: Play) -> list[tuple[str, str | None]]:
    """Give what was written, and over what, in order."""
    return [(write.arguments["quantity"], write.arguments["expected"]) for write in play.writes]


@dataclass(slots=True)
class BarePlay:
    """Without a database: facts are set by hand."""

    agreement: Agreement
    shop: Shop = field(default_factory=Shop)
    facts: Facts = field(init=False)
    stage: BareStage[Shown, Facts] = field(init=False)
    delivered: int = 0

    def __post_init__(self) -> None:
        calendar = Calendar(Zones(), VirtualClock(NOON))
        self.facts = Facts(listing=LISTING, agreement=self.agreement, pool=None)
        self.stage = BareStage(
            process=availability_publishing(Pools(), calendar),
            facts=lambda _key: self.facts,
            now=NOON,
        )

    @property
    def writes(self) -> list[Command]:
        return self.stage.commands

    async def stock(self, free: int | None, demand: int = 0) -> None:
        pool = None if free is None else free * MICROS
        await self._now(replace(self.facts, pool=pool, demand=demand * MICROS))

    async def deliver(self, *, newest_only: bool = False, one: Command | None = None) -> int:
        waiting = [one] if one else self.writes[-1 if newest_only else self.delivered :]
        self.delivered = self.writes.index(one) + 1 if one else len(self.writes)
        for command in waiting:
            await self.settle(self.shop.settle(command))
        return len(waiting)

    async def supersede(self) -> None:
        self.delivered = len(self.writes)
        await self.settle(superseded(self.writes[-1]))

    async def settle(self, settled: CommandSettled) -> None:
        observed = None if settled.observed is None else int(settled.observed * MICROS)
        level = replace(
            self.facts.level,
            settled_version=settled.version,
            settlement=settled.settlement,
            observed=observed,
            detail=settled.detail,
        )
        await self._now(replace(self.facts, level=level))

    async def hear(self, level: int, at: datetime) -> None:
        self.keep_word(level, at)
        await self._now(self.facts)

    async def switch(self, *, is_active: bool) -> None:
        self.agreement = replace(self.agreement, is_active=is_active)
        await self._now(replace(self.facts, agreement=self.agreement))

    async def ask(self) -> None:
        level = replace(self.facts.level, asked_at=self.stage.now)
        await self._now(replace(self.facts, level=level))

    def keep_word(self, level: int, at: datetime) -> None:
        """Keep a word as the table does, for whoever looks next."""
        known, said = self.facts.level, level * MICROS
        disputed_at, repeated_at = known.disputed_at, known.repeated_at
        if known.heard_at == at and known.heard == said:
            repeated_at = self.stage.now
        if known.heard_at is not None and known.heard != said:
            is_close = abs(at - known.heard_at) < timedelta(seconds=1)
            disputed_at = self.stage.now if is_close else disputed_at
        if known.heard_at is None or at >= known.heard_at:
            known = replace(known, heard=said, heard_at=at)
        self.facts = replace(
            self.facts, level=replace(known, disputed_at=disputed_at, repeated_at=repeated_at)
        )

    async def advance(self, step: timedelta) -> None:
        await self.stage.advance(step)

    async def cases(self) -> list[str]:
        states: dict[str, str] = {}
        for case in self.stage.cases:
            if isinstance(case, OpenCase):
                states[case.fingerprint] = case.code
            elif case.fingerprint in states:
                states[case.fingerprint] = "closed"
        return list(states.values())

    async def _now(self, facts: Facts) -> None:
        self.facts = facts
        await self.stage.touch(LISTING.instance)


class Zones:
    """Stands in for the catalogue: the time zone of each place."""

    def __init__(self, **known: str) -> None:
        self.known = known

    async def time_zones(
        self, _tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return {place: self.known[place[1]] for place in places if place[1] in self.known}


class Pools:
    """Stands in for inventory."""

    def __init__(self) -> None:
        self.known: dict[tuple[str, str, str], Pool] = {}
        self.heard: dict[str, SourceAge] = {}
        self.removed: set[str] = set()
        self.group_of: dict[str, str] = {}

    async def pools(
        self, _tx: Transaction, keys: Sequence[tuple[str, str, str]]
    ) -> Mapping[tuple[str, str, str], Pool]:
        return {key: self.known[key] for key in keys if key in self.known}

    async def groups(
        self, _tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        return {one: self.group_of[one[1]] for one in places if one[1] in self.group_of}

    async def kin(
        self, _tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], str]:
        groups = {self.group_of.get(place, place) for _, place in places}
        return {("main", member): of for member, of in self.group_of.items() if of in groups}

    async def owed(
        self, _tx: Transaction, _keys: Sequence[tuple[str, str, str]]
    ) -> frozenset[tuple[str, str, str]]:
        return frozenset()

    async def lasting(
        self, _tx: Transaction, _tenant: str, _wanted: Collection[Wanted]
    ) -> Mapping[Wanted, Lasting]:
        return {}

    async def ages(self, _tx: Transaction) -> Mapping[str, SourceAge]:
        return self.heard

    async def gone(self, _tx: Transaction) -> frozenset[str]:
        return frozenset(self.removed)


class Sent:
    """Stands in for the outbox: keeps what was enqueued."""

    def __init__(self) -> None:
        self.commands: list[Command] = []

    async def enqueue(self, _tx: Transaction, commands: Sequence[Command]) -> None:
        self.commands += commands


@dataclass(slots=True)
class DatabasePlay:
    """On the real engine: facts arrive as events."""

    database: Database
    clock: VirtualClock
    stage: DatabaseStage
    pools: Pools
    outbox: Sent
    channel: Channel
    shop: Shop = field(default_factory=Shop)
    delivered: int = 0
    said: int = 0

    @classmethod
    async def open(
        cls,
        database: Database,
        clock: VirtualClock,
        channel: Channel,
        zones: Zones | None = None,
        kits: KnowsKits | None = None,
    ) -> "DatabasePlay":
        pools, outbox = Pools(), Sent()
        process = availability_publishing(pools, Calendar(zones or Zones(), clock), kits)
        engine = Engine(database, clock, outbox, [process])
        for reader in engine.readers():
            await readers.register(database, reader)
        await Channels(database, clock, pools).put(MAIN, channel, by="test")
        stage = DatabaseStage(database, engine, clock, NAME)
        return cls(database, clock, stage, pools, outbox, channel)

    @property
    def writes(self) -> list[Command]:
        return self.outbox.commands

    async def stock(self, free: int | None, demand: int = 0) -> None:
        key = ("main", LISTING.item, "dc1")
        self.pools.known.pop(key, None)
        if free is not None:
            self.pools.known[key] = Pool(free=free * MICROS, demand=demand * MICROS)
        zero = Quantity(Decimal(0))
        await self._say(
            AvailabilityChanged(
                item=LISTING.item,
                location="dc1",
                version=self.said,
                nettable=zero,
                hard=zero,
                soft=zero,
                safety=zero,
            )
        )

    async def deliver(self, *, newest_only: bool = False) -> int:
        waiting = self.writes[-1 if newest_only else self.delivered :]
        self.delivered = len(self.writes)
        for command in waiting:
            await self.settle(self.shop.settle(command))
        return len(waiting)

    async def settle(self, settled: CommandSettled) -> None:
        await self._say(settled)

    async def supersede(self) -> None:
        self.delivered = len(self.writes)
        await self.settle(superseded(self.writes[-1]))

    async def hear(self, level: int, at: datetime) -> None:
        await self.hear_together([(level, at)])

    async def switch(self, *, is_active: bool) -> None:
        self.channel = replace(self.channel, is_active=is_active)
        await Channels(self.database, self.clock).put(MAIN, self.channel, by="test")
        await self.stage.engine.catch_up()

    async def ask(self) -> None:
        await Requests(self.database, self.clock).publish(MAIN, "shop", "web")
        await self.stage.engine.catch_up()

    async def hear_together(self, words: Sequence[tuple[int, datetime]]) -> None:
        """Let the shop's words arrive in this order, on one page."""
        for level, at in words:
            quantity = Quantity(Decimal(level))
            payload = ChannelLevelHeard(item=LISTING.item, location="web", quantity=quantity)
            await self._append(payload, at)
        await self.stage.engine.catch_up()

    async def advance(self, step: timedelta) -> None:
        await self.stage.advance(step)

    async def cases(self) -> list[str]:
        async with self.database.transaction(MAIN) as tx:
            rows = await tx.fetch("select code, state from business_case order by opened_at")
        return [row["code"] if row["state"] == "OPEN" else "closed" for row in rows]

    async def _say(self, payload: Payload) -> None:
        await self._append(payload, self.clock.now())
        await self.stage.engine.catch_up()

    async def _append(self, payload: Payload, at: datetime) -> None:
        self.said += 1
        fact = Fact(identity=f"said:{self.said}", payload=payload, occurred_at=at)
        entry = Entry(tenant="main", source="shop", received_at=self.clock.now(), fact=fact)
        async with self.database.transaction(MAIN) as tx:
            await event_log.append_once(tx, [entry])


def bare(terms: Terms | None = None) -> BarePlay:
    return BarePlay(Agreement(terms=terms or Terms()))
