"""Connections as an operator keeps them: add, look at, change, try, read again, remove."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

from crossdock.canonical.errors import CrossdockError, Invalid, Rejected, Unavailable
from crossdock.connectivity.acceptance import storable
from crossdock.connectivity.as2.partners import PartnerBook
from crossdock.connectivity.conversation import Conversation
from crossdock.connectivity.directory import Circuit, Directory, Entry
from crossdock.connectivity.outbox import By
from crossdock.connectivity.parting import Parted, part
from crossdock.connectivity.poller import STATE, Pollers
from crossdock.connectivity.sdk import own_available
from crossdock.connectivity.sdk.application import Application, Connection, Ports, Subscribes
from crossdock.connectivity.subscriptions import PublicAddress
from crossdock.foundation.database import Transaction
from crossdock.foundation.scope import Scope

CHECK_SECONDS_MAX = 60.0
BEGINNING = "beginning"
FRESHNESS = "freshness_seconds"
OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


class KeepsFreshness(Protocol):
    """Knows for how long a source may be silent, and when it was heard."""

    async def set_freshness_in(self, tx: Transaction, source: str, seconds: int) -> None: ...

    async def freshness_in(self, tx: Transaction, source: str) -> tuple[int, datetime | None]: ...


class Follows(Protocol):
    """Must know when a connection goes away."""

    async def part_in(self, tx: Transaction, connection: str, by: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PollState:
    """How far a polled source was read. `cursor` is the application's own writing.

    `last_error` without `failures` is what the last round passed over.
    """

    cursor: str
    due_at: datetime | None
    failures: int
    last_error: str
    moved_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookState:
    """Where the hub told the application to send its news, when, and why it would not."""

    address: str
    told_at: datetime | None
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A field of the product's messages, the event that it becomes, and what it stands for."""

    field: str
    becomes: str
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StockMeaning:
    """What the product means by its own number of what is available, and what the hub takes.

    `not_taken` are the fields that show its own number. Unless `is_declared` nobody has said of
    this connection what that is.
    """

    equation: str
    is_declared: bool
    taken: Sequence[Taken]
    not_taken: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All about a connection that may be shown: `secrets` are names, their values are null.

    A limit that nobody set is the application's own. `polling` is null when it tells by itself;
    `heard_at` is its last sign of life, and `freshness_seconds` how long the next may take.
    `stock` says what its application means by available, if it has to do with stock.
    """

    name: str
    application: str
    settings: Mapping[str, Any]
    secrets: Sequence[str]
    roles: Mapping[str, Sequence[str]]
    revision: int
    created_at: datetime | None
    rate_per_second: float
    concurrency: int
    gap_seconds: int | None
    freshness_seconds: int
    heard_at: datetime | None
    is_paused: bool
    pause_reason: str
    circuit: Circuit
    failures: int
    probe_at: datetime | None
    answered_at: datetime | None
    last_error: str
    polling: PollState | None
    webhooks: WebhookState | None
    stock: StockMeaning | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What to change: settings by name, limits by name (None: the application's own).

    `freshness_seconds` is a limit like any other.
    """

    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    limits: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What the other side answered.

    `warning` is what works less well than it could, and `hint` what to do about it.
    """

    name: str
    answer: str
    warning: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """What the upkeep of connections needs beside the directory."""

    pollers: Pollers
    ports: Ports
    freshness: KeepsFreshness
    followers: Sequence[Follows] = ()
    public: PublicAddress = field(default_factory=PublicAddress)


class Connections:
    """One method is one transaction, but for `check`, which talks to the other side."""

    def __init__(self, directory: Directory, neighbours: Neighbours) -> None:
        self._directory = directory
        self._database = directory.database
        self._with = neighbours

    async def add(
        self,
        scope: Scope,
        entry: Entry,
        *,
        freshness_seconds: int | None = None,
        is_gap_said: bool = False,
    ) -> Entry:
        """Connect an installation; without numbers it is as its application says.

        `is_gap_said`: that the entry has no `gap_seconds` is meant, and no hole is reported.
        """
        gap_after = self._directory.application_of(entry).gap_after
        if entry.gap_seconds is None and gap_after is not None and not is_gap_said:
            entry = replace(entry, gap_seconds=int(gap_after.total_seconds()))
        async with self._database.transaction(scope) as tx:
            made = await self._directory.add_in(tx, entry)
            await self._set_freshness(tx, made, freshness_seconds)
        return made

    async def show(self, scope: Scope, name: str) -> Standing:
        async with self._database.transaction(scope) as tx:
            return await self._standing(tx, await self._directory.get_in(tx, tx.tenant, name))

    async def change(self, scope: Scope, name: str, changes: Changes) -> Standing:
        """Change what is named, all of it or nothing; processes at work notice at once."""
        async with self._database.transaction(scope) as tx:
            limits = {key: one for key, one in changes.limits.items() if key != FRESHNESS}
            if changes.settings or limits:
                await self._directory.change_in(tx, name, changes.settings, **limits)
            entry = await self._directory.get_in(tx, tx.tenant, name)
            if FRESHNESS in changes.limits:
                await self._set_freshness(tx, entry, changes.limits[FRESHNESS])
            return await self._standing(tx, entry)

    async def check(self, scope: Scope, name: str) -> Checked:
        """Talk to the other side once, changing nothing; raise why it did not answer well."""
        standing = await self.show(scope, name)
        entry = await self._directory.get(scope, name)
        conversation = Conversation(self._database, self._directory, self._with.ports)
        try:
            async with asyncio.timeout(CHECK_SECONDS_MAX), conversation.lent(entry) as connection:
                answer = await connection.check()
                warning, hint = self._warning(connection, standing)
        except CrossdockError:
            raise
        except TimeoutError:
            raise Unavailable(f"{name} did not answer in {CHECK_SECONDS_MAX:g} s") from None
        except Exception as error:
            problem = storable(f"{type(error).__name__}: {error}", 500)
            raise Rejected(f"{name} failed: {problem}", code="application_failed") from error
        finally:
            await conversation.close()
        means = self._directory.application_of(entry).stock_equation
        if means and entry.settings.get(means.setting):
            answer = f"{answer}; {means.of(entry.settings)}"
        return Checked(name=name, answer=answer, warning=warning, hint=hint)

    async def rewind(self, scope: Scope, name: str, moment: datetime | None) -> None:
        """Read a source again from a moment (None: its beginning); what is known is a repeat."""
        await self._with.pollers.rewind_to(scope, name, moment)

    async def rotate_secrets(self, scope: Scope) -> int:
        """Seal every secret of the tenant under a new data key; answer of how many connections."""
        sealed = await self._directory.rotate_secrets(scope)
        book = PartnerBook(self._database, self._directory.clock, self._directory.vault)
        await book.reseal(scope)
        return sealed

    async def remove(self, scope: Scope, name: str, by: By, *, discard: bool = False) -> Parted:
        """Take it away with its secrets. Its facts stay, and its name is nobody else's."""
        async with self._database.transaction(scope) as tx:
            # First, because whoever decides for it holds rows of theirs, then the connection.
            for follower in self._with.followers:
                await follower.part_in(tx, name, by.actor)
            return await part(tx, name, by, self._directory.clock.now(), discard=discard)

    async def _set_freshness(self, tx: Transaction, entry: Entry, seconds: int | None) -> None:
        if seconds is None:
            seconds = int(self._directory.application_of(entry).freshness.total_seconds())
        await self._with.freshness.set_freshness_in(tx, entry.name, seconds)

    def _warning(self, connection: Connection, standing: Standing) -> tuple[str, str]:
        if standing.polling and not standing.polling.failures and standing.polling.last_error:
            return (
                f"it is read, but not as it could be: {standing.polling.last_error}",
                "mend what it names; the hub looks again by itself",
            )
        if standing.stock and not standing.stock.is_declared:
            return (
                "nobody has said what its own number of available stock is",
                f"say it by {own_available.SETTING}: {own_available.FORMS_SAID}",
            )
        return self._deaf(standing) if isinstance(connection, Subscribes) else ("", "")

    def _deaf(self, standing: Standing) -> tuple[str, str]:
        """Say what keeps an application that could tell its news at once from doing so."""
        if not self._with.public.url:
            return (
                "it is polled alone: nobody told it where to send its webhooks",
                "set CROSSDOCK_PUBLIC_URL to where it reaches this hub",
            )
        if standing.webhooks and standing.webhooks.error:
            return (
                f"it does not send webhooks: {standing.webhooks.error}",
                "mend what it names; the hub tries again every minute",
            )
        return "", ""

    async def _standing(self, tx: Transaction, entry: Entry) -> Standing:
        application = self._directory.application_of(entry)
        freshness_seconds, heard_at = await self._with.freshness.freshness_in(tx, entry.name)
        state = await tx.fetchrow(STATE, entry.tenant, entry.name)
        return Standing(
            name=entry.name,
            application=entry.application,
            settings=entry.settings,
            secrets=entry.secrets,
            roles=entry.roles,
            revision=entry.revision,
            created_at=entry.created_at,
            rate_per_second=entry.rate_per_second or application.rate_per_second,
            concurrency=entry.concurrency or application.concurrency,
            gap_seconds=entry.gap_seconds,
            freshness_seconds=freshness_seconds,
            heard_at=heard_at,
            is_paused=entry.is_paused,
            pause_reason=entry.pause_reason,
            circuit=entry.circuit,
            failures=entry.failures,
            probe_at=entry.probe_at,
            answered_at=entry.answered_at,
            last_error=entry.last_error,
            polling=_polling(application, state),
            webhooks=_webhooks(state),
            stock=stock_meaning(application, entry.settings),
        )


def stock_meaning(application: Application, settings: Mapping[str, Any]) -> StockMeaning | None:
    """Tell how the product makes its number, and what the hub takes instead."""
    equation = application.stock_equation
    if equation is None:
        return None
    return StockMeaning(
        equation=equation.of(settings),
        is_declared=equation.is_declared(settings),
        taken=[
            Taken(field=entry.field, becomes=entry.tells.TYPE, meaning=entry.meaning)
            for entry in equation.inputs
        ],
        not_taken=equation.available,
    )


def moment_of(text: str) -> datetime | None:
    """Read a moment with its offset from UTC, or `beginning` (None)."""
    if text == BEGINNING:
        return None
    hint = f"write 2026-03-02T09:00:00+01:00, or {BEGINNING}"
    try:
        moment = datetime.fromisoformat(text)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{text[:60]!r} is no moment", where="to", hint=hint) from None
    if moment.utcoffset() is None:
        raise Invalid(f"{text!r} has no offset from UTC", where="to", hint=hint)
    if in_utc < OLDEST:
        raise Invalid("nothing is that old", where="to", hint=f"write {BEGINNING}")
    return in_utc


def _polling(application: Application, state: Any) -> PollState | None:
    if application.poll_every is None:
        return None
    return PollState(
        cursor=state["cursor"],
        due_at=state["due_at"],
        failures=state["failures"],
        last_error=state["last_error"],
        moved_at=state["moved_at"],
    )


def _webhooks(state: Any) -> WebhookState | None:
    if not state["subscribed_to"]:
        return None
    return WebhookState(
        address=state["subscribed_to"],
        told_at=state["subscribed_at"],
        error=state["subscription_error"],
    )
