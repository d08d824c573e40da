"""What a process is made of: the events that move it, the facts it asks for, a pure decision."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from crossdock.canonical.commands import Command
from crossdock.canonical.envelope import Event
from crossdock.foundation.database import Transaction
from crossdock.orchestration.decision import Decision

LedgerT = TypeVar("LedgerT")
FactsT = TypeVar("FactsT")


class Key(NamedTuple):
    """One instance of a process: whose, and which (an order, a channel's item)."""

    tenant: str
    instance: str


@dataclass(frozen=True, slots=True)
class Touch:
    """An event that concerns an instance."""

    key: Key
    event: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Process(Generic[LedgerT, FactsT]):
    """A process, declared. It is level-triggered: decisions see facts as they are now, not events.

    `ledger` is a frozen dataclass with a default for every field: what an instance remembers.
    `subscriptions` names the instances that an event of each type concerns; what only a table
    knows (which channels sell an item) is for `hear`, which gets all of a page's touches, may
    record what they say, and answers with the touches of real instances; types of which it would
    make nothing just now are `unheard`, and not read. `load` reads the facts of many instances
    in a few statements; one it leaves out rests until its next event. `decide` is pure.
    """

    name: str
    ledger: type[LedgerT]
    subscriptions: Mapping[str, Callable[[Event], Iterable[str]]]
    load: Callable[[Transaction, Sequence[Key]], Awaitable[Mapping[Key, FactsT]]]
    decide: Callable[[LedgerT, FactsT, datetime], Decision[LedgerT]]
    hear: Callable[[Transaction, Sequence[Touch]], Awaitable[Sequence[Touch]]] | None = None
    unheard: Callable[[Transaction], Awaitable[frozenset[str]]] | None = None


class SendsCommands(Protocol):
    """The outbox, as the engine needs it: record the intents in the transaction of the decision.

    A `command_id` that is recorded already is left as it is.
    """

    async def enqueue(self, tx: Transaction, commands: Sequence[Command], /) -> None: ...


def touches(process: Process[Any, Any], events: Iterable[Event]) -> list[Touch]:
    """Name the instances that a page of events concerns, as the subscriptions say."""
    return [
        Touch(Key(event.tenant, instance), event)
        for event in events
        if event.payload.TYPE in process.subscriptions
        for instance in process.subscriptions[event.payload.TYPE](event)
    ]
