"""What may be wrong with the envelopes of EDIFACT, in words and in codes of CONTRL. Pure.

The codes are those of 0085.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from crossdock.connectivity.edi.edifact.delimiters import LEVELS, SYNTAXES, Header, component
from crossdock.connectivity.edi.findings import Finding, Level, Place, Severity
from crossdock.connectivity.edi.source import Gap
from crossdock.connectivity.edi.x12.controls import is_same

OPENED_BY = {"UNZ": "UNB", "UNE": "UNG", "UNT": "UNH"}
NAMES = {"UNB": "interchange", "UNG": "group", "UNH": "message"}
REFERENCES = {"UNB": 5, "UNG": 5, "UNH": 1}
"""Which element of a header is its reference."""
_LEVELS = {"UNB": Level.INTERCHANGE, "UNG": Level.GROUP, "UNH": Level.SET}
_NUMBERS = {"UNB": "0020", "UNG": "0048", "UNH": "0062"}
_COUNTED = {"UNZ": "0036", "UNE": "0060", "UNT": "0074"}
_COUNTS = {"UNZ": "groups or messages", "UNE": "messages", "UNT": "segments, with UNH and UNT"}
_SHOWN = 40
_COMPOSED = frozenset({1, 4})
_SHORT_DATE = 6


def _told(  # noqa: PLR0917  # what a finding is made of
    code: str, level: Level, place: Place, by: str, says: str, asks: str
) -> Finding:
    return Finding(
        code=code,
        severity=Severity.ERROR,
        level=level,
        place=place,
        says=says,
        asks=asks,
        acknowledged_by=by,
    )


def missing(tag: str, place: Place, *, came: str) -> Finding:
    """Tell of a trailer that is not there; `came` stands in its place, or "" is the file's end."""
    opened = OPENED_BY[tag]
    instead = f"{came} comes instead" if came else "the file ends"
    says = f"the {NAMES[opened]} has no trailer {tag}: {instead}"
    asks = "whether the file was sent whole; it may have been cut off on its way"
    where = replace(place, tag=tag)
    return _told(f"{tag}-MISSING", _LEVELS[opened], where, "13", says, asks)


def trailer(
    tag: str, said: tuple[str, str], counted: int, reference: str, place: Place
) -> Iterator[Finding]:
    """Compare the count and the reference of a trailer with what it closes."""
    opened, (count, number) = OPENED_BY[tag], said
    if not is_same(count, str(counted)):
        shown = count[:_SHOWN] or "nothing"
        says = f"{tag}01 says {shown}, and there are {counted} {_COUNTS[tag]}"
        asks = f"to send it again with {tag}01 counted anew; if something is missing, with that"
        found = _told(f"{tag}01-COUNT", _LEVELS[opened], at(place, 1), "29", says, asks)
        yield replace(found, value=count[:_SHOWN], data_element=_COUNTED[tag])
    if not is_same(number, reference):
        header = f"{opened}{REFERENCES[opened]:02}"
        says = f"{tag}02 says {number[:_SHOWN] or 'nothing'}, and {header} {reference[:_SHOWN]}"
        asks = f"to send it again with one reference in {header} and {tag}02"
        found = _told(f"{tag}02-REFERENCE", _LEVELS[opened], at(place, 2), "28", says, asks)
        yield replace(found, value=number[:_SHOWN], data_element=_NUMBERS[opened])


def repeated(tag: str, number: str, place: Place) -> Finding:
    """Tell of a reference that its envelope had before."""
    element = REFERENCES[tag]
    says = f"{NAMES[tag]} {number[:_SHOWN]} was there before"
    asks = "whether it is the same one sent twice; if not, to give it another reference"
    code = f"{tag}{element:02}-REPEATED"
    found = _told(code, _LEVELS[tag], at(place, element), "26", says, asks)
    return replace(found, value=number[:_SHOWN], data_element=_NUMBERS[tag])


def outside(count: int, place: Place) -> Finding:
    """Tell of segments that belong to no message, or to no interchange."""
    many = f" and {count - 1} more" if count > 1 else ""
    says = f"{place.tag or 'a segment'}{many} stand where no message, group or interchange is open"
    asks = "to send it again with each message between UNH and UNT, in UNB and UNZ"
    return _told("OUTSIDE", Level.INTERCHANGE, place, "33", says, asks)


def mixed(place: Place) -> Finding:
    says = "some messages of the interchange are in groups (UNG), and some are not"
    asks = "to send all messages in groups, or none"
    return _told("GROUPS-MIXED", Level.INTERCHANGE, place, "30", says, asks)


def empty(tag: str, place: Place) -> Finding:
    says = f"there is nothing in the {NAMES[tag]}"
    return _told(f"{tag}-EMPTY", _LEVELS[tag], place, "32", says, "whether something is missing")


def no_terminator(place: Place) -> Finding:
    return Finding(
        code="TERMINATOR-MISSING",
        severity=Severity.NOTE,
        level=Level.FILE,
        place=place,
        says="the last segment ends with the file, without a terminator",
    )


def no_interchange() -> Finding:
    says = "no interchange is in this file: an EDIFACT file begins with UNB, or with UNA and UNB"
    asks = "for the whole file; this one may have lost its beginning, or may be another format"
    return _told("UNB-MISSING", Level.FILE, Place(offset=0), "13", says, asks)


def junk(gap: Gap) -> Finding:
    return Finding(
        code="JUNK",
        severity=Severity.WARNING,
        level=Level.FILE,
        place=Place(offset=gap.offset),
        says=f"what begins here belongs to no interchange: {gap.junk[:_SHOWN]!r}",
        asks="what this is; it was not read",
        value=gap.junk[:_SHOWN],
    )


def broken(gap: Gap) -> Finding:
    says = f"it cannot be read on from here: {gap.because}"
    asks = "to send it again with a header of the standard's form"
    place = Place(offset=gap.offset, tag="UNB")
    found = _told("UNREADABLE", Level.INTERCHANGE, place, "18", says, asks)
    return replace(found, value=gap.raw[:_SHOWN])


def header_findings(head: Header, place: Place) -> Iterable[Finding]:
    """Check a header: character set, version of the syntax, who sends to whom, when, reference."""
    elements = head.elements
    day, time = component(elements, 4, 1), component(elements, 4, 2)
    for element, at_component, number, by, is_right, says in (
        (1, 1, "0001", "2", head.level in LEVELS, "is no character set that is known here"),
        (1, 2, "0002", "2", head.syntax in SYNTAXES, "is no version of the syntax from 1 to 4"),
        (2, 1, "0004", "13", bool(component(elements, 2, 1)), "has to name the sender"),
        (3, 1, "0010", "13", bool(component(elements, 3, 1)), "has to name the recipient"),
        (4, 1, "0017", "12", _is_date(day), "is no date YYMMDD, or in syntax 4 CCYYMMDD"),
        (4, 2, "0019", "12", _is_time(time, "%H%M"), "is no time HHMM"),
        (5, 1, "0020", "13", bool(component(elements, 5, 1)), "has to be a reference"),
    ):
        if not is_right:
            value = component(elements, element, at_component)[:_SHOWN]
            where = at(place, element, at_component if element in _COMPOSED else 0)
            code = f"UNB{element:02}-VALUE"
            asks = f"to send it again with {where.name} put right"
            says_all = f"{where.name} {value!r} {says}"
            found = _told(code, Level.INTERCHANGE, where, by, says_all, asks)
            yield replace(found, value=value, data_element=number)
    if _is_date(day) and (len(day) == _SHORT_DATE) == (head.syntax == "4"):
        yield Finding(
            code="UNB04-WIDTH",
            severity=Severity.NOTE,
            level=Level.INTERCHANGE,
            place=at(place, 4, 1),
            says=f"UNB04-1 {day} has {len(day)} digits; six before syntax 4, and eight since",
            value=day,
            data_element="0017",
        )


def at(place: Place, element: int, component: int = 0) -> Place:
    """Name an element of the segment of a place."""
    return replace(place, element=element, component=component)


def _is_date(text: str) -> bool:
    return _is_time(text, "%y%m%d" if len(text) == _SHORT_DATE else "%Y%m%d")


def _is_time(text: str, form: str) -> bool:
    width = {"%H%M": 4, "%y%m%d": 6, "%Y%m%d": 8}[form]
    if len(text) != width or not (text.isascii() and text.isdigit()):
        return False
    try:
        datetime.strptime(text, form)  # noqa: DTZ007  # of a form, not of a zone: none is said
    except ValueError:
        return False
    return True
