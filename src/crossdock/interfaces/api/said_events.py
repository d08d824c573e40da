"""`POST /v1/events`: facts in canonical words, each read alone, so that none spoils the rest."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

from crossdock.canonical.catalog import (
    CatchWeightChanged,
    ItemChanged,
    KitChanged,
    LocationChanged,
    LotChanged,
)
from crossdock.canonical.channels import ChannelLevelHeard
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.errors import Invalid
from crossdock.canonical.inventory import SourceHeard, StockMoved, StockSnapshotTaken
from crossdock.canonical.orders import OrderChanged
from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.supply import SupplyCommitmentChanged
from crossdock.connectivity.raw_messages import Via
from crossdock.connectivity.sdk.facts import Translation, Untranslatable, versioned
from crossdock.foundation.scope import Scope
from crossdock.governance.contracts import read_payload
from crossdock.interfaces.api.bodies import decoded
from crossdock.interfaces.api.hub import Hub

EVENTS_MAX = 5000
NUMBER_MAX = 2**63 - 1
IDENTITY_LENGTH_MAX = 480
"""Shorter than what is stored, which may have `@` and a version behind it."""

FROM_OUTSIDE: tuple[type[Payload], ...] = (
    ItemChanged,
    LocationChanged,
    KitChanged,
    LotChanged,
    CatchWeightChanged,
    StockMoved,
    StockSnapshotTaken,
    SourceHeard,
    ChannelLevelHeard,
    OrderChanged,
    SupplyCommitmentChanged,
    PartyChanged,
)
"""What others may say. The hub's own words (promises, availability) are the hub's alone."""

STATES = (
    ItemChanged,
    LocationChanged,
    KitChanged,
    LotChanged,
    CatchWeightChanged,
    ChannelLevelHeard,
    OrderChanged,
    SupplyCommitmentChanged,
    PartyChanged,
)
"""These tell a whole state and come again when it changes; the rest happens once."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Text = Annotated[str, Meta(max_length=500)]
Number = Annotated[int, Meta(ge=0, le=NUMBER_MAX)]
Moment = Annotated[datetime, Meta(tz=True)]


class SaidEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`identity` is the business identity inside the source; said again it is a repeat.

    What tells a whole state (an item, an order) is said again under the same identity with a
    higher `version`; without one with a later `recorded_at`, or else `occurred_at`. `replay` says
    that it is history, filled in later: it counts, and no process books it anywhere.
    """

    type: Text
    identity: Annotated[str, Meta(min_length=1, max_length=IDENTITY_LENGTH_MAX)]
    occurred_at: Moment
    payload: msgspec.Raw
    recorded_at: Moment | None = None
    stream: Text = ""
    sequence: Number | None = None
    version: Number | None = None
    correlation_id: Text = ""
    causation_id: Text = ""
    native_ref: Text = ""
    replay: bool = False


class SaidEvents(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`source` is the system that speaks. Its facts are told apart from all others' by it."""

    source: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
    events: Annotated[list[msgspec.Raw], Meta(min_length=1, max_length=EVENTS_MAX)]


@dataclass(frozen=True, slots=True)
class VerdictShown:
    """NEW, REPEAT, CONFLICT, QUARANTINED, WAITING or PROPOSAL; `where` points into the event."""

    identity: str
    verdict: str
    code: str = ""
    where: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class EventsShown:
    counts: dict[str, int]
    verdicts: list[VerdictShown]


async def record_events(
    hub: Hub, scope: Scope, said: SaidEvents, body: bytes
) -> list[VerdictShown]:
    """Record what can be read and quarantine the rest, together; answer in the order given."""
    if said.source == "crossdock":
        raise Invalid("the hub speaks for itself", where="/source")
    read = [_read(record, number) for number, record in enumerate(said.events)]
    facts = tuple(_told_apart(one) for one in read if isinstance(one, Fact))
    refused = tuple(one for one in read if isinstance(one, Untranslatable))
    async with hub.database.transaction(scope) as tx:
        verdicts = await hub.inbox.record_in(
            tx, said.source, Translation(facts, refused), body, via=Via.API, allowed=FROM_OUTSIDE
        )
    answers = iter(verdicts)
    shown: list[VerdictShown] = []
    for one in read:
        if isinstance(one, Untranslatable):
            shown.append(VerdictShown("", "QUARANTINED", one.code, one.where, one.reason))
        else:
            verdict = next(answers)
            shown.append(
                VerdictShown(one.identity, verdict.verdict, verdict.code, "", verdict.reason)
            )
    return shown


def _told_apart(fact: Fact) -> Fact:
    """Give each version of a state its own identity, as mappings do; a movement has one only."""
    if not isinstance(fact.payload, STATES):
        return fact
    elapsed = (fact.recorded_at or fact.occurred_at) - _EPOCH
    version = elapsed // timedelta(microseconds=1) if fact.version is None else fact.version
    return replace(fact, identity=versioned(fact.identity, version))


def _read(record: msgspec.Raw, number: int) -> Fact | Untranslatable:
    place = f"/events/{number}"
    try:
        said = decoded(bytes(record), SaidEvent)
        payload = _payload(said)
    except Invalid as refusal:
        return Untranslatable(
            code="EVT-SCHEMA",
            where=place + refusal.where,
            reason=refusal.message,
            record=bytes(record),
        )
    return Fact(
        identity=said.identity,
        payload=payload,
        occurred_at=said.occurred_at,
        recorded_at=said.recorded_at,
        stream=said.stream,
        sequence=said.sequence,
        version=said.version,
        correlation_id=said.correlation_id,
        causation_id=said.causation_id,
        native_ref=said.native_ref,
        replay=said.replay,
    )


def _payload(said: SaidEvent) -> Payload:
    try:
        return read_payload(said.type, bytes(said.payload))
    except Invalid as refusal:
        where = refusal.where if refusal.where == "type" else "payload" + refusal.where
        raise Invalid(refusal.message, where=f"/{where}", code=refusal.code) from None
