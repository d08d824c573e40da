"""Says orders and outcomes as sources do, lets them be counted, and computes budgets."""

from dataclasses import dataclass, field
from datetime import datetime

from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.foundation import event_log, readers
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.event_log import Entry
from crossdock.foundation.readers import Reader
from crossdock.orchestration.processes.channel_sales import sales_reader
from crossdock.orchestration.processes.channel_terms import Channel
from crossdock.orchestration.processes.oversell_budget import Budgets, ItemsWanted
from crossdock.orchestration.processes.oversell_shown import ChannelBudget, ItemBudget
from tests.processes.shop import MAIN, DatabasePlay, Zones


@dataclass
class Desk:
    """Says orders and outcomes to the log, lets them be counted, and computes budgets."""

    database: Database
    clock: VirtualClock
    play: DatabasePlay
    zones: Zones = field(default_factory=Zones)
    said: int = 0

    @classmethod
    async def open(
        cls, database: Database, clock: VirtualClock, channel: Channel, **zones: str
    ) -> "Desk":
        known = Zones(**zones)
        play = await DatabasePlay.open(database, clock, channel, known)
        made = cls(database, clock, play, known)
        await readers.register(database, made.reader)
        return made

    @property
    def reader(self) -> Reader:
        return sales_reader(self.zones, self.clock)

    @property
    def budgets(self) -> Budgets:
        return Budgets(self.database, self.clock)

    async def say(
        self,
        *payloads: Payload,
        source: str = "shop",
        at: datetime | None = None,
        version: int = 1,
    ) -> None:
        """Record facts, as received now."""
        entries: list[Entry] = []
        for payload in payloads:
            self.said += 1
            fact = Fact(
                identity=f"desk:{self.said}",
                payload=payload,
                occurred_at=at or self.clock.now(),
                version=version,
            )
            entries.append(
                Entry(tenant="main", source=source, received_at=self.clock.now(), fact=fact)
            )
        async with self.database.transaction(MAIN) as tx:
            await event_log.append_once(tx, entries)
        await readers.catch_up(self.database, self.reader, self.clock)

    async def compute(self) -> int:
        moved = await self.budgets.recompute()
        await self.play.stage.engine.catch_up()
        return moved

    async def shown(self, connection: str = "shop", *items: str) -> ChannelBudget:
        return await self.budgets.show(MAIN, connection, "web", ItemsWanted(items=items))

    async def item(self, connection: str = "shop", item: str = "sku-1") -> ItemBudget:
        [found] = (await self.shown(connection, item)).items
        return found

    async def rows(self, table: str) -> int:
        async with self.database.transaction(MAIN) as tx:
            count: int = await tx.fetchval(f"select count(*) from {table} where tenant = 'main'")
        return count


def order(
    number: int,
    units: int,
    *,
    item: str = "sku-1",
    cancelled: int = 0,
    channel: str = "",
    is_dropship: bool = False,
) -> OrderChanged:
    line = DemandLine(
        demand_ref=f"{number}/1",
        item=item,
        location="dc1",
        ordered=Quantity.of(units),
        cancelled=Quantity.of(cancelled),
        is_dropship=is_dropship,
    )
    return OrderChanged(order_id=str(number), lines=(line,), channel=channel)
