"""What an EDIFACT segment may hold: an expression lets right ones pass, and others are looked at.

Pure. Places are those of the segment as it is written: 1 is the first element behind the tag.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from crossdock.connectivity.edi.definitions import (
    Condition,
    Definitions,
    Element,
    ElementUse,
    SegmentDefinition,
)
from crossdock.connectivity.edi.edifact.delimiters import Delimiters, plain
from crossdock.connectivity.edi.edifact.expressions import expression
from crossdock.connectivity.edi.x12.elements import breaches

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something wrong with an element: its place in the segment, and which of `CODES` it is."""

    kind: str
    says: str
    element: int = 0
    component: int = 0
    repetition: int = 0
    value: str = ""
    number: str = ""
    is_warning: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """How a segment is checked: `accepts` is the fast look, `faults` the slow one.

    `kept` remembers which elements may be there together, as far as it was asked.
    """

    accepts: Callable[[str], object]
    faults: Callable[[str], list[Fault]]
    element: str
    rules: tuple[Condition, ...] = ()
    kept: dict[tuple[bool, ...], bool] = field(default_factory=dict[tuple[bool, ...], bool])

    def look(self, segment: str) -> Sequence[Fault]:
        """Say what is wrong with a segment: mostly nothing."""
        if not self.accepts(segment) or (self.rules and not self._keeps(segment)):
            return self.faults(segment)
        return ()

    def _keeps(self, segment: str) -> bool:
        there = tuple(map(bool, segment.split(self.element)))
        kept = self.kept.get(there)
        if kept is None:
            kept = self.kept[there] = not breaches(self.rules, there)
        return kept


def check_of(definition: SegmentDefinition, known: Definitions, delimiters: Delimiters) -> Check:
    """Work out the check of a segment."""
    laid = laid_out(definition, delimiters)
    return Check(
        accepts=expression(laid, known, delimiters).fullmatch,
        faults=partial(faults, laid, known, delimiters),
        element=delimiters.element,
        rules=laid.conditions,
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
        found.append(Fault(kind="EXTRA", says=says, element=len(uses) + 1, value=extra[0]))
    found += [_breach(definition, rule, parts) for rule in breaches(definition.conditions, parts)]
    return [replace(one, value=plain(one.value, delimiters)) for one in found]


def _breach(definition: SegmentDefinition, rule: Condition, parts: Sequence[str]) -> Fault:
    names = [f"{definition.tag}{at:02}" for at in rule.places]
    listed, first, others = ", ".join(names), names[0], ", ".join(names[1:])
    says = {
        "P": f"{listed} go together: all of them, or none",
        "R": f"one of {listed} has to be there",
        "E": f"only one of {listed} may be there",
        "C": f"where {first} is, {others} have to be, too",
        "L": f"where {first} is, one of {others} has to be, too",
    }[rule.kind]
    is_excluded = rule.kind == "E"
    missing = [at for at in rule.places if at >= len(parts) or not parts[at]]
    at = rule.places[-1] if is_excluded else missing[-1 if rule.kind == "P" else 0]
    kind = "EXCLUDED" if is_excluded else "CONDITION"
    number = definition.uses[at - 1].number
    return Fault(kind=kind, says=f"{says} ({rule.name})", element=at, number=number)


def _use_faults(
    use: ElementUse, value: str, known: Definitions, delimiters: Delimiters
) -> Iterator[Fault]:
    if not value:
        if use.is_mandatory:
            says = "it has to be there, and is empty"
            yield Fault(kind="MISSING", says=says, number=use.number)
        return
    repeated = value.split(delimiters.repetition) if delimiters.repetition else [value]
    if len(repeated) > use.times:
        says = f"it is there {len(repeated)} times, and {use.times} are the most"
        yield Fault(kind="REPEATED", says=says, value=value, number=use.number)
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
        yield Fault(kind="EXTRA", says=says, value=value, number=use.number)
    else:
        yield from element_faults(known.elements[use.number], value, delimiters)


def _composite_faults(
    composite: SegmentDefinition, value: str, known: Definitions, delimiters: Delimiters
) -> Iterator[Fault]:
    parts, uses = value.split(delimiters.component), composite.uses
    if any(parts[len(uses) :]):
        says = f"it has {len(parts)} components, and {len(uses)} are the most"
        yield Fault(kind="EXTRA", says=says, value=value, number=composite.tag)
    for at, one in enumerate(uses, 1):
        part = parts[at - 1] if at <= len(parts) else ""
        if part:
            for fault in element_faults(known.elements[one.number], part, delimiters):
                yield replace(fault, component=at)
        elif one.is_mandatory:
            says = "the component has to be there, and is empty"
            yield Fault(kind="MISSING", says=says, component=at, number=one.number)


def element_faults(element: Element, value: str, delimiters: Delimiters) -> Iterator[Fault]:
    """Check one value: characters, length, code."""
    told = partial(Fault, value=value, number=element.number)
    wrong = _number_fault(value) if element.type == "R" else _text_fault(value)
    if wrong:
        yield told(kind=wrong[0], says=wrong[1])
        return
    length = len(value)
    if element.type == "R":
        length -= sum(map(value.count, "-.,"))
    if length > element.most:
        says = f"it has {length} characters, and {element.most} are the most"
        yield told(kind="LONG", says=says)
    elif length < element.least:
        says = f"it has {length} characters, and {element.least} are the least"
        yield told(kind="SHORT", says=says)
    elif element.codes and value not in element.codes:
        says = f"{plain(value, delimiters)!r} is no code of {element.name or 'this element'}"
        if not element.is_closed:
            says += " that is known here"
        yield told(kind="CODE", says=says, is_warning=not element.is_closed)


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
