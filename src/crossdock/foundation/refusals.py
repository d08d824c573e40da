"""Events that a reader refused and passed: listed with the reason, applied again or given up.

An event is applied by its reader alone, under the lock of the reader's cursor, just as a page is:
nobody else moves the reader's state meanwhile. It comes after what followed it in the log, as a
late event does, and every reader of ours takes late events.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from crossdock.canonical.envelope import Event
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.foundation import event_log, telemetry
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction
from crossdock.foundation.readers import Reader
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

# The log is far larger than what was refused of it: each is looked up by its position.
FIND = """
select r.reader, r.position, e.type, e.source, e.key, r.refused_at, r.reason
from log_refusal r join event_log e on e.position = r.position and e.tenant = r.tenant
where ($1 = '*' or r.tenant = $1) and ($2 = '' or r.reader = $2)
    and ($3::bigint is null or r.position = $3) and r.position > $4 and r.discarded_at is null
order by r.position, r.reader limit $5
"""
COUNT = """
select count(*) from log_refusal where ($1 = '*' or tenant = $1) and discarded_at is null
"""

# Waited for, not skipped: a page is soon over.
HOLD_CURSOR = "select from log_reader where name = $1 and shard = $2 for update"
REFUSED_EVENT = """
select e.* from log_refusal r join event_log e on e.position = r.position and e.tenant = r.tenant
where r.tenant = $1 and r.reader = $2 and r.position = $3 and r.discarded_at is null
for update of r
"""
REMOVE = "delete from log_refusal where tenant = $1 and reader = $2 and position = $3"
REFUSE_AGAIN = """
update log_refusal set refused_at = $4, reason = $5
where tenant = $1 and reader = $2 and position = $3
"""
DISCARD = """
update log_refusal set discarded_at = $4, discarded_reason = $5
where ($1 = '*' or tenant = $1) and position = $2 and ($3 = '' or reader = $3)
    and discarded_at is null
returning reader
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """One event, and the reader that could not apply it."""

    reader: str
    position: int
    type: str
    source: str
    key: str
    refused_at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reapplied:
    """What became of another try: applied and off the list, or still there with its reason."""

    reader: str
    position: int
    is_applied: bool
    reason: str = ""


class Refusals:
    def __init__(self, database: Database, clock: Clock, readers: Sequence[Reader]) -> None:
        self._database = database
        self._clock = clock
        self._readers = {reader.name: reader for reader in readers}

    async def find(
        self,
        scope: Scope,
        *,
        reader: str = "",
        position: int | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[Refused]:
        """List refused events in the order of the log."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(FIND, tx.tenant, reader, position, after, limit)
        return [Refused(**dict(row.items())) for row in rows]

    async def count(self, scope: Scope) -> int:
        async with self._database.transaction(scope) as tx:
            counted: int = await tx.fetchval(COUNT, tx.tenant)
        return counted

    async def reapply(self, scope: Scope, position: int, *, reader: str = "") -> list[Reapplied]:
        """Hand an event again to the readers that refused it, each in one transaction."""
        found = await self.find(scope, reader=reader, position=position)
        if not found:
            raise _unknown(position, reader)
        return [await self._reapply(scope.tenant, one) for one in found]

    async def discard(self, scope: Scope, position: int, *, reason: str, reader: str = "") -> int:
        """Give up on an event, say for how many readers; it stays on record with the reason."""
        if not reason.strip() or "\0" in reason:
            raise Invalid("say why it is discarded, in words", where="reason")
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(DISCARD, tx.tenant, position, reader, self._clock.now(), reason)
        if not rows:
            raise _unknown(position, reader)
        for row in rows:
            log.info("refused event discarded", reader=row["reader"], position=position)
        return len(rows)

    async def _reapply(self, tenant: str, refused: Refused) -> Reapplied:
        reader = self._readers.get(refused.reader)
        if reader is None:
            reason = f"this hub has no reader {refused.reader} any more"
            return _still(refused, reason)
        key = (tenant, refused.reader, refused.position)
        async with self._database.transaction(Scope.of_workers()) as tx:
            shard = event_log.shard_of(tenant, refused.key) % reader.shards
            await tx.execute(HOLD_CURSOR, reader.name, shard)
            row = await tx.fetchrow(REFUSED_EVENT, *key)
            if row is None:
                return _still(refused, "somebody else has just applied or discarded it")
            thread: str = row["correlation_id"]
            with telemetry.correlated(thread):
                reason = await _tried(tx, reader, row)
            if reason:
                await tx.execute(REFUSE_AGAIN, *key, self._clock.now(), reason)
                return _still(refused, reason)
            await tx.execute(REMOVE, *key)
        with telemetry.correlated(thread):
            log.info("refused event applied", reader=reader.name, position=refused.position)
        return Reapplied(reader=refused.reader, position=refused.position, is_applied=True)


async def _tried(tx: Transaction, reader: Reader, row: Any) -> str:
    """Apply one event, or say why it is refused still."""
    try:
        async with tx.savepoint():
            event: Event = event_log.event_of(row)
            await reader.apply(tx, [event])
    except OUTAGES:
        raise
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this event's
        reason = repr(error)  # where in the code is told when it is refused for the first time
        log.warning(
            "event refused again", reader=reader.name, position=row["position"], error=reason
        )
        return reason
    return ""


def _unknown(position: int, reader: str) -> NotFound:
    by = f" by {reader}" if reader else ""
    return NotFound(
        f"no event at position {position} was refused{by}",
        hint="`crossdock msg refused` lists those that were",
    )


def _still(refused: Refused, reason: str) -> Reapplied:
    return Reapplied(
        reader=refused.reader, position=refused.position, is_applied=False, reason=reason
    )
