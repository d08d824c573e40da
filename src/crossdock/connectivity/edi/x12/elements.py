"""What an X12 segment may hold: an expression lets right ones pass, and others are looked at.

Pure. The expression is worked out for a segment and the delimiters of an interchange, and accepts
nothing that the slow look would refuse. What it does not accept is looked at element by element.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import partial

from crossdock.connectivity.edi.checks import Check, Fault, breach, breaches
from crossdock.connectivity.edi.definitions import (
    Definitions,
    Element,
    ElementUse,
    SegmentDefinition,
)
from crossdock.connectivity.edi.expressions import expression
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from crossdock.connectivity.edi.x12.watching import values

_DAYS = (
    r"(?:(?:0[1-9]|1[0-2])(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])(?:29|30)|(?:0[13578]|1[02])31)"
)
_TIME = r"(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d(?:\d{1,2})?)?"
_SHORT_DATE, _LONG_DATE = 6, 8
_TIMES = (4, 6, 7, 8)
_BREACHES = ("2", "10")


def check_of(definition: SegmentDefinition, known: Definitions, delimiters: Delimiters) -> Check:
    """Work out the check of a segment."""
    one = partial(_one, delimiters=delimiters)
    return Check(
        accepts=expression(definition, known, delimiters, one).fullmatch,
        faults=partial(faults, definition, known, delimiters),
        element=delimiters.element,
        rules=definition.conditions,
        values=values(definition.tag, delimiters.element),
    )


def _one(element: Element, delimiters: Delimiters) -> str:
    """Write what one element may be."""
    least, most = max(element.least, 1), element.most
    if element.codes:
        return "|".join(re.escape(one) for one in sorted(element.codes, key=len, reverse=True))
    kind = element.type.rstrip("0123456789")
    if kind in _WRITTEN:
        return _WRITTEN[kind](least, most, delimiters)
    out = re.escape(delimiters.all) + r"\x00-\x1f"
    return rf"[^{out} ][^{out}]{{{max(least - 1, 0)},{most - 1}}}"


def _real(least: int, most: int, delimiters: Delimiters) -> str:
    """Digits with a point or without: neither it nor the sign count."""
    point = re.escape(delimiters.element + delimiters.component + delimiters.repetition)
    ahead = rf"(?=[\d.]{{{least + 1},{most + 1}}}(?:[{point}]|\Z))"
    return rf"-?(?:\d{{{least},{most}}}(?![\d.])|{ahead}\d*\.\d+)"


def _whole(least: int, most: int, _delimiters: Delimiters) -> str:
    return rf"-?\d{{{least},{most}}}"


def _timed(_least: int, _most: int, _delimiters: Delimiters) -> str:
    return _TIME


def _dated(least: int, most: int, _delimiters: Delimiters) -> str:
    century = r"\d\d" if least == _LONG_DATE else r"(?:\d\d)?"
    return (century if most == _LONG_DATE else "") + rf"\d\d{_DAYS}"


_WRITTEN: Mapping[str, Callable[[int, int, Delimiters], str]] = {
    "R": _real,
    "N": _whole,
    "DT": _dated,
    "TM": _timed,
}


def faults(
    definition: SegmentDefinition, known: Definitions, delimiters: Delimiters, segment: str
) -> list[Fault]:
    """Look at a segment element by element and say all that is wrong with it."""
    parts = segment.split(delimiters.element)
    found: list[Fault] = []
    for number, use in enumerate(definition.uses, 1):
        value = parts[number] if number < len(parts) else ""
        found += _use_faults(use, value, number, known, delimiters)
    extra = [one for one in parts[len(definition.uses) + 1 :] if one]
    if extra:
        found.append(
            Fault(
                element=len(definition.uses) + 1,
                code="3",
                says=f"{definition.tag} has {len(definition.uses)} elements, and there are more",
                value=extra[0],
            )
        )
    rules = breaches(definition.conditions, parts)
    return [*found, *(breach(definition, one, parts, _BREACHES) for one in rules)]


def _use_faults(
    use: ElementUse, value: str, number: int, known: Definitions, delimiters: Delimiters
) -> Iterator[Fault]:
    if not value:
        if use.is_mandatory:
            yield Fault(
                element=number,
                code="1",
                says="it has to be there, and is empty",
                number=use.number,
            )
        return
    repeated = value.split(delimiters.repetition) if delimiters.repetition else [value]
    if len(repeated) > use.times:
        code, says = ("12", f"it is there {len(repeated)} times, and {use.times} are the most")
        yield Fault(element=number, code=code, says=says, value=value, number=use.number)
    for turn, one in enumerate(repeated, 1):
        repetition = turn if len(repeated) > 1 else 0
        for fault in _value_faults(use, one, known, delimiters):
            yield replace(fault, element=number, repetition=repetition)


def _value_faults(
    use: ElementUse, value: str, known: Definitions, delimiters: Delimiters
) -> Iterator[Fault]:
    composite = known.composites.get(use.number)
    if composite is None:
        if delimiters.component in value and known.elements[use.number].type != "B":
            says = f"it has no components, and {delimiters.component!r} parts them"
            yield Fault(code="13", says=says, value=value, number=use.number)
            return
        yield from element_faults(known.elements[use.number], value)
        return
    parts = value.split(delimiters.component)
    if len(parts) > len(composite.uses):
        says = f"it has {len(parts)} components, and {len(composite.uses)} are the most"
        yield Fault(code="13", says=says, value=value, number=use.number)
    for at, one in enumerate(composite.uses, 1):
        part = parts[at - 1] if at <= len(parts) else ""
        if not part and one.is_mandatory:
            says = "the component has to be there, and is empty"
            yield Fault(component=at, code="1", says=says, number=one.number)
        elif part:
            for fault in element_faults(known.elements[one.number], part):
                yield replace(fault, component=at)


def element_faults(element: Element, value: str) -> Iterator[Fault]:
    """Check one value: characters, length, code, date or time."""
    told = partial(Fault, value=value, number=element.number)
    characters = _character_fault(element.type, value)
    if characters:
        yield told(code=characters[0], says=characters[1])
        return
    length = len(value)
    if element.type == "R" or element.type.startswith("N"):
        length -= value.count("-") + value.count(".")
    if length > element.most:
        yield told(code="5", says=f"it has {length} characters, and {element.most} are the most")
    elif length < element.least:
        yield told(code="4", says=f"it has {length} characters, and {element.least} are the least")
    elif element.codes and value.strip() not in element.codes:
        says = f"{value!r} is no code of {element.name or 'this element'}"
        if not element.is_closed:
            says += " that is known here"
        yield told(code="7", says=says, is_warning=not element.is_closed)


def _character_fault(kind: str, value: str) -> tuple[str, str] | None:
    """Name the code and the sentence where a value is not of its type."""
    checked = _TYPES.get(kind.rstrip("0123456789"))
    if checked is not None:
        return None if checked[0](value) else checked[1:]
    if not value.strip():
        return "6", "it is blank: what is empty is left out"
    if any(one < " " for one in value):
        return "6", "it has a control character in it"
    return None


def _is_date(value: str) -> bool:
    if not (value.isascii() and value.isdigit()) or len(value) not in {_SHORT_DATE, _LONG_DATE}:
        return False
    if len(value) == _SHORT_DATE:
        return _is_date("20" + value)
    try:
        date(int(value[:4]), int(value[4:6]), int(value[6:]))
    except ValueError:
        return False
    return True


def _is_time(value: str) -> bool:
    return len(value) in _TIMES and re.fullmatch(_TIME, value, re.ASCII) is not None


_TYPES: Mapping[str, tuple[Callable[[str], object], str, str]] = {
    "R": (re.compile(r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)").fullmatch, "6", "it is no number"),
    "N": (re.compile("-?[0-9]+").fullmatch, "6", "it is no number without a decimal point"),
    "DT": (_is_date, "8", "it is no date, such as 20261128"),
    "TM": (_is_time, "9", "it is no time, such as 1430"),
    "B": (lambda _: True, "", ""),
}
