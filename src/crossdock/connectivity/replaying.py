"""Tries quarantined messages and facts again, with today's mapping and today's catalogue."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from crossdock.canonical.errors import CrossdockError, Invalid, NotFound
from crossdock.connectivity import quarantine, raw_messages, recording, streams
from crossdock.connectivity.inbox import Inbox, refusals_of
from crossdock.connectivity.quarantine import Quarantined
from crossdock.connectivity.raw_messages import Via
from crossdock.connectivity.recording import FactVerdict, Origin, ResolvesReferences, Verdict
from crossdock.connectivity.stored_facts import fact_of
from crossdock.connectivity.streams import GAP_CODE
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

_HELPED = frozenset({Verdict.NEW, Verdict.REPEAT, Verdict.WAITING, Verdict.PROPOSAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedEntry:
    """What a replay did, or in a dry run would do. `is_closed`: it leaves the quarantine."""

    id: int
    is_closed: bool
    verdicts: dict[Verdict, int] = field(default_factory=dict[Verdict, int])
    reason: str = ""


class _DryRun(Exception):
    """Carries the result out of a transaction that must not commit."""

    def __init__(self, result: ReplayedEntry) -> None:
        super().__init__()
        self.result = result


class Quarantine:
    """What people may do with what is set aside: list, show, replay, discard."""

    def __init__(
        self, database: Database, clock: Clock, inbox: Inbox, references: ResolvesReferences
    ) -> None:
        self._database = database
        self._clock = clock
        self._inbox = inbox
        self._references = references

    async def find(  # noqa: PLR0913 - each narrows the list
        self,
        scope: Scope,
        *,
        state: str = "OPEN",
        source: str = "",
        code: str = "",
        ids: Sequence[int] | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[Quarantined]:
        async with self._database.transaction(scope) as tx:
            return await quarantine.find(
                tx, state=state, source=source, code=code, ids=ids, after=after, limit=limit
            )

    async def count_open(self, scope: Scope) -> int:
        async with self._database.transaction(scope) as tx:
            return await quarantine.count_open(tx)

    async def show(self, scope: Scope, quarantine_id: int) -> Quarantined:
        async with self._database.transaction(scope) as tx:
            return await quarantine.show(tx, quarantine_id)

    async def discard(self, scope: Scope, ids: Sequence[int], *, reason: str) -> int:
        """Give up on entries; they stay on record, with the reason.

        A number that there is not is `NotFound`, and none is given up.
        """
        if not reason.strip():
            raise Invalid("say why it is discarded", where="reason")
        async with self._database.transaction(scope) as tx:
            found = await quarantine.find(tx, state="", ids=ids, limit=len(ids))
            if unknown := set(ids) - {entry.id for entry in found}:
                raise NotFound(
                    f"nothing in quarantine has the number {min(unknown)}",
                    hint="`crossdock msg list` shows what has; nothing was discarded",
                )
            return await quarantine.close(tx, ids, "DISCARDED", reason, self._clock.now())

    async def replay(
        self, scope: Scope, entries: Sequence[Quarantined], *, dry_run: bool = False
    ) -> list[ReplayedEntry]:
        """Try entries again, each in a transaction of its own.

        A dry run does the very same and rolls it back, so what it says is what would happen.
        """
        return [await self._replay(scope, entry, dry_run=dry_run) for entry in entries]

    async def _replay(self, scope: Scope, entry: Quarantined, *, dry_run: bool) -> ReplayedEntry:
        try:
            async with self._database.transaction(scope) as tx:
                result = await self._tried(tx, entry)
                _keep_unless(dry_run, result)
        except _DryRun as trial:
            return trial.result
        except CrossdockError as error:
            return ReplayedEntry(id=entry.id, is_closed=False, reason=error.message)
        return result

    async def _tried(self, tx: Transaction, entry: Quarantined) -> ReplayedEntry:
        tx.scope.must_cover([entry.tenant])
        if entry.state != "OPEN":
            return ReplayedEntry(id=entry.id, is_closed=False, reason=f"it is {entry.state}")
        if entry.code == GAP_CODE:
            reason = (
                "a hole cannot be replayed: it closes when the source sends these numbers again,"
                " or a full snapshot of the site that numbers its own; else discard it after one"
            )
            return ReplayedEntry(id=entry.id, is_closed=False, reason=reason)
        if entry.fact is not None:
            return await self._tried_fact(tx, entry, entry.fact)
        if entry.raw_ref is None:
            return ReplayedEntry(id=entry.id, is_closed=False, reason="nothing was kept of it")
        return await self._tried_message(tx, entry, entry.raw_ref)

    async def _tried_fact(self, tx: Transaction, entry: Quarantined, fact: str) -> ReplayedEntry:
        origin = Origin(
            tenant=entry.tenant,
            source=entry.source,
            received_at=self._clock.now(),
            raw_ref=entry.raw_ref,
            is_gapless=await streams.is_watched(tx, entry.source),
        )
        verdicts = await recording.record(tx, origin, [fact_of(fact)], self._references)
        return await self._closed(tx, entry, verdicts, is_helped=verdicts[0].verdict in _HELPED)

    async def _tried_message(
        self, tx: Transaction, entry: Quarantined, raw_ref: int
    ) -> ReplayedEntry:
        """Read the whole message again: what it said before is a repeat, the rest is new.

        What came in canonical words no mapping has read, and none can.
        """
        if (await raw_messages.get(tx, raw_ref)).via is Via.API:
            reason = (
                "it came in the hub's own words, by a program or the API, and not as a message"
                " that a mapping reads: say it again, put right, and discard this"
            )
            return ReplayedEntry(id=entry.id, is_closed=False, reason=reason)
        origin, translation = await self._inbox.translated(tx, entry.source, raw_ref)
        still = refusals_of(translation, raw_ref)
        verdicts = await recording.record(tx, origin, translation.facts, self._references)
        kept = [*still, *recording.unreadable(origin, translation.facts)]
        await quarantine.close_message(tx, entry.tenant, raw_ref, kept, self._clock.now())
        await quarantine.add(tx, entry.tenant, entry.source, still, self._clock.now())
        if translation.facts or not still:
            await raw_messages.finish(tx, {raw_ref: "RECORDED"})
        after = await quarantine.show(tx, entry.id)
        return ReplayedEntry(
            id=entry.id,
            is_closed=after.state != "OPEN",
            verdicts=_counted(verdicts),
            reason="" if after.state != "OPEN" else after.reason,
        )

    async def _closed(
        self,
        tx: Transaction,
        entry: Quarantined,
        verdicts: Sequence[FactVerdict],
        *,
        is_helped: bool,
    ) -> ReplayedEntry:
        is_proposal = verdicts[0].verdict is Verdict.PROPOSAL
        if is_helped:
            became = "kept as a proposal" if is_proposal else "recorded"
            await quarantine.close(tx, [entry.id], "REPLAYED", became, self._clock.now())
        return ReplayedEntry(
            id=entry.id,
            is_closed=is_helped,
            verdicts=_counted(verdicts),
            reason="" if is_helped and not is_proposal else verdicts[0].reason,
        )


def _keep_unless(dry_run: bool, result: ReplayedEntry) -> None:  # noqa: FBT001 - reads as said
    if dry_run:
        raise _DryRun(result)


def _counted(verdicts: Sequence[FactVerdict]) -> dict[Verdict, int]:
    return dict(Counter(each.verdict for each in verdicts))
