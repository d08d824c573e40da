"""Promises by date that cannot be kept are somebody's: a case of each item-location (§7.2).

What supply would have covered that comes too late by now is the buyer's (PO-LATE); what would
lack nevertheless is gone, and the order desk's (ORD-OVERSOLD). Each closes when it is covered.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple, Protocol
from uuid import UUID

from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.supply import kept_store, overdue
from crossdock.capabilities.supply.answer import Atp, Bucket
from crossdock.capabilities.supply.keeping import name_of
from crossdock.capabilities.supply.kept import AtRisk, KeptPromise
from crossdock.capabilities.supply.overdue import BUYER, LINES_SHOWN, Desk, Overdue, Owner
from crossdock.capabilities.supply.securing import Securing
from crossdock.capabilities.supply.store import Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction, WorkersSql
from crossdock.foundation.scope import Scope

PAGE = 500
"""So many promises are looked at together; all of a tenant that are at risk are, in their turn."""
PREFIX = "promises/"
DESK = Owner("ORD-OVERSOLD", "Order desk", "S1", timedelta(hours=1), "goods are gone")

TENANTS = WorkersSql("""
select tenant from supply_promise where is_at_risk and released_at is null
union select tenant from supply_overdue where fingerprint like 'promises/%'
""")
AT_RISK = """
select promise_id from supply_promise where tenant = $1 and is_at_risk and released_at is null
    and promise_id > $2
order by promise_id limit $3
"""


class RiskDesk(Desk, Protocol):
    """Knows what else the order desk is told of."""

    async def told_with_orders(
        self, tx: Transaction, keys: Sequence[Key], code: str, now: datetime
    ) -> frozenset[str]:
        """Name the order lines of these item-locations of which others tell this, or will."""
        ...


class Slipped(NamedTuple):
    """A supply that promises counted on from `since` on; it comes on `until`, None is never."""

    supply_id: str
    micros: int
    since: date
    until: date | None

    def is_missed(self, on: date) -> bool:
        """Say whether it would have been there by a day, and is not."""
        return self.since <= on and (self.until is None or self.until > on)


class Risk(NamedTuple):
    """A line at risk and who was promised it: how much comes too late, and how much is gone.

    Both are what it may lack, as goods are everybody's: of lines that share them each says so.
    """

    found: AtRisk
    client: str
    late: int
    gone: int
    supplies: tuple[str, ...]

    @property
    def key(self) -> Key:
        return self.found.line.item, self.found.line.location


class RiskCases:
    """Watches promises by date, and tells whose those are that are at risk."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        securing: Securing,
        desk: RiskDesk,
        *,
        page: int = PAGE,
    ) -> None:
        self._database = database
        self._clock = clock
        self._securing = securing
        self._desk = desk
        self._page = page

    async def watch(self) -> int:
        """Tell the log of promises at risk, or covered again, and people of them; a job does.

        One tenant's that cannot be told keep no other's: what was wrong is raised at the end.
        """
        try:
            count = await self._securing.watch()
        except OUTAGES:
            raise
        except Exception:
            await self._tell_all()
            raise
        await self._tell_all()
        return count

    async def _tell_all(self) -> None:
        async with self._database.transaction(Scope.of_workers()) as tx:
            tenants = [row["tenant"] for row in await tx.fetch(TENANTS)]
        failures: list[Exception] = []
        for tenant in sorted(tenants):
            try:
                async with self._database.transaction(Scope(tenant), is_one_moment=True) as tx:
                    wanted = risk_cases(await self._risks(tx))
                async with self._database.transaction(Scope(tenant)) as tx:
                    told = "what was promised is covered again, released, or told with its order"
                    now = self._clock.now()
                    await overdue.tell(tx, self._desk, PREFIX, wanted, resolution=told, now=now)
            except OUTAGES:
                raise
            except Exception as error:  # noqa: BLE001  # raised when the others were told
                failures.append(error)
        if failures:
            raise failures[0]

    async def _risks(self, tx: Transaction) -> list[Risk]:
        at_risk: dict[Key, list[tuple[AtRisk, KeptPromise]]] = {}
        after = UUID(int=0)
        while rows := await tx.fetch(AT_RISK, tx.tenant, after, self._page):
            names = [row["promise_id"] for row in rows]
            after = names[-1]
            found = await self._securing.risks(tx, names)
            made = await kept_store.read(tx, sorted({name_of(one.promise_id) for one in found}))
            for one in found:
                promise = made[name_of(one.promise_id)].promise
                key = (one.line.item, one.line.location)
                at_risk.setdefault(key, []).append((one, promise))
        now = await self._securing.outlooks(tx, sorted(at_risk)) if at_risk else {}
        known = await self._desk.told_with_orders(
            tx, sorted(at_risk), DESK.code, self._clock.now()
        )
        return [
            # One loss is one case: what an order line lacks is told with its order.
            risk._replace(gone=0) if risk.found.line.demand_ref in known else risk
            for key in sorted(at_risk)
            for risk in risks_at(at_risk[key], now[key])
        ]


def risks_at(found: Sequence[tuple[AtRisk, KeptPromise]], now: Atp) -> list[Risk]:
    """Say of lines of an item at a location what comes too late for them, and what is gone."""
    late = slipped([promise for _, promise in found], now)
    return [judged(one, promise, late, now.buckets) for one, promise in found]


def slipped(promises: Iterable[KeptPromise], now: Atp) -> list[Slipped]:
    """Name supplies that promises counted on, and that come later by now: so much is still to."""
    comes = {each.supply.supply_id: each for each in now.inbound}
    found: dict[str, Slipped] = {}
    for promise in promises:
        for answer in promise.proof.answers:
            if (answer.item, answer.location) != (now.item, now.location):
                continue
            for then in answer.inbound:
                name = then.supply.supply_id
                if then.on is None or name not in comes:
                    continue
                until = comes[name].on
                if until is not None and until <= then.on:
                    continue
                micros = min(then.micros, comes[name].supply.remaining)
                before = found.get(name, Slipped(name, micros, then.on, until))
                since = min(before.since, then.on)
                found[name] = Slipped(name, max(before.micros, micros), since, until)
    return [found[name] for name in sorted(found)]


def judged(
    one: AtRisk, promise: KeptPromise, late: Sequence[Slipped], buckets: Sequence[Bucket]
) -> Risk:
    """Say what of a line there would be if nothing were late, and what would lack nevertheless."""
    line = one.line
    keeps = line.life_days is not None or bool(line.transit_days)
    days = {
        part.ship_date
        for part in promise.lines
        if (part.demand_ref, part.item, part.location) == (line.demand_ref, *line[1:3])
    }
    missed = gone = 0
    supplies: set[str] = set()
    for on in sorted(days):
        there = next((bucket for bucket in buckets if bucket.day >= on), None)
        lacks = 0 if there is None else max(-there.pab, there.owed if keeps else 0)
        if there is None or lacks <= 0:
            continue
        these = [each for each in late if each.is_missed(there.day)]
        would = sum(each.micros for each in these)
        missed = max(missed, min(lacks, would))
        gone = max(gone, lacks - would)
        supplies |= {each.supply_id for each in these}
    most = one.micros
    return Risk(one, promise.client, min(missed, most), min(gone, most), tuple(sorted(supplies)))


def risk_cases(risks: Sequence[Risk]) -> list[Overdue]:
    """Make a case of what is at risk of an item at a location, for each whose it is."""
    ordered = sorted(risks, key=lambda one: (one.key, one.found.day, one.found.promise_id))
    return [
        _case(key, owner, some)
        for key, these in groupby(ordered, key=lambda one: one.key)
        for every in [list(these)]
        for owner in (BUYER, DESK)
        if (some := [one for one in every if _lacks(one, owner)])
    ]


def _lacks(one: Risk, owner: Owner) -> int:
    return one.late if owner is BUYER else one.gone


def _case(key: Key, owner: Owner, risks: Sequence[Risk]) -> Overdue:
    item, location = key
    late = sorted({name for one in risks for name in one.supplies})
    what = f"{', '.join(late[:3])} comes too late" if owner is BUYER else DESK.what
    count = "1 line" if len(risks) == 1 else f"{len(risks)} lines"
    lines = [(one.found.promise_id, one.found.line.demand_ref, one.found.day) for one in risks]
    # What others claim of the same goods moves what lacks by the minute: its size is news alone.
    size = max(_lacks(one, owner) for one in risks).bit_length()
    return Overdue(
        code=owner.code,
        fingerprint=f"{PREFIX}{item}/{location}/{owner.code}",
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
                    "lacks_in_base_unit": str(Quantity.from_micros(_lacks(one, owner)).value),
                }
                for one in risks[:LINES_SHOWN]
            ],
        },
        digest=sha256(repr((lines, late, size)).encode()).hexdigest(),
    )
