"""What acknowledgments say, read back from what the engines write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.interchanges import statements
from crossdock.connectivity.interchanges.model import About, Interchange, Statement, Verdict
from crossdock.connectivity.interchanges.reading import read


def contrl(*segments: str) -> tuple[Statement, ...]:
    """Read a CONTRL of such segments, of an interchange whole enough for it."""
    head = "UNB+UNOC:3+A+B+261128:0510+1'UNH+1+CONTRL:D:3:UN'"
    text = f"{head}{''.join(f'{one}{chr(39)}' for one in segments)}UNT+{len(segments) + 2}+1'"
    [found] = [one for one in read([f"{text}UNZ+1+1'".encode()]) if isinstance(one, Interchange)]
    [document] = found.documents
    return document.statements


@pytest.mark.parametrize(
    ("elements", "verdict", "codes"),
    [
        (["000000001", "261128", "0510", "A", "000"], Verdict.ACCEPTED, ()),
        (["000000001", "261128", "0510", "E", "014"], Verdict.ACCEPTED, ("014",)),
        (["000000001", "261128", "0510", "R", "025"], Verdict.REJECTED, ("025",)),
        (["000000001"], Verdict.REJECTED, ()),
    ],
)
def test_a_ta1_takes_or_refuses_an_interchange(
    elements: list[str], verdict: Verdict, codes: tuple[str, ...]
) -> None:
    found = statements.of_ta1(elements)

    assert found == Statement(
        about=About.INTERCHANGE, interchange="000000001", verdict=verdict, codes=codes
    )
    assert statements.of_ta1([]).interchange == ""


def test_a_997_tells_of_its_sets_and_then_of_their_group() -> None:
    segments = "AK1*PO*7/AK2*850*0001/AK5*A/AK2*850*0002/AK3*BEG*2**8/AK5*R*5/AK9*P*2*2*1"

    found = list(statements.of_functional(segments.split("/"), "*"))

    assert [(one.about, one.control, one.verdict, one.codes) for one in found] == [
        (About.SET, "0001", Verdict.ACCEPTED, ()),
        (About.SET, "0002", Verdict.REJECTED, ("5",)),
        (About.GROUP, "", Verdict.ACCEPTED, ()),
    ]
    assert {(one.functional_id, one.group) for one in found} == {("PO", "7")}


@given(st.sampled_from("AEMRWXP Q"))
def test_a_999_refuses_by_every_status_but_those_that_take(status: str) -> None:
    segments = ["AK1*PO*7*005010", "AK2*850*1*X", f"IK5*{status}", f"AK9*{status}*1*1*0*5"]

    of_set, of_group = statements.of_functional(segments, "*")

    is_taken = Verdict.ACCEPTED if status in "AE" else Verdict.REJECTED
    assert of_set.verdict == is_taken
    assert of_group.verdict == (Verdict.ACCEPTED if status == "P" else is_taken)
    assert of_group.codes == ("5",)


@pytest.mark.parametrize(
    ("action", "verdict"),
    [
        ("7", Verdict.ACCEPTED),
        ("8", Verdict.RECEIVED),
        ("4+26", Verdict.REJECTED),
        ("", Verdict.REJECTED),
    ],
)
def test_a_contrl_says_what_becomes_of_an_interchange(action: str, verdict: Verdict) -> None:
    [found] = contrl(f"UCI+17+B+A+{action}")

    assert (found.about, found.interchange, found.verdict) == (About.INTERCHANGE, "17", verdict)
    assert found.codes == (("26",) if "+" in action else ())


def test_a_contrl_tells_of_messages_and_groups_before_their_interchange() -> None:
    found = contrl(
        "UCI+17+B+A+7",
        "UCM+1+ORDERS:D:96A:UN+4+13",
        "UCS+3+13",
        "UCF+9+B+A+4+29",
        "UCM+2+ORDRSP:D:96A:UN+7",
    )

    assert [(one.about, one.group, one.document, one.control, one.verdict) for one in found] == [
        (About.SET, "", "ORDERS", "1", Verdict.REJECTED),
        (About.SET, "9", "ORDRSP", "2", Verdict.ACCEPTED),
        (About.GROUP, "9", "", "", Verdict.REJECTED),
        (About.INTERCHANGE, "", "", "", Verdict.ACCEPTED),
    ]
    assert {one.interchange for one in found} == {"17"}
    assert [one.codes for one in found] == [("13",), (), ("29",), ()]


def test_a_contrl_of_nothing_says_nothing() -> None:
    assert contrl("BGM+1") == ()


@given(st.lists(st.text(max_size=20), max_size=20))
def test_whatever_stands_in_an_acknowledgment_is_read(segments: list[str]) -> None:
    found = [*statements.of_functional(segments, "*"), statements.of_ta1(segments)]

    assert all(len(one.codes) <= 5 for one in found)
