"""What a channel could be promised, asked beforehand: by the sum that promises are held to (§3.6).

Read only. Nothing is locked, so a promise made later may still come out less.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from crossdock.canonical.identifiers import KeyRule
from crossdock.capabilities.inventory import granting
from crossdock.capabilities.inventory.granting import Counter, Guards, Limit
from crossdock.capabilities.inventory.guarding import guards_by_row
from crossdock.capabilities.inventory.had import (
    Asked,
    KnowsProtections,
    OrderLine,
    Question,
    Quoted,
    Whose,
    counted,
)
from crossdock.capabilities.inventory.model import Figures
from crossdock.capabilities.inventory.proof import Availability
from crossdock.capabilities.inventory.store import Key
from crossdock.foundation.database import Transaction

GUARDED_ROWS = """
select s.stock_id, s.item, s.location from unnest($2::text[], $3::text[]) k(item, location)
join inventory_stock s on s.tenant = $1 and s.item = k.item and s.location = k.location
    and s.is_guarded
order by s.stock_id
"""


@dataclass(frozen=True, slots=True)
class ChannelShares:
    """Maxima and minima of one moment, for a channel, or the group of who asks."""

    channel: str
    rows: Mapping[Key, int]
    guards: Mapping[int, Guards]
    orders: Mapping[OrderLine, str]
    confirmed: Mapping[OrderLine, int]

    def is_shared(self, here: Availability) -> bool:
        """Say whether maxima or minima of channels, whichever, hold there now."""
        return bool(self._guards(here))

    def share(self, here: Availability) -> tuple[int, Limit]:
        """Say how much of what can be promised the channel may have, and what keeps the rest."""
        pool = here.available.micros
        if not self._guards(here):
            return pool, Limit.NONE
        figures = Figures(nettable=pool, hard=0, soft=0, safety=0)
        free = granting.free_for(0, {0: Counter(figures, guards=self._guards(here))},
                                 channel=self.channel)  # fmt: skip
        return free.micros, free.limit(pool)

    def share_of_order(self, here: Availability, ref: str, own: int) -> tuple[int, Limit]:
        """Say the same of an order line of which `own` is counted there already (A25)."""
        line = self.rows.get((here.item, here.location), 0), ref
        counter = Counter(here.figures, guards=self._guards(here))
        channel, had = self.orders.get(line, self.channel), self.confirmed.get(line, 0)
        free = granting.free_for(
            0, {0: counter}, own, channel, had, is_unlimited=here.is_unlimited
        )
        return free.micros, free.limit(min(own, max(0, free.pool)))

    def at_most(self, here: Availability, micros: int, ref: str = "") -> int:
        """Say how much the channel may have there if there is so much, of a day to come.

        An order line `ref` is its order's channel's.
        """
        line = self.rows.get((here.item, here.location), 0), ref
        channel, had = self.orders.get(line, self.channel), self.confirmed.get(line, 0)
        figures = Figures(nettable=micros, hard=0, soft=0, safety=0)
        counters = {0: Counter(figures, guards=self._guards(here))}
        return granting.free_for(0, counters, micros, channel, had).micros

    def _guards(self, here: Availability) -> Guards:
        return self.guards.get(self.rows.get((here.item, here.location), 0), granting.UNGUARDED)


class Wanted(NamedTuple):
    """A channel's question about (item, location), and order lines that are counted there.

    `customer` is who it is for, "" is nobody who is named.
    """

    channel: str
    customer: str
    keys: Sequence[Key]
    orders: Mapping[str, Key]


async def channel_claims(
    tx: Transaction, protections: KnowsProtections | None, keys: Sequence[Key], now: datetime
) -> dict[Key, Guards]:
    """Say what channels have a right to at each (item, location), by channel, and what they had.

    Where maxima and minima hold neither now nor later it is left out.
    """
    columns = [key[0] for key in keys], [key[1] for key in keys]
    rows = await tx.fetch(GUARDED_ROWS, tx.tenant, *columns) if protections and keys else ()
    ids = {(row["item"], row["location"]): row["stock_id"] for row in rows}
    if not ids or protections is None:
        return {}
    found = await protections.protections(tx, sorted(ids), now)
    asked = [Asked(ids[key], said) for key in sorted(ids) for said in found.get(key, ())]
    by_row = {stock_id: key for key, stock_id in ids.items()}
    had = await counted(tx, protections, Question(by_row, asked, ()), now)
    guards = guards_by_row(asked, had.had, had.claims.groups)
    return {key: guards.get(stock_id, granting.UNGUARDED) for key, stock_id in ids.items()}


async def shares_in(
    tx: Transaction,
    protections: KnowsProtections | None,
    wanted: Wanted,
    now: datetime,
) -> ChannelShares:
    """Ask what a channel may have at each (item, location), and of these order lines there."""
    channel, customer, keys, orders = wanted
    columns = [key[0] for key in keys], [key[1] for key in keys]
    rows = await tx.fetch(GUARDED_ROWS, tx.tenant, *columns) if protections and keys else ()
    ids = {(row["item"], row["location"]): row["stock_id"] for row in rows}
    if not ids or protections is None:
        return ChannelShares(channel, {}, {}, {}, {})
    found = await protections.protections(tx, sorted(ids), now)
    asked = [Asked(ids[key], said) for key in sorted(ids) for said in found.get(key, ())]
    whose = Whose(channel, KeyRule().comparable(customer))
    quoted = [Quoted(ids[key], ref, whose) for ref, key in sorted(orders.items()) if key in ids]
    by_row = {stock_id: key for key, stock_id in ids.items()}
    had = await counted(tx, protections, Question(by_row, asked, quoted), now)
    orders_of = {**had.claims.unheard, **had.claims.heard}
    groups = had.claims.groups
    counts_for = {line: groups.of(*of) for line, of in orders_of.items()}
    guards = guards_by_row(asked, had.had, groups)
    return ChannelShares(groups.of(*whose), ids, guards, counts_for, had.confirmed)
