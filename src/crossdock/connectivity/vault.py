"""Secrets of connections, encrypted twice: each tenant has data keys, a master key wraps those.

The master key never enters the database, so neither a dump nor a query shows a secret. A stored
secret says which generation of its tenant's key it needs, so keys change without a flag day.
"""

import base64
import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crossdock.canonical.errors import Invalid, Rejected
from crossdock.foundation.database import Transaction
from crossdock.foundation.settings import Settings

KEY_BYTES = 32
NONCE_BYTES = 12
SECRET_LENGTH_MIN = 24
_FORMAT = "v1"

GENERATIONS = """
select generation, wrapped from tenant_key where tenant = $1 order by generation
"""
ADD_GENERATION = """
insert into tenant_key (tenant, generation, wrapped, made_at) values ($1, $2, $3, $4)
on conflict do nothing
"""
REWRAP = "update tenant_key set wrapped = $3 where tenant = $1 and generation = $2"


def master_key(secret: str) -> bytes:
    """Derive the master key from a configured secret; a short one is refused."""
    if len(secret) < SECRET_LENGTH_MIN:
        raise Invalid(
            f"The secret key is shorter than {SECRET_LENGTH_MIN} characters",
            where="CROSSDOCK_SECRET_KEY",
        )
    derivation = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=b"crossdock vault")
    return derivation.derive(secret.encode())


def master_key_of(settings: Settings) -> bytes:
    """Take the key that the settings give, or the one that is kept in the data directory."""
    if settings.secret_key is not None:
        return master_key(settings.secret_key.get_secret_value())
    return master_key_in(settings.data_dir / "secret-key")


def master_key_in(file: Path, chance: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """Read the master key from its file, made at first start for the owner's eyes only.

    Two processes that start together agree: the file appears whole, and only once.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.{chance(8).hex()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as opened:
            opened.write(base64.b64encode(chance(KEY_BYTES)).decode())
            opened.flush()
            os.fsync(opened.fileno())
        try:
            file.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = base64.b64decode(file.read_text(), validate=True)
    if len(key) != KEY_BYTES:
        raise Invalid(f"{file} holds no key of {KEY_BYTES} bytes", where=str(file))
    return key


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext and the generation of the key that opens it."""

    generation: int
    content: bytes

    def __str__(self) -> str:
        return f"{_FORMAT}.{self.generation}.{base64.b64encode(self.content).decode()}"

    @classmethod
    def parsed(cls, text: str) -> "Sealed":
        form, generation, content = [*text.split("."), "", ""][:3]
        if form != _FORMAT or not generation.isdecimal():
            raise Rejected("A stored secret is not in a form this version reads")
        return cls(int(generation), base64.b64decode(content))


@dataclass(slots=True)
class Vault:
    """Seals and opens secrets of tenants. `chance` gives random bytes, for keys and nonces."""

    master: bytes = field(repr=False)
    chance: Callable[[int], bytes] = field(default=secrets.token_bytes, repr=False)

    async def seal(
        self, tx: Transaction, tenant: str, values: Mapping[str, str], now: datetime
    ) -> dict[str, str]:
        """Encrypt values under their names: a secret moved to another name does not open."""
        if not values:
            return {}
        generation, key = await self._newest(tx, tenant, now)
        return {
            name: str(Sealed(generation, self._encrypted(key, value.encode(), tenant, name)))
            for name, value in values.items()
        }

    async def open(
        self, tx: Transaction, tenant: str, sealed: Mapping[str, str]
    ) -> dict[str, str]:
        opened: dict[str, str] = {}
        for name, text in sealed.items():
            parsed = Sealed.parsed(text)
            key = await self._key(tx, tenant, parsed.generation)
            opened[name] = _decrypted(key, parsed.content, tenant, name).decode()
        return opened

    async def add_generation(self, tx: Transaction, tenant: str, now: datetime) -> int:
        """Make a new data key; what is sealed from now on uses it."""
        known = await self._generations(tx, tenant)
        generation = max(known, default=0) + 1
        wrapped = self._encrypted(self.master, self.chance(KEY_BYTES), tenant, str(generation))
        await tx.execute(ADD_GENERATION, tenant, generation, wrapped, now)
        return generation

    async def rewrap(self, tx: Transaction, tenants: Sequence[str], master: bytes) -> None:
        """Wrap every data key under another master key; the secrets stay as they are."""
        for tenant in tenants:
            for generation in await self._generations(tx, tenant):
                key = await self._key(tx, tenant, generation)
                wrapped = self._encrypted(master, key, tenant, str(generation))
                await tx.execute(REWRAP, tenant, generation, wrapped)

    async def _newest(self, tx: Transaction, tenant: str, now: datetime) -> tuple[int, bytes]:
        known = await self._generations(tx, tenant)
        newest = max(known) if known else await self.add_generation(tx, tenant, now)
        return newest, await self._key(tx, tenant, newest)

    async def _key(self, tx: Transaction, tenant: str, generation: int) -> bytes:
        wrapped = (await self._generations(tx, tenant)).get(generation)
        if wrapped is None:
            raise Rejected(f"Key {generation} of tenant {tenant} is gone", code="key_missing")
        return _decrypted(self.master, wrapped, tenant, str(generation))

    async def _generations(self, tx: Transaction, tenant: str) -> dict[int, bytes]:
        rows = await tx.fetch(GENERATIONS, tenant)
        return {row["generation"]: row["wrapped"] for row in rows}

    def _encrypted(self, key: bytes, value: bytes, *purpose: str) -> bytes:
        nonce = self.chance(NONCE_BYTES)
        return nonce + AESGCM(key).encrypt(nonce, value, _bound_to(purpose))


def _decrypted(key: bytes, content: bytes, *purpose: str) -> bytes:
    try:
        return AESGCM(key).decrypt(
            content[:NONCE_BYTES], content[NONCE_BYTES:], _bound_to(purpose)
        )
    except (InvalidTag, ValueError):
        raise Rejected(
            "A stored secret does not open with this key",
            code="key_wrong",
            hint="check CROSSDOCK_SECRET_KEY, or the key file in the data directory",
        ) from None


def _bound_to(purpose: Sequence[str]) -> bytes:
    return "\0".join(purpose).encode()
