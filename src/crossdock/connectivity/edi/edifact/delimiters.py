"""The characters that part an EDIFACT interchange, and the header that they are read by. Pure.

They are said by the service string advice (UNA), or are those of the standard. A released
character, one behind the release character, parts nothing: it is kept as a mark of its own, so
that a segment can be split by its separators, and is itself again in what `plain` gives.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from crossdock.connectivity.edi.source import BLANK

HEADER_MAX = 3_000
"""No header has more characters, with the advice before it."""
ADVICE = 9
REPETITION_SINCE = "4"
_MARKS = "\ud800\ud801\ud802\ud803\ud804"
_LOST = dict.fromkeys(range(56448, 56576), "�")
_CODECS: Mapping[str, str] = {
    "UNOD": "iso8859-2",
    "UNOE": "iso8859-5",
    "UNOF": "iso8859-7",
    "UNOG": "iso8859-3",
    "UNOH": "iso8859-4",
    "UNOI": "iso8859-6",
    "UNOJ": "iso8859-8",
    "UNOK": "iso8859-9",
    "UNOW": "utf-8",
    "UNOX": "utf-8",
    "UNOY": "utf-8",
}
"""How bytes are read that are not ASCII; any other level, as latin-1."""
LEVELS = frozenset({"UNOA", "UNOB", "UNOC", *_CODECS})
SYNTAXES = frozenset("1234")
_UPPER = "A-Z0-9 .,()/='+:?!\"%&*;<>\\-"
_LETTERS: Mapping[str, str] = {"UNOA": _UPPER, "UNOB": _UPPER + "a-z"}
ASCII_LEVELS = frozenset(_LETTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimiters:
    """`release` is "" where nothing can be released, `repetition` before syntax 4."""

    component: str = ":"
    element: str = "+"
    segment: str = "'"
    release: str = "?"
    repetition: str = ""
    decimal: str = "."

    @property
    def all(self) -> str:
        return self.release + self.segment + self.element + self.component + self.repetition


STANDARD = Delimiters()
CONTROLS = Delimiters(component="\x1f", element="\x1d", segment="\x1c", release="")
"""Those of level B in syntax 1, where there is no advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """`elements` are those of UNB, each as its components.

    `advice` is how many characters stand before UNB, `length` how many there are with it.
    """

    delimiters: Delimiters
    elements: tuple[tuple[str, ...], ...]
    advice: int
    length: int
    has_advice: bool

    @property
    def level(self) -> str:
        """The character set: UNOA, UNOC."""
        return component(self.elements, 1, 1)

    @property
    def syntax(self) -> str:
        """The version of the syntax: 1 to 4."""
        return component(self.elements, 1, 2)

    @property
    def codec(self) -> str:
        return _CODECS.get(self.level, "latin-1")


class Unreadable(Exception):
    """A header from which no delimiters can be had; its text says why."""


def component(elements: tuple[tuple[str, ...], ...], element: int, at: int) -> str:
    """Give a component by its place, from 1 on; "" where it is not there."""
    parts = elements[element - 1] if element <= len(elements) else ()
    return parts[at - 1] if at <= len(parts) else ""


def header(text: str, *, is_over: bool = False) -> Header | None:
    """Read the header that `text` begins with, with its advice; None where more is needed.

    `is_over` says that there is no more. Raises `Unreadable` where no more text would help.
    """
    has_advice = text.startswith("UNA")
    found = _advised(text[3:ADVICE]) if has_advice else STANDARD
    begin = text.find("UNB") if has_advice else 0
    if not has_advice and text[3:4] == CONTROLS.element:
        found = CONTROLS
    if text[begin + 3 : begin + 4] != found.element:
        raise Unreadable(
            f"behind UNB stands {text[begin + 3 : begin + 4]!r}, and {found.element!r} parts"
            " elements here"
        )
    end = next_end(text, begin, found)
    if end < 0 or end > HEADER_MAX:
        if len(text) <= HEADER_MAX and not is_over:
            return None
        raise Unreadable(f"UNB is not ended by {found.segment!r}")
    body = protected(without_layout(text[begin:end], found), found)
    said = body.split(found.element)[1:]
    elements = tuple(
        tuple(plain(one, found) for one in each.split(found.component)) for each in said
    )
    repetition = text[ADVICE - 2] if has_advice else ""
    return Header(
        delimiters=_with_repetition(found, component(elements, 1, 2), repetition),
        elements=elements,
        advice=begin,
        length=end + 1,
        has_advice=has_advice,
    )


def _advised(said: str) -> Delimiters:
    """Take the six characters of an advice: a blank says that nothing can be released."""
    found = Delimiters(
        component=said[0],
        element=said[1],
        decimal=said[2],
        release=said[3].strip(" "),
        segment=said[5],
    )
    for name in ("component", "element", "segment", "release"):
        value: str = getattr(found, name)
        if value.isalnum() or value == " " or value > "\x7f":
            raise Unreadable(f"UNA has the {name} separator {value!r}, which data is made of")
    if len(set(found.all)) < len(found.all):
        raise Unreadable(f"UNA says one character for two purposes: {said!r}")
    return found


def _with_repetition(found: Delimiters, syntax: str, advised: str) -> Delimiters:
    """Add the repetition separator, which there is since syntax 4: of the advice, or `*`."""
    said = advised or "*"
    is_separator = not said.isalnum() and said not in BLANK + found.all
    if syntax < REPETITION_SINCE or not is_separator or said > "\x7f":
        return found
    return Delimiters(
        component=found.component,
        element=found.element,
        segment=found.segment,
        release=found.release,
        decimal=found.decimal,
        repetition=said,
    )


def without_layout(text: str, delimiters: Delimiters) -> str:
    """Take line ends out that part nothing: senders wrap their lines anywhere."""
    for layout in "\r\n":
        if layout in text and layout not in delimiters.all:
            text = text.replace(layout, "")
    return text


def protected(text: str, delimiters: Delimiters) -> str:
    """Put a mark in the place of each released character."""
    release = delimiters.release
    if not release or release not in text:
        return text
    for one, mark in zip(delimiters.all, _MARKS, strict=False):
        text = text.replace(release + one, mark)
    return text.replace(release, "")


def plain(text: str, delimiters: Delimiters) -> str:
    """Give a text as it is meant: released characters themselves, bytes of none as U+FFFD."""
    return text if text.isascii() else text.translate(_unmarked(delimiters))


@lru_cache(maxsize=100)
def _unmarked(delimiters: Delimiters) -> Mapping[int, str]:
    marked = zip(_MARKS, delimiters.all, strict=False) if delimiters.release else ()
    return {**_LOST, **{ord(mark): one for mark, one in marked}}


def released(text: str, delimiters: Delimiters) -> str:
    """Write data: a release character before each that would part something."""
    return "".join(delimiters.release + one if one in delimiters.all else one for one in text)


def is_released(text: str, at: int, delimiters: Delimiters) -> bool:
    """Say whether a character is released: by an odd number of release characters before it."""
    release, count = delimiters.release, 0
    if not release:
        return False
    while at > 0:
        at -= 1
        if text[at] == release:
            count += 1
        elif text[at] not in "\r\n" or text[at] in delimiters.all:
            break
    return count % 2 == 1


def next_end(text: str, start: int, delimiters: Delimiters) -> int:
    """Find where the segment ends that begins at `start`; -1 is nowhere."""
    at = text.find(delimiters.segment, start)
    while at >= 0 and is_released(text, at, delimiters):
        at = text.find(delimiters.segment, at + 1)
    return at


def last_end(text: str, start: int, delimiters: Delimiters) -> int:
    """Find where the last whole segment ends, from `start` on; -1 is nowhere."""
    at = text.rfind(delimiters.segment, start)
    while at >= 0 and is_released(text, at, delimiters):
        at = text.rfind(delimiters.segment, start, at)
    return at


@lru_cache(maxsize=100)
def outsiders(level: str, delimiters: Delimiters) -> re.Pattern[str]:
    """Give the expression of what is no character of a level, nor parts anything here."""
    parts = re.escape(delimiters.all) + "".join(f"\\u{ord(one):04x}" for one in _MARKS)
    letters = _LETTERS.get(level)
    if letters is not None:
        return re.compile(f"[^{letters}{parts}]")
    return re.compile(f"(?![{parts}])[\\x00-\\x1f\\x7f-\\x9f\\udc80-\\udcff]")
