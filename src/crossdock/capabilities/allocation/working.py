"""Works on item-locations that are due, in sets, and makes a run where one would change something.

What the policy lets apply by itself is applied; the rest waits for a person.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from crossdock.canonical.errors import Conflict
from crossdock.capabilities.allocation import rulebook, runs, store
from crossdock.capabilities.allocation.asks import Around, Key
from crossdock.capabilities.allocation.elsewhere import Elsewhere
from crossdock.capabilities.allocation.oversold import look_later
from crossdock.capabilities.allocation.rulebook import AllocationPolicy, Applies
from crossdock.capabilities.allocation.service import AFTER_FAILURE, apply, escalate
from crossdock.capabilities.allocation.shapes import Run, RunState, Word
from crossdock.capabilities.allocation.sight import Offered, Sight, doubtful, look
from crossdock.capabilities.allocation.told import HUB
from crossdock.foundation import event_log, telemetry
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

PAGE = 500
SET = 50
"""So many item-locations share a transaction: it holds the locks of their order lines."""
AFTER_DOUBT = timedelta(seconds=5)
"""Orders are heard before; who comes behind has his turn meanwhile."""
UNASKED = timedelta(minutes=1)
"""Lines that others kept from being asked for elsewhere come next."""
KEPT = timedelta(days=100)
"""Order lines that are done with are kept as long, for the maxima and minima of a quarter."""


class Work:
    """What jobs call; every process may, one at a time does."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, around: Around) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._around = around
        self._stock = around.stock
        self._elsewhere = Elsewhere(database, clock, around)

    async def due(self) -> int:
        """Work until nothing is due that inventory has heard of; count the item-locations.

        What was approved elsewhere is held before and after: a run is made beside it.
        """
        await self._elsewhere.carry_out()
        done = await self._all_due()
        await self._elsewhere.carry_out()
        return done

    async def _all_due(self) -> int:
        done = 0
        while True:
            async with self._database.transaction(Scope.of_workers()) as tx:
                rows = await tx.fetch(store.DUE, self._clock.now(), PAGE)
            worked = 0
            for tenant in sorted({row["tenant"] for row in rows}):
                worked += await self._work(tenant, [r for r in rows if r["tenant"] == tenant])
            done += worked
            if not worked or len(rows) < PAGE:
                return done

    async def mark_all(self) -> None:
        """Have every item-location looked at where order lines wait: nightly."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            await tx.execute(store.MARK_ALL, self._clock.now())

    async def forget(self, *, limit: int = 10_000) -> None:
        """Drop order lines that have been done with for a while."""
        async with self._database.transaction(Scope.of_workers()) as tx:
            await tx.execute(store.FORGET, self._clock.now() - KEPT, limit)

    async def _work(self, tenant: str, rows: Sequence[Any]) -> int:
        """Work on what inventory has heard of; what it has not stays due.

        Where events come without an end the oldest of them decides, or it would wait for ever.
        """
        async with self._database.transaction(Scope(tenant)) as tx:
            told = {row[name] for row in rows for name in ("oldest", "position")} - {0}
            heard = {0, *(await self._stock.heard(tx, tenant, sorted(told)) if told else ())}
        ready = [row for row in rows if row["oldest"] in heard]
        keys = [(row["item"], row["location"]) for row in ready]
        await self._elsewhere.settle(Scope(tenant), keys)
        for start in range(0, len(ready), SET):
            await self._set(tenant, ready[start : start + SET], heard)
        return len(ready)

    async def _set(self, tenant: str, rows: Sequence[Any], heard: Collection[int]) -> None:
        """Work on a set; one that fails is found alone and comes again later."""
        try:
            keys = [(row["item"], row["location"]) for row in rows]
            found = await self._elsewhere.offers(Scope(tenant), keys, self._clock.now())
            async with self._database.transaction(Scope(tenant)) as tx:
                await self._in_one(tx, rows, heard, found.offers)
                again = self._clock.now() + UNASKED
                await look_later(tx, dict.fromkeys(sorted(found.unasked), again))
        except OUTAGES:
            raise
        except Exception as error:
            if len(rows) > 1:
                for row in rows:
                    await self._set(tenant, [row], heard)
                return
            if isinstance(error, Conflict):  # a person was quicker: it stays due
                return
            [row] = rows
            async with self._database.transaction(Scope(tenant)) as tx:
                with telemetry.correlated(await event_log.thread_of(tx, row["position"])):
                    log.exception("allocation failed", item=row["item"], location=row["location"])
                again = self._clock.now() + AFTER_FAILURE
                await tx.execute(store.POSTPONE, tenant, row["item"], row["location"], again)

    async def _in_one(
        self, tx: Transaction, rows: Sequence[Any], heard: Collection[int], offers: Offered
    ) -> None:
        now = self._clock.now()
        reasons: dict[Key, str] = {(row["item"], row["location"]): row["reason"] for row in rows}
        sights = await look(tx, self._around, list(reasons), now)
        await self._close(tx, sights, now)
        policy = await rulebook.policy_in(tx)
        latest = {
            (row["item"], row["location"]): row
            for row in await tx.fetch(
                store.LATEST, tx.tenant, [key[0] for key in reasons], [key[1] for key in reasons]
            )
        }
        quiet: dict[Key, Run] = {}
        made: list[tuple[Run, Sight]] = []
        settled: list[Run] = []
        drawn = [
            (
                sight.run(self._run_id(), reasons[sight.item, sight.location], HUB, now, offers),
                sight,
            )
            for sight in sights
        ]
        worse = [sight for run, sight in drawn if run.is_worse]
        later = await doubtful(tx, self._stock, worse)
        for key in sorted(later):  # they stay due
            await tx.execute(store.POSTPONE, tx.tenant, *key, now + AFTER_DOUBT)
        for run, sight in drawn:
            key = (sight.item, sight.location)
            if key in later:
                continue
            if run.state is not RunState.REFUSED and not run.is_change:
                quiet[key] = run
            elif _is_settled(run, latest.get(key), policy):
                settled.append(_as(run, latest[key], RunState(latest[key]["state"])))
            else:
                made.append((run, sight))
        decided = await self._decide(tx, made, policy, now)
        await runs.supersede(tx, list(quiet), now)
        await _end_refused(tx, [latest[key] for key in quiet if key in latest], now)
        # Nothing to do is as good as done, by the run before.
        decided += [_as(run, latest.get(key), RunState.APPLIED) for key, run in quiet.items()]
        await _worked(
            tx, [row for row in rows if (row["item"], row["location"]) not in later], heard
        )
        done = "nothing waits for a person any more"
        await escalate(tx, self._around, decided, now, done, settled=settled)

    def _run_id(self) -> str:
        return prefixed("run", self._ids.new())

    async def _decide(
        self,
        tx: Transaction,
        made: Sequence[tuple[Run, Sight]],
        policy: AllocationPolicy,
        now: datetime,
    ) -> list[Run]:
        """Keep runs, and apply those that the policy lets; give them as they stand then."""
        if not made:
            return []
        kept = await runs.save(tx, [run for run, _ in made])
        pairs = [(run, sight) for run, (_, sight) in zip(kept, made, strict=True)]
        applied = [(run, sight) for run, sight in pairs if _applies(run, policy)]
        if applied:
            await apply(tx, applied, Word(HUB, now, f"policy {policy.applies}"))
        return [
            replace(run, state=RunState.APPLIED) if _applies(run, policy) else run
            for run, _ in pairs
        ]

    async def _close(self, tx: Transaction, sights: Sequence[Sight], now: datetime) -> None:
        """Close order lines that claim nothing any more, once inventory knows their last order.

        Asked again after that is certain: a line that has just moved elsewhere is not closed.
        """
        gone = {ref: at for sight in sights for ref, at in sight.unclaimed.items()}
        if not gone:
            return
        heard = await self._stock.heard(tx, tx.tenant, list(gone.values()))
        sure = sorted(ref for ref, position in gone.items() if position in heard)
        keys = [(sight.item, sight.location) for sight in sights]
        stock = await self._stock.stock(tx, tx.tenant, keys, sure)
        claims = {ref: claim for one in stock.values() for ref, claim in one.claims.items()}
        closing = [ref for ref in sure if ref not in claims or not claims[ref].open]
        picked = [claims[ref].picked if ref in claims else 0 for ref in closing]
        await tx.execute(store.CLOSE, tx.tenant, now, closing, picked)


async def _worked(tx: Transaction, rows: Sequence[Any], heard: Collection[int]) -> None:
    """Take off what was worked on; where its newest event was not heard of it is due once more."""
    done = [row for row in rows if row["position"] in heard]
    more = [row for row in rows if row["position"] not in heard]
    await tx.execute(
        store.WORKED,
        tx.tenant,
        [row["item"] for row in more],
        [row["location"] for row in more],
        [row["position"] for row in more],
    )
    await tx.execute(
        store.DONE,
        tx.tenant,
        [row["item"] for row in done],
        [row["location"] for row in done],
        [row["position"] for row in done],
        [row["due_at"] for row in done],
    )


async def _end_refused(tx: Transaction, latest: Sequence[Any], now: datetime) -> None:
    refused = [row["run_id"] for row in latest if row["state"] == RunState.REFUSED]
    await runs.end_refused(tx, refused, now)


def _as(run: Run, latest: Any, state: RunState) -> Run:
    return replace(run, run_id="" if latest is None else latest["run_id"], state=state)


def _is_settled(run: Run, latest: Any, policy: AllocationPolicy) -> bool:
    """Say whether the same was decided on before: it was rejected, refused, or rightly waits."""
    if latest is None or latest["digest"] != run.digest:
        return False
    if latest["state"] == RunState.SIMULATED:
        return not _applies(run, policy)
    return latest["state"] in {RunState.REJECTED, RunState.REFUSED}


def _applies(run: Run, policy: AllocationPolicy) -> bool:
    if run.state is RunState.REFUSED:
        return False
    if policy.applies is Applies.NOBODY_LOSES:
        return not run.lost
    return policy.applies is Applies.EVERYTHING
