"""Purchase order lines with what was received of them: for comparing with what is invoiced.

Read only, in the caller's transaction. What was received is what the line's own source says of
it; of two sources that tell of one line the one that spoke last is believed. How much came when
is not kept: of a line that was changed lately all of it may have come just then.
"""

from collections.abc import AsyncIterator, Sequence

from crossdock.capabilities.supply.open_supply import (
    OpenSupply,
    OpenSupplyLine,
    SupplyPicks,
    line_of,
)
from crossdock.foundation.database import Transaction

PAGE = 5_000
DAYS_BACK = 92
"""So long ago a line may have been changed that a full dump is asked for."""
_DAY_US = 24 * 60 * 60 * 1_000_000

# What a supplier sends to the customer himself is never received here; -1 is that nobody says.
_LINES = """
select split_part(s.supply_id, '/', 1) as document, s.supply_id, s.item, s.location, s.source,
    coalesce(s.received_base, -1) as micros, s.us
from supply_commitment s
where s.tenant = $1 and s.kind = 'PO_SCHEDULE' and s.parent_supply_id = ''
    and ($3 = '' or s.source = $3)
    and not exists (select from supply_commitment n where n.tenant = $1
        and n.supply_id = s.supply_id and ($3 = '' or n.source = $3)
        and (n.us, n.source) > (s.us, s.source))
"""
# A document's lines begin with its name and a stroke, behind which comes "0".
_OF_THESE = """
and s.supply_id in (select c.supply_id from unnest($2::text[]) k(document)
    cross join lateral (
        select supply_id from supply_commitment where tenant = $1 and supply_id = k.document
        union all
        select supply_id from supply_commitment where tenant = $1
            and supply_id > k.document || '/' and supply_id < k.document || '0') c)
"""
_FROM_THERE = """
and s.supply_id > $2 and s.received_base > 0 and s.us > $4 order by s.supply_id limit $5
"""
OF_DOCUMENTS = _LINES + _OF_THESE
ALL_RECEIVED = _LINES + _FROM_THERE
LATELY = """
select split_part(supply_id, '/', 1) as document, supply_id, max(received_base) as micros
from supply_commitment
where tenant = $1 and us > $2 and us <= $3 and received_base > 0 group by supply_id
"""


class GoodsReceived:
    """`page` lines are read at once."""

    def __init__(self, page: int = PAGE) -> None:
        self._page = page
        self._supply = OpenSupply(page)

    async def of_documents(
        self, tx: Transaction, documents: Sequence[str], source: str
    ) -> list[OpenSupplyLine]:
        """Give all lines of these purchase orders; `source` "" is from anybody."""
        rows = await tx.fetch(OF_DOCUMENTS, tx.tenant, documents, source)
        return [line_of(row) for row in rows]

    async def all_open(
        self, tx: Transaction, source: str, cut: int
    ) -> AsyncIterator[list[OpenSupplyLine]]:
        """Give all lines with goods received that were changed within so many days, by pages."""
        after, since = "", cut - DAYS_BACK * _DAY_US
        while True:
            rows = await tx.fetch(ALL_RECEIVED, tx.tenant, after, source, since, self._page)
            if rows:
                yield [line_of(row) for row in rows]
            if len(rows) < self._page:
                return
            after = rows[-1]["supply_id"]

    async def picks(self, tx: Transaction, since: int, cut: int, lately: int) -> list[SupplyPicks]:
        """Tell what may have come later than `lately`: all of a line that was changed since."""
        del since
        rows = await tx.fetch(LATELY, tx.tenant, lately, cut)
        return [SupplyPicks(row["document"], row["supply_id"], 0, row["micros"]) for row in rows]

    async def told(self, tx: Transaction) -> dict[str, int]:
        """Tell when the newest commitment of each source was received, in microseconds."""
        return await self._supply.told(tx)
