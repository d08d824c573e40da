"""Has a hub tell a count task, as it does when the turn of a key has come by its class."""

from collections.abc import Sequence
from typing import Protocol

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import MovementType, Place, StockMoved
from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.catalog import OWN_SOURCE
from crossdock.capabilities.reconciliation import (
    Counts,
    CountShown,
    CountsWanted,
    CountTask,
    CountTasks,
    asked_store,
)
from crossdock.capabilities.reconciliation.counting import CountRow, put_counts
from crossdock.capabilities.reconciliation.dumps import Worth
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope


class CountingHub(Protocol):
    @property
    def database(self) -> Database: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def count_tasks(self) -> CountTasks: ...


async def told_to_count(
    hub: CountingHub, *items: str, location: str = "DC1", scope: Scope | None = None
) -> list[CountTask]:
    """Let the day's plan have these items; give the tasks that follow."""
    scope = scope or Scope("main")
    today = hub.clock.now().date()
    due = [CountRow(location, item, "A", today) for item in items]
    async with hub.database.transaction(scope) as tx:
        await put_counts(tx, due, today)
    await hub.count_tasks.follow()
    return await hub.count_tasks.listed(scope, location=location)


class CountedHub(Protocol):
    @property
    def database(self) -> Database: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def counts(self) -> Counts: ...

    async def record(self, facts: Sequence[Fact], *, source: str) -> object: ...


def found(name: str, hub: CountedHub, item: str, location: str, by: str = "") -> Fact:
    """Word a count that found one more than was booked."""
    payload = StockMoved(
        movement_id=name,
        item=item,
        quantity=Quantity.of(1),
        type=MovementType.COUNT_ADJUST,
        target_place=Place(location=location),
        moved_by=by,
    )
    now = hub.clock.now()
    return Fact(identity=f"movement:{name}", payload=payload, occurred_at=now, recorded_at=now)


async def dear_counts(
    hub: CountedHub, *names: str, item: str, location: str = "DC1", by: str = ""
) -> list[CountShown]:
    """Let each of these movements be a count that is worth more than the cap."""
    scope = Scope("main")
    async with hub.database.transaction(scope) as tx:
        await asked_store.put_classes(tx, {(location, item): Worth("C", 1_000_000 * MICROS)})
    await hub.record([found(name, hub, item, location, by) for name in names], source=OWN_SOURCE)
    return await hub.counts.listed(scope, CountsWanted(approval="WAITING"))
