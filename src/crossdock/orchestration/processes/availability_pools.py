"""What may be sold of an item at a place, as publishing asks for it, and whoever knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from crossdock.capabilities.inventory.protection import Claim, name_of, shown_of
from crossdock.foundation.database import Transaction
from crossdock.orchestration.processes.availability_kits import KitPool
from crossdock.orchestration.processes.availability_places import KnowsGroups
from crossdock.orchestration.processes.availability_sellers import KnowsRecipes
from crossdock.orchestration.processes.availability_state import Life


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """What may be sold of an item at a location or group, in millionths of its base unit.

    `free` is available to fulfil now; `demand` all promises counted against it, hard and soft.
    After `fresh_until` (None: never) the figures count as stale, and from `lowers_at` on (None:
    the same) they lower what is shown; `sources` tells of each source until when it counts as
    heard. `claims` is what channels have a right to there by allocation,
    `turns_at` when one of these begins or ends (§3.6). A `kit` may be put together besides: what
    its components allow is in `free`, and `demand` is what is promised of the kit itself.
    `short_dated` is there besides, and too old for the channel that asks, by its rule (`life`);
    at `ages_at` more of it will be. `for_shares` stands for it where shares of several members of
    a group have to add up: there each member bears its part of what the group owes (None: none).
    """

    free: int
    demand: int = 0
    fresh_until: datetime | None = None
    lowers_at: datetime | None = None
    claims: Mapping[str, Claim] = field(default_factory=dict[str, Claim])
    turns_at: datetime | None = None
    sources: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    kit: KitPool | None = None
    short_dated: int = 0
    life: Life | None = None
    ages_at: datetime | None = None
    for_shares: "Pool | None" = None

    def kept_from(self, channel: str) -> int:
        """Say how much of what is free the channel may not be shown."""
        has = self._has(channel)
        return self.free - (shown_of(has, channel, self.claims) if self.claims else has)

    def minima_beside(self, channel: str) -> int:
        """Say how much is kept for others of what there is for the channel."""
        own = name_of(channel, self.claims)
        others = {name: claim for name, claim in self.claims.items() if name != own}
        has = self._has(channel)
        return has - shown_of(has, channel, others) if others else 0

    def _has(self, channel: str) -> int:
        """Say how much there is beside what is kept of a kit's components for others."""
        return self.free if self.kit is None else self.kit.free_to(channel)


class KnowsPools(KnowsGroups, Protocol):
    """Inventory, as publishing needs it: many answers at once, nothing for what is unknown."""

    async def pools(
        self, tx: Transaction, keys: Sequence[tuple[str, str, str]], /
    ) -> Mapping[tuple[str, str, str], Pool]:
        """Answer for (tenant, item, location); a key that is left out is unknown, not zero."""
        ...


class KnowsKits(KnowsPools, KnowsRecipes, Protocol):
    """Whoever knows pools of kits, of what goes into them, and of all else beside."""
