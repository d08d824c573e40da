"""What others may ask of reconciliation: compare, and look after what was found."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.capabilities.reconciliation import findings, guards, store
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.findings import Backlog, Finding, Run
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.model import MINUTE, ItemClass, State
from crossdock.capabilities.reconciliation.ports import Informants
from crossdock.capabilities.reconciliation.ranking import (
    CountProposal,
    Remedy,
    Suspicion,
    count_proposals,
)
from crossdock.capabilities.reconciliation.running import HUB, About, Comparison, tell
from crossdock.capabilities.reconciliation.sides import (
    Said,
    Spelled,
    Translator,
    gathered,
    said_in,
)
from crossdock.capabilities.reconciliation.store import Closing, FindingRow, Wanted
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.scope import Scope

OPEN = [State.SUSPECTED, State.CONFIRMED]
SUSPICIONS_MAX = 1000
ATTEMPTS_MAX = 2
FRESH = timedelta(hours=4)
"""A finding is mended by itself so long after its cut."""
LAG_MINUTES_MAX = 7 * 24 * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A comparison that is wanted: with what a system says here, or said last by itself.

    `said` is told how the names are to be read; None takes what `against` last told of stock that
    another system keeps. `lag_minutes` is how long it may take to book what moves: what was
    recorded so shortly before the cut may still be on its way.
    """

    against: str
    by: str
    said: Callable[[Spelled], Said] | None = None
    lag_minutes: int | None = None

    def policy(self, house: Policy) -> Policy:
        if self.lag_minutes is None:
            return house
        if not 0 <= self.lag_minutes <= LAG_MINUTES_MAX:
            raise Invalid(f"a lag is 0 to {LAG_MINUTES_MAX} minutes", where="/lag_minutes")
        return replace(house, in_flight=self.lag_minutes * MINUTE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Healing:
    """What was mended by sending documents again.

    `findings` are those that can be mended so, `sent` is how many documents were sent. `stopped`
    says why none was, or is empty.
    """

    against: str
    findings: tuple[str, ...]
    sent: int
    stopped: str


class Reconciliation:
    """Compares the hub's ledger with other systems. It changes no stock, here or there."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        informants: Informants,
        policy: Policy | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._informants = informants
        self._policy = policy or Policy()

    async def compare(self, scope: Scope, asked: Asked) -> Run:
        """Run one comparison; a snapshot that cannot be is rejected, and nothing else changes."""
        if not asked.against.strip():
            raise Invalid("say whose stock it is", where="/against")
        translator = Translator(self._database, scope, self._informants.names, asked.against)
        spelled = await translator.begin()
        if asked.said is None:
            said = await self._proposed(scope, asked.against)
        else:
            said = asked.said(spelled)
        comparison = Comparison(
            database=self._database,
            clock=self._clock,
            informants=self._informants,
            policy=asked.policy(self._policy),
            scope=scope,
            about=About(prefixed("rcn", self._ids.new()), asked.against, asked.by),
        )
        async with gathered(said, translator) as side:
            return findings.run_shown(await comparison.run(side))

    async def follow(self) -> None:
        """Compare with each system that has told anew of stock which another keeps.

        It asks nobody for anything, so it takes no share of any system's rate. One system whose
        stock cannot be compared does not keep the others waiting; its error is raised at the end.
        """
        failures: list[Exception] = []
        for teller in await self._informants.proposals.tellers():
            scope = Scope(teller.tenant)
            async with self._database.transaction(scope) as tx:
                last = await store.last_run(tx, teller.source)
            if last is not None and last.began_at >= teller.received_at:
                continue
            try:
                await self.compare(scope, Asked(against=teller.source, by=HUB))
            except Exception as error:  # noqa: BLE001 whatever it is, the others are compared
                failures.append(error)
        if failures:
            raise failures[0]

    async def runs(
        self, scope: Scope, *, against: str = "", after: str = "", limit: int = 100
    ) -> list[Run]:
        """List comparisons, the newest first; `after` is the last one listed before."""
        async with self._database.transaction(scope) as tx:
            rows = await store.runs(tx, against=against, after=after, limit=limit)
        return [findings.run_shown(row) for row in rows]

    async def run(self, scope: Scope, run_id: str) -> Run:
        async with self._database.transaction(scope) as tx:
            rows = await store.runs(tx, run_id=run_id, limit=1)
        if not rows:
            raise NotFound(f"no comparison is called {run_id!r}")
        return findings.run_shown(rows[0])

    async def findings(
        self, scope: Scope, wanted: Wanted | None = None, *, limit: int = 100
    ) -> list[Finding]:
        """List findings, the most urgent first; of every state unless `wanted` says which."""
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            rows = await store.find(tx, wanted or Wanted(), limit)
        return sorted(
            (findings.finding_shown(row, now) for row in rows),
            key=lambda one: (one.value_at_risk is None, -one.priority, -one.absolute),
        )

    async def finding(self, scope: Scope, finding_id: str) -> Finding:
        async with self._database.transaction(scope) as tx:
            row = await self._one(tx, finding_id)
        return findings.finding_shown(row, self._clock.now())

    async def close(
        self, scope: Scope, finding_id: str, root_cause: str, note: str, *, by: str
    ) -> Finding:
        """Close a finding with its root cause, which there must be (§4.4); its case closes too."""
        if root_cause not in Cause.__members__ or root_cause == Cause.UNKNOWN:
            known = ", ".join(cause for cause in Cause if cause is not Cause.UNKNOWN)
            raise Invalid(
                f"{root_cause[:40]!r} is no root cause",
                where="/root_cause",
                hint=f"one of {known}",
            )
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            said = Closing(root_cause=root_cause, note=note, by=by, at=now)
            row = await store.close(tx, finding_id, said)
            if row is None:
                before = await self._one(tx, finding_id)
                raise Invalid(
                    f"{finding_id} is {before.state}: there is nothing to close",
                    where="/finding_id",
                )
            resolution = note or f"root cause: {root_cause}"
            await self._informants.cases.closed(tx, [findings.fingerprint(row)], resolution, now)
            identity = f"difference_closed:{finding_id}"
            await tell(tx, [(identity, findings.closed(row))], now)
        return findings.finding_shown(row, now)

    async def heal(self, scope: Scope, against: str, *, by: str, dry_run: bool = False) -> Healing:
        """Send the very documents again that `against` is proven to lack; adjust nothing (§4.3).

        Only what the newest comparison has found, at a cut of the last hours: what was seen
        earlier may be mended by now. It stops before anything is sent if too much would change at
        once. A finding is tried twice, and what could not be sent is no try; what is still there
        then is for a person, who has had its case all along.
        """
        async with self._database.transaction(scope) as tx:
            rows = await store.to_heal(tx, against, ATTEMPTS_MAX)
            last = await store.last_run(tx, against)
        newest, since = (last.run_id if last else ""), self._clock.now() - FRESH
        rows = [row for row in rows if row.run_id == newest and row.last_cut >= since]
        chosen = [(row, findings.not_booked(row)) for row in rows]
        chosen = [(row, movements) for row, movements in chosen if movements]
        stopped = guards.stopped(
            len(chosen),
            last.compared if last else 0,
            sum(row.value_at_risk or 0 for row, _ in chosen),
            self._policy.brake,
            is_in_incident=last is not None and last.verdict == "REJECTED",
        )
        sent: frozenset[str] = frozenset()
        if chosen and not stopped and not dry_run:
            movements = [name for _, names in chosen for name in names]
            reason = f"{against} lacks it, by reconciliation ({by})"
            sent = await self._informants.sender.send_again(scope, against, movements, reason)
            async with self._database.transaction(scope) as tx:
                tried = [row.finding_id for row, names in chosen if not sent.isdisjoint(names)]
                await tx.execute(store.TRIED, tx.tenant, tried)
        return Healing(
            against=against,
            findings=tuple(row.finding_id for row, _ in chosen),
            sent=len(sent),
            stopped=stopped,
        )

    async def backlog(self, scope: Scope, *, days: int = 30) -> Backlog:
        """Tell what is open by age and money, and what the last days' causes were (§4.5)."""
        now = self._clock.now()
        since = now - timedelta(days=days)
        async with self._database.transaction(scope) as tx:
            ages = await store.ages(tx, now)
            causes = await store.causes(tx, since)
            opened, closed = await store.flow(tx, since)
        return findings.backlog(ages, causes, opened=opened, closed=closed)

    async def cycle_counts(
        self, scope: Scope, *, location: str = "", limit: int = 100
    ) -> list[CountProposal]:
        """Propose what to count today, the most urgent first. Blind: none names a quantity."""
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            rows = await store.find(tx, Wanted(states=OPEN, location=location), SUSPICIONS_MAX)
            rows += await store.find(
                tx, Wanted(states=[State.TOLERATED], location=location), SUSPICIONS_MAX
            )
            due = await store.counts_due(tx, now.date(), location)
        suspicions = [_suspicion(row, now) for row in rows]
        suspicions += [
            Suspicion(item=one.item, location=one.location, of=ItemClass(one.of), is_due=True)
            for one in due
        ]
        return count_proposals(suspicions)[:limit]

    async def _one(self, tx: Transaction, finding_id: str) -> FindingRow:
        rows = await store.find(tx, Wanted(finding_id=finding_id), 1)
        if not rows:
            raise NotFound(
                f"no finding is called {finding_id!r}",
                hint="`crossdock reconcile list` shows those that are open",
            )
        return rows[0]

    async def _proposed(self, scope: Scope, source: str) -> Said:
        """Take what the system last told of stock that another keeps."""
        told = await self._informants.proposals.snapshots(scope, source)
        if not told:
            raise NotFound(
                f"{source!r} has told of no stock that another system keeps",
                hint="give its dump as a file, or set a keeper for the locations it tells of:"
                " `crossdock catalog set-keeper`",
            )
        return said_in(told)


def _suspicion(row: FindingRow, now: datetime) -> Suspicion:
    is_negative = row.cause == Cause.NEG_STOCK
    is_to_count = row.state == State.CONFIRMED and row.remedy == Remedy.COUNT
    return Suspicion(
        item=row.item,
        location=row.location,
        of=ItemClass(row.class_),
        unexplained=row.at_stake if is_to_count and not is_negative else 0,
        is_negative=is_negative,
        times_tolerated=row.times if row.state == State.TOLERATED else 0,
        priority=findings.priority_of(row, now),
    )
