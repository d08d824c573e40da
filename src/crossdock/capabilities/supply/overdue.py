"""What should have come and has not: each document late is one case, closed by itself (§7.2).

Supply that is late is worth nothing to a promise after a while (class E), and would fall out of
every answer in silence: a transfer that never arrives, a notice without a receipt, a purchase that
nobody runs after.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import SupplyEvidence, SupplyKind
from crossdock.capabilities.supply.late import KnowsClasses, LateLine, late_lines
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.jobs import Job
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk, each, tenants

EVERY = timedelta(hours=1)
GRACE_DAYS = 1
"""A day that is over by UTC may still go on somewhere; the day behind it is over everywhere."""

LINES_SHOWN = 20
PREFIX = "supply/"

TENANTS = WorkersSql("""
select distinct tenant from supply_commitment where micros > 0 and eta < $1
union select distinct tenant from supply_commitment where micros > 0 and eta is null
union select distinct tenant from supply_commitment
    where micros > 0 and evidence = 'SENT' and kind = 'PO_SCHEDULE'
union select distinct tenant from supply_overdue where fingerprint like 'supply/%'
""")

TOLD = """
select fingerprint, digest from supply_overdue where tenant = $1 and starts_with(fingerprint, $2)
"""
TELL = """
insert into supply_overdue (tenant, fingerprint, digest)
select $1, f.fingerprint, f.digest from unnest($2::text[], $3::text[]) f(fingerprint, digest)
on conflict (tenant, fingerprint) do update set digest = excluded.digest
"""
FORGET = "delete from supply_overdue where tenant = $1 and fingerprint = any($2::text[])"


class Owner(NamedTuple):
    """Whose something late is, by the exception taxonomy, and what it is called."""

    code: str
    owner_role: str
    severity: str
    within: timedelta
    what: str
    was_to: str = "come on"


class Named(NamedTuple):
    """Cases whose fingerprints begin so, and what is said when their cause is gone."""

    prefix: str
    resolution: str


NAMED = Named(PREFIX, "nothing of it is overdue any more: it came, was cancelled or moved")

CARRIER = Owner("SHP-LATE", "Transport", "S2", timedelta(hours=4), "shipped, and not there")
WAREHOUSE = Owner("FO-STUCK", "Warehouse", "S2", timedelta(hours=2), "not made, or not sent")
RETURNS = Owner("RMA-LATE", "Returns", "S3", timedelta(days=2), "a return that has not come")
BUYER = Owner("PO-LATE", "Buyer", "S2", timedelta(days=1), "late, and not shipped")
UNANSWERED = Owner(
    *("PO-UNACKED", "Buyer", "S2", timedelta(days=1)),
    "sent, and not acknowledged",
    "be answered by",
)

BY_KIND = {
    SupplyKind.ASN_LINE.value: CARRIER,
    SupplyKind.TRANSFER.value: WAREHOUSE,
    SupplyKind.ASSEMBLY.value: WAREHOUSE,
    SupplyKind.RMA_EXPECTED.value: RETURNS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue(OpenCase):
    """The case of what is late. `digest` changes with anything of it, shown or not."""

    digest: str


class OverdueSupply:
    """Looks once an hour at what should have come."""

    def __init__(
        self, database: Database, clock: Clock, desk: Desk, classes: KnowsClasses
    ) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk
        self._classes = classes

    @property
    def job(self) -> Job:
        return Job(name="watch overdue supply", every=EVERY, work=self.watch)

    async def watch(self) -> None:
        """Open, refresh and close the cases of every tenant; a second look changes nothing.

        A tenant that cannot be looked at keeps no other's: what was wrong is raised at the end.
        """
        await each(await tenants(self._database, TENANTS, self._day), self._look)

    @property
    def _day(self) -> date:
        return self._clock.now().date() - timedelta(days=GRACE_DAYS)

    async def _look(self, scope: Scope) -> None:
        async with self._database.transaction(scope) as tx:
            late = overdue(await late_lines(tx, self._day, self._classes))
            await tell(tx, self._desk, NAMED, late, self._clock.now())


async def tell(
    tx: Transaction,
    desk: Desk,
    named: Named,
    found: Sequence[Overdue],
    now: datetime,
    *,
    unseen: Collection[str] = (),
) -> None:
    """Open cases of what is found, and close those of what is not any more; news alone is told.

    All fingerprints of that name are of whoever looks; those `unseen` he has not looked at.
    """
    late = {one.fingerprint: one for one in found}
    rows = await tx.fetch(TOLD, tx.tenant, named.prefix)
    told = {row["fingerprint"]: row["digest"] for row in rows}
    news = [late[name] for name in sorted(late) if late[name].digest != told.get(name)]
    gone = sorted(told.keys() - late.keys() - set(unseen))
    if news:
        await desk.opened(tx, news, now)
        names, digests = [one.fingerprint for one in news], [one.digest for one in news]
        await tx.execute(TELL, tx.tenant, names, digests)
    if gone:
        await desk.closed(tx, gone, named.resolution, now)
        await tx.execute(FORGET, tx.tenant, gone)


def overdue(lines: Iterable[LateLine]) -> list[Overdue]:
    """Make a case of what is late of each document, for each who has to run after it."""
    by_owner = sorted(lines, key=lambda one: (one.document, _owner(one).code, one.supply_id))
    return [
        _case(document, list(these))
        for (document, _), these in groupby(
            by_owner, key=lambda one: (one.document, _owner(one).code)
        )
    ]


def _case(document: str, lines: Sequence[LateLine]) -> Overdue:
    owner = _owner(lines[0])
    since = min(one.eta for one in lines)
    count = "1 line is" if len(lines) == 1 else f"{len(lines)} lines are"
    return Overdue(
        code=owner.code,
        fingerprint=f"{PREFIX}{document}/{owner.code}",
        severity=owner.severity,
        owner_role=owner.owner_role,
        within=owner.within,
        entity=document,
        location=lines[0].location if len({one.location for one in lines}) == 1 else "",
        title=f"{owner.what}: {document} was to {owner.was_to} {since}, {count} still open",
        evidence={
            "document": document,
            "since": str(since),
            "lines": len(lines),
            "open": [_shown(one) for one in lines[:LINES_SHOWN]],
        },
        digest=sha256(repr(lines).encode()).hexdigest(),
    )


def _shown(line: LateLine) -> dict[str, object]:
    """Show an open line; a day that nobody told comes with how it is known."""
    told: dict[str, object] = {
        "supply_id": line.supply_id,
        "source": line.source,
        "item": line.item,
        "location": line.location,
        "open_in_base_unit": str(Quantity.from_micros(line.micros).value),
        "evidence": line.evidence,
    }
    if line.is_unanswered:
        return {**told, "answer_due": str(line.eta), "basis": line.basis}
    if line.basis:
        return {**told, "eta": None, "due": str(line.eta), "basis": line.basis}
    return {**told, "eta": str(line.eta)}


def _owner(line: LateLine) -> Owner:
    """Say whose it is: who carries it, makes it, takes it back, or has bought it."""
    if line.is_unanswered:
        return UNANSWERED
    if (
        line.evidence == SupplyEvidence.SHIPPED.value
        and line.kind != SupplyKind.RMA_EXPECTED.value
    ):
        return CARRIER
    return BY_KIND.get(line.kind, BUYER)
