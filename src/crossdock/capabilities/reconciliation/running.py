"""One comparison from end to end: believe the snapshot, walk along both sides, judge, keep."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.reconciliation import SnapshotRejected
from crossdock.capabilities.reconciliation import findings, guards, judging, store
from crossdock.capabilities.reconciliation.comparing import Suspect, Walk
from crossdock.capabilities.reconciliation.explaining import Explainer, Found, instant
from crossdock.capabilities.reconciliation.guards import Plausible, Shape
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.model import Before, State, common_cut
from crossdock.capabilities.reconciliation.ports import CaseWanted, Informants, Key, LedgerKey
from crossdock.capabilities.reconciliation.sides import Side
from crossdock.capabilities.reconciliation.store import FindingRow, RunRow
from crossdock.foundation import event_log
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.event_log import Entry
from crossdock.foundation.ids import derived_uuid, prefixed
from crossdock.foundation.log_times import place_before
from crossdock.foundation.scope import Scope
from crossdock.governance.authority import stock_keepers

HUB = "crossdock"
"""The source name of the hub's own facts."""

BATCH = 500
VALUE_MAX = 9 * 10**18
DISORDER = timedelta(minutes=10)
"""Events may stand in the log before others that were received so much earlier."""


class About(NamedTuple):
    run_id: str
    against: str
    by: str


class Cuts(NamedTuple):
    """The instant that each location is compared at; `behind`: its keeper was not heard since."""

    at: Mapping[str, int]
    behind: frozenset[str]


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What a walk found; `befores` is what was open of this pair of systems."""

    walk: Walk
    explained: int = 0
    found: list[Found] = field(default_factory=list[Found])
    unknown: tuple[str, ...] = ()
    befores: Mapping[Key, FindingRow] = field(default_factory=dict[Key, FindingRow])
    cuts: Cuts = field(default_factory=lambda: Cuts({}, frozenset()))


@dataclass(slots=True, kw_only=True)
class Comparison:
    database: Database
    clock: Clock
    informants: Informants
    policy: Policy
    scope: Scope
    about: About
    plausible: Plausible = field(default_factory=Plausible)
    began_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.began_at = self.clock.now()

    async def run(self, side: Side) -> RunRow:
        usual = await self._usual(is_full=side.said.is_full)
        reason = guards.refusal(side.shape, usual, _us(self.began_at), self.plausible)
        if reason:
            return await self._reject(side, reason)
        outcome = await self._walked(side)
        if len(outcome.found) > self.policy.findings_max:
            reason = f"more than {self.policy.findings_max} keys differ"
            return await self._reject(side, reason)
        return await self._keep(side, outcome)

    async def _usual(self, *, is_full: bool) -> Shape | None:
        async with self.database.transaction(self.scope) as tx:
            row = await tx.fetchrow(store.USUAL, tx.tenant, self.about.against, is_full)
        return row and Shape(rows=row["row_count"], zeros=row["zero_count"], taken_at=0)

    async def _walked(self, side: Side) -> Outcome:
        """Compare in one read-only transaction, which sees one moment and hides nothing."""
        async with self.database.transaction(self.scope) as tx:
            rows = await store.open_of(tx, self.about.against)
            cuts = await self._cuts(tx, side)
        befores = {(row.location, row.item): row for row in rows}
        watched = [key for key, row in befores.items() if row.state != State.TOLERATED]
        walk = Walk(side.said, frozenset(watched), day=self.began_at.toordinal())
        outcome = Outcome(walk=walk, befores=befores, cuts=cuts)
        earliest = instant(min(cuts.at.values())) - DISORDER
        since = await place_before(self.database, earliest)
        explainer = Explainer(
            informants=self.informants,
            policy=self.policy,
            against=self.about.against,
            side=side,
            walk=walk,
            befores={key: _before(row) for key, row in befores.items()},
            cuts=cuts.at,
            behind=cuts.behind,
        )
        async with self.database.transaction(self.scope) as tx:
            await self.informants.ledger.begin(tx)
            batch: list[Suspect] = []
            ours = self._ours(tx, side, cuts, since)
            async for suspect in walk.suspects(ours, side.lines.by_key()):
                batch.append(suspect)
                if len(batch) == BATCH:
                    outcome.found += await explainer.found(tx, batch)
                    batch = []
                    if len(outcome.found) > self.policy.findings_max:
                        return outcome
            outcome.found += await explainer.found(tx, batch)
        outcome.explained = explainer.explained
        outcome.unknown = tuple(explainer.unknown)
        return outcome

    def _ours(
        self, tx: Transaction, side: Side, cuts: Cuts, since: int
    ) -> AsyncIterator[LedgerKey]:
        """Read the ledger whole where it has to be, and else what the other side names."""
        ledger = self.informants.ledger
        lines = None if side.said.is_full else side.lines.at_hand
        if lines is None:
            return ledger.keys(tx, cuts.at, since)
        wanted = sorted({(line.location, line.item) for line in lines})
        return ledger.some_keys(tx, cuts.at, since, wanted)

    async def _cuts(self, tx: Transaction, side: Side) -> Cuts:
        """Bring both sides of each location to the earlier of their watermarks (§4.1.2)."""
        now = _us(self.began_at)
        at = {place: common_cut(now, span[0]) for place, span in side.spans.items()}
        keepers = await stock_keepers(tx, tx.tenant, at)
        heard = await self.informants.ledger.heard(tx)
        behind = [
            place
            for place, keeper in keepers.items()
            if keeper != HUB and ((last := heard.get(keeper)) is None or _us(last) < at[place])
        ]
        return Cuts(at, frozenset(behind))

    async def _keep(self, side: Side, outcome: Outcome) -> RunRow:
        """Write what was found, close what is gone, tell what is confirmed: one transaction."""
        now = self.clock.now()
        judged = judging.paired([(one.location, one.item, one.judged) for one in outcome.found])
        found = [
            replace(one, judged=again) for one, again in zip(outcome.found, judged, strict=True)
        ]
        async with self.database.transaction(self.scope) as tx:
            now_open = await store.open_now(tx, self.about.against)
            befores = {(row.location, row.item): row for row in now_open}
            gone, rows = self._sorted_out(outcome, found, befores, now)
            fresh = [
                row
                for row in rows
                if row.state == State.CONFIRMED
                and not _was_confirmed(befores.get((row.location, row.item)))
            ]
            run = self._run(side, outcome, rows, gone, now)
            await store.put(tx, self.about.against, self.about.run_id, rows, now)
            ids = [row.finding_id for row in gone]
            if ids:
                await tx.execute(store.CLOSE_GONE, tx.tenant, ids, now)
                await tx.execute(store.MARK_GONE, tx.tenant, ids)
            await store.add_run(tx, run)
            if due := [
                store.CountRow(*key, of) for of, keys in outcome.walk.due.items() for key in keys
            ]:
                await store.put_counts(tx, due, self.began_at.date())
            await self.informants.cases.opened(tx, [findings.case_of(row) for row in fresh], now)
            await self.informants.cases.closed(
                tx, [self._snapshot_case], "a later snapshot was believed", now
            )
            await tell(
                tx,
                [
                    (f"difference_confirmed:{row.finding_id}", findings.confirmed(row))
                    for row in fresh
                ],
                now,
            )
        return run

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
        gone = [row for row in alike if _us(row.last_cut) <= outcome.cuts.at[row.location]]
        rows: list[FindingRow] = []
        for one in found:
            key = (one.location, one.item)
            before, walked = befores.get(key), outcome.befores.get(key)
            if before is not None and _us(before.last_cut) > one.cut:
                continue
            if before is not None and _is_settled(one, before):
                gone.append(before)
                continue
            name = before.finding_id if before else self._finding_id(one)
            row = findings.row_of(one, name, self.about.run_id, self.about.against, now)
            rows.append(replace(row, state=_state_now(row.state, before, walked)))
        return gone, rows

    async def _reject(self, side: Side, reason: str) -> RunRow:
        """Keep nothing but the refusal; what was found before stands (R7)."""
        now = self.clock.now()
        shape = side.shape
        nothing = Outcome(walk=Walk(side.said, frozenset()))
        run = replace(self._run(side, nothing, [], [], now), verdict="REJECTED", reason=reason)
        case = CaseWanted(
            code="RCN-SNAPSHOT",
            fingerprint=self._snapshot_case,
            severity="S2",
            owner_role="Integration",
            within=timedelta(hours=1),
            entity=self.about.against,
            title=f"the snapshot of {self.about.against} is not believed: {reason}",
            evidence={"run": run.run_id, "rows": shape.rows, "zero_rows": shape.zeros},
        )
        told = SnapshotRejected(run_id=run.run_id, against=run.against, reason=reason)
        async with self.database.transaction(self.scope) as tx:
            await store.add_run(tx, run)
            await self.informants.cases.opened(tx, [case], now)
            await tell(tx, [(f"snapshot_rejected:{run.run_id}", told)], now)
        return run

    @property
    def _snapshot_case(self) -> str:
        return f"reconciliation/{self.about.against}/snapshot"

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
        values = [
            row.value_at_risk
            for row in rows
            if row.value_at_risk is not None and row.state != State.TOLERATED
        ]
        states = [row.state for row in rows]
        return RunRow(
            run_id=self.about.run_id,
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
            tolerated=states.count(State.TOLERATED),
            suspected=states.count(State.SUSPECTED),
            confirmed=states.count(State.CONFIRMED),
            gone=len(gone),
            value_at_risk=min(sum(values), VALUE_MAX) if values else None,
            unknown_names=outcome.unknown,
        )


def _us(moment: datetime) -> int:
    return (moment - instant(0)) // timedelta(microseconds=1)


def _before(row: FindingRow) -> Before:
    return Before(State(row.state), _us(row.first_cut), row.at_stake)


def _state_now(state: str, before: FindingRow | None, walked: FindingRow | None) -> str:
    """Correct a state that was judged by a finding which another has changed meanwhile."""
    if state == State.SUSPECTED and _was_confirmed(before):
        return State.CONFIRMED
    is_same = before and walked and before.finding_id == walked.finding_id
    if state == State.CONFIRMED and not is_same and not _was_confirmed(before):
        return State.SUSPECTED
    return state


def _is_settled(one: Found, before: FindingRow) -> bool:
    """Say whether what was confirmed is within tolerance now: a person closes it."""
    return one.judged.state is State.TOLERATED and _was_confirmed(before)


def _was_confirmed(before: FindingRow | None) -> bool:
    return before is not None and before.state == State.CONFIRMED


async def tell(tx: Transaction, said: Sequence[tuple[str, Payload]], now: datetime) -> None:
    """Tell the log, each once."""
    await event_log.append_once(
        tx,
        [
            Entry(
                tenant=tx.tenant,
                source=HUB,
                received_at=now,
                fact=Fact(identity=identity, payload=payload, occurred_at=now, recorded_at=now),
            )
            for identity, payload in said
        ],
    )
