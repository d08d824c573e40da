"""The other side, gathered: sorted by key, with its cuts, its shape, and its log if it has one."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from operator import attrgetter
from typing import TypeVar

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import StockSnapshotTaken
from crossdock.capabilities.reconciliation.dumps import Line, LogLine, Parts
from crossdock.capabilities.reconciliation.guards import Shape
from crossdock.capabilities.reconciliation.open_dumps import OpenRow
from crossdock.capabilities.reconciliation.ports import KnowsNames
from crossdock.capabilities.reconciliation.sorting import Sorted
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
BATCH = 5_000
UNKNOWN_MAX = 20

_LOCATION = attrgetter("location")

Named = TypeVar("Named", Line, LogLine, OpenRow)
Spelled = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What another system says: its stock, and, if it can be had, its log.

    `is_full`: what the lines of a location do not name is zero there; else they say nothing of
    it. `groups` names, for a canonical status, the system's own word for it.
    """

    lines: Iterable[Line]
    parts: Parts
    groups: Mapping[str, str] = field(default_factory=dict[str, str])
    log: Iterable[LogLine] | None = None
    is_full: bool = False


def said_in(snapshots: Sequence[Fact]) -> Said:
    """Read what a system told in snapshots; their names and units are the hub's already."""
    lines: list[Line] = []
    is_full = True
    for fact in snapshots:
        taken = fact.payload
        if isinstance(taken, StockSnapshotTaken):
            is_full = is_full and taken.is_full
            as_of = (fact.recorded_at or fact.occurred_at) - EPOCH
            lines += [
                Line(
                    taken.location,
                    line.item,
                    line.status,
                    line.owner,
                    line.lot,
                    line.serial,
                    (line.base or line.quantity).micros,
                    "",
                    as_of // MICROSECOND,
                )
                for line in taken.lines
            ]
    return Said(lines=lines, parts=Parts(), is_full=is_full)


@dataclass(slots=True)
class Side:
    """The same, ready to be walked along; `spans` are the first and last as-of by location.

    `log_parts` says which parts of a bucket its log names anywhere; one without a line lacks none.
    """

    said: Said
    lines: Sorted[Line]
    log: Sorted[LogLine] | None
    spans: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    rows: int = 0
    zeros: int = 0
    log_reach: int = 0
    log_until: int = 0
    log_parts: Parts = Parts()  # noqa: RUF009 a tuple is never changed
    rows_at: Counter[str] = field(default_factory=Counter[str])
    zeros_at: Counter[str] = field(default_factory=Counter[str])

    @property
    def shapes(self) -> dict[str, Shape]:
        """Tell what it looks like at each location."""
        return {
            place: Shape(
                rows=self.rows_at[place],
                zeros=self.zeros_at[place],
                taken_at=span[1],
                is_full=self.said.is_full,
            )
            for place, span in self.spans.items()
        }

    @property
    def shape(self) -> Shape:
        spans = self.spans.values()
        return Shape(
            rows=self.rows,
            zeros=self.zeros,
            taken_at=max((until for _, until in spans), default=0),
            oldest=min((since for since, _ in spans), default=None),
            span=max((until - since for since, until in spans), default=0),
            is_full=self.said.is_full,
        )

    def add(self, lines: Sequence[Line]) -> None:
        refuse_control(f"{x.location}{x.item}{x.owner}{x.lot}{x.serial}{x.unit}" for x in lines)
        self.lines.add(lines)
        self.rows += len(lines)
        self.rows_at.update(map(_LOCATION, lines))
        zeros = [line.location for line in lines if not line.micros]
        self.zeros += len(zeros)
        self.zeros_at.update(zeros)
        for line in lines:
            span = self.spans.get(line.location)
            if span is None:
                self.spans[line.location] = (line.as_of, line.as_of)
            elif not span[0] <= line.as_of <= span[1]:
                self.spans[line.location] = min(span[0], line.as_of), max(span[1], line.as_of)

    def look_at(self, entries: Sequence[LogLine]) -> None:
        """Note how far the log goes, and what it tells apart; it may come in several parts."""
        times = [entry.recorded for entry in entries]
        is_first = not self.log_until
        self.log_reach = min(times) if is_first else min(self.log_reach, *times)
        self.log_until = max(self.log_until, *times)
        here = Parts(
            any(entry.status for entry in entries),
            any(entry.owner for entry in entries),
            any(entry.lot for entry in entries),
            any(entry.serial for entry in entries),
        )
        before = Parts(status=False, owner=False, lot=False, serial=False)
        parts = zip(here, before if is_first else self.log_parts, strict=True)
        self.log_parts = Parts(*(one or other for one, other in parts))


def refuse_control(texts: Iterable[str]) -> None:
    """Refuse control characters: no name has them, and the database cannot keep all of them."""
    for text in texts:
        if _CONTROL.search(text):
            raise Invalid(
                f"{text[:60]!r} has a control character",
                where="lines",
                hint="take it out where it comes from: names are plain text",
            )


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@asynccontextmanager
async def gathered(said: Said, translator: "Translator") -> AsyncIterator[Side]:
    """Read all that is said, in bounded memory; other systems' names become the hub's."""
    with ExitStack() as files:
        lines = files.enter_context(Sorted(list[Line]))
        log = files.enter_context(Sorted(list[LogLine])) if said.log is not None else None
        side = Side(said, lines, log)
        for batch in _batches(said.lines):
            side.add(await translator.named(batch))
            await asyncio.sleep(0)  # others have their turn
        if log is not None and said.log is not None:
            for entries in _batches(said.log):
                refuse_control("".join(map(str, entry)) for entry in entries)
                side.look_at(entries)
                log.add(await translator.named(entries))
                await asyncio.sleep(0)
        yield side


def _batches(rows: Iterable[Named]) -> Iterator[list[Named]]:
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield batch


class Translator:
    """Puts the hub's names in place of another system's, where that has names of its own."""

    def __init__(self, database: Database, scope: Scope, names: KnowsNames, system: str) -> None:
        self._database = database
        self._scope = scope
        self._names = names
        self._system = system
        self._speaks = False

    async def begin(self) -> Spelled:
        """Find out whether the system has names of its own; answer how its names are read."""
        async with self._database.transaction(self._scope) as tx:
            for kind in ("item", "location"):
                if await self._names.speaks(tx, self._system, kind):
                    self._speaks = True
        return str.strip if self._speaks else self._names.spelled

    async def named(self, rows: list[Named]) -> list[Named]:
        if not self._speaks:
            return rows
        async with self._database.transaction(self._scope) as tx:
            items = await self._names.called(tx, self._system, "item", {row.item for row in rows})
            places = await self._names.called(
                tx, self._system, "location", {row.location for row in rows}
            )
        spelled = self._names.spelled
        return [
            row._replace(
                item=items.get(row.item) or spelled(row.item),
                location=places.get(row.location) or spelled(row.location),
            )
            for row in rows
        ]
