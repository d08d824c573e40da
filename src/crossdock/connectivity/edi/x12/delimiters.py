"""The four characters that part an interchange, read from where its header has them. Pure.

The header (ISA) has sixteen elements of fixed width, so its separators lie at known places: the
element separator behind `ISA`, the component separator as the last element, the terminator behind
it. Senders pad it wrongly all the same, so the separators are counted, not looked up.
"""

from dataclasses import dataclass

from crossdock.connectivity.edi.source import BLANK

ELEMENTS = 16
HEADER_MAX = 400
"""No header is longer, however it is padded: the standard's has 106 characters."""
WIDTHS = (2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1)
_TAIL, _TAIL_LEAST = 5, 2
"""The last element and what ends the segment: one character, of up to four bytes in UTF-8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """`segment` is one character, or the bytes of one that UTF-8 writes in several.

    `repetition` is "" before version 00402, where the header says something else at its place.
    """

    element: str
    component: str
    segment: str
    repetition: str = ""

    @property
    def all(self) -> str:
        return self.element + self.component + self.segment + self.repetition


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`elements` are the sixteen of the header as they are written; `length` is that of all."""

    delimiters: Delimiters
    elements: tuple[str, ...]
    length: int


class Unreadable(Exception):
    """A header from which no delimiters can be had; its text says why."""


def header(text: str, *, is_over: bool = False) -> Header | None:
    """Read the header that `text` begins with; None where more of it is needed.

    `is_over` says that there is no more. Raises `Unreadable` where no more text would help.
    """
    separator = text[3:4] or "*"
    parts = text[: HEADER_MAX + 1].split(separator, ELEMENTS)
    if len(parts) <= ELEMENTS:
        if len(text) <= HEADER_MAX:
            return None
        raise Unreadable(
            f"a header has {ELEMENTS} elements, and {len(parts) - 1} separators {separator!r} are"
            f" in the first {HEADER_MAX} characters"
        )
    length = sum(map(len, parts[:ELEMENTS])) + ELEMENTS
    tail = text[length : length + _TAIL]
    if len(tail) < (_TAIL_LEAST if is_over else _TAIL):
        return None
    component, terminator = tail[0], _terminator(tail[1:])
    found = Delimiters(
        element=separator,
        component=component,
        segment=terminator,
        repetition=_repetition(parts[11], parts[12], separator + component + terminator),
    )
    _check(found)
    wrapped = {ord(one): None for one in "\r\n" if one not in found.all}
    elements = (*(one.translate(wrapped) for one in parts[1:ELEMENTS]), component)
    return Header(delimiters=found, elements=elements, length=length + 1)


def _terminator(text: str) -> str:
    """Take one character: of one that UTF-8 writes in several bytes, all of them."""
    for size in (4, 3, 2):
        found = text[:size]
        if len(found.encode("latin-1").decode("utf-8", "replace")) == 1 and found[-1] >= "\x80":
            return found
    return text[0]


def _repetition(said: str, version: str, taken: str) -> str:
    """Tell the repetition separator: before 00402 the place holds the standard's name, U."""
    is_separator = len(said) == 1 and not said.isalnum() and said not in BLANK
    return said if is_separator and version >= "00402" and said not in taken else ""


def _check(found: Delimiters) -> None:
    names = {"element": found.element, "component": found.component, "segment": found.segment}
    for name, value in names.items():
        if value == " " or (value.isascii() and value.isalnum()):
            raise Unreadable(f"the {name} separator is {value!r}, which data is made of")
    if len(set(names.values())) < len(names):
        raise Unreadable("two of the separators are the same character")
