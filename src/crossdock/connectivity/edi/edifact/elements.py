"""What an EDIFACT segment may hold: an expression lets right ones pass, and others are looked at.

Pure. Places are those of the segment as it is written: 1 is the first element behind the tag.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from crossdock.connectivity.edi.checks import Check, Fault, breach, breaches
from crossdock.connectivity.edi.definitions import (
    Definitions,
    Element,
    ElementUse,
    SegmentDefinition,
)
from crossdock.connectivity.edi.edifact.delimiters import Delimiters, plain
from crossdock.connectivity.edi.edifact.watching import values
from crossdock.connectivity.edi.expressions import expression

CODES = {
    "MISSING": "13",
    "CODE": "12",
    "VALUE": "12",
    "EXTRA": "16",
    "REPEATED": "35",
    "CONDITION": "13",
    "EXCLUDED": "15",
    "CHARACTER": "21",
    "NUMBER": "37",
    "DECIMAL": "19",
    "DIGIT": "38",
    "LONG": "39",
    "SHORT": "40",
}
"""What may be wrong with an element, and the code of CONTRL for it (0085)."""
_BREACHES = ("CONDITION", "EXCLUDED")


def check_of(definition: SegmentDefinition, known: Definitions, delimiters: Delimiters) -> Check:
    """Work out the check of a segment."""
    laid, one = laid_out(definition, delimiters), partial(_one, delimiters=delimiters)
    return Check(
        accepts=expression(laid, known, delimiters, one).fullmatch,
        faults=partial(faults, laid, known, delimiters),
        element=delimiters.element,
        rules=laid.conditions,
        values=values(definition.tag, delimiters),
    )


def laid_out(definition: SegmentDefinition, delimiters: Delimiters) -> SegmentDefinition:
    """Give repeated elements places of their own where no separator repeats them: before 4."""
    if delimiters.repetition or all(one.times == 1 for one in definition.uses):
        return definition
    uses: list[ElementUse] = []
    for one in definition.uses:
        uses.append(replace(one, times=1))
        uses += [replace(one, times=1, is_mandatory=False)] * (one.times - 1)
    return replace(definition, uses=tuple(uses))


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


def faults(
    definition: SegmentDefinition, known: Definitions, delimiters: Delimiters, segment: str
) -> list[Fault]:
    """Look at a segment element by element and say all that is wrong with it."""
    parts, uses = segment.split(delimiters.element), definition.uses
    found: list[Fault] = []
    for number, use in enumerate(uses, 1):
        value = parts[number] if number < len(parts) else ""
        told = _use_faults(use, value, known, delimiters)
        found += [replace(one, element=number) for one in told]
    extra = [one for one in parts[len(uses) + 1 :] if one]
    if extra:
        says = f"{definition.tag} has {len(uses)} elements, and there are more"
        found.append(Fault(code="EXTRA", says=says, element=len(uses) + 1, value=extra[0]))
    rules = breaches(definition.conditions, parts)
    found += [breach(definition, one, parts, _BREACHES) for one in rules]
    return [replace(one, value=plain(one.value, delimiters)) for one in found]


def _use_faults(
    use: ElementUse, value: str, known: Definitions, delimiters: Delimiters
) -> Iterator[Fault]:
    if not value:
        if use.is_mandatory:
            says = "it has to be there, and is empty"
            yield Fault(code="MISSING", says=says, number=use.number)
        return
    repeated = value.split(delimiters.repetition) if delimiters.repetition else [value]
    if len(repeated) > use.times:
        says = f"it is there {len(repeated)} times, and {use.times} are the most"
        yield Fault(code="REPEATED", says=says, value=value, number=use.number)
    for turn, one in enumerate(repeated, 1):
        repetition = turn if len(repeated) > 1 else 0
        for fault in _value_faults(use, one, known, delimiters):
            yield replace(fault, repetition=repetition)


def _value_faults(
    use: ElementUse, value: str, known: Definitions, delimiters: Delimiters
) -> Iterator[Fault]:
    composite = known.composites.get(use.number)
    if composite is not None:
        yield from _composite_faults(composite, value, known, delimiters)
    elif delimiters.component in value:
        says = f"it has no components, and {delimiters.component!r} parts them"
        yield Fault(code="EXTRA", says=says, value=value, number=use.number)
    else:
        yield from element_faults(known.elements[use.number], value, delimiters)


def _composite_faults(
    composite: SegmentDefinition, value: str, known: Definitions, delimiters: Delimiters
) -> Iterator[Fault]:
    parts, uses = value.split(delimiters.component), composite.uses
    if any(parts[len(uses) :]):
        says = f"it has {len(parts)} components, and {len(uses)} are the most"
        yield Fault(code="EXTRA", says=says, value=value, number=composite.tag)
    for at, one in enumerate(uses, 1):
        part = parts[at - 1] if at <= len(parts) else ""
        if part:
            for fault in element_faults(known.elements[one.number], part, delimiters):
                yield replace(fault, component=at)
        elif one.is_mandatory:
            says = "the component has to be there, and is empty"
            yield Fault(code="MISSING", says=says, component=at, number=one.number)


def element_faults(element: Element, value: str, delimiters: Delimiters) -> Iterator[Fault]:
    """Check one value: characters, length, code."""
    told = partial(Fault, value=value, number=element.number)
    wrong = _number_fault(value) if element.type == "R" else _text_fault(value)
    if wrong:
        yield told(code=wrong[0], says=wrong[1])
        return
    length = len(value)
    if element.type == "R":
        length -= sum(map(value.count, "-.,"))
    if length > element.most:
        says = f"it has {length} characters, and {element.most} are the most"
        yield told(code="LONG", says=says)
    elif length < element.least:
        says = f"it has {length} characters, and {element.least} are the least"
        yield told(code="SHORT", says=says)
    elif element.codes and value not in element.codes:
        says = f"{plain(value, delimiters)!r} is no code of {element.name or 'this element'}"
        if not element.is_closed:
            says += " that is known here"
        yield told(code="CODE", says=says, is_warning=not element.is_closed)


def _text_fault(value: str) -> tuple[str, str] | None:
    if any(one < " " for one in value):
        return "CHARACTER", "it has a control character in it"
    return None if value.strip(" ") else ("VALUE", "it is blank: what is empty is left out")


def _number_fault(value: str) -> tuple[str, str] | None:
    digits = value.removeprefix("-").replace(",", ".")
    whole, point, fraction = digits.partition(".")
    if not (digits.isascii() and digits.replace(".", "").isdigit()):
        return "NUMBER", "it is no number"
    if "." in fraction or (point and not fraction):
        return "DECIMAL", "a number has one decimal mark, between digits"
    return None if whole else ("DIGIT", "a digit has to stand before the decimal mark")
