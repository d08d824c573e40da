"""What a person may ask of publishing: to have levels written now, and proven so (§3.7)."""

from collections.abc import Sequence

from crossdock.canonical.errors import NotFound
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope
from crossdock.orchestration.engine.marking import mark_keys
from crossdock.orchestration.engine.process import Key
from crossdock.orchestration.processes.availability_publishing import NAME
from crossdock.orchestration.processes.availability_writes import Listing, pattern_of

PAGE = 1000

IS_AGREED = """
select exists (select from publishing_channel
    where tenant = $1 and connection = $2 and location = $3)
"""

LISTINGS = """
select instance from process_instance
where process = $1 and tenant = $2 and instance > $3 and instance like $4
order by instance limit $5
"""

ASK = """
insert into publishing_level (tenant, instance, asked_at)
select $1, w.instance, $3 from unnest($2::text[]) w(instance) order by w.instance
on conflict (tenant, instance) do update set asked_at = excluded.asked_at
"""


class Requests:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def publish(
        self, scope: Scope, connection: str, location: str, items: Sequence[str] = ()
    ) -> int:
        """Have the levels of these items, or of all that a channel was told, written at once.

        Each is written even if the channel is believed to hold it already: the write proves it.
        Answers how many will be looked at. Asked twice, it is written twice.
        """
        listing = Listing(connection, location, "")
        async with self._database.transaction(scope) as tx:
            if not await tx.fetchval(IS_AGREED, tx.tenant, connection, location):
                raise NotFound(
                    f"no terms are agreed with {connection}/{location}",
                    hint="`crossdock channel list` shows those that are",
                )
            if items:
                named = sorted({Listing(connection, location, item).instance for item in items})
                await self._ask(tx, named)
                return len(named)
        return await self._ask_all(scope, listing)

    async def _ask_all(self, scope: Scope, listing: Listing) -> int:
        count, after = 0, listing.instance
        while True:
            async with self._database.transaction(scope) as tx:
                like = pattern_of(listing)
                rows = await tx.fetch(LISTINGS, NAME, tx.tenant, after, like, PAGE)
                named = [row["instance"] for row in rows]
                await self._ask(tx, named)
            count += len(named)
            if len(named) < PAGE:
                return count
            after = named[-1]

    async def _ask(self, tx: Transaction, instances: Sequence[str]) -> None:
        now = self._clock.now()
        await tx.execute(ASK, tx.tenant, instances, now)
        await mark_keys(tx, NAME, [Key(tx.tenant, one) for one in instances], now)
