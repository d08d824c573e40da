"""Asks what other places have for lines that stay short, and has what was approved held there.

Others are asked before a run is made, under no lock. What an applied run wants is promised in a
transaction of its own, together with the word that it is: however often a worker is killed, and
however many there are, it is promised once, and let go once its order has said what became of it.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from crossdock.capabilities.allocation import alternative_store as store
from crossdock.capabilities.allocation.alternatives import (
    PATIENCE,
    Alternative,
    AlternativeState,
    Lack,
    patience,
)
from crossdock.capabilities.allocation.asks import Around, Found, Key, Outlook
from crossdock.capabilities.allocation.marking import look_again
from crossdock.capabilities.allocation.model import Line
from crossdock.capabilities.allocation.oversold import gets_in_time, look_later
from crossdock.capabilities.allocation.sight import Sight, look
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction
from crossdock.foundation.scope import Scope

log = structlog.get_logger(__name__)

PAGE = 500
WANTED = AlternativeState.WANTED


class Elsewhere:
    def __init__(self, database: Database, clock: Clock, around: Around) -> None:
        self._database = database
        self._clock = clock
        self._around = around

    async def offers(self, scope: Scope, keys: Sequence[Key], now: datetime) -> Found:
        """Ask for what lines of these (item, location) lack, and nothing comes in time for."""
        finder = self._around.finder
        if not await finder.knows_any(scope):
            return Found()
        async with self._database.transaction(scope) as tx:
            # Read before stock is asked: what comes to be held in between counts twice, not never.
            wanted = await tx.fetch(store.WANTED, tx.tenant)
            sights = await look(tx, self._around, keys, now, lock=False)
            counted = await self._around.stock.counted(tx, tx.tenant, keys)
            known = [sight for sight in sights if (sight.item, sight.location) in counted]
            lacks = await _late(tx, self._around, known, now)
            lacks = await _less_denied(tx, sights, lacks, now)
        taken = {(row["item"], row["location"]): row["micros"] for row in wanted}
        return await finder.offers(scope, lacks, taken, now) if lacks else Found()

    async def settle(self, scope: Scope, keys: Sequence[Key]) -> None:
        """Let go what orders of these (item, location) have spoken of, before any run is made.

        A line that has moved to where goods are held for it would find them promised to another.
        """
        columns = [item for item, _ in keys], [location for _, location in keys]
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(store.STANDING, tx.tenant, *columns)
        for key in sorted({(row["line_item"], row["line_location"]) for row in rows}):
            try:
                async with self._database.transaction(scope) as tx:
                    await self._end(tx, key)
            except OUTAGES:
                raise
            except Exception:  # its own look finds it again, and tells
                log.exception("alternatives were not looked at", item=key[0], location=key[1])
        if rows:
            await self.carry_out()

    async def _end(self, tx: Transaction, key: Key) -> None:
        [sight] = await look(tx, self._around, [key], self._clock.now())
        over = sight.over()
        named = [one.run_id for one in over], [one.place for one in over]
        await tx.execute(store.END, tx.tenant, *named)

    async def carry_out(self) -> int:
        """Hold what applied runs want, let go what is over; count what was done."""
        done = 0
        async for row in self._to_do():
            try:
                done += await self._one(row)
            except OUTAGES:
                raise
            except Exception:  # the next look has it again, and the others go on
                log.exception("an alternative failed", run=row["run_id"], place=row["place"])
        return done

    async def _to_do(self) -> AsyncIterator[Any]:
        after: tuple[str, str, int] = ("", "", 0)
        while True:
            async with self._database.transaction(Scope.of_workers()) as tx:
                rows = await tx.fetch(store.TO_DO, *after, PAGE)
            for row in rows:
                yield row
            if len(rows) < PAGE:
                return
            after = (rows[-1]["tenant"], rows[-1]["run_id"], rows[-1]["place"])

    async def _one(self, row: Any) -> bool:
        """Do one step in one transaction; who comes second finds nothing to do."""
        async with self._database.transaction(Scope(row["tenant"])) as tx:
            named = (tx.tenant, row["run_id"], row["place"])
            found = await tx.fetchrow(store.LOCK, *named)
            if found is None:
                return False
            one = store.alternative_of(found)
            key = (found["line_item"], found["line_location"])
            if one.state is WANTED:
                whose = found["channel"], found["customer"]
                state, reservation_id = await self._hold(tx, one, whose, key)
            elif await self._is_heard(tx, row["position"]):
                state, reservation_id = await self._let_go(tx, one, key)
            else:
                return False
            await tx.execute(store.MOVE_ON, *named, state, reservation_id, self._clock.now())
        return True

    async def _hold(
        self, tx: Transaction, one: Alternative, whose: tuple[str, str], key: Key
    ) -> tuple[AlternativeState, str]:
        goods = (one.offer.item, one.offer.location, one.offer.micros)
        made = await self._around.holder.hold_in(tx, one.name, goods, whose)
        if made:
            return AlternativeState.HELD, made
        await look_later(tx, {key: self._clock.now() + PATIENCE})
        return AlternativeState.DENIED, ""

    async def _is_heard(self, tx: Transaction, position: int) -> bool:
        """Say whether stock counts what the order says: until then the goods stay his."""
        stock = self._around.stock
        return not position or position in await stock.heard(tx, tx.tenant, [position])

    async def _let_go(
        self, tx: Transaction, one: Alternative, key: Key
    ) -> tuple[AlternativeState, str]:
        if one.reservation_id:
            await self._around.holder.let_go_in(tx, one.reservation_id)
        await look_again(tx, [key], "ELSEWHERE", self._clock.now())
        return AlternativeState.ENDED, one.reservation_id


async def _less_denied(
    tx: Transaction, sights: Sequence[Sight], lacks: Sequence[Lack], now: datetime
) -> list[Lack]:
    """Have lines not ask for what they were just denied: who plans and who holds may disagree.

    An order that says otherwise of its line begins anew.
    """
    nets = {one.demand_ref: one.claim.net for sight in sights for one in sight.waiting}
    rows = await tx.fetch(store.DENIALS, tx.tenant, [lack.demand_ref for lack in lacks])
    denied: dict[str, list[Key]] = {}
    for row in rows:
        is_same = row["net"] == nets[row["demand_ref"]]
        if is_same and now < row["last_at"] + patience(row["times"]):
            denied.setdefault(row["demand_ref"], []).append((row["item"], row["location"]))
    return [lack._replace(denied=tuple(sorted(denied.get(lack.demand_ref, ())))) for lack in lacks]


async def _late(
    tx: Transaction, around: Around, sights: Sequence[Sight], now: datetime
) -> list[Lack]:
    """Say what lines lack that nothing comes in time for; who names no day cannot wait.

    Supply is asked once, of all that is lacking of each item at a location together.
    """
    lacks = {(sight.item, sight.location): _lacks(sight) for sight in sights}
    waiting = {
        key: lines
        for sight in sights
        for key in [(sight.item, sight.location)]
        for lines in [[one.line for one in sight.waiting if one.demand_ref in lacks[key]]]
        if any(line.ships_on for line in lines)
    }
    units = {(sight.item, sight.location): sight.stock.unit for sight in sights}
    asked = {
        key: (units[key], sum(line.requested for line in lines), frozenset(lacks[key]))
        for key, lines in waiting.items()
    }
    outlooks = await around.supply.outlook(tx, asked, now) if asked else {}
    return [
        lack
        for key, some in lacks.items()
        for lack in (
            _unmet(some, waiting[key], outlooks[key]) if key in waiting else some.values()
        )
    ]


def _lacks(sight: Sight) -> dict[str, Lack]:
    return {lack.demand_ref: lack for lack in sight.lacks}


def _unmet(lacks: Mapping[str, Lack], lines: Sequence[Line], outlook: Outlook) -> list[Lack]:
    """Leave what these lines of one item at a location lack beside what comes in time."""
    has = {line.demand_ref: line.requested - lacks[line.demand_ref].micros for line in lines}
    gets = gets_in_time(lines, has, outlook.parts)
    left = {line.demand_ref: line.requested - gets[line.demand_ref] for line in lines}
    return [lack._replace(micros=left[ref]) for ref, lack in lacks.items() if left[ref]]
