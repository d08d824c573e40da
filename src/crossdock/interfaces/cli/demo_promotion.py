"""The promotion of the demo's day: part of its stock is kept for the shop, whoever else sells."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from crossdock.interfaces.cli.demo_world import DRILL, SHOP, SITE, World

BOX = 4
"""Every customer of the promotion wants so many."""
MARKET_CUSTOMERS, SHOP_CUSTOMERS = 8, 10


class Seller(StrEnum):
    MARKET = "market"
    SHOP = "shop"


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who wants a box of the promotion at `at` seconds after opening."""

    at: float
    seller: Seller


CUSTOMERS = (
    *(Customer(3600.0 + 600 * n, Seller.MARKET) for n in range(MARKET_CUSTOMERS)),
    *(Customer(18_000.0 + 900 * n, Seller.SHOP) for n in range(SHOP_CUSTOMERS)),
)
"""The market's come from 09:00 on, the shop's own in the afternoon."""


@dataclass(slots=True)
class Promotion:
    """What became of it, in pieces, as each system says it.

    `stock` is what the hub's ledger has on hand at opening, `kept` what its terms with the shop
    keep for it, and `shown` what the market showed before its first sale.
    """

    item: str = DRILL
    stock: int = 0
    kept: Decimal = Decimal(0)
    shown: int = 0
    sold: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, Seller), 0))
    refused: dict[str, int] = field(default_factory=lambda: dict.fromkeys(map(str, Seller), 0))
    _next: int = 0

    @property
    def due_at(self) -> float:
        """Say when the next customer comes, in seconds after opening."""
        return CUSTOMERS[self._next].at if self._next < len(CUSTOMERS) else float("inf")

    async def open(self, world: World) -> None:
        """Ask the hub what there is of it, and what of that is kept for the shop."""
        [answer] = await world.hub.inventory.availability(world.hub.scope, [(self.item, SITE)])
        self.stock = int(answer.on_hand.value)
        self.kept = sum(
            (
                terms.share_min or Decimal(0)
                for channel in await world.hub.channels.listed(world.hub.scope)
                for terms in channel.items
                if channel.connection == SHOP and terms.item == self.item
            ),
            start=Decimal(0),
        )

    def play(self, world: World, end: float) -> bool:
        """Let everybody buy who comes by then; say whether anybody came."""
        begun = self._next
        while self.due_at <= end:
            self._buy(world, CUSTOMERS[self._next].seller)
            self._next += 1
        return self._next > begun

    def _buy(self, world: World, seller: Seller) -> None:
        """Buy as a customer does, from the number that the shop was given and nothing else."""
        simulator = world.market if seller is Seller.MARKET else world.simulator
        self.shown = self.shown or simulator.shop.available(self.item)
        order = simulator.shop.buy(self.item, BOX)
        counts = self.refused if order is None else self.sold
        counts[seller] += BOX
