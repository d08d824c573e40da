"""Which allocation groups there are just now, in the caller's transaction."""

from collections.abc import Sequence
from typing import Any

import msgspec

from crossdock.canonical.allocation import NO_GROUPS, AllocationGroups
from crossdock.canonical.errors import Invalid
from crossdock.capabilities.allocation import rule_store
from crossdock.capabilities.allocation.asks import KnowsParties
from crossdock.capabilities.allocation.groups import AllocationGroup, GroupKept, by_every_name
from crossdock.capabilities.allocation.protection import AllocationProtection
from crossdock.foundation.database import Transaction


async def listed_in(tx: Transaction) -> list[AllocationGroup]:
    rows = await tx.fetch(rule_store.RULES_NOW, tx.tenant, ["GROUP"])
    return [group_of(row) for row in rows if row["content"] is not None]


async def groups_in(tx: Transaction, parties: KnowsParties) -> AllocationGroups:
    """Say which channels and customers share a maximum and minimum just now."""
    groups = await listed_in(tx)
    return await shared_by(tx, parties, groups) if groups else NO_GROUPS


async def shared_by(
    tx: Transaction, parties: KnowsParties, groups: Sequence[AllocationGroup]
) -> AllocationGroups:
    """Say for which of these groups a demand counts."""
    said = {customer: one.name for one in groups for customer in one.customers}
    names = await parties.known_as(tx, tx.tenant, sorted(said)) if said else {}
    channels = {channel: one.name for one in groups for channel in (one.name, *one.channels)}
    return AllocationGroups(channels, by_every_name(said, names))


async def check_whose(tx: Transaction, said: AllocationProtection) -> None:
    """Refuse a maximum or minimum of a group that there is not, or of a channel that is in one."""
    groups = await listed_in(tx)
    if said.group and said.group not in {one.name for one in groups}:
        raise Invalid(
            f"there is no allocation group {said.group}",
            where="/group",
            hint="`crossdock allocation groups` lists them, `allocation group` makes one",
        )
    for one in groups:
        if said.channel in {one.name, *one.channels}:
            raise Invalid(
                f"channel {said.channel} is in allocation group {one.name}, and shares what is"
                " said of it",
                where="/channel",
                hint=f"say it of group {one.name}, or take the channel out of it",
            )


def group_of(row: Any) -> AllocationGroup:
    kept = msgspec.json.decode(row["content"], type=GroupKept)
    return AllocationGroup(
        name=row["subject"],
        channels=kept.channels,
        customers=kept.customers,
        version=row["version"],
        set_by=row["set_by"],
        set_at=row["set_at"],
    )
