"""Compression (RFC 3274), with a limit to what comes out of it."""

import zlib

from crossdock.connectivity.as2 import cms
from crossdock.connectivity.as2.faults import As2Invalid, Fault


def compress(content: bytes) -> bytes:
    return cms.written_compressed(zlib.compress(content))


def decompress(data: bytes, bytes_max: int) -> bytes:
    """Undo it; of what would become larger than allowed, no more than that is made."""
    stream = cms.read_compressed(data)
    inflating = zlib.decompressobj()
    try:
        content = inflating.decompress(stream, bytes_max + 1)
    except zlib.error as error:
        raise As2Invalid(Fault.DECOMPRESSION, f"it cannot be decompressed: {error}") from None
    if len(content) > bytes_max:
        raise As2Invalid(
            Fault.DECOMPRESSION, f"it becomes larger than {bytes_max} bytes when decompressed"
        )
    if not inflating.eof or inflating.unused_data:
        raise As2Invalid(Fault.DECOMPRESSION, "the compressed content ends too early or too late")
    return content
