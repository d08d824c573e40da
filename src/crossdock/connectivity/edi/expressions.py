"""What a right segment looks like, as one expression. Pure.

It is worked out for a segment and the delimiters of an interchange, and accepts nothing that the
slow look would refuse: it has no more to say, and is much faster.
"""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from crossdock.connectivity.edi.definitions import (
    Definitions,
    Element,
    ElementUse,
    SegmentDefinition,
)


class Parts(Protocol):
    """The characters that part a segment."""

    @property
    def element(self) -> str: ...

    @property
    def component(self) -> str: ...

    @property
    def repetition(self) -> str: ...


def expression(
    definition: SegmentDefinition, known: Definitions, by: Parts, one: Callable[[Element], str]
) -> re.Pattern[str]:
    """Write the expression of a segment; `one` writes that of an element's value."""
    body = _tail(definition.uses, by.element, lambda use: _value(use, known, by, one))
    return re.compile(re.escape(definition.tag) + body, re.ASCII)


def _tail(uses: Sequence[ElementUse], separator: str, value: Callable[[ElementUse], str]) -> str:
    """Write what may follow: an optional one and all behind it are a group that may be missing."""
    found, last = "", max((at for at, one in enumerate(uses) if one.is_mandatory), default=-1)
    for at in range(len(uses) - 1, -1, -1):
        use = uses[at]
        piece = re.escape(separator) + value(use) + ("" if use.is_mandatory else "?")
        found = piece + found if at <= last else f"(?:{piece}{found})?"
    return found


def _value(use: ElementUse, known: Definitions, by: Parts, one: Callable[[Element], str]) -> str:
    """Write what one use may be, as a group."""
    if use.number in known.composites:
        uses = known.composites[use.number].uses
        first = f"(?:{one(known.elements[uses[0].number])})"
        first += "" if uses[0].is_mandatory else "?"
        inner = _tail(uses[1:], by.component, lambda use: f"(?:{one(known.elements[use.number])})")
        value = first + inner
    else:
        value = one(known.elements[use.number])
    if use.times > 1 and by.repetition:
        more = re.escape(by.repetition) + f"(?:{value})"
        return f"(?:(?:{value})(?:{more}){{0,{use.times - 1}}})"
    return f"(?:{value})"
