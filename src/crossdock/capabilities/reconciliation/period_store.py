"""Periods and their figures as stored."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from crossdock.foundation.database import Transaction

IN_TURNS = "select pg_advisory_xact_lock(hashtextextended('period/' || $1 || '/' || $2, 0))"
FIND = """
select * from reconciliation_period
where tenant = $1 and ($2 = '' or period = $2) and ($3 = '' or against = $3)
order by ends_at desc, period, against limit $4
"""
DROP_FIGURES = """
delete from reconciliation_period_figure where tenant = $1 and period = $2 and against = $3
"""
# A period that is not signed off may be closed anew.
PUT = """
insert into reconciliation_period as p (tenant, period, against, ends_at, since, places,
    figures, differing, unknown_names, closed_by, closed_at, unknown)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
on conflict (tenant, period, against) do update set ends_at = excluded.ends_at,
    since = excluded.since, places = excluded.places, figures = excluded.figures,
    differing = excluded.differing, unknown_names = excluded.unknown_names,
    closed_by = excluded.closed_by, closed_at = excluded.closed_at,
    unknown = excluded.unknown
where p.state = 'CLOSED'
"""
PUT_FIGURES = """
insert into reconciliation_period_figure (tenant, period, against, location, item, unit, ours,
    theirs, value, currency, is_certain)
select $1, $2, $3, * from unnest($4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
    $9::bigint[], $10::text[], $11::boolean[])
"""
SIGN = """
update reconciliation_period set state = 'SIGNED', signed_by = $4, signed_at = $5, because = $6
where tenant = $1 and period = $2 and against = $3 and state = 'CLOSED'
"""
FIGURES = """
select location, item, unit, ours, theirs, value, currency, is_certain
from reconciliation_period_figure
where tenant = $1 and period = $2 and against = $3 and (location, item) > ($4, $5)
    and (not $6 or ours is distinct from theirs)
order by location, item limit $7
"""
FIGURES_OF = """
select location, item, unit, ours, theirs, value, currency, is_certain
from reconciliation_period_figure
where tenant = $1 and period = $2 and against = $3
    and (location, item) in (select * from unnest($4::text[], $5::text[]))
"""
# What was posted late by the sign-off, as its transaction saw it.
PIN = """
insert into reconciliation_period_late (tenant, period, against, location, item, micros, postings)
select $1, $2, $3, * from unnest($4::text[], $5::text[], $6::bigint[], $7::integer[])
"""
PINNED = """
select location, item, micros, postings from reconciliation_period_late
where tenant = $1 and period = $2 and against = $3
"""


class LateRow(NamedTuple):
    """What an item at a location gained late by so many movements."""

    location: str
    item: str
    micros: int = 0
    postings: int = 0


class FigureRow(NamedTuple):
    """What both sides said of an item at a location; `value` of the difference, or None.

    `theirs` is None where the books name an item or a unit of it that nobody knows.
    """

    location: str
    item: str
    unit: str
    ours: int
    theirs: int | None
    value: int | None
    currency: str
    is_certain: bool


class PeriodRow(NamedTuple):
    period: str
    against: str
    ends_at: datetime
    since: int
    places: tuple[str, ...]
    state: str
    figures: int
    differing: int
    unknown_names: tuple[str, ...]
    unknown: int
    closed_by: str
    closed_at: datetime
    signed_by: str
    signed_at: datetime | None
    because: str


async def find(tx: Transaction, period: str, against: str, limit: int) -> list[PeriodRow]:
    """Give the periods, those that end last first."""
    rows = await tx.fetch(FIND, tx.tenant, period, against, limit)
    return [
        PeriodRow._make(
            tuple(row[name]) if name in {"places", "unknown_names"} else row[name]
            for name in PeriodRow._fields
        )
        for row in rows
    ]


async def put(tx: Transaction, one: PeriodRow, figures: Sequence[FigureRow]) -> None:
    """Keep a period and its figures, in place of what was said of it before."""
    key = (tx.tenant, one.period, one.against)
    said = (one.ends_at, one.since, list(one.places), one.figures, one.differing)
    names = list(one.unknown_names)
    await tx.execute(PUT, *key, *said, names, one.closed_by, one.closed_at, one.unknown)
    await tx.execute(DROP_FIGURES, *key)
    if figures:
        await tx.execute(PUT_FIGURES, *key, *map(list, zip(*figures, strict=True)))


async def figures(
    tx: Transaction, of: PeriodRow, *, after: tuple[str, str], limit: int, differing: bool
) -> list[FigureRow]:
    """Give so many figures of a period behind this location and item."""
    rows = await tx.fetch(FIGURES, tx.tenant, of.period, of.against, *after, differing, limit)
    return [FigureRow(*row.values()) for row in rows]


async def figures_of(
    tx: Transaction, of: PeriodRow, keys: Sequence[tuple[str, str]]
) -> list[FigureRow]:
    """Give the figures of a period that are of these locations and items."""
    names = [list(one) for one in zip(*keys, strict=True)] if keys else [[], []]
    rows = await tx.fetch(FIGURES_OF, tx.tenant, of.period, of.against, *names)
    return [FigureRow(*row.values()) for row in rows]


async def pin(tx: Transaction, of: PeriodRow, late: Sequence[LateRow]) -> None:
    """Keep what was posted late to a period by its sign-off."""
    columns = [list(one) for one in zip(*late, strict=True)] if late else [[], [], [], []]
    await tx.execute(PIN, tx.tenant, of.period, of.against, *columns)


async def pinned(tx: Transaction, of: PeriodRow) -> dict[tuple[str, str], LateRow]:
    """Give what was kept so, by location and item; nothing of what is not signed off."""
    rows = await tx.fetch(PINNED, tx.tenant, of.period, of.against)
    return {(row["location"], row["item"]): LateRow(*row.values()) for row in rows}
