"""The rows of a file that another system wrote, CSV or one JSON object a line, and its fields.

What cannot be read is `Invalid`, and names its row.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar, cast

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS, decimal_of
from crossdock.capabilities.reconciliation.model import ItemClass
from crossdock.capabilities.reconciliation.money import currency_of

Row = TypeVar("Row")
FIELD_CHARACTERS_MAX = 200
_PLAIN_DIGITS_MAX = 12
NO_COST = -1
"""What a row says that names no cost."""


class Instants:
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


def cost_of(text: str) -> int:
    micros = micros_of(text, "unit_cost")
    if micros < 0:
        raise Invalid("a unit costs nothing or more", where="unit_cost")
    return micros


def refuse_longer(row: Sequence[str], width: int) -> None:
    """Refuse a row with more fields than the header: a decimal comma reads as another number."""
    if len(row) > width:
        raise Invalid(
            f"the row has {len(row)} fields, the header {width}",
            hint="quote what contains the separator; decimals have a point",
        )


def class_of(text: str) -> str:
    if text and text not in ItemClass.__members__:
        raise Invalid(f"{text[:40]!r} is no class", where="class", hint="A, B or C")
    return text


class CsvRows:
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


class JsonRows:
    """The rows of a file with one JSON object a line; the first one names the fields of all."""

    def __init__(self, path: Path, lines: Iterator[str]) -> None:
        self._path = path
        self._lines = lines
        self._number = 0
        self._first = self._next()
        self._names = list(self._first or ())

    @property
    def number(self) -> int:
        return max(1, self._number)

    def header(self) -> list[str]:
        return list(self._names)

    def __iter__(self) -> Iterator[list[str]]:
        found = self._first
        while found is not None:
            if strange := sorted(found.keys() - set(self._names)):
                raise Invalid(
                    f"the first line has no field {strange[0][:40]!r}",
                    where=f"{self._path.name}:{self.number}",
                    hint="let the first line name all fields, empty ones too",
                )
            yield [found.get(name, "") for name in self._names]
            found = self._next()

    def _next(self) -> dict[str, str] | None:
        """Read the next object; its numbers are taken as they are written."""
        try:
            for line in self._lines:
                self._number += 1
                if line.strip():
                    return self._object(line)
        except UnicodeDecodeError:
            raise self._invalid("the file is not UTF-8") from None
        return None

    def _object(self, line: str) -> dict[str, str]:
        try:
            said: object = json.loads(line, parse_float=str, parse_int=str, parse_constant=str)
        except (ValueError, RecursionError):
            raise self._invalid("the line is no JSON") from None
        if not isinstance(said, dict):
            raise self._invalid("the line is no JSON object")
        fields = cast("dict[str, object]", said)
        return {name: self._text(value) for name, value in fields.items()}

    def _text(self, value: object) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._invalid("a field is a text or a number")
        return value

    def _invalid(self, message: str) -> Invalid:
        return Invalid(message, where=f"{self._path.name}:{self.number}")


Rows = CsvRows | JsonRows


def is_json(path: Path) -> bool:
    return path.suffix.lower() in {".jsonl", ".ndjson"}


@contextmanager
def opened(path: Path) -> Iterator[Rows]:
    """Open a file for its rows; what cannot be opened is `Invalid`."""
    try:
        file = path.open(encoding="utf-8-sig", newline="")
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}", where=str(path)) from None
    with file:
        try:
            rows = JsonRows(path, file) if is_json(path) else CsvRows(path, file)
        except UnicodeDecodeError:
            raise Invalid("the file is not UTF-8", where=f"{path.name}:1") from None
        yield rows


def columns(
    path: Path, rows: Rows, aliases: Mapping[str, tuple[str, ...]], asked: Sequence[str]
) -> dict[str, int]:
    """Find the columns by their names; one that is there twice would say two things."""
    names = [name.strip().lower() for name in rows.header()]
    found: dict[str, int] = {}
    for field_name, spellings in aliases.items():
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


def placed(error: Invalid | IndexError, path: Path, number: int) -> Invalid:
    if isinstance(error, IndexError):
        return Invalid("the row is too short", where=f"{path.name}:{number}")
    column = f" {error.where}" if error.where else ""
    return Invalid(error.message, where=f"{path.name}:{number}{column}", hint=error.hint)


class Cells:
    """The fields of a file's rows, by the names of their columns.

    `spelled` says how the hub spells items and locations; `as_of` is for rows that say none.
    """

    def __init__(
        self,
        path: Path,
        asked: tuple[Mapping[str, tuple[str, ...]], Sequence[str]],
        as_of: int | None,
        spelled: Callable[[str], str],
    ) -> None:
        self._path = path
        self._as_of = as_of
        self._spelled = spelled
        self._instants = Instants()
        self._last_currency = ("", "")
        with opened(path) as rows:
            self._width = len(rows.header())
            self._at = columns(path, rows, *asked)
        if "as_of" not in self._at and as_of is None:
            raise Invalid(
                f"{path.name} does not say as of when",
                where=f"{path.name}: as_of",
                hint="add the column as_of, or say when the extraction began: --as-of",
            )

    def _each(self, read: Callable[[Sequence[str]], Row]) -> Iterator[Row]:
        with opened(self._path) as rows:
            rows.header()
            for row in rows:
                try:
                    refuse_longer(row, self._width)
                    yield read(row)
                except (Invalid, IndexError) as error:
                    raise placed(error, self._path, rows.number) from None

    def _moment(self, row: Sequence[str]) -> int:
        if said := self._text(row, "as_of"):
            return self._instants.of(said)
        if self._as_of is None:
            raise Invalid("the row does not say as of when", where="as_of", hint="or say --as-of")
        return self._as_of

    def _cost(self, row: Sequence[str]) -> int:
        said = self._text(row, "unit_cost")
        return cost_of(said) if said else NO_COST

    def _currency(self, row: Sequence[str]) -> str:
        """Read what the cost is in; the rows of a dump say the same few over and over."""
        said = self._text(row, "currency")
        if said != self._last_currency[0]:
            self._last_currency = (said, currency_of(said, "currency"))
        return self._last_currency[1]

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
