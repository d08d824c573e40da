"""What is out of its envelope, or in none, is told with what to ask for; what follows is read."""

import pytest

from crossdock.connectivity.edi.findings import Severity
from crossdock.connectivity.edi.x12.envelope import (
    Aside,
    Closed,
    Group,
    Interchange,
    InterchangeAcknowledged,
    Segments,
    TransactionSet,
    events,
)
from crossdock.connectivity.edi.x12.reading import Page
from tests.unit.connectivity.edi.x12.interchanges import (
    NOTICE,
    ORDER,
    STARS,
    found,
    interchange,
    read,
)

RIGHT = interchange()
HEAD, REST = RIGHT.split("GS*", 1)
SET = "ST*850*0001~" + "~".join(ORDER) + "~SE*14*0001~"


def codes(text: str) -> list[str]:
    return [f"{one.code} {one.place.tag}" for one in found(text)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["ISA-MISSING "]),
        ("UNB+UNOA:1+A+B'", ["JUNK ", "ISA-MISSING "]),
        ("Dear all, " + RIGHT, ["JUNK "]),
        (RIGHT + "end of mail", ["JUNK "]),
        (RIGHT[:60], ["UNREADABLE ISA", "ISA-MISSING "]),
        (HEAD + SET + "IEA*0*000000001~", ["ST01-UNKNOWN ST", "GS-MISSING ST"]),
        (HEAD + "SE*1*0001~GE*0*1~IEA*0*000000001~", ["OUTSIDE SE", "OUTSIDE GE"]),
        (HEAD + "BEG*00~XX*1~IEA*0*000000001~", ["OUTSIDE BEG"]),
        (RIGHT.replace("GE*1*1~", ""), ["GE-MISSING IEA"]),
        (RIGHT.replace("GE*1*1~IEA*1*000000001~", ""), ["GE-MISSING GS", "IEA-MISSING ISA"]),
        (
            RIGHT.replace("SE*14*0001~GE*1*1~IEA*1*000000001~", ""),
            ["SE-MISSING ST", "GE-MISSING GS", "IEA-MISSING ISA"],
        ),
        (RIGHT.replace("IEA*1*000000001~", "") + interchange(control=2), ["IEA-MISSING ISA"]),
        (
            RIGHT.replace("GE*1*1~", "GS*PO*A*B*20261128*0510*1*X*004010~GE*0*1~").replace(
                "IEA*1", "IEA*2"
            ),
            ["GE-MISSING GS", "GS06-REPEATED GS"],
        ),
        (RIGHT.replace("SE*14*0001~", "ST*850*0002~"), ["SE-MISSING ST", "SE-MISSING GE"]),
        (
            RIGHT.replace("*261128*0510*U", "*261328*2560*U"),
            ["ISA09-VALUE ISA", "ISA10-VALUE ISA"],
        ),
        (
            RIGHT.replace("*00401*000000001*0*P*", "*0040X*00000000A*2*X*"),
            ["ISA12-VALUE ISA", "ISA13-VALUE ISA", "ISA14-VALUE ISA", "ISA15-VALUE ISA"],
        ),
        (RIGHT.replace("ST*850*", "ST*999*"), ["ST01-UNKNOWN ST"]),
        (RIGHT.replace("*X*004010", "*X*002000"), ["ST01-UNKNOWN ST"]),
        (RIGHT.replace("*X*004010", ""), ["ST01-UNKNOWN ST"]),
        (RIGHT[:150] + "x" * 2_000_000 + "~", ["GE-MISSING GS", "UNREADABLE ISA"]),
        (RIGHT.replace("CTT*2~", "CTT*2~ISAX*1~").replace("SE*14", "SE*15"), []),
    ],
)
def test_what_is_wrong_around_sets_is_told_at_its_place(text: str, told: list[str]) -> None:
    mine = [one for one in codes(text) if not one.startswith("SEGMENT")]
    assert mine[: len(told)] == told


def test_what_stands_behind_the_last_interchange_is_told_too() -> None:
    assert codes(RIGHT + "GS*PO*A*B~ST*850*1~SE*1*1~GE*1~TA1*1~IEA*1~BEG*1~") == ["JUNK "]


def test_segments_that_come_without_a_header_are_told_as_outside() -> None:
    page = Page(
        delimiters=STARS,
        segments=["GS*PO", "BEG*00", "ISA*00"],
        raw="GS*PO~BEG*00~ISA*00~",
        offset=0,
    )
    [told] = [
        one
        for one in events([page])
        if isinstance(one, Aside) and one.findings[0].code == "OUTSIDE"
    ]
    assert [one.place.tag for one in told.findings] == ["GS", "BEG", "ISA"]


def test_a_great_file_of_something_else_is_told_once() -> None:
    assert codes("lorem ipsum " * 100_000) == ["JUNK ", "ISA-MISSING "]


def test_an_open_end_is_noted_where_it_is() -> None:
    assert [one.code for one in found(RIGHT[:-1], notes=True)] == ["TERMINATOR-MISSING"]


def test_an_interchange_says_who_sends_it_to_whom_and_whether_it_is_a_test() -> None:
    opened = read(RIGHT.replace("*0*P*>", "*1*T*>"))[0]
    assert isinstance(opened, Interchange)
    assert (opened.sender, opened.receiver) == (("ZZ", "BUYER"), ("ZZ", "SELLER"))
    assert opened.at.place().name == "ISA"
    group = next(one for one in read(RIGHT) if isinstance(one, Group))
    assert (group.functional_id, group.control, group.element(12)) == ("PO", "1", "")
    assert (opened.control, opened.is_test, opened.wants_acknowledgment) == (
        "000000001",
        True,
        True,
    )


def test_an_acknowledgment_of_an_interchange_is_heard_with_what_it_says() -> None:
    text = HEAD + "TA1*000000009*261128*0510*R*021~" + "GS*" + REST
    [heard] = [one for one in read(text) if isinstance(one, InterchangeAcknowledged)]
    assert heard.elements == ("000000009", "261128", "0510", "R", "021")
    assert heard.at.place().name == "TA1"
    assert found(text) == []


def test_the_segments_of_a_set_come_in_their_order_with_their_positions() -> None:
    heard = [one for one in read(RIGHT) if isinstance(one, Segments)]
    assert [segment for one in heard for segment in one.segments] == list(ORDER)
    assert [one.position for one in heard] == [2]


def test_a_set_that_is_cut_off_is_not_complete() -> None:
    closed = [one for one in read(RIGHT.split("PO1*2")[0]) if isinstance(one, Closed)]
    assert [(type(one.of), one.is_complete) for one in closed] == [
        (TransactionSet, False),
        (Group, False),
        (Interchange, False),
    ]
    assert [one.is_complete for one in read(RIGHT) if isinstance(one, Closed)] == [True] * 3


@pytest.mark.parametrize(
    ("body", "code", "says"),
    [
        ((*ORDER[:6], *["N3*A"] * 3, *ORDER[7:]), "SEGMENT-5", "N3 is there more than 2 times"),
        (("BEG*00*SA*1**20261128", *ORDER), "SEGMENT-5", "BEG is there more than 1 times"),
        ((*ORDER[:3], *["SAC*A*C310"] * 26, *ORDER[3:]), "SEGMENT-4", "loop SAC is there more"),
        ((*ORDER[:-1], "HL*1**S", ORDER[-1]), "SEGMENT-6", "HL is no segment of set 850"),
        ((*ORDER[:8], "CUR*BY*USD", *ORDER[8:]), "SEGMENT-7", "CUR does not stand behind N4"),
        ((ORDER[0], "PO4*1", *ORDER[1:]), "SEGMENT-7", "PO4 does not stand behind BEG"),
    ],
)
def test_a_segment_out_of_its_place_is_told_with_the_reason(
    body: tuple[str, ...], code: str, says: str
) -> None:
    first = found(interchange(body))[0]
    assert (first.code, first.severity) == (code, Severity.ERROR)
    assert says in first.says
    assert first.asks


def test_numbers_of_items_and_levels_are_checked_and_told_as_warnings() -> None:
    order = [one.replace("012345678905", "012345678906") for one in ORDER]
    [told] = found(interchange(order))
    assert (told.severity, told.place.name) == (Severity.WARNING, "PO109")
    assert "no GTIN" in told.says
    flat = [one.replace("HL*3*2*P", "HL*3*1*P") for one in NOTICE]
    [told] = found(interchange([*flat[:3], "HL*2**O", *flat[4:]], set_id="856", group="SH"))
    assert (told.severity, told.says) == (Severity.WARNING, "HL03: level O stands beneath nothing")


def test_a_unit_that_is_packed_twice_is_told_and_one_of_another_kind_is_let_be() -> None:
    mark = NOTICE[6]
    twice = (*NOTICE[:7], mark, "MAN*CP*1Z999", *NOTICE[7:])
    told = found(interchange(twice, set_id="856", group="SH"))
    assert [one.says for one in told] == [
        "MAN02: SSCC 000614140000000017 was there before: each unit has a number of its own"
    ]


def test_a_number_of_thousands_of_digits_is_told_and_stops_nothing() -> None:
    long = "9" * 5_000
    text = RIGHT.replace("ST*850*0001", f"ST*850*{long}").replace("CTT*2", f"CTT*{long}")
    assert [one.place.name for one in found(text)] == ["SE02", "CTT01"]
