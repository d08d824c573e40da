"""What channels of one pool have a right to: parts, minima and maxima (§3.6, §3.7)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from crossdock.capabilities.inventory.protection import (
    Claim,
    Period,
    first_day,
    midnight,
    next_first_day,
)
from crossdock.capabilities.inventory.publishing import (
    ShareMode,
    Terms,
    in_channel_units,
    in_channel_units_up,
)
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Transaction
from crossdock.orchestration.engine.process import Key
from crossdock.orchestration.processes.availability_writes import Listing
from crossdock.orchestration.processes.place_clocks import KnowsZones, zones_of

# Whoever has a right in the pool that a listing is sold from, itself included. Channels are few.
CLAIMS = """
select k.tenant, k.instance, k.item, p.connection, p.location, p.share_mode, p.period,
    p.source_locations[1] as place, coalesce(i.share_min, p.share_min) as share_min,
    coalesce(i.share_max, p.share_max) as share_max,
    coalesce(i.share_fixed, p.share_fixed) as share_fixed, p.share_percent, p.covers,
    coalesce(i.unit_numerator, 1) as numerator, coalesce(i.unit_denominator, 1) as denominator,
    (p.connection, p.location) = (k.connection, k.location) as is_own
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
    k(tenant, instance, connection, location, item)
join publishing_channel c
    on c.tenant = k.tenant and c.connection = k.connection and c.location = k.location
join publishing_channel p
    on p.tenant = k.tenant and p.covers && c.covers and p.is_active
        and p.share_mode in ('PARTITION', 'PROTECTED', 'PERCENT')
left join lateral (select * from publishing_item i
    where i.tenant = k.tenant and i.connection = p.connection and i.location = p.location
        and i.item = k.item limit 1) i on true
where not coalesce(i.is_excluded, false)
"""

# What the orders of these channels have taken since the first day of the period of each.
USED = """
select k.number, coalesce(sum(s.micros), 0) as micros
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::integer[])
    with ordinality k(tenant, connection, location, item, day, number)
join publishing_channel p
    on p.tenant = k.tenant and p.connection = k.connection and p.location = k.location
join publishing_sold s
    on s.tenant = k.tenant and s.place = any(p.covers || p.wakes_on) and s.item = k.item
        and s.seller = k.connection and s.day >= k.day
group by k.number
"""


class Holder(NamedTuple):
    """A channel's claim to an item."""

    tenant: str
    connection: str
    location: str
    item: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a listing may be shown of its pool, in millionths of the base unit, until when.

    `of_others` is all that other channels have a right to, their parts included also where the
    listing has one itself: it goes into no kit that is shown in its channel. `percents` is what
    percentages of one place are together, where that is most.
    """

    kept_for_others: int = 0
    of_others: int = 0
    allowance: int | None = None
    shares: int = 0
    percents: Decimal = Decimal(0)
    until: datetime | None = None

    def beside(self, kept: int, turns: Iterable[datetime | None]) -> "Rights":
        """Add what allocation keeps from it where it sells from, until that changes (§3.6)."""
        ends = [at for at in (self.until, *turns) if at is not None]
        until = min(ends, default=None)
        return replace(self, kept_for_others=self.kept_for_others + kept, until=until)

    def within(self, terms: Terms, numerator: int, denominator: int) -> Terms:
        """Word them in the unit that the channel sells; what is others' is never less."""
        allowance = self.allowance
        return replace(
            terms,
            kept_for_others=in_channel_units_up(self.kept_for_others, numerator, denominator),
            shares=in_channel_units_up(self.shares, numerator, denominator),
            percents=self.percents,
            allowance=None
            if allowance is None
            else in_channel_units(allowance, numerator, denominator),
        )


@dataclass(frozen=True, slots=True)
class Calendar:
    """Tells which period it is at a place."""

    zones: KnowsZones
    clock: Clock

    async def of(
        self, tx: Transaction, periods: Iterable[tuple[str, str, Period]]
    ) -> dict[tuple[str, str, Period], tuple[int, datetime]]:
        """Give the first day of each (tenant, place, period), and when the period ends."""
        asked = sorted(set(periods))
        places = sorted({(tenant, place) for tenant, place, _ in asked})
        zones = await zones_of(tx, self.zones, places)
        found: dict[tuple[str, str, Period], tuple[int, datetime]] = {}
        for tenant, place, period in asked:
            zone = zones[tenant, place]
            today = self.clock.now().astimezone(zone).date()
            ends = midnight(next_first_day(today, period), zone).astimezone(UTC)
            found[tenant, place, period] = (first_day(today, period).toordinal(), ends)
        return found


async def rights_of(
    tx: Transaction, calendar: Calendar, keys: Sequence[Key]
) -> Mapping[Key, Rights]:
    """Say what each listing has a right to; one whose pool nobody has a claim to is left out."""
    listings = [Listing.of(key.instance) for key in keys]
    rows = await tx.fetch(
        CLAIMS,
        [key.tenant for key in keys],
        [key.instance for key in keys],
        [listing.connection for listing in listings],
        [listing.location for listing in listings],
        [listing.item for listing in listings],
    )
    protected = [row for row in rows if row["share_mode"] == ShareMode.PROTECTED]
    periods = await calendar.of(tx, map(_period_of, protected))
    used = await _used(tx, protected, periods)
    by_key: dict[Key, list[Any]] = {}
    for row in rows:
        by_key.setdefault(Key(row["tenant"], row["instance"]), []).append(row)
    return {key: _rights(found, used, periods) for key, found in by_key.items()}


async def _used(
    tx: Transaction,
    rows: Sequence[Any],
    periods: Mapping[tuple[str, str, Period], tuple[int, datetime]],
) -> dict[Holder, int]:
    days = {_holder_of(row): periods[_period_of(row)][0] for row in rows}
    holders = sorted(days)
    if not holders:
        return {}
    sums = await tx.fetch(
        USED,
        [holder.tenant for holder in holders],
        [holder.connection for holder in holders],
        [holder.location for holder in holders],
        [holder.item for holder in holders],
        [days[holder] for holder in holders],
    )
    return {holders[row["number"] - 1]: int(row["micros"]) for row in sums}


def _rights(
    rows: Sequence[Any],
    used: Mapping[Holder, int],
    periods: Mapping[tuple[str, str, Period], tuple[int, datetime]],
) -> Rights:
    protected = [row for row in rows if row["share_mode"] == ShareMode.PROTECTED]
    parts = [row for row in rows if row["share_mode"] == ShareMode.PARTITION]
    claims = {_holder_of(row): _claim_of(row, used) for row in protected}
    own = {_holder_of(row) for row in protected if row["is_own"]}
    shares = sum(_base_up(row, row["share_fixed"]) for row in parts)
    # Among parts there is a rule of their own: all shrink alike.
    parts_of_others = 0 if any(row["is_own"] for row in parts) else shares
    minima = sum(claim.protected for holder, claim in claims.items() if holder not in own)
    others = sum(_base_up(row, row["share_fixed"]) for row in parts if not row["is_own"])
    return Rights(
        kept_for_others=parts_of_others + minima,
        of_others=others + minima,
        allowance=next((claims[holder].allowance for holder in own), None),
        shares=shares,
        percents=_percents(rows),
        until=min((periods[_period_of(row)][1] for row in protected), default=None),
    )


def _percents(rows: Sequence[Any]) -> Decimal:
    """Add up the percentages of each place that the listing is sold from; give the most."""
    rivals = [row for row in rows if row["share_mode"] == ShareMode.PERCENT]
    sums = (
        sum((row["share_percent"] for row in rivals if place in row["covers"]), Decimal(0))
        for own in rivals
        if own["is_own"]
        for place in own["covers"]
    )
    return max(sums, default=Decimal(0))


def _claim_of(row: Any, used: Mapping[Holder, int]) -> Claim:
    most = row["share_max"]
    return Claim(
        least=_base_up(row, row["share_min"]),
        most=None if most is None else most * row["numerator"] // row["denominator"],
        used=used.get(_holder_of(row), 0),
    )


def _base_up(row: Any, amount: int) -> int:
    units: int = -(-amount * row["numerator"] // row["denominator"])
    return units


def _holder_of(row: Any) -> Holder:
    return Holder(row["tenant"], row["connection"], row["location"], row["item"])


def _period_of(row: Any) -> tuple[str, str, Period]:
    return (row["tenant"], row["place"], Period(row["period"]))
