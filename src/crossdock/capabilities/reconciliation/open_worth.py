"""What differing lines are worth: by what their dump says, or else what is known of the item.

Without a price the brake by money would bite on nothing (§4.3).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from crossdock.capabilities.reconciliation import asked_store
from crossdock.capabilities.reconciliation.dumps import NO_COST, Worth
from crossdock.capabilities.reconciliation.earlier import before_of
from crossdock.capabilities.reconciliation.model import ItemClass, value_at_risk
from crossdock.capabilities.reconciliation.open_lines import LineNumber
from crossdock.capabilities.reconciliation.open_sides import OpenSide
from crossdock.capabilities.reconciliation.ports import Goods, Key, KnowsNames
from crossdock.capabilities.reconciliation.store import FindingRow
from crossdock.foundation.database import Transaction

NOTHING = Worth("", NO_COST)


class Told(NamedTuple):
    """A dump, what was found before, and the functional currency of the house, or ""."""

    side: OpenSide
    befores: Mapping[LineNumber, FindingRow]
    house: str


class _Known(NamedTuple):
    """What dumps of stock said last, of keys and of items anywhere, and the catalogue."""

    worths: Mapping[Key, Worth]
    costs: Mapping[str, tuple[int, str]]
    goods: Mapping[str, Goods]


async def priced(
    tx: Transaction, names: KnowsNames, rows: Sequence[FindingRow], told: Told
) -> list[FindingRow]:
    """Give the rows with their class and money.

    A class is also the catalogue's; what one costs is also what it was when the line was found.
    """
    items = {row.item for row in rows}
    if not items:
        return []
    known = _Known(
        await asked_store.classes_of(tx, {(row.location, row.item) for row in rows}),
        await asked_store.costs_of(tx, items, told.house),
        await names.goods(tx, items),
    )
    return [_priced(row, told, known) for row in rows]


def _priced(row: FindingRow, told: Told, known: _Known) -> FindingRow:
    item, worth = row.item, known.worths.get((row.location, row.item), NOTHING)
    catalogued = known.goods[item].item_class if item in known.goods else ""
    cost, currency = _cost(row, told, known)
    return replace(
        row,
        class_=ItemClass.first_of((told.side.classes.get(item, ""), worth.of, catalogued)),
        value_at_risk=value_at_risk(row.at_stake, cost),
        currency=currency,
    )


def _cost(row: FindingRow, told: Told, known: _Known) -> tuple[int | None, str]:
    """Say what one costs: the dearest that dumps of stock said, so that no risk is made small."""
    if said := told.side.costs.get(row.item) or known.costs.get(row.item):
        return said
    before = told.befores.get(LineNumber(row.document, row.line))
    earlier = before_of(before) if before else None
    return (earlier.cost, earlier.currency) if earlier else (None, "")
