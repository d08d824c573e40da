"""What is mended by itself: documents that are sent, or read, again, with a brake (§4.3)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from crossdock.capabilities.reconciliation import findings, guards, happened, rulebook, store
from crossdock.capabilities.reconciliation.asked_store import Sampling, sampled
from crossdock.capabilities.reconciliation.guards import Brake
from crossdock.capabilities.reconciliation.happened import How, Try
from crossdock.capabilities.reconciliation.kinds import Kind
from crossdock.capabilities.reconciliation.money import at_risk, is_weighed
from crossdock.capabilities.reconciliation.open_lines import joined_line
from crossdock.capabilities.reconciliation.ports import Informants
from crossdock.capabilities.reconciliation.ranking import Remedy
from crossdock.capabilities.reconciliation.rules import Rules
from crossdock.capabilities.reconciliation.store import HUB, FindingRow, Pair, RunRow
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.governance.authority import stock_keepers

FRESH = timedelta(hours=4)
"""A finding is mended by itself so long after its cut."""
BACK_MAX = timedelta(days=31)
"""What is lacked for longer is for a person: so much is not read again unasked."""
ROUND = timedelta(days=7)
"""The keys of the samples of so long are what the brake goes by where there is no dump."""
BACK_MAX_BY_HAND = timedelta(days=366)
"""Who asks for it may have more read again; what is older is a time that is written wrongly."""
MARGIN = timedelta(hours=1)
"""A source is read again from so long before what is lacking: its clock may differ from theirs."""

KEYS_MIN = 50
"""A comparison of fewer keys or open lines counts as one of so many: one is no runaway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Healing:
    """What was mended by sending documents again, or by reading them again.

    `findings` are those that can be mended so, `sent` is how many documents were sent, `asked` are
    the sources whose facts are read again for the documents that the ledger lacks. `unlisted` is
    of how many purchase lines it was recorded that nothing is to come, as `against` lists them no
    more. `stopped` says why nothing was, or is empty.
    """

    against: str
    findings: tuple[str, ...]
    sent: int
    stopped: str
    asked: tuple[str, ...] = ()
    unlisted: int = 0


@dataclass(frozen=True, slots=True)
class _Mending:
    """A finding, with the movements to be sent again or the source to be read again since.

    `is_unlisted`: its source lists the purchase no more, and that is recorded as its word.
    """

    row: FindingRow
    movements: list[str]
    source: str = ""
    since: datetime | None = None
    is_unlisted: bool = False

    def may_be(self, now: datetime, *, is_by_itself: bool) -> bool:
        """Say whether it may be mended at all: not what is on its way, nor from long ago on."""
        if self.since is None:
            return not (self.is_unlisted and self.row.is_in_flight)
        if is_by_itself:
            return not self.row.is_in_flight and self.since >= now - BACK_MAX
        return self.since >= now - BACK_MAX_BY_HAND


class _Done(NamedTuple):
    """Which documents were sent, who is read again, and of how many lines nothing is to come."""

    sent: frozenset[str] = frozenset()
    asked: Sequence[str] = ()
    unlisted: int = 0


class Healer:
    """`brake` is used where a tenant has put no rules."""

    def __init__(
        self, database: Database, clock: Clock, informants: Informants, brake: Brake
    ) -> None:
        self._database = database
        self._clock = clock
        self._informants = informants
        self._brake = brake

    async def follow(self) -> None:
        """Mend what the rules of each tenant let heal by itself, each once after a later cut.

        One system whose differences cannot be mended does not keep the others waiting; its error
        is raised at the end.
        """
        async with self._database.transaction(Scope.of_workers()) as tx:
            rows = await tx.fetch(store.WITH_HEALABLE)
        failures: list[Exception] = []
        for tenant, against, system in rows:
            pair = Pair(system, against)
            try:
                await self.heal(Scope(tenant), pair, by=HUB, dry_run=False, is_by_itself=True)
            except Exception as error:  # noqa: BLE001 whatever it is, the others are mended
                failures.append(error)
        if failures:
            raise failures[0]

    async def heal(
        self,
        scope: Scope,
        pair: Pair,
        *,
        by: str,
        dry_run: bool,
        is_by_itself: bool = False,
    ) -> Healing:
        """Send or read documents again, of what the newest comparison of a pair found of late.

        What was seen earlier may be mended by now. It stops before anything is sent if too much
        would change at once; what is worth money in another currency than the cap's is left to a
        person, and stops nothing else. A finding is tried as often as the rules say, and what
        could not be sent is no try; what is still there then is for a person, who has had its
        case all along.
        """
        async with self._database.transaction(scope) as tx:
            put = await rulebook.newest(tx)
            rules = put.rules if put else Rules(brake=self._brake)
            rows = await store.to_heal(tx, pair, rules, is_by_itself=is_by_itself)
            last = await store.last_run(tx, pair.against, pair.system)
            keepers = await stock_keepers(tx, tx.tenant, {row.location for row in rows})
            week = await sampled(tx, pair, self._clock.now() - ROUND)
        newest, since = _newest(last, week), self._clock.now() - FRESH
        rows = [row for row in rows if row.run_id in newest and row.last_cut >= since]
        mendings = [one for row in rows if (one := _mending(row, keepers)) is not None]
        now = self._clock.now()
        chosen = [
            one
            for one in mendings
            if one.may_be(now, is_by_itself=is_by_itself)
            and is_weighed(one.row, rules.brake.currency)
        ]
        stopped = await self._stopped(scope, pair, chosen, (last, week), rules)
        done = _Done()
        if chosen and not stopped and not dry_run:
            done = await self._carried_out(scope, pair, chosen, by)
        return Healing(
            against=pair.against,
            findings=tuple(one.row.finding_id for one in chosen),
            sent=len(done.sent),
            stopped=stopped,
            asked=tuple(done.asked),
            unlisted=done.unlisted,
        )

    async def _carried_out(
        self, scope: Scope, pair: Pair, chosen: Sequence[_Mending], by: str
    ) -> _Done:
        """Send, read again and record what is chosen; count a try of each that was."""
        sent: frozenset[str] = frozenset()
        if movements := [name for one in chosen for name in one.movements]:
            reason = f"{pair.against} lacks it, by reconciliation ({by})"
            sent = await self._informants.sender.send_again(scope, pair.against, movements, reason)
        asked = await self._read_again(scope, chosen)
        unlisted = await self._record_unlisted(scope, pair.against, chosen)
        async with self._database.transaction(scope) as tx:
            again = [one.row for one in chosen if not sent.isdisjoint(one.movements)]
            read = [one.row for one in chosen if one.source and one.source in asked]
            gone = [one.row for one in chosen if one.is_unlisted]
            at = self._clock.now()
            await happened.tried(tx, again, Try(How.SENT_AGAIN, by), at)
            await happened.tried(tx, read, Try(How.READ_AGAIN, by), at)
            await happened.tried(tx, gone, Try(How.RECORDED, by), at)
        return _Done(sent, asked, unlisted)

    async def _record_unlisted(self, scope: Scope, source: str, chosen: Sequence[_Mending]) -> int:
        """Record that nothing is to come of lines that their source lists no more (§4.3)."""
        by_cut: dict[datetime, dict[str, str]] = defaultdict(dict)
        for one in chosen:
            if one.is_unlisted:
                name = joined_line(one.row.document, one.row.line)
                by_cut[one.row.last_cut][name] = one.row.unit
        record = self._informants.unlisted.record
        return sum([await record(scope, source, units, cut) for cut, units in by_cut.items()])

    async def _stopped(
        self,
        scope: Scope,
        pair: Pair,
        chosen: Sequence[_Mending],
        compared: tuple[RunRow | None, Sequence[Sampling]],
        rules: Rules,
    ) -> str:
        """Say why nothing is mended, or "": by what the last dump and samples compared."""
        last, week = compared
        incidents = self._informants.incidents
        sources = {pair.against, *(one.source for one in chosen if one.source)}
        down = [one for one in sorted(sources) if await incidents.is_in_incident(scope, one)]
        dumped, sampled = last.compared if last else 0, sum(one.compared for one in week)
        known = sampled
        if chosen and sampled > dumped:
            known = await self._known(scope, {one.row.location for one in chosen})
        keys = guards.keys_compared(dumped, sampled, known)
        return guards.stopped(
            len(chosen),
            max(keys, KEYS_MIN),
            at_risk((one.row for one in chosen), rules.brake.currency),
            rules.brake,
            is_in_incident=bool(down) or (last is not None and last.is_rejected),
        )

    async def _known(self, scope: Scope, locations: Collection[str]) -> int:
        """Count the keys that the ledger has where something would be mended."""
        async with self._database.transaction(scope) as tx:
            places = await self._informants.ledger.places(tx)
        return sum(places.get(location, 0) for location in locations)

    async def _read_again(self, scope: Scope, chosen: Sequence[_Mending]) -> list[str]:
        """Have each source read again from the first document that the ledger lacks of it."""
        asked: list[str] = []
        for source in sorted({one.source for one in chosen if one.source}):
            moments = [one.since for one in chosen if one.source == source and one.since]
            since = min(moments) - MARGIN
            if await self._informants.reader.read_again(scope, source, since):
                asked.append(source)
        return asked


def _newest(last: RunRow | None, samples: Sequence[Sampling]) -> set[str]:
    """Name the newest dump that was compared, and the samples since."""
    later = {one.run_id for one in samples if last is None or one.began_at > last.began_at}
    return later | ({last.run_id} if last else set())


def _mending(row: FindingRow, keepers: Mapping[str, str]) -> _Mending | None:
    """Say how a finding is mended, if it can be: only the very documents are."""
    if row.system == Kind.PURCHASES and row.remedy == Remedy.REFETCH and findings.is_unlisted(row):
        return _Mending(row, [], is_unlisted=True)
    if row.document:
        told = findings.told_by(row)
        return _Mending(row, [], *told) if told and row.remedy == Remedy.REFETCH else None
    if row.remedy == Remedy.REFETCH:
        keeper, since = keepers.get(row.location, row.against), findings.lacked_since(row)
        if since is None or keeper == HUB:
            return None
        return _Mending(row, [], keeper, since)
    movements = findings.not_booked(row)
    return _Mending(row, movements) if movements else None
