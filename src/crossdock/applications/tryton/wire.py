"""Tryton's JSON: dates, decimals and durations travel as `{"__class__": ...}`; pure."""

import json
import math
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from crossdock.canonical.errors import Invalid

DIGITS_EXACT_MAX = 15
"""A double carries every decimal of so many digits there and back."""


@dataclass(frozen=True, slots=True)
class Measure:
    """An amount for one of Tryton's Float fields, which take a JSON number, no Decimal.

    Stock quantities are such fields. More than fifteen digits would not survive the double that
    the other side makes of it, so they are refused here.
    """

    value: Decimal

    def __post_init__(self) -> None:
        if len(self.value.normalize().as_tuple().digits) > DIGITS_EXACT_MAX:
            raise Invalid(f"{self.value} has more digits than Tryton keeps exactly")


def encoded(value: object) -> bytes:
    return json.dumps(value, default=_tagged, separators=(",", ":"), allow_nan=False).encode()


def decoded(body: bytes) -> Any:
    """Read an answer. A number with a point becomes the exact Decimal of its digits."""
    try:
        return json.loads(
            body, object_hook=_untagged, parse_float=Decimal, parse_constant=_refused_constant
        )
    except (ValueError, RecursionError) as problem:
        raise Invalid(f"Tryton's answer is not readable JSON: {problem}") from problem


def text(row: Mapping[str, Any], name: str) -> str:
    """Read a text of a row; nothing is an empty one."""
    value = row[name]
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid(f"{name} is no text: {value!r}", where=f"/{name}", code="EVT-SCHEMA")
    return value


def flag(row: Mapping[str, Any], name: str) -> bool:
    """Read a yes or no of a row; nothing is a no, as Tryton itself takes it."""
    value = row[name]
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Invalid(
            f"{name} is neither yes nor no: {value!r}", where=f"/{name}", code="EVT-SCHEMA"
        )
    return value


def moment(row: Mapping[str, Any], name: str) -> datetime:
    value = row[name]
    if not isinstance(value, datetime):
        raise Invalid(f"{name} is no time: {value!r}", where=f"/{name}", code="EVT-SCHEMA")
    return value


def _tagged(value: object) -> object:
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            return write(value)
    raise TypeError(f"{type(value).__name__} has no form in Tryton's JSON")


def _untagged(mapping: dict[str, Any]) -> Any:
    tag = mapping.get("__class__")
    read = _READERS.get(tag) if isinstance(tag, str) else None
    if read is None:
        return mapping
    try:
        return read(mapping)
    except (KeyError, TypeError, ValueError, OverflowError, InvalidOperation, Base64Error) as bad:
        raise Invalid(f"a {tag} in Tryton's answer is malformed: {bad}") from bad


def _refused_constant(name: str) -> object:
    raise Invalid(f"{name} is no amount")


def _decimal(mapping: Mapping[str, Any]) -> Decimal:
    number = Decimal(mapping["decimal"])
    if not number.is_finite():
        raise ValueError(f"{number} is no amount")
    return number


def _parts(value: Mapping[str, Any], *names: str) -> list[int]:
    return [int(value[name]) for name in names]


_DAY = ("year", "month", "day")
_TIME = ("hour", "minute", "second", "microsecond")

# Timestamps carry no zone: the server runs in UTC and says so nowhere.
_READERS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "Decimal": _decimal,
    "datetime": lambda m: datetime(*_parts(m, *_DAY, *_TIME), tzinfo=UTC),  # type: ignore[misc,arg-type]  # as many as the names
    "date": lambda m: date(*_parts(m, *_DAY)),
    "time": lambda m: time(*_parts(m, *_TIME)),  # type: ignore[arg-type]  # as many as the names
    "timedelta": lambda m: timedelta(seconds=float(m["seconds"])),
    "bytes": lambda m: b64decode(m["base64"]),
}


def _date_written(value: date) -> dict[str, object]:
    return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}


def _datetime_written(value: datetime) -> dict[str, object]:
    utc = value.astimezone(UTC)
    return {**_date_written(utc), **_time_written(utc), "__class__": "datetime"}


def _time_written(value: time | datetime) -> dict[str, object]:
    return {"__class__": "time", **{name: getattr(value, name) for name in _TIME}}


def _measure_written(value: Measure) -> float:
    number = float(value.value)
    if not math.isfinite(number):
        raise Invalid(f"{value.value} is no amount")
    return number


# In this order: a datetime is a date, too.
_WRITERS: Mapping[type, Callable[[Any], object]] = {
    Measure: _measure_written,
    Decimal: lambda value: {"__class__": "Decimal", "decimal": str(value)},
    datetime: _datetime_written,
    date: _date_written,
    time: _time_written,
    timedelta: lambda value: {"__class__": "timedelta", "seconds": value.total_seconds()},
    bytes: lambda value: {"__class__": "bytes", "base64": b64encode(value).decode()},
}
