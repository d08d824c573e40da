"""Kits that orders claim, and nobody reserved: the hub holds their parts itself (A19, A30, I9).

So a part is promised once, whoever asks for it: as far as the claims on a kit go beyond what lies
there assembled, its parts are ordinary hard holds that quote `LINE/ITEM`. What is held follows
from what is claimed, picked and there, and from nothing that was held before; so it does not
matter in which order facts come, nor how often one is looked at. What finds no room is looked for
again when there is some. Only where kits are ordered there is anything to do.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from crossdock.canonical.envelope import Event
from crossdock.canonical.inventory import AvailabilityChanged, ReservationChanged
from crossdock.capabilities.inventory import facts, kit_orders, store
from crossdock.capabilities.inventory.asking import Around
from crossdock.capabilities.inventory.kit_settling import Look, Settling
from crossdock.capabilities.inventory.sheet import Sheet, with_kin
from crossdock.capabilities.inventory.store import StockIds
from crossdock.capabilities.inventory.waiting_kits import OVER, keys_changed
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction
from crossdock.foundation.readers import Reader

TYPES = frozenset({AvailabilityChanged.TYPE, ReservationChanged.TYPE})


class OrderedKits:
    """Looks after order lines of kits. Repeating it changes nothing."""

    def __init__(self, clock: Clock, around: Around) -> None:
        self._clock = clock
        self._around = around
        self._kits = around.kits

    @property
    def reader(self) -> Reader:
        """Give the log reader that hears what has changed where."""
        return Reader(name="ordered kits", apply=self.apply, types=TYPES, unheard=self.unheard)

    async def unheard(self, tx: Transaction) -> frozenset[str]:
        """Pass over all figures unread as long as no kit is ordered."""
        return frozenset() if await tx.fetchval(kit_orders.IS_ANY) else TYPES

    async def recipes_changed(self, tx: Transaction, items: Sequence[tuple[str, str]]) -> None:
        """Have the orders for these (tenant, item) looked at: they are other kits, or none."""
        if self._kits is None:
            return
        for tenant in sorted({tenant for tenant, _ in items}):
            own = sorted({item for of, item in items if of == tenant})
            named = await self._kits.above(tx.of(tenant), tenant, own)
            sheet = await kit_orders.note_all(tx, tenant, sorted({*own, *named}), named)
            rows, _ = await sheet.write(tx)
            await facts.tell(tx, rows, [], self._clock.now(), {})

    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        looks: dict[str, Look] = {}
        for tenant, keys in (await keys_changed(tx, events)).items():
            refs, due = await kit_orders.at(tx, tenant, keys)
            if refs:
                due |= _ended(tenant, events) & refs.keys()
                looks[tenant] = await self._look(tx, tenant, refs, due)
        if not looks or self._kits is None:
            return
        wanted = {stock_id for look in looks.values() for stock_id in look.wanted}
        rows = await store.lock_stock(tx, wanted)
        for tenant, look in looks.items():
            own = {stock_id: row for stock_id, row in rows.items() if row.tenant == tenant}
            sheet, now = Sheet(own, look.groups, tenant), self._clock.now()
            await Settling(tx, sheet, look, now).settle(self._around, self._kits)

    async def _look(
        self, tx: Transaction, tenant: str, refs: Mapping[str, int], due: AbstractSet[str]
    ) -> Look:
        """Find all rows that decide what is held for these order lines."""
        assert self._kits is not None  # noqa: S101  # else none is noted
        own = tx.of(tenant)
        rows = await tx.fetch(store.STOCK_OF, sorted(set(refs.values())), tenant)
        found = {(row["item"], row["location"]): row["stock_id"] for row in rows}
        recipes = await self._kits.told(own, tenant, sorted({item for item, _ in found}))
        names = {(part, at) for item, at in found for part, _ in recipes.get(item, ())}
        found |= await StockIds().of(own, tenant, sorted(names))
        held = {row.line.stock_id for row in await kit_orders.held(own, due)}
        wanted, groups = await with_kin(own, tenant, StockIds(), {*found.values(), *held})
        return Look(tenant, refs, due, found, recipes, groups, frozenset(wanted))


def _ended(tenant: str, events: Sequence[Event]) -> set[str]:
    """Name the order lines of which promises have ended."""
    return {
        event.payload.demand_ref
        for event in events
        if event.tenant == tenant
        and isinstance(event.payload, ReservationChanged)
        and event.payload.status in OVER
    }
