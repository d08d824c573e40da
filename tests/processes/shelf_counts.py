"""What a warehouse counts, and what the hub makes of it, in few words."""

from dataclasses import replace
from datetime import timedelta

from crossdock.canonical.inventory import MovementType, Place, StockMoved
from crossdock.canonical.reconciliation import CountTaskChanged, WithholdingChanged
from crossdock.capabilities.reconciliation import CountShown, CountsWanted, asked_store
from crossdock.capabilities.reconciliation.dumps import Worth
from crossdock.foundation import event_log
from crossdock.foundation.event_log import Position
from tests.processes.books import movement
from tests.processes.shelf import TICK, Warehouse

SHELF = Place(location="DC1")


async def counts(
    wms: Warehouse,
    number: int,
    net: int,
    *,
    by: str = "",
    item: str = "BOLT",
    ago: int = 0,
    **place: str,
) -> None:
    """Let the warehouse post what a counter found, a tick after what was before."""
    await wms.at.clock.advance(TICK)
    now = wms.at.clock.now()
    shelf = Place(location="DC1", status=SHELF.status, **place)
    ends = (shelf, None) if net <= 0 else (None, shelf)
    told = movement(
        number, MovementType.COUNT_ADJUST, f"{abs(net)} EA", item=item, ends=ends,
        at=now - timedelta(minutes=ago), recorded_at=now,
    )  # fmt: skip
    assert isinstance(told.payload, StockMoved)
    told = replace(told, payload=replace(told.payload, moved_by=by))
    for verdict in await wms.at.hub.record([told], source="wms"):
        assert not verdict.reason


async def picks(wms: Warehouse, number: int, quantity: int, *, ago: int = 0) -> None:
    at = wms.at.clock.now() - timedelta(minutes=ago)
    told = movement(
        number, MovementType.PICK, f"{quantity} EA", ends=(SHELF, None), at=at, recorded_at=at
    )
    for verdict in await wms.at.hub.record([told], source="wms"):
        assert not verdict.reason


async def costs(wms: Warehouse, of: str, each: int) -> None:
    """Let a dump have said of BOLT its class, and what one costs."""
    worth = {("DC1", "BOLT"): Worth(of, each * 1_000_000)}
    async with wms.at.hub.database.transaction(wms.at.hub.scope) as tx:
        await asked_store.put_classes(tx, worth)


async def listed(wms: Warehouse, **wanted: str) -> list[CountShown]:
    """Give the counts, the first heard first."""
    hub = wms.at.hub
    found = await hub.counts.listed(hub.scope, CountsWanted(**wanted))
    return sorted(found, key=lambda one: one.counted_at)


async def matters(wms: Warehouse) -> list[str]:
    return [one.matter for one in await listed(wms)]


async def told(wms: Warehouse) -> list[tuple[str, str, str]]:
    hub = wms.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=5_000)
    changed = [one.payload for one in events if isinstance(one.payload, CountTaskChanged)]
    return [(one.reason, one.status, one.not_by) for one in changed]


async def open_cases(wms: Warehouse) -> list[tuple[str, str]]:
    return [(one.code, one.owner_role) for one in await wms.open_cases()]


async def withheld(wms: Warehouse) -> int:
    """Say how much of BOLT channels are not shown."""
    hub = wms.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        found = await hub.reconciliation.withheld_in(tx, hub.scope.tenant, ["BOLT"])
    return found.get("BOLT", {}).get("DC1", 0) // 1_000_000


async def heard_of(wms: Warehouse) -> list[int]:
    hub = wms.at.hub
    async with hub.database.transaction(hub.scope) as tx:
        events, _ = await event_log.read(tx, Position(), limit=5_000)
    told = [one.payload for one in events if isinstance(one.payload, WithholdingChanged)]
    return [int(one.withheld.value) for one in told if one.against == "count"]
