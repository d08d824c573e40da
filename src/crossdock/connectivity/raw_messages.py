"""Every message as it came, kept beside what was read out of it; the same one is kept once."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

from crossdock.canonical.errors import NotFound
from crossdock.connectivity.acceptance import storable
from crossdock.connectivity.sdk.facts import Delivery
from crossdock.foundation.database import Transaction, WorkersSql

# Credentials are never stored; what the journey of one delivery added is no part of the message.
_CREDENTIALS = ("authorization", "cookie", "token", "secret", "password", "api-key", "signature")
_CREDENTIALS_EXACT = frozenset({"x-shopify-hmac-sha256", "x-wc-webhook-signature"})
_JOURNEY = frozenset(
    {
        *("accept", "accept-encoding", "b3", "baggage", "cache-control", "cdn-loop"),
        *("connection", "content-length", "date", "forwarded", "host", "keep-alive"),
        *("traceparent", "tracestate", "transfer-encoding", "true-client-ip", "user-agent"),
        *("via", "x-amz-cf-id", "x-amzn-trace-id", "x-azure-ref", "x-client-ip"),
        *("x-cloud-trace-context", "x-real-ip", "x-request-id"),
    }
)
_JOURNEYS = ("cf-", "x-b3-", "x-datadog-", "x-envoy-", "x-forwarded-")
# Each delivery of a message is signed at another time: kept, as a mapping may read it, but where
# the other header names the message it tells none apart. Without a name it may be all that does.
_SIGNED_AT = {"webhook-timestamp": "webhook-id", "svix-timestamp": "svix-id"}


class Via(StrEnum):
    DELIVERY = "DELIVERY"
    POLL = "POLL"
    API = "API"


@dataclass(frozen=True, slots=True)
class RawMessage:
    """`attempts` counts the processes that began to read it and have not said how it ended."""

    id: int
    state: str
    attempts: int
    repeats: int


@dataclass(frozen=True, slots=True)
class KeptMessage:
    tenant: str
    source: str
    via: Via
    delivery: Delivery
    received_at: datetime


# A message that is only received needs no flush of its own: nothing is promised yet, and the
# commit of what it says brings it along.
KEEP = """
insert into raw_message (tenant, source, content_hash, via, name, headers, body, received_at,
    state, attempted_by)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (tenant, source, content_hash) do update set
    repeats = raw_message.repeats + 1,
    attempted_by = case when raw_message.state <> 'RECEIVED'
            or raw_message.attempted_by @> excluded.attempted_by then raw_message.attempted_by
        else raw_message.attempted_by || excluded.attempted_by end
returning id, state, cardinality(attempted_by) as attempts, repeats,
    case when state = 'RECEIVED' then set_config('synchronous_commit', 'off', true) end
"""
# The same for messages that came together, no two of them alike.
KEEP_MANY = """
insert into raw_message (tenant, source, content_hash, via, name, headers, body, received_at,
    state, attempted_by)
select $1, $2, m.content_hash, $3, m.name, m.headers, m.body, $4, 'RECEIVED', array[$5]
from unnest($6::bytea[], $7::text[], $8::jsonb[], $9::bytea[]) m(content_hash, name, headers, body)
on conflict (tenant, source, content_hash) do update set
    repeats = raw_message.repeats + 1,
    attempted_by = case when raw_message.state <> 'RECEIVED'
            or raw_message.attempted_by @> excluded.attempted_by then raw_message.attempted_by
        else raw_message.attempted_by || excluded.attempted_by end
returning content_hash, id, state, cardinality(attempted_by) as attempts, repeats,
    case when state = 'RECEIVED' then set_config('synchronous_commit', 'off', true) end
"""
FINISH = """
update raw_message r set state = f.state from unnest($1::bigint[], $2::text[]) f(id, state)
where r.id = f.id and r.id = any($1) and r.tenant = $3
"""
GET = """
select tenant, source, via, name, headers, body, received_at from raw_message
where tenant = $1 and id = $2
"""
UNFINISHED = WorkersSql("""
select id, tenant, source from raw_message where state = 'RECEIVED' and received_at < $1
order by id limit $2
""")
ATTEMPT = """
update raw_message set attempted_by = case when attempted_by @> array[$2::text]
    then attempted_by else attempted_by || $2::text end
where id = $1 and tenant = $3 and state = 'RECEIVED'
returning id, state, cardinality(attempted_by) as attempts, repeats
"""


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Keep what came with the message; leave out credentials and what the journey added."""
    return {
        storable(name.lower(), 200): storable(value)
        for name, value in sorted(headers.items())
        if not _is_journey(name.lower()) and not _is_credential(name.lower())
    }


def _is_journey(name: str) -> bool:
    return name in _JOURNEY or name.startswith(_JOURNEYS)


def _is_credential(name: str) -> bool:
    return name in _CREDENTIALS_EXACT or any(word in name for word in _CREDENTIALS)


async def keep(  # noqa: PLR0913 - one column each
    tx: Transaction,
    *,
    tenant: str,
    source: str,
    via: Via,
    delivery: Delivery,
    now: datetime,
    state: str = "RECORDED",
    worker: str = "",
) -> RawMessage:
    """Store a message, or find the copy that is stored already."""
    headers = kept_headers(delivery.headers)
    row = await tx.fetchrow(
        KEEP,
        tenant,
        source,
        _content_hash(via, delivery, headers),
        via.value,
        storable(delivery.name, 500),
        _written(headers),
        delivery.body,
        now,
        state,
        [worker] if worker else [],
    )
    return RawMessage(row["id"], row["state"], row["attempts"], row["repeats"])


async def keep_many(
    tx: Transaction, source: str, deliveries: Sequence[Delivery], now: datetime, worker: str
) -> list[tuple[RawMessage, bool]]:
    """Store what was just received; say for each if another one here is the same message."""
    headers = [kept_headers(each.headers) for each in deliveries]
    hashes = [
        _content_hash(Via.DELIVERY, delivery, head)
        for delivery, head in zip(deliveries, headers, strict=True)
    ]
    # The first of its kind stands for those that are the same.
    first = {content: index for index, content in reversed(list(enumerate(hashes)))}
    chosen = sorted(first.values())
    rows = await tx.fetch(
        KEEP_MANY,
        tx.tenant,
        source,
        Via.DELIVERY.value,
        now,
        worker,
        [hashes[index] for index in chosen],
        [storable(deliveries[index].name, 500) for index in chosen],
        [_written(headers[index]) for index in chosen],
        [deliveries[index].body for index in chosen],
    )
    kept = {
        row["content_hash"]: RawMessage(row["id"], row["state"], row["attempts"], row["repeats"])
        for row in rows
    }
    return [(kept[content], first[content] != index) for index, content in enumerate(hashes)]


def _written(headers: Mapping[str, str]) -> str:
    return msgspec.json.encode(headers).decode()


def _content_hash(via: Via, delivery: Delivery, headers: Mapping[str, str]) -> bytes:
    """Tell messages apart: the same one is the same however often and whenever it is delivered."""
    telling = {
        name: value for name, value in headers.items() if _SIGNED_AT.get(name) not in headers
    }
    content = hashlib.blake2b(digest_size=32)
    for part in (via.value.encode(), delivery.name.encode(), msgspec.json.encode(telling)):
        content.update(part)
        content.update(b"\0")
    content.update(delivery.body)
    return content.digest()


async def attempt(tx: Transaction, raw_id: int, worker: str) -> RawMessage | None:
    """Count one more process that begins to read it; None when it has been read meanwhile."""
    row = await tx.fetchrow(ATTEMPT, raw_id, worker, tx.tenant)
    return row and RawMessage(row["id"], row["state"], row["attempts"], row["repeats"])


async def finish(tx: Transaction, states: Mapping[int, str]) -> None:
    await tx.execute(FINISH, list(states), list(states.values()), tx.tenant)


async def get(tx: Transaction, raw_id: int) -> KeptMessage:
    row = await tx.fetchrow(GET, tx.tenant, raw_id)
    if row is None:
        raise NotFound(f"there is no message {raw_id}")
    headers = msgspec.json.decode(row["headers"], type=dict[str, str])
    return KeptMessage(
        row["tenant"],
        row["source"],
        Via(row["via"]),
        Delivery(body=row["body"], headers=headers, name=row["name"]),
        row["received_at"],
    )


async def unfinished(tx: Transaction, before: datetime, limit: int) -> list[tuple[int, str, str]]:
    """Find messages whose reader never came back: (id, tenant, source)."""
    rows = await tx.fetch(UNFINISHED, before, limit)
    return [(row["id"], row["tenant"], row["source"]) for row in rows]
