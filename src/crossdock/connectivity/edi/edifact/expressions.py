"""What a right EDIFACT segment looks like, as one expression. Pure.

It is worked out for a segment and the delimiters of an interchange, and accepts nothing that the
slow look in `elements` would refuse.
"""

import re
from collections.abc import Sequence

from crossdock.connectivity.edi.definitions import (
    Definitions,
    Element,
    ElementUse,
    SegmentDefinition,
)
from crossdock.connectivity.edi.edifact.delimiters import Delimiters


def expression(
    definition: SegmentDefinition, known: Definitions, delimiters: Delimiters
) -> re.Pattern[str]:
    """Write the expression of a segment."""
    body = _tail(definition.uses, known, delimiters, delimiters.element)
    return re.compile(re.escape(definition.tag) + body, re.ASCII)


def _tail(
    uses: Sequence[ElementUse], known: Definitions, delimiters: Delimiters, separator: str
) -> str:
    """Write what may follow: an optional one and all behind it are a group that may be missing."""
    found, last = "", max((at for at, one in enumerate(uses) if one.is_mandatory), default=-1)
    for at in range(len(uses) - 1, -1, -1):
        use = uses[at]
        value = _value(use, known, delimiters)
        piece = re.escape(separator) + (value if use.is_mandatory else f"(?:{value})?")
        found = piece + found if at <= last else f"(?:{piece}{found})?"
    return found


def _value(use: ElementUse, known: Definitions, delimiters: Delimiters) -> str:
    if use.number in known.composites:
        uses = known.composites[use.number].uses
        first = _one(known.elements[uses[0].number], delimiters)
        first = first if uses[0].is_mandatory else f"(?:{first})?"
        value = first + _tail(uses[1:], known, delimiters, delimiters.component)
    else:
        value = _one(known.elements[use.number], delimiters)
    if use.times > 1:
        more = re.escape(delimiters.repetition) + f"(?:{value})"
        return f"(?:{value})(?:{more}){{0,{use.times - 1}}}"
    return f"(?:{value})"


def _one(element: Element, delimiters: Delimiters) -> str:
    """Write what one element may be; neither sign nor decimal mark count in a number."""
    least, most = max(element.least, 1), element.most
    if element.codes:
        codes = sorted(element.codes, key=len, reverse=True)
        return "(?:" + "|".join(map(re.escape, codes)) + ")"
    if element.type == "R":
        ahead = rf"(?=\d[\d.,]{{{least},{most}}}(?![\d.,]))"
        return rf"-?(?:\d{{{least},{most}}}(?![\d.,])|{ahead}\d+[.,]\d+)"
    out = re.escape(delimiters.all) + r"\x00-\x1f"
    return rf"[^{out} ][^{out}]{{{least - 1},{most - 1}}}"
