"""What sets are made of: tables of elements, segments and sets, and how they are read. Pure.

A table is TOML. Its strings are short forms, so that a set fits on a screen:

    [elements]                       number = "TYPE least/most what it is"
    353 = "ID 2/2 purpose = 00 01 04 05 06"     behind = all codes there are
    128 = "ID 2/3 kind of reference ~ PO VN IV" behind ~ some: others are told, and not refused

    [segments]                       tag = elements in their order, ! for those that must be there,
    REF = "128! 127 352 C040"        *5 for one that may be repeated, and behind | the conditions
    N1 = "98! 93 66 67 | R0203 P0304"
    LH1 = "*"                        known, and its elements are not looked into

    [composites]                     like segments, of components
    C001 = "355! 1018 649"

    [sets.850]
    name = "purchase order"
    group = "PO"
    counts = "PO1"                   the segments that CTT01 counts
    structure = '''
    BEG !                            must be there, once
    REF *, PER 3                     any number, and behind them at most three
    @N1 200                          a loop: it begins with its first segment
      N1 !, N3 2
      @SAC 25: SAC !, CUR            a loop of segments alone, on one line
    '''

Conditions: P0304 both or neither, R0203 at least one, E0203 at most one, C0302 with 03 there must
be 02, L030405 with 03 there must be one of the others.

A later table changes what an earlier says, entry by entry. With `stay = "846 997"` before all else
only these sets of earlier tables stay, and the others are not known any more.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MANY = 1_000_000_000
"""As often as one likes."""
_ELEMENT = re.compile(
    r"(?P<type>N\d|R|ID|AN|DT|TM|B) (?P<least>\d+)/(?P<most>\d+)(?: (?P<name>[^=~]*?))?"
    r"(?: (?P<kind>[=~]) (?P<codes>.*))?"
)
_USE = re.compile(r"(?P<name>C\d{3}|S\d{3}|\d+)(?P<must>!?)(?:\*(?P<times>\d+))?")
_RULE = re.compile(r"(?P<kind>[PRECL])(?P<places>(?:\d\d){2,})")
_ANY = "*"
_LINE = re.compile(
    r"(?P<indent> *)(?P<loop>@?)(?P<name>[A-Z0-9]+)(?P<must> !)?(?: (?P<most>\*|\d+))?"
)


class Malformed(ValueError):
    """A table that cannot be read: its text says which entry, and how it should be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A data element: `least` and `most` are of characters, without sign and decimal point.

    `codes` are those known; `is_closed` says that there are no others.
    """

    number: str
    type: str
    least: int
    most: int
    name: str
    codes: tuple[str, ...] = ()
    is_closed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementUse:
    """An element, or a composite, at its place in a segment."""

    number: str
    is_mandatory: bool = False
    times: int = 1


@dataclass(frozen=True, slots=True)
class Condition:
    """What one element's being there says of others, by the standard's letter and places."""

    kind: str
    places: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.kind + "".join(f"{one:02}" for one in self.places)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentDefinition:
    """A segment, or a composite; of one without `uses` the elements are not looked into."""

    tag: str
    uses: tuple[ElementUse, ...]
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A segment of a set at its place, or a loop of such parts."""

    name: str
    most: int
    is_mandatory: bool
    parts: tuple["Part", ...] = ()

    @property
    def is_loop(self) -> bool:
        return bool(self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDefinition:
    """A transaction set, or a message: its parts without header and trailer."""

    set_id: str
    name: str
    group: str
    parts: tuple[Part, ...]
    counts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """All that is known of one version."""

    elements: Mapping[str, Element] = field(default_factory=dict[str, Element])
    segments: Mapping[str, SegmentDefinition] = field(default_factory=dict[str, SegmentDefinition])
    composites: Mapping[str, SegmentDefinition] = field(
        default_factory=dict[str, SegmentDefinition]
    )
    sets: Mapping[str, SetDefinition] = field(default_factory=dict[str, SetDefinition])

    def with_table(self, text: str) -> "Definitions":
        """Add a table, whose entries stand in the place of those there. Raises `Malformed`."""
        try:
            table = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Malformed(f"this is no TOML: {error}") from None
        found = Definitions(
            elements={**self.elements, **_each(table, "elements", _element)},
            segments={**self.segments, **_each(table, "segments", _segment)},
            composites={**self.composites, **_each(table, "composites", _segment)},
            sets={**self._staying(table), **_each(table, "sets", _set)},
        )
        found.check()
        return found

    def _staying(self, table: Mapping[str, Any]) -> Mapping[str, SetDefinition]:
        """Give the sets that a later table lets stay: all, or those that it names."""
        names = str(table.get("stay", " ".join(self.sets))).split()
        if unknown := [one for one in names if one not in self.sets]:
            raise Malformed(f"{unknown[0]} is to stay, and no table defines it")
        return {one: self.sets[one] for one in names}

    def check(self) -> None:
        """Refuse what names something that is nowhere defined."""
        for one in (*self.segments.values(), *self.composites.values()):
            for use in one.uses:
                if use.number not in self.elements and use.number not in self.composites:
                    raise Malformed(f"{one.tag} names {use.number}, which no table defines")
            for condition in one.conditions:
                if max(condition.places) > len(one.uses):
                    raise Malformed(f"{one.tag} has no element for {condition.name}")
        used = ((found.set_id, tag) for found in self.sets.values() for tag in tags(found.parts))
        for set_id, tag in used:
            if tag not in self.segments:
                raise Malformed(f"{set_id} names {tag}, which no table defines")


def tags(parts: Iterable[Part]) -> Iterable[str]:
    """Name every segment of these parts, those of loops too."""
    for one in parts:
        if one.is_loop:
            yield from tags(one.parts)
        else:
            yield one.name


def _each(table: Mapping[str, Any], name: str, read: Any) -> dict[str, Any]:
    entries = table.get(name, {})
    if not isinstance(entries, dict):
        raise Malformed(f"[{name}] is a table of entries")
    return {key: read(key, value) for key, value in entries.items()}


def _element(number: str, said: object) -> Element:
    found = _ELEMENT.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        raise Malformed(f'element {number}: {said!r} is not like "AN 1/30 what it is"')
    return Element(
        number=number,
        type=found["type"],
        least=int(found["least"]),
        most=int(found["most"]),
        name=found["name"] or "",
        codes=tuple((found["codes"] or "").split()),
        is_closed=found["kind"] == "=",
    )


def _segment(tag: str, said: object) -> SegmentDefinition:
    if said == _ANY:
        return SegmentDefinition(tag=tag, uses=())
    uses, _, rules = said.partition("|") if isinstance(said, str) else ("", "", "")
    found = [_USE.fullmatch(one) for one in uses.split()]
    conditions = [_RULE.fullmatch(one) for one in rules.split()]
    if not found or None in found or None in conditions:
        raise Malformed(f'segment {tag}: {said!r} is not like "98! 93 66 67 | R0203 P0304"')
    return SegmentDefinition(
        tag=tag,
        uses=tuple(
            ElementUse(
                number=one["name"], is_mandatory=bool(one["must"]), times=int(one["times"] or 1)
            )
            for one in found
            if one
        ),
        conditions=tuple(
            Condition(one["kind"], tuple(map(int, re.findall(r"\d\d", one["places"]))))
            for one in conditions
            if one
        ),
    )


def _set(set_id: str, said: object) -> SetDefinition:
    if not isinstance(said, dict) or not isinstance(said.get("structure"), str):
        raise Malformed(f"set {set_id}: its structure is missing")
    parts, rest = _parts(set_id, list(_unfolded(said["structure"])), 0)
    if rest:
        raise Malformed(f"set {set_id}: {rest[0]!r} is indented as no line before it")
    return SetDefinition(
        set_id=set_id,
        name=str(said.get("name", set_id)),
        group=str(said.get("group", "")),
        counts=str(said.get("counts", "")),
        parts=tuple(parts),
    )


def _unfolded(structure: str) -> Iterator[str]:
    """Give each segment and each loop of a structure a line of its own."""
    for line in structure.splitlines():
        loop, _, inner = line.rpartition(": ")
        indent = " " * (len(line) - len(line.lstrip()))
        if loop:
            yield loop
            indent += "  "
        yield from (indent + one for one in inner.strip().split(", ") if one)


def _parts(set_id: str, lines: Sequence[str], indent: int) -> tuple[list[Part], Sequence[str]]:
    """Read the parts of one indentation, and hand back what is not theirs."""
    found: list[Part] = []
    while lines:
        line = _LINE.fullmatch(lines[0].rstrip())
        if line is None:
            raise Malformed(
                f'set {set_id}: {lines[0]!r} is not like "REF *", "BEG !" or "@N1 200"'
            )
        if len(line["indent"]) != indent:
            break
        lines = lines[1:]
        inner: list[Part] = []
        if line["loop"]:
            inner, lines = _parts(set_id, lines, indent + 2)
            if not inner or inner[0].is_loop:
                raise Malformed(f"set {set_id}: loop {line['name']} begins with no segment")
        most = MANY if line["most"] == "*" else int(line["most"] or 1)
        found.append(
            Part(
                name=line["name"],
                most=most,
                is_mandatory=bool(line["must"]),
                parts=tuple(inner),
            )
        )
    return found, lines
