"""Promises by date that cannot be kept are somebody's: a case of each item-location (§7.2).

What supply would have covered that comes too late by now is the buyer's (PO-LATE); what would
lack nevertheless is gone, and the order desk's (ORD-OVERSOLD). Each closes when it is covered.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from typing import NamedTuple, Protocol

from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.supply import kept_store, overdue
from crossdock.capabilities.supply.answer import Atp, Bucket
from crossdock.capabilities.supply.keeping import name_of
from crossdock.capabilities.supply.kept import AtRisk, KeptPromise
from crossdock.capabilities.supply.overdue import BUYER, LINES_SHOWN, Named, Overdue, Owner
from crossdock.capabilities.supply.securing import Securing
from crossdock.capabilities.supply.store import Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import OUTAGES, Database, Transaction, WorkersSql
from crossdock.foundation.scope import Scope
from crossdock.foundation.watching import Desk, each, halving, tenants

LOOKED_AT = 5_000
"""So many lines of a tenant are looked at in one look, or those of one item-location."""
PAGE = 500
"""Of so many promises at once the proofs are read."""
PREFIX = "promises/"
NAMED = Named(PREFIX, "what was promised is covered again, released, or told with its order")
DESK = Owner("ORD-OVERSOLD", "Order desk", "S1", timedelta(hours=1), "goods are gone")

TENANTS = WorkersSql("""
select tenant from supply_promise where is_at_risk and released_at is null
union select tenant from supply_overdue where fingerprint like 'promises/%'
""")
KEYS = """
select l.item, l.location, count(*) as lines
from supply_promise p join supply_promise_line l
    on l.tenant = $1 and l.promise_id = p.promise_id and l.is_open
where p.tenant = $1 and p.is_at_risk and p.released_at is null
group by l.item, l.location order by l.item, l.location
"""
AT_RISK = """
select distinct p.promise_id
from unnest($2::text[], $3::text[]) k(item, location)
join supply_promise_line l
    on l.tenant = $1 and l.item = k.item and l.location = k.location and l.is_open
join supply_promise p on p.tenant = $1 and p.promise_id = l.promise_id
    and p.is_at_risk and p.released_at is null
order by p.promise_id
"""


class RiskDesk(Desk, Protocol):
    """Knows what else the order desk is told of."""

    async def told_with_orders(
        self, tx: Transaction, keys: Sequence[Key], code: str
    ) -> frozenset[str]:
        """Name the order lines of these item-locations of which others tell this."""
        ...

    async def told_soon(
        self, tx: Transaction, keys: Sequence[Key], now: datetime
    ) -> frozenset[str]:
        """Name those of which others will, if they lack for a while longer."""
        ...


class Counted(NamedTuple):
    """So much of a supply, on a day, a promise counted on."""

    supply_id: str
    micros: int
    on: date


class Promised(NamedTuple):
    """What is kept of a promise for a line of it at risk: whose, for which days, and from what."""

    found: AtRisk
    client: str
    days: tuple[date, ...]
    counted: tuple[Counted, ...]


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
        most: int = LOOKED_AT,
    ) -> None:
        self._database = database
        self._clock = clock
        self._securing = securing
        self._desk = desk
        self._most = most
        self._looked_to: dict[str, Key] = {}

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
        await each(await tenants(self._database, TENANTS), self._tell)

    async def _tell(self, scope: Scope) -> None:
        """Look at the next item-locations of a tenant, and tell what is so there.

        Those that cannot be looked at keep no others: their cases stay as they are.
        """
        async with self._database.transaction(scope) as tx:
            lines = {(row[0], row[1]): row[2] for row in await tx.fetch(KEYS, tx.tenant)}
        keys = next_keys(lines, self._looked_to.get(scope.tenant), self._most)
        seen, risks, waiting = set[Key](), list[Risk](), set[Key]()

        async def look(some: Sequence[Key]) -> None:
            self._looked_to[scope.tenant] = some[-1]
            async with self._database.transaction(scope, is_one_moment=True) as tx:
                found, early = await self._risks(tx, some)
            seen.update(some)
            risks.extend(found)
            waiting.update(early)

        failures = await halving(keys, look)
        unseen = [
            fingerprint(key, owner) for key in lines.keys() - seen for owner in (BUYER, DESK)
        ]
        unseen += [fingerprint(key, DESK) for key in waiting]
        wanted = risk_cases(risks)
        async with self._database.transaction(scope) as tx:
            await overdue.tell(tx, self._desk, NAMED, wanted, self._clock.now(), unseen=unseen)
        if failures:
            raise failures[0]

    async def _risks(self, tx: Transaction, keys: Sequence[Key]) -> tuple[list[Risk], set[Key]]:
        """Say what is at risk, and where lines are left out only until others tell of them."""
        seen = await self._securing.outlooks(tx, keys)
        at_risk = await self._promised(tx, seen)
        risks = [risk for key in sorted(at_risk) for risk in risks_at(at_risk[key], seen[key])]
        told = await self._desk.told_with_orders(tx, sorted(at_risk), DESK.code)
        soon = await self._desk.told_soon(tx, sorted(at_risk), self._clock.now()) - told
        waiting = {one.key for one in risks if one.gone and one.found.line.demand_ref in soon}
        return [
            # One loss is one case: what an order line lacks is told with its order.
            one._replace(gone=0) if one.found.line.demand_ref in told | soon else one
            for one in risks
        ], waiting

    async def _promised(
        self, tx: Transaction, seen: Mapping[Key, Atp]
    ) -> dict[Key, list[Promised]]:
        """Give what is at risk at each of these keys; of a proof only what is needed is kept."""
        items, locations = [item for item, _ in seen], [location for _, location in seen]
        rows = await tx.fetch(AT_RISK, tx.tenant, items, locations)
        names = [row["promise_id"] for row in rows]
        at_risk: dict[Key, list[Promised]] = {}
        for begin in range(0, len(names), PAGE):
            lines = await kept_store.open_of_promises(tx, names[begin : begin + PAGE])
            here = [one for one in lines if (one.lines[0].item, one.lines[0].location) in seen]
            found = await self._securing.uncovered(tx, here, seen)
            made = await kept_store.read(tx, sorted({name_of(one.promise_id) for one in found}))
            for one in found:
                promise = made[name_of(one.promise_id)].promise
                key = (one.line.item, one.line.location)
                at_risk.setdefault(key, []).append(promised(one, promise))
        return at_risk


def next_keys(lines: Mapping[Key, int], after: Key | None, most: int) -> list[Key]:
    """Say which keys are looked at next, in turn: as many as have so many lines, one at least."""
    ordered = sorted(lines)
    behind = [key for key in ordered if after is None or key > after]
    count, keys = 0, list[Key]()
    for key in [*behind, *ordered[: len(ordered) - len(behind)]]:
        count += lines[key]
        if keys and count > most:
            break
        keys.append(key)
    return keys


def promised(one: AtRisk, promise: KeptPromise) -> Promised:
    """Keep of a promise what says why a line of it is at risk; its proof may be long."""
    line = one.line
    days = {
        part.ship_date
        for part in promise.lines
        if (part.demand_ref, part.item, part.location) == (line.demand_ref, *line[1:3])
    }
    counted = tuple(
        Counted(then.supply.supply_id, then.micros, then.on)
        for answer in promise.proof.answers
        if (answer.item, answer.location) == (line.item, line.location)
        for then in answer.inbound
        if then.on is not None
    )
    return Promised(one, promise.client, tuple(sorted(days)), counted)


def risks_at(promises: Sequence[Promised], now: Atp) -> list[Risk]:
    """Say of lines of an item at a location what comes too late for them, and what is gone."""
    late = slipped((each for one in promises for each in one.counted), now)
    return [judged(one, late, now.buckets) for one in promises]


def slipped(counted: Iterable[Counted], now: Atp) -> list[Slipped]:
    """Name supplies that promises counted on, and that come later by now: so much is still to."""
    comes = {each.supply.supply_id: each for each in now.inbound}
    found: dict[str, Slipped] = {}
    for name, wanted, on in counted:
        if name not in comes:
            continue
        until = comes[name].on
        if until is not None and until <= on:
            continue
        micros = min(wanted, comes[name].supply.remaining)
        before = found.get(name, Slipped(name, micros, on, until))
        since = min(before.since, on)
        found[name] = Slipped(name, max(before.micros, micros), since, until)
    return [found[name] for name in sorted(found)]


def judged(one: Promised, late: Sequence[Slipped], buckets: Sequence[Bucket]) -> Risk:
    """Say what of a line there would be if nothing were late, and what would lack nevertheless."""
    line = one.found.line
    keeps = line.life_days is not None or bool(line.transit_days)
    missed = gone = 0
    supplies: set[str] = set()
    for on in one.days:
        there = next((bucket for bucket in buckets if bucket.day >= on), None)
        lacks = 0 if there is None else max(-there.pab, there.owed if keeps else 0)
        if there is None or lacks <= 0:
            continue
        these = [each for each in late if each.is_missed(there.day)]
        would = sum(each.micros for each in these)
        missed = max(missed, min(lacks, would))
        gone = max(gone, lacks - would)
        supplies |= {each.supply_id for each in these}
    most = one.found.micros
    return Risk(one.found, one.client, min(missed, most), min(gone, most), tuple(sorted(supplies)))


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


def fingerprint(key: Key, owner: Owner) -> str:
    """Name the case of an item-location for whose it is."""
    item, location = key
    return f"{PREFIX}{item}/{location}/{owner.code}"


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
        fingerprint=fingerprint(key, owner),
        severity=owner.severity,
        owner_role=owner.owner_role,
        within=owner.within,
        entity=f"{item}/{location}",
        location=location,
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
