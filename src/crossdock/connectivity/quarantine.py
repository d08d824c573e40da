"""What could not be recorded: kept with its reason until a person or a newer mapping helps."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from crossdock.canonical.errors import NotFound
from crossdock.connectivity.acceptance import storable
from crossdock.foundation import telemetry
from crossdock.foundation.database import Transaction

log = structlog.get_logger(__name__)

PLACE_LENGTH_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One message, record or fact that was refused. `fact` is its JSON, where there is one."""

    code: str
    reason: str
    place: str = ""
    record: bytes = b""
    fact: str | None = None
    identity: str = ""
    raw_ref: int | None = None
    correlation_id: str = ""

    @property
    def digest(self) -> bytes:
        """The same refusal again is counted, not stored again, however often it is polled."""
        what = self.record or (self.fact or "").encode() or str(self.raw_ref).encode()
        named = (self.code, self.place, self.identity)
        said = b"\0".join((*(name.encode("utf-8", "replace") for name in named), what))
        return hashlib.blake2b(said, digest_size=16).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    id: int
    tenant: str
    source: str
    code: str
    place: str
    reason: str
    identity: str
    record: bytes
    fact: str | None
    raw_ref: int | None
    times: int
    state: str
    quarantined_at: datetime
    last_at: datetime
    closed_reason: str


ADD = """
insert into quarantine (tenant, source, raw_ref, code, place, reason, record, fact, identity,
    digest, quarantined_at, last_at)
select $1, $2, r.raw_ref, r.code, r.place, r.reason, r.record, r.fact, r.identity, r.digest,
    $3, $3
from unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::jsonb[],
    $10::text[], $11::bytea[])
    as r(raw_ref, code, place, reason, record, fact, identity, digest)
on conflict (tenant, source, digest) where state = 'OPEN'
do update set times = quarantine.times + 1, last_at = excluded.last_at,
    reason = excluded.reason, raw_ref = excluded.raw_ref
"""
FIND = """
select id, tenant, source, code, place, reason, identity, record, fact, raw_ref, times, state,
    quarantined_at, last_at, closed_reason
from quarantine
where ($1 = '*' or tenant = $1) and ($2 = '' or state = $2) and ($3 = '' or source = $3)
    and ($4 = '' or code = $4) and ($5::bigint[] is null or id = any($5)) and id > $6
order by id limit $7
"""
COUNT_OPEN = "select count(*) from quarantine where ($1 = '*' or tenant = $1) and state = 'OPEN'"
CLOSE = """
update quarantine set state = $2, closed_at = $3, closed_reason = $4
where tenant = $5 and id = any($1) and state = 'OPEN' returning id
"""
CLOSE_BY_RAW = """
update quarantine set state = 'REPLAYED', closed_at = $3, closed_reason = $4
where tenant = $1 and raw_ref = $2 and state = 'OPEN' and fact is null
    and not digest = any($5::bytea[])
"""


async def add(
    tx: Transaction, tenant: str, source: str, refusals: Sequence[Refusal], now: datetime
) -> None:
    if not refusals:
        return
    for refusal in refusals:
        with telemetry.correlated(storable(refusal.correlation_id, 500)):
            log.warning(
                "quarantined", tenant=tenant, source=source, code=refusal.code,
                place=refusal.place, identity=refusal.identity, raw_ref=refusal.raw_ref,
            )  # fmt: skip
    refusals = list({refusal.digest: refusal for refusal in refusals}.values())
    await tx.execute(
        ADD,
        tenant,
        source,
        now,
        [refusal.raw_ref for refusal in refusals],
        [storable(refusal.code, 100) for refusal in refusals],
        [storable(refusal.place, PLACE_LENGTH_MAX) for refusal in refusals],
        [storable(refusal.reason) for refusal in refusals],
        [refusal.record for refusal in refusals],
        [refusal.fact for refusal in refusals],
        [storable(refusal.identity, 500) for refusal in refusals],
        [refusal.digest for refusal in refusals],
    )


async def find(  # noqa: PLR0913 - each narrows the list
    tx: Transaction,
    *,
    state: str = "OPEN",
    source: str = "",
    code: str = "",
    ids: Sequence[int] | None = None,
    after: int = 0,
    limit: int = 100,
) -> list[Quarantined]:
    rows = await tx.fetch(FIND, tx.tenant, state, source, code, ids, after, limit)
    return [_quarantined(row) for row in rows]


async def count_open(tx: Transaction) -> int:
    counted: int = await tx.fetchval(COUNT_OPEN, tx.tenant)
    return counted


async def show(tx: Transaction, quarantine_id: int) -> Quarantined:
    found = await find(tx, state="", ids=[quarantine_id])
    if not found:
        raise NotFound(f"nothing in quarantine has the number {quarantine_id}")
    return found[0]


async def close(
    tx: Transaction, ids: Sequence[int], state: str, reason: str, now: datetime
) -> int:
    return len(await tx.fetch(CLOSE, ids, state, now, storable(reason), tx.tenant))


async def close_message(
    tx: Transaction, tenant: str, raw_ref: int, still: Sequence[Refusal], now: datetime
) -> None:
    """Close what a message was refused for, apart from what it is refused for still."""
    await tx.execute(
        CLOSE_BY_RAW, tenant, raw_ref, now, "read again", [refusal.digest for refusal in still]
    )


def _quarantined(row: Any) -> Quarantined:
    return Quarantined(**dict(row.items()))
