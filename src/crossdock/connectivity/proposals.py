"""What a system says of stock that another keeps: not recorded, yet kept where it can be seen.

Of each source, kind of fact, key and location only the newest is kept, with a count; the message
it came in is kept whole like any other.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import StockSnapshotTaken
from crossdock.connectivity.stored_facts import fact_json, fact_of
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.scope import Scope
from crossdock.governance import authority, keeping
from crossdock.governance.keeping import StockFact

# What comes again, or late, neither replaces the newest nor counts. One order of locks for all.
ADD = """
insert into proposal as known (tenant, source, digest, type, key, location, keeper, identity,
    fact, raw_ref, occurred_at, received_at, times)
select distinct on (said.digest) $1, $2, said.digest, said.type, said.key, said.location,
    said.keeper, said.identity, said.fact, said.raw_ref, said.occurred_at, $3,
    greatest(1, count(*) filter (where before.id is null
        or (said.occurred_at >= before.occurred_at and said.identity <> before.identity))
        over (partition by said.digest))
from unnest($4::bytea[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::jsonb[], $11::bigint[], $12::timestamptz[]) with ordinality
    as said(digest, type, key, location, keeper, identity, fact, raw_ref, occurred_at, ord)
left join proposal before
    on before.tenant = $1 and before.source = $2 and before.digest = said.digest
order by said.digest, said.occurred_at desc, said.ord desc
on conflict (tenant, source, digest) do update
    set keeper = excluded.keeper, identity = excluded.identity, fact = excluded.fact,
        raw_ref = excluded.raw_ref, occurred_at = excluded.occurred_at,
        received_at = excluded.received_at, times = known.times + excluded.times
    where excluded.occurred_at >= known.occurred_at and excluded.identity <> known.identity
"""
FIND = """
select id, source, type, key, location, keeper, identity, fact::text as fact, raw_ref,
    occurred_at, received_at, times
from proposal
where tenant = $1 and ($2 = '' or source = $2) and ($3 = '' or location = $3) and id > $4
order by id limit $5
"""
# Of each location only the newest is kept, so these are as many as the source tells of.
SNAPSHOTS = """
select fact::text as fact from proposal
where tenant = $1 and source = $2 and type = $3 order by location
"""
# Whoever it is: what a source told last is compared by itself, for every tenant.
TELLERS = WorkersSql("""
select tenant, source, max(received_at) as received_at from proposal
where type = $1 group by tenant, source order by tenant, source
""")


class Teller(NamedTuple):
    """A source that told of stock which another keeps; `received_at` is when it last did."""

    tenant: str
    source: str
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The newest of its kind; `times` counts those it replaced, and itself. `fact` is JSON."""

    id: int
    source: str
    type: str
    key: str
    location: str
    keeper: str
    identity: str
    fact: str
    raw_ref: int | None
    occurred_at: datetime
    received_at: datetime
    times: int


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a fact says of one location, which `keeper` keeps."""

    fact: Fact
    location: str
    keeper: str
    raw_ref: int | None

    @property
    def digest(self) -> bytes:
        payload = self.fact.payload
        told = f"{payload.TYPE}\0{payload.key}\0{self.location}"
        return hashlib.blake2b(told.encode(), digest_size=16).digest()


class Proposals:
    """What people may look at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(
        self,
        scope: Scope,
        *,
        source: str = "",
        location: str = "",
        after: int = 0,
        limit: int = 100,
    ) -> list[Proposal]:
        async with self._database.transaction(scope) as tx:
            rows: list[Any] = await tx.fetch(FIND, scope.tenant, source, location, after, limit)
        return [Proposal(**dict(row.items())) for row in rows]

    async def snapshots(self, scope: Scope, source: str) -> list[Fact]:
        """Give the newest snapshot of each location that `source` told though another keeps it."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(SNAPSHOTS, scope.tenant, source, StockSnapshotTaken.TYPE)
        return [fact_of(row["fact"]) for row in rows]

    async def tellers(self) -> list[Teller]:
        """List who told snapshots of stock that another keeps, of every tenant."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            rows = await tx.fetch(TELLERS, StockSnapshotTaken.TYPE)
        return [Teller(row["tenant"], row["source"], row["received_at"]) for row in rows]


async def keepers_of(tx: Transaction, tenant: str, facts: Mapping[int, Fact]) -> dict[str, str]:
    """Name the keepers of the locations whose stock these facts tell; ask only if any does."""
    locations = {
        location
        for fact in facts.values()
        if isinstance(fact.payload, StockFact)
        for location in keeping.locations_of(fact.payload)
    }
    return await authority.stock_keepers(tx, tenant, locations) if locations else {}


def told_apart(
    fact: Fact, source: str, keepers: Mapping[str, str], raw_ref: int | None
) -> tuple[Fact | None, list[Proposed]]:
    """Part a fact into what counts of it, if anything, and what is only proposed."""
    if not isinstance(fact.payload, StockFact):
        return fact, []
    verdict = keeping.judged(fact.payload, source, keepers)
    counts = None if verdict.counts is None else replace(fact, payload=verdict.counts)
    return counts, [
        Proposed(fact, location, keepers[location], raw_ref) for location in verdict.kept
    ]


async def add(
    tx: Transaction, tenant: str, source: str, proposed: Sequence[Proposed], now: datetime
) -> None:
    if not proposed:
        return
    facts = [each.fact for each in proposed]
    await tx.execute(
        ADD,
        tenant,
        source,
        now,
        [each.digest for each in proposed],
        [fact.payload.TYPE for fact in facts],
        [fact.payload.key for fact in facts],
        [each.location for each in proposed],
        [each.keeper for each in proposed],
        [fact.identity for fact in facts],
        [fact_json(fact) for fact in facts],
        [each.raw_ref for each in proposed],
        [fact.occurred_at for fact in facts],
    )
