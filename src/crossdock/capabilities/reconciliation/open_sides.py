"""The other side's open lines, gathered: sorted by document and line, with their shape and cut."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from typing import NamedTuple, Self

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation.guards import Shape
from crossdock.capabilities.reconciliation.open_dumps import OpenRow, OpenSaid
from crossdock.capabilities.reconciliation.open_lines import line_of
from crossdock.capabilities.reconciliation.open_ports import KeptLine
from crossdock.capabilities.reconciliation.sides import Translator, refuse_control
from crossdock.capabilities.reconciliation.sorting import Sorted
from crossdock.capabilities.reconciliation.tables import NO_COST

BATCH = 5_000
ROWS_MAX = 20_000
"""A document has no more rows: they are in memory together."""


class LeftLine(NamedTuple):
    """A line as the hub heard it (`KeptLine`); it sorts by document."""

    document: str
    reference: str
    item: str
    location: str
    source: str
    total: int
    picked: int
    changed_us: int

    @property
    def line(self) -> str:
        return line_of(self.document, self.reference)

    @classmethod
    def of(cls, line: KeptLine) -> Self:
        return cls(
            line.document,
            line.reference,
            line.item,
            line.location,
            line.source,
            line.total,
            line.picked,
            line.changed_us,
        )


@dataclass(slots=True)
class OpenSide:
    """What they say, ready to be walked along; `costs` and `classes` are by item.

    A cost is with its currency. `is_own`: a source was asked itself, and what is compared are its
    own words of before. `beside` is the other of two systems: the cut is the earlier of both.
    """

    said: OpenSaid
    rows: Sorted[OpenRow]
    count: int = 0
    zeros: int = 0
    oldest: int = 0
    newest: int = 0
    is_own: bool = False
    beside: "OpenSide | None" = None
    locations: set[str] = field(default_factory=set[str])
    costs: dict[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    classes: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def cut(self) -> int:
        """Answer when the first of them was taken."""
        own = self.oldest if self.count else self.said.began
        return own if self.beside is None else min(own, self.beside.cut)

    @property
    def until(self) -> int:
        """Answer when the last of them was taken."""
        own = max(self.newest, self.said.until)
        return own if self.beside is None else max(own, self.beside.until)

    @property
    def shape(self) -> Shape:
        return Shape(
            rows=self.count,
            zeros=self.zeros,
            taken_at=self.newest or self.said.began,
            oldest=self.oldest if self.count else None,
            span=self.newest - self.oldest,
            is_full=self.said.is_full,
        )

    def is_closed_by(self, document: str, location: str) -> bool:
        """Say whether a line there that they leave out is closed by that, if they say all."""
        return document not in self.said.unread and (self.is_own or location in self.locations)

    def add(self, rows: Sequence[OpenRow]) -> None:
        refuse_control(f"{x.document}{x.line}{x.item}{x.location}{x.unit}" for x in rows)
        times = [row.as_of for row in rows]
        self.oldest = min([*times, *([self.oldest] if self.count else [])])
        self.newest = max(self.newest, *times)
        self.rows.add(rows)
        self.count += len(rows)
        self.zeros += sum(1 for row in rows if not row.micros)
        self.locations.update(row.location for row in rows)
        self.costs.update(
            {row.item: (row.cost, row.currency) for row in rows if row.cost != NO_COST}
        )
        self.classes.update({row.item: row.of for row in rows if row.of})

    def documents(self) -> Iterator[tuple[str, list[OpenRow]]]:
        """Give the rows of each document, in order; `Invalid` for one with too many."""
        for document, rows in groupby(self.rows, key=itemgetter(0)):
            told = list(islice(rows, ROWS_MAX + 1))
            if len(told) > ROWS_MAX:
                raise Invalid(
                    f"document {document!r} has more than {ROWS_MAX} rows",
                    where="document",
                    hint="name the order of each row in `document`, and its line in `line`",
                )
            yield document, told

    def left_of(
        self, kept: Iterable[LeftLine], *, by_line: bool = False
    ) -> Iterator[tuple[str, list[LeftLine]]]:
        """Give the lines, which come sorted, of each document that they do not name.

        `by_line`: of one that they name, the lines that they leave out.
        """
        documents = groupby(self.rows, key=itemgetter(0))
        named = ((document, {row.line for row in rows}) for document, rows in documents)
        told = next(named, None)
        for document, lines in groupby(kept, key=itemgetter(0)):
            while told is not None and told[0] < document:
                told = next(named, None)
            if told is None or told[0] != document:
                yield document, list(lines)
            elif by_line and (left := [one for one in lines if one.line not in told[1]]):
                yield document, left


@asynccontextmanager
async def open_gathered(said: OpenSaid, translator: Translator) -> AsyncIterator[OpenSide]:
    """Read all that is said; other systems' names of items and locations become the hub's."""
    with Sorted(list[OpenRow]) as rows:
        side = OpenSide(said, rows)
        for batch in _batches(said.rows):
            side.add(await translator.named(batch))
            await asyncio.sleep(0)  # others have their turn
        yield side


def _batches(rows: Iterable[OpenRow]) -> Iterator[list[OpenRow]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch
