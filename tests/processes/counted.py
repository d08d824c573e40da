"""Has a hub tell a count task, as it does when the turn of a key has come by its class."""

from typing import Protocol

from crossdock.capabilities.reconciliation import CountTask, CountTasks
from crossdock.capabilities.reconciliation.counting import CountRow, put_counts
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
    due = [CountRow(location, item, "A") for item in items]
    async with hub.database.transaction(scope) as tx:
        await put_counts(tx, due, hub.clock.now().date())
    await hub.count_tasks.follow()
    return await hub.count_tasks.listed(scope, location=location)
