"""What may be wrong with the envelopes of X12, in words and in codes of acknowledgment. Pure.

The codes are those of TA105 for an interchange, AK905 for a group and AK502 for a set.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from crossdock.connectivity.edi.findings import Finding, Level, Place, Severity
from crossdock.connectivity.edi.source import Gap
from crossdock.connectivity.edi.x12.delimiters import WIDTHS

OPENED_BY = {"IEA": "ISA", "GE": "GS", "SE": "ST"}
NAMES = {"ISA": "interchange", "GS": "group", "ST": "set"}
_LEVELS = {"ISA": Level.INTERCHANGE, "GS": Level.GROUP, "ST": Level.SET}
_COUNTS = {"IEA": "groups", "GE": "sets", "SE": "segments, with ST and SE"}
_CODES = {
    "MISSING": {"IEA": "023", "GE": "3", "SE": "2"},
    "COUNT": {"IEA": "021", "GE": "5", "SE": "4"},
    "CONTROL": {"IEA": "001", "GE": "4", "SE": "3"},
    "REPEATED": {"ISA": "025", "GS": "19", "ST": "23"},
}
_SHOWN = 40
_CONTROL = 9


def missing(tag: str, place: Place, *, came: str) -> Finding:
    """Tell of a trailer that is not there; `came` stands in its place, or "" is the file's end."""
    opened = OPENED_BY[tag]
    instead = f"{came} comes instead" if came else "the file ends"
    return Finding(
        code=f"{tag}-MISSING",
        severity=Severity.ERROR,
        level=_LEVELS[opened],
        place=place,
        says=f"the {NAMES[opened]} has no trailer: {instead}",
        asks="whether the file was sent whole; it may have been cut off on its way",
        acknowledged_by=_CODES["MISSING"][tag],
    )


def is_same(one: str, other: str) -> bool:
    """Compare numbers of envelopes: as numbers, however they are padded."""
    if one == other:
        return True
    one, other = one.strip(), other.strip()
    return one == other or (_is_number(one) and _is_number(other) and int(one) == int(other))


def count(tag: str, said: str, counted: int, place: Place) -> Finding:
    """Tell of a trailer that counts otherwise than there was."""
    return Finding(
        code=f"{tag}01-COUNT",
        severity=Severity.ERROR,
        level=_LEVELS[OPENED_BY[tag]],
        place=_at(place, 1),
        says=f"{tag}01 says {said[:_SHOWN] or 'nothing'}, and there are {counted} {_COUNTS[tag]}",
        asks=f"to send it again with {tag}01 counted anew; if something is missing, with that",
        acknowledged_by=_CODES["COUNT"][tag],
        value=said[:_SHOWN],
    )


def control(tag: str, said: str, opened: str, place: Place) -> Finding:
    """Tell of a trailer that has another number than its header."""
    header = {"IEA": "ISA13", "GE": "GS06", "SE": "ST02"}[tag]
    return Finding(
        code=f"{tag}02-CONTROL",
        severity=Severity.ERROR,
        level=_LEVELS[OPENED_BY[tag]],
        place=_at(place, 2),
        says=f"{tag}02 says {said[:_SHOWN] or 'nothing'}, and {header} {opened[:_SHOWN]}",
        asks=f"to send it again with one number in {header} and {tag}02",
        acknowledged_by=_CODES["CONTROL"][tag],
        value=said[:_SHOWN],
    )


def repeated(tag: str, element: int, number: str, place: Place) -> Finding:
    """Tell of a number that its envelope had before."""
    return Finding(
        code=f"{tag}{element:02}-REPEATED",
        severity=Severity.ERROR,
        level=_LEVELS[tag],
        place=_at(place, element),
        says=f"a {NAMES[tag]} before had the number {number[:_SHOWN]} already",
        asks="whether it is the same one sent twice; if not, to number it anew",
        acknowledged_by=_CODES["REPEATED"][tag],
        value=number[:_SHOWN],
    )


def outside(segments: Sequence[str], place: Place) -> Finding:
    """Tell of segments that belong to no set, or to no interchange."""
    many = f" and {len(segments) - 1} more" if len(segments) > 1 else ""
    return Finding(
        code="OUTSIDE",
        severity=Severity.ERROR,
        level=Level.INTERCHANGE,
        place=place,
        says=f"{place.tag or 'a segment'}{many} stand where no set, group or interchange is open",
        asks="to send it again with each set between ST and SE, in GS and GE, in ISA and IEA",
        acknowledged_by="024",
        value=segments[0][:_SHOWN],
    )


def without_group(place: Place) -> Finding:
    return Finding(
        code="GS-MISSING",
        severity=Severity.ERROR,
        level=Level.INTERCHANGE,
        place=place,
        says="a set is in no group: GS is missing before ST",
        asks="to send it again with the set in a group",
        acknowledged_by="024",
    )


def no_terminator(place: Place) -> Finding:
    return Finding(
        code="TERMINATOR-MISSING",
        severity=Severity.NOTE,
        level=Level.FILE,
        place=place,
        says="the last segment ends with the file, without a terminator",
    )


def no_interchange() -> Finding:
    return Finding(
        code="ISA-MISSING",
        severity=Severity.ERROR,
        level=Level.FILE,
        place=Place(offset=0),
        says="no interchange is in this file: an X12 file begins with ISA",
        asks="for an X12 file; this one may be another format, or may have lost its beginning",
        acknowledged_by="022",
    )


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
    return Finding(
        code="UNREADABLE",
        severity=Severity.ERROR,
        level=Level.INTERCHANGE,
        place=Place(offset=gap.offset, tag="ISA"),
        says=f"it cannot be read on from here: {gap.because}",
        asks="to send it again with a header of the standard's form",
        acknowledged_by="022",
        value=gap.raw[:_SHOWN],
    )


def header_findings(elements: Sequence[str], place: Place) -> Iterable[Finding]:
    """Check the sixteen elements of a header: widths, numbers, date, time and codes."""
    for number, (value, width) in enumerate(zip(elements, WIDTHS, strict=True), 1):
        if len(value) != width:
            yield Finding(
                code="ISA-WIDTH",
                severity=Severity.NOTE,
                level=Level.INTERCHANGE,
                place=_at(place, number),
                says=f"ISA{number:02} has {len(value)} characters, and {width} are its width",
                value=value[:_SHOWN],
            )
    for number, code, is_right, says in (
        (9, "014", _is_time(elements[8], "%y%m%d"), "is no date YYMMDD"),
        (10, "015", _is_time(elements[9], "%H%M"), "is no time HHMM"),
        (12, "017", _is_number(elements[11].strip()), "is no version, such as 00401"),
        (13, "018", _is_control(elements[12]), "is no number of nine digits"),
        (14, "019", elements[13] in {"0", "1"}, "asks for an acknowledgment with 0 or 1"),
        (15, "020", elements[14] in {"P", "T", "I"}, "is none of P, T and I"),
    ):
        if not is_right:
            yield Finding(
                code=f"ISA{number:02}-VALUE",
                severity=Severity.ERROR,
                level=Level.INTERCHANGE,
                place=_at(place, number),
                says=f"ISA{number:02} {elements[number - 1][:_SHOWN]!r} {says}",
                asks=f"to send it again with ISA{number:02} put right",
                acknowledged_by=code,
                value=elements[number - 1][:_SHOWN],
            )


def _at(place: Place, element: int) -> Place:
    return Place(offset=place.offset, tag=place.tag, segment=place.segment, element=element)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _SHOWN


def _is_control(text: str) -> bool:
    return _is_number(text.strip()) and len(text.strip()) <= _CONTROL


def _is_time(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007  # of a form, not of a zone: none is said
    except ValueError:
        return False
    return True
