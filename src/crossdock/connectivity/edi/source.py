"""The text of a file as its bytes come, and what of it belongs to no interchange. Pure.

Bytes are taken as latin-1, which loses none.
"""

from collections.abc import Iterator
from dataclasses import dataclass

BLANK = " \t\r\n\x00\x1a\x0b\x0c"
"""What stands before a segment, or fills up a file, and means nothing."""
BOM = "\xef\xbb\xbf"
SEGMENT_MAX = 1 << 20
"""A segment of more bytes is none: its terminator is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Text that belongs to no interchange: layout alone where there is no `junk` in it.

    `because` says why what looked like an interchange could not be read on from here.
    """

    raw: str
    offset: int
    because: str = ""

    @property
    def junk(self) -> str:
        return self.raw.removeprefix(BOM).strip(BLANK)


@dataclass(slots=True)
class Source:
    """What is read and not handed on yet; `offset` is the byte of its first character."""

    chunks: Iterator[bytes]
    text: str = ""
    offset: int = 0
    is_over: bool = False

    def more(self) -> bool:
        """Read a chunk; False at the end of the file."""
        chunk = next(self.chunks, None)
        if chunk is None:
            self.is_over = True
            return False
        self.text += chunk.decode("latin-1")
        return True

    def gap(self, size: int, because: str = "") -> Gap:
        offset = self.offset
        return Gap(raw=self.take(size), offset=offset, because=because)

    def take(self, size: int) -> str:
        taken, self.text = self.text[:size], self.text[size:]
        self.offset += len(taken)
        return taken
