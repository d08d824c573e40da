"""What a decision says, in values alone: commands, timers, cases, and what to remember."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.commands import Lane

LedgerT = TypeVar("LedgerT")


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseCase:
    """The cause is gone: close the open case of this fingerprint, if there is one."""

    fingerprint: str
    resolution: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A command as a decision words it; the engine adds who decided it, and an id (D4)."""

    connection: str
    role: str
    subject: str
    version: int = 0
    arguments: Mapping[str, Any] = field(default_factory=dict[str, Any])
    lane: Lane = Lane.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[LedgerT]):
    """What to remember, send, be woken at, and show.

    `timers` is the whole set: one that a decision leaves out is gone. `note` says why, for the
    timeline; a decision that sends, opens and notes nothing leaves no journal entry.
    """

    ledger: LedgerT
    commands: tuple[Send, ...] = ()
    timers: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    cases: tuple[OpenCase | CloseCase, ...] = ()
    note: str = ""
