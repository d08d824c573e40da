"""What surrounds every fact: who said it, about what, when by three clocks, because of what."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Protocol, runtime_checkable

CLOCK_AHEAD_MAX = timedelta(minutes=5)
"""A source's clock may be this far ahead of ours and is believed."""


@runtime_checkable
class Payload(Protocol):
    """A fact's content: a frozen dataclass whose `TYPE` names it and its major version.

    `TYPE` looks like `inventory.stock_moved.v1`: capability, past-tense name, version.
    `key` is what its order matters for (an item, an order): events of one key stay in one shard.
    """

    TYPE: ClassVar[str]

    @property
    def key(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a source says happened, in canonical words, before the hub has recorded it.

    `identity` is the business identity inside the source ("movement:M-1:1"): the same identity
    with the same content is a repeat, with other content a conflict. Of what carries a whole
    state (an item, an order) each version is a fact of its own: its identity names the version.
    `occurred_at` is when it happened, `recorded_at` when the source wrote it down (both aware).
    `sequence` is monotone in `stream`; sources without one leave both empty and the hub uses
    `recorded_at` in microseconds. `version` is the source's revision of a state-carrying fact.
    `replay` marks history that is filled in later: it changes the figures and triggers nothing.
    """

    identity: str
    payload: Payload
    occurred_at: datetime
    recorded_at: datetime | None = None
    stream: str = ""
    sequence: int | None = None
    version: int | None = None
    correlation_id: str = ""
    causation_id: str = ""
    native_ref: str = ""
    actor: str = ""
    replay: bool = False

    def is_ahead(self, received_at: datetime) -> bool:
        """Say whether its source dates it further after its receipt than clocks may differ."""
        latest = received_at + CLOCK_AHEAD_MAX
        return self.occurred_at > latest or (self.recorded_at or self.occurred_at) > latest


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A recorded fact: what the event log holds and everyone else hears.

    `position` is its place in the log; `event_id` is derived from tenant, source and identity,
    so the same fact has the same id for ever. `raw_ref` points to the untouched native message.
    """

    position: int
    event_id: str
    tenant: str
    source: str
    received_at: datetime
    raw_ref: int | None
    fact: Fact

    @property
    def payload(self) -> Payload:
        return self.fact.payload

    @property
    def is_ahead(self) -> bool:
        return self.fact.is_ahead(self.received_at)

    @property
    def ordered_at(self) -> datetime:
        """When its source recorded it, for putting events in order: clamped, where it is ahead."""
        return self.believed(self.fact.recorded_at or self.fact.occurred_at)

    def believed(self, moment: datetime) -> datetime:
        """Clamp a time of its source's clock, so that a wrong clock does not win for ever."""
        return min(moment, self.received_at + CLOCK_AHEAD_MAX)
