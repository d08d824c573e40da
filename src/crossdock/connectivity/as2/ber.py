"""The shape of a BER structure, walked before anything parses it.

The parser counts long tags and identifiers in time that grows with the square of their length, so
what no message needs is refused by its shape.
"""

from crossdock.connectivity.as2.faults import As2Invalid, unexpected

DEPTH_MAX = 24
SHORT_MAX = 64 * 1024
"""The bytes of what is neither an octet string nor a bit string."""
IDENTIFIER_MAX = 64
VALUES_MIN = 20_000
BYTES_PER_VALUE = 64
"""A longer structure may have more values: who streams writes pieces of a thousand bytes."""

_CONSTRUCTED, _HIGH_TAG, _INDEFINITE = 0x20, 0x1F, -1
_BIT_STRING, _OCTET_STRING, _IDENTIFIER, _UNIVERSAL_MAX = 3, 4, 6, 0x1F
_LENGTH_BYTES_MAX = 8


def end_of(data: bytes) -> int:
    """Give where the structure ends that begins the data, or refuse it."""
    ends: list[int] = []
    at = 0
    for _ in range(VALUES_MIN + len(data) // BYTES_PER_VALUE):
        tag, at, end = _header(data, at)
        if tag == 0 and end == at and ends and ends[-1] == _INDEFINITE:
            ends.pop()
        elif tag & _CONSTRUCTED:
            ends.append(end)
        else:
            at = _primitive(tag, at, end)
        while ends and ends[-1] == at:
            ends.pop()
        if not ends:
            return at
        if len(ends) > DEPTH_MAX:
            raise unexpected(f"it is nested more than {DEPTH_MAX} deep")
    raise unexpected("it has too many values")


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    """Read a tag and a length: the tag, where the content begins and where it ends."""
    if len(data) - at < 2:  # noqa: PLR2004 - a tag and a length
        raise _cut()
    tag, length, begin = data[at], data[at + 1], at + 2
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise unexpected("it has a tag that no message has")
    if length == 0x80:  # noqa: PLR2004 - the form without a length
        return tag, begin, _INDEFINITE
    if length & 0x80:
        count = length & 0x7F
        length, begin = int.from_bytes(data[begin : begin + count][:9]), begin + count
        if count > _LENGTH_BYTES_MAX:
            raise _cut()
    if begin + length > len(data):
        raise _cut()
    return tag, begin, begin + length


def _primitive(tag: int, at: int, end: int) -> int:
    if end == _INDEFINITE:
        raise unexpected("a value that has no parts has no length either")
    length_max = IDENTIFIER_MAX if tag == _IDENTIFIER else SHORT_MAX
    is_short = tag <= _UNIVERSAL_MAX and tag not in {_BIT_STRING, _OCTET_STRING}
    if is_short and end - at > length_max:
        raise unexpected(f"it has a value of {end - at} bytes where {length_max} are enough")
    return end


def _cut() -> As2Invalid:
    return unexpected("it ends before its own length says so")
