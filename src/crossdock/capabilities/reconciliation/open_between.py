"""Open lines of two other systems: the first one's stand where the hub's books would (§4.1.7).

Neither says what of it changed between the two; so nothing is confirmed of two that were taken
further apart than what is allowed for booking, nor of a document of which goods were picked of
late, or that either changed shortly before the earlier of the two.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import NamedTuple

from crossdock.capabilities.reconciliation.open_dumps import OpenRow
from crossdock.capabilities.reconciliation.open_lines import LineNumber, Theirs, joined_line
from crossdock.capabilities.reconciliation.open_ports import LinePicks, ReadsOpenLines
from crossdock.capabilities.reconciliation.open_sides import OpenSide
from crossdock.capabilities.reconciliation.open_units import lines_of
from crossdock.capabilities.reconciliation.ports import KnowsNames
from crossdock.foundation.database import Transaction

BATCH = 200
"""So many documents are looked up at once."""


class FirstLine(NamedTuple):
    """A line as the first system says it, in the place of one that the hub heard."""

    document: str
    reference: str
    item: str
    location: str
    source: str
    total: int
    picked: int
    changed_us: int


class _Stirred(NamedTuple):
    """A line of which goods were picked of late; what the first says is put back by nothing."""

    document: str
    reference: str
    after: int = 0
    lately: int = 0
    back: int = 0


class FirstBooks:
    """What the first of two systems says is open, read as the hub's books of it are.

    Lines that it says in a unit or of an item that nobody knows, or of several items at once, are
    `unread`, and named in `unknown`. `books` are the hub's own, which know what was picked.
    `apart` is how long the other was taken before or after it.
    """

    def __init__(
        self, name: str, side: OpenSide, names: KnowsNames, books: ReadsOpenLines
    ) -> None:
        self.name = name
        self.side = side
        self.apart = 0
        self.unknown: list[str] = []
        self._unread: set[LineNumber] = set()
        self._names = names
        self._books = books
        self._documents: Iterator[tuple[str, list[OpenRow]]] = side.documents()
        self._next = next(self._documents, None)

    def says(self, theirs: Sequence[Theirs], own: set[str]) -> tuple[list[Theirs], set[str]]:
        """Leave lines out of which the first says nothing, of a document; name those, too."""
        known: list[Theirs] = []
        left: set[str] = set()
        for one in theirs:
            if one.line in own or self.closes(LineNumber(one.document, one.line), one.location):
                known.append(one)
            else:
                left.add(one.line)
        return known, left

    def closes(self, number: LineNumber, location: str) -> bool:
        """Say whether a line that it does not name is closed there."""
        says_all = self.side.said.is_full and self.side.is_closed_by(number.document, location)
        return says_all and number not in self._unread

    async def of_documents(
        self, tx: Transaction, documents: Sequence[str], source: str
    ) -> Sequence[FirstLine]:
        """Give all its lines of these documents, which come in order from call to call."""
        del source
        wanted, last = set(documents), max(documents)
        told: dict[str, list[OpenRow]] = {}
        while self._next is not None and self._next[0] <= last:
            if self._next[0] in wanted:
                told[self._next[0]] = self._next[1]
            self._next = next(self._documents, None)
        return await self._lines(tx, told)

    async def all_open(
        self, tx: Transaction, source: str, cut: int
    ) -> AsyncIterator[Sequence[FirstLine]]:
        """Give all that is open, page by page."""
        del source, cut
        told: dict[str, list[OpenRow]] = {}
        for document, rows in self.side.documents():
            told[document] = rows
            if len(told) == BATCH:
                yield [line for line in await self._lines(tx, told) if line.total]
                told = {}
        yield [line for line in await self._lines(tx, told) if line.total]

    async def picks(
        self, tx: Transaction, since: int, cut: int, lately: int
    ) -> Sequence[LinePicks]:
        found = await self._books.picks(tx, since, cut, lately)
        return [_Stirred(one.document, one.reference) for one in found]

    async def told(self, tx: Transaction) -> Mapping[str, int]:
        del tx
        return {self.name: self.side.until}

    async def _lines(
        self, tx: Transaction, told: Mapping[str, Sequence[OpenRow]]
    ) -> list[FirstLine]:
        goods = await self._names.goods(tx, {row.item for rows in told.values() for row in rows})
        found: list[FirstLine] = []
        for document, rows in told.items():
            lines, unread, unknown = lines_of(rows, goods, self._names.base)
            mixed = {one.line: one for one in lines if one.others}
            self._unread |= {LineNumber(document, line) for line in (*unread, *mixed)}
            names = [joined_line(document, line) for line in mixed]
            self.unknown += [name for name in (*unknown, *names) if name not in self.unknown]
            found += [self._line(one) for one in lines if one.line not in mixed]
        return found

    def _line(self, one: Theirs) -> FirstLine:
        reference = joined_line(one.document, one.line)
        place = (one.item, one.location, self.name)
        return FirstLine(one.document, reference, *place, one.micros, 0, one.changed)
