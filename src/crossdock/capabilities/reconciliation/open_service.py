"""What others may ask of the comparison of open lines: orders and purchases (§4.1.7)."""

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.reconciliation import believing, findings, line_rules, rulebook
from crossdock.capabilities.reconciliation.earlier import us_of
from crossdock.capabilities.reconciliation.evidence import instant
from crossdock.capabilities.reconciliation.findings import Run
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.kinds import (
    DOCUMENTS,
    FOLLOWING,
    LABELS,
    OPEN_LINES,
    PRICES,
    Kind,
    Listed,
    book_of,
)
from crossdock.capabilities.reconciliation.open_between import FirstBooks
from crossdock.capabilities.reconciliation.open_dumps import OpenRow, OpenSaid, numbered
from crossdock.capabilities.reconciliation.open_lines import joined_line
from crossdock.capabilities.reconciliation.open_ports import (
    LineInformants,
    OpenReading,
    ReadsOpenLines,
)
from crossdock.capabilities.reconciliation.open_running import OpenComparison
from crossdock.capabilities.reconciliation.open_sides import OpenSide, open_gathered
from crossdock.capabilities.reconciliation.outcome import About
from crossdock.capabilities.reconciliation.ports import Informants
from crossdock.capabilities.reconciliation.price_running import PriceComparison
from crossdock.capabilities.reconciliation.sides import Spelled, Translator
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.ids import Ids, prefixed
from crossdock.foundation.scope import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAsked:
    """A comparison of lines that is wanted, of one of the kinds of documents, with a system's.

    `said` is told how names are read; None reads them from the connection `against` itself.
    `heard_from` is whose words of ours are compared; "" is anybody's, and of a connection that is
    read its own. `lag_minutes` is how long it may take to book what changes, or to follow upon
    goods. `believe` is the run that rejected the very same dump, which a person has looked at.
    Where a `first` system is named, what that says (`first_said`) is compared in place of the
    hub's.
    """

    kind: Kind
    against: str
    by: str
    said: Callable[[Spelled], OpenSaid] | None = None
    heard_from: str = ""
    lag_minutes: int | None = None
    believe: str = ""
    first: str = ""
    first_said: Callable[[Spelled], OpenSaid] | None = None


class OpenLines:
    """Compares what is open of documents, and what followed upon goods. It changes none of it."""

    def __init__(  # noqa: PLR0917 - the outside, and whom it asks
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        informants: Informants,
        lines: LineInformants,
        policy: Policy | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._informants = informants
        self._lines = lines
        self._policy = policy or Policy()

    async def compare(self, scope: Scope, asked: OpenAsked) -> Run:
        """Run one comparison; a dump that cannot be is rejected, and nothing else changes."""
        books = self._books(asked)
        heard_from = asked.first or asked.heard_from or ("" if asked.said else asked.against)
        async with self._database.transaction(scope) as tx:
            house, version = await rulebook.house(tx, self._policy)
        compared = PriceComparison if asked.kind in PRICES else OpenComparison
        comparison = compared(
            database=self._database,
            clock=self._clock,
            informants=self._informants,
            books=books,
            policy=line_rules.allowed(asked.kind, house, asked.lag_minutes),
            scope=scope,
            about=About(
                prefixed("rcn", self._ids.new()),
                asked.against,
                asked.by,
                book_of(asked.kind, asked.first),
                rules_version=version,
            ),
            heard_from=heard_from,
        )
        async with AsyncExitStack() as sides:
            if asked.first:
                said = self._said(scope, asked.kind, asked.first, asked.first_said)
                first = await sides.enter_async_context(said)
                names = self._informants.names
                comparison.first = FirstBooks(asked.first, first, names, books)
                comparison.books = comparison.first
            said = self._said(scope, asked.kind, asked.against, asked.said)
            side = await sides.enter_async_context(said)
            if asked.believe:
                await self._believe(scope, asked, side)
                comparison.is_believed = True
            run = await comparison.run(side)
            if run.verdict != "REJECTED":
                await self._relist(scope, asked, side)
            return findings.run_shown(run)

    async def _relist(self, scope: Scope, asked: OpenAsked, side: OpenSide) -> None:
        """Have what a source lists, and had left out, be to come again as it lists it now."""
        if not side.is_own or asked.kind is not Kind.PURCHASES:
            return
        at = instant(side.cut)
        await self._informants.unlisted.relist(scope, asked.against, listed(side.rows), at)

    def _books(self, asked: OpenAsked) -> ReadsOpenLines:
        if not asked.against.strip():
            raise Invalid("say whose lines they are", where="/against")
        if asked.kind not in DOCUMENTS:
            kinds = ", ".join(DOCUMENTS)
            raise Invalid(f"{asked.kind} has no lines", where="/kind", hint=f"one of {kinds}")
        if asked.first:
            _check_between(asked)
        if asked.kind in {*FOLLOWING, *PRICES} and asked.said is None:
            raise Invalid(
                f"nobody can be asked for {LABELS[asked.kind]}",
                where="/lines",
                hint="give a dump of them: a row for each line, with its quantity in all",
            )
        if asked.kind in FOLLOWING:
            return self._lines.following[asked.kind]
        if asked.kind is Kind.PURCHASES:
            return self._lines.purchases
        return self._lines.orders  # of prices no book is read: both are in the dump

    @asynccontextmanager
    async def _said(
        self, scope: Scope, kind: Kind, name: str, says: Callable[[Spelled], OpenSaid] | None
    ) -> AsyncIterator[OpenSide]:
        """Gather what a system says here, or what it is asked for."""
        translator = Translator(self._database, scope, self._informants.names, name)
        spelled = await translator.begin()
        if says is not None:
            said = says(spelled)
        else:
            said = told(await self._lines.lists.open_lines(scope, name, kind))
        async with open_gathered(said, translator) as side:
            yield side

    async def _believe(self, scope: Scope, asked: OpenAsked, side: OpenSide) -> None:
        async with self._database.transaction(scope) as tx:
            again = believing.Again(
                run_id=asked.believe,
                system=asked.kind,
                against=asked.against,
                rows=side.count,
                zeros=side.zeros,
                by=asked.by,
                at=self._clock.now(),
            )
            await believing.believe(tx, again)


def _check_between(asked: OpenAsked) -> None:
    """Refuse what two other systems cannot be compared by."""
    if asked.kind not in OPEN_LINES:
        kinds = " or ".join(OPEN_LINES)
        raise Invalid(
            f"two systems are not compared by their {LABELS[asked.kind]}",
            where="/kind",
            hint=f"{kinds}; what followed upon goods is compared with the goods that moved here",
        )
    if asked.first == asked.against:
        raise Invalid(
            f"{asked.against} would be compared with itself",
            where="/against",
            hint="give each of the two its own name",
        )
    if asked.believe or asked.heard_from:
        raise Invalid(
            "of two systems no rejected dump is believed, and no words of the hub's compared",
            where="/first",
            hint="leave believe and heard_from out",
        )


def listed(rows: Iterable[OpenRow]) -> dict[str, Listed]:
    """Add up what is open of each line; one of several items, places or units says nothing."""
    found: dict[str, Listed] = {}
    mixed: set[str] = set()
    for row in rows:
        name = joined_line(row.document, row.line)
        nothing = (row.item, row.location, Quantity.of(0, row.unit))
        item, location, quantity = found.setdefault(name, nothing)
        if (item, location, quantity.unit) != (row.item, row.location, row.unit):
            mixed.add(name)
            continue
        found[name] = (item, location, quantity + Quantity.from_micros(row.micros, row.unit))
    return {name: one for name, one in found.items() if one[2].value and name not in mixed}


def told(reading: OpenReading) -> OpenSaid:
    """Take what an application was asked for: all that is open there, as of when it began.

    What it told of before and does not list is closed there, wherever it was to go or to come.
    """
    as_of = us_of(reading.began_at)
    rows = [
        OpenRow(
            *numbered(one.document, one.line),
            one.location,
            one.item,
            one.quantity.micros,
            one.quantity.unit,
            as_of,
            _us(one.changed_at),
        )
        for one in reading.lines
    ]
    return OpenSaid(
        rows=rows,
        is_full=True,
        until=us_of(reading.ended_at),
        began=as_of,
        unread=frozenset(reading.unread),
    )


def _us(moment: datetime | None) -> int:
    return 0 if moment is None else us_of(moment)
