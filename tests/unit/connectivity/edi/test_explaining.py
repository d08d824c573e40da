"""A set is explained in words, with a caret under each fault and what to ask the partner for."""

from collections.abc import Sequence
from dataclasses import replace

from crossdock.connectivity.edi import standards
from crossdock.connectivity.edi.findings import Finding, Level, Place, Severity
from tests.unit.connectivity.edi.edifact import interchanges as edifact
from tests.unit.connectivity.edi.x12 import interchanges as x12


def explained(text: str) -> list[str]:
    [(document, findings)] = standards.checked([text.encode()])
    lines = standards.explained(document, findings)
    return [one.text for one in lines]


def pointed_at(lines: Sequence[str], says: str) -> str:
    """Give what stands over the carets of the line that says something."""
    [at] = [number for number, line in enumerate(lines) if says in line]
    begin, end = lines[at].index("^"), lines[at].rindex("^") + 1
    shown = next(one for one in reversed(lines[:at]) if one[:9].strip() == "|" and "^" not in one)
    return shown[begin:end]


def test_elements_and_codes_have_names() -> None:
    lines = explained(x12.interchange())

    assert lines[0] == ("850 purchase order, number 0001, version 004010, from BUYER to SELLER")
    assert lines[1].startswith("    2  BEG order: purpose 00 (original), kind of order SA")
    assert lines[1].endswith("(stand-alone), purchase order 4711, date 20261128")
    assert "    7    N1  party: party ST (ship to), name CENTRAL WAREHOUSE" in lines[6]


def test_a_caret_stands_under_the_fault_and_behind_it_what_to_ask_for() -> None:
    lines = explained(x12.interchange(("BEG*00*SA*4711**20261328", "CTT*1")))

    assert pointed_at(lines, "it is no date") == "20261328"
    assert any(one.strip() == "ask to send BEG05 put right" for one in lines)


def test_a_caret_stands_under_the_component_that_is_wrong() -> None:
    body = [
        ("DTM", ("137", "20261328", "102")) if one[0] == "DTM" else one for one in edifact.ORDER
    ]
    lines = explained(edifact.interchange(edifact.message(body)))

    assert pointed_at(lines, "is not written as format 102 says") == "20261328"


def test_an_element_that_is_missing_is_pointed_at_where_it_would_stand() -> None:
    lines = explained(x12.interchange(("BEG*00*SA", "PO1*1*1*EA", "CTT*1")))

    at = next(number for number, one in enumerate(lines) if "BEG03" in one)
    assert lines[at - 1].endswith("| BEG*00*SA")
    assert lines[at].index("^") == len(lines[at - 1]) + 1


def test_a_segment_out_of_place_is_pointed_at_by_its_tag() -> None:
    lines = explained(x12.interchange(("BEG*00*SA*4711**20261128", "CTT*0", "REF*DP*1")))

    assert pointed_at(lines, "REF does not stand behind CTT") == "REF"


def test_what_is_wrong_with_the_set_itself_stands_at_its_end() -> None:
    lines = explained(x12.interchange().replace("SE*14*", "SE*5*"))

    assert "SE01 says 5" in lines[-2]
    assert lines[-1].strip().startswith("ask to send it again")


def test_what_no_table_defines_is_shown_as_it_is() -> None:
    lines = explained(x12.interchange(("XYZ*1*2>3", "N1*ST*" + "A" * 100), set_id="999"))

    assert lines[0].startswith("999, number 0001")
    assert lines[1].split()[1:] == ["XYZ", "1,", "2,", "3"]
    assert "A" * 60 + "…" in lines[2]


def test_what_steers_a_terminal_is_shown_as_a_dot() -> None:
    lines = explained(x12.interchange(("BEG*00*SA*4711**20261328", "CTT*1")).replace("*", "\x1d"))

    assert any("BEG·00·SA" in one for one in lines)
    assert not any("\x1d" in one for one in lines)


def test_what_was_cut_off_says_so() -> None:
    text = x12.interchange()

    assert explained(text[: text.index("CTT*")])[0].endswith("cut off before its end")


def test_repetitions_and_components_are_told_one_by_one() -> None:
    body = (*x12.ORDER[:1], "MEA**WT*1*LB>>1", "LQ*A*1^2")
    lines = explained(x12.interchange(body).replace("*U*00401*", "*^*00501*"))

    assert any("LB (pound)" in one for one in lines)
    assert any(one.split()[1:2] == ["LQ"] and "1" in one and "2" in one for one in lines)


def test_a_habit_is_told_without_anything_to_ask_for() -> None:
    [(document, _)] = standards.checked([x12.interchange().encode()])
    place = Place(offset=0, tag="BEG", segment=2)
    habit = Finding(
        code="X", severity=Severity.NOTE, level=Level.SEGMENT, place=place, says="they do so"
    )

    lines = [one.text for one in standards.explained(document, [habit])]

    assert pointed_at(lines, "they do so") == "BEG"
    assert not any("ask " in one for one in lines)


def test_a_document_whose_header_is_cut_names_nobody() -> None:
    [document] = standards.documents([x12.interchange().encode()])
    bare = replace(document, envelope=())

    assert next(iter(standards.explained(bare, []))).text.endswith("version 004010")
