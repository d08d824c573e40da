"""Rows of one document put together to lines, in the base units of their items. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from crossdock.canonical.errors import Invalid
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.model import AMOUNT_MAX
from crossdock.capabilities.reconciliation.open_dumps import OpenRow
from crossdock.capabilities.reconciliation.open_lines import Theirs
from crossdock.capabilities.reconciliation.ports import Goods
from crossdock.capabilities.reconciliation.units import Base, in_base_unit, strange_unit


class Read(NamedTuple):
    """The lines that could be read; of the `unread` ones `unknown` names what nobody knows."""

    lines: list[Theirs]
    unread: set[str]
    unknown: list[str]


def lines_of(rows: Sequence[OpenRow], goods: Mapping[str, Goods], base: Base) -> Read:
    """Add up the rows of each line of a document; a unit or an item that is unknown says nothing.

    Raises `Invalid` where they come to more than can be.
    """
    found: dict[str, list[OpenRow]] = defaultdict(list)
    read = Read([], set(), [])
    for row in rows:
        known = goods.get(row.item)
        if known is None:
            read.unread.add(row.line)
            read.unknown.append(row.item)
        elif strange := strange_unit([row], known.base_unit, known, base):
            read.unread.add(row.line)
            read.unknown.append(f"{row.item} in {strange}")
        else:
            found[row.line] += in_base_unit([row], known.base_unit, known, base)
    read.lines.extend(_summed(those) for line, those in found.items() if line not in read.unread)
    return read


def _summed(rows: Sequence[OpenRow]) -> Theirs:
    """Add up the rows of a line; the first item of which there is any, and its place, name it."""
    of_items: dict[str, int] = defaultdict(int)
    for row in rows:
        of_items[row.item] += row.micros
    named = [item for item, micros in of_items.items() if micros] or [rows[0].item]
    first = next(row for row in rows if row.item == named[0])
    amounts = [of_items[item] for item in named]
    total = amounts[0] if len(named) == 1 else sum(map(abs, amounts))
    if abs(total) > AMOUNT_MAX:
        raise Invalid(
            f"the quantities of {first.document} line {first.line} are beyond what can be",
            where="lines",
            hint=f"at most {AMOUNT_MAX // MICROS} of a line",
        )
    changed = max(row.changed for row in rows)
    place = (first.document, first.line, first.item, first.location)
    parts = tuple(row.micros for row in rows)
    return Theirs(*place, total, parts, changed, tuple(named[1:]))
