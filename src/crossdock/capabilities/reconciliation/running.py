"""One comparison from end to end: believe the snapshot, walk along both sides, judge, keep."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.envelope import Payload
from crossdock.canonical.reconciliation import SnapshotRejected
from crossdock.capabilities.reconciliation import (
    books,
    counting,
    ending,
    escalating,
    findings,
    guards,
    happened,
    judging,
    shapes,
    store,
    withholding,
)
from crossdock.capabilities.reconciliation.asked_store import put_classes
from crossdock.capabilities.reconciliation.books import Books
from crossdock.capabilities.reconciliation.classing import classes_of
from crossdock.capabilities.reconciliation.comparing import Suspect, Walk
from crossdock.capabilities.reconciliation.dumps import Worth
from crossdock.capabilities.reconciliation.earlier import (
    before_of,
    state_now,
    tell,
    us_of,
    was_confirmed,
)
from crossdock.capabilities.reconciliation.evidence import instant
from crossdock.capabilities.reconciliation.explaining import Explainer, Found
from crossdock.capabilities.reconciliation.guards import Plausible, Shape
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.model import ItemClass, State, common_cut
from crossdock.capabilities.reconciliation.money import at_risk
from crossdock.capabilities.reconciliation.outcome import About, Outcome
from crossdock.capabilities.reconciliation.ports import Informants, Key, LedgerKey
from crossdock.capabilities.reconciliation.sides import Side
from crossdock.capabilities.reconciliation.store import HUB, FindingRow, RunRow
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import derived_uuid, prefixed
from crossdock.foundation.log_times import place_before
from crossdock.foundation.scope import Scope
from crossdock.governance.authority import stock_keepers

BATCH = 500
DISORDER = timedelta(minutes=10)
"""Events may stand in the log before others that were received so much earlier."""


@dataclass(slots=True, kw_only=True)
class Comparison:
    database: Database
    clock: Clock
    informants: Informants
    policy: Policy
    scope: Scope
    about: About
    plausible: Plausible = field(default_factory=Plausible)
    is_believed: bool = False
    began_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began_at = self.clock.now()

    async def run(self, side: Side, first: Side | None = None) -> RunRow:
        """Compare `side` with the ledger, or with the `first` of two systems.

        A sample is as the keys that were asked for: that many of them are zero is nothing unusual,
        and nothing to measure a dump by.
        """
        for system, one in ((self.about.against, side), (self.about.system, first)):
            if one is None:
                continue
            reason = guards.refusal(one.shape, None, us_of(self.began_at), self.plausible)
            if not reason and not self.is_believed and not self.about.is_sample:
                usual = await self._usual(system, one)
                reason = guards.unusual(one.shapes, usual, self.plausible)
            if reason:
                return await self._reject(one, reason, system)
        outcome = await self._walked(side, first)
        if outcome.differing > self.policy.findings_max:
            reason = f"more than {self.policy.findings_max} keys differ"
            return await self._reject(side, reason, self.about.against)
        return await self._keep(side, outcome, first)

    async def _usual(self, system: str, side: Side) -> dict[str, Shape]:
        async with self.database.transaction(self.scope) as tx:
            return await shapes.usual_shapes(
                tx, system, sorted(side.spans), is_full=side.said.is_full
            )

    async def _walked(self, side: Side, first: Side | None) -> Outcome:
        """Compare in one read-only transaction, which sees one moment and hides nothing."""
        async with self.database.transaction(self.scope) as tx:
            rows = await store.open_of(tx, self.about.pair)
            if first is None:
                own, theirs = None, side.lines.by_key()
                cuts = await self._cuts(tx, side)
            else:
                own = Books(self.about.system, first, self.informants.names)
                cuts, side, theirs = books.met(first, side, self.policy.in_flight)
        befores = {(row.location, row.item): row for row in rows}
        watched = [key for key, row in befores.items() if row.state != State.TOLERATED]
        walk = Walk(
            side.said,
            frozenset(watched),
            day=self.began_at.toordinal(),
            is_ours_full=first is None or first.said.is_full,
            note=self._note if first is None else None,
            classes=self._classes,
        )
        outcome = Outcome(walk=walk, befores=befores, cuts=cuts)
        earliest = instant(min(cuts.at.values())) - DISORDER
        since = await place_before(self.database, earliest)
        explainer = Explainer(
            informants=self.informants,
            policy=self.policy,
            against=self.about.against,
            side=side,
            walk=walk,
            befores={key: before_of(row) for key, row in befores.items()},
            cuts=cuts.at,
            behind=cuts.behind,
            books=own,
        )
        async with self.database.transaction(self.scope) as tx:
            await self.informants.ledger.begin(tx)
            ours = own.keys(tx, cuts.at, since) if own else self._ours(tx, side, cuts, since)
            await self._explained(tx, walk.suspects(ours, theirs), explainer, outcome)
        outcome.explained = explainer.explained
        outcome.unknown = tuple(explainer.unknown)
        return outcome

    async def _note(self, known: Mapping[Key, Worth]) -> None:
        """Keep the classes that a dump tells: by them keys are sampled later."""
        async with self.database.transaction(self.scope) as tx:
            await put_classes(tx, known)

    async def _classes(self, keys: Collection[Key]) -> Mapping[Key, ItemClass]:
        async with self.database.transaction(self.scope) as tx:
            return await classes_of(tx, self.informants.names, keys)

    async def _explained(
        self,
        tx: Transaction,
        suspects: AsyncIterator[Suspect],
        explainer: Explainer,
        outcome: Outcome,
    ) -> None:
        """Judge what differs, batch by batch, until there is too much of it."""
        most = self.policy.findings_max
        batch: list[Suspect] = []
        async for suspect in suspects:
            batch.append(suspect)
            if len(batch) == BATCH:
                outcome.take(await explainer.found(tx, batch), most)
                batch = []
                if outcome.differing > most:
                    return
        outcome.take(await explainer.found(tx, batch), most)

    def _ours(
        self, tx: Transaction, side: Side, cuts: books.Cuts, since: int
    ) -> AsyncIterator[LedgerKey]:
        """Read the ledger whole where it has to be, and else what the other side names."""
        ledger = self.informants.ledger
        lines = None if side.said.is_full else side.lines.at_hand
        if lines is None:
            return ledger.keys(tx, cuts.at, since)
        wanted = sorted({(line.location, line.item) for line in lines})
        return ledger.some_keys(tx, cuts.at, since, wanted)

    async def _cuts(self, tx: Transaction, side: Side) -> books.Cuts:
        """Bring both sides of each location to the earlier of their watermarks (§4.1.2)."""
        now = us_of(self.began_at)
        at = {place: common_cut(now, span[0]) for place, span in side.spans.items()}
        keepers = await stock_keepers(tx, tx.tenant, at)
        heard = await self.informants.ledger.heard(tx)
        behind = [
            place
            for place, keeper in keepers.items()
            if keeper != HUB and ((last := heard.get(keeper)) is None or us_of(last) < at[place])
        ]
        return books.Cuts(at, frozenset(behind))

    async def _keep(self, side: Side, outcome: Outcome, first: Side | None) -> RunRow:
        """Write what was found, close what is gone, tell what is confirmed: one transaction."""
        now = self.clock.now()
        bills = await self._bills(outcome)
        keyed = [(one.location, one.item, one.judged) for one in outcome.found]
        judged = judging.paired(keyed, bills)
        found = [
            replace(one, judged=again) for one, again in zip(outcome.found, judged, strict=True)
        ]
        async with self.database.transaction(self.scope) as tx:
            now_open = await store.open_now(tx, self.about.pair)
            befores = {(row.location, row.item): row for row in now_open}
            gone, rows = self._sorted_out(outcome, found, befores, now)
            met = [(row, befores.get((row.location, row.item))) for row in rows]
            fresh = [row for row, before in met if escalating.is_fresh(row, before)]
            run = self._run(side, outcome, rows, gone, now)
            await store.put(tx, self.about.pair, self.about.run_id, rows, now)
            agreed = outcome.agreed()
            ended = await ending.end(
                tx,
                self.informants.cases,
                [(row, agreed.get((row.location, row.item))) for row in gone],
                now,
            )
            await store.add_run(tx, run)
            if not self.about.is_sample:
                await shapes.put_shapes(tx, self.about.against, side.shapes)
            if first is not None:
                await shapes.put_shapes(tx, self.about.system, first.shapes)
            if due := [
                counting.CountRow(*key, of, date.fromordinal(turn))
                for of, turns in outcome.walk.due.items()
                for key, turn in turns
            ]:
                await counting.put_counts(tx, due, self.began_at.date())
            brake = self.policy.brake
            await escalating.word(tx, self.informants.cases, met, brake, now)
            cases = _snapshot_cases(self.about)
            await self.informants.cases.closed(tx, cases, "a later snapshot was believed", now)
            await tell(
                tx,
                happened.confirmed(fresh, run.run_id)
                + self._withheld(run.run_id, befores, rows, gone)
                + happened.gone(gone, run.run_id)
                + ended,
                now,
            )
        return run

    async def _bills(self, outcome: Outcome) -> Mapping[str, Mapping[str, int]]:
        """Ask which of what differs are kits; nothing differs most of the time."""
        items = {one.item for one in outcome.found}
        if not items:
            return {}
        async with self.database.transaction(self.scope) as tx:
            return await self.informants.bills.bills_in(tx, items)

    def _withheld(
        self,
        run_id: str,
        befores: Mapping[Key, FindingRow],
        rows: Sequence[FindingRow],
        gone: Sequence[FindingRow],
    ) -> list[tuple[str, Payload]]:
        """Tell whoever shows stock what may be shown from now on."""
        if self.about.system != HUB:
            return []
        return [
            (f"withholding:{run_id}:{one.location}:{one.item}", one)
            for one in withholding.changes(befores, rows, gone)
        ]

    def _sorted_out(
        self,
        outcome: Outcome,
        found: Sequence[Found],
        befores: Mapping[Key, FindingRow],
        now: datetime,
    ) -> tuple[list[FindingRow], list[FindingRow]]:
        """Say which findings are gone and which are to be written, by what is open at this moment.

        A dump that is older than what a finding was last seen in says nothing of it. What was
        closed since the walk began was another finding.
        """
        alike = [befores[key] for key in outcome.walk.watched_alike if key in befores]
        gone = [row for row in alike if us_of(row.last_cut) <= outcome.cuts.at[row.location]]
        rows: list[FindingRow] = []
        for one in found:
            key = (one.location, one.item)
            before, walked = befores.get(key), outcome.befores.get(key)
            if before is not None and us_of(before.last_cut) > one.cut:
                continue
            if before is not None and _is_settled(one, before):
                gone.append(before)
                continue
            name = before.finding_id if before else self._finding_id(one)
            told = self._remembered(one, before)
            row = findings.row_of(told, name, self.about.run_id, self.about.pair, now)
            rows.append(replace(row, state=state_now(row.state, before, walked)))
        return gone, rows

    def _remembered(self, one: Found, before: FindingRow | None) -> Found:
        """Keep what single keys do not tell: in a sample others of a kit may not be asked for."""
        if not self.about.is_sample or before is None or before.is_gone:
            return one
        said = judging.Earlier(before.cause, before.because, before.remedy, before.at_stake)
        return replace(one, judged=judging.remembered(one.judged, said))

    async def _reject(self, side: Side, reason: str, system: str) -> RunRow:
        """Keep nothing but the refusal; what was found before stands (R7)."""
        now = self.clock.now()
        shape = side.shape
        nothing = Outcome(walk=Walk(side.said, frozenset()))
        said = reason if system == self.about.against else f"{system}: {reason}"
        run = replace(self._run(side, nothing, [], [], now), verdict="REJECTED", reason=said)
        case = OpenCase(
            code="RCN-SNAPSHOT",
            fingerprint=_snapshot_case(system, self.about),
            severity="S2",
            owner_role="Integration",
            within=timedelta(hours=1),
            entity=system,
            title=f"the snapshot of {system} is not believed: {reason}",
            evidence={"run": run.run_id, "rows": shape.rows, "zero_rows": shape.zeros},
        )
        told = SnapshotRejected(run_id=run.run_id, against=system, reason=reason)
        async with self.database.transaction(self.scope) as tx:
            await store.add_run(tx, run)
            await self.informants.cases.opened(tx, [case], now)
            await tell(tx, [(f"snapshot_rejected:{run.run_id}", told)], now)
        return run

    def _finding_id(self, one: Found) -> str:
        parts = (self.scope.tenant, self.about.run_id, one.location, one.item)
        return prefixed("fnd", derived_uuid("finding", *parts))

    def _run(
        self,
        side: Side,
        outcome: Outcome,
        rows: Sequence[FindingRow],
        gone: Sequence[FindingRow],
        now: datetime,
    ) -> RunRow:
        cuts = [instant(cut) for cut in outcome.cuts.at.values()]
        house = self.policy.brake.currency
        worth = at_risk((row for row in rows if row.state != State.TOLERATED), house)
        states = [row.state for row in rows]
        return RunRow(
            run_id=self.about.run_id,
            system=self.about.system,
            against=self.about.against,
            verdict="DONE",
            reason="",
            asked_by=self.about.by,
            began_at=self.began_at,
            ended_at=now,
            earliest_cut=min(cuts, default=None),
            latest_cut=max(cuts, default=None),
            row_count=side.rows,
            zero_count=side.zeros,
            is_full=side.said.is_full,
            compared=outcome.walk.compared,
            alike=outcome.walk.alike,
            explained=outcome.explained,
            tolerated=states.count(State.TOLERATED) + outcome.untold,
            suspected=states.count(State.SUSPECTED),
            confirmed=states.count(State.CONFIRMED),
            gone=len(gone),
            value_at_risk=worth.known,
            unknown_names=outcome.unknown,
            is_sample=self.about.is_sample,
            rules_version=self.about.rules_version,
            other_values=store.money_text(worth.others),
            unpriced=worth.unpriced,
        )


def _snapshot_cases(about: About) -> list[str]:
    """Name the cases of all whose word a comparison has believed."""
    systems = [about.against, *([about.system] if about.system != HUB else [])]
    return [_snapshot_case(one, about) for one in systems]


def _snapshot_case(system: str, about: About) -> str:
    """Name the case; a sample that is believed says nothing of a dump that was not."""
    return f"reconciliation/{system}/{'sample' if about.is_sample else 'snapshot'}"


def _is_settled(one: Found, before: FindingRow) -> bool:
    """Say whether what was confirmed is within tolerance now: a person closes it."""
    return one.judged.state is State.TOLERATED and was_confirmed(before)
