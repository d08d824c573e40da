"""What came of what suppliers acknowledged: their last lines, read back a bounded way."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from crossdock.canonical.identifiers import KeyRule
from crossdock.capabilities.supply.fill import DAYS, LINES_MOST, Fill, p10, percent_filled
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

# Purchase lines that ended, the last first; of sources that tell of one the last to speak. A line
# of a ship notice is part of its purchase, and none by itself. One that the buyer cancelled whole
# says nothing of its supplier.
LINES = """
select s.supplier, s.supply_id, s.source, s.item, s.location, s.acknowledged, s.received,
    s.cancelled, s.us
from unnest($2::text[]) k(supplier)
cross join lateral (select * from supply_commitment s
    where s.tenant = $1 and s.supplier = k.supplier and s.supplier <> '' and s.us >= $3
        and s.micros = 0 and s.unlisted_micros is null
        and s.acknowledged > 0 and s.acknowledged > s.cancelled and s.received is not null
        and s.kind in ('PO_SCHEDULE', 'DROP_SHIP')
        and not exists (select from supply_commitment o where o.tenant = $1
            and o.supply_id = s.supply_id and (o.us, o.source) > (s.us, s.source))
    order by s.us desc, s.supply_id limit $4) s
"""

_NAMES = KeyRule()
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


class FilledLine(NamedTuple):
    """A line that ended; micros of the unit that its source counts it in."""

    supplier: str
    supply_id: str
    source: str
    item: str
    location: str
    acknowledged: int
    received: int
    cancelled: int
    ended_at: datetime

    @property
    def percent(self) -> int:
        return percent_filled(self.received, self.acknowledged, self.cancelled)


class Fills:
    """Tells people of suppliers' fill."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def of(self, scope: Scope, supplier: str) -> tuple[Fill, list[FilledLine]]:
        """Give a supplier's fill and the lines it is of, the last first."""
        name = _NAMES.comparable(supplier)
        async with self._database.transaction(scope) as tx:
            lines = await _lines(tx, tx.tenant, [name], self._clock.now())
        return _fill(name, lines), lines


async def fills(
    tx: Transaction, tenant: str, suppliers: Collection[str], now: datetime
) -> dict[str, Fill]:
    """Give the fill of each of these suppliers of whom any line ended lately."""
    by_name: dict[str, list[FilledLine]] = {}
    for line in await _lines(tx, tenant, suppliers, now):
        by_name.setdefault(line.supplier, []).append(line)
    return {name: _fill(name, lines) for name, lines in by_name.items()}


def _fill(name: str, lines: Collection[FilledLine]) -> Fill:
    return Fill(name, p10([one.percent for one in lines]) if lines else 0, len(lines))


async def _lines(
    tx: Transaction, tenant: str, suppliers: Collection[str], now: datetime
) -> list[FilledLine]:
    since = (now - timedelta(days=DAYS) - _EPOCH) // _MICROSECOND
    rows = await tx.fetch(LINES, tenant, sorted(suppliers), since, LINES_MOST)
    return [
        FilledLine._make((*tuple(row)[:-1], _EPOCH + row["us"] * _MICROSECOND)) for row in rows
    ]
