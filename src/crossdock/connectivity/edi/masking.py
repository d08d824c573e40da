"""Documents made to be shown: names, addresses, numbers and prices put out of recognition. Pure.

What is masked keeps its length and its form: letters stay letters, digits digits, and a GTIN, GLN
or SSCC a right one. One key masks the same text the same way everywhere, so references between
documents hold. Codes, units, dates, quantities and counts stay as they are.
"""

import hmac
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, zip_longest

from crossdock.canonical.identifiers import (
    GLN_LENGTH,
    check_digit,
    is_gtin,
    is_sscc,
)
from crossdock.connectivity.edi.definitions import Definitions, ElementUse
from crossdock.connectivity.edi.documents import (
    Document,
    Part,
    Segment,
    Turn,
    Value,
    is_composite,
)

CODE_MAX = 3
"""A text of at most so many characters is a code."""
_KEPT = frozenset(
    {
        *("350", "628", "734", "329", "1156", "7166", "7164"),
        *("2380", "0020", "0048", "0062", "0065", "0052", "0054", "0051", "0057"),
    }
)
"""Texts by which lines, levels and answers are matched, versions and dates."""
_ENVELOPES: Mapping[str, Mapping[int, bool]] = {
    "ISA": {2: True, 4: True, 6: True, 8: True},
    "GS": {2: True, 3: True},
    "UNB": {2: True, 3: True, 6: True},
    "UNG": {2: True, 3: True},
}
"""Of headers the elements that say who: parties and passwords."""
_MARK, _MARKED = "00", 20
"""Before an SSCC may stand what says that it is one."""
_PRICES = frozenset({"212", "213", "610", "782", "5118", "5004"})


@dataclass(frozen=True, slots=True)
class Mask:
    """What masks texts by a key; without the key nobody gets from one to the other."""

    key: bytes

    def text(self, value: str) -> str:
        """Mask a text; a number with a check digit gets a right one."""
        if len(value) == _MARKED and value.startswith(_MARK) and is_sscc(value[len(_MARK) :]):
            return _MARK + self.text(value[len(_MARK) :])
        if is_gtin(value) or is_sscc(value) or _is_gln(value):
            body = self._each(value[:-1])
            return body + check_digit(body)
        return self._each(value)

    def number(self, value: str) -> str:
        """Mask the digits of a price: its sign, point and length stay."""
        return self._each(value)

    def _each(self, value: str) -> str:
        digest = hmac.digest(self.key, value.strip().upper().encode(), "sha256")
        return "".join(map(_masked, value, cycle(digest)))


def _is_gln(value: str) -> bool:
    is_digits = len(value) == GLN_LENGTH and value.isascii() and value.isdigit()
    return is_digits and check_digit(value[:-1]) == value[-1]


def _masked(one: str, by: int) -> str:
    for letters in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if one in letters:
            return letters[by % len(letters)]
    return "x" if one.isalpha() else one


def masked(document: Document, known: Definitions | None, mask: Mask) -> Document:
    """Mask a document; of a segment that no table defines, everything but its tag."""
    return replace(
        document,
        envelope=tuple(_header(one, mask) for one in document.envelope),
        parts=_parts(document.parts, known, mask),
    )


def _header(segment: Segment, mask: Mask) -> Segment:
    places = _ENVELOPES.get(str(segment[0]), {})
    return tuple(_all(value, mask) if at in places else value for at, value in enumerate(segment))


def _all(value: Value, mask: Mask) -> Value:
    """Mask the first component: those behind it are qualifiers."""
    if isinstance(value, str):
        return mask.text(value)
    return (mask.text(value[0]), *value[1:]) if is_composite(value) and value else value


def _parts(parts: Sequence[Part], known: Definitions | None, mask: Mask) -> list[Part]:
    return [
        Turn(one.loop, _parts(one.parts, known, mask))
        if isinstance(one, Turn)
        else _segment(one, known, mask)
        for one in parts
    ]


def _segment(segment: Segment, known: Definitions | None, mask: Mask) -> Segment:
    definition = known.segments.get(str(segment[0])) if known else None
    uses = definition.uses if definition else ()
    return (
        segment[0],
        *(
            _value(value, uses[at] if at < len(uses) else None, known, mask)
            for at, value in enumerate(segment[1:])
        ),
    )


def _value(value: Value, use: ElementUse | None, known: Definitions | None, mask: Mask) -> Value:
    numbers = _numbers(use, known)
    if isinstance(value, str):
        return _element(value, numbers[0] if numbers else "", known, mask)
    if is_composite(value):
        return _components(value, numbers, known, mask)
    return tuple(
        () if isinstance(one, str) else _components(one, numbers, known, mask) for one in value
    )


def _components(
    components: Sequence[str], numbers: Sequence[str], known: Definitions | None, mask: Mask
) -> tuple[str, ...]:
    numbered = zip_longest(components, numbers[: len(components)], fillvalue="")
    return tuple(_element(one, number, known, mask) for one, number in numbered)


def _numbers(use: ElementUse | None, known: Definitions | None) -> Sequence[str]:
    """Give the numbers of the elements that a value is made of."""
    if use is None or known is None:
        return ()
    composite = known.composites.get(use.number)
    return [one.number for one in composite.uses] if composite else [use.number]


def _element(value: str, number: str, known: Definitions | None, mask: Mask) -> str:
    element = known.elements.get(number) if known else None
    if element is None:
        return mask.text(value)
    if number in _PRICES:
        return mask.number(value)
    is_text = element.type in {"AN", "B"} and element.most > CODE_MAX and number not in _KEPT
    return mask.text(value) if is_text and not element.is_closed else value
