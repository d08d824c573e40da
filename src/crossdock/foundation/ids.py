"""Names for things: derived from the fact where there is one, time-ordered where there is none."""

import hashlib
from random import Random, SystemRandom
from typing import Protocol
from uuid import UUID

import uuid_utils


def derived_uuid(*parts: str) -> UUID:
    """Derive an id that the same parts give for ever: how a fact keeps one identity everywhere.

    Parts are joined by a byte that no part may hold, so ("a", "bc") and ("ab", "c") differ.
    """
    return UUID(bytes=hashlib.sha256("\0".join(parts).encode()).digest()[:16])


def prefixed(prefix: str, identity: UUID) -> str:
    """Write an id the way people and logs see it: `rsv_0190…` (ARCHITECTURE §4)."""
    return f"{prefix}_{identity.hex}"


class Ids(Protocol):
    """`new` gives a fresh, time-ordered id (UUIDv7); `text` one as bare digits, at less cost."""

    def new(self) -> UUID: ...

    def text(self) -> str: ...


class SystemIds:
    def new(self) -> UUID:
        return UUID(bytes=uuid_utils.uuid7().bytes)

    def text(self) -> str:
        return uuid_utils.uuid7().hex


class SeededIds:
    """For simulations: the same seed gives the same ids."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def new(self) -> UUID:
        return UUID(int=self._random.getrandbits(128))

    def text(self) -> str:
        return self.new().hex


def system_random() -> Random:
    return SystemRandom()
