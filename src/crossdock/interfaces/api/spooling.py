"""Bodies of any size read into a file as they come, so that slow senders take up no memory."""

import asyncio
from collections.abc import Mapping
from tempfile import SpooledTemporaryFile
from typing import IO

from crossdock.canonical.errors import Invalid
from crossdock.interfaces.api.bodies import Receive

MEMORY_BYTES_MAX = 256 * 1024


async def spooled_body(
    receive: Receive, headers: Mapping[bytes, bytes], bytes_max: int, *, seconds: float
) -> IO[bytes]:
    """Read the whole body; give up on one that is too large or comes too slowly.

    Of a larger one as much again as is allowed is read and dropped: a caller that is still
    sending when the connection closes would never see why.
    """
    file = SpooledTemporaryFile[bytes](max_size=MEMORY_BYTES_MAX)
    try:
        async with asyncio.timeout(seconds):
            size = await _poured(file, receive, headers, bytes_max)
    except TimeoutError:
        file.close()
        raise Invalid(
            f"the body did not arrive within {seconds:g} s", code="body_too_slow"
        ) from None
    except BaseException:
        file.close()
        raise
    if size > bytes_max:
        file.close()
        raise Invalid(f"the body is larger than {bytes_max} bytes", code="body_too_large")
    file.seek(0)
    return file


async def _poured(
    file: IO[bytes], receive: Receive, headers: Mapping[bytes, bytes], bytes_max: int
) -> int:
    """Write what is received, as far as it is allowed; give how much came."""
    announced = headers.get(b"content-length", b"0")
    is_too_large = announced.isdigit() and int(announced[:20]) > bytes_max
    kept_max, size, has_more = -1 if is_too_large else bytes_max, 0, True
    while has_more and size <= 2 * bytes_max:
        message = await receive()
        if message["type"] != "http.request":
            raise Invalid("the caller went away", code="body_cut")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size <= kept_max:
            file.write(chunk)
        has_more = message.get("more_body", False)
    return max(size, bytes_max + 1) if is_too_large else size
