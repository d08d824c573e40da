"""Promises by date that cannot be kept are somebody's: a case of each item-location (§7.2).

It is the buyer's (PO-LATE) where supply that all of them were made of comes too late by now, and
the order desk's (ORD-OVERSOLD) where goods are gone. It closes when all is covered again.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple

from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.supply import kept_store, overdue
from crossdock.capabilities.supply.answer import Atp
from crossdock.capabilities.supply.keeping import name_of
from crossdock.capabilities.supply.kept import AtRisk, KeptPromise
from crossdock.capabilities.supply.overdue import BUYER, LINES_SHOWN, Desk, Overdue, Owner
from crossdock.capabilities.supply.securing import Securing
from crossdock.capabilities.supply.store import Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction, WorkersSql
from crossdock.foundation.scope import Scope

MOST = 1000
"""So many promises of a tenant are told of at once; the rest when these are covered."""
PREFIX = "promises/"
DESK = Owner("ORD-OVERSOLD", "Order desk", "S1", timedelta(hours=1), "goods are gone")

TENANTS = WorkersSql("""
select tenant from supply_promise where is_at_risk and released_at is null
union select tenant from supply_overdue where fingerprint like 'promises/%'
""")
AT_RISK = """
select promise_id from supply_promise where tenant = $1 and is_at_risk and released_at is null
order by promise_id limit $2
"""


class Risk(NamedTuple):
    """A line at risk, who was promised it, and the supplies it counted on that are too late."""

    found: AtRisk
    client: str
    late: tuple[str, ...]

    @property
    def key(self) -> Key:
        return self.found.line.item, self.found.line.location


class RiskCases:
    """Watches promises by date, and tells whose those are that are at risk."""

    def __init__(self, database: Database, clock: Clock, securing: Securing, desk: Desk) -> None:
        self._database = database
        self._clock = clock
        self._securing = securing
        self._desk = desk

    async def watch(self) -> int:
        """Tell the log of promises at risk, or covered again, and people of them; a job does.

        One tenant's that cannot be told keep no other's: what was wrong is raised at the end.
        """
        try:
            return await self._securing.watch()
        finally:
            await self._tell_all()

    async def _tell_all(self) -> None:
        async with self._database.transaction(Scope.of_workers()) as tx:
            tenants = [row["tenant"] for row in await tx.fetch(TENANTS)]
        failures: list[Exception] = []
        for tenant in sorted(tenants):
            try:
                async with self._database.transaction(Scope(tenant), is_one_moment=True) as tx:
                    wanted = risk_cases(await self._risks(tx))
                async with self._database.transaction(Scope(tenant)) as tx:
                    told = "all that was promised is covered again"
                    now = self._clock.now()
                    await overdue.tell(tx, self._desk, PREFIX, wanted, resolution=told, now=now)
            except OUTAGES:
                raise
            except Exception as error:  # noqa: BLE001  # raised when the others were told
                failures.append(error)
        if failures:
            raise failures[0]

    async def _risks(self, tx: Transaction) -> list[Risk]:
        names = [row["promise_id"] for row in await tx.fetch(AT_RISK, tx.tenant, MOST)]
        found = await self._securing.risks(tx, names)
        if not found:
            return []
        made = await kept_store.read(tx, sorted({name_of(one.promise_id) for one in found}))
        keys = sorted({(one.line.item, one.line.location) for one in found})
        now = await self._securing.outlooks(tx, keys)
        risks: list[Risk] = []
        for one in found:
            promise = made[name_of(one.promise_id)].promise
            late = too_late(one, promise, now[one.line.item, one.line.location])
            risks.append(Risk(one, promise.client, late))
        return risks


def too_late(one: AtRisk, promise: KeptPromise, now: Atp) -> tuple[str, ...]:
    """Name supplies that a line was promised of, and that come too late for it by now."""
    line = one.line
    comes: Mapping[str, date | None] = {each.supply.supply_id: each.on for each in now.inbound}
    counted = {
        each.supply.supply_id
        for answer in promise.proof.answers
        if (answer.item, answer.location) == (line.item, line.location)
        for each in answer.inbound
        if each.on is not None and each.on <= line.ship_date
    }
    return tuple(
        name
        for name in sorted(counted & comes.keys())
        for on in [comes[name]]
        if on is None or on > line.ship_date
    )


def risk_cases(risks: Sequence[Risk]) -> list[Overdue]:
    """Make one case of all that is at risk of an item at a location."""
    ordered = sorted(risks, key=lambda one: (one.key, one.found.day, one.found.promise_id))
    return [_case(key, list(these)) for key, these in groupby(ordered, key=lambda one: one.key)]


def _case(key: Key, risks: Sequence[Risk]) -> Overdue:
    item, location = key
    late = sorted({name for one in risks for name in one.late})
    owner = BUYER if all(one.late for one in risks) else DESK
    what = f"{', '.join(late[:3])} comes too late" if owner is BUYER else DESK.what
    count = "1 line" if len(risks) == 1 else f"{len(risks)} lines"
    return Overdue(
        code=owner.code,
        fingerprint=f"{PREFIX}{item}/{location}",
        severity=owner.severity,
        owner_role=owner.owner_role,
        within=owner.within,
        entity=f"{item}/{location}",
        title=f"{what}: {count} promised of {item} at {location} from {risks[0].found.day} on",
        evidence={
            "item": item,
            "location": location,
            "lines": len(risks),
            "late": late,
            "at_risk": [
                {
                    "promise_id": one.found.promise_id,
                    "client": one.client,
                    "demand_ref": one.found.line.demand_ref,
                    "ship_date": str(one.found.line.ship_date),
                    "day": str(one.found.day),
                    "lacks_in_base_unit": str(Quantity.from_micros(one.found.micros).value),
                }
                for one in risks[:LINES_SHOWN]
            ],
        },
        digest=sha256(repr(risks).encode()).hexdigest(),
    )
