"""What the other side says, read from a CSV file row by row: stock, and a log of its documents.

Columns are found by name, in any order and case; others are passed over. An amount, an instant or
a status that cannot be read stops the reading and names its row.
"""

import csv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import StockStatus
from crossdock.canonical.quantities import MICROS, decimal_of
from crossdock.capabilities.reconciliation.model import ItemClass

FIELD_CHARACTERS_MAX = 200
_PLAIN_DIGITS_MAX = 12
NO_COST = -1


class Line(NamedTuple):
    """A row of a stock dump: how much of an item lies in one bucket, as of when.

    `unit` "" is the base unit; `of` its ABC class or ""; `cost` is micros of money per base unit,
    or NO_COST. It sorts by location and item.
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


class Worth(NamedTuple):
    """A key's ABC class, and its cost in micros of money per base unit; NO_COST: nobody said."""

    of: str
    cost: int


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
    "class": ("class", "abc"),
    "reference": ("reference", "document"),
    "recorded_at": ("recorded_at", "posted_at"),
    "type": ("type",),
}


class Dump:
    """A stock dump in a file. `parts` is known once its first line is read."""

    def __init__(self, path: Path, reading: Reading, spelled: Callable[[str], str]) -> None:
        self._path = path
        self._reading = reading
        self._spelled = spelled
        self._instants = _Instants()
        with _rows(path) as rows:
            self._width = len(rows.header())
            self._at = _columns(path, rows, ("item", "location", "quantity"))
        if "as_of" not in self._at and reading.as_of is None:
            raise Invalid(
                f"{path.name} does not say as of when",
                where=f"{path.name}: as_of",
                hint="add the column as_of, or say when the extraction began: --as-of",
            )
        self.parts = Parts(*(name in self._at for name in Parts._fields))

    def lines(self) -> Iterator[Line]:
        with _rows(self._path) as rows:
            rows.header()
            for row in rows:
                try:
                    yield self._line(row)
                except (Invalid, IndexError) as error:
                    raise _placed(error, self._path, rows.number) from None

    def _line(self, row: Sequence[str]) -> Line:
        at = self._at
        _refuse_longer(row, self._width)
        status = row[at["status"]].strip().upper() if "status" in at else ""
        if "status" in at and status not in self._reading.statuses:
            raise Invalid(
                f"{status[:40]!r} is no status",
                where="status",
                hint="say what it holds: --status NAME=STATUS+STATUS, with statuses of the hub",
            )
        said = row[at["as_of"]].strip() if "as_of" in at else ""
        cost = row[at["unit_cost"]].strip() if "unit_cost" in at else ""
        return Line(
            self._name(row, "location"),
            self._name(row, "item"),
            status,
            self._text(row, "owner"),
            self._text(row, "lot"),
            self._text(row, "serial"),
            micros_of(row[at["quantity"]].strip(), "quantity"),
            self._text(row, "unit"),
            self._instants.of(said) if said else self._default(),
            _class_of(self._text(row, "class")),
            _cost_of(cost) if cost else NO_COST,
        )

    def _default(self) -> int:
        if self._reading.as_of is None:
            raise Invalid("the row does not say as of when", where="as_of", hint="or say --as-of")
        return self._reading.as_of

    def _name(self, row: Sequence[str], name: str) -> str:
        text = self._spelled(row[self._at[name]])
        if not text or len(text) > FIELD_CHARACTERS_MAX:
            raise Invalid(f"an {name} has 1 to {FIELD_CHARACTERS_MAX} characters", where=name)
        return text

    def _text(self, row: Sequence[str], name: str) -> str:
        if name not in self._at:
            return ""
        text = row[self._at[name]].strip()
        if len(text) > FIELD_CHARACTERS_MAX:
            raise Invalid(f"longer than {FIELD_CHARACTERS_MAX} characters", where=name)
        return text


class LogDump:
    """The other side's log in a file: reference, item, location, signed quantity, recorded_at."""

    def __init__(self, path: Path, spelled: Callable[[str], str]) -> None:
        self._path = path
        self._spelled = spelled
        self._instants = _Instants()
        asked = ("reference", "item", "location", "quantity", "recorded_at")
        with _rows(path) as rows:
            self._width = len(rows.header())
            self._at = _columns(path, rows, asked)

    def lines(self) -> Iterator[LogLine]:
        at = self._at
        with _rows(self._path) as rows:
            rows.header()
            for row in rows:
                try:
                    _refuse_longer(row, self._width)
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
                    raise _placed(error, self._path, rows.number) from None


class _Instants:
    """Reads instants; the rows of a dump say the same few over and over."""

    def __init__(self) -> None:
        self._last = ("", 0)

    def of(self, text: str) -> int:
        if text == self._last[0]:
            return self._last[1]
        self._last = (text, instant_of(text))
        return self._last[1]


def instant_of(text: str, where: str = "as_of") -> int:
    """Read ISO 8601 with an offset, in microseconds since 1970."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text[:40]!r} is no instant", where=where, hint=_INSTANT) from None
    if moment.tzinfo is None:
        raise Invalid(f"{text[:40]!r} does not say its zone", where=where, hint=_INSTANT)
    return int(moment.replace(microsecond=0).timestamp()) * MICROS + moment.microsecond


_INSTANT = "as in 2026-05-04T22:00:00+02:00"


def micros_of(text: str, where: str) -> int:
    if len(text) <= _PLAIN_DIGITS_MAX and text.isascii() and text.isdigit():
        return int(text) * MICROS
    return int(decimal_of(text, where=where).scaleb(6))


def _cost_of(text: str) -> int:
    micros = micros_of(text, "unit_cost")
    if micros < 0:
        raise Invalid("a unit costs nothing or more", where="unit_cost")
    return micros


def _refuse_longer(row: Sequence[str], width: int) -> None:
    """Refuse a row with more fields than the header: a decimal comma reads as another number."""
    if len(row) > width:
        raise Invalid(
            f"the row has {len(row)} fields, the header {width}",
            hint="quote what contains the separator; decimals have a point",
        )


def _class_of(text: str) -> str:
    if text and text not in ItemClass.__members__:
        raise Invalid(f"{text[:40]!r} is no class", where="class", hint="A, B or C")
    return text


class _Rows:
    """The rows of an open file; `number` is the line that the last one began or ended on."""

    def __init__(self, path: Path, lines: Iterator[str]) -> None:
        first = next(lines, "")
        delimiter = max(",;\t|", key=first.count)
        self._first = first
        self._path = path
        self._reader = csv.reader(lines, delimiter=delimiter, strict=True)
        self._delimiter = delimiter

    @property
    def number(self) -> int:
        return self._reader.line_num + 1

    def header(self) -> list[str]:
        try:
            return next(csv.reader([self._first], delimiter=self._delimiter), [])
        except csv.Error as error:
            raise Invalid(f"no CSV: {error}", where=f"{self._path.name}:1") from None

    def __iter__(self) -> Iterator[list[str]]:
        try:
            yield from filter(None, self._reader)
        except csv.Error as error:
            raise Invalid(f"no CSV: {error}", where=f"{self._path.name}:{self.number}") from None
        except UnicodeDecodeError:
            where = f"{self._path.name}:{self.number}"
            raise Invalid("the file is not UTF-8", where=where) from None


@contextmanager
def _rows(path: Path) -> Iterator[_Rows]:
    """Open a file for its rows; what cannot be opened is `Invalid`."""
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}", where=str(path)) from None
    with file:
        try:
            rows = _Rows(path, file)
        except UnicodeDecodeError:
            raise Invalid("the file is not UTF-8", where=f"{path.name}:1") from None
        yield rows


def _columns(path: Path, rows: _Rows, asked: Sequence[str]) -> dict[str, int]:
    """Find the columns by their names; one that is there twice would say two things."""
    names = [name.strip().lower() for name in rows.header()]
    found: dict[str, int] = {}
    for field_name, spellings in ALIASES.items():
        at = [number for number, name in enumerate(names) if name in spellings]
        if len(at) > 1:
            raise Invalid(f"{field_name} is there twice", where=f"{path.name}: {field_name}")
        if at:
            found[field_name] = at[0]
    if missing := [name for name in asked if name not in found]:
        raise Invalid(
            f"{path.name} has no column {', '.join(missing)}",
            where=f"{path.name}: header",
            hint=f"the first row names the columns; these are asked for: {', '.join(asked)}",
        )
    return found


def _placed(error: Invalid | IndexError, path: Path, number: int) -> Invalid:
    if isinstance(error, IndexError):
        return Invalid("the row is too short", where=f"{path.name}:{number}")
    column = f" {error.where}" if error.where else ""
    return Invalid(error.message, where=f"{path.name}:{number}{column}", hint=error.hint)
