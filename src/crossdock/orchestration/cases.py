"""Business exceptions: what a person must know of, with an owner and a deadline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import derived_uuid, prefixed
from crossdock.foundation.scope import Scope
from crossdock.orchestration import case_hours
from crossdock.orchestration.case_hours import Places
from crossdock.orchestration.decision import CloseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case as people see it."""

    case_id: str
    code: str
    severity: str
    owner_role: str
    entity: str
    title: str
    evidence: Mapping[str, Any]
    correlation_id: str
    count: int
    state: str
    opened_at: datetime
    met_at: datetime
    due_at: datetime
    closed_at: datetime | None
    resolution: str


@dataclass(frozen=True, slots=True)
class Said:
    """A decision's word about a case, with whose and which thread it belongs to."""

    tenant: str
    correlation_id: str
    case: OpenCase | CloseCase


# A cause that is met again while its case is open counts up. What it is, whose, and its evidence
# are the newest; it never gets less urgent, nor is there more time for it.
OPEN = """
insert into business_case (tenant, case_id, code, fingerprint, severity, owner_role, entity, title,
    evidence, correlation_id, due_at, opened_at, met_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $12, $12)
on conflict (tenant, fingerprint) where state = 'OPEN' do update set
    count = business_case.count + 1,
    met_at = excluded.met_at,
    code = excluded.code,
    severity = least(business_case.severity, excluded.severity),
    owner_role = excluded.owner_role,
    due_at = least(business_case.due_at, excluded.due_at),
    entity = excluded.entity,
    title = excluded.title,
    evidence = excluded.evidence
"""

# What a person has closed already keeps his word; that its cause went on ends with it.
CLOSE = """
update business_case set goes_on = false, state = 'CLOSED',
    closed_at = case when state = 'OPEN' then $4 else closed_at end,
    resolution = case when state = 'OPEN' then $3 else resolution end
where tenant = $1 and fingerprint = $2 and goes_on
"""

HOLD = """
select case_id from business_case where tenant = $1 and fingerprint = $2 and goes_on for update
"""

LIST = """
select * from business_case where tenant = $1 and state = $2 order by due_at, case_id limit $3
"""

FIND = """
select * from business_case
where ($1 = '*' or tenant = $1) and ($2 = '' or state = $2) and ($3 = '' or owner_role = $3)
    and ($4 = '' or code = $4) and ($5 = '' or case_id = $5)
    and ($6 = '' or (due_at, case_id) > ($7, $6))
order by due_at, case_id limit $8
"""

COUNT_OVERDUE = """
select count(*) from business_case
where ($1 = '*' or tenant = $1) and state = 'OPEN' and due_at < $2
"""

GOING_ON = """
select distinct on (fingerprint) fingerprint, evidence, state from business_case
where tenant = $1 and fingerprint = any($2::text[]) and goes_on
order by fingerprint, opened_at desc, state desc
"""

OPEN_OF = """
select fingerprint from business_case
where tenant = $1 and fingerprint = any($2::text[]) and state = 'OPEN'
"""

CLOSE_BY_ID = """
update business_case set state = 'CLOSED', closed_at = $3, resolution = $4
where tenant = $1 and case_id = $2 and state = 'OPEN' returning case_id
"""


class Cases:
    """What people may do with cases: list, show, close."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def find(
        self,
        scope: Scope,
        *,
        state: str = "OPEN",
        owner: str = "",
        code: str = "",
        after: str = "",
        limit: int = 100,
    ) -> list[Case]:
        """List cases, the most urgent first; `state` "" is open ones and closed ones.

        `after` is the last case that was listed before; it may be closed by now.
        """
        async with self._database.transaction(scope) as tx:
            due_at = (await _found(tx, after)).due_at if after else None
            rows = await tx.fetch(FIND, tx.tenant, state, owner, code, "", after, due_at, limit)
        return [_case_of(row) for row in rows]

    async def show(self, scope: Scope, case_id: str) -> Case:
        async with self._database.transaction(scope) as tx:
            return await _found(tx, case_id)

    async def count_overdue(self, scope: Scope) -> int:
        async with self._database.transaction(scope) as tx:
            counted: int = await tx.fetchval(COUNT_OVERDUE, tx.tenant, self._clock.now())
        return counted

    async def close(self, scope: Scope, case_id: str, reason: str) -> Case:
        """Close a case by hand; its cause, if it is met again, opens a new one."""
        if not reason.strip():
            raise Invalid("say why it is closed", where="/reason")
        async with self._database.transaction(scope) as tx:
            await close(tx, case_id, reason, self._clock.now())
        return await self.show(scope, case_id)


async def record(tx: Transaction, said: Sequence[Said], now: datetime) -> None:
    """Open, count up and close, in the order given."""
    places = await _places(tx, said)
    for word in said:
        if isinstance(word.case, OpenCase):
            due_at = case_hours.due_at(word.tenant, word.case, places, now)
            await _open(tx, word, word.case, now, due_at)
        else:
            await tx.execute(CLOSE, word.tenant, word.case.fingerprint, word.case.resolution, now)


async def hold(tx: Transaction, fingerprint: str) -> bool:
    """Keep others from telling of a cause until the transaction ends; say if one goes on.

    Whoever asks after this whether the cause is gone sees what those told who came before.
    """
    return bool(await tx.fetch(HOLD, tx.tenant, fingerprint))


async def going_on(
    tx: Transaction, tenant: str, fingerprints: Sequence[str]
) -> dict[str, tuple[Mapping[str, Any], str]]:
    """Give what the newest cases of these causes were last met with, and their states.

    A case that a person closed is one of them until its cause is gone, or opens another.
    """
    rows = await tx.fetch(GOING_ON, tenant, list(fingerprints))
    return {
        row["fingerprint"]: (msgspec.json.decode(row["evidence"]), row["state"]) for row in rows
    }


async def open_of(tx: Transaction, tenant: str, fingerprints: Sequence[str]) -> set[str]:
    """Say of which of these causes a case is open."""
    rows = await tx.fetch(OPEN_OF, tenant, list(fingerprints))
    return {row["fingerprint"] for row in rows}


async def listed(tx: Transaction, *, state: str = "OPEN", limit: int = 200) -> list[Case]:
    """Give the cases of the transaction's scope, the most urgent first."""
    return [_case_of(row) for row in await tx.fetch(LIST, tx.tenant, state, limit)]


async def close(tx: Transaction, case_id: str, resolution: str, now: datetime) -> None:
    """Close a case by hand."""
    if not await tx.fetchval(CLOSE_BY_ID, tx.tenant, case_id, now, resolution):
        raise NotFound(
            f"no open case is called {case_id!r}", hint="`crossdock case list` shows those open"
        )


async def _found(tx: Transaction, case_id: str) -> Case:
    row = await tx.fetchrow(FIND, tx.tenant, "", "", "", case_id, "", None, 1)
    if row is None:
        raise NotFound(
            f"no case is called {case_id!r}", hint="`crossdock case list --all` shows them"
        )
    return _case_of(row)


async def _places(tx: Transaction, said: Sequence[Said]) -> Places:
    """Read when the places work that cases are opened of."""
    opening = [(one.tenant, one.case) for one in said if isinstance(one.case, OpenCase)]
    places = {case_hours.place_of(tenant, case) for tenant, case in opening}
    return await case_hours.working_times(tx, {place for place in places if place})


async def _open(
    tx: Transaction, word: Said, case: OpenCase, now: datetime, due_at: datetime
) -> None:
    case_id = prefixed("case", derived_uuid("case", word.tenant, case.fingerprint, str(now)))
    await tx.execute(
        OPEN,
        word.tenant,
        case_id,
        case.code,
        case.fingerprint,
        case.severity,
        case.owner_role,
        case.entity,
        case.title,
        msgspec.json.encode(case.evidence).decode(),
        word.correlation_id,
        due_at,
        now,
    )


def _case_of(row: Any) -> Case:
    return Case(
        case_id=row["case_id"],
        code=row["code"],
        severity=row["severity"],
        owner_role=row["owner_role"],
        entity=row["entity"],
        title=row["title"],
        evidence=msgspec.json.decode(row["evidence"]),
        correlation_id=row["correlation_id"],
        count=row["count"],
        state=row["state"],
        opened_at=row["opened_at"],
        met_at=row["met_at"],
        due_at=row["due_at"],
        closed_at=row["closed_at"],
        resolution=row["resolution"],
    )
