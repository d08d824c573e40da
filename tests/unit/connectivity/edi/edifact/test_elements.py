"""Elements are looked at fast and slow, and both say the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.edi.checks import Check
from crossdock.connectivity.edi.definitions import Definitions
from crossdock.connectivity.edi.edifact.delimiters import STANDARD, Delimiters
from crossdock.connectivity.edi.edifact.elements import check_of
from crossdock.connectivity.edi.edifact.tables import known
from crossdock.connectivity.edi.edifact.watching import is_date, values

TABLE = """
[elements]
1 = "AN 2/4 text"
2 = "R 1/3 number"
3 = "ID 1/2 code = A BB"
4 = "ID 1/2 code ~ A BB"
[composites]
C001 = "1! 2 3"
C002 = "1 2"
[segments]
ONE = "1! C001 2*3 4 C002"
TWO = "1 2 3 4 | P0102 E0304"
SIX = "1 2 3 4 | R0102 C0304 L010203"
"""
KNOWN = Definitions().with_table(TABLE)
FOURTH = Delimiters(repetition="*")


def check(tag: str, delimiters: Delimiters = STANDARD) -> Check:
    return check_of(KNOWN.segments[tag], KNOWN, delimiters)


@given(
    st.lists(
        st.sampled_from(
            [
                *("", "AB", "AB:1", "AB:1:A", ":1", "1", "12.5", "1,5", ".5", "-7", "1*2", "A"),
                *("BB", "x", "ABCDE", " A", "  ", "AB::", "AB:::", "1.", "1.2.3", "A:B", "1234"),
            ]
        ),
        max_size=9,
    ),
    st.sampled_from(["ONE", "TWO", "SIX"]),
    st.sampled_from([STANDARD, FOURTH]),
)
def test_the_fast_look_accepts_nothing_that_the_slow_look_refuses(
    parts: list[str], tag: str, delimiters: Delimiters
) -> None:
    made = check(tag, delimiters)
    segment = "+".join([tag, *parts])
    slow = made.faults(segment)
    assert list(made.look(segment)) == slow
    if made.accepts(segment) and not made.rules:
        assert slow == []


@pytest.mark.parametrize(
    ("segment", "kind", "at"),
    [
        ("ONE", "MISSING", (1, 0, 0)),
        ("ONE+AB+:1", "MISSING", (2, 1, 0)),
        ("ONE+A", "SHORT", (1, 0, 0)),
        ("ONE+  ", "VALUE", (1, 0, 0)),
        ("ONE+A\x01", "CHARACTER", (1, 0, 0)),
        ("ONE+AB:C", "EXTRA", (1, 0, 0)),
        ("ONE+AB+AB:1:C", "CODE", (2, 3, 0)),
        ("ONE+AB++1++3", "LONG", None),
        ("ONE+AB++1+2+1234", "LONG", (5, 0, 0)),
        ("ONE+AB++1+2+3+C", "CODE", (6, 0, 0)),
        ("ONE+AB++1+2+3+A+AB+1", "EXTRA", (8, 0, 0)),
        ("TWO+AB", "CONDITION", (2, 0, 0)),
        ("TWO+++A+A", "EXCLUDED", (4, 0, 0)),
        ("SIX++++", "CONDITION", (1, 0, 0)),
        ("SIX++1+A", "CONDITION", (4, 0, 0)),
        ("SIX+AB", "CONDITION", (2, 0, 0)),
    ],
)
def test_a_fault_says_its_kind_and_place(
    segment: str, kind: str, at: tuple[int, int, int] | None
) -> None:
    told = check(segment[:3]).look(segment)
    if at is None:
        assert told == ()
        return
    [one] = told
    assert (one.code, (one.element, one.component, one.repetition)) == (kind, at)


def test_a_repetition_is_told_by_its_number_since_syntax_4() -> None:
    made = check("ONE", FOURTH)
    assert made.look("ONE+AB++1*2*3") == ()
    [one] = made.look("ONE+AB++1*x*3")
    assert (one.code, one.element, one.repetition) == ("NUMBER", 3, 2)
    [one] = made.look("ONE+AB++1*2*3*4")
    assert (one.code, one.says) == ("REPEATED", "it is there 4 times, and 3 are the most")


def test_which_elements_may_be_there_together_is_worked_out_once() -> None:
    made = check("TWO")
    assert made.look("TWO+AB+1") == made.look("TWO+CD+2") == ()
    assert len(made.kept) == 1


def test_a_fault_of_an_open_list_of_codes_is_a_warning() -> None:
    [one] = check("ONE").look("ONE+AB+++++C")
    assert one.is_warning
    assert one.says == "'C' is no code of code that is known here"


@pytest.mark.parametrize(
    ("value", "form"),
    [
        *(("20261128", "102"), ("261128", "101"), ("202611280510", "203"), ("2611280510", "201")),
        *(("20261128051059", "204"), ("0510", "401"), ("202611", "610"), ("2026", "602")),
        *(("20261128-20261231", "718"), ("2026112820261231", "718"), ("anything", "ZZZ")),
    ],
)
def test_a_date_is_one_by_its_format(value: str, form: str) -> None:
    assert is_date(value, form)
    assert form == "ZZZ" or not is_date(value + "0", form)
    assert form == "ZZZ" or not is_date("99" * (len(value) // 2), form) or form == "602"


def test_versions_are_known_from_the_first_that_there_is_a_table_of() -> None:
    assert known("D:96A") is known("D:96B")
    assert known("D:93A") is None
    assert known("S:96A") is None
    assert known("D:9") is None
    assert known("D:xxA") is None
    for version in ("", "D:3", "4:1", "2:2"):
        service = known(version)
        assert service is not None
        assert list(service.sets) == ["CONTRL"]


@pytest.mark.parametrize("version", ["D:96A", "D:01B"])
def test_every_segment_of_the_tables_has_an_expression(version: str) -> None:
    found = known(version)
    assert found is not None
    for delimiters in (STANDARD, FOURTH):
        for definition in found.segments.values():
            made = check_of(definition, found, delimiters)
            assert made.accepts(definition.tag) or made.faults(definition.tag)


@pytest.mark.parametrize(
    ("segment", "at"),
    [
        ("LIN+1++4006381333931:EN::9", 0),
        ("LIN+1++4006381333932:EN::9", 3),
        ("LIN+1++ 4006381333931:EN", 0),
        ("LIN+1++4006381333932:SA", 0),
        ("PIA+5+NUT-8:SA+4006381333932:EN", 3),
    ],
)
def test_the_number_of_an_item_is_checked_beside_the_code_that_says_it_is_one(
    segment: str, at: int
) -> None:
    watch = values(segment[:3], STANDARD)
    assert watch
    assert [one.element for one in watch(segment)] == ([at] if at else [])
