"""What others may ask of inventory: availability, promises, and what becomes of them."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from crossdock.canonical.errors import Conflict, NotFound
from crossdock.canonical.packs import Pack
from crossdock.capabilities.inventory import claims, guarding, model
from crossdock.capabilities.inventory.answering import Answers, Position
from crossdock.capabilities.inventory.asking import NO_RULES, Around, ItemRules, KnowsKits
from crossdock.capabilities.inventory.changing import Changes
from crossdock.capabilities.inventory.claims import ClaimedStock
from crossdock.capabilities.inventory.explaining import Explanation, Explanations
from crossdock.capabilities.inventory.had import ChannelProtection, Had, KnowsProtections, had_in
from crossdock.capabilities.inventory.holding import Holding
from crossdock.capabilities.inventory.holding_elsewhere import HoldingElsewhere
from crossdock.capabilities.inventory.holds import Holds
from crossdock.capabilities.inventory.incoming import name_of
from crossdock.capabilities.inventory.model import Reservation, ReservationRequest
from crossdock.capabilities.inventory.ordered_kits import OrderedKits
from crossdock.capabilities.inventory.packing import picked
from crossdock.capabilities.inventory.proof import Availability
from crossdock.capabilities.inventory.protection import Claim
from crossdock.capabilities.inventory.reserving import Promises
from crossdock.capabilities.inventory.shares import (
    ChannelShares,
    Wanted,
    channel_claims,
    shares_in,
)
from crossdock.capabilities.inventory.standing import Standings
from crossdock.capabilities.inventory.store import Key, StockIds
from crossdock.capabilities.inventory.upkeep import Upkeep
from crossdock.foundation import metrics
from crossdock.foundation.batching import Batcher
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope


class Inventory:
    """The one place that promises stock. Amounts are micros of the item's base unit.

    `upkeep.run` must run beside it for promises to reach the event log.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        soft_hold_ttl_seconds: int = 900,
        protections: KnowsProtections | None = None,
        kits: KnowsKits | None = None,
        rules: ItemRules = NO_RULES,
    ) -> None:
        self._database = database
        self._clock = clock
        self._protections = protections
        self._stock_ids = StockIds()
        around = Around(protections, kits, *rules)
        self.around = around
        self._packs = rules.packs
        self._promises = Promises(database, clock, soft_hold_ttl_seconds, self._stock_ids, around)
        self._changes = Changes(database, clock, self._stock_ids, protections)
        self._answers = Answers(database, clock, rules.unlimited)
        self._explanations = Explanations(database)
        self.upkeep = Upkeep(database, clock, self._stock_ids, protections)
        self.standings = Standings(clock)
        self.ordered_kits = OrderedKits(clock, around)
        self.holds = Holds(database, clock)
        told = (self._answers, self.standings, self._shares_in)
        self.holding = Holding(self._promises, self._changes, self._stock_ids, told)
        self.elsewhere = HoldingElsewhere(self._promises, self._changes)
        self._batcher: Batcher[Scope, tuple[str, ReservationRequest], Reservation | Conflict]
        self._batcher = Batcher(self._reserve_batch)

    async def reserve(self, scope: Scope, client: str, request: ReservationRequest) -> Reservation:
        """Promise stock, together with whoever asks at the same time (D3).

        A request that cannot be granted is answered DENIED, not raised; the same id with other
        content raises `Conflict`.
        """
        answer = await self.reserving(scope, client, request)
        if isinstance(answer, Conflict):
            raise answer
        return answer

    def reserving(
        self, scope: Scope, client: str, request: ReservationRequest
    ) -> "asyncio.Future[Reservation | Conflict]":
        """Ask as `reserve` does, for whoever has other things to do until the answer comes."""
        model.check_request(request)
        return self._batcher.asked(scope, (client, request))

    async def reserve_many(
        self, scope: Scope, client: str, requests: Sequence[ReservationRequest]
    ) -> list[Reservation | Conflict]:
        """Decide a set in one transaction, in its order."""
        for request in requests:
            model.check_request(request)
        return await self._reserve_batch(scope, [(client, request) for request in requests])

    async def confirm(self, scope: Scope, reservation_id: str) -> Reservation:
        return await self._changes.confirm(scope, reservation_id)

    async def extend(self, scope: Scope, reservation_id: str, ttl_seconds: int) -> Reservation:
        return await self._changes.extend(scope, reservation_id, ttl_seconds)

    async def release(self, scope: Scope, reservation_id: str) -> Reservation:
        return await self._changes.release(scope, reservation_id)

    async def consume(
        self, scope: Scope, reservation_id: str, consumed_by_line: Mapping[int, int] | None = None
    ) -> Reservation:
        return await self._changes.consume(scope, reservation_id, consumed_by_line)

    async def transfer(self, scope: Scope, reservation_id: str, location: str) -> Reservation:
        return await self._changes.transfer(scope, reservation_id, location)

    async def get(self, scope: Scope, reservation_id: str) -> Reservation:
        return await self._changes.get(scope, reservation_id)

    async def is_made(self, scope: Scope, client: str, request_id: str) -> bool:
        """Say whether a client's request was answered before, granted or denied."""
        try:
            await self._changes.get(scope, name_of(scope.tenant, client, request_id))
        except NotFound:
            return False
        return True

    async def explain(self, scope: Scope, reservation_id: str) -> Explanation:
        """Derive a promise once more from what its decision saw, whatever has changed since."""
        return await self._explanations.explain(scope, reservation_id)

    async def lines_of(self, scope: Scope, order: str) -> list[str]:
        """Name the lines of an order, as its source calls them; at most a thousand."""
        return await self._explanations.lines_of(scope, order)

    async def explain_order(self, scope: Scope, order: str) -> list[Explanation]:
        """Explain what is promised to an order or an order line."""
        return await self._explanations.explain_order(scope, order)

    async def held_for_kits(self, scope: Scope, order: str) -> list[Reservation]:
        """Name what is held of parts for kits of an order, or a line, that nobody reserved."""
        return await self._explanations.held_for_kits(scope, order)

    async def availability(self, scope: Scope, keys: Sequence[Key]) -> list[Availability]:
        return await self._answers.availability(scope, keys)

    async def channel_shares(
        self, scope: Scope, whose: tuple[str, str], keys: Sequence[Key], orders: Mapping[str, Key]
    ) -> ChannelShares:
        """Ask what maxima and minima leave a channel's customer at each (item, location) (§3.6).

        `orders` are order lines that are counted there already. Nothing is locked.
        """
        async with self._database.transaction(scope) as tx:
            return await self._shares_in(tx, Wanted(*whose, keys, orders))

    async def channel_claims_in(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[Key, Mapping[str, Claim]]:
        """Say what channels have a right to at each (item, location), and what they had (§3.6).

        Where nobody has any, now or later, it is left out. Nothing is locked.
        """
        of = tx.of(tenant)
        return await channel_claims(of, self._protections, keys, self._clock.now())

    async def availability_in(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> list[Availability]:
        """Answer for one tenant in the caller's transaction."""
        return await self._answers.availability_in(tx, tenant, keys)

    async def claims_in(
        self, tx: Transaction, tenant: str, keys: Sequence[Key], demand_refs: Sequence[str]
    ) -> list[ClaimedStock]:
        """Tell what is there, and which of these order lines claim it, as of one moment."""
        return await claims.claims(tx, tenant, keys, demand_refs, self._clock.now())

    async def unlimited_in(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> frozenset[Key]:
        """Name those that no stock limits: any amount of them may be promised at once (§3.3)."""
        return await self._answers.unlimited_in(tx, tenant, keys)

    async def packs(self, scope: Scope, keys: Sequence[Key]) -> Mapping[Key, Pack]:
        """Give the packs of those that are sold in packs: no grant breaks one (A31)."""
        async with self._database.transaction(scope) as tx:
            return await self.packs_in(tx, tx.tenant, keys)

    async def picked(self, scope: Scope, refs: Sequence[str]) -> Mapping[str, int]:
        """Say what was picked of order lines; nothing was: it is left out."""
        async with self._database.transaction(scope) as tx:
            return await picked(tx, refs)

    async def packs_in(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> Mapping[Key, Pack]:
        """Give the packs of those that are sold in packs: no grant breaks one (A31)."""
        if self._packs is None:
            return {}
        found = self._packs.remembered(tenant, keys)
        return await self._packs.among(tx, tenant, keys) if found is None else found

    async def counted_in(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> frozenset[Key]:
        """Name those of which anybody ever said what lies there: unknown is not zero."""
        return await claims.counted(tx, tenant, keys)

    async def groups_in(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Name the group of each (tenant, location) that is a member of one."""
        return await claims.groups(tx, places)

    async def kin_in(
        self, tx: Transaction, places: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], str]:
        """Name the group of each member of these groups, and of groups that these are in."""
        return await claims.kin(tx, places)

    async def owed_in(
        self, tx: Transaction, keys: Sequence[tuple[str, str, str]]
    ) -> frozenset[tuple[str, str, str]]:
        """Name those (tenant, item, location) whose group has promised or keeps any of it."""
        return await claims.owed(tx, keys)

    async def had_in(
        self,
        tx: Transaction,
        protections: KnowsProtections,
        asked: Sequence[tuple[Key, ChannelProtection]],
        now: datetime,
    ) -> Sequence[Had]:
        """Say what channels have had of items at locations, as promises count it (§3.6)."""
        ids = await self._stock_ids.of(tx, tx.tenant, {key for key, _ in asked})
        return await had_in(tx, protections, [(ids[key], key, said) for key, said in asked], now)

    async def guard_in(
        self, tx: Transaction, item: str, location: str, *, is_guarded: bool
    ) -> None:
        """Have promises of an item at a location ask for maxima and minima, or no longer."""
        found = await self._stock_ids.of(tx, tx.tenant, [(item, location)])
        await guarding.guard(tx, found.values(), is_guarded=is_guarded)

    async def open_demand(self, scope: Scope, refs: Sequence[str]) -> dict[str, tuple[Key, int]]:
        """Tell where open demand of these order lines counts already, and how much (A25)."""
        return await self._answers.open_demand(scope, refs)

    async def on_hand(self, scope: Scope, keys: Sequence[Key]) -> list[Position]:
        return await self._answers.on_hand(scope, keys)

    async def _shares_in(self, tx: Transaction, wanted: Wanted) -> ChannelShares:
        return await shares_in(tx, self._protections, wanted, self._clock.now())

    async def _reserve_batch(
        self, scope: Scope, asked: Sequence[tuple[str, ReservationRequest]]
    ) -> list[Reservation | Conflict]:
        began = self._clock.ticks()
        answers = await self._promises.reserve(scope, asked)
        metrics.RESERVATION_BATCH.observe(len(asked))
        metrics.RESERVATION_SECONDS.observe(self._clock.ticks() - began)
        return answers
