"""What was sent and is not acknowledged in time is somebody's case, until it is."""

from datetime import datetime, timedelta
from typing import Any

from crossdock.canonical.cases import OpenCase
from crossdock.connectivity.interchanges.settling import overdue_name
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk, each, tenants

EVERY = timedelta(minutes=1)
WITHIN = timedelta(hours=1)
AT_ONCE = 500

TENANTS = WorkersSql("""
select distinct tenant from edi_document d
where direction = 'OUT' and state = 'SENT' and due_at < $1 and not exists (
    select from edi_told t where t.tenant = d.tenant and t.interchange = d.interchange)
""")
OVERDUE = """
select d.interchange, max(d.partner) as partner, count(*) as documents,
    min(d.due_at) as due_at, array_agg(distinct d.document) as kinds,
    array_agg(distinct d.expects) as expects, max(i.control_written) as control,
    max(i.sender) as sender, max(i.receiver) as receiver
from edi_document d join edi_interchange i
    on i.tenant = $1 and i.interchange = d.interchange
where d.tenant = $1 and d.direction = 'OUT' and d.state = 'SENT' and d.due_at < $2
    and not exists (select from edi_told t where t.tenant = $1 and t.interchange = d.interchange)
group by d.interchange order by d.interchange limit $3
"""
TOLD = """
insert into edi_told (tenant, interchange, told_at)
select $1, unnest($2::text[]), $3 on conflict do nothing
"""


class OverdueAcknowledgments:
    def __init__(self, database: Database, clock: Clock, desk: Desk) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk

    @property
    def job(self) -> Job:
        return Job(name="watch acknowledgments", every=EVERY, work=self.watch)

    async def watch(self) -> None:
        """Open a case of each interchange that is overdue; a second look changes nothing."""
        now = self._clock.now()
        await each(await tenants(self._database, TENANTS, now), self._look)

    async def _look(self, scope: Scope) -> None:
        while True:
            now = self._clock.now()
            async with self._database.transaction(scope) as tx:
                rows = await tx.fetch(OVERDUE, tx.tenant, now, AT_ONCE)
                await self._desk.opened(tx, [overdue_case(row) for row in rows], now)
                names = [row["interchange"] for row in rows]
                await tx.execute(TOLD, tx.tenant, names, now)
            if len(rows) < AT_ONCE:
                return


def overdue_case(row: Any) -> OpenCase:
    due_at: datetime = row["due_at"]
    kinds = ", ".join(sorted(row["kinds"]))
    awaited = " or ".join(sorted(one for one in row["expects"] if one != "NONE"))
    return OpenCase(
        code="PO-TRANSMIT",
        fingerprint=overdue_name(row["interchange"]),
        severity="S2",
        owner_role="Integration",
        within=WITHIN,
        entity=row["interchange"],
        title=f"no {awaited} came for interchange {row['control']} ({kinds})",
        evidence={
            "interchange": row["interchange"],
            "control": row["control"],
            "partner": row["partner"],
            "sender": row["sender"],
            "receiver": row["receiver"],
            "documents": row["documents"],
            "due_at": due_at.isoformat(),
        },
    )
