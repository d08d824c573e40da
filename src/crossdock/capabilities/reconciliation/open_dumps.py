"""What another system says of lines of documents, read from a file: what is open, or followed.

Columns are found by name, in any order and case; others are passed over. Without the column `line`
a document's name holds the line's, as in po:4711/1.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.capabilities.reconciliation.kinds import FOLLOWING, PRICES, Kind
from crossdock.capabilities.reconciliation.open_lines import parted
from crossdock.capabilities.reconciliation.tables import (
    NO_COST,
    Cells,
    Instants,
    class_of,
    micros_of,
)


class OpenRow(NamedTuple):
    """A row of such a dump: how much of a line is still open, or followed, as of when.

    `unit` "" is the base unit. `changed` is when the line was changed last, or 0; `of` its item's
    ABC class or ""; `cost` is micros of money per base unit, or NO_COST, in `currency` ("": the
    functional one). Rows of one line are added up. It sorts by document and line. `price` and
    `agreed` are money of one `unit`, or NO_COST, `amount` of all of it, or None.
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
    currency: str = ""
    price: int = NO_COST
    agreed: int = NO_COST
    amount: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSaid:
    """What another system says is open.

    `is_full`: a line at a location that the rows name, and that they leave out, is closed there.
    `until` is when their reading ended; 0 is their newest as-of. `began` is when a system was
    begun to be asked for all that is open there; 0 is a dump. Of `unread` documents of a system
    that was asked nothing is known.
    """

    rows: Iterable[OpenRow]
    is_full: bool = False
    until: int = 0
    began: int = 0
    unread: frozenset[str] = frozenset()


ALIASES: Mapping[str, tuple[str, ...]] = {
    "document": ("document", "order", "purchase_order", "reference"),
    "line": ("line", "line_no", "position"),
    "item": ("item", "sku"),
    "location": ("location", "site", "warehouse"),
    "quantity": ("quantity", "qty", "open", "open_quantity", "invoiced", "delivered"),
    "unit": ("unit", "uom"),
    "as_of": ("as_of",),
    "changed_at": ("changed_at",),
    "unit_cost": ("unit_cost",),
    "currency": ("currency",),
    "class": ("class", "abc"),
    "proof": ("proof", "pod"),
    "unit_price": ("unit_price", "price"),
    "agreed_price": ("agreed_price", "order_price", "po_price"),
    "amount": ("amount", "line_amount", "net_amount"),
}
PRICED = frozenset({"unit_price", "agreed_price", "amount"})
ASKED = ("document", "item", "location", "quantity")


class OpenDump(Cells):
    """A dump of lines in a file; `as_of` is for rows that say none."""

    def __init__(
        self,
        path: Path,
        as_of: int | None,
        spelled: Callable[[str], str],
        kind: Kind = Kind.ORDERS,
    ) -> None:
        super().__init__(path, (ALIASES, ASKED), as_of, spelled)
        self._changes = Instants()
        self._kind = kind
        self._is_proven_by_row = kind is Kind.DELIVERIES and "proof" in self._at
        told = self._at.keys() & PRICED
        if kind in PRICES and (len(told) < len(PRICED) - 1):
            raise Invalid(
                f"{path.name} does not say what was agreed and what is invoiced",
                where=f"{path.name}: {', '.join(sorted(PRICED - told))}",
                hint="give two of unit_price, agreed_price and amount",
            )

    def rows(self) -> Iterator[OpenRow]:
        return self._each(self._row)

    def _row(self, row: Sequence[str]) -> OpenRow:
        changed = self._text(row, "changed_at")
        return OpenRow(
            *numbered(self._text(row, "document"), self._text(row, "line")),
            self._name(row, "location"),
            self._name(row, "item"),
            self._micros(row),
            self._text(row, "unit"),
            self._moment(row),
            self._changes.of(changed) if changed else 0,
            class_of(self._text(row, "class")),
            self._cost(row),
            self._currency(row),
            self._price(row, "unit_price"),
            self._price(row, "agreed_price"),
            self._amount(row),
        )

    def _price(self, row: Sequence[str], name: str) -> int:
        text = self._text(row, name) if self._kind in PRICES else ""
        return price_of(text, name) if text else NO_COST

    def _amount(self, row: Sequence[str]) -> int | None:
        text = self._text(row, "amount") if self._kind in PRICES else ""
        return micros_of(text, "amount") if text else None

    def _micros(self, row: Sequence[str]) -> int:
        text = row[self._at["quantity"]].strip()
        proof = self._text(row, "proof") if self._is_proven_by_row else None
        return said_micros(self._kind, text, proof)


def said_micros(kind: Kind, text: str, proof: str | None, where: str = "quantity") -> int:
    """Read an amount: zero or more is open or delivered, and a credit is invoiced below zero.

    What has no proof where proofs are told, "", counts as not delivered.
    """
    if kind in {*FOLLOWING, *PRICES} and kind is not Kind.DELIVERIES:
        return micros_of(text, where)
    micros = open_micros(text, where)
    return 0 if proof is not None and not proof.strip() else micros


def price_of(text: str, where: str) -> int:
    """Read what one is priced at: zero or more."""
    micros = micros_of(text, where)
    if micros < 0:
        raise Invalid(
            "a price is zero or more", where=where, hint="a credit has a quantity below zero"
        )
    return micros


def numbered(document: str, line: str) -> tuple[str, str]:
    """Name the line that a row is of; without a line its document's name holds it."""
    if not document:
        raise Invalid("the row names no document", where="document")
    return (document, line) if line else parted(document)


def open_micros(text: str, where: str = "quantity") -> int:
    """Read what is open, or delivered: zero or more."""
    micros = micros_of(text, where)
    if micros < 0:
        raise Invalid(
            "less than nothing is open",
            where=where,
            hint="zero or more: what is open of a line, or was delivered of it",
        )
    return micros
