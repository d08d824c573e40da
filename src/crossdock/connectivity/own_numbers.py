"""Own numbers of stock that nobody has said the meaning of, or that contradict it: a case (§3.2).

A product's `available` never counts. But whoever sends it means something by it, and someone else
may go by that: until it is said what it is, it is somebody's to find out.
"""

from collections.abc import Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

from crossdock.canonical.cases import OpenCase
from crossdock.connectivity import quarantine
from crossdock.connectivity.sdk.own_available import SETTING, UNSAID
from crossdock.connectivity.sdk.records import SCHEMA
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import TellingDesk, each, tenants

EVERY = timedelta(minutes=10)
FINGERPRINT = "connections/own-numbers"
SHOWN = 20

TENANTS = WorkersSql("select distinct tenant from connection order by tenant")
ODD = """
select q.id, q.source, q.reason, q.times, q.quarantined_at, q.record = $3 as is_unsaid,
    coalesce(c.settings ->> $4, '') as said
from quarantine q left join connection c on c.tenant = $1 and c.name = q.source
where q.tenant = $1 and q.state = 'OPEN' and q.code = $2 and q.place = 'available'
order by q.source, q.id
"""


class OwnNumbers:
    """Looks now and then for numbers in quarantine that are not what their connection says."""

    def __init__(self, database: Database, clock: Clock, desk: TellingDesk) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk

    @property
    def job(self) -> Job:
        return Job(name="watch own numbers", every=EVERY, work=self.watch)

    async def watch(self) -> None:
        """Open and close the case of every tenant; a second look changes nothing."""
        await each(await tenants(self._database, TENANTS), self._look)

    async def _look(self, scope: Scope) -> None:
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(ODD, tx.tenant, SCHEMA, UNSAID, SETTING)
            # What is said by now needs nobody any more; where it contradicts, that is told anew.
            said = [row["id"] for row in rows if row["is_unsaid"] and row["said"]]
            await quarantine.close(tx, said, "DISCARDED", "what it is has been said since", now)
            rows = [row for row in rows if row["id"] not in said]
            told = await self._desk.told(tx, FINGERPRINT)
            if rows:
                case = case_of(rows)
                if told.get("digest") != case.evidence["digest"]:
                    await self._desk.opened(tx, [case], now)
            elif told:
                resolution = "each number of available stock is what its connection says"
                await self._desk.closed(tx, [FINGERPRINT], resolution, now)


def case_of(rows: Sequence[Any]) -> OpenCase:
    """Word the case of these entries: whose numbers they are, and what is to be said of them."""
    sources = sorted({row["source"] for row in rows})
    names = ", ".join(sources[:3]) + (f" and {len(sources) - 3} more" if sources[3:] else "")
    said = repr([row["id"] for row in rows])
    return OpenCase(
        code=SCHEMA,
        fingerprint=FINGERPRINT,
        severity="S2",
        owner_role="Integration",
        within=timedelta(hours=4),
        entity=sources[0],
        title=f"What is called available is not what is said, or nobody has said: {names}",
        evidence={
            "digest": sha256(said.encode()).hexdigest(),
            "setting": SETTING,
            "entries": [
                {
                    "quarantine_id": row["id"],
                    "connection": row["source"],
                    "reason": row["reason"],
                    "since": row["quarantined_at"].isoformat(),
                }
                for row in rows[:SHOWN]
            ],
        },
    )
