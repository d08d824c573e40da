"""Channels and customers that share a maximum and a minimum: allocation groups (§3.6, A14). Pure.

A demand counts for one group or channel, never for two: its customer's group, else its channel's,
else its channel. So a customer is in one group at most, a channel too, and a channel that is in
one has no maximum or minimum of its own. A channel that is called as a group is in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from crossdock.canonical.errors import Invalid

MEMBERS_MAX = 1000
"""So many customers and channels all groups of a house have together: promises read them all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationGroup:
    """Channels and customers that maxima and minima said of the group are of, together.

    `customers` by any code or id of theirs, without regard to case. Demand of theirs counts for
    the group in any channel, demand of its `channels` unless its customer is in another group.
    """

    name: str
    channels: tuple[str, ...] = ()
    customers: tuple[str, ...] = ()
    version: int = 0
    set_by: str = ""
    set_at: datetime | None = None


class GroupKept(msgspec.Struct):
    channels: tuple[str, ...]
    customers: tuple[str, ...]


def by_every_name(said: Mapping[str, str], names: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Give the group of each customer by every name of his.

    Where two customers of two groups have turned out to be one, the group of his party's own id
    holds, else of the name that comes first; so it is the same whoever asks.
    """
    found: dict[str, str] = {}
    for customer in sorted(said):
        every = names.get(customer, (customer,))
        turn = (every[0], *sorted(every[1:]))
        group = next(said[one] for one in turn if one in said)
        found |= dict.fromkeys(turn, group)
    return found


def check(group: AllocationGroup, others: Sequence[AllocationGroup]) -> None:
    """Refuse a group by which it would not be certain for whom a demand counts."""
    if not group.name.strip():
        raise Invalid("an allocation group has a name", where="/name")
    if "\0" in "".join((group.name, *group.channels, *group.customers)):
        raise Invalid("the name of a group or of its members never holds NUL", where="/name")
    if not group.channels and not group.customers:
        raise Invalid(
            f"allocation group {group.name} holds neither a channel nor a customer",
            where="/channels",
            hint="name one, or take the group back",
        )
    members = sum(len(one.channels) + len(one.customers) for one in (group, *others))
    if members > MEMBERS_MAX:
        raise Invalid(
            f"allocation groups have {MEMBERS_MAX} members together at most, and would have"
            f" {members}: every promise that asks for maxima and minima reads them",
            where="/customers",
            hint="put a channel in the group, and have their orders name it",
        )
    for one in others:
        for channel in (group.name, *group.channels):
            if channel in {one.name, *one.channels}:
                raise taken(f"channel {channel}", one.name, "/channels")


def taken(who: str, group: str, where: str) -> Invalid:
    return Invalid(
        f"{who} is in allocation group {group} already, and demand counts for one alone",
        where=where,
        hint=f"take it out of {group} first; a channel that is called as a group is in that",
    )
