"""Interchanges, groups and messages open and close, whatever is missing of them."""

import pytest

from crossdock.connectivity.edi.edifact.delimiters import STANDARD
from crossdock.connectivity.edi.edifact.envelope import (
    Aside,
    Closed,
    Group,
    Interchange,
    Message,
    Segments,
    events,
)
from crossdock.connectivity.edi.edifact.reading import Page
from tests.unit.connectivity.edi.edifact.interchanges import (
    ORDER,
    found,
    interchange,
    message,
    read,
)

GROUP = "UNG+ORDERS+A:1+B:1+261128:0510+G1+UN+D:96A'"


def grouped(count: int = 1) -> str:
    text = interchange().replace("UNH+", GROUP + "UNH+")
    return text.replace("UNZ+1", f"UNE+{count}+G1'UNZ+1")


def test_what_opens_and_closes_is_told_in_its_order() -> None:
    told = [type(one.of if isinstance(one, Closed) else one) for one in read(grouped())]
    assert told == [Interchange, Group, Message, Segments, Message, Group, Interchange]
    assert found(grouped()) == []


def test_an_interchange_says_who_sends_it_to_whom_and_what_is_wanted() -> None:
    text = interchange().replace("+I1'", "+I1++APP++1++1'", 1)
    [opened] = [one for one in read(text) if isinstance(one, Interchange)]
    assert opened.sender == ("BUYER", "14")
    assert opened.recipient == ("SELLER", "14")
    assert (opened.reference, opened.is_test, opened.wants_acknowledgment) == ("I1", True, True)
    assert found(text) == []


def test_a_header_of_two_elements_has_no_parties() -> None:
    [opened] = [one for one in read("UNB+UNOC:3'UNZ+0'") if isinstance(one, Interchange)]
    assert (opened.sender, opened.recipient, opened.reference) == ((), (), "")


def test_a_message_says_what_it_is_and_where_it_stands() -> None:
    [opened] = [one for one in read(grouped()) if isinstance(one, Message)]
    assert (opened.type, opened.version, opened.reference) == ("ORDERS", "D:96A", "M1")
    assert opened.group is not None
    assert opened.group.reference == "G1"
    [inner] = [one for one in read(grouped()) if isinstance(one, Segments)]
    assert (inner.position, len(inner.segments)) == (2, len(ORDER))


CASES = {
    "count of a group": (grouped(2), ["UNE01-COUNT"], "29"),
    "reference of a group": (grouped().replace("UNE+1+G1", "UNE+1+G2"), ["UNE02-REFERENCE"], "28"),
    "no trailer of a group": (grouped().replace("UNE+1+G1'", ""), ["UNE-MISSING"], "13"),
    "group again": (
        grouped().replace("UNE+1+G1'UNZ+1", "UNE+1+G1'" + GROUP + "UNE+0+G1'UNZ+2"),
        ["UNG05-REPEATED"], "26",
    ),
    "group in a group": (
        grouped().replace(GROUP, GROUP + GROUP.replace("G1", "G2")).replace("+1+G1", "+1+G2"),
        ["UNE-MISSING", "UNZ01-COUNT"], "13",
    ),
    "nothing in a group": (
        interchange().replace("UNH+", GROUP + "UNE+0+G1'UNH+"), ["UNG-EMPTY", "GROUPS-MIXED"], "32"
    ),
    "group behind a message": (
        interchange().replace("UNZ+1", GROUP + "UNE+0+G1'UNZ+2"),
        ["UNG-EMPTY", "GROUPS-MIXED"], "32",
    ),
    "group without a reference": (
        grouped().replace("+G1", "+"), ["ELEMENT-MISSING"], "13"
    ),
    "message behind a group": (
        grouped().replace("UNZ+1", "UNH+M2+CONTRL:D:3:UN'UCI+1+A+B+7'UNT+3+M2'UNZ+1"),
        ["GROUPS-MIXED"], "30",
    ),
    "message in a message": (
        interchange().replace("UNS+S", "UNH+M2+ORDERS:D:96A:UN'UNS+S"),
        ["UNT-MISSING", "SEGMENT-MISSING", "UNT01-COUNT", "UNT02-REFERENCE"], "13",
    ),
    "trailer of no message": (
        interchange().replace("UNZ+", "UNT+2+M1'UNZ+"), ["OUTSIDE"], "33"
    ),
    "trailer of no group": (interchange().replace("UNZ+", "UNE+1+G1'UNZ+"), ["OUTSIDE"], "33"),
    "segments of no message": (
        interchange().replace("UNZ+", "BGM+220'DTM+137'UNZ+"), ["OUTSIDE"], "33"
    ),
    "cut off": (interchange()[:260], ["TERMINATOR-MISSING", "UNT-MISSING"], ""),
    "text before it": ("mail " + interchange(), ["JUNK"], ""),
    "text behind it": (interchange() + "UNT+2+M1'", ["JUNK"], ""),
    "no interchange": ("UNH+1+ORDERS:D:96A:UN'", ["JUNK", "UNB-MISSING"], ""),
    "nothing": ("", ["UNB-MISSING"], "13"),
    "broken header": ("UNB*UNOC'" + interchange(), ["UNREADABLE"], "18"),
}  # fmt: skip


@pytest.mark.parametrize("kind", CASES)
def test_an_envelope_that_is_wrong_is_told_of(kind: str) -> None:
    text, codes, acknowledged_by = CASES[kind]
    told = found(text, notes=True)
    assert [one.code for one in told][: len(codes)] == codes
    assert told[0].acknowledged_by == acknowledged_by


def test_a_tag_that_only_begins_like_one_of_an_envelope_is_a_segment() -> None:
    text = interchange().replace("UNS+S", "UNTO+1'UNS+S").replace("UNT+18", "UNT+19")
    assert [one.code for one in found(text)] == ["SEGMENT-UNKNOWN"]


def test_a_header_behind_very_much_layout_is_a_segment_that_is_not_known() -> None:
    text = interchange().replace("UNS+S", "\n" * 300 + "UNB+UNOC:3'UNS+S").replace("T+18", "T+19")
    assert [one.code for one in found(text)] == ["SEGMENT-FOREIGN"]


def test_a_page_that_no_interchange_was_begun_for_is_outside_of_any() -> None:
    page = Page(delimiters=STANDARD, segments=["UNH+1", "BGM"], raw="UNH+1'BGM'", offset=0)
    *_, aside = events([page])
    assert isinstance(aside, Aside)
    assert [one.code for one in aside.findings] == ["OUTSIDE", "OUTSIDE"]


def test_what_breaks_within_an_interchange_is_told_of_it() -> None:
    text = interchange()[:200] + "x" * (1 << 21)
    assert "UNREADABLE" in [one.code for one in found(text)]


def test_an_interchange_of_another_application_or_recipient_may_have_the_same_reference() -> None:
    text = interchange() + interchange().replace("SELLER", "OTHER")
    assert found(text) == []
    assert found(interchange() + interchange().replace("+I1'", "+I1++APP'", 1)) == []


def test_references_count_up_in_little_memory_and_each_is_there_once() -> None:
    many = [message(ORDER, reference=str(number)) for number in range(1, 300)]
    assert found(interchange(*many)) == []
