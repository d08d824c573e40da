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
    """Write the expression of a segment; `one` writes that of an element's value.

    Its groups are the elements that a condition names, in their order: "" is there, None is not.
    """
    named = {at - 1 for condition in definition.conditions for at in condition.places}
    values = [_value(use, known, by, one) for use in definition.uses]
    for at in named:
        is_composite = definition.uses[at].number in known.composites
        # Of a composite all may be missing, and then it is not there itself.
        begins = f"(?=[^{re.escape(by.element)}])" if is_composite else ""
        values[at] = f"(?:{begins}{values[at]}())"
    body = _tail(definition.uses, values, by.element)
    return re.compile(re.escape(definition.tag) + body, re.ASCII)


def _tail(uses: Sequence[ElementUse], values: Sequence[str], separator: str) -> str:
    """Write what may follow: an optional one and all behind it are a group that may be missing.

    What may be missing is written `(?:…|)`, which is faster than `(?:…)?`.
    """
    found, last = "", max((at for at, one in enumerate(uses) if one.is_mandatory), default=-1)
    for at in range(len(uses) - 1, -1, -1):
        value = values[at] if uses[at].is_mandatory else f"(?:{values[at]}|)"
        piece = re.escape(separator) + value
        found = piece + found if at <= last else f"(?:{piece}{found}|)"
    return found


def _value(use: ElementUse, known: Definitions, by: Parts, one: Callable[[Element], str]) -> str:
    """Write what one use may be, as a group."""
    if use.number in known.composites:
        uses = known.composites[use.number].uses
        values = [f"(?:{one(known.elements[inner.number])})" for inner in uses]
        first = values[0] if uses[0].is_mandatory else f"(?:{values[0]}|)"
        value = first + _tail(uses[1:], values[1:], by.component)
    else:
        value = f"(?:{one(known.elements[use.number])})"
    if use.times > 1 and by.repetition:
        more = re.escape(by.repetition) + value
        return f"(?:{value}(?:{more}){{0,{use.times - 1}}})"
    return f"(?:{value})"
