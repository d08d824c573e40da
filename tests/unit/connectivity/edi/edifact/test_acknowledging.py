"""What came is answered by a CONTRL, which can itself be read without a fault."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.edi.edifact.acknowledging import answered
from crossdock.connectivity.edi.edifact.delimiters import Delimiters
from crossdock.connectivity.edi.edifact.writing import Form, Value, written
from tests.unit.connectivity.edi.edifact.interchanges import (
    CONTRL,
    ORDER,
    found,
    interchange,
    message,
    read,
)
from tests.unit.connectivity.edi.edifact.test_defects import DEFECTS
from tests.unit.connectivity.edi.edifact.test_envelopes import grouped

AT = datetime(2026, 11, 28, 5, 10, tzinfo=UTC)


def answer(text: str) -> list[str]:
    """Answer a file, and give the lines of what is written."""
    return "".join(answered(read(text), first=42, at=AT)).splitlines()


def body(text: str) -> list[str]:
    return [line for line in answer(text) if line[:2] == "UC"]


def test_what_is_right_is_acknowledged_to_who_sent_it_in_its_syntax() -> None:
    assert answer(interchange()) == [
        "UNA:+.? '",
        "UNB+UNOC:3+SELLER:14+BUYER:14+261128:0510+42'",
        "UNH+1+CONTRL:D:3:UN'",
        "UCI+I1+BUYER:14+SELLER:14+7'",
        "UNT+3+1'",
        "UNZ+1+42'",
    ]


def test_syntax_4_and_a_test_are_answered_as_such() -> None:
    text = interchange(
        syntax=("UNOC", "4"), delimiters=Delimiters(repetition="*"), has_advice=False
    ).replace("+I1'", "+I1++++++1'", 1)
    assert answer(text)[:2] == [
        "UNB+UNOC:4+SELLER:14+BUYER:14+20261128:0510+42++++++1'",
        "UNH+1+CONTRL:4:1:UN'",
    ]


def test_a_message_is_refused_with_the_segments_and_elements_that_are_wrong() -> None:
    wrong = [*ORDER[:-2], ("XYZ", "1"), *ORDER[-2:]]
    text = interchange(message(wrong), message(ORDER, reference="M2"))
    text = text.replace("137:20261128", "137:20261328", 1).replace("21:12:", "21:1x2:", 1)
    assert body(text) == [
        "UCI+I1+BUYER:14+SELLER:14+7'",
        "UCM+M1+ORDERS:D:96A:UN+4'",
        "UCS+3'",
        "UCD+12+2:2'",
        "UCS+12'",
        "UCD+37+2:2'",
        "UCS+16+18'",
    ]


def test_a_segment_with_several_faults_of_its_own_is_named_for_each() -> None:
    assert body(interchange(message(ORDER[2:])))[2:] == ["UCS+2+13'", "UCS+2+13'"]


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ([("QTY", ("21", "1x2", "PCE")), ("UNS", "S")], ["UCS+259'", "UCD+37+2:2'"]),
        ([("UNS", "S"), ("CNT", ("2", "9"))], ["UCS+260'", "UCD+12+2:2'"]),
        ([], ["UCS+259+13'"]),
    ],
    ids=["element", "total", "missing at the end"],
)
def test_warnings_however_many_hide_no_error(rest: list[Sequence[Value]], said: list[str]) -> None:
    mistyped = ("LIN", "1", "", ("4006381333930", "EN"))
    text = interchange(message([*ORDER[:7], *[mistyped] * 250, *rest]))
    assert body(text)[1:] == ["UCM+M1+ORDERS:D:96A:UN+4'", *said]


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("count of segments", "UCM+M1+ORDERS:D:96A:UN+4+29+UNT+2'"),
        ("reference of a message", "UCM+M1+ORDERS:D:96A:UN+4+28+UNT+3'"),
        ("no trailer of a message", "UCM+M1+ORDERS:D:96A:UN+4+13+UNT'"),
        ("unknown message", "UCM+M1+ORDERX:D:96A:UN+4+14+UNH+3'"),
        ("count of messages", "UCI+I1+BUYER:14+SELLER:14+4+29+UNZ+2'"),
        ("version of the syntax", "UCI+I1+BUYER:14+SELLER:14+4+2+UNB+2:2'"),
    ],
)
def test_an_envelope_that_is_wrong_is_refused_with_its_code_and_place(
    kind: str, line: str
) -> None:
    assert line in body(DEFECTS[kind][0])


def test_of_an_interchange_that_is_refused_nothing_else_is_told() -> None:
    text = DEFECTS["count of messages"][0].replace("21:12:", "21:1x2:")
    assert len(body(text)) == 1


def test_segments_outside_of_messages_are_told_without_a_place() -> None:
    text = interchange().replace("UNZ+", "BGM+220'UNZ+")
    assert body(text) == ["UCI+I1+BUYER:14+SELLER:14+4+33'"]


def test_a_group_is_answered_with_its_messages_where_any_is_wrong() -> None:
    assert body(grouped()) == ["UCI+I1+BUYER:14+SELLER:14+7'"]
    assert body(grouped().replace("21:12:", "21:1x2:"))[1:3] == [
        "UCF+G1+A:1+B:1+7'",
        "UCM+M1+ORDERS:D:96A:UN+4'",
    ]
    assert body(grouped(2).replace("21:12:", "21:1x2:"))[1:] == ["UCF+G1+A:1+B:1+4+29+UNE+2'"]


def test_a_contrl_is_never_answered_even_if_it_is_wrong() -> None:
    text = interchange(message(CONTRL, "CONTRL", ("D", "3", "UN")))
    assert found(text) == []
    assert answer(text) == []
    assert answer(text.replace("UNZ+1", "UNZ+3").replace("UNT+3", "UNT+9")) == []
    mixed = interchange(message(CONTRL, "CONTRL", ("D", "3", "UN")), message(ORDER, reference="O"))
    assert len(answer(mixed)) == 6


def test_nothing_of_one_interchange_is_in_the_answer_of_another() -> None:
    heard = message(CONTRL, "CONTRL", ("D", "3", "UN"))
    wrong = message([*ORDER, ("XYZ", "1")], reference="M2")
    alice = interchange(heard, wrong, has_advice=False).replace("BUYER", "ALICE")
    loose = grouped().replace("UNZ+", "UNH+M9+ORDERS:D:96A:UN'UNT+2+M9'UNZ+")
    bob = interchange(has_advice=False).replace("BUYER", "BOB")
    assert body(alice + bob) == [*body(alice), *body(bob)]
    assert body(alice) == [
        *("UCI+I1+ALICE:14+SELLER:14+7'", "UCM+M2+ORDERS:D:96A:UN+4'", "UCS+18+18'"),
    ]
    assert body(loose + bob) == [*body(loose), "UCI+I1+BOB:14+SELLER:14+7'"]
    assert body(loose)[0].startswith("UCI+I1+BUYER:14+SELLER:14+4+")


def test_a_message_of_which_nothing_is_said_is_refused_by_its_reference() -> None:
    text = "UNB+UNOC:3+A+B+261128:0510+1'UNH+1'UNT+2+1'UNZ+1+1'"
    assert "UCM+1++4+13+UNH+3'" in body(text)


@given(st.sampled_from(sorted(DEFECTS)))
def test_an_answer_can_itself_be_read_without_a_fault(kind: str) -> None:
    known = {"no sender", "no recipient", "character set", "version of the syntax"}
    for said in answered(read(DEFECTS[kind][0]), first=1, at=AT):
        told = found(said)
        assert told == [] or kind in known
        assert not list(answered(read(said), first=1, at=AT))


@pytest.mark.parametrize(
    ("value", "delimiters", "because"),
    [
        ("A\nB", Delimiters(), "holds '\\\\n'"),
        ("A+B", Delimiters(release=""), "holds '\\+'"),
    ],
)
def test_data_that_cannot_be_written_is_refused(
    value: str, delimiters: Delimiters, because: str
) -> None:
    with pytest.raises(Invalid, match=because) as refused:
        written([["FTX", value]], Form(delimiters=delimiters))
    assert refused.value.where == "FTX01"


def test_what_is_empty_at_the_end_is_left_out() -> None:
    assert written([["NAD", "BY", ["", "", ""], "", ["A", ""], ""]], Form()) == "NAD+BY+++A'"


@pytest.mark.parametrize(
    ("was", "comes"),
    [
        ("+BUYER:14+", "+BU\x00YER\x0e:14+"),
        ("UNB+UNOC:3+", "UNB+UNOO:3+"),
        ("UNB+UNOC:3+", "UNB+UNOC:9+"),
        ("UNH+M1+", "UNH+M\x011+"),
        ("UNA:+.? '", "UNA:+.  '"),
    ],
)
def test_what_cannot_be_written_is_left_out_of_an_answer(was: str, comes: str) -> None:
    text = interchange().replace(was, comes, 1)
    assert text != interchange()
    [said] = answered(read(text), first=42, at=AT)
    assert found(said) == []
