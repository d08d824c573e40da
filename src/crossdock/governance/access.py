"""Who is calling, and may they: API keys made, proven, listed and revoked.

A proven key is remembered for half a second, so that a busy caller costs two look-ups a second
and a revoked key is refused everywhere within one, whether or not a wake-up arrives.
"""

import asyncio
import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from crossdock.canonical.errors import Forbidden, Invalid, NotFound
from crossdock.foundation.clock import Clock
from crossdock.foundation.database import Database, Transaction, WorkersSql
from crossdock.foundation.scope import Scope
from crossdock.governance.keys import Token, mint, read_token
from crossdock.governance.roles import ROLES, Principal, Unauthenticated, Verb, verbs_of

REMEMBERED_SECONDS = 0.5
REMEMBERED_KEYS_MAX = 10_000
OWNER_FILE = "owner-key"
NAME_LENGTH_MAX = 200
LIFE_MAX = timedelta(days=36_525)
CHANNELS_MAX = 50
NO_HASH = bytes(32)

# By the public part alone: whose key it is, is what we want to learn.
FIND = WorkersSql("""
select key_id, name, tenant, partner, secret_hash, verbs, channels, expires_at, revoked_at
from api_key where key_id = $1
""")
ADD = """
insert into api_key (key_id, tenant, partner, name, secret_hash, verbs, is_owner, created_at,
    created_by, expires_at, channels)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
LIST = """
select key_id, name, partner, verbs, channels, is_owner, created_at, created_by, expires_at,
    revoked_at
from api_key where tenant = $1 and ($2 = '' or partner = $2) order by created_at, key_id
"""
# A key that was revoked before stays revoked since then.
REVOKE = """
update api_key set revoked_at = coalesce(revoked_at, $4),
    revoked_by = case when revoked_at is null then $5 else revoked_by end
where tenant = $1 and ($2 = '' or partner = $2) and key_id = $3
returning key_id
"""
OWNER = "select key_id from api_key where tenant = $1 and is_owner and revoked_at is null"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """What a key is for. `partner` "" covers the whole tenant.

    `channels` are those that it may promise and plan for, as they are spelled; none is any.
    """

    name: str
    verbs: frozenset[Verb]
    partner: str = ""
    expires_at: datetime | None = None
    channels: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """The only moment in which `token` is known to the hub; show it and forget it."""

    key_id: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    key_id: str
    name: str
    partner: str
    verbs: tuple[str, ...]
    channels: tuple[str, ...]
    is_owner: bool
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Proven:
    principal: Principal
    expires_at: datetime | None
    forget_at: float


class Access:
    """`random` must be the system's (`foundation.ids.system_random`) in anything but a test."""

    def __init__(self, database: Database, clock: Clock, random: Random) -> None:
        self._database = database
        self._clock = clock
        self._random = random
        self._proven: dict[bytes, _Proven] = {}
        self._asking: dict[bytes, asyncio.Task[_Proven]] = {}

    async def authenticate(self, authorization: str | None) -> Principal:
        """Prove who sends this `Authorization` header, or raise `Unauthenticated`."""
        # By its hash: what is kept in memory must not be worth stealing.
        digest = hashlib.sha256((authorization or "").encode()).digest()
        proven = self._remembered(digest)
        if proven is None:
            proven = await self._asked_once(digest, read_token(_bearer(authorization)))
        if proven.expires_at is not None and proven.expires_at <= self._clock.now():
            raise _refused()
        return proven.principal

    def remembered(self, authorization: str | None) -> Principal | None:
        """Give who was proven to send this header within the last half second, asking nobody."""
        proven = self._remembered(hashlib.sha256((authorization or "").encode()).digest())
        if proven is None or (
            proven.expires_at is not None and proven.expires_at <= self._clock.now()
        ):
            return None
        return proven.principal

    async def create(self, by: Principal, new: NewKey) -> IssuedKey:
        """Make a key in the caller's own tenant that can do no more than the caller can."""
        beyond = sorted(str(verb) for verb in new.verbs if not by.may(verb))
        if beyond:
            raise Forbidden(
                f"key {by.key_id} cannot hand out what it lacks: {', '.join(beyond)}",
                code="verb_missing",
            )
        if by.partner and new.partner != by.partner:
            raise Forbidden(f"key {by.key_id} makes keys of partner {by.partner!r} alone")
        check_bound(by, new.channels)
        _check(new, self._clock.now())
        token = mint(self._random)
        async with self._database.transaction(by.scope) as tx:
            await self._add(tx, by.tenant, new, token, created_by=by.key_id)
        return IssuedKey(key_id=token.key_id, token=token.reveal())

    async def keys(self, scope: Scope) -> list[KeyRecord]:
        """List the keys of a tenant, revoked ones too, without their secrets."""
        async with self._database.transaction(scope) as tx:
            rows = await tx.fetch(LIST, scope.tenant, scope.partner)
        fields: list[dict[str, Any]] = [
            {**dict(row), "verbs": tuple(row["verbs"]), "channels": tuple(row["channels"])}
            for row in rows
        ]
        return [KeyRecord(**each) for each in fields]

    async def revoke(self, scope: Scope, key_id: str, *, by: str) -> None:
        """Refuse the key from now on: here and in every other process within half a second."""
        async with self._database.transaction(scope) as tx:
            found = await tx.fetchval(
                REVOKE, scope.tenant, scope.partner, key_id, self._clock.now(), by
            )
        if found is None:
            raise NotFound(f"no key is called {key_id!r}")
        self._forget(key_id)

    async def ensure_owner_key(self, data_dir: Path, tenant: str) -> str | None:
        """Make the tenant's owner key unless it has one; answer it that one time.

        It is also written to `data_dir/owner-key`, readable by its owner alone. To replace a lost
        one, revoke it and start again.
        """
        scope = Scope(tenant)
        async with self._database.transaction(scope) as tx:
            await tx.execute("select pg_advisory_xact_lock(hashtext($1))", f"owner-key:{tenant}")
            if await tx.fetchval(OWNER, tenant):
                return None
            token = mint(self._random)
            owner = NewKey(name="owner", verbs=ROLES["owner"])
            await self._add(tx, tenant, owner, token, created_by="first start", is_owner=True)
            # Before the commit: a key in the database that nobody holds could never be replaced.
            await asyncio.to_thread(_write_private, data_dir / OWNER_FILE, token.reveal() + "\n")
        return token.reveal()

    async def _add(
        self,
        tx: Transaction,
        tenant: str,
        new: NewKey,
        token: Token,
        *,
        created_by: str,
        is_owner: bool = False,
    ) -> None:
        await tx.execute(
            ADD,
            token.key_id,
            tenant,
            new.partner,
            new.name,
            token.secret_hash,
            sorted(str(verb) for verb in new.verbs),
            is_owner,
            self._clock.now(),
            created_by,
            new.expires_at,
            sorted(new.channels),
        )

    def _remembered(self, digest: bytes) -> _Proven | None:
        proven = self._proven.get(digest)
        return proven if proven and self._clock.ticks() < proven.forget_at else None

    def _forget(self, key_id: str) -> None:
        for digest, proven in list(self._proven.items()):
            if proven.principal.key_id == key_id:
                del self._proven[digest]

    async def _asked_once(self, digest: bytes, token: Token) -> _Proven:
        """Ask the database, once for all who wait for the same key."""
        asking = self._asking.get(digest)
        if asking is None:
            asking = asyncio.create_task(self._asked(digest, token))
            self._asking[digest] = asking
            asking.add_done_callback(_forgetting(self._asking, digest))
        # One caller that goes away must not take the answer from the others.
        return await asyncio.shield(asking)

    async def _asked(self, digest: bytes, token: Token) -> _Proven:
        asked_at = self._clock.ticks()
        async with self._database.transaction(Scope.of_workers()) as tx:
            row = await tx.fetchrow(FIND, token.key_id)
        # An unknown id takes the same comparison as a wrong secret.
        is_right = token.matches(row["secret_hash"] if row else NO_HASH)
        if not is_right or row["revoked_at"] is not None:
            raise _refused()
        proven = _Proven(_principal(row), row["expires_at"], asked_at + REMEMBERED_SECONDS)
        if len(self._proven) >= REMEMBERED_KEYS_MAX:
            self._proven.clear()
        self._proven[digest] = proven
        return proven


def _principal(row: Any) -> Principal:
    return Principal(
        tenant=row["tenant"],
        partner=row["partner"],
        verbs=verbs_of(row["verbs"]),
        key_id=row["key_id"],
        name=row["name"],
        channels=frozenset(row["channels"]),
    )


def _bearer(authorization: str | None) -> str:
    scheme, _, credential = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not credential:
        raise Unauthenticated(
            "this needs an API key",
            hint="send `Authorization: Bearer xd_…`; the first one is in the file owner-key of "
            "the hub's data directory",
        )
    return credential.strip()


def _refused() -> Unauthenticated:
    return Unauthenticated(
        "this API key is not valid: unknown, expired or revoked",
        hint="ask whoever keeps the keys for a new one",
    )


def _check(new: NewKey, now: datetime) -> None:
    if not new.name.strip() or len(new.name) > NAME_LENGTH_MAX or not new.name.isprintable():
        raise Invalid("a key needs a name of 1 to 200 printable characters", where="/name")
    if not new.verbs:
        raise Invalid("a key needs at least one verb", where="/verbs")
    if new.expires_at is not None and new.expires_at <= now:
        raise Invalid("a key cannot expire before it is made", where="/expires_at")
    if new.expires_at is not None and new.expires_at > now + LIFE_MAX:
        raise Invalid("a key may not live longer than a hundred years", where="/expires_at")
    Scope("x", new.partner)  # refuses a partner name that could not be one
    if len(new.channels) > CHANNELS_MAX:
        raise Invalid(f"a key speaks for {CHANNELS_MAX} channels at most", where="/channels")
    for channel in sorted(new.channels):
        is_name = channel.strip() == channel and channel.isprintable()
        if not is_name or not 0 < len(channel) <= NAME_LENGTH_MAX:
            raise Invalid(
                f"{channel[:100]!r} is no channel: 1 to 200 printable characters, no blank around",
                where="/channels",
                hint="spell it as orders and maxima do",
            )


def check_bound(by: Principal, channels: frozenset[str]) -> None:
    """Refuse to hand out a channel that the maker of a key may not speak for itself."""
    beyond = sorted(channels - by.channels)
    if by.channels and (beyond or not channels):
        whose = ", ".join(beyond) or "any channel"
        raise Forbidden(
            f"key {by.key_id} cannot hand out what it may not speak for: {whose}",
            code="channel_scope",
            hint=f"bind the new key to its own: {', '.join(sorted(by.channels))}",
        )


def _forgetting(
    asking: dict[bytes, asyncio.Task[_Proven]], digest: bytes
) -> Callable[[asyncio.Task[_Proven]], None]:
    def forget(task: asyncio.Task[_Proven]) -> None:
        asking.pop(digest, None)
        if not task.cancelled():
            task.exception()  # seen, even if every caller has gone away

    return forget


def _write_private(path: Path, text: str) -> None:
    """Put the file in place whole, never readable by others, even for a moment."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
