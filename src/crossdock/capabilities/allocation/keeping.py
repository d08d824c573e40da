"""What is kept for channels just now, and by which order lines it has been had: for promises.

Read only, in the caller's transaction; what order lines claim is inventory's own to say.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from crossdock.canonical.allocation import AllocationGroups
from crossdock.capabilities.allocation import rulebook, store
from crossdock.capabilities.allocation.asks import Key
from crossdock.capabilities.allocation.protection import AllocationProtection
from crossdock.foundation.database import Transaction

Placed = tuple[str, str, str]
"""Order line, item, location."""


class Confirmed(NamedTuple):
    """An open order line, and what the last run confirmed of it in all (None: none has yet).

    `is_of_period`: it came in the protection's period, so that what was picked of it counts.
    """

    demand_ref: str
    confirmed: int | None
    is_of_period: bool


class Had(NamedTuple):
    """By which order lines protections have been had, of one moment.

    `taken`, in micros, by lines of each one's period that are done with; `lines` are those that
    are open. `whose` is the channel and customer of the lines that were asked about, where they
    are known.
    """

    taken: Sequence[int]
    lines: Sequence[Sequence[Confirmed]]
    whose: Mapping[Placed, tuple[str, str]]


async def kept_now(
    tx: Transaction, keys: Sequence[Key], now: datetime
) -> dict[Key, list[AllocationProtection]]:
    """Say what is kept for whom at each (item, location); where nothing is, it is left out."""
    found: dict[Key, list[AllocationProtection]] = {}
    for one in await rulebook.protections_for(tx, keys, now):
        found.setdefault((one.item, one.location), []).append(one)
    return found


async def turns_next(tx: Transaction, keys: Sequence[Key], now: datetime) -> dict[Key, datetime]:
    """Say when something begins or ends to be kept next at each (item, location), if ever."""
    found: dict[Key, datetime] = {}
    for one in await rulebook.all_protections_for(tx, keys):
        key = (one.item, one.location)
        period = one.at(max(now, one.starts_at))
        for at in (period.starts_at, period.ends_at):
            if at > now:
                found[key] = min(at, found.get(key, at))
    return found


async def had_of(
    tx: Transaction,
    protections: Sequence[AllocationProtection],
    lines: Sequence[Placed],
    groups: AllocationGroups,
) -> Had:
    """Say by which order lines these have been had, and whose those lines are."""
    rows = await tx.fetch(
        store.HAD,
        tx.tenant,
        *rulebook.columns_of(protections),
        [ref for ref, _, _ in lines],
        [item for _, item, _ in lines],
        [location for _, _, location in lines],
        msgspec.json.encode(groups.channels).decode(),
        msgspec.json.encode(groups.customers).decode(),
    )
    taken = [0] * len(protections)
    open_lines: list[list[Confirmed]] = [[] for _ in protections]
    whose: dict[Placed, tuple[str, str]] = {}
    for row in rows:
        number = row["ord"] - 1
        if number < 0:
            placed = row["demand_ref"], row["item"], row["location"]
            whose[placed] = row["channel"], row["customer"]
        elif row["demand_ref"]:
            confirmed = row["micros"] if row["is_decided"] else None
            line = Confirmed(row["demand_ref"], confirmed, row["is_of_period"])
            open_lines[number].append(line)
        else:
            taken[number] += row["micros"]
    return Had(taken, open_lines, whose)
