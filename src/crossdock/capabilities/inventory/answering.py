"""Answers about stock, each with its proof. One statement is one moment: the figures agree."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from crossdock.canonical.inventory import StockStatus
from crossdock.canonical.owing import Owing
from crossdock.canonical.quantities import Quantity
from crossdock.capabilities.inventory import granting, proof
from crossdock.capabilities.inventory.asking import KnowsUnlimited
from crossdock.capabilities.inventory.granting import Counter
from crossdock.capabilities.inventory.model import Figures
from crossdock.capabilities.inventory.proof import Availability, SourceAge
from crossdock.capabilities.inventory.store import Key
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

# Everything an answer is made of, per key: the hot row, sums per bucket, soft holds that have
# lapsed but are not swept yet, and whether a full snapshot of the place makes silence a zero.
PROOF = """
with lapsed as materialized (select stock_id, micros from inventory_lapsed($4, 10000)
    where tenant = $1)
select k.item, k.location, s.stock_id, s.unit, s.nettable, s.hard, s.safety, s.version, s.sources,
    s.expired,
    s.soft - coalesce((select sum(micros) from lapsed l where l.stock_id = s.stock_id), 0)::bigint
        as soft,
    coalesce(s.is_known, false) or exists (select from inventory_full_snapshot f
        where f.tenant = $1 and f.location = k.location) as is_known,
    p.statuses, p.own, p.others
from unnest($2::text[], $3::text[]) k(item, location)
left join lateral (select * from inventory_stock
    where tenant = $1 and item = k.item and location = k.location) s on true
left join lateral (
    select array_agg(status) statuses, array_agg(own::bigint) own, array_agg(others::bigint) others
    from (select status, coalesce(sum(micros) filter (where owner = ''), 0) own,
            coalesce(sum(micros) filter (where owner <> ''), 0) others
        from inventory_position
        where tenant = $1 and item = k.item and location = k.location group by status) b
) p on true
"""

GROUPS_OF = """
select member, location from inventory_group where tenant = $1 and location in (
    select location from inventory_group where tenant = $1 and member = any($2::text[])
    union select unnest($2::text[]))
"""

SOURCES = "select source, heard_at, freshness_seconds from inventory_source where tenant = $1"

# What order lines still have open, and where their demand counts against stock.
OPEN_DEMAND = """
select d.demand_ref, s.item, s.location, greatest(0, d.ordered - d.cancelled - d.picked) open
from inventory_demand d
cross join lateral (select item, location from inventory_stock
    where tenant = d.tenant and stock_id = d.stock_id limit 1) s
where d.tenant = $1 and d.demand_ref = any($2::text[]) and d.order_id <> ''
"""

POSITIONS = """
select p.item, p.location, p.status, p.owner, p.lot, p.serial, p.micros, p.unit,
    p.last_movement_at, p.last_snapshot_at
from unnest($2::text[], $3::text[]) k(item, location)
join inventory_position p on p.tenant = $1 and p.item = k.item and p.location = k.location
order by p.item, p.location, p.status, p.owner, p.lot, p.serial
"""

DEFAULT_FRESHNESS_SECONDS = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What lies in one bucket."""

    item: str
    location: str
    status: StockStatus
    owner: str
    lot: str
    serial: str
    quantity: Quantity
    last_movement_at: datetime | None
    last_snapshot_at: datetime | None


class Answers:
    def __init__(
        self, database: Database, clock: Clock, unlimited: KnowsUnlimited | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._unlimited = unlimited

    async def availability(self, scope: Scope, keys: Sequence[Key]) -> list[Availability]:
        """Answer what can be promised now for (item, location) pairs, in their order."""
        async with self._database.transaction(scope) as tx:
            return await self.availability_in(tx, scope.tenant, keys)

    async def availability_in(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> list[Availability]:
        """Answer for one tenant in a transaction that may see more; each statement names it."""
        now = self._clock.now()
        groups = await groups_of(tx, tenant, {location for _, location in keys})
        ordered = sorted({kin for key in keys for kin in _kin(key, groups)})
        rows = await tx.fetch(
            PROOF, tenant, [key[0] for key in ordered], [key[1] for key in ordered], now
        )
        ages = {row["source"]: row for row in await tx.fetch(SOURCES, tenant)}
        proofs = {(row["item"], row["location"]): _availability(row, ages, now) for row in rows}
        endless = await self.unlimited_in(tx, tenant, ordered)
        endless |= {(item, groups[at]) for item, at in endless if at in groups}
        found = [_in_group(key, proofs, groups) for key in keys]
        return [
            _endless(one) if key in endless else one for key, one in zip(keys, found, strict=True)
        ]

    async def unlimited_in(
        self, tx: Transaction, tenant: str, keys: Sequence[Key]
    ) -> frozenset[Key]:
        """Name those that no stock limits: any amount of them may be promised at once (§3.3)."""
        if self._unlimited is None or self._unlimited.has_none_of(tenant, keys):
            return frozenset()
        return await self._unlimited.among(tx, tenant, keys)

    async def open_demand(self, scope: Scope, refs: Sequence[str]) -> dict[str, tuple[Key, int]]:
        """Tell where each order line's open demand counts against stock, and how much it is."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(OPEN_DEMAND, tx.tenant, sorted(set(refs)))
        return {row["demand_ref"]: ((row["item"], row["location"]), row["open"]) for row in rows}

    async def on_hand(self, scope: Scope, keys: Sequence[Key]) -> list[Position]:
        """List every bucket of these items at these locations."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(
                POSITIONS, tx.tenant, [key[0] for key in keys], [key[1] for key in keys]
            )
        return [
            Position(
                item=row["item"],
                location=row["location"],
                status=StockStatus(row["status"]),
                owner=row["owner"],
                lot=row["lot"],
                serial=row["serial"],
                quantity=Quantity.from_micros(row["micros"], row["unit"]),
                last_movement_at=row["last_movement_at"],
                last_snapshot_at=row["last_snapshot_at"],
            )
            for row in rows
        ]


async def groups_of(tx: Transaction, tenant: str, locations: Iterable[str]) -> dict[str, str]:
    """Name the group of each location that has one, and of all its fellow members."""
    rows = await tx.fetch(GROUPS_OF, tenant, sorted(locations))
    return {row["member"]: row["location"] for row in rows}


def _kin(key: Key, groups: Mapping[str, str]) -> list[Key]:
    item, location = key
    group = groups.get(location, location)
    members = [(item, member) for member, of in groups.items() if of == group]
    return [key, (item, group), *members]


def _availability(row: Any, ages: Mapping[str, Any], now: datetime) -> Availability:
    statuses = row["statuses"] or []
    others = zip(statuses, row["others"] or [], strict=True)
    return Availability(
        item=row["item"],
        location=row["location"],
        unit=row["unit"] or "EA",
        figures=Figures(
            row["nettable"] or 0, row["hard"] or 0, row["soft"] or 0, row["safety"] or 0
        ),
        by_status={
            StockStatus(status): micros
            for status, micros in zip(statuses, row["own"] or [], strict=True)
        },
        of_others=sum(micros for status, micros in others if status != StockStatus.IN_TRANSIT),
        kept_for_group=0,
        sources=tuple(_age(source, ages) for source in sorted(row["sources"] or ())),
        version=row["version"] or 0,
        is_known=row["is_known"],
        as_of=now,
        expired=row["expired"] or 0,
    )


def _age(source: str, ages: Mapping[str, Any]) -> SourceAge:
    row = ages.get(source)
    if row is None:
        return SourceAge(source, None, DEFAULT_FRESHNESS_SECONDS)
    return SourceAge(source, row["heard_at"], row["freshness_seconds"])


def _in_group(
    key: Key, proofs: Mapping[Key, Availability], groups: Mapping[str, str]
) -> Availability:
    """Answer a group from its members, and a member with its group's promises kept covered."""
    item, location = key
    own = proofs[key]
    group = groups.get(location, location)
    members = [(item, member) for member, of in groups.items() if of == group]
    if not members:
        return own
    numbers = {member: number for number, member in enumerate([(item, group), *members])}
    counters = {
        number: Counter(
            proofs[member].figures,
            group=None if number == 0 else 0,
            members=tuple(range(1, len(numbers))) if number == 0 else (),
        )
        for member, number in numbers.items()
    }
    if location != group:
        free = granting.free_now(numbers[key], counters)
        kept = own.figures.available - free
        promised = proofs[item, group].figures.hard + proofs[item, group].figures.soft
        owing = Owing(promised, {at: proofs[_, at].figures.available for _, at in members})
        return replace(own, kept_for_group=kept, rule=proof.MEMBER_RULE, owing=owing)
    return _group(own, [proofs[member] for member in members])


def _group(own: Availability, members: Sequence[Availability]) -> Availability:
    figures = replace(own.figures, nettable=sum(member.figures.available for member in members))
    sources = {age.source: age for member in members for age in member.sources}
    return replace(
        own,
        figures=figures,
        unit=members[0].unit,
        by_status=_summed([member.by_status for member in members]),
        of_others=sum(member.of_others for member in members),
        sources=tuple(sources[source] for source in sorted(sources)),
        is_known=any(member.is_known for member in members),
        rule=proof.GROUP_RULE,
        members_withheld=sum(member.figures.withheld for member in members),
        members_shortage=sum(member.figures.shortage for member in members),
        unknown_members=tuple(
            sorted(member.location for member in members if not member.is_known)
        ),
        expired=sum(member.expired for member in members),
    )


def _endless(one: Availability) -> Availability:
    return replace(one, is_unlimited=True, is_known=True, sources=(), rule=proof.UNLIMITED_RULE)


def _summed(parts: Sequence[Mapping[StockStatus, int]]) -> dict[StockStatus, int]:
    total: dict[StockStatus, int] = {}
    for part in parts:
        for status, micros in part.items():
            total[status] = total.get(status, 0) + micros
    return total
