"""Whether a file is X12 or EDIFACT, by what it begins with. Pure."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain

LOOKED_AT = 1 << 16
"""So many bytes are looked through for the beginning of an interchange."""
_EDIFACT = re.compile(rb"(?<![A-Za-z0-9])(?:UN[AB](?![A-Za-z0-9 \t\r\n])|UNH(?=\+))")
_X12 = re.compile(rb"(?<![A-Za-z0-9])ISA(?![A-Za-z0-9\s])")
_NEVER = LOOKED_AT + 1


def recognised(chunks: Iterable[bytes]) -> tuple[bool, Iterator[bytes]]:
    """Say whether a file is EDIFACT, and hand back all of its chunks.

    Whichever interchange begins first decides; a file with neither is taken for X12.
    """
    source, begun = iter(chunks), b""
    for chunk in source:
        begun += chunk
        if len(begun) >= LOOKED_AT:
            break
    found, other = (one.search(begun[:LOOKED_AT]) for one in (_EDIFACT, _X12))
    at, other_at = (one.start() if one else _NEVER for one in (found, other))
    return at < other_at, chain([begun], source)
