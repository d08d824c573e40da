"""How far this machine's clock is from the world's: by what others say, and what the kernel does.

The embedded database has this machine's clock, and so cannot tell.
"""

import ctypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

GRAIN = timedelta(seconds=1)
"""The `Date` of an answer is cut to it."""

_TIMEX_BYTES = 512  # more than any kernel's `struct timex`
_TIME_ERROR = 5  # what adjtimex returns while nothing keeps the clock

_heard: ContextVar[list[timedelta] | None] = ContextVar("skews heard", default=None)


@contextmanager
def listening() -> Iterator[list[timedelta]]:
    """Gather how far each answer's clock is ahead of ours (below zero: behind) in the block."""
    heard: list[timedelta] = []
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


def hear(headers: Mapping[str, str], sent: datetime, received: datetime) -> None:
    """Take note of the `Date` of an answer, if somebody listens; header names are lower case.

    What comes out of a cache (`Age`) says when that was filled.
    """
    heard = _heard.get()
    if heard is not None and "age" not in headers and (said := _read(headers.get("date", ""))):
        heard.append(ahead(said, sent, received))


def ahead(said: datetime, sent: datetime, received: datetime) -> timedelta:
    """Say how far a clock is ahead of ours at least, that said this between these moments."""
    if said > received:
        return said - received
    if said < sent - GRAIN:
        return said - sent + GRAIN
    return timedelta()


def is_kept() -> bool | None:
    """Say whether something keeps this machine's clock; None where the kernel cannot tell."""
    try:
        state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def _read(date: str) -> datetime | None:
    try:
        said = parsedate_to_datetime(date)
        return said.astimezone(UTC) if said.tzinfo else None
    except (TypeError, ValueError, OverflowError):
        return None
