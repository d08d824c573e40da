"""Takes a connection away: what it said stays in the log, what it still owes is asked about first.

Locks are taken in the order of a courier (health, then connection), and enqueueing holds the
connection, so nothing is claimed, settled or decided for it behind our back.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crossdock.canonical.errors import Conflict, NotFound
from crossdock.connectivity.directory import HOLD_HEALTH, TOPIC
from crossdock.connectivity.outbox import By
from crossdock.connectivity.settling import RETURNED, announce, command_of
from crossdock.foundation.database import Transaction

HOLD = "select application, revision from connection where tenant = $1 and name = $2 for update"
# What is on its way may have its effect after we are gone; a lease that ran out is nobody's.
OWED = """
select count(*) filter (where state = 'IN_FLIGHT' and lease_until > $3) as leaving,
    count(*) filter (where state <> 'IN_FLIGHT' or lease_until <= $3) as commands
from outbox_command where tenant = $1 and connection = $2
    and state in ('PENDING', 'IN_FLIGHT', 'DEAD', 'PARKED')
"""
SET_ASIDE = """
select count(*) from quarantine where tenant = $1 and source = $2 and state = 'OPEN'
"""
GIVE_UP = f"""
update outbox_command c set state = 'DISCARDED', settled_at = $3, code = 'removed', detail = $4,
    revision = revision + 1, call_id = null, lease_until = null
where tenant = $1 and connection = $2 and state in ('PENDING', 'IN_FLIGHT', 'DEAD', 'PARKED')
returning {RETURNED}
"""  # noqa: S608 - our own column list
CLOSE = """
update quarantine set state = 'DISCARDED', closed_at = $3, closed_reason = $4
where tenant = $1 and source = $2 and state = 'OPEN'
"""
REMEMBER = """
insert into former_connection (tenant, name, application, revision, reason, removed_at)
values ($1, $2, $3, $4, $5, $6)
on conflict (tenant, name) do update set revision = excluded.revision,
    reason = excluded.reason, removed_at = excluded.removed_at
"""
REMOVE = "delete from connection where tenant = $1 and name = $2"
# A name that is connected again speaks again.
GONE = """
select f.name from former_connection f where f.tenant = $1
    and not exists (select from connection c where c.tenant = $1 and c.name = f.name)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parted:
    """What was given up with a connection: commands, and entries of the quarantine."""

    name: str
    commands: int
    quarantined: int


async def part(tx: Transaction, name: str, by: By, now: datetime, *, discard: bool) -> Parted:
    """Remove a connection and its secrets; refuse while it owes something, unless told."""
    place = (tx.tenant, name)
    await tx.fetchrow(HOLD_HEALTH, *place)
    connection = await tx.fetchrow(HOLD, *place)
    if connection is None:
        raise NotFound(
            f"there is no connection {name!r}", hint="crossdock connection list shows them"
        )
    owed = await tx.fetchrow(OWED, *place, now)
    parted = Parted(
        name=name, commands=owed["commands"], quarantined=await tx.fetchval(SET_ASIDE, *place)
    )
    _check(parted, owed, discard=discard)
    rows = await tx.fetch(GIVE_UP, *place, now, str(by))
    await announce(tx, [command_of(row) for row in rows], now)
    await tx.execute(CLOSE, *place, now, str(by))
    application, revision = connection["application"], connection["revision"]
    await tx.execute(REMEMBER, *place, application, revision, str(by), now)
    await tx.execute(REMOVE, *place)
    tx.wake(TOPIC)
    return parted


async def gone(tx: Transaction, tenant: str) -> frozenset[str]:
    """Name the connections that were removed: nobody waits for what they say any more."""
    return frozenset(row["name"] for row in await tx.fetch(GONE, tenant))


def _check(parted: Parted, owed: Any, *, discard: bool) -> None:
    name = parted.name
    if owed["leaving"]:
        raise Conflict(
            f"{owed['leaving']} commands are on their way to {name}",
            code="commands_leaving",
            hint=f"crossdock connection pause {name}, wait a few seconds, then remove it",
        )
    if (parted.commands or parted.quarantined) and not discard:
        raise Conflict(
            f"{name} has {parted.commands} open commands and {parted.quarantined} messages in"
            " quarantine",
            code="connection_in_use",
            hint=f"crossdock dlq list --connection {name} and crossdock msg list --source {name}"
            " show them; discard gives them up, and they stay on record",
        )
