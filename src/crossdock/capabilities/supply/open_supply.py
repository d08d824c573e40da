"""Commitments with what is open of them: for comparing with what another system says is open.

Read only, in the caller's transaction. Of two sources that tell of one commitment the one that
spoke last is believed.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from crossdock.canonical.quantities import Quantity
from crossdock.canonical.supply import (
    SupplyCommitmentChanged,
    SupplyEvidence,
    SupplyKind,
    SupplyListing,
)
from crossdock.foundation import event_log
from crossdock.foundation.database import Transaction

PAGE = 5_000
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

# By the primary key: a document's lines begin with its name and a stroke, behind which comes "0".
# What announces a line of the document is open of that line already.
OF_DOCUMENTS = """
select k.document, s.supply_id, s.item, s.location, s.source, s.micros, s.us
from unnest($2::text[]) k(document)
cross join lateral (
    select * from supply_commitment where tenant = $1 and supply_id = k.document
    union all
    select * from supply_commitment
    where tenant = $1 and supply_id > k.document || '/' and supply_id < k.document || '0') s
where ($3 = '' or s.source = $3) and s.kind <> $4
    and not (s.parent_supply_id = k.document or s.parent_supply_id > k.document || '/'
        and s.parent_supply_id < k.document || '0')
    and not exists (select from supply_commitment n where n.tenant = $1
        and n.supply_id = s.supply_id and ($3 = '' or n.source = $3)
        and (n.us, n.source) > (s.us, s.source))
"""
# Purchases alone: what a ship notice announces is open of its purchase already. By the index of
# open ones, which knows the kind as it is written here.
ALL_OPEN = """
select split_part(s.supply_id, '/', 1) as document, s.supply_id, s.item, s.location, s.source,
    s.micros, s.us
from supply_commitment s
where s.tenant = $1 and s.supply_id > $2 and s.micros > 0 and s.kind = 'PO_SCHEDULE'
    and s.parent_supply_id = '' and ($3 = '' or s.source = $3)
    and not exists (select from supply_commitment n where n.tenant = $1
        and n.supply_id = s.supply_id and ($3 = '' or n.source = $3)
        and (n.us, n.source) > (s.us, s.source))
order by s.supply_id limit $4
"""

TOLD = """
select source, max(position) as position from supply_commitment where tenant = $1 group by source
"""


# What a source tells later than a moment stands.
WITHDRAWN = """
select * from supply_commitment
where tenant = $1 and source = $2 and supply_id = any($3) and us <= $4 and micros > 0
order by supply_id
"""


# What was marked as listed no more.
UNLISTED = """
select * from supply_commitment
where tenant = $1 and source = $2 and unlisted_micros is not null and supply_id = any($3)
order by supply_id
"""


class Withdrawn(NamedTuple):
    """What a source told of a line last, with what is open by a reading, and its version."""

    said: SupplyCommitmentChanged
    version: int


class OpenSupplyLine(NamedTuple):
    """A line of a purchase order, or of a transfer; `total` micros of its base unit are to come.

    Nothing leaves a shelf for it, so nothing is `picked`.
    """

    document: str
    reference: str
    item: str
    location: str
    source: str
    total: int
    changed_us: int
    picked: int = 0


class SupplyPicks(NamedTuple):
    """Nothing is ever picked for what is to come."""

    document: str
    reference: str
    after: int
    lately: int = 0
    back: int = 0


class OpenSupply:
    """`page` lines are read at once."""

    def __init__(self, page: int = PAGE) -> None:
        self._page = page

    async def of_documents(
        self, tx: Transaction, documents: Sequence[str], source: str
    ) -> list[OpenSupplyLine]:
        """Give all lines of these documents, closed ones too; `source` "" is from anybody."""
        own = SupplyKind.VENDOR_STOCK
        rows = await tx.fetch(OF_DOCUMENTS, tx.tenant, documents, source, own)
        return [line_of(row) for row in rows]

    async def all_open(
        self, tx: Transaction, source: str, cut: int
    ) -> AsyncIterator[list[OpenSupplyLine]]:
        """Give all purchase order lines that are open, page by page."""
        del cut
        after = ""
        while True:
            rows = await tx.fetch(ALL_OPEN, tx.tenant, after, source, self._page)
            if rows:
                yield [line_of(row) for row in rows]
            if len(rows) < self._page:
                return
            after = rows[-1]["supply_id"]

    async def withdrawn(
        self, tx: Transaction, source: str, units: Mapping[str, str], as_of: datetime
    ) -> list[Withdrawn]:
        """Word that nothing is open of lines, each with its unit; not of what was told since."""
        until = (as_of - _EPOCH) // _MICROSECOND
        rows = await tx.fetch(WITHDRAWN, tx.tenant, source, list(units), until)
        return [_said(row, Quantity.of(0, units[row["supply_id"]])) for row in rows]

    async def listed_again(
        self, tx: Transaction, source: str, listed: Mapping[str, tuple[str, str, Quantity]]
    ) -> list[Withdrawn]:
        """Word how much is to come again of those of these lines that were withdrawn.

        One that is listed with another item or location than it was told with stays withdrawn.
        """
        rows = await tx.fetch(UNLISTED, tx.tenant, source, list(listed))
        told = [(row, *listed[row["supply_id"]]) for row in rows]
        return [
            _said(row, quantity)
            for row, item, location, quantity in told
            if (item, location) == (row["item"], row["location"])
        ]

    async def picks(self, tx: Transaction, since: int, cut: int, lately: int) -> list[SupplyPicks]:
        """Nothing leaves a shelf for a supply."""
        del tx, since, cut, lately
        return []

    async def told(self, tx: Transaction) -> dict[str, int]:
        """Tell when the newest commitment of each source was received, in microseconds."""
        newest = {row["source"]: row["position"] for row in await tx.fetch(TOLD, tx.tenant)}
        received = await event_log.received(tx, list(newest.values()))
        return {
            source: (received[position] - _EPOCH) // _MICROSECOND
            for source, position in newest.items()
            if position in received
        }


def _said(row: Any, quantity: Quantity) -> Withdrawn:
    said = SupplyCommitmentChanged(
        supply_id=row["supply_id"],
        kind=SupplyKind(row["kind"]),
        item=row["item"],
        location=row["location"],
        open_quantity=quantity,
        evidence=SupplyEvidence(row["evidence"]),
        parent_supply_id=row["parent_supply_id"],
        document_ref=row["document_ref"],
        listing=SupplyListing.RELISTED if quantity.value else SupplyListing.UNLISTED,
    )
    return Withdrawn(said, row["rank"])


def line_of(row: Any) -> OpenSupplyLine:
    """Build a line from a row with its columns."""
    return OpenSupplyLine(
        row["document"],
        row["supply_id"],
        row["item"],
        row["location"],
        row["source"],
        row["micros"],
        row["us"],
    )
