"""Has the hub hold what a source says of purchases by not listing them: nothing is to come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from crossdock.canonical.envelope import Fact
from crossdock.canonical.quantities import Quantity
from crossdock.canonical.references import Reference, ReferenceKind
from crossdock.capabilities.catalog import Catalog
from crossdock.capabilities.supply import OpenSupply, Withdrawn
from crossdock.connectivity.inbox import Inbox
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope


@dataclass(frozen=True, slots=True)
class Unlisting:
    """Records a word of the source, in its own names, as if it had told it."""

    database: Database
    inbox: Inbox
    catalog: Catalog

    async def record(
        self, scope: Scope, source: str, units: Mapping[str, str], as_of: datetime
    ) -> int:
        """Record that nothing is open of these lines, each with its unit; say of how many."""
        async with self.database.transaction(scope) as tx:
            found = await OpenSupply().withdrawn(tx, source, units, as_of)
        return await self._record(scope, source, found, as_of)

    async def relist(
        self,
        scope: Scope,
        source: str,
        listed: Mapping[str, tuple[str, str, Quantity]],
        as_of: datetime,
    ) -> int:
        """Record that those of these lines that it had left out are listed; say of how many.

        Each is told with its item, its location, and what is open of it.
        """
        async with self.database.transaction(scope) as tx:
            found = await OpenSupply().listed_again(tx, source, listed)
        return await self._record(scope, source, found, as_of)

    async def _record(
        self, scope: Scope, source: str, found: Sequence[Withdrawn], as_of: datetime
    ) -> int:
        async with self.database.transaction(scope) as tx:
            references = [one for line in found for one in _references(line)]
            names = await self.catalog.native_keys(tx, source, references)
        facts = [_fact(line, names, as_of) for line in found]
        if not facts:
            return 0
        verdicts = await self.inbox.record(scope, source, facts, b"")
        return sum(1 for one in verdicts if not one.reason)


def _references(line: Withdrawn) -> Sequence[Reference]:
    return (
        Reference(ReferenceKind.ITEM, line.said.item),
        Reference(ReferenceKind.LOCATION, line.said.location),
    )


def _fact(line: Withdrawn, names: Mapping[Reference, str], as_of: datetime) -> Fact:
    """Word a mark beside what it told last; what it tells later stands over it."""
    item, location = (names.get(one, one.native_id) for one in _references(line))
    return Fact(
        identity=f"{line.said.listing.lower()}:{line.said.supply_id}:{as_of.isoformat()}",
        payload=replace(line.said, item=item, location=location),
        occurred_at=as_of,
        recorded_at=as_of,
        version=line.version,
    )
