"""What is answered to an interchange says what was found of it, and to whom."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.edi.x12.answering import Numbers, answered
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from crossdock.connectivity.edi.x12.writing import Form, header_written, written
from tests.unit.connectivity.edi.x12.interchanges import (
    HEADER,
    NOTICE,
    ORDER,
    STARS,
    found,
    interchange,
    read,
)
from tests.unit.connectivity.edi.x12.test_defects import DEFECTS

AT = datetime(2026, 11, 28, 6, 30, tzinfo=UTC)


def answer(text: str, *, is_999: bool = False) -> list[str]:
    """Give the segments that are written back, without line ends."""
    said = "".join(answered(read(text), Numbers(interchange=7, at=AT, is_999=is_999)))
    return said.replace("\n", "").split("~")[:-1]


def body(text: str, *, is_999: bool = False) -> list[str]:
    return answer(text, is_999=is_999)[3:-3]


def test_what_is_right_is_accepted_and_sent_back_to_its_sender() -> None:
    assert answer(interchange()) == [
        HEADER.format(control=7)
        .replace("BUYER          *ZZ*SELLER         ", "SELLER         *ZZ*BUYER          ")
        .replace("*0510*", "*0630*"),
        "GS*FA*SELLER*BUYER*20261128*0630*1*X*004010",
        "ST*997*0001",
        "AK1*PO*1",
        "AK2*850*0001",
        "AK5*A",
        "AK9*A*1*1*1",
        "SE*6*0001",
        "GE*1*1",
        "IEA*1*000000007",
    ]


def test_what_is_wrong_with_a_set_is_told_by_segment_and_element() -> None:
    text = interchange(
        (
            "BEG*9Z*SA*4711**20261301",
            *ORDER[1:-1],
            "XYZ*1",
            "CTT*3",
        )
    )
    assert body(text) == [
        "AK1*PO*1",
        "AK2*850*0001",
        "AK3*BEG*2**8",
        "AK4*1*353*7*9Z",
        "AK4*5*373*8*20261301",
        "AK3*XYZ*13**1",
        "AK3*CTT*14*CTT*8",
        "AK4*1*354*7*3",
        "AK5*R*5",
        "AK9*R*1*1*0",
    ]


def test_a_group_is_accepted_in_part_where_one_of_its_sets_is_wrong() -> None:
    wrong = "ST*850*0002~BEG*00*SA*4712**20261128~SE*3*0002"
    text = interchange().replace("GE*1*1", f"{wrong}~GE*2*1")
    assert body(text)[-3:] == ["AK3*PO1*3*PO1*3", "AK5*R*5", "AK9*P*2*2*1"]


MISTYPED = ("PO1*1*12*EA*9.25*PE*UP*012345678900",) * 250


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (("PO1*X*notanumber", "CTT*251"), ["AK3*PO1*253*PO1*8", "AK4*2*330*6*notanumber"]),
        (("CTT*9",), ["AK3*CTT*253*CTT*8", "AK4*1*354*7*9"]),
        (("XYZ*1", "CTT*250"), ["AK3*XYZ*253**1"]),
    ],
    ids=["element", "total", "segment"],
)
def test_warnings_however_many_hide_no_error(rest: tuple[str, ...], said: list[str]) -> None:
    text = interchange((ORDER[0], *MISTYPED, *rest))
    assert body(text) == [
        *("AK1*PO*1", "AK2*850*0001", *said, "AK5*R*5", "AK9*R*1*1*0"),
    ]


def test_warnings_however_many_hide_nothing_that_is_missing_at_the_end() -> None:
    lines = ("IT1*1*12*EA*9.25*PE*UP*012345678900",) * 250
    text = interchange(("BIG*20261128*1", *lines), set_id="810", group="IN")
    assert body(text)[2:] == ["AK3*TDS*253**3", "AK5*R*5", "AK9*R*1*1*0"]


def test_warnings_however_many_hide_no_number_of_a_unit_that_was_there_before() -> None:
    lines = [f"HL*{at}*3*I~LIN**UP*012345678900" for at in range(4, 254)]
    again = ["HL*254*2*P", "MAN*GM*00000614140000000017"]
    text = interchange((*NOTICE[:7], *lines, *again), set_id="856", group="SH")
    text = text.replace("SE*261*", "SE*511*")
    assert body(text)[2:] == [
        *("AK3*MAN*510*HL*8", "AK4*2*87*7*00000614140000000017", "AK5*R*5", "AK9*R*1*1*0"),
    ]


@pytest.mark.parametrize(
    ("kind", "segment"),
    [
        ("count of segments", "AK5*R*4"),
        ("number of a set", "AK5*R*3"),
        ("no trailer of a set", "AK5*R*2"),
        ("count of sets", "AK9*R*1*1*0*5"),
        ("number of a group", "AK9*R*1*1*0*4"),
        ("count of groups", "TA1*000000001*261128*0510*R*021"),
        ("number of an interchange", "TA1*000000001*261128*0510*R*001"),
        ("no trailer of an interchange", "TA1*000000001*261128*0510*R*023"),
        ("an interchange again", "TA1*000000001*261128*0510*R*025"),
    ],
)
def test_a_fault_of_an_envelope_is_told_at_its_level(kind: str, segment: str) -> None:
    assert segment in answer(DEFECTS[kind][0])


def test_a_ta1_is_written_where_it_is_asked_for() -> None:
    asked = interchange().replace("*0*P*>", "*1*P*>")
    assert "TA1*000000001*261128*0510*A*000" in answer(asked)
    assert not any(one.startswith("TA1") for one in answer(interchange()))


def test_an_acknowledgment_is_never_acknowledged() -> None:
    back = "".join(answered(read(interchange()), Numbers(interchange=7, at=AT)))
    assert answer(back) == []
    only = interchange().split("GS*")[0] + "TA1*000000009*261128*0510*A*000~IEA*0*000000001~"
    assert answer(only.replace("*0*P*>", "*1*P*>")) == []


ALICE, BOB = "ALICE          ", "BOB            "
HEARD = "TA1*000000009*261128*0510*A*000~"
LOOSE = "~".join(["ST*850*0009", *ORDER, "SE*14*0009~"])


def sent(sender: str, *parts: str, control: int = 1, wants: str = "0") -> str:
    """Write what a partner sends: a right order with some segments before its group."""
    text = interchange(control=control).replace("BUYER          ", sender, 1)
    text = text.replace("*0*P*>", f"*{wants}*P*>")
    return text.replace("GS*", "".join(parts) + "GS*", 1)


def only(sender: str, *parts: str, control: int = 1, wants: str = "0") -> str:
    """Write the same without the group."""
    text = sent(sender, *parts, control=control, wants=wants)
    return text.split("GS*")[0] + f"IEA*0*{control:09}~"


def answers(text: str) -> list[tuple[str, list[str]]]:
    """Give who is answered, and the segments that say something."""
    return [
        (
            said.split("*")[8],
            [one for one in said.replace("\n", "").split("~") if one[:3] in NAMED],
        )
        for said in answered(read(text), Numbers(interchange=7, at=AT))
    ]


NAMED = {"TA1", "AK1", "AK2", "AK5", "AK9"}
ACCEPTED = ["AK1*PO*1", "AK2*850*0001", "AK5*A", "AK9*A*1*1*1"]
REFUSED = "TA1*000000001*261128*0510*R*024"


def test_each_partner_is_answered_for_their_own_groups_beside_an_acknowledgment() -> None:
    assert answers(sent(ALICE, HEARD) + sent(BOB)) == [(ALICE, ACCEPTED), (BOB, ACCEPTED)]
    assert answers(only(ALICE, HEARD) + sent(BOB)) == [(BOB, ACCEPTED)]


def test_an_acknowledgment_silences_no_interchange_of_the_same_number() -> None:
    text = only(ALICE, HEARD, wants="1") + sent(BOB, wants="1")
    accepted = "TA1*000000001*261128*0510*A*000"
    assert answers(text) == [(BOB, [accepted, *ACCEPTED])]


def test_orders_beside_an_acknowledgment_are_told_where_their_envelope_is_wrong() -> None:
    text = sent(ALICE, HEARD).replace("IEA*1*", "IEA*2*")
    assert answers(text) == [(ALICE, ["TA1*000000001*261128*0510*R*021", *ACCEPTED])]


def test_a_set_in_no_group_refuses_its_interchange_and_is_told_nobody_else() -> None:
    assert answers(only(ALICE, LOOSE)) == [(ALICE, [REFUSED])]
    assert answers(only(ALICE, HEARD, LOOSE)) == [(ALICE, [REFUSED])]
    assert answers(only(ALICE, LOOSE) + sent(BOB)) == [(ALICE, [REFUSED]), (BOB, ACCEPTED)]
    assert answers(sent(ALICE, LOOSE)) == [(ALICE, [REFUSED, *ACCEPTED])]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([ALICE, BOB]),
            st.lists(st.sampled_from([HEARD, LOOSE]), max_size=2),
            st.booleans(),
        ),
        max_size=5,
    )
)
def test_nothing_of_one_interchange_is_in_the_answer_of_another(
    came: list[tuple[str, list[str], bool]],
) -> None:
    texts = [
        (sent if has_group else only)(sender, *parts, control=control)
        for control, (sender, parts, has_group) in enumerate(came, 1)
    ]
    assert answers("".join(texts)) == [one for text in texts for one in answers(text)]


def test_a_999_says_the_same_by_its_own_segments() -> None:
    wrong = interchange().replace("BEG*00", "BEG*9Z")
    assert body(wrong, is_999=True) == [
        "AK1*PO*1*004010",
        "AK2*850*0001",
        "IK3*BEG*2**8",
        "IK4*1*353*7*9Z",
        "IK5*R*5",
        "AK9*R*1*1*0",
    ]


@given(st.sampled_from(sorted(DEFECTS)))
def test_an_answer_can_itself_be_read_without_a_fault(kind: str) -> None:
    for said in answered(read(DEFECTS[kind][0]), Numbers(interchange=1, at=AT)):
        assert found(said) == []


@given(
    st.lists(st.lists(st.text("ABC 123.-/", max_size=9), min_size=1, max_size=5), max_size=5),
    st.sampled_from([STARS, Delimiters(element="|", component="@", segment="\n")]),
)
def test_what_is_written_is_read_as_it_was(lines: list[list[str]], delimiters: Delimiters) -> None:
    form = Form(delimiters=delimiters)
    text = written([["N3", *line] for line in lines], form)
    back = [one.split(delimiters.element)[1:] for one in text.split(delimiters.segment)[:-1]]
    trimmed = [line[: max((at for at, v in enumerate(line, 1) if v), default=0)] for line in lines]
    assert back == trimmed


def test_data_that_holds_a_delimiter_is_refused_or_written_otherwise() -> None:
    with pytest.raises(Invalid, match="'A\\*B' holds '\\*'") as refused:
        written([["N3", "A*B"]], Form())
    assert refused.value.where == "N301"
    assert written([["N3", "A*B\nC"]], Form(instead={"*": "x", "\n": " "})) == "N3*AxB C~"
    assert written([["SV", ["A", "", "B", ""], "", ""]], Form()) == "SV*A>>B~"


def test_a_header_has_106_characters_and_refuses_what_does_not_fit() -> None:
    sides = ("ZZ", "BUYER"), ("ZZ", "SELLER")
    text = header_written(*sides, control=3, at=AT, version="00501", form=Form())
    assert (len(text), text[82], text[84:89]) == (106, "^", "00501")
    with pytest.raises(Invalid, match="15 are the most"):
        header_written(("ZZ", "B" * 16), sides[1], control=3, at=AT, form=Form())


def test_what_a_notice_says_of_its_levels_is_acknowledged_with_their_loop() -> None:
    text = interchange(NOTICE, set_id="856", group="SH").replace("HL*4*3*I", "HL*4*9*I")
    assert "AK3*HL*9*HL*8" in body(text)


def test_a_component_that_is_wrong_is_told_with_its_place() -> None:
    text = interchange([*ORDER[:3], "MEA*WT*G*5*PX>1>x", *ORDER[3:]])
    assert "AK4*4>3*649*6*x" in body(text)


@pytest.mark.parametrize(
    ("was", "comes"),
    [
        ("*ZZ*BUYER          *", "*ZZ*BU\x00YER\x0e IS LONG NOW*"),
        ("*U*00401*", "*U*4010 AND MORE*"),
        ("*U*00401*", "*U*\xb2*"),
        ("*X*004010~", "*X*00AB~"),
        ("*X*004010~", "*X*00401\xb2~"),
        ("*SELLER*2026", "*SEL>LER*2026"),
        ("ST*850*0001", "ST*850*00>\x010001"),
    ],
)
def test_what_cannot_be_written_is_left_out_of_an_answer(was: str, comes: str) -> None:
    text = interchange().replace(was, comes, 1)
    assert text != interchange()
    [said] = answered(read(text), Numbers(interchange=7, at=AT))
    assert [one.says for one in found(said) if one.place.tag != "AK2"] == []
