"""Which application plays which role at which site, how it is reached, and how it is doing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from importlib.metadata import entry_points
from typing import Any, NamedTuple

import asyncpg
import msgspec
from pydantic import BaseModel

from crossdock.canonical.errors import Conflict, Invalid, NotFound
from crossdock.connectivity.drop_folders import Kept, check_apart, claimed, kept, taken
from crossdock.connectivity.roles_given import check_roles
from crossdock.connectivity.sdk.application import Application, Ports
from crossdock.connectivity.secret_fields import joined, parted, validated
from crossdock.connectivity.vault import Vault
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction
from crossdock.foundation.scope import Scope

ENTRY_POINT_GROUP = "crossdock.applications"
TOPIC = "directory"
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")

RATE_MAX = 10_000.0
CONCURRENCY_MAX = 1_000
GAP_SECONDS_MAX = 31 * 24 * 3600


class Circuit(StrEnum):
    """OPEN: nothing is sent but a probe now and then. HALF_OPEN: one call shows if it is over."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    HALF_OPEN = "HALF_OPEN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One connection as the directory knows it; secrets are only named.

    `roles` limits what the application is asked for here, and for which locations (none: all);
    left empty, every role of the application counts everywhere. `gap_seconds` is how long a hole
    in the source's sequence may last before it is reported; None says that its numbers have holes.
    It alone takes files out of `folder` and writes into `tasks_folder`, as links led when each
    was named.
    """

    tenant: str
    name: str
    application: str
    settings: Mapping[str, Any]
    sealed: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    roles: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    revision: int = 1
    is_paused: bool = False
    pause_reason: str = ""
    rate_per_second: float | None = None
    concurrency: int | None = None
    gap_seconds: int | None = None
    created_at: datetime | None = None
    folder: str | None = None
    tasks_folder: str | None = None
    circuit: Circuit = Circuit.CLOSED
    failures: int = 0
    probe_at: datetime | None = None
    answered_at: datetime | None = None
    last_error: str = ""

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(sorted(self.sealed))

    def plays(self, role: str, location: str = "") -> bool:
        if not self.roles:
            return True
        if role not in self.roles:
            return False
        return not location or not self.roles[role] or location in self.roles[role]


class Told(NamedTuple):
    """A connection and the locations at which it was given a role by name."""

    tenant: str
    connection: str
    locations: tuple[str, ...]


ENTRIES = """
select c.*, h.circuit, h.failures, h.probe_at, h.answered_at, h.last_error
from connection c join connection_health h on h.tenant = c.tenant and h.connection = c.name
where ($1 = '*' or c.tenant = $1) and ($2 = '' or c.name = $2)
order by c.tenant, c.name
"""
# Only those that name their locations: one without any plays its roles everywhere when it is
# asked, and is told of nothing by itself.
TOLD = """
select tenant, name, array(select jsonb_array_elements_text(roles -> $2)) as locations
from connection where tenant = any($1) and jsonb_array_length(roles -> $2) > 0
order by tenant, name
"""
ADD = """
insert into connection (tenant, name, application, settings, secrets, roles, rate_per_second,
    concurrency, gap_seconds, created_at, changed_at, revision, folder, tasks_folder)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11, $12, $13)
"""
ADD_HEALTH = "insert into connection_health (tenant, connection) values ($1, $2)"
ADD_CURSOR = "insert into poll_cursor (tenant, connection) values ($1, $2)"
CHANGE = """
update connection set settings = $3, secrets = $4, roles = $5, rate_per_second = $6,
    concurrency = $7, gap_seconds = $8, changed_at = $9, folder = $11, tasks_folder = $12,
    revision = revision + 1
where tenant = $1 and name = $2 and revision = $10 returning name
"""
PAUSE = """
update connection set is_paused = $3, pause_reason = $4, changed_at = $5
where tenant = $1 and name = $2 returning name
"""
# Whoever touches both locks the health first, as a courier does that pauses its connection.
HOLD_HEALTH = """
select from connection_health where tenant = $1 and connection = $2 for update
"""
# A connection that a person resumes starts healthy: they know something the hub does not.
RESET_HEALTH = """
update connection_health set circuit = 'CLOSED', failures = 0, probe_at = null, probe_seconds = 0,
    opened_at = null where tenant = $1 and connection = $2
"""
# The other side is asked anew at once, and told again where its news goes.
ASK_ANEW = """
update poll_cursor set due_at = null, failures = 0, last_error = '', subscribed_at = null
where tenant = $1 and connection = $2
"""
FORMER = "select application, revision from former_connection where tenant = $1 and name = $2"
RESEAL = "update connection set secrets = $3 where tenant = $1 and name = $2"


def poll_topic(tenant: str, connection: str) -> str:
    """Name the bell that one connection's poller listens to."""
    return f"poll/{tenant}/{connection}"


def installed_applications() -> dict[str, Application]:
    """Find every application that an installed package announces."""
    found: dict[str, Application] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        application = point.load()
        if not isinstance(application, Application):
            raise Invalid(f"entry point {point.name!r} is not an Application", where=point.value)
        found[application.name] = application
    return found


@dataclass(frozen=True, slots=True)
class Directory:
    """Adds, changes and finds connections. One method is one transaction, unless given one."""

    database: Database
    clock: Clock
    vault: Vault
    applications: Mapping[str, Application]
    ports: Ports | None = None

    async def add(self, scope: Scope, entry: Entry) -> Entry:
        """Connect an installation; `entry.settings` are whole, secrets included."""
        async with self.database.transaction(scope) as tx:
            return await self.add_in(tx, entry)

    async def add_in(self, tx: Transaction, entry: Entry) -> Entry:
        if not _NAME.fullmatch(entry.name):
            raise Invalid(f"{entry.name!r} is no connection name: a-z, 0-9, - and _", where="name")
        tx.scope.must_cover([entry.tenant])
        now = self.clock.now()
        checked, folders = self._checked(entry)
        await check_apart(tx, entry.name, folders)
        shown, secrets = parted(checked)
        revision = await self._next_revision(tx, entry)
        sealed = await self._seal(tx, entry, secrets, now)
        try:
            await tx.execute(
                ADD, entry.tenant, entry.name, entry.application, _json(shown), _json(sealed),
                _json(entry.roles), entry.rate_per_second, entry.concurrency, entry.gap_seconds,
                now, revision, *folders,
            )  # fmt: skip
        except asyncpg.ExclusionViolationError:
            raise taken(*folders) from None
        except asyncpg.UniqueViolationError:
            raise Conflict(
                f"a connection {entry.name!r} exists already",
                hint=f"change it: crossdock connection change {entry.name}",
            ) from None
        await tx.execute(ADD_HEALTH, entry.tenant, entry.name)
        await tx.execute(ADD_CURSOR, entry.tenant, entry.name)
        tx.wake(TOPIC)
        return await self.get_in(tx, entry.tenant, entry.name)

    async def change(
        self, scope: Scope, name: str, settings: Mapping[str, Any] | None = None, **limits: Any
    ) -> Entry:
        """Change settings (only those named; secrets not named stay) or limits."""
        async with self.database.transaction(scope) as tx:
            return await self.change_in(tx, name, settings, **limits)

    async def change_in(
        self, tx: Transaction, name: str, settings: Mapping[str, Any] | None = None, **limits: Any
    ) -> Entry:
        unknown = set(limits) - {"roles", "rate_per_second", "concurrency", "gap_seconds"}
        if unknown:
            raise Invalid(f"a connection has no {min(unknown)!r}", where=min(unknown))
        now = self.clock.now()
        await tx.fetchrow(HOLD_HEALTH, tx.tenant, name)
        before = await self.get_in(tx, tx.tenant, name)
        opened = await self._open(tx, before)
        named = dict(settings or {})
        whole = joined(before.settings, opened) | named
        anew: dict[str, Any] = {each: None for each in Kept._fields if each in named}
        wanted = replace(before, settings=whole, **anew, **limits)
        checked, folders = self._checked(wanted)
        await check_apart(tx, name, folders)
        shown, secrets = parted(checked)
        sealed = await self._seal(tx, before, secrets, now)
        try:
            moved = await tx.fetchval(
                CHANGE, before.tenant, name, _json(shown), _json(sealed), _json(wanted.roles),
                wanted.rate_per_second, wanted.concurrency, wanted.gap_seconds, now,
                before.revision, *folders,
            )  # fmt: skip
        except asyncpg.ExclusionViolationError:
            raise taken(*folders) from None
        if moved is None:
            raise Conflict(f"connection {name!r} was changed meanwhile; look again")
        if settings:
            await self._ask_anew(tx, name)
        tx.wake(TOPIC)
        return await self.get_in(tx, before.tenant, name)

    async def pause(self, scope: Scope, name: str, reason: str) -> None:
        async with self.database.transaction(scope) as tx:
            await self.pause_in(tx, scope.tenant, name, reason)

    async def pause_in(self, tx: Transaction, tenant: str, name: str, reason: str) -> None:
        await self._set_paused(tx, tenant, name, reason, is_paused=True)

    async def resume(self, scope: Scope, name: str) -> None:
        async with self.database.transaction(scope) as tx:
            await tx.fetchrow(HOLD_HEALTH, tx.tenant, name)
            await self._set_paused(tx, scope.tenant, name, "", is_paused=False)
            await self._ask_anew(tx, name)

    async def entries(self, scope: Scope) -> list[Entry]:
        async with self.database.transaction(scope) as tx:
            return [_entry(row) for row in await tx.fetch(ENTRIES, scope.tenant, "")]

    async def get(self, scope: Scope, name: str) -> Entry:
        async with self.database.transaction(scope) as tx:
            return await self.get_in(tx, scope.tenant, name)

    async def get_in(self, tx: Transaction, tenant: str, name: str) -> Entry:
        row = await tx.fetchrow(ENTRIES, tenant, name)
        if row is None or not name:
            raise NotFound(
                f"there is no connection {name!r}", hint="crossdock connection list shows them"
            )
        return _entry(row)

    async def who_plays(self, scope: Scope, role: type[Any], location: str = "") -> list[Entry]:
        """List the connections that play a role, for one location or for any."""
        return [
            entry
            for entry in await self.entries(scope)
            if role in self.application_of(entry).roles and entry.plays(role.__name__, location)
        ]

    async def told(self, tx: Transaction, tenants: Sequence[str], role: str) -> list[Told]:
        """List the connections that a role was given to location by location."""
        rows = await tx.fetch(TOLD, list(tenants), role)
        return [Told(row["tenant"], row["name"], tuple(row["locations"])) for row in rows]

    def application_of(self, entry: Entry) -> Application:
        if entry.application not in self.applications:
            raise NotFound(
                f"no application {entry.application!r} is installed",
                hint=f"installed: {', '.join(sorted(self.applications)) or 'none'}",
            )
        return self.applications[entry.application]

    async def settings_of(self, tx: Transaction, entry: Entry) -> BaseModel:
        """Give the application its settings, secrets opened."""
        whole = joined(entry.settings, await self._open(tx, entry))
        return validated(self.application_of(entry).settings, whole)

    async def rotate_secrets(self, scope: Scope) -> int:
        """Make a new data key for the tenant and seal every secret again under it."""
        now = self.clock.now()
        async with self.database.transaction(scope) as tx:
            await self.vault.add_generation(tx, scope.tenant, now)
            entries = [_entry(row) for row in await tx.fetch(ENTRIES, scope.tenant, "")]
            for entry in entries:
                opened = await self._open(tx, entry)
                sealed = await self._seal(tx, entry, opened, now)
                await tx.execute(RESEAL, entry.tenant, entry.name, _json(sealed))
        return len(entries)

    def _checked(self, entry: Entry) -> tuple[BaseModel, Kept]:
        application = self.application_of(entry)
        _check_limits(entry)
        checked = validated(application.settings, entry.settings)
        check_roles(application, checked, entry.roles)
        if application.admits and self.ports:
            ports = replace(self.ports, claimed=claimed(entry.folder, entry.tasks_folder))
            return checked, kept(application.admits(checked, ports))
        return checked, Kept()

    async def _next_revision(self, tx: Transaction, entry: Entry) -> int:
        """Go on counting where a removed connection of this name ended; it must be the same.

        The log knows facts by the name of their source: another application's under the same name
        would be taken for repeats of what the first one said.
        """
        former = await tx.fetchrow(FORMER, entry.tenant, entry.name)
        if former is None:
            return 1
        if former["application"] != entry.application:
            raise Conflict(
                f"{entry.name!r} was the name of a {former['application']} connection, whose facts"
                " stay in the log under it",
                code="name_used",
                hint="take another name",
            )
        revision: int = former["revision"] + 1
        return revision

    async def _ask_anew(self, tx: Transaction, name: str) -> None:
        """Forget failures: whoever changed or resumed it knows something the hub does not."""
        await tx.execute(RESET_HEALTH, tx.tenant, name)
        await tx.execute(ASK_ANEW, tx.tenant, name)
        tx.wake(poll_topic(tx.tenant, name))

    async def _seal(
        self, tx: Transaction, entry: Entry, secrets: Mapping[str, str], now: datetime
    ) -> dict[str, str]:
        bound = {entry.name + pointer: value for pointer, value in secrets.items()}
        sealed = await self.vault.seal(tx, entry.tenant, bound, now)
        return {name.removeprefix(entry.name): text for name, text in sealed.items()}

    async def _open(self, tx: Transaction, entry: Entry) -> dict[str, str]:
        bound = {entry.name + pointer: text for pointer, text in entry.sealed.items()}
        opened = await self.vault.open(tx, entry.tenant, bound)
        return {name.removeprefix(entry.name): value for name, value in opened.items()}

    async def _set_paused(
        self, tx: Transaction, tenant: str, name: str, reason: str, *, is_paused: bool
    ) -> None:
        if not await tx.fetchval(PAUSE, tenant, name, is_paused, reason, self.clock.now()):
            raise NotFound(f"there is no connection {name!r}")
        tx.wake(TOPIC)


def _check_limits(entry: Entry) -> None:
    rate, concurrency, gap = entry.rate_per_second, entry.concurrency, entry.gap_seconds
    if rate is not None and not 0 < rate <= RATE_MAX:
        raise Invalid(f"a rate is above 0 and at most {RATE_MAX:g}", where="rate_per_second")
    if concurrency is not None and not 0 < concurrency <= CONCURRENCY_MAX:
        raise Invalid(f"calls at once are 1 to {CONCURRENCY_MAX}", where="concurrency")
    if gap is not None and not 0 <= gap <= GAP_SECONDS_MAX:
        raise Invalid(f"a gap may last 0 to {GAP_SECONDS_MAX} seconds", where="gap_seconds")


def _entry(row: Any) -> Entry:
    return Entry(
        tenant=row["tenant"],
        name=row["name"],
        application=row["application"],
        settings=msgspec.json.decode(row["settings"], type=dict[str, Any]),
        sealed=msgspec.json.decode(row["secrets"], type=dict[str, str]),
        roles=msgspec.json.decode(row["roles"], type=dict[str, list[str]]),
        revision=row["revision"],
        is_paused=row["is_paused"],
        pause_reason=row["pause_reason"],
        rate_per_second=row["rate_per_second"],
        concurrency=row["concurrency"],
        gap_seconds=row["gap_seconds"],
        created_at=row["created_at"],
        folder=row["folder"],
        tasks_folder=row["tasks_folder"],
        circuit=Circuit(row["circuit"]),
        failures=row["failures"],
        probe_at=row["probe_at"],
        answered_at=row["answered_at"],
        last_error=row["last_error"],
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
