"""What was counted: how right the books were, what came of a count, what is approved (§4.2)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.canonical.people import may_be_same
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.reconciliation import CountDecided
from crossdock.capabilities.reconciliation import (
    accuracy,
    count_doubts,
    count_store,
    counted_store,
    settling,
)
from crossdock.capabilities.reconciliation.accuracy import AccuracyReport
from crossdock.capabilities.reconciliation.count_triggers import CountTriggers, KnowsShelves
from crossdock.capabilities.reconciliation.counted_store import CountsWanted
from crossdock.capabilities.reconciliation.earlier import tell, us_of
from crossdock.capabilities.reconciliation.findings import decimal_of
from crossdock.capabilities.reconciliation.hearing import CountReactions, recount, told_of
from crossdock.capabilities.reconciliation.ports import KnowsNames
from crossdock.capabilities.reconciliation.ranking import CountReason
from crossdock.capabilities.reconciliation.settling import CountApproval, CountRow, Matter
from crossdock.capabilities.reconciliation.unsettled import Unsettled
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids
from crossdock.foundation.jobs import Job
from crossdock.foundation.readers import Reader
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk

BECAUSE_MAX = 300
DAYS_MAX = 3660
YEAR_MIN = 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class CountShown:
    """A count of a bucket: what the book said of its instant, what was found, what came of it.

    `matter` is RIGHT (within tolerance), RECOUNT (another person is to count), NOT_ASKED (he is
    asked on a later day: enough were that day), AGREED, DIFFERED (from the count before),
    SAME_PERSON or LATE (beyond tolerance, and heard a day later or filled in as history).
    `value` is what it adjusts in `currency` ("": the functional one), null while nobody has said
    what one costs; above the cap `approval` is WAITING, APPROVED or REFUSED. `count_id` is the
    task that it answered. Amounts are in the base unit.
    """

    counted_id: str
    item: str
    location: str
    status: str
    owner: str
    lot: str
    serial: str
    item_class: str
    counted_at: datetime
    counted_by: str
    book: Quantity
    counted: Quantity
    difference: Quantity
    value: Decimal | None
    currency: str
    is_within: bool
    is_recount: bool
    count_ref: str
    told_by: str
    count_id: str
    matter: str
    approval: str
    decided_at: datetime | None
    decided_by: str
    because: str


class Counts:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        knows: tuple[KnowsNames, KnowsShelves],
        cases: Desk,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._cases = cases
        self._names, self._ledger = knows

    @property
    def readers(self) -> tuple[Reader, ...]:
        """Give the log readers that keep what is counted, and that find what is to be."""
        return (
            CountReactions(self._clock, self._ids, self._names, self._cases).reader,
            CountTriggers(self._clock, self._ids, self._ledger).reader,
        )

    @property
    def job(self) -> Job:
        return Job(name="unsettled counts", every=timedelta(minutes=10), work=self.follow)

    async def follow(self) -> None:
        """Ask again for the counts that settle others, and open the cases of what waits."""
        looks = Unsettled(self._database, self._clock, self._ids, self._cases)
        await looks.follow()

    async def accuracy(
        self,
        scope: Scope,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        location: str = "",
    ) -> AccuracyReport:
        """Tell how right stock records were, by what was counted in a time (§6.3).

        By default it is the last thirty days. A bucket that was counted twice counts twice, a
        second count that was asked for to settle the first does not.
        """
        end = until or self._clock.now()
        begin = since or _before(end)
        if begin.year < YEAR_MIN or not timedelta() < end - begin <= timedelta(days=DAYS_MAX):
            raise Invalid(
                f"from {begin.isoformat()} to {end.isoformat()} is no time to report on",
                where="/since",
                hint=f"`since` is before `until`, by at most {DAYS_MAX} days",
            )
        async with self._database.transaction(scope) as tx:
            sums = await counted_store.sums(tx, begin, end, location.strip())
        return accuracy.report(sums, begin, end)

    async def listed(
        self, scope: Scope, wanted: CountsWanted | None = None, *, limit: int = 100
    ) -> list[CountShown]:
        """List what counts found, the newest heard first."""
        async with self._database.transaction(scope) as tx:
            rows = await counted_store.listed(tx, wanted or CountsWanted(), limit)
        return [_shown(row) for row in rows]

    async def approve(self, scope: Scope, counted_id: str, because: str, *, by: str) -> CountShown:
        """Approve a count of more money than the cap; twice is once (§7.3).

        Raises `NotFound`, `Invalid` without a reason, `Conflict` for one that needs no approval,
        was refused, or was counted by who would approve it.
        """
        async with self._database.transaction(scope) as tx:
            row = await self._waiting(tx, counted_id, because, by, CountApproval.APPROVED)
            if row.approval == CountApproval.WAITING:
                row = await self._decide(tx, row, CountApproval.APPROVED, because, by)
        return _shown(row)

    async def refuse(self, scope: Scope, counted_id: str, because: str, *, by: str) -> CountShown:
        """Refuse a count of more money than the cap, and have it counted again; twice is once.

        What the warehouse has posted stays posted: the next count mends it, or it waits for
        approval anew where it finds the same. It raises what `approve` does.
        """
        async with self._database.transaction(scope) as tx:
            await tx.execute(count_store.ALONE, tx.tenant)
            row = await self._waiting(tx, counted_id, because, by, CountApproval.REFUSED)
            if row.approval == CountApproval.WAITING:
                row = replace(row, matter=Matter.RECOUNT)
                row = await self._decide(tx, row, CountApproval.REFUSED, because, by)
                await self._ask_again(tx, row)
        return _shown(row)

    async def _waiting(
        self, tx: Transaction, counted_id: str, because: str, by: str, wanted: CountApproval
    ) -> CountRow:
        said = because.strip()
        if not said or len(said) > BECAUSE_MAX:
            raise Invalid(f"say why, in at most {BECAUSE_MAX} characters", where="/because")
        row = await counted_store.of(tx, counted_id)
        if row is None:
            raise NotFound(
                f"no count is called {counted_id!r}",
                hint="`crossdock reconcile counts --approval WAITING` shows those that wait",
            )
        if not row.approval:
            raise Conflict(f"{counted_id} is worth no more than the cap: nobody has to approve it")
        if row.approval not in {CountApproval.WAITING, wanted}:
            raise Conflict(f"{counted_id} was {row.approval.lower()} by {row.decided_by}")
        if may_be_same(row.counted_by, by):
            raise Conflict(
                f"{row.counted_by} has counted {counted_id}, so {by} may not decide about it",
                hint="ask somebody else to look at it",
            )
        return row

    async def _decide(
        self, tx: Transaction, row: CountRow, said: CountApproval, because: str, by: str
    ) -> CountRow:
        now = self._clock.now()
        before = await count_doubts.withheld_in(tx, tx.tenant, [row.place[1]])
        row = replace(row, approval=said, decided_at=now, decided_by=by, because=because.strip())
        await counted_store.decide(tx, row)
        await count_doubts.clear(tx, [row.place])
        cause = f"{row.counted_id}:{us_of(now)}"  # it may be decided about anew
        await count_doubts.tell_changes(tx, before, [row.place], cause, now)
        await tell(tx, [(f"count_decided:{cause}", _decided(row))], now)
        resolution = f"{said.lower()} by {by}: {row.because}"
        name = settling.approval_name(row.counted_id)
        await self._cases.closed(tx, [name], resolution, now)
        return row

    async def _ask_again(self, tx: Transaction, row: CountRow) -> None:
        now = self._clock.now()
        known = await count_store.at(tx, row.place)
        if known and known.ended_at is None and known.reason == CountReason.RECOUNT:
            return
        task = recount(known, row, row.counted_by, now, self._ids)
        await count_store.put(tx, [task], now)
        await tell(tx, told_of([], [task]), now)


def _before(end: datetime) -> datetime:
    """Give thirty days before; of what no calendar has, the end itself, which is refused."""
    return end if end.year < YEAR_MIN else end - timedelta(days=30)


def _decided(row: CountRow) -> CountDecided:
    return CountDecided(
        counted_id=row.counted_id,
        item=row.place[1],
        location=row.place[0],
        count_ref=row.count_ref,
        told_by=row.told_by,
        adjusts=Quantity.from_micros(row.counted - row.book, row.unit),
        value=decimal_of(row.value or 0),
        decision=row.approval,
        decided_by=row.decided_by,
        because=row.because,
        currency=row.currency,
    )


def _shown(row: CountRow) -> CountShown:
    location, item, status, owner, lot, serial = row.bucket
    return CountShown(
        counted_id=row.counted_id,
        item=item,
        location=location,
        status=status,
        owner=owner,
        lot=lot,
        serial=serial,
        item_class=row.of,
        counted_at=row.counted_at,
        counted_by=row.counted_by,
        book=Quantity.from_micros(row.book, row.unit),
        counted=Quantity.from_micros(row.counted, row.unit),
        difference=Quantity.from_micros(row.counted - row.book, row.unit),
        value=None if row.value is None else decimal_of(row.value),
        currency=row.currency,
        is_within=row.is_within,
        is_recount=row.is_recount,
        count_ref=row.count_ref,
        told_by=row.told_by,
        count_id=row.count_id,
        matter=row.matter,
        approval=row.approval,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        because=row.because,
    )
