"""What nodes have for an order, less what maxima and minima keep from its channel (§3.6).

Inventory tells the limits, sourcing weighs what is left. Neither knows of the other.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from crossdock.capabilities.inventory import Availability, ChannelShares
from crossdock.capabilities.sourcing import Arrival, KitAt, Line, Stock
from crossdock.capabilities.supply import UNLIMITED, KitStock
from crossdock.orchestration.order_kits import OrderKits

Key = tuple[str, str]
"""Item, location."""

Steps = Sequence[tuple[date, int]]
"""How much in all can leave by which day."""


@dataclass(frozen=True, slots=True)
class ChannelStocks:
    """What each node has for the lines of an order, and may promise to its channel (§3.6).

    `known` is less what is `taken` already, `kits` are as they were before.
    """

    lines: Sequence[Line]
    known: Mapping[Key, Availability]
    demand: Mapping[int, tuple[Key, int]]
    refs: Mapping[int, str]
    shares: ChannelShares
    kits: Mapping[Key, KitStock] = field(default_factory=dict[Key, KitStock])
    taken: Mapping[Key, int] = field(default_factory=dict[Key, int])

    def at(self, node: str) -> Stock:
        here = {
            item: self.known.get((item, node))
            for item in sorted({line.item for line in self.lines})
        }
        available: dict[str, int | None] = dict.fromkeys(here)
        own: dict[int, int] = {}
        limits: dict[str, str] = {}
        for item, one in here.items():
            if one is not None:
                available[item], limits[item] = self.shares.share(one)
        for line in self.lines:
            one, (key, open_) = here[line.item], self.demand.get(line.line_no, (("", ""), 0))
            if one is not None and key == (line.item, node):
                ref = self.refs[line.line_no]
                held = UNLIMITED if one.is_unlimited else open_
                own[line.line_no], limit = self.shares.share_of_order(one, ref, held)
                limits[line.item] = limits[line.item] or limit
        is_stale = any(one.is_stale for one in here.values() if one)
        limited = {item: str(limit) for item, limit in limits.items() if limit}
        unlimited = frozenset(item for item, one in here.items() if one and one.is_unlimited)
        stock = Stock(available, own, limited, is_stale=is_stale, unlimited=unlimited)
        if not self.kits:
            return stock
        kits = OrderKits(self.lines, self.kits, self.known, self.taken, self.shares,
                         self.demand, self.refs)  # fmt: skip
        return kits.added(node, stock)

    def limited(self, node: str, stock: Stock, not_now: Collection[int] = ()) -> Stock:
        """Give its channel no more of what is still to come than of what lies there.

        `not_now` are lines that what lies there may not leave for today: nothing of it is before
        what they have by date. What does not keep long enough is not before it, either.
        """
        supply: dict[int, Steps] = {}
        coming = {number: self._of_parts(node, parts) for number, parts in stock.coming.items()}
        for line in self.lines:
            steps, one = stock.supply.get(line.line_no, ()), self.known.get((line.item, node))
            has = stock.has(line)
            if keeps := stock.keeps.get(line.line_no):
                has = min(has, keeps.micros)
            if line.line_no in not_now:
                has = 0
            ref = self.refs.get(line.line_no, "")
            kept: list[tuple[date, int]] = []
            for day, micros in steps:
                most = micros if one is None else self.shares.at_most(one, micros, ref)
                if kit := self._guarded(node, line, stock, coming):
                    most = min(most, kit.room(most, reached=partial(_by, day)))
                if most > has:
                    kept.append((day, most))
                    has = most
            if kept:
                supply[line.line_no] = kept
        return replace(stock, supply=supply, coming=coming)

    def _guarded(
        self, node: str, line: Line, stock: Stock, coming: Mapping[int, Mapping[str, Steps]]
    ) -> KitAt | None:
        """Give a kit with what is to come of its parts, if some of those is kept for channels."""
        kit = stock.kits.get(line.line_no)
        if kit is None or not any(
            self.shares.is_shared(one)
            for item, _ in kit.parts
            if (one := self.known.get((item, node)))
        ):
            return None
        parts = {
            item: tuple(
                Arrival(ships_on=day, arrives_on=None, micros=micros) for day, micros in steps
            )
            for item, steps in coming.get(line.line_no, {}).items()
        }
        return replace(kit.keeping(), coming=parts)

    def _of_parts(self, node: str, parts: Mapping[str, Steps]) -> dict[str, Steps]:
        """Give its channel of what goes into kits no more than it may have of each part."""
        found: dict[str, Steps] = {}
        for item, steps in parts.items():
            one = self.known.get((item, node))
            found[item] = [
                (day, micros if one is None else self.shares.at_most(one, micros))
                for day, micros in steps
            ]
        return found


def _by(day: date, one: Arrival) -> bool:
    return one.ships_on <= day


def less(
    known: Mapping[Key, Availability], taken: Mapping[Key, int]
) -> Mapping[Key, Availability]:
    """Give what is there beside what is taken already at some (item, location), in micros."""
    return {
        key: replace(one, figures=replace(one.figures, soft=one.figures.soft + taken[key]))
        if key in taken
        else one
        for key, one in known.items()
    }
