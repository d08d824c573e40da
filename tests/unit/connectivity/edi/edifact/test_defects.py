"""Faults that are put into a right interchange are found, with their code and place."""

import pytest

from crossdock.connectivity.edi.edifact.delimiters import Delimiters
from crossdock.connectivity.edi.findings import Level, Severity
from tests.unit.connectivity.edi.edifact.interchanges import (
    NOTICE,
    ORDER,
    found,
    interchange,
    message,
)

RIGHT = interchange()
NOTICED = interchange(message(NOTICE, "DESADV"))
FOURTH = interchange(delimiters=Delimiters(repetition="*"), syntax=("UNOC", "4"))
UNIT = "000614140000000017"
TWO = interchange(message(ORDER), message(ORDER, reference="M2"))


def changed(old: str, new: str, text: str = RIGHT) -> str:
    assert text.count(old) == 1, "what is put wrong is there once"
    return text.replace(old, new)


DEFECTS = {
    "count of segments": (changed("UNT+18", "UNT+19"), "UNT01-COUNT", "29", "UNT01", 18),
    "reference of a message": (
        changed("UNT+18+M1", "UNT+18+M9"), "UNT02-REFERENCE", "28", "UNT02", 18
    ),
    "count of messages": (changed("UNZ+1", "UNZ+2"), "UNZ01-COUNT", "29", "UNZ01", 0),
    "reference of an interchange": (
        changed("UNZ+1+I1", "UNZ+1+I9"), "UNZ02-REFERENCE", "28", "UNZ02", 0
    ),
    "no trailer of a message": (changed("UNT+18+M1'", ""), "UNT-MISSING", "13", "UNT", 18),
    "no trailer of an interchange": (changed("UNZ+1+I1'", ""), "UNZ-MISSING", "13", "UNZ", 0),
    "reference of a message again": (
        TWO.replace("+M2", "+M1"), "UNH01-REPEATED", "26", "UNH01", 1
    ),
    "an interchange again": (RIGHT + RIGHT, "UNB05-REPEATED", "26", "UNB05", 0),
    "mandatory segment": (
        changed("BGM+220+4711+9'", "").replace("UNT+18", "UNT+17"),
        "SEGMENT-MISSING", "13", "BGM", 2,
    ),
    "mandatory element": (changed("NAD+BY", "NAD+"), "ELEMENT-MISSING", "13", "NAD01", 4),
    "code": (changed("PRI+AAA", "PRI+QQQ"), "ELEMENT-CODE", "12", "PRI01-1", 13),
    "date": (changed("137:20261128:", "137:20261328:"), "ELEMENT-VALUE", "12", "DTM01-2", 3),
    "amount": (changed("21:12:", "21:1x2:"), "ELEMENT-NUMBER", "37", "QTY01-2", 12),
    "decimal mark": (changed("21:3.5", "21:3.5.1"), "ELEMENT-DECIMAL", "19", "QTY01-2", 15),
    "digit before it": (changed("21:3.5", "21:.5"), "ELEMENT-DIGIT", "38", "QTY01-2", 15),
    "length": (changed("+4711+", f"+{'4' * 36}+"), "ELEMENT-LONG", "39", "BGM02", 2),
    "too many components": (
        changed("137:20261128:102", "137:20261128:102:x"), "ELEMENT-EXTRA", "16", "DTM01", 3
    ),
    "too many elements": (changed("UNS+S'", "UNS+S+x'"), "ELEMENT-EXTRA", "16", "UNS02", 16),
    "unknown segment": (
        changed("UNS+S", "XYZ+1'UNS+S").replace("UNT+18", "UNT+19"),
        "SEGMENT-UNKNOWN", "18", "XYZ", 16,
    ),
    "segment of another message": (
        changed("UNS+S", "CPS+1'UNS+S").replace("UNT+18", "UNT+19"),
        "SEGMENT-FOREIGN", "15", "CPS", 16,
    ),
    "segment out of its place": (
        changed("CUX+2:EUR:9'", "CUX+2:EUR:9'FTX+AAI'").replace("UNT+18", "UNT+19"),
        "SEGMENT-MISPLACED", "15", "FTX", 9,
    ),
    "segment too often": (
        changed("BGM+220+4711+9'", "BGM+220+4711+9'BGM+220+4711+9'").replace("T+18", "T+19"),
        "SEGMENT-REPEATED", "35", "BGM", 3,
    ),
    "segment too often in a row": (
        changed("DTM+137:20261128:102'", "DTM+137:20261128:102'" * 36).replace("T+18", "T+53"),
        "SEGMENT-REPEATED", "35", "DTM", 38,
    ),
    "group too often": (
        changed("CUX+2:EUR:9'", "CUX+2:EUR:9'" * 6).replace("UNT+18", "UNT+23"),
        "GROUP-REPEATED", "36", "CUX", 13,
    ),
    "total": (changed("CNT+2:2", "CNT+2:3"), "ELEMENT-VALUE", "12", "CNT01-2", 17),
    "character": (
        interchange(syntax=("UNOA", "3")).replace("4711", "47a1").replace("1?2", "12"),
        "ELEMENT-CHARACTER", "21", "BGM02", 2,
    ),
    "number of an item": (
        changed("1++4006381333931", "1++4006381333932"), "ELEMENT-VALUE", "12", "LIN03-1", 9
    ),
    "package above": (changed("CPS+2+1", "CPS+2+7", NOTICED), "ELEMENT-VALUE", "12", "CPS02", 8),
    "package again": (changed("CPS+2+1", "CPS+1+1", NOTICED), "ELEMENT-VALUE", "12", "CPS01", 8),
    "check digit of a unit": (
        changed(UNIT, UNIT[:-1] + "3", NOTICED),
        "ELEMENT-VALUE", "12", "GIN02-1", 11,
    ),
    "unit again": (
        changed(f"BJ+{UNIT}", f"BJ+{UNIT}+{UNIT}", NOTICED),
        "ELEMENT-VALUE", "12", "GIN03-1", 11,
    ),
    "repetition": (
        changed("UNS+S", "UNS+S*D", FOURTH), "ELEMENT-REPEATED", "35", "UNS01", 16
    ),
    "character set": (changed("UNB+UNOC", "UNB+UNOQ"), "UNB01-VALUE", "2", "UNB01-1", 0),
    "version of the syntax": (changed("UNOC:3", "UNOC:7"), "UNB01-VALUE", "2", "UNB01-2", 0),
    "no sender": (changed("+BUYER:14", "+"), "UNB02-VALUE", "13", "UNB02", 0),
    "no recipient": (changed("+SELLER:14", "+"), "UNB03-VALUE", "13", "UNB03", 0),
    "day": (changed("+261128:", "+261328:"), "UNB04-VALUE", "12", "UNB04-1", 0),
    "time": (changed(":0510", ":2510"), "UNB04-VALUE", "12", "UNB04-2", 0),
    "unknown message": (
        changed("ORDERS:D", "ORDERX:D"), "UNH02-UNKNOWN", "14", "UNH02", 1
    ),
    "unknown version": (changed("D:96A", "D:93A"), "UNH02-UNKNOWN", "14", "UNH02", 1),
    "nothing in it": (
        interchange([], count=1).replace("UNZ+1", "UNZ+0"), "UNB-EMPTY", "32", "UNZ", 0
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_fault_is_found_with_its_code_and_place(kind: str) -> None:
    text, code, acknowledged_by, name, segment = DEFECTS[kind]
    told = found(text)
    first = told[0]
    assert (first.code, first.acknowledged_by) == (code, acknowledged_by), told
    assert (first.place.name, first.place.segment) == (name, segment)
    assert len(told) == 1, "what is of one fault is told once"
    assert first.says
    assert first.asks
    is_missing = code.endswith("MISSING")
    assert text[first.place.offset :].startswith(first.place.tag) or is_missing


@pytest.mark.parametrize("text", [RIGHT, NOTICED, FOURTH, TWO])
def test_nothing_is_found_in_what_is_right(text: str) -> None:
    assert found(text, notes=True) == []


@pytest.mark.parametrize(
    "text",
    [
        interchange(delimiters=Delimiters(component="*", element="@", segment="#"), line_end="\n"),
        interchange(delimiters=Delimiters(segment="\n", decimal=",")).replace("3.5", "3,5"),
        interchange(has_advice=False),
        "\xef\xbb\xbf" + interchange(line_end="\r\n") + "\r\n\x1a",
        "\r\n".join(RIGHT[at : at + 80] for at in range(0, len(RIGHT), 80)),
        RIGHT[:-1],
        changed("UNT+18", "UNT+0018"),
        changed("UNS+S'", "UNS+S+'"),
        changed("BGM+220+4711+9'", "BGM+220:::+4711+9++'"),
        changed("9.25", "-9.25"),
        changed("BOLT-8:SA", " BOLT-8:SA"),
        changed(f"GIN+BJ+{UNIT}", "GIN+BN+4711", NOTICED),
        changed(f"GIN+BJ+{UNIT}", f"GIN+BJ+00{UNIT}", NOTICED),
    ],
    ids=[
        *("others", "comma", "no advice", "mark and blanks", "wrapped", "open end", "zeros"),
        *("trailing", "trailing components", "minus", "blank before", "batch", "prefix"),
    ],
)
def test_a_dialect_of_what_is_right_is_no_fault(text: str) -> None:
    assert found(text) == []


def test_a_code_that_is_not_known_here_and_a_character_are_warnings() -> None:
    for kind in ("code", "character", "number of an item"):
        assert [one.severity for one in found(DEFECTS[kind][0])] == [Severity.WARNING]


def test_characters_that_a_set_does_not_have_are_told_once_of_a_message() -> None:
    text = interchange(
        message(ORDER), message(ORDER, reference="M2"), syntax=("UNOA", "3")
    ).replace("BUYER", "buyer")
    told = found(text)
    assert [one.place.name for one in told] == ["CTA02", "CTA02"]
    assert told[0].says == "CTA02: 'b' is no character of UNOA; there may be more"


def test_of_a_message_with_very_many_faults_the_first_are_told_and_the_rest_counted() -> None:
    body = [*ORDER[:7], *[("LIN", "x")] * 500, ("UNS", "S")]
    told = found(interchange(message(body)), notes=True)
    assert len(told) == 201
    assert (told[-1].code, told[-1].level) == ("MORE", Level.SET)
    assert told[-1].says == "300 more findings of this set are not shown"


def test_what_is_missing_at_the_end_is_told() -> None:
    body = ORDER[:-2]
    [told] = found(interchange(message(body)))
    assert (told.code, told.place.tag, told.place.segment) == ("SEGMENT-MISSING", "UNS", 16)
    assert told.says == "UNS has to be there, and the message ends"


def test_a_line_with_a_fault_in_it_is_counted_all_the_same() -> None:
    text = interchange().replace("LIN+1++", "LIN+1234567++")
    assert [(one.code, one.place.name) for one in found(text)] == [("ELEMENT-LONG", "LIN01")]
