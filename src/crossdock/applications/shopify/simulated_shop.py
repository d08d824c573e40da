"""A shop that sells: its items, levels and orders, and customers who buy without asking the hub.

Every change is one plain call without a wait in it, so a sale is atomic, as it is at a real
checkout. What happened is told to the listeners, who may be webhooks, a test, or nobody.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from crossdock.applications.shopify import simulated_payloads as payloads
from crossdock.applications.shopify.simulated_things import (
    Level,
    OrderLine,
    Place,
    ShopOrder,
    Variant,
)
from crossdock.connectivity.sdk import Ports


@dataclass(frozen=True, slots=True)
class Happening:
    """Something the shop tells of: one action may be told under several topics."""

    topic: str
    payload: Mapping[str, Any]
    event_id: str
    triggered_at: datetime


Listener = Callable[[Happening], None]


@dataclass(slots=True)
class Numbers:
    """Shopify's ids: large, rising, without gaps here. No two shops have one in common."""

    item: int = 40_000_000
    place: int = 70_000_000
    order: int = 5_000_000
    line: int = 13_000_000
    name: int = 1000

    def next(self, kind: str) -> int:
        setattr(self, kind, getattr(self, kind) + 1)
        return int(getattr(self, kind))


class Shop:
    """State and behaviour of one shop, by a clock and a seed that are given."""

    def __init__(
        self,
        ports: Ports,
        *,
        domain: str = "demo.myshopify.com",
        name: str = "",
        numbers: Numbers | None = None,
    ) -> None:
        self.domain = domain
        self.name = name or domain.partition(".")[0]
        self.places: dict[str, Place] = {}
        self.variants: dict[str, Variant] = {}
        self.levels: dict[tuple[str, str], Level] = {}
        self.orders: dict[str, ShopOrder] = {}
        self.listeners: list[Listener] = []
        self._by_sku: dict[str, Variant] = {}
        self._levels_of: dict[str, list[Level]] = {}
        self._numbers = numbers or Numbers()
        self._clock = ports.clock
        self._random = ports.random

    # ---- what the merchant does -----------------------------------------------------------------

    def open_location(self, name: str) -> str:
        place = Place(self._numbers.next("place"), name, is_active=True, updated_at=self._now())
        self.places[place.id] = place
        self._tell([("locations/create", payloads.location(place))])
        return place.id

    def close_location(self, location: str) -> None:
        """Deactivate a location: nothing is sold from it, and no number of it can be set."""
        place = self.places[location]
        place.is_active, place.updated_at = False, self._now()
        self._tell([("locations/deactivate", payloads.location(place))])

    def list_item(
        self,
        sku: str,
        *,
        title: str = "",
        stock: Mapping[str, int] | None = None,
        variant: str = "Default Title",
        barcode: str = "",
        sells_without_stock: bool = False,
    ) -> str:
        """Put an item on sale, stocked at the locations given; answer its inventory item."""
        made = Variant(
            number=self._numbers.next("item"),
            sku=sku,
            product_title=title or sku or "Nameless",
            title=variant,
            barcode=barcode,
            sells_without_stock=sells_without_stock,
            updated_at=self._now(),
        )
        self.variants[made.item] = made
        self._by_sku.setdefault(sku, made)
        self._tell([("products/create", payloads.product(made))])
        for location, available in (stock or {}).items():
            self.stock(made.item, location, available)
        return made.item

    def stock(self, item: str, location: str, available: int) -> None:
        """Stock an item at a location it was not stocked at."""
        level = Level(
            self.variants[item], self.places[location], available, 0, updated_at=self._now()
        )
        self.levels[item, location] = level
        self._levels_of.setdefault(item, []).append(level)
        self._tell([("inventory_levels/update", payloads.level(level))])

    def set_levels(self, amounts: Mapping[tuple[str, str], int]) -> None:
        """Write absolute available numbers: the merchant's hand, or an app through the API."""
        told: list[tuple[str, Mapping[str, Any]]] = []
        for pair, available in amounts.items():
            level = self.levels[pair]
            level.available, level.updated_at = available, self._now()
            told.append(("inventory_levels/update", payloads.level(level)))
        self._tell(told)

    # ---- what customers do ----------------------------------------------------------------------

    def available(self, sku: str) -> int:
        """Sum what the locations offer: the number a visitor sees."""
        levels = self._levels_of.get(self._by_sku[sku].item, [])
        return sum(level.available for level in levels)

    def buy(self, sku: str, quantity: int = 1, *, customer_po: str = "") -> ShopOrder | None:
        """Buy some of one item; None when the shop refuses because it is out of stock."""
        return self.buy_all([(sku, quantity)], customer_po=customer_po)

    def buy_all(
        self, wants: Sequence[tuple[str, int]], *, customer_po: str = ""
    ) -> ShopOrder | None:
        """Buy all of it or nothing, each line from one location."""
        chosen: list[tuple[Level, int]] = []
        for sku, quantity in wants:
            taken = {id(level): amount for level, amount in chosen}
            level = self._level_for(self._by_sku[sku], quantity, taken)
            if level is None:
                return None
            chosen.append((level, quantity))
        return self._sold(chosen, customer_po)

    def cancel(self, order: ShopOrder, *, restock: bool = True) -> None:
        """Cancel what has not gone out, and offer it again."""
        order.cancelled_at = order.updated_at = self._now()
        open_lines = [(line, line.kept - line.fulfilled) for line in order.lines]
        for line, _ in open_lines:
            line.kept = line.fulfilled
        levels = self._freed(open_lines, restock=restock)
        told = payloads.order(order)
        self._tell([("orders/cancelled", told), ("orders/updated", told), *levels])

    def remove(self, order: ShopOrder, line: OrderLine, quantity: int) -> None:
        """Take units off an order that have not gone out: an edit, or a refund before shipping."""
        quantity = min(quantity, line.kept - line.fulfilled)
        line.kept -= quantity
        order.updated_at = self._now()
        levels = self._freed([(line, quantity)], restock=True)
        edit = payloads.order_edit(order, line, quantity)
        self._tell([("orders/edited", edit), ("orders/updated", payloads.order(order)), *levels])

    def fulfil(self, order: ShopOrder) -> None:
        """Send everything that is still open: it leaves the shop's committed stock."""
        for line in order.lines:
            line.level.committed -= line.kept - line.fulfilled
            line.fulfilled = line.kept
        order.updated_at = self._now()
        self._tell([("orders/updated", payloads.order(order))])

    # ---- inside ---------------------------------------------------------------------------------

    def _level_for(
        self, variant: Variant, quantity: int, taken: Mapping[int, int]
    ) -> Level | None:
        levels = [x for x in self._levels_of.get(variant.item, []) if x.place.is_active]
        for level in levels:
            if level.available - taken.get(id(level), 0) >= quantity:
                return level
        return levels[0] if levels and variant.sells_without_stock else None

    def _sold(self, chosen: Sequence[tuple[Level, int]], customer_po: str) -> ShopOrder:
        now = self._now()
        order = ShopOrder(
            number=self._numbers.next("order"),
            name=f"#{self._numbers.next('name')}",
            lines=[],
            created_at=now,
            updated_at=now,
            customer_po=customer_po,
        )
        for level, quantity in chosen:
            level.available -= quantity
            level.committed += quantity
            level.updated_at = now
            order.lines.append(OrderLine(self._numbers.next("line"), level, quantity, quantity))
        self.orders[order.id] = order
        levels = {id(level): level for level, _ in chosen}.values()
        self._tell(
            [
                ("orders/create", payloads.order(order)),
                *(("inventory_levels/update", payloads.level(level)) for level in levels),
            ]
        )
        return order

    def _freed(
        self, lines: Iterable[tuple[OrderLine, int]], *, restock: bool
    ) -> list[tuple[str, Mapping[str, Any]]]:
        told: list[tuple[str, Mapping[str, Any]]] = []
        for line, quantity in lines:
            line.level.committed -= quantity
            if restock and quantity:
                line.level.available += quantity
                line.level.updated_at = self._now()
                told.append(("inventory_levels/update", payloads.level(line.level)))
        return told

    def _tell(self, told: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """All that one action caused carries one event id."""
        if not self.listeners:
            return
        event_id = str(UUID(int=self._random.getrandbits(128), version=4))
        triggered_at = self._clock.now()
        for topic, payload in told:
            for listener in self.listeners:
                listener(Happening(topic, payload, event_id, triggered_at))

    def _now(self) -> datetime:
        """Shopify writes whole seconds."""
        return self._clock.now().astimezone(UTC).replace(microsecond=0)
