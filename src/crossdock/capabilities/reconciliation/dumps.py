"""What the other side says, read from a file row by row: stock, and a log of its documents.

Columns are found by name, in any order and case; others are passed over. An amount, an instant or
a status that cannot be read stops the reading and names its row.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import StockStatus
from crossdock.capabilities.reconciliation.tables import (
    FIELD_CHARACTERS_MAX,
    NO_COST,
    Cells,
    Instants,
    class_of,
    columns,
    instant_of,
    micros_of,
    opened,
    placed,
    refuse_longer,
)

__all__ = [
    "NO_COST",
    "Dump",
    "Line",
    "LogDump",
    "LogLine",
    "Parts",
    "Reading",
    "groups_of",
    "instant_of",
    "micros_of",
]


class Line(NamedTuple):
    """A row of a stock dump: how much of an item lies in one bucket, as of when.

    `unit` "" is the base unit; `of` its ABC class or ""; `cost` is micros of money per base unit,
    or NO_COST, in `currency` ("": the functional one). It sorts by location and item.
    """

    location: str
    item: str
    status: str
    owner: str
    lot: str
    serial: str
    micros: int
    unit: str
    as_of: int
    of: str = ""
    cost: int = NO_COST
    currency: str = ""


class Worth(NamedTuple):
    """A key's ABC class, and its cost in micros of money per base unit; NO_COST: nobody said."""

    of: str
    cost: int
    currency: str = ""


class LogLine(NamedTuple):
    """A row of the other side's log: what a document changed, and when it was recorded there.

    The bucket that it changed is "" where the log does not say it.
    """

    location: str
    item: str
    reference: str
    micros: int
    recorded: int
    type: str = ""
    status: str = ""
    owner: str = ""
    lot: str = ""
    serial: str = ""


class Parts(NamedTuple):
    """Which of these the other side tells apart."""

    status: bool = True
    owner: bool = True
    lot: bool = True
    serial: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a dump is to be read. `groups` names, for a canonical status, the dump's word for it.

    `as_of` is used for rows that say none: when the extraction began (§4.1.1).
    """

    as_of: int | None = None
    groups: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def statuses(self) -> frozenset[str]:
        return frozenset(self.groups.values()) | frozenset(StockStatus)


def groups_of(words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Turn what each of their words for a status holds into the word for each status of ours."""
    groups: dict[str, str] = {}
    for word, statuses in words.items():
        for status in statuses:
            name = status.strip().upper()
            if name not in StockStatus.__members__:
                raise Invalid(
                    f"{status[:40]!r} is no status of the hub",
                    where="statuses",
                    hint=f"one of {', '.join(StockStatus)}",
                )
            if groups.setdefault(name, word.strip().upper()) != word.strip().upper():
                raise Invalid(f"{name} is in two of their statuses", where="statuses")
    return groups


ALIASES: Mapping[str, tuple[str, ...]] = {
    "item": ("item", "sku"),
    "location": ("location", "site", "warehouse"),
    "status": ("status",),
    "quantity": ("quantity", "qty"),
    "unit": ("unit", "uom"),
    "owner": ("owner",),
    "lot": ("lot", "batch"),
    "serial": ("serial",),
    "as_of": ("as_of",),
    "unit_cost": ("unit_cost",),
    "currency": ("currency",),
    "class": ("class", "abc"),
    "reference": ("reference", "document"),
    "recorded_at": ("recorded_at", "posted_at"),
    "type": ("type",),
}


class Dump(Cells):
    """A stock dump in a file. `parts` is known once its first line is read."""

    def __init__(self, path: Path, reading: Reading, spelled: Callable[[str], str]) -> None:
        super().__init__(path, (ALIASES, ("item", "location", "quantity")), reading.as_of, spelled)
        self._reading = reading
        self.parts = Parts(*(name in self._at for name in Parts._fields))

    def lines(self) -> Iterator[Line]:
        return self._each(self._line)

    def _line(self, row: Sequence[str]) -> Line:
        at = self._at
        status = row[at["status"]].strip().upper() if "status" in at else ""
        if "status" in at and status not in self._reading.statuses:
            raise Invalid(
                f"{status[:40]!r} is no status",
                where="status",
                hint="say what it holds: --status NAME=STATUS+STATUS, with statuses of the hub",
            )
        return Line(
            self._name(row, "location"),
            self._name(row, "item"),
            status,
            self._text(row, "owner"),
            self._text(row, "lot"),
            self._text(row, "serial"),
            micros_of(row[at["quantity"]].strip(), "quantity"),
            self._text(row, "unit"),
            self._moment(row),
            class_of(self._text(row, "class")),
            self._cost(row),
            self._currency(row),
        )


class LogDump:
    """The other side's log in a file: reference, item, location, signed quantity, recorded_at."""

    def __init__(self, path: Path, spelled: Callable[[str], str]) -> None:
        self._path = path
        self._spelled = spelled
        self._instants = Instants()
        asked = ("reference", "item", "location", "quantity", "recorded_at")
        with opened(path) as rows:
            self._width = len(rows.header())
            self._at = columns(path, rows, ALIASES, asked)

    def lines(self) -> Iterator[LogLine]:
        at = self._at
        with opened(self._path) as rows:
            rows.header()
            for row in rows:
                try:
                    refuse_longer(row, self._width)
                    yield LogLine(
                        self._spelled(row[at["location"]]),
                        self._spelled(row[at["item"]]),
                        row[at["reference"]].strip()[:FIELD_CHARACTERS_MAX],
                        micros_of(row[at["quantity"]].strip(), "quantity"),
                        self._instants.of(row[at["recorded_at"]].strip()),
                        row[at["type"]].strip().upper() if "type" in at else "",
                        row[at["status"]].strip().upper() if "status" in at else "",
                        *(
                            row[at[name]].strip()[:FIELD_CHARACTERS_MAX] if name in at else ""
                            for name in ("owner", "lot", "serial")
                        ),
                    )
                except (Invalid, IndexError) as error:
                    raise placed(error, self._path, rows.number) from None
