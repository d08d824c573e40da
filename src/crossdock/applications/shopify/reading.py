"""Reading JSON that somebody else wrote: every surprise becomes `Invalid`, with its place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from crossdock.canonical.errors import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ID_BITS = 64
TEXT_MAX = 2_000
COUNT_MAX = 1_000_000_000
"""Shopify's own bound of a quantity."""


def is_object(value: object) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def micros_of(instant: datetime) -> int:
    """Whole microseconds since 1970, exactly."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def instant_of(text: object, *, where: str = "") -> datetime:
    """Read an ISO 8601 instant with its offset; nanoseconds are cut to microseconds."""
    if not isinstance(text, str):
        raise Invalid(f"{_shown(text)} is not an instant", where=where)
    try:
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            raise Invalid(f"{_shown(text)} has no offset from UTC", where=where)
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Invalid(f"{_shown(text)} is not an instant", where=where) from None


@dataclass(frozen=True, slots=True)
class Record:
    """One JSON object and where it stood in its message."""

    fields: Mapping[str, Any]
    where: str = ""

    @classmethod
    def of(cls, body: bytes) -> "Record":
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            raise Invalid("the message is not JSON") from None
        return cls.of_value(parsed)

    @classmethod
    def of_value(cls, value: object, where: str = "") -> "Record":
        if not is_object(value):
            raise Invalid(f"{_shown(value)} is not an object", where=where)
        return cls(value, where)

    def text(self, name: str) -> str:
        """Read a string; absent and null read as empty, as Shopify means them."""
        value = self.fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Invalid(f"{_shown(value)} is not text", where=self.at(name))
        if len(value) > TEXT_MAX or not _is_storable(value):
            raise Invalid(f"{_shown(value)} is too long or not whole text", where=self.at(name))
        return value.strip()

    def identifier(self, name: str) -> str:
        """Read Shopify's number of a thing, from `5001` or from `gid://shopify/Order/5001?…`."""
        value = self.fields.get(name)
        number = _number_in(value)
        if not (number.isascii() and number.isdigit()):
            raise Invalid(f"{_shown(value)} is not an identifier", where=self.at(name))
        return number

    def count(self, name: str, *, least: int = 0) -> int:
        value = self.fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool):
            raise Invalid(f"{_shown(value)} is not a whole number", where=self.at(name))
        if not least <= value <= COUNT_MAX:
            raise Invalid(
                f"{_shown(value)} is not within {least}…{COUNT_MAX}", where=self.at(name)
            )
        return value

    def is_true(self, name: str) -> bool:
        return self.fields.get(name) is True

    def is_set(self, name: str) -> bool:
        return self.fields.get(name) is not None

    def instant(self, name: str) -> datetime:
        return instant_of(self.fields.get(name), where=self.at(name))

    def record(self, name: str) -> "Record":
        return Record.of_value(self.fields.get(name), self.at(name))

    def record_if_any(self, name: str) -> "Record":
        """Read an object that may be missing, or be something else: then it is an empty one."""
        value = self.fields.get(name)
        return Record(value if is_object(value) else {}, self.at(name))

    def entries(self, name: str) -> list[Any]:
        value = self.fields.get(name)
        if not is_list(value):
            raise Invalid(f"{_shown(value)} is not a list", where=self.at(name))
        return value

    def records(self, name: str) -> tuple["Record", ...]:
        return tuple(
            Record.of_value(entry, f"{self.at(name)}/{index}")
            for index, entry in enumerate(self.entries(name))
        )

    def at(self, name: str) -> str:
        return f"{self.where}/{name}"


def _is_storable(text: str) -> bool:
    """No database keeps a NUL or half of a surrogate pair."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _number_in(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    if isinstance(value, int):
        return str(value) if value.bit_length() <= ID_BITS and value >= 0 else ""
    return value.rpartition("/")[2].partition("?")[0]


def _shown(value: object) -> str:
    """Show a foreign value in a message, short: it may be a megabyte of anything."""
    if isinstance(value, int) and value.bit_length() > ID_BITS:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, list | Mapping):
        return "a list" if isinstance(value, list) else "an object"
    return repr(value[:60] if isinstance(value, str) else value)[:80]
