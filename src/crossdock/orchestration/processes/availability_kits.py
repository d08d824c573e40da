"""What a channel may be shown of a kit: what lies assembled, and what its components allow.

What allocation keeps of a component for others is not put together for this channel (§3.6), nor
what other channels of the pool have a right to (§3.7).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from crossdock.capabilities.inventory.protection import Claim, shown_of
from crossdock.capabilities.supply.kitting import Count, Kept, KitStock, together

Key = tuple[str, str]
"""Item, location."""


@dataclass(frozen=True, slots=True)
class KitPool:
    """What there is of a kit where a channel sells from.

    `claims` is what channels have a right to of its components: of each what is free there, and
    the claims, by (item, location); what nobody has a right to is left out.
    No more than `most` are shown, where no stock limits any of that.
    """

    stock: KitStock
    claims: Mapping[Key, tuple[int, Mapping[str, Claim]]] = field(
        default_factory=dict[Key, tuple[int, Mapping[str, Claim]]]
    )
    most: int | None = None

    def free_to(self, channel: str) -> int:
        """Say how many kits the channel may be shown, in micros of the base unit."""
        free = self.stock.free(kept_from(channel, [self]))
        return free if self.most is None else min(free, self.most)

    def counts(self, channel: str) -> list[Count]:
        """Say of each building how many there are for the channel, and out of what."""
        return self.stock.counts(kept_from(channel, [self]))

    @property
    def there_is(self) -> int:
        """Say how many kits there are, whosever they are."""
        free = self.stock.free()
        return free if self.most is None else min(free, self.most)

    def lasting(self, micros: Mapping[Key, int]) -> "KitPool":
        """Leave no more of an item in a building than this, of those that are named."""
        return replace(self, stock=self.stock.at_most(micros))

    def above(self, item: str, location: str) -> tuple[Key, ...]:
        """Name the kits whose rules say what an item in a building has to be, beside its own."""
        if item == self.stock.kit:
            return ()
        makers = {of for one in self.stock.levels for of, _ in one.into} - {item}
        return tuple((maker, location) for maker in sorted(makers))

    @property
    def components(self) -> tuple[str, ...]:
        return self.stock.items[1:]


def kept_from(channel: str, kits: Sequence[KitPool]) -> Kept:
    """Say how much of components at locations is there, and is not the channel's."""
    every = {key: found for one in kits for key, found in one.claims.items()}

    def kept(item: str, location: str) -> int:
        if (item, location) not in every:
            return 0
        free, claims = every[item, location]
        return max(0, free) - shown_of(free, channel, claims)

    return kept


def left_beside(
    channel: str, kits: Sequence[KitPool], others: Mapping[str, int], shown: int, minima: int = 0
) -> int:
    """Say how many kits, of those that may be `shown`, are left beside the parts of others.

    `others` is what other channels have a right to of each component, wherever it lies; `minima`
    is what is kept of the kit itself for them, and is taken off besides.
    """
    if not kits or not any(others.values()):
        return shown
    stocks = [one.stock for one in kits]
    left = together(stocks, kept_from(channel, kits), others)
    return min(shown, max(0, left - minima))
