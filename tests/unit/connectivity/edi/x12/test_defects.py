"""Twenty faults that are put into a right interchange are found, with their code and place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.edi.findings import FINDINGS_MAX, Finding, Kept, Level, Place, Severity
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from tests.unit.connectivity.edi.x12.interchanges import NOTICE, ORDER, found, interchange

RIGHT, NOTICED = interchange(), interchange(NOTICE, set_id="856", group="SH")


def changed(old: str, new: str, text: str = RIGHT) -> str:
    assert text.count(old) == 1, "what is put wrong is there once"
    return text.replace(old, new)


DEFECTS = {
    "count of segments": (changed("SE*14*", "SE*15*"), "SE01-COUNT", "4", "SE01", 14),
    "number of a set": (changed("SE*14*0001", "SE*14*0002"), "SE02-CONTROL", "3", "SE02", 14),
    "count of sets": (changed("GE*1*1", "GE*2*1"), "GE01-COUNT", "5", "GE01", 0),
    "number of a group": (changed("GE*1*1", "GE*1*7"), "GE02-CONTROL", "4", "GE02", 0),
    "count of groups": (changed("IEA*1*", "IEA*2*"), "IEA01-COUNT", "021", "IEA01", 0),
    "number of an interchange": (
        changed("IEA*1*000000001", "IEA*1*000000009"), "IEA02-CONTROL", "001", "IEA02", 0
    ),
    "no trailer of a set": (changed("SE*14*0001~", ""), "SE-MISSING", "2", "GE", 14),
    "no trailer of an interchange": (
        changed("IEA*1*000000001~", ""), "IEA-MISSING", "023", "ISA", 0
    ),
    "number of a set again": (
        changed("GE*1*1", "ST*850*0001~" + "~".join(ORDER) + "~SE*14*0001~GE*2*1"),
        "ST02-REPEATED", "23", "ST02", 0,
    ),
    "mandatory segment": (
        changed("BEG*00*SA*4711**20261128~", "").replace("SE*14", "SE*13"),
        "SEGMENT-3", "3", "BEG", 2,
    ),
    "code": (changed("BEG*00*", "BEG*9Z*"), "ELEMENT-7", "7", "BEG01", 2),
    "date": (changed("**20261128~CUR", "**20261301~CUR"), "ELEMENT-8", "8", "BEG05", 2),
    "amount": (changed("PO1*1*12*", "PO1*1*1x2*"), "ELEMENT-6", "6", "PO102", 10),
    "unknown segment": (
        changed("CTT*2", "XYZ*1~CTT*2").replace("SE*14", "SE*15"), "SEGMENT-1", "1", "XYZ", 13
    ),
    "total": (changed("CTT*2", "CTT*3"), "ELEMENT-7", "7", "CTT01", 13),
    "parent of a level": (
        changed("HL*4*3*I", "HL*4*9*I", NOTICED), "ELEMENT-7", "7", "HL02", 9
    ),
    "number of a level again": (
        changed("HL*4*3*I", "HL*3*2*I", NOTICED), "ELEMENT-7", "7", "HL01", 9
    ),
    "check digit of a unit": (
        changed("MAN*GM*00000614140000000017", "MAN*GM*00000614140000000013", NOTICED),
        "ELEMENT-7", "7", "MAN02", 8,
    ),
    "padding of the header": (
        changed("BUYER          *ZZ", "BUYER*ZZ"), "ISA-WIDTH", "", "ISA06", 0
    ),
    "an interchange again": (RIGHT + RIGHT, "ISA13-REPEATED", "025", "ISA13", 0),
}  # fmt: skip


@pytest.mark.parametrize("kind", DEFECTS)
def test_a_fault_is_found_with_its_code_and_place(kind: str) -> None:
    text, code, acknowledged_by, name, segment = DEFECTS[kind]
    told = found(text, notes=kind.startswith("padding"))
    first = told[0]
    assert (first.code, first.acknowledged_by) == (code, acknowledged_by), told
    assert (first.place.name, first.place.segment) == (name, segment)
    assert first.says
    assert text[first.place.offset :].startswith(first.place.tag) or segment == 2


@pytest.mark.parametrize("text", [RIGHT, NOTICED], ids=["order", "notice"])
def test_nothing_is_found_in_what_is_right(text: str) -> None:
    assert found(text, notes=True) == []


@pytest.mark.parametrize(
    "text",
    [
        interchange(
            delimiters=Delimiters(element="|", component="@", segment="\r"), line_end="\n"
        ),
        interchange(delimiters=Delimiters(element="^", component=":", segment="\x1c")),
        interchange(delimiters=Delimiters(element="*", component=">", segment="\n")),
        "\xef\xbb\xbf" + interchange(line_end="\r\n") + "\r\n\x1a",
        "\r\n".join(RIGHT[at : at + 80] for at in range(0, len(RIGHT), 80)),
        RIGHT[:-1],
        changed("GE*1*1", "GE*1*01"),
    ],
    ids=["pipes", "carets", "lines", "mark and blanks", "wrapped", "open end", "zeros"],
)
def test_a_dialect_of_what_is_right_is_no_fault(text: str) -> None:
    assert found(text) == []


def test_what_is_of_one_fault_is_told_once() -> None:
    for kind, (text, *_) in DEFECTS.items():
        errors = [one for one in found(text) if one.severity is Severity.ERROR]
        assert len(errors) <= 1, kind


def test_of_a_set_with_very_many_faults_the_first_are_told_and_the_rest_counted() -> None:
    body = ("BEG*9Z*SA*4711**20261128", *["PO1*1*x*EA"] * 500, "CTT*500")
    told = found(interchange(body), notes=True)
    assert len(told) == 201
    assert (told[-1].code, told[-1].level) == ("MORE", Level.SET)
    assert told[-1].says == "301 more findings of this set are not shown"


@given(st.lists(st.sampled_from([*Severity]), max_size=1000))
def test_errors_and_what_is_let_pass_are_kept_apart_each_up_to_its_number(
    severities: list[Severity],
) -> None:
    kept, place = Kept(), Place(offset=0)
    for at, one in enumerate(severities):
        kept.add(Finding(code=f"{at}", severity=one, level=Level.SET, place=place, says=""))
    errors = [at for at, one in enumerate(severities) if one is Severity.ERROR]
    others = [at for at, one in enumerate(severities) if one is not Severity.ERROR]
    shown = sorted([*errors[:FINDINGS_MAX], *others[:FINDINGS_MAX]])
    assert [int(one.code) for one in kept.found] == shown
    assert kept.more == len(severities) - len(shown)
