"""What a listing may sell of several places: members of one group no more than it leaves.

Each member's figure says what it could give if the others gave nothing, so they are not summed
beyond what the group has beside all that it owes. Shares of several channels have to add up (I3):
of these each member bears its part of what the group owes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossdock.capabilities.inventory.publishing import ShareMode
from crossdock.orchestration.processes.availability_pools import Pool

SHARES = frozenset({ShareMode.PARTITION, ShareMode.PERCENT})
"""Channels that together are shown no more than there is."""


@dataclass(frozen=True, slots=True)
class Together:
    """Places that a listing sells from: members of one `group`, or one place by itself."""

    pools: tuple[Pool, ...]
    group: Pool | None = None

    @property
    def free(self) -> int:
        """Say how much there is at all of them."""
        free = sum(pool.free for pool in self.pools)
        return free if self.group is None else min(free, self.group.free)

    @property
    def there_is(self) -> int:
        """Say the same with what is too old for the channel."""
        own = sum(pool.free + pool.short_dated for pool in self.pools)
        return own if self.group is None else min(own, self.group.free + self.group.short_dated)

    def free_to(self, channel: str) -> int:
        """Say how much of it is not kept from the channel by allocation."""
        own = sum(pool.free - pool.kept_from(channel) for pool in self.pools)
        if self.free == sum(pool.free for pool in self.pools):
            return own
        minima = sum(pool.minima_beside(channel) for pool in self.pools)
        return min(own, max(0, self.free - minima))


def has_share(row: Any) -> bool:
    return row["share_mode"] in SHARES


def shared_by(
    row: Any, pools: Mapping[tuple[str, str, str], Pool]
) -> Mapping[tuple[str, str, str], Pool]:
    """Give what a listing's share is of, where it sells from."""
    if not has_share(row):
        return pools
    keys = [(row["tenant"], row["item"], place) for place in places_of(row)]
    return {key: pools[key].for_shares or pools[key] for key in keys if key in pools}


def together(row: Any, pools: Mapping[tuple[str, str, str], Pool]) -> list[Together]:
    """Put those places of a listing side by side that are members of one group."""
    tenant, item = row["tenant"], row["item"]
    group_of = row.get("group_of") or {}
    found: dict[str, list[Pool]] = {}
    for place in dict.fromkeys(row["source_locations"]):  # one that is named twice lies there once
        if (pool := pools.get((tenant, item, place))) is not None:
            found.setdefault(group_of.get(place, place), []).append(pool)
    groups = set(group_of.values())
    return [
        Together(tuple(own), pools.get((tenant, item, at)) if at in groups else None)
        for at, own in found.items()
    ]


def places_of(row: Any) -> list[str]:
    """Name where a listing sells from, and the groups of which it sells from several members."""
    return [*row["source_locations"], *sorted(set((row.get("group_of") or {}).values()))]
