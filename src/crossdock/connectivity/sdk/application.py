"""How an application introduces itself: what it is, what it can do, how it is reached.

An application is a folder with `APPLICATION` in its `__init__`, found through the entry-point
group `crossdock.applications`. It sees this SDK, the transports and the canonical words.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, Protocol, runtime_checkable

from pydantic import BaseModel

from crossdock.canonical.envelope import Payload
from crossdock.connectivity.sdk.equations import NativeEquation
from crossdock.connectivity.sdk.facts import (
    Delivery,
    Poll,
    StockAnswer,
    ToldAgain,
    Translation,
)
from crossdock.connectivity.sdk.roles import OpenKind, RepeatSafety
from crossdock.foundation.clock import Clock


class Kind(StrEnum):
    ERP = "ERP"
    WMS = "WMS"
    SHOP = "SHOP"
    CARRIER = "CARRIER"
    CRM = "CRM"
    FINANCE = "FINANCE"
    SUPPLIER = "SUPPLIER"
    OTHER = "OTHER"


class Grade(StrEnum):
    """How far an application is proven.

    BRONZE: conformance suite, simulator, a sample of every message. SILVER: errors mapped to the
    tree, limits honoured, reconnects tested. GOLD: replay from any point, reconciliation, load
    figure. Beside it stands whether it was proven against the real product or a stand-in alone.
    """

    BRONZE = "BRONZE"
    SILVER = "SILVER"
    GOLD = "GOLD"


class Folders(NamedTuple):
    """The folders that are one connection's alone, links resolved.

    It takes files out of `folder`, and writes count tasks into `tasks_folder`: each is named by
    the setting of that name.
    """

    folder: Path | None = None
    tasks_folder: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """The outside as arguments: clock, chance, and what of it may be reached.

    `own_folders` are the hub's own, `own_server` asks for the system identifier of its PostgreSQL:
    neither is for connections. `drop_root`: folders of theirs lie beneath it. `claimed` are the
    folders that the connection at hand was given: no link leads it to others by now. No variable
    of the `environment` counts for a connection, and who relies on one is told.
    """

    clock: Clock
    random: Random
    allow_private_addresses: bool = False
    allow_local_databases: bool = False
    own_folders: tuple[Path, ...] = ()
    drop_root: Path | None = None
    claimed: Folders = field(default_factory=Folders)
    own_server: Callable[[], Awaitable[str]] | None = None
    environment: Mapping[str, str] = field(default_factory=dict[str, str])


@runtime_checkable
class Connection(Protocol):
    """An open conversation with one installation. It also has the methods of its roles."""

    async def check(self) -> str:
        """Prove that the settings work; answer a sentence ("Admin API 2026-04, 3 locations")."""
        ...


@runtime_checkable
class Polls(Protocol):
    """An application that is asked what is new, because it never tells by itself."""

    async def poll(self, cursor: str) -> Poll:
        """Read one page after `cursor` ("" is the beginning). Skips nothing, may repeat."""
        ...


@runtime_checkable
class Subscribes(Protocol):
    """An application that has to be told where its news goes, and may forget it.

    The hub tells it before the first page of a poll and every quarter of an hour.
    """

    async def ensure_subscribed(self, address: str) -> Sequence[str]:
        """Subscribe `address` to what it is not subscribed to yet; answer what was missing."""
        ...


@runtime_checkable
class Receives(Protocol):
    """An application that tells by itself: webhooks or files. Pure; called before any parsing."""

    def verify(self, delivery: Delivery, now: datetime) -> None:
        """Check the signature over the raw bytes; raise `Forbidden`. Files have none."""
        ...

    def translate(self, delivery: Delivery) -> Translation: ...


@runtime_checkable
class AnswersStock(Protocol):
    """An application that can be asked what lies of single items, and not only for all of them.

    Whoever compares stock samples it with this, within a share of what the application allows.
    """

    async def stock_of(self, location: str, items: Sequence[str]) -> StockAnswer:
        """Say what lies now of each item at a location, by its own keys; changes nothing.

        Raises `Unavailable` or `Throttled`; `Rejected` where these cannot be told.
        """
        ...


@runtime_checkable
class TellsAgain(Protocol):
    """An application that numbers its messages and keeps them: what was lost is asked for."""

    async def tell_again(self, stream: str, first: int, last: int) -> ToldAgain:
        """Give the messages of a stream with these numbers, both included; changes nothing.

        What it has no more is left out. Raises `Unavailable` or `Throttled`; `Rejected` where
        these cannot be told.
        """
        ...


@dataclass(frozen=True, slots=True)
class StockQuestion:
    """How an application may be asked for stock: keys in one question, and its requests."""

    keys_max: int
    requests: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A message the application really sends, and what it means."""

    title: str
    delivery: Delivery
    translation: Translation


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """One product the hub can talk to.

    `settings` is a pydantic model; its JSON Schema is the settings form, and `SecretStr` fields
    are stored encrypted. `admits` raises `Invalid` for settings that lead where no connection may
    go, before they are kept, and gives the folders that are its own, links resolved: no other
    connection takes files from there, or writes any. `connect` opens a
    `Connection` that has the methods of `roles`; one of `role_settings` is played where the named
    setting is given, and by nobody else; `receive` builds the receiving side. `freshness`
    is how long its silence may last before its stock counts as stale; `batch_max` how many
    commands one call may carry, and how many levels one reading back; that then takes
    `requests_a_reading` calls. `rate_per_second` and `concurrency` bound the outbox. `cursor_at`
    writes the cursor behind which a poll finds all that changed since a moment; without it a
    source can only be read from its beginning. One that tells stock says by `stock_equation` what
    its own number of it means. One whose connection `AnswersStock` says by `stock_question` how
    much may be asked at a time; one whose connection `ListsOpenLines` says what by `lists_open`,
    and is compared by it every few hours; a page of them takes `requests_a_listing` requests.
    One whose connection `TellsAgain` says by `again_max` how many numbers a question may name.
    `stock_setting` and `again_setting` name the setting without which it cannot be asked so.
    `gap_after` says that it numbers its messages without holes, and how long one is waited for.
    """

    name: str
    title: str
    kind: Kind
    settings: type[BaseModel]
    admits: Callable[[Any, Ports], Folders | None] | None = None
    connect: Callable[[Any, Ports], AbstractAsyncContextManager[Connection]] | None = None
    receive: Callable[[Any], Receives] | None = None
    roles: Mapping[type[Any], RepeatSafety] = field(default_factory=dict[type[Any], RepeatSafety])
    role_settings: Mapping[type[Any], str] = field(default_factory=dict[type[Any], str])
    events: tuple[type[Payload], ...] = ()
    samples: tuple[Sample, ...] = ()
    stock_equation: NativeEquation | None = None
    stock_question: StockQuestion | None = None
    stock_setting: str = ""
    again_max: int = 0
    again_setting: str = ""
    gap_after: timedelta | None = None
    lists_open: tuple[OpenKind, ...] = ()
    requests_a_listing: int = 1
    poll_every: timedelta | None = None
    cursor_at: Callable[[datetime], str] | None = None
    freshness: timedelta = timedelta(minutes=15)
    batch_max: int = 100
    requests_a_reading: int = 1
    rate_per_second: float = 10.0
    concurrency: int = 2
    owner: str = "Crossdock"
    grade: Grade = Grade.BRONZE
    is_run_live: bool = False
    homepage: str = ""
