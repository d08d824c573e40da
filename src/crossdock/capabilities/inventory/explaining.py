"""Promises explained from what was kept of their decisions, whatever has happened since."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from crossdock.canonical.errors import NotFound
from crossdock.capabilities.inventory import lots, promise_proof, store
from crossdock.capabilities.inventory.announcement import COLUMNS, Basis, basis_heard
from crossdock.capabilities.inventory.answering import DEFAULT_FRESHNESS_SECONDS
from crossdock.capabilities.inventory.changing import parsed
from crossdock.capabilities.inventory.granting import UNGUARDED
from crossdock.capabilities.inventory.kits import BY_ORDER
from crossdock.capabilities.inventory.model import Figures, Reservation
from crossdock.capabilities.inventory.promise_proof import (
    DecidedLine,
    DecidedStock,
    Decision,
    LineProof,
)
from crossdock.capabilities.inventory.proof import SourceAge
from crossdock.capabilities.inventory.reserving import reservation_of
from crossdock.capabilities.inventory.store import LineRow
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.ids import prefixed
from crossdock.foundation.scope import Scope

PROMISES_MAX = 100
"""So many promises of one order are explained at once."""

# A decision that the log has not heard of yet lies among the announcements; it moves in one
# transaction, so one statement finds it in one of the two.
DECISION = f"""
select {COLUMNS} from inventory_decision
where tenant = $1 and at = $2 and $3 = any(reservation_ids)
union all
select {COLUMNS} from inventory_announcement
where tenant = $1 and at = $2 and $3 = any(reservation_ids)
order by announcement_id limit 1
"""  # noqa: S608  # the columns are a constant

# Every decision of these moments that granted the reservation something anew.
REGRANTS = f"""
select d.* from inventory_regrant r
cross join lateral (
    select {COLUMNS} from inventory_decision
    where tenant = $1 and at = r.at and $2 = any(reservation_ids) and basis is not null
    union all
    select {COLUMNS} from inventory_announcement
    where tenant = $1 and at = r.at and $2 = any(reservation_ids) and basis is not null) d
where r.tenant = $1 and r.reservation_id = $2
order by d.announcement_id
"""  # noqa: S608  # the columns are a constant

# What was asked and granted never changes; where a promise lies may, so that is the decision's.
DECIDED_LINES = """
select v.reservation_id, v.line_no, v.requested, v.demand_ref, v.is_unlimited,
    coalesce(v.asked, 0) as asked, coalesce(v.pack, 0) as pack, coalesce(p.made, 0) as made,
    case when v.into_line > 0 then v.requested
        else v.granted + v.given_back - coalesce(p.kept - v.made, 0) end as granted
from unnest($2::uuid[], $3::smallint[]) with ordinality d(reservation_id, line_no, ord)
cross join lateral (select * from inventory_reservation
    where tenant = $1 and reservation_id = d.reservation_id and line_no = d.line_no limit 1) v
left join lateral (select max(made) as made, min(case when granted >= requested then made
        else div(made::numeric * granted, requested)::bigint / 1000000 * 1000000 end) as kept
    from inventory_reservation where tenant = $1 and made > 0
    and reservation_id = d.reservation_id and into_line = d.line_no) p on true
order by d.ord
"""

PLACES = """
select stock_id, item, location from inventory_stock where tenant = $1 and stock_id = any($2)
order by stock_id
"""

_COUNTS = "status in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED')"
_IS_OVER = "status not in ('ACTIVE', 'PARTIALLY_CONSUMED', 'CONSUMED')"


def _by_order(condition: str, *, is_over: bool) -> str:
    """Look by an index: for lines that the order names, and for those named after it."""
    columns = f"select r.reservation_id, r.created_at, {str(is_over).lower()} as is_over"
    condition += " and r.client <> $4"
    return f"""{columns}
from named n join inventory_reservation r on r.tenant = $1 and r.demand_ref = n.demand_ref
    and r.demand_ref <> '' and r.{condition}
union all
{columns} from inventory_reservation r
where r.tenant = $1 and r.demand_ref > $2 || '/' and r.demand_ref < $2 || '0'
    and r.demand_ref <> ''
    and strpos(substr(r.demand_ref, length($2) + 2), '/') = 0
    and r.{condition}
"""  # the conditions above


# A line is called as its source calls it ("sale.line,12" of "sale:7"), or after its order
# ("shop:1001/1"), which may be unknown yet. What still counts comes first.
PROMISES_OF = f"""
with named as materialized (
    select demand_ref from inventory_demand where tenant = $1 and order_id = $2 and order_id <> ''
    union select $2::text collate "C"
), found as (
{_by_order(_COUNTS, is_over=False)}
union all
{_by_order(_IS_OVER, is_over=True)}
)
select reservation_id, created_at, bool_and(is_over) as is_over from found
group by reservation_id, created_at
order by is_over, created_at, reservation_id limit $3
"""  # noqa: S608  # the conditions above
# What the hub holds for kits that orders claim, and nobody asked for.
HELD_OF = PROMISES_OF.replace("r.client <> $4", "r.client = $4")

# The lines of an order, as its source calls them.
LINES_OF_ORDER = """
select demand_ref from inventory_demand where tenant = $1 and order_id = $2 and order_id <> ''
order by demand_ref limit 1000
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a promise was made as it was made.

    `decided_together` counts the reservations of one decision; `is_reproduced` says that the
    rule, run once more on what is kept, grants all of them what they got. `regrants` are what was
    granted to it anew later: a lapsed hold that came back, a move to another place.
    """

    reservation: Reservation
    lines: tuple[LineProof, ...]
    decided_together: int
    is_reproduced: bool
    regrants: tuple["Regranted", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Regranted:
    """Why a promise got anew what it had: each line asks for what was left of it."""

    at: datetime
    lines: tuple[LineProof, ...]
    is_reproduced: bool


async def lines_of(tx: Transaction, order: str) -> list[str]:
    """Name the lines of an order, as its source calls them; at most a thousand."""
    rows = await tx.fetch(LINES_OF_ORDER, tx.tenant, order)
    return [row["demand_ref"] for row in rows]


class Explanations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def explain(self, scope: Scope, reservation_id: str) -> Explanation:
        """Derive a promise once more, from what its decision saw."""
        parsed(reservation_id)
        async with self._database.transaction(scope) as tx:
            return await _Explaining(tx).explained(reservation_id)

    async def explain_order(
        self, scope: Scope, order: str, *, limit: int = PROMISES_MAX
    ) -> list[Explanation]:
        """Explain what was promised to an order, or to one of its lines, and what was refused.

        What still counts first, then what is over, the oldest first. At most `limit` promises; an
        order to which nothing was ever promised is an error. What the hub holds by itself for
        kits is no promise.
        """
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(PROMISES_OF, tx.tenant, order, limit, BY_ORDER)
            if not rows:
                raise NotFound(
                    f"nothing was promised to {order!r}",
                    hint="name an order as its source does, or one of its lines",
                )
            explaining = _Explaining(tx)
            names = [prefixed("rsv", row["reservation_id"]) for row in rows]
            return [await explaining.explained(name) for name in names]

    async def held_for_kits(
        self, scope: Scope, order: str, *, limit: int = PROMISES_MAX
    ) -> list[Reservation]:
        """Name what the hub holds, or held, of parts for kits of an order that nobody reserved.

        What still counts first. It follows from what the order claims, so no decision is kept.
        """
        async with self._database.transaction(scope) as tx:
            found = await tx.fetch(HELD_OF, tx.tenant, order, limit, BY_ORDER)
            names = [row["reservation_id"] for row in found]
            rows: dict[UUID, list[LineRow]] = {name: [] for name in names}
            for row in await store.lines_of(tx, names) if names else ():
                rows[row.reservation_id].append(row)
            return [reservation_of(each) for each in rows.values()]

    async def lines_of(self, scope: Scope, order: str) -> list[str]:
        """Name the lines of an order, as its source calls them; at most a thousand."""
        async with self._database.transaction(scope) as tx:
            return await lines_of(tx, order)


class _Explaining:
    """Explains promises in one transaction; what was decided together is read once."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx
        self._known: dict[int, tuple[Decision, int, bool]] = {}

    async def explained(self, reservation_id: str) -> Explanation:
        tx = self._tx
        rows = await store.lines_of(tx, [parsed(reservation_id)])
        if not rows:
            raise NotFound(f"there is no reservation {reservation_id}")
        reservation = reservation_of(rows)
        if reservation.client == BY_ORDER:
            raise NotFound(
                f"{reservation_id} was asked for by nobody: the hub holds parts for kits that an"
                " order claims, and how many follows from that",
                hint=f"`crossdock stock show {reservation_id}` names the parts",
            )
        row = await tx.fetchrow(
            DECISION, tx.tenant, reservation.created_at, rows[0].reservation_id
        )
        if row is None:
            raise NotFound(
                f"no decision is kept of {reservation_id}",
                hint="it was made by a version of Crossdock that kept none",
            )
        if row["announcement_id"] not in self._known:
            decision = await _decision(tx, row)
            together = len({line.reservation_id for line in decision.lines})
            known = (decision, together, promise_proof.is_reproduced(decision))
            self._known[row["announcement_id"]] = known
        decision, together, is_reproduced = self._known[row["announcement_id"]]
        return Explanation(
            reservation=reservation,
            lines=promise_proof.proofs(decision, reservation.reservation_id),
            decided_together=together,
            is_reproduced=is_reproduced,
            regrants=await self._regrants(rows),
        )

    async def _regrants(self, rows: Sequence[LineRow]) -> tuple[Regranted, ...]:
        tx, named = self._tx, rows[0].reservation_id
        refs = {row.line.line_no: row.line.demand_ref for row in rows}
        found: list[Regranted] = []
        for row in await tx.fetch(REGRANTS, tx.tenant, named):
            lines = tuple(
                DecidedLine(prefixed("rsv", named), one.line_no, one.stock_id, one.micros,
                            one.micros, one.own, refs[one.line_no], one.channel, one.had,
                            one.is_beside)
                for one in basis_heard(row["basis"]).regrants
            )  # fmt: skip
            if lines:
                decision = await _decision(tx, row, lines)
                proven = promise_proof.proofs(decision, prefixed("rsv", named))
                again = promise_proof.is_reproduced(decision)
                found.append(Regranted(at=row["at"], lines=proven, is_reproduced=again))
        return tuple(found)


async def _decision(
    tx: Transaction, row: Any, lines: tuple[DecidedLine, ...] | None = None
) -> Decision:
    """Read a decision: about its new lines, or about these, which it granted anew."""
    seen = _seen(row)
    places = await tx.fetch(PLACES, tx.tenant, sorted(seen))
    expired = await lots.expired_at(tx, {one: version for one, (version, *_) in seen.items()})
    ages: Mapping[str, tuple[str | None, int]] = json.loads(row["source_ages"] or "{}")
    basis = basis_heard(row["basis"])
    stock = {
        place["stock_id"]: DecidedStock(
            item=place["item"],
            location=place["location"],
            version=version,
            figures=figures,
            sources=tuple(_age(source, ages) for source in sources),
            group=group,
            guards=basis.guards.get(place["stock_id"], UNGUARDED),
            expired=expired.get(place["stock_id"], 0),
        )
        for place in places
        for version, figures, group, sources in [seen[place["stock_id"]]]
    }
    if lines is None:
        lines = await _lines(tx, row, basis)
    return Decision(at=row["at"], stock=stock, lines=lines)


def _seen(row: Any) -> dict[int, tuple[int, Figures, int, list[str]]]:
    """Read the stock rows of a decision: those it changed, and those it looked at.

    A batch of plain requests names the sources with what it changed; any other decision has seen
    all its rows, and names them there.
    """
    changed = zip(
        *(row[name] for name in ("stock_ids", "versions", "nettable", "hard", "soft", "safety")),
        strict=True,
    )
    found = [
        (numbers, 0, sources)
        for numbers, sources in zip(changed, _apart(row["sources"]), strict=False)
    ] + [
        (tuple(numbers), group, sources)
        for (*numbers, group), sources in zip(
            row["seen"], _apart(row["seen_sources"]), strict=True
        )
    ]
    return {
        stock_id: (version, Figures(*figures), group, sources)
        for (stock_id, version, *figures), group, sources in found
    }


def _apart(texts: Sequence[str]) -> list[list[str]]:
    return [text.split(store.SOURCES_APART) if text else [] for text in texts]


def _age(source: str, ages: Mapping[str, tuple[str | None, int]]) -> SourceAge:
    heard_at, seconds = ages.get(source, (None, DEFAULT_FRESHNESS_SECONDS))
    return SourceAge(source, datetime.fromisoformat(heard_at) if heard_at else None, seconds)


async def _lines(tx: Transaction, row: Any, basis: Basis) -> tuple[DecidedLine, ...]:
    """Read the new lines of a decision, in the order in which they were decided."""
    ids: list[UUID] = row["reservation_ids"]
    numbers = row["line_nos"] or [1] * len(ids)
    versions = row["line_versions"] or [1] * len(ids)
    owns = [*row["line_owns"], *[None] * (len(ids) - len(row["line_owns"]))]
    new = [
        (reservation_id, number, stock_id, own)
        for reservation_id, number, version, stock_id, own in zip(
            ids, numbers, versions, row["line_stock_ids"], owns, strict=True
        )
        if version == 1
    ]
    whose = [*basis.channels, *[""] * (len(new) - len(basis.channels))]
    had = [*basis.had, *[0] * (len(new) - len(basis.had))]
    found = await tx.fetch(
        DECIDED_LINES, tx.tenant, [line[0] for line in new], [line[1] for line in new]
    )
    return tuple(
        DecidedLine(
            prefixed("rsv", line["reservation_id"]),
            line["line_no"],
            stock_id,
            line["requested"],
            line["granted"],
            own,
            line["demand_ref"],
            channel,
            counted,
            made=line["made"],
            is_unlimited=line["is_unlimited"],
            moved=line["asked"],
            pack=line["pack"],
        )
        for line, (_, _, stock_id, own), channel, counted in zip(
            found, new, whose, had, strict=True
        )
    )
