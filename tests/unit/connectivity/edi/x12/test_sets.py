"""Each set that the tables know is read where it is right, and told where it is wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.edi import checks
from crossdock.connectivity.edi.definitions import Definitions
from crossdock.connectivity.edi.findings import Finding
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from crossdock.connectivity.edi.x12.reading import Page, pages
from crossdock.connectivity.edi.x12.tables import TABLES, known
from crossdock.connectivity.edi.x12.writing import Form, written
from tests.unit.connectivity.edi.x12.interchanges import chunks, found
from tests.unit.connectivity.edi.x12.sets import (
    BODIES,
    LATER,
    body_of,
    file_of,
    filled,
    parts_of,
    tags_of,
)

LINES = Form(delimiters=Delimiters(element="|", component=">", segment="~"), line_end="\r\n")
OF = {version: known(version) or Definitions() for version in TABLES}
SETS = [(version, set_id) for version in TABLES for set_id in OF[version].sets]
each = pytest.mark.parametrize(("version", "set_id"), SETS)


def text_of(version: str, set_id: str, body: tuple[str, ...], form: Form = LINES) -> str:
    group = OF[version].sets[set_id].group
    return file_of(body, set_id=set_id, group=group, version=version, form=form)


def told(version: str, set_id: str, body: tuple[str, ...]) -> list[tuple[str, str, int]]:
    """Give what is found in a set: code, place and position."""
    findings: list[Finding] = found(text_of(version, set_id, body), notes=True)
    return [(one.code, one.place.name, one.place.segment) for one in findings]


def test_there_is_a_right_set_of_each_kind() -> None:
    assert {set_id for _, set_id in SETS} == {*BODIES, *(set_id for _, set_id in LATER)}
    assert LATER.keys() <= {*SETS}


@each
def test_nothing_is_found_in_a_right_set(version: str, set_id: str) -> None:
    assert told(version, set_id, body_of(version, set_id)) == []


@each
def test_what_was_read_is_written_again_byte_by_byte(version: str, set_id: str) -> None:
    text = text_of(version, set_id, body_of(version, set_id))
    read = list(pages(chunks(text, 50)))
    assert "".join(one.raw for one in read) == text
    segments = [one for page in read if isinstance(page, Page) for one in page.segments]
    head, behind = text.split("~\r\n", 1)
    assert segments[0] == head
    values = [[parts_of(value) for value in one.split("|")] for one in segments[1:]]
    assert written(values, LINES) == behind


@each
def test_a_mandatory_segment_that_is_missing_is_told(version: str, set_id: str) -> None:
    first, *rest = body_of(version, set_id)
    assert told(version, set_id, tuple(rest))[0] == ("SEGMENT-3", tag(first), 2)


@each
def test_a_segment_out_of_its_order_is_told(version: str, set_id: str) -> None:
    first, second, *rest = body_of(version, set_id)
    findings = told(version, set_id, (second, first, *rest))
    assert ("SEGMENT-7", tag(first), 3) in findings


@each
def test_an_element_that_is_too_long_is_told(version: str, set_id: str) -> None:
    of = OF[version]
    parts = body_of(version, set_id)[0].split("*")
    uses = of.segments[parts[0]].uses
    kinds = [of.elements[one.number] for one in uses]
    at, kind = next(
        (at, one)
        for at, one in enumerate(kinds, 1)
        if one.type in {"AN", "N0", "ID"} and not one.codes
    )
    parts += [""] * (at + 1 - len(parts))
    parts[at] = "1" * (kind.most + 1)
    findings = told(version, set_id, ("*".join(parts), *body_of(version, set_id)[1:]))
    assert ("ELEMENT-5", f"{parts[0]}{at:02}", 2) in findings


def test_elements_that_nothing_is_known_of_are_not_looked_into() -> None:
    body = (*BODIES["204"], "LH2*any*thing**at all")
    assert ("SEGMENT-7", "LH2", len(body) + 1) in told("004010", "204", body)
    assert not [one for one in told("004010", "204", body) if one[0].startswith("ELEMENT")]


@pytest.mark.parametrize("most", [0, 1, 3, 10_000])
def test_a_wrong_segment_is_told_each_time_however_many_right_ones_are_remembered(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "PASSED_MAX", most)
    dates = ("DTM*010*20261205", "DTM*010*20261399", "DTM*002*20261205") * 3
    body = ("BEG*00*SA*4711**20261128", *dates, "N9*L1*X", "MSG*" + "X" * 250, "PO1*1*2*EA*9")
    wrong = [("ELEMENT-8", "DTM02", at) for at in (4, 7, 10)]
    assert told("004010", "850", body) == wrong


@given(st.data())
def test_a_set_with_any_of_its_parts_in_their_order_is_right(data: st.DataObject) -> None:
    version, set_id = data.draw(st.sampled_from(SETS))
    of = OF[version]
    tags = list(tags_of(of.sets[set_id].parts, data.draw))[:300]
    if len(tags) == 300:  # cut off, so its end may be missing
        return
    body = tuple(filled(of.segments[tag], of) for tag in tags)
    findings = found(text_of(version, set_id, body, Form()), notes=True)
    assert [one for one in findings if one.place.tag not in {"HL", "CTT", "MAN"}] == []


def tag(segment: str) -> str:
    return segment.split("*", maxsplit=1)[0]
