"""What is mended by itself: documents that are sent again, with a brake (§4.3)."""

from dataclasses import dataclass
from datetime import timedelta

from crossdock.capabilities.reconciliation import findings, guards, store
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.ports import Informants
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope

ATTEMPTS_MAX = 2
FRESH = timedelta(hours=4)
"""A finding is mended by itself so long after its cut."""


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


class Healer:
    def __init__(
        self, database: Database, clock: Clock, informants: Informants, brake: Brake
    ) -> None:
        self._database = database
        self._clock = clock
        self._informants = informants
        self._brake = brake

    async def heal(self, scope: Scope, against: str, *, by: str, dry_run: bool) -> Healing:
        """Send documents again, of what the newest comparison has found at a cut of late.

        What was seen earlier may be mended by now. It stops before anything is sent if too much
        would change at once. A finding is tried twice, and what could not be sent is no try; what
        is still there then is for a person, who has had its case all along.
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
            self._brake,
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
