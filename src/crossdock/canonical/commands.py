"""What the hub asks of the outside, and the fact of what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar


class Lane(StrEnum):
    """How urgent a command is, so that bulk never holds up what protects a promise."""

    IMMEDIATE = "IMMEDIATE"
    NORMAL = "NORMAL"
    BULK = "BULK"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A change that a process has decided and the outbox will carry.

    `command_id` is derived from process, instance and step: the same decision made again after a
    crash is the same command. `role` names the role's method (`set_availability`), `arguments` its
    fields in the hub's own keys; the outbox translates them into the target's. `subject` is what
    the command is about: of two unsent commands with one connection, role and subject, only the
    higher `version` needs to leave.
    """

    command_id: str
    tenant: str
    connection: str
    role: str
    subject: str
    version: int
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lane: Lane = Lane.NORMAL
    process: str = ""
    instance: str = ""
    correlation_id: str = ""
    causation_id: str = ""


class Settlement(StrEnum):
    """The end of a command, as far as the outbox is concerned.

    DONE: the effect is proven. STALE: the target holds another value than expected, nothing was
    written. REFUSED: the target will not do it. SUPERSEDED: a newer one of its subject made it
    pointless before it left. PARKED: its outcome is unknown or its tries are used up; a person
    decides, and a later settlement of the same command may follow.
    """

    DONE = "DONE"
    STALE = "STALE"
    REFUSED = "REFUSED"
    SUPERSEDED = "SUPERSEDED"
    PARKED = "PARKED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSettled:
    """A command came to its end; its process hears of it here, and only here.

    `observed` is the value the target now holds, in the unit of the command, where it says so.
    `lane` is how urgent it was, `asked_at` when its process asked for it.
    """

    TYPE: ClassVar[str] = "connectivity.command_settled.v1"

    command_id: str
    connection: str
    role: str
    subject: str
    version: int
    settlement: Settlement
    process: str = ""
    instance: str = ""
    observed: Decimal | None = None
    code: str = ""
    detail: str = ""
    lane: Lane | None = None
    asked_at: datetime | None = None

    @property
    def key(self) -> str:
        return self.subject
