"""Kits in an order: what nodes have of them, assembled and to be put together (§1.2, A11, A30).

Supply and inventory tell what there is of a kit and of what goes into it, by the sums that
availability is shown by; sourcing weighs it. None of them knows of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from crossdock.canonical.errors import Invalid
from crossdock.canonical.kits import limited
from crossdock.capabilities.inventory import Availability, ChannelShares, Figures
from crossdock.capabilities.sourcing import KitAt, Line, Stock, Taken
from crossdock.capabilities.supply import UNLIMITED, KitStock
from crossdock.foundation.scope import Scope
from crossdock.orchestration.order_substitutes import KEYS_MAX

Key = tuple[str, str]
"""Item, location."""

EVERYTHING = 10**18
"""More micros than can be asked for."""


class KnowsKits(Protocol):
    """Whoever tells how many of a kit there are now, and to put together."""

    async def of(self, scope: Scope, keys: Sequence[Key]) -> Mapping[Key, KitStock]:
        """Give what there is of those of these (item, location) that are kits."""
        ...


def check_count(items: int, nodes: int) -> None:
    """Refuse a question about more stocks than can be asked for."""
    if items * nodes > KEYS_MAX:
        raise Invalid(
            f"{items} items at {nodes} nodes are more than {KEYS_MAX} stocks,"
            " with what goes into kits",
            where="/lines",
            hint="ask with fewer lines",
        )


def parts_of(kits: Mapping[Key, KitStock]) -> dict[str, str]:
    """Name what goes into kits, on every level, with its base unit."""
    return {one.item: one.unit for stock in kits.values() for one in stock.levels}


@dataclass(frozen=True, slots=True)
class OrderKits:
    """What nodes have of an order's kits, less what is `taken`, as its channel may have it.

    `demand` is by line number what its order counts there already, `refs` names the order lines.
    """

    lines: Sequence[Line]
    stocks: Mapping[Key, KitStock]
    known: Mapping[Key, Availability]
    taken: Mapping[Key, int]
    shares: ChannelShares
    demand: Mapping[int, tuple[Key, int]]
    refs: Mapping[int, str]

    def added(self, node: str, stock: Stock) -> Stock:
        """Add to what lies at a node what can be put together there of the order's kits."""
        for line in self.lines:
            told = self.stocks.get((line.item, node))
            is_one = told is not None and len(told.buildings) == 1  # no group is a node
            if told and is_one and told.is_known and line.item not in stock.unlimited:
                stock = self._with(line, node, stock, told)
        return stock

    def _with(self, line: Line, node: str, stock: Stock, told: KitStock) -> Stock:
        gone = {item for item in told.items if self._is_unlimited(item, node)}
        parts = limited([(one.item, one.into) for one in told.levels], gone)
        if not parts:
            available = {**stock.available, line.item: self._most(line.item, node, UNLIMITED)[0]}
            unlimited = stock.unlimited | {line.item}
            return replace(stock, available=available, unlimited=unlimited)
        [building] = told.buildings
        has = {
            item: building.net[item] - self.taken.get((item, node), 0) - self._kept(item, node)
            for item, _ in parts
        }
        has[line.item] = building.net[line.item] - self.taken.get((line.item, node), 0)
        named = tuple((item, tuple(into)) for item, into in parts)
        kit, limit = self._bounded(line, node, KitAt(item=line.item, parts=named, has=has))
        return replace(
            stock,
            kits={**stock.kits, line.line_no: kit},
            limited={**stock.limited, line.item: limit} if limit else stock.limited,
            is_stale=stock.is_stale or any(self._is_stale(item, node) for item in has),
        )

    def _bounded(self, line: Line, node: str, kit: KitAt) -> tuple[KitAt, str]:
        """Bound a kit by what its channel may have, or by what its own order has open (A25)."""
        key, open_ = self.demand.get(line.line_no, (("", ""), 0))
        here = self.known.get((line.item, node))
        if key == (line.item, node):
            kit = replace(kit, has={**kit.has, line.item: kit.has[line.item] + open_})
            most = min(open_, kit.room(EVERYTHING))
            if here is not None:
                most = self.shares.at_most(here, most, self.refs[line.line_no])
            return replace(kit, most=most), ""
        there = kit.room(EVERYTHING)
        most, limit = self._most(line.item, node, there)
        if most == there:
            return kit, ""
        assembled = kit.has[line.item] - self._kept(line.item, node)
        return replace(kit, has={**kit.has, line.item: assembled}, most=most), limit

    def _most(self, item: str, node: str, there: int) -> tuple[int, str]:
        """Say how much of what there is its channel may have, and what keeps the rest."""
        here = self.known.get((item, node))
        if here is None:
            return there, ""
        figures = Figures(nettable=there, hard=0, soft=0, safety=0)
        micros, limit = self.shares.share(
            replace(here, figures=figures, kept_for_group=0, is_unlimited=False)
        )
        return micros, str(limit)

    def _kept(self, item: str, node: str) -> int:
        """Say how much of a part is kept from the order's channel (§3.6)."""
        here = self.known.get((item, node))
        return 0 if here is None else here.available.micros - self.shares.share(here)[0]

    def _is_stale(self, item: str, node: str) -> bool:
        here = self.known.get((item, node))
        return here is not None and here.is_stale

    def _is_unlimited(self, item: str, node: str) -> bool:
        here = self.known.get((item, node))
        return here is not None and here.is_unlimited


def in_parts(taken: Mapping[Key, int], kits: Mapping[Key, KitStock]) -> Mapping[Key, int]:
    """Say what is taken of kits as what lies there: assembled ones, and parts for the rest."""
    kits = {key: told for key, told in kits.items() if len(told.buildings) == 1}
    found = {key: micros for key, micros in taken.items() if key not in kits}
    by_node: dict[str, Taken] = {}
    for (item, node), micros in sorted(taken.items()):
        if (told := kits.get((item, node))) is None:
            continue
        if micros >= UNLIMITED:  # nothing of it may be had there
            found[item, node] = micros
            continue
        building = told.buildings[0]
        parts = tuple((one.item, tuple(one.into)) for one in told.levels)
        kit = KitAt(item=item, parts=parts, has=building.net)
        there = by_node.setdefault(node, Taken())
        some = min(micros, kit.room(EVERYTHING, there))
        draws = kit.drawn(some, there)
        for name, each in draws.items():
            there.take(name, each)
        draws[item] = draws.get(item, 0) + micros - some  # so much there is not: others lack it
        for name, each in draws.items():
            found[name, node] = found.get((name, node), 0) + each
    return found
