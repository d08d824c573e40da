"""The segments of a file in pages, in constant memory, whatever parts them. Pure.

Bytes are taken as latin-1, which loses none, and read by the character set of their interchange
once they are whole segments. Line ends that part nothing are layout. It, blanks before a segment,
byte order marks and what fills up the end of a file are no part of segments. All of it stays in
the `raw` text: all pages and gaps, one behind the other, are the file.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from crossdock.connectivity.edi.edifact.delimiters import (
    ADVICE,
    ASCII_LEVELS,
    Delimiters,
    Header,
    Unreadable,
    header,
    is_released,
    last_end,
    next_end,
    outsiders,
    plain,
    protected,
    without_layout,
)
from crossdock.connectivity.edi.findings import TAG_MAX, Place
from crossdock.connectivity.edi.source import BLANK, SEGMENT_MAX, Gap, Source

_LAYOUT_MAX = 200
"""Layout before a segment is looked back over so far."""
_BETWEEN_MAX = 20
_BEGIN = re.compile(
    rf"(?<![A-Za-z0-9])(?:UNA(?=[\s\S]{{6}}[{BLANK}]{{0,{_BETWEEN_MAX}}}UNB[\s\S])"
    r"|UNB(?=[^A-Za-z0-9 \t\r\n]))"
)
_BEGIN_MAX = 1 + ADVICE + _BETWEEN_MAX + 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some segments of one interchange, without terminators and layout, released ones marked.

    `raw` is the very text that they come from, `offset` the byte in the file at which it begins.
    `header` is that of the interchange if its segment is the first one here. `is_ended` is false
    where the file ends before the last segment's terminator, `is_clean` where a character is not
    of the interchange's set.
    """

    delimiters: Delimiters
    segments: list[str]
    raw: str
    offset: int
    header: Header | None = None
    is_ended: bool = True
    is_clean: bool = True
    offsets: list[int] = field(default_factory=list[int], repr=False)

    def offset_of(self, index: int) -> int:
        """Tell the byte in the file at which a segment begins."""
        if not self.offsets:
            self.offsets.extend(self._begins())
        return self.offsets[index]

    def place_of(self, index: int, segment: int = 0) -> Place:
        """Name the place of a segment here, as that of such a number in its message."""
        tag = self.segments[index].partition(self.delimiters.element)[0][:TAG_MAX]
        shown = plain(tag, self.delimiters)
        return Place(offset=self.offset_of(index), tag=shown, segment=segment)

    def _begins(self) -> Iterator[int]:
        blank, start = _blank(self.delimiters), self.header.advice if self.header else 0
        while start < len(self.raw):
            end = next_end(self.raw, start, self.delimiters)
            piece = self.raw[start : end if end >= 0 else len(self.raw)]
            if protected(without_layout(piece, self.delimiters), self.delimiters).strip(blank):
                yield self.offset + start + len(piece) - len(piece.lstrip(blank))
            start += len(piece) + 1


def pages(chunks: Iterable[bytes]) -> Iterator[Page | Gap]:
    """Read interchanges one after the other, each by the delimiters that it says itself."""
    source = Source(iter(chunks))
    while True:
        yield from _skipped(source)
        if not source.text:
            return
        try:
            head = _header(source)
        except Unreadable as error:
            yield source.gap(len("UNB"), str(error))
            continue
        yield from _interchange(source, head)


def _skipped(source: Source) -> Iterator[Gap]:
    """Go on to the next header, and hand on what stands before it."""
    while (found := _BEGIN.search(source.text)) is None:
        kept = 0 if source.is_over else _BEGIN_MAX
        if len(source.text) > kept:
            yield source.gap(len(source.text) - kept)
        if source.is_over:
            return
        source.more()
    if found.start():
        yield source.gap(found.start())


def _header(source: Source) -> Header:
    while (found := header(source.text, is_over=source.is_over)) is None:
        source.more()
    return found


def _interchange(source: Source, head: Header) -> Iterator[Page | Gap]:
    """Hand on pages up to the end of an interchange, the next header or the end of the file."""
    is_first = True
    while True:
        size, is_last = _readable(source, head, is_first=is_first)
        if size:
            yield _page(source, head, size, is_first=is_first)
            is_first = False
        elif not is_last and len(source.text) > SEGMENT_MAX:
            end = head.delimiters.segment
            yield source.gap(SEGMENT_MAX, f"no terminator {end!r} comes within a million bytes")
            return
        if is_last:
            return
        if not size:
            source.more()


def _readable(source: Source, head: Header, *, is_first: bool) -> tuple[int, bool]:
    """Tell how many characters are whole segments, and whether the interchange ends with them."""
    text, delimiters = source.text, head.delimiters
    start = head.length if is_first else 0
    at = _border(text, delimiters, start)
    if at < 0:
        if source.is_over:
            return len(text), True
        return last_end(text, head.advice if is_first else 0, delimiters) + 1, False
    if text[at : at + 3] != "UNZ":
        return at, True
    closed = next_end(text, at, delimiters)
    if closed >= 0:
        return closed + 1, True
    return (len(text), True) if source.is_over else (at, False)


def _border(text: str, delimiters: Delimiters, start: int) -> int:
    """Find the segment that ends an interchange, or begins another; -1 is none."""
    blank = _blank(delimiters)
    for found in _borders(delimiters.element).finditer(text, start):
        if _is_segment(text, found.start(), blank, delimiters):
            return found.start()
    return -1


@lru_cache(maxsize=100)
def _borders(element: str) -> re.Pattern[str]:
    return re.compile(f"UN(?:A|[BZ]{re.escape(element)})")


def _is_segment(text: str, at: int, blank: str, delimiters: Delimiters) -> bool:
    """Say whether a segment begins at a place."""
    before = text[max(at - _LAYOUT_MAX, 0) : at]
    ended = before.rstrip(blank)
    if not ended:
        return at <= _LAYOUT_MAX
    last = at - len(before) + len(ended) - 1
    return text[last] == delimiters.segment and not is_released(text, last, delimiters)


def _page(source: Source, head: Header, size: int, *, is_first: bool) -> Page:
    delimiters, offset, raw = head.delimiters, source.offset, source.take(size)
    text = without_layout(raw[head.advice :] if is_first else raw, delimiters)
    text = protected(text if text.isascii() else _decoded(text, head), delimiters)
    pieces = text.split(delimiters.segment)
    is_ended = not pieces[-1].strip(BLANK)
    if is_ended:
        pieces.pop()
    blank = "".join(one for one in _blank(delimiters) if one in text)
    if any(delimiters.segment + one in text or text.startswith(one) for one in blank):
        pieces = [piece.lstrip(blank) for piece in pieces]
    if "" in pieces:
        pieces = [piece for piece in pieces if piece]
    return Page(
        delimiters=delimiters,
        segments=pieces,
        raw=raw,
        offset=offset,
        header=head if is_first else None,
        is_ended=is_ended,
        is_clean=outsiders(head.level, delimiters).search(text) is None,
    )


def _decoded(text: str, head: Header) -> str:
    """Read bytes by the character set of their interchange.

    In a set of ASCII alone they are a fault, and UTF-8 where they can be it: segment by segment.
    """
    if head.codec != "latin-1":
        return text.encode("latin-1").decode(head.codec, "surrogateescape")
    if head.level not in ASCII_LEVELS:
        return text
    end = head.delimiters.segment
    return end.join(map(_as_utf8, text.split(end)))


def _as_utf8(text: str) -> str:
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return text


def _blank(delimiters: Delimiters) -> str:
    """Name the characters of layout that part nothing here."""
    return "".join(one for one in BLANK if one not in delimiters.all)
