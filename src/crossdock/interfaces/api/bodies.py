"""Request bodies: read under a cap and a deadline, strict JSON, decoded by type.

Two keys of one name, NaN, numbers without end, nesting without end and NUL characters are refused
before anything is decoded: what two readers could understand differently is nobody's order.
"""

import asyncio
import json
import re
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, Mapping
from itertools import accumulate
from typing import Any, TypeVar, cast

import msgspec

from crossdock.canonical.errors import Invalid

T = TypeVar("T")

DEPTH_MAX = 32
READ_SECONDS_MAX = 30.0
BODY_BYTES_MAX = 1024 * 1024
IN_LOOP_BYTES_MAX = 64 * 1024
"""A larger body is checked in a thread, so that it does not hold up the others."""

DIGITS_MAX = 40

_LATE = "the body is late"
_OF_NUMBERS = bytes(ord("0") if byte in b"-+.0123456789eE" else 32 for byte in range(256))
_LONG_NUMBER = b"0" * (DIGITS_MAX + 1)
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}

Receive = Callable[[], Awaitable[Any]]


async def read_body(
    receive: Receive,
    headers: Mapping[bytes, bytes],
    bytes_max: int,
    *,
    seconds: float = READ_SECONDS_MAX,
) -> bytes:
    """Read the whole body; give up on one that is too large or comes too slowly."""
    announced = headers.get(b"content-length", b"0")
    is_too_large = announced.isdigit() and int(announced[:20]) > bytes_max
    kept_max = -1 if is_too_large else bytes_max
    return await _in_time(_collected(receive, kept_max, bytes_max), seconds)


async def strict_json(body: bytes) -> None:
    """Refuse JSON that is malformed, ambiguous, or made to hurt."""
    if len(body) <= IN_LOOP_BYTES_MAX:
        check_json(body)
    else:
        await asyncio.to_thread(check_json, body)


def check_json(body: bytes) -> None:
    _check_depth(body)
    is_plain = b"\\" not in body and _LONG_NUMBER not in body.translate(_OF_NUMBERS)
    if is_plain and _is_as_we_write(body):
        return
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Invalid("the body is not UTF-8", code="not_json") from None
    try:
        _STRICT.decode(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the body is not JSON: {error}", code="not_json") from None
    if "\\u" in text:
        _check_escapes(text)


def decoded(body: bytes, kind: type[T]) -> T:
    """Decode by type; an unknown field, a missing one and a float are named by their place."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        sentence, _, place = str(error).partition(" - at `$")
        raise Invalid(sentence, where=_pointer(place.rstrip("`"))) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid(f"the body is not JSON: {error}", code="not_json") from None


@types.coroutine
def _in_time(body: Coroutine[Any, Any, bytes], seconds: float) -> Generator[Any, Any, bytes]:
    """Wait for it, for so long: `asyncio.timeout`, but for one that is nearly always there.

    A body that came with its head is read in the first step, and then no time has to be kept.
    """
    try:
        awaited = body.send(None)
    except StopIteration as done:
        return cast("bytes", done.value)
    reader = asyncio.current_task()
    assert reader  # noqa: S101  # a coroutine runs in one
    late = asyncio.get_running_loop().call_later(seconds, reader.cancel, _LATE)
    try:
        yield awaited
        arrived: bytes = yield from body
    except asyncio.CancelledError as cancelled:
        if cancelled.args != (_LATE,) or reader.uncancel():
            raise
        raise Invalid(
            f"the body did not arrive within {seconds:g} s", code="body_too_slow"
        ) from None
    else:
        return arrived
    finally:
        late.cancel()
        body.close()


async def _collected(receive: Receive, kept_max: int, bytes_max: int) -> bytes:
    """Collect up to `kept_max` bytes.

    Of a larger body as much again as is allowed is read and dropped: a caller that is still
    sending when the connection closes would never see why.
    """
    chunks: list[bytes] = []
    size = 0
    has_more = True
    while has_more and size <= 2 * bytes_max:
        message = await receive()
        if message["type"] != "http.request":
            raise Invalid("the caller went away", code="not_json")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size <= kept_max:
            chunks.append(chunk)
        has_more = message.get("more_body", False)
    if size > kept_max:
        raise _too_large(bytes_max)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _is_as_we_write(body: bytes) -> bool:
    """Say whether it is what an encoder makes of it: then no key is ambiguous.

    Most bodies are, and to find that out takes half as long as to look for what is wrong.
    """
    try:
        return msgspec.json.encode(msgspec.json.decode(body)) == body
    except (msgspec.DecodeError, msgspec.EncodeError, RecursionError, UnicodeError):
        return False


def _check_depth(body: bytes) -> None:
    if body.count(b"[") + body.count(b"{") <= DEPTH_MAX:
        return
    brackets = _STRINGS.sub(b"", body).translate(None, _NOT_BRACKETS)
    if max(accumulate(map(_STEPS.__getitem__, brackets)), default=0) > DEPTH_MAX:
        raise Invalid(f"the body is nested deeper than {DEPTH_MAX}", code="not_json")


def _check_escapes(text: str) -> None:
    """Refuse escapes of what the database cannot hold."""
    plain = json.dumps(json.loads(text), ensure_ascii=False)
    if "\\u0000" in plain.replace("\\\\", ""):
        raise Invalid("the body holds a NUL character", code="not_json")
    try:
        plain.encode()
    except UnicodeEncodeError:
        raise Invalid("the body holds half of a surrogate pair", code="not_json") from None


def _refuse_twins(pairs: list[tuple[str, Any]]) -> None:
    if len(dict(pairs)) < len(pairs):
        keys = [key for key, _ in pairs]
        twin = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twin[:40]!r} is there twice")


def _refuse_constant(text: str) -> None:
    raise ValueError(f"{text} is no number")


def _refuse_endless(text: str) -> None:
    if len(text) > DIGITS_MAX:
        raise ValueError("a number has too many digits")


def _pointer(place: str) -> str:
    """Write msgspec's `.lines[0].quantity` as a JSON pointer."""
    return place.replace("[", "/").replace("]", "").replace(".", "/")


def _too_large(bytes_max: int) -> Invalid:
    return Invalid(
        f"the body is larger than {bytes_max} bytes",
        code="body_too_large",
        hint="send fewer entries per request",
    )


_STRICT = json.JSONDecoder(
    object_pairs_hook=_refuse_twins,
    parse_constant=_refuse_constant,
    parse_float=_refuse_endless,
    parse_int=_refuse_endless,
)
