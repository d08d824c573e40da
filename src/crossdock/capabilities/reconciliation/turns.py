"""Asks systems for samples by turns, each within its plan, whatever one of them answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from crossdock.canonical.errors import Busy, Forbidden, Rejected, Throttled, Unavailable
from crossdock.capabilities.reconciliation import findings, planning, rounds
from crossdock.capabilities.reconciliation.planning import Plan
from crossdock.capabilities.reconciliation.rounds import Round
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope

MOMENT = timedelta(seconds=15)
"""Who is busy for so long is waited for, while others are asked."""
TICK = timedelta(minutes=3)
"""A tick asks nobody after so long: the next one goes on."""


class Page(NamedTuple):
    """What is to be asked for next, and behind what to go on; "" begins anew."""

    items: Sequence[str]
    after: str


class Samples(Protocol):
    """Whoever knows what is to be sampled, and how."""

    async def tenants(self) -> Sequence[str]: ...

    async def plans(self, scope: Scope, /) -> Sequence[Plan]: ...

    async def again(self, scope: Scope, plan: Plan, /) -> list[str]:
        """Name what is in doubt, which is asked for first."""
        ...

    async def listed(self, scope: Scope, plan: Plan, at: Round, limit: int, /) -> Page: ...

    async def read(self, scope: Scope, plan: Plan, items: Sequence[str], /) -> None:
        """Ask for these in one call; raises what the other side says."""
        ...


@dataclass(slots=True)
class _Leg:
    """What is due of one channel in a tick; `not_before` is when it may be asked, if it waits."""

    scope: Scope
    plan: Plan
    at: Round
    due: int
    again: list[str]
    made: int = 0
    not_before: datetime | None = None


class Turns:
    def __init__(self, database: Database, clock: Clock, samples: Samples) -> None:
        self._database = database
        self._clock = clock
        self._samples = samples

    async def follow(self) -> None:
        """Ask for what is due of every system of every tenant, each a call at a time by turns.

        Who waited longest begins. One that is busy for a moment is asked after the others, until
        the tick is over; one that refuses is set aside with its reason, and the others go on. One
        that asks for a pause has had a call, and is asked again when the next one is due. An
        error that is neither is raised at the end.
        """
        failures: list[Exception] = []
        legs: list[_Leg] = []
        for tenant in await self._samples.tenants():
            try:
                legs += await self._legs(Scope(tenant))
            except Exception as error:  # noqa: BLE001 whatever it is, the others are read
                failures.append(error)
        legs.sort(key=lambda leg: (leg.at.made is not None, leg.at.made))
        ends = self._clock.now() + TICK
        while legs and self._clock.now() < ends:
            legs.sort(key=lambda leg: leg.made)
            legs = [leg for leg in legs if await self._turn(leg, ends, failures)]
            waits = [leg.not_before for leg in legs if leg.not_before is not None]
            if legs and len(waits) == len(legs):
                left = (min(*waits, ends) - self._clock.now()) / timedelta(seconds=1)
                await self._clock.sleep(max(0.0, left))
        if failures:
            raise failures[0]

    async def _legs(self, scope: Scope) -> list[_Leg]:
        now = findings.microseconds(self._clock.now())
        legs: list[_Leg] = []
        for plan in await self._samples.plans(scope):
            async with self._database.transaction(scope) as tx:
                at = await rounds.of(tx, plan)
            if due := plan.calls_due(at.made, now):
                again = await self._samples.again(scope, plan)
                again = planning.turned(again, at.again_after)
                legs.append(_Leg(scope, plan, at, due, again))
        return legs

    async def _turn(self, leg: _Leg, ends: datetime, failures: list[Exception]) -> bool:
        """Make one call of a channel; answer whether it has more to ask in this tick."""
        now = self._clock.now()
        if leg.not_before is not None and leg.not_before > now:
            return True
        leg.not_before = None
        try:
            await self._call(leg)
        except Unavailable as error:
            if isinstance(error, Busy) and error.retry_after <= MOMENT:
                leg.not_before = now + error.retry_after
                return now + error.retry_after < ends
            if isinstance(error, Throttled) and not isinstance(error, Busy):
                leg.at.made = leg.plan.made(leg.at.made, findings.microseconds(now))
            await self._refused(leg, error)
            return False
        except Exception as error:  # noqa: BLE001 whatever it is, the others are read
            failures.append(error)
            await self._refused(leg, error)
            return False
        leg.due, leg.made = leg.due - 1, leg.made + 1
        return leg.due > 0

    async def _refused(self, leg: _Leg, error: Exception) -> None:
        leg.at.refusal, leg.at.refused_at = str(error)[: rounds.REASON_MAX], self._clock.now()
        async with self._database.transaction(leg.scope) as tx:
            await rounds.put(tx, leg.plan, leg.at, self._clock.now())

    async def _call(self, leg: _Leg) -> None:
        """Read the next listings, with some of what is open, which is read once in a tick.

        What the channel refuses is asked for in smaller parts, and set aside when it is alone.
        """
        plan, at = leg.plan, leg.at
        room = plan.room(len(leg.again), at.calls) >> at.narrow
        asked = leg.again[:room]
        limit = at.narrowed(min(plan.keys_at_once, plan.keys_a_call - room))
        page = await self._samples.listed(leg.scope, plan, at, limit) if limit else Page((), "")
        wanted = list(dict.fromkeys([*asked, *page.items]))
        try:
            if wanted:
                await self._samples.read(leg.scope, plan, wanted)
        except Forbidden:
            raise
        except Rejected as error:
            is_over = at.refuse(page.items, len(wanted), str(error), self._clock.now())
        else:
            is_over = at.answer()
        leg.again = leg.again[room:]
        if limit and is_over:
            at.after = page.after
            at.passes += not page.after
        at.again_after = asked[-1] if asked else at.again_after
        at.calls += 1
        now = self._clock.now()
        at.made = plan.made(at.made, findings.microseconds(now))
        async with self._database.transaction(leg.scope) as tx:
            await rounds.put(tx, plan, at, now)
