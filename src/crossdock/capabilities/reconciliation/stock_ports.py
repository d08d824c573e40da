"""What sampling stock asks of others, in its own words; the assembly hands them over."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from crossdock.canonical.envelope import Fact
from crossdock.foundation.database import Transaction
from crossdock.foundation.scope import Scope


class KnowsKeys(Protocol):
    """What the ledger has, location by location."""

    async def places(self, tx: Transaction) -> Mapping[str, int]: ...

    async def items_at(
        self, tx: Transaction, location: str, after: str, limit: int
    ) -> list[str]: ...


class Askable(Protocol):
    @property
    def connection(self) -> str: ...

    @property
    def location(self) -> str: ...

    @property
    def keys_a_call(self) -> int: ...

    @property
    def calls_a_day(self) -> int: ...


class StockHeard(Protocol):
    """What a system answered of stock: snapshots that are not full, in its own names."""

    @property
    def facts(self) -> Sequence[Fact]: ...

    async def record(self) -> int:
        """Record this very answer as a count of who keeps the stock; say how many were new."""
        ...


class AsksStock(Protocol):
    """Systems that can be asked for the stock of single keys; raise `Busy` and its kin."""

    async def tenants(self) -> Sequence[str]: ...

    async def places(self, scope: Scope, locations: Sequence[str], /) -> Sequence[Askable]: ...

    async def ask(
        self, scope: Scope, connection: str, location: str, items: Sequence[str], /
    ) -> StockHeard:
        """Ask once; nothing is recorded by itself."""
        ...
