"""What should have come and has not: each document late is one case, closed by itself (§7.2).

Supply that is late is worth nothing to a promise after a while (class E), and would fall out of
every answer in silence: a transfer that never arrives, a notice without a receipt, a purchase that
nobody runs after.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple, Protocol

from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope

EVERY = timedelta(hours=1)
GRACE_DAYS = 1
"""A day that is over by UTC may still go on somewhere; the day behind it is over everywhere."""

LINES_SHOWN = 20
NEVER_OURS = (SupplyKind.VENDOR_STOCK.value,)
AT_THE_DOCK = SupplyEvidence.ARRIVED.value

TENANTS = WorkersSql("""
select distinct tenant from supply_commitment where micros > 0 and eta < $1
union select distinct tenant from supply_overdue
""")

# Of two sources that tell of one commitment the one that spoke last is believed. What a notice has
# announced of a purchase is late, or not, as the notice's.
LATE = """
select l.source, l.document, l.supply_id, l.kind, l.evidence, l.item, l.location, l.open, l.eta
from (select s.*, case when s.document_ref <> '' then s.document_ref
            else split_part(s.supply_id, '/', 1) end as document,
        s.micros - coalesce((select sum(a.micros) from supply_commitment a
            where a.tenant = $1 and a.parent_supply_id = s.supply_id and a.parent_supply_id <> ''
                and a.micros > 0), 0)::bigint as open
    from supply_commitment s
    where s.tenant = $1 and s.micros > 0 and s.eta < $2 and s.kind <> all($3::text[])
        and s.evidence <> $4
        and not exists (select from supply_commitment n where n.tenant = $1
            and n.supply_id = s.supply_id and (n.us, n.source) > (s.us, s.source))) l
where l.open > 0
order by l.source, l.document, l.supply_id
"""

TOLD = "select fingerprint, evidence from supply_overdue where tenant = $1"
TELL = """
insert into supply_overdue (tenant, fingerprint, evidence)
select $1, f.fingerprint, f.evidence from unnest($2::text[], $3::text[]) f(fingerprint, evidence)
on conflict (tenant, fingerprint) do update set evidence = excluded.evidence
"""
FORGET = "delete from supply_overdue where tenant = $1 and fingerprint = any($2::text[])"


class LateLine(NamedTuple):
    """A commitment whose day is over; `micros` of the item's base unit are still to come."""

    source: str
    document: str
    supply_id: str
    kind: str
    evidence: str
    item: str
    location: str
    micros: int
    eta: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """The case of a late document, in the words of the exception taxonomy."""

    code: str
    fingerprint: str
    severity: str
    owner_role: str
    within: timedelta
    entity: str
    title: str
    evidence: Mapping[str, Any]


class Desk(Protocol):
    """Opens and closes cases in the caller's transaction."""

    async def opened(self, tx: Transaction, wanted: Sequence[Overdue], now: datetime) -> None: ...

    async def closed(
        self, tx: Transaction, fingerprints: Sequence[str], resolution: str, now: datetime
    ) -> None: ...


class OverdueSupply:
    """Looks once an hour at what should have come."""

    def __init__(self, database: Database, clock: Clock, desk: Desk) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk

    @property
    def job(self) -> Job:
        return Job(name="watch overdue supply", every=EVERY, work=self.watch)

    async def watch(self) -> None:
        """Open, refresh and close the cases of every tenant; a second look changes nothing."""
        day = self._clock.now().date() - timedelta(days=GRACE_DAYS)
        async with self._database.transaction(Scope.of_workers()) as tx:
            tenants = [row["tenant"] for row in await tx.fetch(TENANTS, day)]
        for tenant in sorted(tenants):
            async with self._database.transaction(Scope(tenant)) as tx:
                await self._watch(tx, day)

    async def _watch(self, tx: Transaction, day: date) -> None:
        now = self._clock.now()
        rows = await tx.fetch(LATE, tx.tenant, day, list(NEVER_OURS), AT_THE_DOCK)
        late = {one.fingerprint: one for one in overdue([LateLine(*row) for row in rows])}
        told = {row["fingerprint"]: row["evidence"] for row in await tx.fetch(TOLD, tx.tenant)}
        said = {name: json.dumps(one.evidence, sort_keys=True) for name, one in late.items()}
        news = sorted(name for name in late if said[name] != told.get(name))
        gone = sorted(told.keys() - late.keys())
        if news:
            await self._desk.opened(tx, [late[name] for name in news], now)
            await tx.execute(TELL, tx.tenant, news, [said[name] for name in news])
        if gone:
            resolution = "nothing of it is overdue any more: it came, was cancelled or moved"
            await self._desk.closed(tx, gone, resolution, now)
            await tx.execute(FORGET, tx.tenant, gone)


def overdue(lines: Iterable[LateLine]) -> list[Overdue]:
    """Make one case of the late lines of each document; `lines` come source by source."""
    return [
        _case(source, document, list(these))
        for (source, document), these in groupby(lines, key=lambda one: (one.source, one.document))
    ]


def _case(source: str, document: str, lines: Sequence[LateLine]) -> Overdue:
    code, owner, within, what = _whose(lines)
    since = min(one.eta for one in lines)
    return Overdue(
        code=code,
        fingerprint=f"supply/{source}/{document}/overdue",
        severity="S2",
        owner_role=owner,
        within=within,
        entity=document,
        title=f"{what}: {document} was to come on {since}, {_lines(len(lines))} still open",
        evidence={
            "source": source,
            "document": document,
            "since": str(since),
            "lines": len(lines),
            "open": [
                {
                    "supply_id": one.supply_id,
                    "item": one.item,
                    "location": one.location,
                    "open": str(Quantity.from_micros(one.micros).value),
                    "eta": str(one.eta),
                    "evidence": one.evidence,
                }
                for one in lines[:LINES_SHOWN]
            ],
        },
    )


def _whose(lines: Sequence[LateLine]) -> tuple[str, str, timedelta, str]:
    """Say whose a late document is: who carries it, who was to send it, or who bought it."""
    if any(one.evidence == SupplyEvidence.SHIPPED.value for one in lines):
        return "SHP-LATE", "Transport", timedelta(hours=4), "shipped, and not there"
    if all(one.kind == SupplyKind.TRANSFER.value for one in lines):
        return "FO-STUCK", "Warehouse", timedelta(hours=2), "a transfer that has not left"
    return "PO-LATE", "Buyer", timedelta(days=1), "late, and not shipped"


def _lines(count: int) -> str:
    return "1 line is" if count == 1 else f"{count} lines are"
