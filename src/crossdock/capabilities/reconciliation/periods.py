"""The close of a period: what the hub and the books say at its end, kept and signed off (§4.1.7).

Both are as of the end. What happened before it and is written down later changes no figure that
is kept: it is a late posting, and shown as one (R8).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import groupby

from crossdock.canonical.errors import Conflict, Forbidden, Invalid, NotFound
from crossdock.canonical.people import may_be_same
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.reconciliation import PeriodChanged
from crossdock.capabilities.reconciliation import period_store, withholding
from crossdock.capabilities.reconciliation.earlier import tell, us_of
from crossdock.capabilities.reconciliation.evidence import SHOWN_MAX
from crossdock.capabilities.reconciliation.model import MONEY_MAX
from crossdock.capabilities.reconciliation.period_model import (
    ClosedPeriod,
    Figure,
    KnowsLate,
    PeriodAsked,
    SignOff,
    figure_of,
    shown,
)
from crossdock.capabilities.reconciliation.period_store import FigureRow, LateRow, PeriodRow
from crossdock.capabilities.reconciliation.ports import Goods, Informants, Key
from crossdock.capabilities.reconciliation.running import DISORDER
from crossdock.capabilities.reconciliation.sides import (
    MICROSECOND,
    Side,
    Translator,
    gathered,
)
from crossdock.capabilities.reconciliation.store import HUB
from crossdock.capabilities.reconciliation.tables import NO_COST
from crossdock.capabilities.reconciliation.units import in_base_unit, refuse_beyond, strange_unit
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.log_times import place_before
from crossdock.foundation.scope import Scope
from crossdock.governance.authority import stock_keepers

FIGURES_MAX = 1_000_000
NAME_MAX = 40
IN_TRANSIT = "IN_TRANSIT"
AWAY_MOST = timedelta(days=366)


class Periods:
    def __init__(
        self, database: Database, clock: Clock, informants: Informants, late: KnowsLate
    ) -> None:
        self._database = database
        self._clock = clock
        self._informants = informants
        self._late = late

    async def close(self, scope: Scope, asked: PeriodAsked) -> ClosedPeriod:
        """Keep both figures of each item and location at the end; anew until it is signed off."""
        self._check(asked)
        translator = Translator(self._database, scope, self._informants.names, asked.against)
        spelled = await translator.begin()
        async with gathered(asked.said(spelled), translator) as side:
            _check_moment(side, asked.ends_at)
            since = await place_before(self._database, asked.ends_at - DISORDER)
            figures, unknown = await self._figures(scope, side, asked, since)
        now = self._clock.now()
        differing = sum(one.theirs is not None and one.ours != one.theirs for one in figures)
        not_known = sum(one.theirs is None for one in figures)
        places = tuple(sorted(side.spans))
        names = (asked.period, asked.against, asked.ends_at, since, places, "CLOSED")
        counts = (len(figures), differing, tuple(unknown)[:SHOWN_MAX], not_known)
        row = PeriodRow(*names, *counts, asked.by, now, "", None, "")
        async with self._database.transaction(scope) as tx:
            await tx.execute(period_store.IN_TURNS, tx.tenant, f"{asked.period}/{asked.against}")
            known = await period_store.find(tx, asked.period, asked.against, 1)
            if known and known[0].state == "SIGNED":
                raise Conflict(
                    f"{asked.period} of {asked.against} was signed off by {known[0].signed_by}",
                    code="period_signed",
                    hint="what is posted to it since is late: it is shown beside its figures",
                )
            if known:  # each close has a moment of its own, by which it is signed off
                now = max(now, known[0].closed_at + MICROSECOND)
                row = row._replace(closed_at=now)
            await period_store.put(tx, row, figures)
            await self._tell(tx, row, asked.by, now)
        return shown(row)

    async def sign(self, scope: Scope, asked: SignOff) -> ClosedPeriod:
        """Sign a period off, by a named person; with four eyes, by another than who closed it."""
        period, against, by = asked.period, asked.against, asked.by
        if not by.strip() or not asked.because.strip():
            raise Invalid("say who signs it off, and why", where="/because")
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            await tx.execute(period_store.IN_TURNS, tx.tenant, f"{period}/{against}")
            row = await _one(tx, period, against)
            if row.state == "SIGNED":
                raise Conflict(
                    f"{period} of {against} was signed off by {row.signed_by}",
                    code="period_signed",
                )
            if row.closed_at != asked.closed_at:
                raise Conflict(
                    f"{period} was closed anew at {row.closed_at.isoformat()} by {row.closed_by}",
                    code="period_closed_anew",
                    hint="look at its figures, and sign off that close, by its `closed_at`",
                )
            if row.unknown and not asked.despite_unknown:
                raise Conflict(
                    f"the books of {period} name {row.unknown} figures that nobody knows:"
                    f" {', '.join(row.unknown_names)}",
                    code="period_unknown",
                    hint="add the items or units and close it anew, or sign it off despite them",
                )
            policy = await withholding.policy_in(tx)
            if policy.four_eyes and may_be_same(row.closed_by, by):
                raise Forbidden(
                    f"{period} was closed by {row.closed_by}: another one has to sign it off",
                    code="four_eyes",
                    hint="ask somebody else to look at it",
                )
            await tx.execute(
                period_store.SIGN, tx.tenant, period, against, by, now, asked.because.strip()
            )
            signed = await _one(tx, period, against)
            late = [
                LateRow(one.location, one.item, one.micros, one.postings)
                for one in await self._late.late(tx, *_late_of(signed))
            ]
            await period_store.pin(tx, signed, late)
            await self._tell(tx, signed, by, now)
        return shown(signed)

    async def listed(
        self, scope: Scope, *, against: str = "", limit: int = 100
    ) -> list[ClosedPeriod]:
        """List periods, those that end last first."""
        async with self._database.transaction(scope) as tx:
            return [shown(row) for row in await period_store.find(tx, "", against, limit)]

    async def one(self, scope: Scope, period: str, against: str) -> ClosedPeriod:
        async with self._database.transaction(scope) as tx:
            return shown(await _one(tx, period, against))

    async def figures(
        self,
        scope: Scope,
        period: str,
        against: str,
        *,
        differing: bool = False,
        after: tuple[str, str] = ("", ""),
        limit: int = 100,
    ) -> list[Figure]:
        """Give the figures by location and item, with what was posted late to each since.

        What was posted late of what had no figure is given with figures of zero; `differing`
        gives what differs and what was posted late. What came behind the sign-off is told apart.
        """
        async with self._database.transaction(scope) as tx:
            row = await _one(tx, period, against)
            rows = await period_store.figures(
                tx, row, after=after, limit=limit, differing=differing
            )
            late = {
                (one.location, one.item): one for one in await self._late.late(tx, *_late_of(row))
            }
            pinned = await period_store.pinned(tx, row)
            found = {(one.location, one.item): one for one in rows}
            wanted = sorted(key for key in late.keys() - found.keys() if key > after)[:limit]
            for one in await period_store.figures_of(tx, row, wanted):
                found[one.location, one.item] = one
            without = [key for key in wanted if key not in found]
            goods = await self._informants.names.goods(tx, {item for _, item in without})
        for place, item in without:
            unit = goods[item].base_unit if item in goods else "EA"
            found[place, item] = FigureRow(place, item, unit, 0, 0, None, "", is_certain=False)
        is_signed = row.state == "SIGNED"
        return [
            figure_of(
                found[key],
                late.get(key),
                pinned.get(key, LateRow(*key)) if is_signed else None,
            )
            for key in sorted(found)[:limit]
        ]

    def _check(self, asked: PeriodAsked) -> None:
        now = self._clock.now()
        if not asked.by.strip():
            raise Invalid("say who closes it", where="/by")
        if not asked.against.strip() or asked.against == HUB:
            raise Invalid("say whose books they are", where="/against")
        if not 0 < len(asked.period.strip()) <= NAME_MAX or asked.period != asked.period.strip():
            raise Invalid(f"a period's name has 1 to {NAME_MAX} characters", where="/period")
        if not now - AWAY_MOST <= asked.ends_at <= now:
            raise Invalid(
                f"{asked.period} ends {asked.ends_at.isoformat()}",
                where="/ends_at",
                hint=f"a period that is over, for {AWAY_MOST.days} days at most",
            )

    async def _figures(
        self, scope: Scope, side: Side, asked: PeriodAsked, since: int
    ) -> tuple[list[FigureRow], dict[str, None]]:
        """Walk along both sides, in one transaction, which sees one moment."""
        cut = us_of(asked.ends_at)
        at = dict.fromkeys(side.spans, cut)
        ours: dict[Key, tuple[str, int, bool]] = {}
        async with self._database.transaction(scope) as tx:
            ledger = self._informants.ledger
            await ledger.begin(tx)
            behind = await self._behind(tx, at)
            async for key in ledger.keys(tx, at, since):
                micros = sum(one.micros for one in key.buckets if one.status != IN_TRANSIT)
                is_certain = key.counted_us <= cut and key.location not in behind
                ours[key.location, key.item] = (key.unit, micros, is_certain)
            items = {item for _, item in ours} | {line.item for line in side.lines}
            goods = await self._informants.names.goods(tx, items)
        theirs, unknown = self._theirs(side, goods)
        rows: list[FigureRow] = []
        for place, item in sorted(ours.keys() | theirs.keys()):
            known = goods.get(item)
            certain = place not in behind
            unit, micros, is_certain = ours.get(
                (place, item), (known.base_unit if known else "EA", 0, certain)
            )
            booked, cost, currency = theirs.get((place, item), (0, NO_COST, ""))
            if micros or booked != 0:
                refuse_beyond(item, place, [micros])
                value = None if booked is None else _worth(booked - micros, cost)
                rows.append(
                    FigureRow(place, item, unit, micros, booked, value, currency, is_certain)
                )
        if len(rows) > FIGURES_MAX:
            raise Invalid(f"more than {FIGURES_MAX} figures", where="/lines")
        return rows, unknown

    def _theirs(
        self, side: Side, goods: Mapping[str, Goods]
    ) -> tuple[dict[Key, tuple[int | None, int, str]], dict[str, None]]:
        """Add up the books' rows of each item and location, in base units; None: not known."""
        found: dict[Key, tuple[int | None, int, str]] = {}
        unknown: dict[str, None] = {}
        for key, rows in groupby(side.lines, lambda line: (line.location, line.item)):
            lines = [line for line in rows if line.status != IN_TRANSIT]
            known, base = goods.get(key[1]), self._informants.names.base
            strange = strange_unit(lines, known.base_unit, known, base) if known else ""
            if lines and (known is None or strange):
                unknown[f"{key[1]} in {strange}" if strange else key[1]] = None
                found[key] = None, NO_COST, ""
            if known is None or strange:
                continue
            told = in_base_unit(lines, known.base_unit, known, base)
            refuse_beyond(key[1], key[0], [one.micros for one in told])
            priced = next((one for one in told if one.cost != NO_COST), None)
            cost, currency = (priced.cost, priced.currency) if priced else (NO_COST, "")
            found[key] = (sum(one.micros for one in told), cost, currency)
        return found, unknown

    async def _behind(self, tx: Transaction, at: Mapping[str, int]) -> set[str]:
        """Name the locations whose keeper was not heard since the end."""
        keepers = await stock_keepers(tx, tx.tenant, at)
        heard = await self._informants.ledger.heard(tx)
        return {
            place
            for place, keeper in keepers.items()
            if keeper != HUB and ((last := heard.get(keeper)) is None or us_of(last) < at[place])
        }

    async def _tell(self, tx: Transaction, row: PeriodRow, by: str, now: datetime) -> None:
        changed = PeriodChanged(
            period=row.period,
            against=row.against,
            ends_at=row.ends_at,
            state=row.state,
            figures=row.figures,
            differing=row.differing,
            changed_by=by,
            because=row.because,
        )
        identity = f"period:{row.against}:{row.period}:{row.state}:{us_of(now)}"
        await tell(tx, [(identity, changed)], now)


def _late_of(row: PeriodRow) -> tuple[int, tuple[int, datetime], tuple[str, ...]]:
    """Say what is late to a period: where its postings stand in the log, its cut, its places."""
    return row.since, (us_of(row.ends_at), row.ends_at), row.places


def _worth(difference: int, cost: int) -> int | None:
    """Give the money of a difference, up to the most that can be kept."""
    if cost == NO_COST:
        return None
    return max(-MONEY_MAX, min(MONEY_MAX, difference * cost // MICROS))


def _check_moment(side: Side, ends_at: datetime) -> None:
    """Refuse books that are as of another moment: then the figures say nothing of the close."""
    if not side.rows:
        raise Invalid("the books name nothing", where="/lines")
    cut = us_of(ends_at)
    for place, span in side.spans.items():
        if span != (cut, cut):
            raise Invalid(
                f"what the books say of {place} is not as of {ends_at.isoformat()}",
                where="as_of",
                hint="leave as_of out, or let every row be as of the end of the period",
            )


async def _one(tx: Transaction, period: str, against: str) -> PeriodRow:
    found = await period_store.find(tx, period, against, 1) if period and against else []
    if not found:
        raise NotFound(f"{period!r} of {against!r} was never closed")
    return found[0]
