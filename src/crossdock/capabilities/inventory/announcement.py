"""What a transaction leaves behind of the promises it changed, and of what decided new ones."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from crossdock.capabilities.inventory import store
from crossdock.capabilities.inventory.granting import Guards
from crossdock.capabilities.inventory.protection import Claim
from crossdock.capabilities.inventory.store import LineRow, StockRow
from crossdock.foundation.database import Transaction

UNGUARDED_ROWS: Mapping[int, Guards] = MappingProxyType({})

# All that an announcement says, and so what is kept of a decision, in one order for both tables.
COLUMNS = """announcement_id, tenant, at, stock_ids, versions, nettable, hard, soft, safety,
    reservation_ids, line_nos, line_versions, sources, line_stock_ids, line_owns, seen,
    seen_sources, source_ages, basis"""

ANNOUNCE = """
insert into inventory_announcement (tenant, at, stock_ids, versions, nettable, hard, soft, safety,
    reservation_ids, line_nos, line_versions, line_stock_ids, line_owns, seen, seen_sources,
    source_ages, basis)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
    inventory_source_ages($1, $15), $16)
"""


class Regrant(NamedTuple):
    """A line of an old promise that had so many micros granted anew, for its channel.

    `own` is what was open there of its order, and `had` what its channel had had of that;
    `is_beside`: its order counts elsewhere what it has, so it took nothing of the row.
    """

    reservation_id: UUID
    line_no: int
    stock_id: int
    micros: int
    channel: str
    own: int | None = None
    had: int = 0
    is_beside: bool = False


class Seen(NamedTuple):
    """What decided promises, new or anew: every row looked at, its group's row (0: none).

    `owns` is, line by line as told, what was open of the line's own order; None if nothing was.
    `channels` is whose each line was, where a row was guarded: of the rows that were, `guards`;
    `had` is what these count of what was open of the line's own order.
    """

    rows: Sequence[tuple[StockRow, int]] = ()
    owns: Sequence[int | None] = ()
    channels: Sequence[str] = ()
    guards: Mapping[int, Guards] = UNGUARDED_ROWS
    regrants: Sequence[Regrant] = ()
    had: Sequence[int] = ()


class Basis(NamedTuple):
    """What a decision went by beside stock rows, as it was kept."""

    guards: Mapping[int, Guards]
    channels: Sequence[str]
    regrants: Sequence[Regrant]
    had: Sequence[int] = ()


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
        _basis_told(seen),
    )
    tx.wake(store.ANNOUNCED)


def _looked_at(row: StockRow, group: int) -> list[int]:
    figures = row.figures
    amounts = [figures.nettable, figures.hard, figures.soft, figures.safety]
    return [row.stock_id, row.version, *amounts, group]


def _basis_told(seen: Seen) -> str | None:
    if not seen.guards and not seen.regrants:
        return None
    told = [
        [stock_id, channel, claim.most, claim.least, claim.used, claim.claimed]
        for stock_id, guards in sorted(seen.guards.items())
        for channel, claim in sorted(guards.items())
    ]
    anew = [[one.reservation_id.hex, *one[1:]] for one in seen.regrants]
    channels, had = list(seen.channels), list(seen.had)
    return json.dumps({"guards": told, "channels": channels, "regrants": anew, "had": had})


def basis_heard(text: str | None) -> Basis:
    """Read back what a decision went by beside stock rows.

    One that knew nothing of what orders claim kept minima in full beside them, and is shown so.
    """
    if not text:
        return Basis({}, (), ())
    said = json.loads(text)
    guards: dict[int, dict[str, Claim]] = {}
    for stock_id, channel, most, least, used, *rest in said["guards"]:
        claim = Claim(least=least, most=most, used=used, claimed=rest[0] if rest else 0)
        guards.setdefault(stock_id, {})[channel] = claim
    anew = tuple(Regrant(UUID(hex=named), *rest) for named, *rest in said["regrants"])
    return Basis(dict(guards), said["channels"], anew, said["had"])
