"""Has the ledger hold what the keeper of stock says, where it is confirmed to differ (§4.3).

The keeper is asked once more, within the share that its samples have, and its answer is recorded
as any count that it tells.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.errors import Busy, Forbidden, Rejected, Unavailable
from crossdock.capabilities.reconciliation import (
    findings,
    guards,
    happened,
    responsible,
    rounds,
    rulebook,
    store,
)
from crossdock.capabilities.reconciliation.drift import LISTINGS_MIN
from crossdock.capabilities.reconciliation.happened import CameOf, How, Try
from crossdock.capabilities.reconciliation.money import at_risk, is_weighed
from crossdock.capabilities.reconciliation.planning import Plan
from crossdock.capabilities.reconciliation.ranking import Remedy
from crossdock.capabilities.reconciliation.rules import Rules
from crossdock.capabilities.reconciliation.stock_ports import AsksStock, StockHeard
from crossdock.capabilities.reconciliation.store import HUB, FindingRow
from crossdock.capabilities.reconciliation.turns import MOMENT
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk
from crossdock.governance.authority import stock_keepers

TAKEN = (Remedy.COUNT, Remedy.REFETCH)
"""What the keeper's own number mends; units, names and statuses it does not."""
FRESH = timedelta(hours=4)
"""What was seen by then; what was seen earlier is asked for, and compared, first."""


NOTHING_NEW = "its answer tells nothing of it that is not recorded already"


class Taker:
    def __init__(self, database: Database, clock: Clock, systems: AsksStock, cases: Desk) -> None:
        self._database = database
        self._clock = clock
        self._systems = systems
        self._cases = cases

    async def follow(self, scope: Scope, plans: Sequence[Plan]) -> list[Exception]:
        """Take what each system keeps and is confirmed to differ in, whichever run found it.

        One that cannot be asked keeps no other waiting; what goes wrong is given back.
        """
        failures: list[Exception] = []
        by_connection: dict[str, list[Plan]] = defaultdict(list)
        for plan in plans:
            by_connection[plan.connection].append(plan)
        for connection, here in by_connection.items():
            try:
                await self._of_one(scope, connection, here)
            except Exception as error:  # noqa: BLE001 whatever it is, the others are taken
                failures.append(error)
        return failures

    async def _of_one(self, scope: Scope, connection: str, plans: Sequence[Plan]) -> None:
        """Take nothing of one in an incident: its newest dump was rejected, and has its case.

        One that is paused or does not answer cannot be asked either.
        """
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            last = await store.last_run(tx, connection, HUB)
            if last is not None and last.is_rejected:
                return
            put = await rulebook.newest(tx)
            rules = put.rules if put else Rules()
            rows: list[FindingRow] = []
            if Remedy.REFETCH in rules.heals:
                rows = await store.to_take(tx, connection, TAKEN, rules.attempts, now - FRESH)
            keepers = await stock_keepers(tx, tx.tenant, {row.location for row in rows})
            house = rules.brake.currency
            differing = [
                row
                for row in rows
                if keepers.get(row.location) == connection and is_weighed(row, house)
            ]
            keys = max(LISTINGS_MIN, sum(one.listings for one in plans))
            worth = at_risk(differing, house)
            stopped = guards.stopped(
                len(differing), keys, worth, rules.brake, is_in_incident=False
            )
            case = _stopped_case(connection, len(differing), stopped)
            if stopped:
                await self._cases.opened(tx, [case], now)
                return
            await self._cases.closed(tx, [case.fingerprint], "little enough differs again", now)
        by_place = _by_place(differing)
        for plan in plans:
            if chosen := by_place.get(plan.location):
                await self._at_one(scope, plan, chosen)

    async def _at_one(self, scope: Scope, plan: Plan, chosen: Sequence[FindingRow]) -> None:
        """Ask for those with the most money in one question, if it is this location's turn.

        What was tried before is asked for alone: it may be what the system will not tell.
        """
        now = self._clock.now()
        async with self._database.transaction(scope) as tx:
            at = await rounds.of(tx, plan)
        if not plan.calls_a_day or (at.made is not None and at.made > findings.microseconds(now)):
            return
        fresh = [row for row in chosen if not row.attempts]
        some = fresh[: plan.keys_a_call] or chosen[:1]
        said = Try(How.RECORDED, HUB)
        is_tried = True
        try:
            items = [row.item for row in some]
            heard = await self._asked(scope, plan, items)
            if not await heard.record():
                said = said._replace(outcome=CameOf.FAILED, because=NOTHING_NEW)
        except Forbidden:
            raise
        except (Rejected, Unavailable) as error:
            at.refusal, at.refused_at = str(error)[: rounds.REASON_MAX], now
            is_tried = isinstance(error, Rejected)
            said = said._replace(outcome=CameOf.REFUSED, because=str(error))
        at.made = plan.made(at.made, findings.microseconds(now))
        async with self._database.transaction(scope) as tx:
            await rounds.put(tx, plan, at, now)
            if is_tried:
                await happened.tried(tx, some, said, now)

    async def _asked(self, scope: Scope, plan: Plan, items: Sequence[str]) -> StockHeard:
        """Ask; where another location of the connection was asked a moment ago, wait that long."""
        try:
            return await self._systems.ask(scope, plan.connection, plan.location, items)
        except Busy as error:
            if error.retry_after > MOMENT:
                raise
            await self._clock.sleep(error.retry_after / timedelta(seconds=1))
        return await self._systems.ask(scope, plan.connection, plan.location, items)


def _by_place(rows: Sequence[FindingRow]) -> Mapping[str, list[FindingRow]]:
    """Give what a later cut has seen since it was tried, location by location."""
    found: dict[str, list[FindingRow]] = defaultdict(list)
    for row in rows:
        if row.tried_at is None or row.last_cut > row.tried_at:
            found[row.location].append(row)
    return found


def _stopped_case(connection: str, keys: int, stopped: str) -> OpenCase:
    return OpenCase(
        code="INV-SUSPECT",
        fingerprint=f"reconciliation/{connection}/taking",
        severity="S2",
        owner_role=responsible.INVENTORY,
        within=timedelta(hours=8),
        entity=connection,
        title=f"{connection} keeps so much that differs from the ledger that its word is not"
        f" recorded by itself: {stopped}",
        evidence={"keys": keys},
    )
