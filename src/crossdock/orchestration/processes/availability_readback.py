"""What channels were told and what they hold now, side by side, for whoever compares them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from crossdock.canonical.quantities import MICROS
from crossdock.foundation.database import Database, WorkersSql
from crossdock.foundation.scope import Scope
from crossdock.orchestration.processes.availability_asking import Requests
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_writes import Listing, pattern_of

SELLERS = WorkersSql("""
select distinct tenant from publishing_channel where is_active order by tenant
""")
CHANNELS = """
select connection, location from publishing_channel
where tenant = $1 and is_active order by connection, location
"""
COUNT = """
select count(*) from process_instance where process = $1 and tenant = $2 and instance like $3
"""
NEXT = """
select instance from process_instance
where process = $1 and tenant = $2 and instance > $3 and instance like $4
order by instance limit $5
"""
# What is on its way to the channel, or what it did that no order explains yet, is no difference.
TOLD = """
select instance, (ledger ->> 'held')::bigint as held,
    ledger ->> 'flight' is not null or ledger ->> 'unexplained_until' is not null
        or ledger ->> 'doubtful' is not null as is_in_flight
from process_instance where process = $1 and tenant = $2 and instance = any($3::text[])
"""
# What was agreed of these items: how many base units one sold is, and what it earns.
AGREED = """
select w.item, coalesce(i.unit_numerator, 1) as numerator,
    coalesce(i.unit_denominator, 1) as denominator,
    coalesce(i.unit_margin, c.unit_margin) as unit_margin, c.currency
from unnest($4::text[]) w(item)
join publishing_channel c on c.tenant = $1 and c.connection = $2 and c.location = $3
left join publishing_item i
    on i.tenant = $1 and i.connection = $2 and i.location = $3 and i.item = w.item
"""


class AsksChannels(Protocol):
    async def quota(self, scope: Scope, connection: str) -> "Allowed | None": ...

    async def held(
        self, scope: Scope, connection: str, keys: Sequence[tuple[str, str]]
    ) -> Mapping[tuple[str, str], Decimal | None]: ...


class Allowed(Protocol):
    @property
    def rate_per_second(self) -> float: ...

    @property
    def keys_a_call(self) -> int: ...


class Seller(NamedTuple):
    """A channel that can be read back: how many listings it has, and what may be asked of it."""

    connection: str
    location: str
    listings: int
    keys_a_call: int
    calls_a_day: int


class ReadingBack(NamedTuple):
    """One listing, in millionths of the unit that the channel sells.

    `told` is what the channel last confirmed to hold, `held` what it says now; None: unknown.
    `is_removed`: it answers that it does not list the item there. `numerator / denominator` base
    units make one that it sells, which earns `unit_margin` (micros of `currency`), if that is
    agreed.
    """

    item: str
    told: int | None
    held: int | None
    is_in_flight: bool
    is_removed: bool = False
    numerator: int = 1
    denominator: int = 1
    unit_margin: int | None = None
    currency: str = ""


class Showing:
    def __init__(self, database: Database, requests: Requests, channels: AsksChannels) -> None:
        self._database = database
        self._requests = requests
        self._channels = channels

    async def tenants(self) -> list[str]:
        async with self._database.transaction(Scope.of_workers()) as tx:
            return [row["tenant"] for row in await tx.fetch(SELLERS)]

    async def sellers(self, scope: Scope) -> list[Seller]:
        """List the channels that sell and can be asked what they hold."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(CHANNELS, tx.tenant)
            counts = [
                await tx.fetchval(
                    COUNT,
                    NAME,
                    tx.tenant,
                    pattern_of(Listing(row["connection"], row["location"], "")),
                )
                for row in rows
            ]
        found: list[Seller] = []
        for row, listings in zip(rows, counts, strict=True):
            allowed = await self._channels.quota(scope, row["connection"])
            if allowed is not None:
                calls = int(allowed.rate_per_second * 86_400)
                found.append(
                    Seller(
                        row["connection"], row["location"], listings, allowed.keys_a_call, calls
                    )
                )
        return found

    async def listed(
        self, scope: Scope, connection: str, location: str, after: str, limit: int
    ) -> list[str]:
        """Name the next items that a channel was told about, behind one."""
        listing = Listing(connection, location, "")
        begin = Listing(connection, location, after).instance
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(NEXT, NAME, tx.tenant, begin, pattern_of(listing), limit)
        return [Listing.of(row["instance"]).item for row in rows]

    async def read_back(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> list[ReadingBack]:
        """Ask the channel for these items, in one call, and lay beside it what it was told."""
        held = await self._channels.held(scope, connection, [(item, location) for item in items])
        names = [Listing(connection, location, item).instance for item in items]
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(TOLD, NAME, tx.tenant, names)
            terms = await tx.fetch(AGREED, tx.tenant, connection, location, list(items))
        told = {Listing.of(row["instance"]).item: row for row in rows}
        found = [
            ReadingBack(
                item,
                told[item]["held"],
                None if (now := held.get((item, location))) is None else int(now * MICROS),
                told[item]["is_in_flight"],
                (item, location) in held and held[item, location] is None,
            )
            for item in items
            if item in told
        ]
        agreed = {row["item"]: row for row in terms}
        return [
            one if one.item not in agreed else one._replace(**_priced(agreed[one.item]))
            for one in found
        ]

    async def republish(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> int:
        """Have these levels written and proven, by compare-and-set."""
        return await self._requests.publish(scope, connection, location, items)


def _priced(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {name: terms[name] for name in ("numerator", "denominator", "unit_margin", "currency")}
