"""One comparison of open lines from end to end: believe the dump, walk, judge, keep (§4.1.7).

Both sides are as of one cut, which is when the first of their rows was taken: what left its shelf
since is put back. An older version of a document is not kept, so a line of one that was changed
after the cut is not judged, and one that was changed shortly before is not confirmed.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice

from crossdock.canonical.reconciliation import SnapshotRejected
from crossdock.capabilities.reconciliation import (
    ending,
    escalating,
    guards,
    happened,
    line_rules,
    open_findings,
    open_lines,
    shapes,
    store,
)
from crossdock.capabilities.reconciliation.earlier import (
    before_of,
    tell,
    us_of,
)
from crossdock.capabilities.reconciliation.evidence import instant
from crossdock.capabilities.reconciliation.guards import Plausible, Shape
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.kinds import FOLLOWING
from crossdock.capabilities.reconciliation.model import DAY
from crossdock.capabilities.reconciliation.open_between import FirstBooks
from crossdock.capabilities.reconciliation.open_dumps import OpenRow
from crossdock.capabilities.reconciliation.open_findings import Seen, Tally
from crossdock.capabilities.reconciliation.open_lines import (
    Around,
    Compared,
    LineNumber,
    Meets,
    Ours,
    Theirs,
)
from crossdock.capabilities.reconciliation.open_ports import KeptLine, LinePicks, ReadsOpenLines
from crossdock.capabilities.reconciliation.open_sides import LeftLine, OpenSide
from crossdock.capabilities.reconciliation.open_units import lines_of
from crossdock.capabilities.reconciliation.open_walked import Walked, sorted_out
from crossdock.capabilities.reconciliation.open_worth import Told, priced
from crossdock.capabilities.reconciliation.outcome import About
from crossdock.capabilities.reconciliation.ports import Goods, Informants
from crossdock.capabilities.reconciliation.running import DISORDER
from crossdock.capabilities.reconciliation.sorting import Sorted
from crossdock.capabilities.reconciliation.store import FindingRow, RunRow
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.log_times import place_before
from crossdock.foundation.scope import Scope

BATCH, BATCH_ROWS = 200, 5_000
"""So many documents are looked up at once, unless they have so many rows before."""
ALIVE = 7 * DAY
"""Who was not heard for so long tells nothing any more, and nobody waits for his word."""
PLAUSIBLE = Plausible(rows_change_mille=500)
"""Of documents more are opened and closed in a day than of items."""
EVERYWHERE = ""
UNIT = "EA"


@dataclass(slots=True, kw_only=True)
class OpenComparison:
    """Compares what one system says is open with the hub's `books` of it.

    `heard_from` is whose words of ours are compared; "" is anybody's. `first` are the `books`
    where they are of another system.
    """

    database: Database
    clock: Clock
    informants: Informants
    books: ReadsOpenLines
    policy: Policy
    scope: Scope
    about: About
    heard_from: str = ""
    first: FirstBooks | None = None
    is_believed: bool = False
    began_at: datetime = field(init=False)
    _moved: dict[tuple[str, str], LinePicks] = field(
        default_factory=dict[tuple[str, str], LinePicks]
    )
    _stirred: set[str] = field(default_factory=set[str])
    _heard: dict[str, int] = field(default_factory=dict[str, int])
    _tellers: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.began_at = self.clock.now()

    async def run(self, side: OpenSide) -> RunRow:
        side.is_own = bool(side.said.began) and self.heard_from == self.about.against
        sides = {self.about.against: side}
        if self.first is not None:
            self.first.apart = abs(side.cut - self.first.side.cut)
            sides[self.first.name] = side.beside = self.first.side
        for name, one in sides.items():
            if reason := await self._disbelieved(name, one):
                return await self._reject(side, reason, name)
        walked = await self._walked(side)
        if walked.tally.different > self.policy.findings_max:
            reason = f"more than {self.policy.findings_max} lines differ"
            return await self._reject(side, reason, self.about.against)
        return await self._keep(side, walked)

    async def _disbelieved(self, name: str, side: OpenSide) -> str:
        """Say why a dump is not believed, or "" (R7)."""
        if side.count or not side.said.began:  # who was asked may have nothing open
            now = us_of(self.began_at)
            if reason := guards.refusal(side.shape, None, now, PLAUSIBLE):
                return reason
        if self.is_believed:
            return ""
        async with self.database.transaction(self.scope) as tx:
            usual = await shapes.usual_shapes(
                tx, name, [EVERYWHERE], is_full=side.said.is_full, kind=self.about.kind
            )
        return guards.unusual_lines(side.shape, usual.get(EVERYWHERE), PLAUSIBLE)

    async def _walked(self, side: OpenSide) -> Walked:
        """Compare in one read-only transaction, which sees one moment and holds nobody up."""
        async with self.database.transaction(self.scope) as tx:
            rows = await store.open_of(tx, self.about.pair)
        walked = Walked(befores={LineNumber(row.document, row.line): row for row in rows})
        lately = side.cut - self.policy.in_flight
        since = await place_before(self.database, instant(lately) - DISORDER)
        async with self.database.transaction(self.scope) as tx:
            await self.informants.ledger.begin(tx)
            heard = await self.informants.ledger.heard(tx)
            self._heard = dict(await self.books.told(tx))
            self._tellers = frozenset(self._heard)
            for source, moment in heard.items():
                if moment is not None:
                    self._heard[source] = max(us_of(moment), self._heard.get(source, 0))
            for one in await self.books.picks(tx, since, side.cut, lately):
                self._moved[one.document, one.reference] = one
                self._stirred.add(one.document)
            batch: dict[str, list[OpenRow]] = {}
            count = 0
            for document, told in side.documents():
                batch[document] = told
                count += len(told)
                if len(batch) == BATCH or count >= BATCH_ROWS:
                    await self._named(tx, side, batch, walked)
                    batch, count = {}, 0
            await self._named(tx, side, batch, walked)
            if side.said.is_full:
                await self._left_out(tx, side, walked)
            if self.first is not None:
                walked.tally.note(self.first.unknown)
            known = Told(side, walked.befores, self.policy.brake.currency)
            walked.rows = await priced(tx, self.informants.names, walked.rows, known)
        return walked

    async def _named(
        self,
        tx: Transaction,
        side: OpenSide,
        told: Mapping[str, list[OpenRow]],
        walked: Walked,
    ) -> None:
        """Compare the documents that they name with what the hub has heard of each.

        A line that they leave out of one is closed there; but what follows upon goods is told only
        of what moved lately, so which lines are left out of that is found among those.
        """
        if not told or walked.tally.different > self.policy.findings_max:
            return
        kept = await self.books.of_documents(tx, list(told), self.heard_from)
        ours: dict[str, list[KeptLine]] = defaultdict(list)
        for line in kept:
            ours[line.document].append(line)
        is_all = self.about.system not in FOLLOWING
        items = {line.item for line in kept} | {x.item for rows in told.values() for x in rows}
        goods = await self.informants.names.goods(tx, items)
        for document, rows in told.items():
            theirs, unread, unknown = lines_of(rows, goods, self.informants.names.base)
            walked.tally.note(unknown)
            walked.met |= walked.befores.keys() & {LineNumber(document, line) for line in unread}
            numbers = {row.line for row in rows}
            own = [
                line
                for line in ours[document]
                if (number := open_lines.line_of(document, line.reference)) not in unread
                and (number in numbers or (is_all and side.is_closed_by(document, line.location)))
            ]
            if self.first is not None:
                mine = {open_lines.line_of(document, line.reference) for line in ours[document]}
                theirs, left = self.first.says(theirs, mine)
                walked.met |= walked.befores.keys() & {LineNumber(document, x) for x in left}
            self._judge(side, document, own, theirs, goods, walked)

    async def _left_out(self, tx: Transaction, side: OpenSide, walked: Walked) -> None:
        """Take what is open here of documents that a full dump does not name at all.

        Of what follows upon goods, also the lines that it leaves out of documents that it names.

        Ours come in the order of their lines' names, theirs by document: so they are sorted, too.
        """
        with Sorted(list[LeftLine]) as left:
            async for page in self.books.all_open(tx, self.heard_from, side.cut):
                left.add(
                    LeftLine.of(line)
                    for line in page
                    if side.is_closed_by(line.document, line.location)
                )
            documents = side.left_of(left, by_line=self.about.system in FOLLOWING)
            while batch := list(islice(documents, BATCH)):
                items = {line.item for _, lines in batch for line in lines}
                goods = await self.informants.names.goods(tx, items)
                for document, lines in batch:
                    self._judge(side, document, lines, [], goods, walked)
                if walked.tally.different > self.policy.findings_max:
                    return
        if self.about.kind in FOLLOWING:
            await self._older(tx, side, walked)
            return
        # What is open on neither side any more is no difference; of others' lines nothing is said.
        walked.cleared |= {
            number
            for number, row in walked.befores.items()
            if number not in walked.met
            and side.is_closed_by(number.document, row.location)
            and open_findings.is_of(row, self.heard_from)
            and (self.first is None or self.first.closes(number, row.location))
        }

    async def _older(self, tx: Transaction, side: OpenSide, walked: Walked) -> None:
        """Look again at what was found and moved longer ago than a full dump goes back.

        A dump says nothing of what is so old: what had followed of it by then stays as it was.
        """
        unnamed = walked.befores.keys() - walked.met
        left = {number for number in unnamed if not walked.befores[number].theirs}
        unmet = {number.document: list[KeptLine]() for number in left}
        kept = await self.books.of_documents(tx, sorted(unmet), self.heard_from)
        for line in kept:
            number = LineNumber(line.document, open_lines.line_of(line.document, line.reference))
            if number in left and side.is_closed_by(line.document, line.location):
                unmet[line.document].append(line)
        goods = await self.informants.names.goods(tx, {line.item for line in kept})
        for document, lines in unmet.items():
            self._judge(side, document, lines, [], goods, walked)

    def _judge(  # noqa: PLR0917 - both sides, and what is known of them
        self,
        side: OpenSide,
        document: str,
        kept: Sequence[KeptLine],
        theirs: Sequence[Theirs],
        goods: Mapping[str, Goods],
        walked: Walked,
    ) -> None:
        """Compare the lines of one document, and put what comes of each by."""
        around = Around(
            cut=side.cut,
            until=side.until,
            against=self.about.against,
            first=self.about.first,
            is_full=side.said.is_full,
            is_behind=self._is_behind({line.source for line in kept}, side.cut),
            is_stirred=document in self._stirred,
            factors={item: [(n, d) for _, n, d in known.factors] for item, known in goods.items()},
        )
        seen = Seen(
            tenant=self.scope.tenant,
            about=self.about,
            cut=side.cut,
            now=self.began_at,
            policy=self.policy,
            heard_from=self.heard_from,
            is_own=side.is_own,
        )
        sides = ([self._ours(line) for line in kept], theirs)
        for one in line_rules.compared(self.about.kind, sides, around, self.policy):
            self._put_by(one, seen, goods, walked)

    def _put_by(
        self, one: Compared, seen: Seen, goods: Mapping[str, Goods], walked: Walked
    ) -> None:
        tally, number = walked.tally, one.number
        before = walked.befores.get(number)
        tally.compared += 1
        if before is not None:
            walked.met.add(number)
            if one.meets in {Meets.ALIKE, Meets.EXPLAINED} and (
                open_findings.is_of(before, self.heard_from)
                or (one.ours is not None and not before.ours)
            ):
                walked.cleared.add(number)
        match one.meets:
            case Meets.ALIKE:
                tally.alike += 1
            case Meets.EXPLAINED | Meets.SINCE:
                tally.explained += 1
            case Meets.UNHEARD:
                tally.note([open_lines.joined_line(*number)])
            case Meets.DIFFERENT:
                earlier = before_of(before) if before else None
                side = one.ours or one.theirs
                known = goods.get(side.item) if side else None
                row = open_findings.row_of(one, seen, earlier, known.base_unit if known else UNIT)
                walked.take(row, self.policy.findings_max)

    def _ours(self, line: KeptLine) -> Ours:
        moved = self._moved.get((line.document, line.reference))
        return line_rules.ours(self.about.kind, line, moved)

    def _is_behind(self, sources: set[str], cut: int) -> bool:
        """Say whether whoever tells the hub of these lines was not heard since the cut.

        Of a document that is unknown here anybody may be late who tells of such, and was alive.
        So may anybody who tells of goods that move. Of two other systems neither tells what
        changed between them.
        """
        if self.first is not None:
            return self.first.apart > self.policy.in_flight
        if self.about.kind in FOLLOWING:
            sources = set()
        asked = sources or ({self.heard_from} if self.heard_from else set())
        if asked:
            heard = [self._heard[one] for one in asked if one in self._heard]
            return bool(heard) and max(heard) < cut
        tellers = self._tellers | {self.about.against}
        return any(cut - ALIVE <= self._heard.get(one, cut) < cut for one in tellers)

    async def _keep(self, side: OpenSide, walked: Walked) -> RunRow:
        """Write what was found, close what is gone, tell what is confirmed: one transaction."""
        now = self.clock.now()
        async with self.database.transaction(self.scope) as tx:
            now_open = await store.open_now(tx, self.about.pair)
            befores = {LineNumber(row.document, row.line): row for row in now_open}
            gone, rows = sorted_out(walked, befores, side.cut)
            met = [(row, befores.get(LineNumber(row.document, row.line))) for row in rows]
            fresh = [row for row, before in met if escalating.is_fresh(row, before)]
            run = self._run(side, walked.tally, rows, len(gone), now)
            await store.put(tx, self.about.pair, self.about.run_id, rows, now)
            cases = self.informants.cases
            agreed = walked.cleared
            numbers = [LineNumber(row.document, row.line) for row in gone]
            cuts = [side.cut if number in agreed else None for number in numbers]
            ended = list(zip(gone, cuts, strict=True))
            closed = await ending.end(tx, cases, ended, now)
            await store.add_run(tx, run)
            for name, one in self._shapes(side).items():
                await shapes.put_shapes(tx, name, {EVERYWHERE: one}, self.about.kind)
            await escalating.word(tx, cases, met, self.policy.brake, now)
            names = self._shapes(side)
            believed = [open_findings.rejected_fingerprint(self.about, name) for name in names]
            await cases.closed(tx, believed, "a later dump was believed", now)
            named = happened.confirmed(fresh, run.run_id)
            await tell(tx, [*named, *happened.gone(gone, run.run_id), *closed], now)
        return run

    def _shapes(self, side: OpenSide) -> dict[str, Shape]:
        found = {self.about.against: side.shape}
        if self.first is not None:
            found[self.first.name] = self.first.side.shape
        return found

    async def _reject(self, side: OpenSide, reason: str, name: str) -> RunRow:
        """Keep nothing but the refusal of who is named; what was found before stands (R7)."""
        now = self.clock.now()
        nothing = self._run(side, Tally(), [], 0, now)
        whose = f"{name}: " if self.about.first else ""
        run = replace(nothing, verdict="REJECTED", reason=f"{whose}{reason}")
        case = open_findings.rejected_case(self.about, name, reason, self._shapes(side)[name])
        told = SnapshotRejected(run_id=run.run_id, against=name, reason=reason)
        async with self.database.transaction(self.scope) as tx:
            await store.add_run(tx, run)
            await self.informants.cases.opened(tx, [case], now)
            await tell(tx, [(f"snapshot_rejected:{run.run_id}", told)], now)
        return run

    def _run(
        self,
        side: OpenSide,
        tally: Tally,
        rows: Sequence[FindingRow],
        gone: int,
        now: datetime,
    ) -> RunRow:
        cut = instant(side.cut) if side.cut else None
        times = (self.began_at, now)
        found = (tally, rows, gone, self.policy.brake.currency)
        return open_findings.run_of(self.about, side.shape, (cut, cut), times, found)
