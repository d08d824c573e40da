"""What is known of supply and of goods, listed as it stands: commitments, kits, lots, weights.

Read only. Of two sources that tell of one thing the one that spoke last is believed, and it alone
is listed.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
Shown = TypeVar("Shown")

# By the primary key, from the last one of the page before on. One whose last word says that
# nothing is to come is only listed where all are wanted.
COMMITMENTS = """
select s.supply_id, s.source, s.kind, s.item, s.location, s.micros, s.evidence, s.eta,
    s.acknowledgment_due, s.confidence, s.parent_supply_id, s.document_ref, s.supplier,
    s.pegs::text pegs, s.us
from supply_commitment s
where s.tenant = $1 and s.supply_id > $2 and ($3 = '' or s.item = $3)
    and ($4 = '' or s.location = $4) and (s.micros > 0 or $5)
    and not exists (select from supply_commitment n where n.tenant = $1
        and n.supply_id = s.supply_id and (n.us, n.source) > (s.us, s.source))
order by s.supply_id limit $6
"""

# What was taken apart is no kit.
KITS = """
select t.item, t.source, t.components::text components, t.us from supply_kit t
where t.tenant = $1 and t.item > $2 and ($3 = '' or t.item = $3) and t.components <> '[]'
    and not exists (select from supply_kit n where n.tenant = $1 and n.item = t.item
        and (n.us, n.source) > (t.us, t.source))
order by t.item limit $4
"""

LOTS = """
select l.item, l.lot, l.source, l.expires_on, l.us from supply_lot l
where l.tenant = $1 and (l.item, l.lot) > ($2, $3) and ($4 = '' or l.item = $4)
    and not exists (select from supply_lot n where n.tenant = $1 and n.item = l.item
        and n.lot = l.lot and (n.us, n.source) > (l.us, l.source))
order by l.item, l.lot limit $5
"""

# What is weighed no more has no weight.
WEIGHTS = """
select w.item, w.source, w.micros, w.unit, w.low_percent, w.high_percent, w.us
from supply_weight w
where w.tenant = $1 and w.item > $2 and ($3 = '' or w.item = $3) and w.micros is not null
    and not exists (select from supply_weight n where n.tenant = $1 and n.item = w.item
        and (n.us, n.source) > (w.us, w.source))
order by w.item limit $4
"""


class KnownCommitment(NamedTuple):
    """`micros` of the item's base unit are still to come; `pegs` are of order lines."""

    supply_id: str
    source: str
    kind: str
    item: str
    location: str
    micros: int
    evidence: str
    eta: date | None
    acknowledgment_due: date | None
    confidence: str | None
    parent_supply_id: str
    document_ref: str
    supplier: str
    pegs: tuple[tuple[str, int], ...]
    told_at: datetime


class KnownPart(NamedTuple):
    """One base unit of a kit takes so many micros of it, counted in `unit`."""

    item: str
    micros: int
    unit: str


class KnownKit(NamedTuple):
    item: str
    source: str
    components: tuple[KnownPart, ...]
    told_at: datetime


class KnownLot(NamedTuple):
    """`expires_on` is its last day of use; None is a day that nobody knows."""

    item: str
    lot: str
    source: str
    expires_on: date | None
    told_at: datetime


class KnownWeight(NamedTuple):
    """One base unit weighs so many micros of `unit`, some percent less or more."""

    item: str
    source: str
    micros: int
    unit: str
    low_percent: int
    high_percent: int
    told_at: datetime


class KnownSupply:
    """Lists a page at a time, in the order of the names, from the one behind `after` on."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def commitments(
        self,
        scope: Scope,
        *,
        item: str = "",
        location: str = "",
        with_closed: bool = False,
        after: str = "",
        limit: int = 100,
    ) -> list[KnownCommitment]:
        """List what is still to come, by supply id; `with_closed` also what has come."""
        said = (after, item, location, with_closed, limit)
        return await self._listed(scope, COMMITMENTS, said, _commitment)

    async def kits(
        self, scope: Scope, *, item: str = "", after: str = "", limit: int = 100
    ) -> list[KnownKit]:
        """List what kits are put together from, by the kit."""
        return await self._listed(scope, KITS, (after, item, limit), _kit)

    async def lots(
        self, scope: Scope, *, item: str = "", after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> list[KnownLot]:
        """List until when lots keep, by item and lot."""
        return await self._listed(scope, LOTS, (*after, item, limit), _lot)

    async def weights(
        self, scope: Scope, *, item: str = "", after: str = "", limit: int = 100
    ) -> list[KnownWeight]:
        """List what pieces weigh of items that are invoiced by weight, by item."""
        return await self._listed(scope, WEIGHTS, (after, item, limit), _weight)

    async def _listed(
        self, scope: Scope, sql: str, said: Sequence[object], shown: Callable[[Any], Shown]
    ) -> list[Shown]:
        async with self._database.transaction(scope) as tx:
            return [shown(row) for row in await tx.fetch(sql, tx.tenant, *said)]


def _commitment(row: Any) -> KnownCommitment:
    pegs = tuple((ref, micros) for ref, micros in json.loads(row["pegs"]))
    return KnownCommitment._make((*tuple(row)[:-2], pegs, _instant(row)))


def _kit(row: Any) -> KnownKit:
    parts = (KnownPart(*part) for part in json.loads(row["components"]))
    return KnownKit(row["item"], row["source"], tuple(parts), _instant(row))


def _lot(row: Any) -> KnownLot:
    return KnownLot._make((*tuple(row)[:-1], _instant(row)))


def _weight(row: Any) -> KnownWeight:
    return KnownWeight._make((*tuple(row)[:-1], _instant(row)))


def _instant(row: Any) -> datetime:
    us: int = row["us"]
    return _EPOCH + us * _MICROSECOND
