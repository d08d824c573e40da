"""What a fact says, as one hash: tells a repeat from other content under the same identity."""

import hashlib
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any

import msgspec

from crossdock.canonical.envelope import Fact, Payload


def content_hash(fact: Fact, said: Payload) -> bytes:
    """Hash what the source said, leaving out how and when it reached us.

    A field at its default is left out too. So a fact that is read again after the hub has learned
    a new optional field is the repeat that it was before.
    """
    told = msgspec.json.encode(_told(said)).decode()
    text = f"{fact.payload.TYPE}\0{fact.occurred_at.timestamp()}\0{fact.version}\0{told}"
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def digest(said: Payload) -> str:
    """Give what is said as sixteen hex digits, for a name that tells two states apart."""
    return hashlib.blake2b(msgspec.json.encode(_told(said)), digest_size=8).hexdigest()


def _told(value: Any) -> Any:
    if type(value) is str:
        return value
    if isinstance(value, tuple):
        each: tuple[Any, ...] = value
        return [_told(one) for one in each]
    defaults = _defaults(type(value))  # type: ignore[arg-type]  # a class can be hashed
    if defaults is None:
        return value
    told: dict[str, Any] = {}
    for name, default in defaults:
        one = getattr(value, name)
        if one is not default and one != default:
            told[name] = _told(one)
    return told


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...] | None:
    """Give what each field of a payload is where nobody says it; None where it has no fields."""
    if not is_dataclass(kind):
        return None
    found: list[tuple[str, Any]] = []
    for field in fields(kind):
        made = field.default_factory
        found.append((field.name, field.default if made is MISSING else made()))
    return tuple(found)
