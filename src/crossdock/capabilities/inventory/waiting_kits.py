"""Ordered kits that found no room for all their parts: these are held for them once there is some.

An order line that is cut gives parts back, and one that is raised again may find them promised to
others. What it lacks is noted, and looked for again when the figures of a part have changed.
Where no kit waits it costs nothing.
"""

from collections.abc import Collection, Mapping, Sequence

from crossdock.canonical.envelope import Event
from crossdock.canonical.errors import Unavailable
from crossdock.canonical.inventory import (
    AvailabilityChanged,
    ReservationChanged,
    ReservationStatus,
)
from crossdock.capabilities.inventory import demand, facts, model, parts, store
from crossdock.capabilities.inventory.answering import groups_of
from crossdock.capabilities.inventory.asking import Around
from crossdock.capabilities.inventory.demand import Ref
from crossdock.capabilities.inventory.sheet import Sheet
from crossdock.capabilities.inventory.store import Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction, WorkersSql
from crossdock.foundation.readers import Reader

TYPES = frozenset({AvailabilityChanged.TYPE})
OVER = frozenset(
    {ReservationStatus.RELEASED, ReservationStatus.EXPIRED, ReservationStatus.CANCELLED}
)

IS_ANY = WorkersSql("select exists (select from inventory_kit_wait)")
AT = """
select distinct w.demand_ref from unnest($2::text[], $3::text[]) k(item, location)
join inventory_stock s on s.tenant = $1 and s.item = k.item and s.location = k.location
join inventory_kit_wait w on w.tenant = $1 and w.stock_id = s.stock_id
order by w.demand_ref
"""


class WaitingKits:
    """Looks again for the parts of kits that wait. Repeating it changes nothing."""

    def __init__(self, clock: Clock, around: Around) -> None:
        self._clock = clock
        self._around = around

    @property
    def reader(self) -> Reader:
        """Give the log reader that hears what has changed where."""
        return Reader(name="waiting kits", apply=self.apply, types=TYPES, unheard=self.unheard)

    async def unheard(self, tx: Transaction) -> frozenset[str]:
        """Pass over all figures unread as long as no kit waits."""
        return frozenset() if await tx.fetchval(IS_ANY) else TYPES

    async def apply(self, tx: Transaction, events: Sequence[Event]) -> None:
        waiting: list[Ref] = []
        for tenant, keys in (await keys_changed(tx, events)).items():
            columns = [item for item, _ in keys], [location for _, location in keys]
            rows = await tx.fetch(AT, tenant, *columns)
            waiting += [(tenant, row["demand_ref"]) for row in rows]
        if waiting:
            await self._look_again(tx, waiting)

    async def _look_again(self, tx: Transaction, refs: Sequence[Ref]) -> None:
        """Hold what there is by now; what is lacking still is noted again."""
        promises = await parts.lines_for(tx, refs)
        wanted = await parts.beside(tx, promises) | {row.line.stock_id for row in promises}
        sheet = Sheet(await store.lock_stock(tx, wanted), {}, "")
        promises = await parts.lines_for(tx, refs)  # as they are under the locks
        if any(row.line.stock_id not in sheet.rows for row in promises):
            raise Unavailable("a reservation was moved just now", code="contended")
        for tenant in sorted({tenant for tenant, _ in refs}):
            own = [ref for of, ref in refs if of == tenant]
            await tx.execute(parts.WAIT_NO_MORE, tenant, own)
        now = self._clock.now()
        for row in promises:
            if row.line.is_lapsed(now):
                sheet.change(row, model.expired(row.line))
        named = {(row.tenant, row.line.demand_ref) for row in promises}
        claims = await demand.stored(tx, sorted(named.union(refs)))
        await parts.hand_over(tx, sheet, promises, (refs, claims), (self._around, now))
        rows, lines = await sheet.write(tx)
        await facts.tell(tx, rows, lines, now, {})


async def keys_changed(tx: Transaction, events: Sequence[Event]) -> dict[str, list[Key]]:
    """Name by tenant where figures changed or promises ended, and all that share what is there."""
    changed: dict[str, set[Key]] = {}
    for event in events:
        match event.payload:
            case AvailabilityChanged(item=item, location=location):
                changed.setdefault(event.tenant, set()).add((item, location))
            case ReservationChanged(item=item, location=location, demand_ref=ref, status=status):
                if ref and status in OVER:
                    changed.setdefault(event.tenant, set()).add((item, location))
            case _:
                pass
    found: dict[str, list[Key]] = {}
    for tenant, keys in sorted(changed.items()):
        groups = await groups_of(tx, tenant, sorted({at for _, at in keys}))
        found[tenant] = _with_kin(keys, groups)
    return found


def _with_kin(keys: Collection[Key], groups: Mapping[str, str]) -> list[Key]:
    """Add the group that each place is in, and all its members: they share what there is."""
    found = set(keys)
    for item, location in keys:
        group = groups.get(location, location)
        found.add((item, group))
        found |= {(item, member) for member, of in groups.items() if of == group}
    return sorted(found)
