"""What a transaction leaves behind of the promises it changed, and of what decided new ones."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from crossdock.capabilities.inventory import store
from crossdock.capabilities.inventory.store import LineRow, StockRow
from crossdock.foundation.database import Transaction

# All that an announcement says, and so what is kept of a decision, in one order for both tables.
COLUMNS = """announcement_id, tenant, at, stock_ids, versions, nettable, hard, soft, safety,
    reservation_ids, line_nos, line_versions, sources, line_stock_ids, line_owns, seen,
    seen_sources, source_ages"""

ANNOUNCE = """
insert into inventory_announcement (tenant, at, stock_ids, versions, nettable, hard, soft, safety,
    reservation_ids, line_nos, line_versions, line_stock_ids, line_owns, seen, seen_sources,
    source_ages)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
    inventory_source_ages($1, $15))
"""


class Seen(NamedTuple):
    """What new promises were decided by: every row looked at, its group's row (0: none).

    `owns` is, line by line as told, what was open of the line's own order; None if nothing was.
    """

    rows: Sequence[tuple[StockRow, int]] = ()
    owns: Sequence[int | None] = ()


async def announce(
    tx: Transaction, now: datetime, rows: Sequence[StockRow], lines: Sequence[LineRow], seen: Seen
) -> None:
    """Note what this transaction changed, for the log to hear soon after it has committed."""
    await tx.execute(
        ANNOUNCE,
        tx.tenant,
        now,
        *store.figures_told(rows),
        *store.lines_told(lines),
        [line.line.stock_id for line in lines],
        list(seen.owns),
        [_looked_at(row, group) for row, group in seen.rows],
        [store.SOURCES_APART.join(row.sources) for row, _ in seen.rows],
    )
    tx.wake(store.ANNOUNCED)


def _looked_at(row: StockRow, group: int) -> list[int]:
    figures = row.figures
    amounts = [figures.nettable, figures.hard, figures.soft, figures.safety]
    return [row.stock_id, row.version, *amounts, group]
