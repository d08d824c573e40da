"""Facts that wait or are quarantined, as JSON: what the source said, word for word."""

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec

from crossdock.canonical.envelope import Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.events import payload_type

_ENVELOPE = tuple(field.name for field in fields(Fact) if field.name != "payload")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    type: str
    payload: msgspec.Raw
    identity: str
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


def fact_json(fact: Fact) -> str:
    envelope: dict[str, Any] = {name: getattr(fact, name) for name in _ENVELOPE}
    payload = msgspec.Raw(msgspec.json.encode(fact.payload))
    return msgspec.json.encode(
        _Stored(type=fact.payload.TYPE, payload=payload, **envelope)
    ).decode()


def fact_of(text: str) -> Fact:
    """Read a stored fact; `Invalid` (`EVT-SCHEMA`) if it is not what its event declares."""
    try:
        stored = msgspec.json.decode(text, type=_Stored)
        payload = msgspec.json.decode(stored.payload, type=payload_type(stored.type))
    except msgspec.DecodeError as error:
        raise Invalid(
            f"what was kept of this fact cannot be read: {error}",
            where="/payload",
            code="EVT-SCHEMA",
            hint="have its source send it again",
        ) from None
    return Fact(payload=payload, **{name: getattr(stored, name) for name in _ENVELOPE})
