"""The segments of a file in pages, in constant memory, whatever parts them. Pure.

Bytes are taken as latin-1, which loses none. Line ends that part nothing are layout: behind a
terminator, or wherever a sender wrapped his lines. They, blanks before a segment, byte order marks
and what fills up the end of a file are no part of segments. All of it stays in the `raw` text: all
pages and gaps, one behind the other, are the file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from crossdock.connectivity.edi.findings import TAG_MAX, Place
from crossdock.connectivity.edi.source import BLANK, SEGMENT_MAX, Gap, Source
from crossdock.connectivity.edi.x12.delimiters import Delimiters, Header, Unreadable, header

BINARY_MAX = 64 << 20
"""More bytes than this are held of no binary segment."""
_DIGITS = 9
_LAYOUT_MAX = 200
"""Layout before a segment is looked back over so far."""
_BINARY = {"BIN": 1, "BDS": 2}
"""The segments that hold bytes as they are, and which of their elements says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some segments of one interchange, without terminators and layout.

    `raw` is the very text that they come from, `offset` the byte in the file at which it begins.
    `header` is that of the interchange if its segment is the first one here. `is_ended` is false
    where the file ends before the last segment's terminator.
    """

    delimiters: Delimiters
    segments: list[str]
    raw: str
    offset: int
    header: Header | None = None
    is_ended: bool = True
    offsets: list[int] = field(default_factory=list[int], repr=False)

    def offset_of(self, index: int) -> int:
        """Tell the byte in the file at which a segment begins."""
        if not self.offsets:
            self.offsets.extend(self._begins())
        return self.offsets[index]

    def place_of(self, index: int, segment: int = 0) -> Place:
        """Name the place of a segment here, as that of such a number in its set."""
        tag = self.segments[index].partition(self.delimiters.element)[0][:TAG_MAX]
        return Place(offset=self.offset_of(index), tag=tag, segment=segment)

    def _begins(self) -> Iterator[int]:
        """Tell where each segment begins; one that holds bytes as they are has its own page."""
        at, blank = self.offset, _blank(self.delimiters)
        for piece in self.raw.split(self.delimiters.segment):
            kept = piece.lstrip(blank)
            if kept:
                yield at + len(piece) - len(kept)
            at += len(piece) + len(self.delimiters.segment)


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
            yield source.gap(len("ISA"), str(error))
            continue
        yield from _interchange(source, head)


def _skipped(source: Source) -> Iterator[Gap]:
    """Go on to the next header, and hand on what stands before it."""
    while (at := _begin(source.text)) < 0:
        kept = 0 if source.is_over else len("?ISA")
        if len(source.text) > kept:
            yield source.gap(len(source.text) - kept)
        if source.is_over:
            return
        source.more()
    if at:
        yield source.gap(at)


def _begin(text: str, start: int = 0) -> int:
    """Find a header: ISA, neither in a word nor before what cannot part elements; -1 is none."""
    at = text.find("ISA", start)
    while at >= 0:
        before, behind = text[max(at - 1, 0) : at], text[at + 3 : at + 4]
        if behind and not _is_word(before) and not _is_word(behind) and behind not in BLANK:
            return at
        at = text.find("ISA", at + 1)
    return -1


def _is_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _header(source: Source) -> Header:
    while (found := header(source.text, is_over=source.is_over)) is None:
        if source.is_over:
            raise Unreadable("the file ends within the header")
        source.more()
    return found


def _interchange(source: Source, head: Header) -> Iterator[Page | Gap]:
    """Hand on pages up to the end of an interchange, the next header or the end of the file."""
    first: Header | None = head
    while True:
        if size := _binary(source, head.delimiters):
            yield _binary_page(source, head.delimiters, size)
            continue
        size, is_last = _readable(source, head.delimiters, is_first=first is not None)
        if size:
            yield _page(source, head.delimiters, size, first)
            first = None
        elif not is_last and len(source.text) > SEGMENT_MAX:
            because = f"no terminator {head.delimiters.segment!r} comes within a million bytes"
            yield source.gap(SEGMENT_MAX, because)
            return
        if is_last:
            return
        if not size:
            source.more()


def _readable(source: Source, delimiters: Delimiters, *, is_first: bool) -> tuple[int, bool]:
    """Tell how many characters are whole segments, and whether the interchange ends with them."""
    text, end = source.text, delimiters.segment
    another = _segment_at(text, delimiters, "ISA", 1 if is_first else 0)
    closes = _segment_at(text, delimiters, "IEA")
    binary = min(_segment_at(text, delimiters, tag, 1) for tag in _BINARY)
    first = min(another, closes, binary)
    if first == len(text):
        whole = text.rfind(end) + len(end) if end in text else 0
        return (first, True) if source.is_over else (whole, False)
    if first == another:
        return another, True
    if first == binary:
        return binary, False
    closed = text.find(end, closes)
    if closed >= 0:
        return closed + len(end), True
    return (len(text), True) if source.is_over else (closes, False)


def _segment_at(text: str, delimiters: Delimiters, tag: str, start: int = 0) -> int:
    """Find the segment of a tag; the end of the text is none."""
    blank, at = _blank(delimiters), text.find(tag, start)
    while at >= 0:
        before = text[max(at - _LAYOUT_MAX, 0) : at].rstrip(blank)
        is_first = not before and at <= _LAYOUT_MAX
        behind = text[at + 3 : at + 4]
        parts = behind == delimiters.element or (tag == "ISA" and behind and not _is_word(behind))
        if parts and (is_first or before.endswith(delimiters.segment)):
            return at
        at = text.find(tag, at + 1)
    return len(text)


def _page(source: Source, delimiters: Delimiters, size: int, first: Header | None) -> Page:
    offset, raw = source.offset, source.take(size)
    text = raw
    for layout in "\r\n":
        if layout in text and layout not in delimiters.all:
            text = text.replace(layout, "")
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
        header=first,
        is_ended=is_ended,
    )


def _binary(source: Source, delimiters: Delimiters) -> int:
    """Tell the size of the binary segment that the text begins with; 0 is none."""
    element = delimiters.element
    text = source.text.lstrip(_blank(delimiters))
    before = _BINARY.get(text[:3])
    if before is None or text[3:4] != element:
        return 0
    parts = text.split(element, before + 1)
    while len(parts) <= before + 1 and len(source.text) < SEGMENT_MAX and source.more():
        text = source.text.lstrip(_blank(delimiters))
        parts = text.split(element, before + 1)
    said = parts[before] if len(parts) > before + 1 else ""
    if not (said.isascii() and said.isdigit()) or len(said) > _DIGITS or int(said) > BINARY_MAX:
        return 0
    begins = len(source.text) - len(text) + sum(map(len, parts[: before + 1])) + before + 1
    ends = begins + int(said)
    while len(source.text) < ends + len(delimiters.segment) and source.more():
        pass
    size = ends + len(delimiters.segment)
    return size if source.text[ends:size] == delimiters.segment else 0


def _binary_page(source: Source, delimiters: Delimiters, size: int) -> Page:
    offset, raw = source.offset, source.take(size)
    segment = raw[: -len(delimiters.segment)].lstrip(_blank(delimiters))
    return Page(delimiters=delimiters, segments=[segment], raw=raw, offset=offset)


def _blank(delimiters: Delimiters) -> str:
    """Name the characters of layout that part nothing here."""
    return "".join(one for one in BLANK if one not in delimiters.all)
