"""Asks a system what lies of single items, for whoever compares; it shares the connection's rate.

What it answers is only compared. Where it keeps the stock, its answer may be recorded, too, as any
count of its own: the ledger then holds what it says of these keys, as of then.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid, Rejected
from crossdock.canonical.references import Reference, ReferenceKind
from crossdock.connectivity.asking_turn import take_turn
from crossdock.connectivity.conversation import Conversation
from crossdock.connectivity.courier import Surroundings
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.inbox import Inbox
from crossdock.connectivity.raw_messages import Via
from crossdock.connectivity.sdk.application import AnswersStock, StockQuestion
from crossdock.connectivity.sdk.facts import StockAnswer
from crossdock.foundation.database import Transaction, WorkersSql
from crossdock.foundation.scope import Scope

TENANTS = WorkersSql("select distinct tenant from connection order by tenant")


class Place(NamedTuple):
    """A system that can be asked for stock, one of the hub's locations that it knows, its limits.

    `calls_a_day` are questions, each of which may be several requests.
    """

    connection: str
    location: str
    keys_a_call: int
    calls_a_day: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What a system said of stock when it was asked: snapshots that are not full."""

    facts: Sequence[Fact]
    keep: Callable[[], Awaitable[int]]

    async def record(self) -> int:
        """Record just this answer; say how many facts were new."""
        return await self.keep()


class KnowsSystems(Protocol):
    async def speaks(self, tx: Transaction, system: str, kind: str) -> bool:
        """Say whether a system has names of its own for things of this kind."""
        ...


@dataclass(frozen=True, slots=True)
class AskStock:
    """`around` and `inbox` are what calls need; the first is built after whoever asks."""

    around: Callable[[], Surroundings]
    inbox: Inbox
    naming: KnowsSystems

    async def tenants(self) -> list[str]:
        async with self.around().database.transaction(Scope.of_workers()) as tx:
            return [row["tenant"] for row in await tx.fetch(TENANTS)]

    async def places(self, scope: Scope, locations: Sequence[str]) -> list[Place]:
        """Say which systems can be asked for stock at which of these locations."""
        around, found = self.around(), list[Place]()
        for entry in await around.directory.entries(scope):
            question = self._question_of(entry)
            if question is None:
                continue
            application = around.directory.application_of(entry)
            rate = entry.rate_per_second or application.rate_per_second
            calls = int(rate * 86_400 / question.requests)
            names = await self._places(scope, entry, locations)
            found += [
                Place(entry.name, location, question.keys_max, calls)
                for location in locations
                if location in names
            ]
        return found

    async def ask(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> Heard:
        """Ask for these items, in one question; nothing of the answer is recorded unless asked.

        What it has no name for is left out. They name items and locations as the system does.
        Raises `Busy`, `Throttled` or `Unavailable`; `Rejected` if it cannot be asked.
        """
        answer = await self._answer(scope, connection, location, items)
        facts = tuple(answer.translation.facts)
        return Heard(facts, lambda: self._record(scope, connection, answer))

    async def _record(self, scope: Scope, connection: str, answer: StockAnswer) -> int:
        around = self.around()
        entry = await around.directory.get(scope, connection)
        async with around.database.transaction(scope) as tx:
            verdicts = await self.inbox.record_in(
                tx,
                connection,
                answer.translation,
                answer.raw,
                via=Via.POLL,
                allowed=around.directory.application_of(entry).events,
            )
        return sum(1 for one in verdicts if not one.reason)

    async def _answer(
        self, scope: Scope, connection: str, location: str, items: Sequence[str]
    ) -> StockAnswer:
        around = self.around()
        entry = await around.directory.get(scope, connection)
        question = self._question_of(entry)
        if question is None:
            raise Rejected(f"{connection} cannot be asked for stock", code="not_asked")
        if len(items) > question.keys_max:
            raise Invalid(f"at most {question.keys_max} items in one question", where="/items")
        places = await self._places(scope, entry, [location])
        if location not in places:
            raise Rejected(f"{connection} has no name for {location}", code="MD-LOC")
        await take_turn(around, scope, entry, question.requests)
        asked = await self._items(scope, entry, items)
        conversation = Conversation(around.database, around.directory, around.ports)
        try:
            async with conversation.lent(entry) as opened:
                if not isinstance(opened, AnswersStock):
                    raise Rejected(f"{connection} cannot be asked for stock", code="not_asked")
                return await opened.stock_of(places[location], asked)
        finally:
            await conversation.close()

    async def _items(self, scope: Scope, entry: Entry, items: Sequence[str]) -> list[str]:
        """Give the names that the system has said of items; of others it may know nothing."""
        references = [Reference(ReferenceKind.ITEM, item) for item in items]
        async with self.around().database.transaction(scope) as tx:
            found = await self.around().keys.native_keys(tx, entry.name, references)
        return [found[one] for one in references if one in found]

    async def _places(
        self, scope: Scope, entry: Entry, locations: Sequence[str]
    ) -> Mapping[str, str]:
        """Give its names of locations; a system that has none of its own uses the hub's."""
        references = [Reference(ReferenceKind.LOCATION, name) for name in locations]
        async with self.around().database.transaction(scope) as tx:
            found = await self.around().keys.native_keys(tx, entry.name, references)
            if not found and not await self.naming.speaks(tx, entry.name, "location"):
                return {name: name for name in locations}
        return {reference.native_id: native for reference, native in found.items()}

    def _question_of(self, entry: Entry) -> StockQuestion | None:
        directory = self.around().directory
        known = directory.applications.get(entry.application)
        if known is None or entry.is_paused:
            return None
        is_named = not known.stock_setting or entry.settings.get(known.stock_setting)
        return known.stock_question if is_named else None
