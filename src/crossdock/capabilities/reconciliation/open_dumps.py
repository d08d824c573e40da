"""What another system says of its open order lines or purchase order lines, read from a file.

Columns are found by name, in any order and case; others are passed over. Without the column `line`
a document's name holds the line's, as in po:4711/1.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation.open_lines import parted
from crossdock.capabilities.reconciliation.tables import (
    FIELD_CHARACTERS_MAX,
    NO_COST,
    Instants,
    class_of,
    columns,
    cost_of,
    micros_of,
    opened,
    placed,
    refuse_longer,
)


class OpenRow(NamedTuple):
    """A row of such a dump: how much of a line is still open, as of when.

    `unit` "" is the base unit. `changed` is when the line was changed last, or 0; `of` its item's
    ABC class or ""; `cost` is micros of money per base unit, or NO_COST. Rows of one line are
    added up. It sorts by document and line.
    """

    document: str
    line: str
    location: str
    item: str
    micros: int
    unit: str
    as_of: int
    changed: int = 0
    of: str = ""
    cost: int = NO_COST


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSaid:
    """What another system says is open.

    `is_full`: a line at a location that the rows name, and that they leave out, is closed there.
    `until` is when their reading ended; 0 is their newest as-of.
    """

    rows: Iterable[OpenRow]
    is_full: bool = False
    until: int = 0


ALIASES: Mapping[str, tuple[str, ...]] = {
    "document": ("document", "order", "purchase_order", "reference"),
    "line": ("line", "line_no", "position"),
    "item": ("item", "sku"),
    "location": ("location", "site", "warehouse"),
    "quantity": ("quantity", "qty", "open", "open_quantity"),
    "unit": ("unit", "uom"),
    "as_of": ("as_of",),
    "changed_at": ("changed_at",),
    "unit_cost": ("unit_cost",),
    "class": ("class", "abc"),
}
ASKED = ("document", "item", "location", "quantity")


class OpenDump:
    """A dump of open lines in a file; `as_of` is for rows that say none."""

    def __init__(self, path: Path, as_of: int | None, spelled: Callable[[str], str]) -> None:
        self._path = path
        self._as_of = as_of
        self._spelled = spelled
        self._instants, self._changes = Instants(), Instants()
        with opened(path) as rows:
            self._width = len(rows.header())
            self._at = columns(path, rows, ALIASES, ASKED)
        if "as_of" not in self._at and as_of is None:
            raise Invalid(
                f"{path.name} does not say as of when",
                where=f"{path.name}: as_of",
                hint="add the column as_of, or say when the extraction began: --as-of",
            )

    def rows(self) -> Iterator[OpenRow]:
        with opened(self._path) as rows:
            rows.header()
            for row in rows:
                try:
                    yield self._row(row)
                except (Invalid, IndexError) as error:
                    raise placed(error, self._path, rows.number) from None

    def _row(self, row: Sequence[str]) -> OpenRow:
        refuse_longer(row, self._width)
        as_of, cost = self._text(row, "as_of"), self._text(row, "unit_cost")
        changed = self._text(row, "changed_at")
        return OpenRow(
            *numbered(self._text(row, "document"), self._text(row, "line")),
            self._name(row, "location"),
            self._name(row, "item"),
            open_micros(row[self._at["quantity"]].strip()),
            self._text(row, "unit"),
            self._instants.of(as_of) if as_of else self._default(),
            self._changes.of(changed) if changed else 0,
            class_of(self._text(row, "class")),
            cost_of(cost) if cost else NO_COST,
        )

    def _default(self) -> int:
        if self._as_of is None:
            raise Invalid("the row does not say as of when", where="as_of", hint="or say --as-of")
        return self._as_of

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


def numbered(document: str, line: str) -> tuple[str, str]:
    """Name the line that a row is of; without a line its document's name holds it."""
    if not document:
        raise Invalid("the row names no document", where="document")
    return (document, line) if line else parted(document)


def open_micros(text: str, where: str = "quantity") -> int:
    """Read what is open: zero or more."""
    micros = micros_of(text, where)
    if micros < 0:
        raise Invalid(
            "less than nothing is open",
            where=where,
            hint="say what is still to come: zero for a line that is closed",
        )
    return micros
