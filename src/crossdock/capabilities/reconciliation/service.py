"""What others may ask of reconciliation: compare, and look after what was found."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta

from crossdock.canonical.envelope import Payload
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.capabilities.reconciliation import (
    ageing,
    backlog_store,
    believing,
    counting,
    doubts,
    escalating,
    findings,
    happened,
    listing,
    rulebook,
    showing,
    store,
    withholding,
)
from crossdock.capabilities.reconciliation.ageing import Backlog
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.doubts import Doubt
from crossdock.capabilities.reconciliation.earlier import tell
from crossdock.capabilities.reconciliation.findings import Finding, Run
from crossdock.capabilities.reconciliation.healing import Healer, Healing
from crossdock.capabilities.reconciliation.judging import Policy, lagging
from crossdock.capabilities.reconciliation.kinds import DOCUMENTS, Kind, check_healed, kind_of
from crossdock.capabilities.reconciliation.outcome import About
from crossdock.capabilities.reconciliation.overdue import Overdue
from crossdock.capabilities.reconciliation.ports import Informants, Key
from crossdock.capabilities.reconciliation.ranking import CountProposal
from crossdock.capabilities.reconciliation.rules import Rules, Version, checked
from crossdock.capabilities.reconciliation.running import Comparison
from crossdock.capabilities.reconciliation.sides import (
    Said,
    Side,
    Spelled,
    Translator,
    gathered,
    said_in,
)
from crossdock.capabilities.reconciliation.store import HUB, Closing, FindingRow, Pair, Wanted
from crossdock.capabilities.reconciliation.withholding import HousePolicy
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.scope import Scope

LAPSES_AFTER = timedelta(days=14)
"""A suspicion that no comparison looks at again ends so long after the cut it was seen at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A comparison that is wanted: with what a system says here, or said last by itself.

    `said` is told how the names are to be read; None takes what `against` last told of stock that
    another system keeps. `lag_minutes` is how long it may take to book what moves: what was
    recorded so shortly before the cut may still be on its way. `system` is whose number comes
    first: the hub's ledger, or another system, with what it says itself in `first`.

    `believe` is the run that rejected the very same dump, which a person has looked at.
    `is_sample`: single keys were asked for, so it stands in for no dump.
    """

    against: str
    by: str
    said: Callable[[Spelled], Said] | None = None
    lag_minutes: int | None = None
    system: str = HUB
    first: Callable[[Spelled], Said] | None = None
    believe: str = ""
    is_sample: bool = False

    def policy(self, house: Policy) -> Policy:
        return lagging(house, self.lag_minutes)


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
        self._healer = Healer(database, clock, informants, self._policy.brake)
        self._overdue = Overdue(database, informants.cases, self._policy)

    async def compare(self, scope: Scope, asked: Asked) -> Run:
        """Run one comparison; a snapshot that cannot be is rejected, and nothing else changes."""
        if not asked.against.strip() or not asked.system.strip():
            raise Invalid("say whose stock it is", where="/against")
        if kind_of(asked.system) is not Kind.STOCK:
            raise Invalid(
                f"{asked.system} is a book of the hub",
                where="/system",
                hint="give the system another name",
            )
        if asked.against == asked.system:
            raise Invalid(
                f"{asked.against} would be compared with itself",
                where="/against",
                hint="give each of the two its own name",
            )
        async with self._database.transaction(scope) as tx:
            house, version = await rulebook.house(tx, self._policy)
        run_id = prefixed("rcn", self._ids.new())
        comparison = Comparison(
            database=self._database,
            clock=self._clock,
            informants=self._informants,
            policy=asked.policy(house),
            scope=scope,
            about=About(run_id, asked.against, asked.by, asked.system, asked.is_sample, version),
        )
        async with AsyncExitStack() as open_files:
            first = None
            if asked.system != HUB:
                said = self._said(scope, asked.system, asked.first)
                first = await open_files.enter_async_context(said)
            theirs = self._said(scope, asked.against, asked.said)
            side = await open_files.enter_async_context(theirs)
            if asked.believe:
                await self._believe(scope, asked, side)
                comparison.is_believed = True
            return findings.run_shown(await comparison.run(side, first))

    @asynccontextmanager
    async def _said(
        self, scope: Scope, system: str, tells: Callable[[Spelled], Said] | None
    ) -> AsyncIterator[Side]:
        """Gather what a system says here, or said last by itself."""
        translator = Translator(self._database, scope, self._informants.names, system)
        spelled = await translator.begin()
        said = tells(spelled) if tells else await self._proposed(scope, system)
        async with gathered(said, translator) as side:
            yield side

    async def _believe(self, scope: Scope, asked: Asked, side: Side) -> None:
        async with self._database.transaction(scope) as tx:
            await believing.believe(
                tx,
                believing.Again(
                    run_id=asked.believe,
                    system=asked.system,
                    against=asked.against,
                    rows=side.rows,
                    zeros=side.zeros,
                    by=asked.by,
                    at=self._clock.now(),
                ),
            )

    async def follow(self) -> None:
        """Compare with each system that has told anew of stock which another keeps.

        It asks nobody for anything, so it takes no share of any system's rate. One system whose
        stock cannot be compared does not keep the others waiting; its error is raised at the end.
        """
        await self._lapse()
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
        await self._overdue.watch(self._clock.now())
        if failures:
            raise failures[0]

    async def _lapse(self) -> None:
        """End suspicions that no comparison has looked at for long (§4.1.4)."""
        now = self._clock.now()
        before = now - LAPSES_AFTER
        async with self._database.transaction(Scope.of_workers()) as tx:
            rows = await tx.fetch(store.WITH_SUSPICIONS, before)
        note = f"no comparison has looked at it for {LAPSES_AFTER.days} days"
        for tenant in [row["tenant"] for row in rows]:
            async with self._database.transaction(Scope(tenant)) as tx:
                lapsed = await store.lapse(tx, before, now, note)
                await tell(
                    tx,
                    [
                        (f"withholding:lapsed:{row.finding_id}", withholding.changed(row, 0))
                        for row in lapsed
                        if row.withheld
                    ],
                    now,
                )

    async def rules(self, scope: Scope, *, limit: int = 100) -> list[Version]:
        """List the versions of this tenant's rules, the newest first; last are those built in."""
        async with self._database.transaction(scope) as tx:
            found = await rulebook.versions(tx, limit)
        built_in = Rules(tolerance=self._policy.tolerance, brake=self._policy.brake)
        return [*found, Version(version=0, put_at=None, put_by="", rules=built_in)][:limit]

    async def put_rules(self, scope: Scope, wanted: Rules, *, by: str) -> Version:
        """Put the next version of what is tolerated and what heals by itself (§4.2, §4.3).

        It holds from the next comparison on. Raises `Invalid` for what cannot be.
        """
        rules = checked(wanted)
        async with self._database.transaction(scope) as tx:
            now, cases = self._clock.now(), self._informants.cases
            made, last = await rulebook.put(tx, rules, by, now)
            if last != made:
                before = last.rules.brake if last else self._policy.brake
                await happened.rules_put(tx, made, now)
                await escalating.lowered(tx, cases, before, made.rules.brake, now)
        return made

    async def heal_by_rules(self) -> None:
        """Mend, for every tenant, what its rules let heal by itself."""
        await self._healer.follow()

    async def policy(self, scope: Scope) -> HousePolicy:
        """Tell what this tenant has decided, or the default."""
        async with self._database.transaction(scope) as tx:
            return await withholding.policy_in(tx)

    async def set_policy(self, scope: Scope, wanted: HousePolicy, *, by: str) -> HousePolicy:
        """Decide it; channels hear at once of what they are shown otherwise."""
        now = self._clock.now()
        change = self._ids.new().hex
        async with self._database.transaction(scope) as tx:
            changed, version = await withholding.put_policy(tx, wanted, by, now)
            policy = await withholding.policy_in(tx)
            if version:
                await happened.policy_put(tx, policy, version, by, now)
            named = [(f"withholding:{change}:{n}", one) for n, one in enumerate(changed)]
            await tell(tx, named, now)
        return policy

    async def withheld_in(
        self, tx: Transaction, tenant: str, items: Collection[str]
    ) -> Mapping[str, Mapping[str, int]]:
        """Say by how many micros less than the ledger may be shown: item, location, amount."""
        return await withholding.withheld_in(tx, tenant, items, self._informants.ledger)

    async def doubts_in(
        self, tx: Transaction, items: Collection[str]
    ) -> Mapping[tuple[str, str], Sequence[Doubt]]:
        """Tell what of the ledger is in doubt of these items, by item and location."""
        return await doubts.doubts_in(tx, items)

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
        """List findings, the most urgent first; of every state unless `wanted` says which.

        Each currency is ranked by itself, the functional one first; what has no price comes
        last, and what is gone after it.
        """
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            house = await rulebook.currency(tx, self._policy)
            rows = await listing.find(tx, replace(wanted or Wanted(), house=house), limit, now)
            return await showing.shown(tx, self._informants.cases, rows, now, house)

    async def finding(self, scope: Scope, finding_id: str) -> Finding:
        async with self._database.transaction(scope) as tx:
            return await self._shown(tx, await self._one(tx, finding_id))

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
            told: list[tuple[str, Payload]] = [
                (f"difference_closed:{finding_id}", findings.closed(row))
            ]
            if row.withheld and not row.is_gone:
                told.append((f"withholding:closed:{finding_id}", withholding.changed(row, 0)))
            await tell(tx, told, now)
            return await self._shown(tx, row)

    async def heal(
        self,
        scope: Scope,
        against: str,
        *,
        by: str,
        dry_run: bool = False,
        kind: Kind = Kind.STOCK,
    ) -> Healing:
        """Send the documents again that `against` is proven to lack; adjust nothing (§4.3).

        Of orders and purchases, those that the hub lacks or has stale are read again.
        """
        check_healed(kind)
        system = kind if kind in DOCUMENTS else HUB
        return await self._healer.heal(scope, Pair(system, against), by=by, dry_run=dry_run)

    async def backlog(self, scope: Scope, *, days: int = 30) -> Backlog:
        """Tell what is open by age and money, and what the last days' causes were (§4.5)."""
        now = self._clock.now()
        since = now - timedelta(days=days)
        async with self._database.transaction(scope) as tx:
            house = await rulebook.currency(tx, self._policy)
            ages = await backlog_store.ages(tx, now, house)
            causes = await backlog_store.causes(tx, since)
            opened, closed = await backlog_store.flow(tx, since)
            unnamed = await backlog_store.unnamed(tx)
        return ageing.backlog(ages, causes, opened=opened, closed=closed, unnamed=unnamed)

    async def cycle_counts(
        self,
        scope: Scope,
        *,
        location: str = "",
        limit: int = 100,
        told: Collection[Key] = (),
    ) -> list[CountProposal]:
        """Propose what to count today, the most urgent first. Blind: none names a quantity.

        Of `told` (location and item) what is still to be counted is among them beyond the limit.
        """
        async with self._database.transaction(scope) as tx:
            return await counting.proposals(
                tx, self._clock.now(), self._informants.ledger, location=location, limit=limit,
                told=told,
            )  # fmt: skip

    async def _shown(self, tx: Transaction, row: FindingRow) -> Finding:
        house, now = await rulebook.currency(tx, self._policy), self._clock.now()
        [found] = await showing.shown(tx, self._informants.cases, [row], now, house)
        return found

    async def _one(self, tx: Transaction, finding_id: str) -> FindingRow:
        rows = await listing.find(tx, Wanted(finding_id=finding_id), 1, self._clock.now())
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
