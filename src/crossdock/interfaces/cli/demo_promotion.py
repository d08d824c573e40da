"""The promotion of the demo's day: part of its stock is kept for the shop, whoever else sells."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from crossdock.canonical.quantities import MICROS
from crossdock.interfaces.cli.demo_counter import reserve
from crossdock.interfaces.cli.demo_world import DRILL, SHOP, SITE, World

BOX = 4
"""Every customer of the promotion wants so many."""
MARKET_CUSTOMERS, SHOP_CUSTOMERS = 8, 10


class Seller(StrEnum):
    MARKET = "market"
    BRANCH = "branch"
    SHOP = "shop"


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who wants a box of the promotion at `at` seconds after opening."""

    at: float
    seller: Seller


CUSTOMERS = (
    *(Customer(3600.0 + 600 * n, Seller.MARKET) for n in range(MARKET_CUSTOMERS)),
    Customer(14_400.0, Seller.BRANCH),
    *(Customer(18_000.0 + 900 * n, Seller.SHOP) for n in range(SHOP_CUSTOMERS)),
)
"""The market's come from 09:00 on, one to a branch at noon, the shop's own in the afternoon."""


@dataclass(slots=True)
class Promotion:
    """What became of it, in pieces, as each system says it.

    `stock` is what the hub's ledger has on hand at opening, `kept` what allocation keeps
    for the shop, and `shown` what the market showed before its first sale. `refusal` is the code
    of why a branch was refused; empty: it was not.
    """

    item: str = DRILL
    stock: int = 0
    kept: Decimal = Decimal(0)
    shown: int = 0
    refusal: str = ""
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
        kept = await world.hub.allocation.rulebook.protections(world.hub.scope)
        of_shop = (one.minimum for one in kept if (one.item, one.channel) == (self.item, SHOP))
        self.kept = Decimal(sum(of_shop)) / MICROS

    async def play(self, world: World, end: float) -> bool:
        """Let everybody buy who comes by then; say whether anybody came."""
        begun = self._next
        while self.due_at <= end:
            await self._buy(world, CUSTOMERS[self._next].seller)
            self._next += 1
        return self._next > begun

    async def _buy(self, world: World, seller: Seller) -> None:
        """Buy as a customer does: in a shop from the number that it was given and nothing else."""
        if seller is Seller.BRANCH:
            number = f"branch-promotion-{self._next}"
            self.refusal = (await reserve(world, number, self.item, BOX)).refusal
            is_sold = not self.refusal
        else:
            simulator = world.market if seller is Seller.MARKET else world.simulator
            self.shown = self.shown or simulator.shop.available(self.item)
            is_sold = simulator.shop.buy(self.item, BOX) is not None
        counts = self.sold if is_sold else self.refused
        counts[seller] += BOX
