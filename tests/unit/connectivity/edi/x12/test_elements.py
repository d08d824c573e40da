"""The fast look at a segment lets nothing pass that the slow one refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.edi.definitions import Definitions
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from crossdock.connectivity.edi.x12.elements import check_of
from crossdock.connectivity.edi.x12.tables import known

CARETS = Delimiters(element="*", component=":", segment="~", repetition="^")
KNOWN = known("004010") or Definitions()
TABLE = """
[elements]
1 = "ID 2/2 kind = AA AB"
2 = "ID 1/3 kind ~ A BB"
3 = "N2 1/5 amount"
4 = "R 2/4 rate"
5 = "DT 8/8 day"
6 = "DT 6/8 day"
7 = "DT 6/6 day"
8 = "TM 4/8 time"
9 = "AN 2/5 text"
10 = "B 1/5 bytes"
[composites]
C001 = "1! 9 3"
C002 = "9 1"
[segments]
XX = "1! 2 3 4*3 5 6 7 8 9 C001 C002 10 | P0304 R0506 E0708 C0910 L100911"
"""
OWN = Definitions().with_table(TABLE)
CHECK = check_of(OWN.segments["XX"], OWN, CARETS)
VALUE = st.sampled_from(
    (
        *("", "AA", "AB", "AC", "A", "BB", "1", "-12", "1.5", "123456", "-1.25", ".5", "12."),
        *("1-2", "20260228", "20260229", "20240229", "260131", "20260431", "1430", "143060"),
        *("2460", "9", " ab", "ab ", "  ", "abcdef", "AA:xy:12", "AA:x", ":xy", "xy:AA"),
        *("AA:xy:12:4", "1.5^2.5", "12^13^14^15", "\x07ab", "\u00b2\u00b2", "\u0663\u0663"),
    )
)


@given(st.lists(VALUE, max_size=14))
def test_what_the_fast_look_lets_pass_the_slow_one_does_not_refuse(values: list[str]) -> None:
    segment = "*".join(["XX", *values])
    if not CHECK.look(segment):
        assert CHECK.faults(segment) == []


@given(st.sampled_from(sorted(KNOWN.segments)), st.data())
def test_each_segment_of_the_tables_takes_what_they_say_that_it_takes(
    tag: str, data: st.DataObject
) -> None:
    definition = KNOWN.segments[tag]
    check = check_of(definition, KNOWN, CARETS)
    values = [data.draw(VALUE) for _ in definition.uses]
    segment = "*".join([tag, *values])
    if check.accepts(segment):
        assert not [one for one in check.faults(segment) if one.code not in {"2", "10"}]


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ("AA*BB*1*1.5*20260228****xy*AA:xy:12*xy:AA", []),
        ("", [(1, 0, 0, "1", False), (5, 0, 0, "2", False)]),
        ("AC****20260228", [(1, 0, 0, "7", False)]),
        ("AA*CC***20260228", [(2, 0, 0, "7", True)]),
        ("AA**1x*1.5*20260228", [(3, 0, 0, "6", False)]),
        ("AA**1**20260228", [(4, 0, 0, "2", False)]),
        ("AA**1*12345*20260228", [(4, 0, 0, "5", False)]),
        ("AA**1*1^22^33^44*20260228", [(4, 0, 0, "12", False), (4, 0, 1, "4", False)]),
        ("AA****20260231", [(5, 0, 0, "8", False)]),
        ("AA*****2602311", [(6, 0, 0, "8", False)]),
        ("AA****20260228**260101*1460", [(8, 0, 0, "9", False), (8, 0, 0, "10", False)]),
        ("AA****20260228****x\x07", [(9, 0, 0, "6", False), (10, 0, 0, "2", False)]),
        ("AA****20260228****  *AA", [(9, 0, 0, "6", False)]),
        ("AA****20260228****xy*AC:x:1:4", [
            (10, 0, 0, "13", False), (10, 1, 0, "7", False), (10, 2, 0, "4", False),
        ]),
        ("AA****20260228*****:xy*xy", [(10, 1, 0, "1", False)]),
        ("AA****20260228*****AA", [(9, 0, 0, "2", False)]),
        ("AA:AB****20260228", [(1, 0, 0, "13", False)]),
        ("AA****20260228*******12345*1*2", [(13, 0, 0, "3", False)]),
        ("AA****20260228***", []),
    ],
)  # fmt: skip
def test_a_fault_of_an_element_has_its_place_and_code(
    values: str, faults: list[tuple[int, int, int, str, bool]]
) -> None:
    told = CHECK.look(f"XX*{values}")
    assert [
        (one.element, one.component, one.repetition, one.code, one.is_warning) for one in told
    ] == faults
    assert all(one.says for one in told)
