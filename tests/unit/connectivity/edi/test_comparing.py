"""What differs between files is told, and what is layout is not."""

from collections import Counter
from collections.abc import Sequence
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.edi import standards
from crossdock.connectivity.edi.comparing import Difference, differences
from crossdock.connectivity.edi.documents import Document, Segment
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from tests.unit.connectivity.edi.x12 import interchanges as x12

BARS = Delimiters(element="|", component=":", segment="\n")


def compared(before: str, after: str) -> list[Difference]:
    read = standards.documents
    return list(differences(read([before.encode()]), read([after.encode()])))


def document(parts: Sequence[Segment]) -> Document:
    return Document(
        standard="X12",
        kind="850",
        version="004010",
        number="1",
        delimiters={},
        envelope=(),
        parts=parts,
    )


def with_lines(lines: Sequence[str]) -> str:
    return x12.interchange(("BEG*00*SA*4711**20261128", *lines))


def test_delimiters_layout_and_control_numbers_are_no_difference() -> None:
    other = x12.interchange(control=7, delimiters=BARS, line_end="\r")

    assert compared(x12.interchange(), other) == []


def test_a_changed_element_is_named() -> None:
    [found] = compared(x12.interchange(), x12.interchange().replace("*12*EA*", "*14*CA*"))

    assert (found.kind, found.number, found.position, found.elements) == (
        "850",
        "0001",
        10,
        (2, 3),
    )


def test_a_segment_that_is_added_or_gone_is_told() -> None:
    before, after = with_lines(["REF*DP*1", "N1*ST*A"]), with_lines(["N1*ST*A", "PO1*1*1*EA"])

    found = compared(before, after)

    assert [(one.position, one.before, one.after) for one in found] == [
        (3, ("REF", "DP", "1"), None),
        (4, None, ("PO1", "1", "1", "EA")),
    ]


def test_another_segment_in_its_place_is_one_gone_and_one_added() -> None:
    found = compared(with_lines(["REF*DP*1"]), with_lines(["N1*ST*A"]))

    assert [(one.before, one.after) for one in found] == [
        (("REF", "DP", "1"), None),
        (None, ("N1", "ST", "A")),
    ]


def test_a_set_without_its_like_is_told_whole() -> None:
    one = x12.interchange(("BEG*00*SA*4711**20261128",))

    assert [each.after for each in compared("", one)] == [
        ("BEG", "00", "SA", "4711", "", "20261128")
    ]
    assert [each.before for each in compared(one, "")] == [
        ("BEG", "00", "SA", "4711", "", "20261128")
    ]
    other = x12.interchange(("BSN*00*S1",), set_id="856")
    assert [(each.kind, each.before is None) for each in compared(one, other)] == [
        ("850", False),
        ("856", True),
    ]


@given(st.lists(st.sampled_from(["REF*DP*1", "REF*DP*2", "N1*ST*A", "CTT*1"]), max_size=6))
def test_a_file_does_not_differ_from_itself(lines: list[str]) -> None:
    assert compared(with_lines(lines), with_lines(lines)) == []


@given(*[st.lists(st.sampled_from(["REF*DP*1", "REF*DP*2", "N1*ST*A"]), max_size=6)] * 2)
def test_whoever_applies_the_differences_has_the_other(one: list[str], other: list[str]) -> None:
    found = compared(with_lines(one), with_lines(other))

    taken = [each.before for each in found if each.before is not None]
    added = [each.after for each in found if each.after is not None]
    left = Counter[Segment](tuple(line.split("*")) for line in one)
    assert left - Counter(taken) + Counter(added) == Counter[Segment](
        tuple(line.split("*")) for line in other
    )


SEGMENTS = 20_000


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        ("LIN**SK*I{0}~QTY*33*{0}", "LIN**SK*I{0}~QTY*33*9{0}", SEGMENTS),  # each quantity
        ("REF*DP*1", "REF*DP*2", SEGMENTS),  # each segment, and none is told from another
        ("REF*DP*1", "REF*DP*1", 0),
    ],
)
def test_large_sets_are_compared_in_time_that_grows_with_them(
    before: str, after: str, count: int
) -> None:
    one, other = (
        with_lines(["REF*DP*0", *"~".join(map(line.format, range(SEGMENTS))).split("~")])
        for line in (before, after)
    )
    begun = process_time()

    found = compared(one, other)

    assert len(found) == count
    assert all(each.before and each.after for each in found)
    assert process_time() - begun < 10


def test_a_line_that_is_added_to_many_is_the_one_difference() -> None:
    lines = [f"LIN**SK*I{one}" for one in range(2000)]

    [found] = compared(with_lines(lines), with_lines([*lines[:900], "LIN**SK*X", *lines[900:]]))

    assert (found.position, found.before, found.after) == (903, None, ("LIN", "", "SK", "X"))


@given(st.permutations(range(1000)), st.integers(0, 500))
def test_whatever_is_moved_in_a_large_set_the_differences_lead_to_the_other(
    order: list[int], same: int
) -> None:
    one = [("REF", "DP", str(max(number, same))) for number in range(1000)]
    other = [one[number] for number in order]

    found = list(differences([document(one)], [document(other)]))

    left = Counter[Segment](one)
    left.subtract(each.before for each in found if each.before is not None)
    left.update(each.after for each in found if each.after is not None)
    assert left == Counter[Segment](other)
