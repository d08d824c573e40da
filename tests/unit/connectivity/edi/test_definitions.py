"""Tables are read as they are written, and what is wrong with one is said with its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.edi.definitions import MANY, Condition, Definitions, Malformed, tags
from crossdock.connectivity.edi.numbers import Seen
from crossdock.connectivity.edi.structure import structure_of
from crossdock.connectivity.edi.x12.tables import known

TABLE = '''
[elements]
98 = "ID 2/3 party = BY ST"
93 = "AN 1/60"
[composites]
C001 = "93! 98"
[segments]
N1 = "98! 93*5 C001 | R0203 C0302"
N3 = "93"
[sets.850]
name = "purchase order"
group = "PO"
structure = """
N3 !
@N1 200
  N1 !
  N3 2
N3 *
"""
'''


def test_a_table_is_read_as_it_is_written() -> None:
    found = Definitions().with_table(TABLE)
    party = found.elements["98"]
    assert (party.type, party.least, party.most, party.codes) == ("ID", 2, 3, ("BY", "ST"))
    assert party.is_closed
    n1 = found.segments["N1"]
    assert [(one.number, one.is_mandatory, one.times) for one in n1.uses] == [
        ("98", True, 1),
        ("93", False, 5),
        ("C001", False, 1),
    ]
    assert n1.conditions == (Condition("R", (2, 3)), Condition("C", (3, 2)))
    assert [one.name for one in n1.conditions] == ["R0203", "C0302"]
    order = found.sets["850"]
    assert [(one.name, one.most, one.is_mandatory) for one in order.parts] == [
        ("N3", 1, True),
        ("N1", 200, False),
        ("N3", MANY, False),
    ]
    assert list(tags(order.parts)) == ["N3", "N1", "N3", "N3"]


def test_a_later_table_stands_in_the_place_of_an_earlier_one() -> None:
    found = Definitions().with_table(TABLE).with_table('[elements]\n93 = "AN 1/80"')
    assert found.elements["93"].most == 80
    assert found.elements["98"].most == 3


def test_parts_and_loops_on_one_line_are_those_on_lines_of_their_own() -> None:
    short = TABLE[: TABLE.index("N3 !")] + "N3 !\n@N1 200: N1 !, N3 2\nN3 *, N1 3" + '"""'
    long = TABLE.replace("\nN3 *\n", "\nN3 *\nN1 3\n")
    assert Definitions().with_table(short) == Definitions().with_table(long)


def test_of_a_segment_it_can_be_said_that_its_elements_are_not_looked_into() -> None:
    found = Definitions().with_table('[segments]\nLH1 = "*"')
    assert found.segments["LH1"].uses == ()


def test_a_later_table_names_the_sets_of_earlier_ones_that_stay() -> None:
    first = Definitions().with_table(TABLE)
    other = '[sets.860]\nstructure = "N1"'
    assert [*first.with_table('stay = "850"\n' + other).sets] == ["850", "860"]
    assert [*first.with_table('stay = ""\n' + other).sets] == ["860"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[elements", "this is no TOML"),
        ('stay = "850"', "850 is to stay, and no table defines it"),
        ("elements = 3", "[elements] is a table of entries"),
        ('[elements]\n1 = "XX 1/2"', "element 1: 'XX 1/2' is not like"),
        ("[elements]\n1 = 3", "element 1: 3 is not like"),
        ('[segments]\nN1 = ""', "segment N1: '' is not like"),
        ('[segments]\nN1 = "98 ?"', "segment N1: '98 ?' is not like"),
        ('[segments]\nN1 = "98 | Z01"', "segment N1"),
        ('[segments]\nN1 = "98"', "N1 names 98, which no table defines"),
        ('[elements]\n9 = "AN 1/2"\n[segments]\nN1 = "9 | P0102"', "N1 has no element for P0102"),
        ("[sets.850]\nname = 'x'", "set 850: its structure is missing"),
        ("[sets.850]\nstructure = 'n1'", "set 850: 'n1' is not like"),
        ("[sets.850]\nstructure = 'N1'", "850 names N1, which no table defines"),
        ("[sets.850]\nstructure = '@N1 2'", "set 850: loop N1 begins with no segment"),
        ("[sets.850]\nstructure = '  N1'", "set 850: '  N1' is indented as no line before it"),
    ],
)
def test_what_is_wrong_with_a_table_is_said_with_its_entry(text: str, says: str) -> None:
    with pytest.raises(Malformed) as refused:
        Definitions().with_table(text)
    assert says in str(refused.value)


def test_a_version_between_two_tables_is_read_by_the_earlier_one() -> None:
    first = known("004010")
    assert first is not None
    assert known("004010VICS") is first
    assert known("004060") is first
    second = known("005010")
    assert known("005010UCS") is known("007030") is second
    assert second is not first
    assert [known(one) for one in ("003040", "", "x", "00401X")] == [None] * 4


def test_a_segment_is_looked_for_onwards_then_in_another_turn_then_outside() -> None:
    found = structure_of(Definitions().with_table(TABLE).sets["850"])
    node, ways = found.start, []
    for tag in ("N3", "N1", "N3", "N3", "N3", "N1"):
        step = found.step(node, tag)
        assert step is not None
        turn = step.turns or step.enters
        ways.append((step.to.loop.name, step.repeats, turn.name if turn else ""))
        node = step.to
    assert ways == [
        ("850", False, ""),
        ("N1", False, "N1"),
        ("N1", False, ""),
        ("N1", True, ""),
        ("N1", True, ""),
        ("N1", False, "N1"),
    ]
    assert found.step(node, "ZZ") is None
    assert [one.tag for one in found.missing_at_end(found.start)] == ["N3"]


@given(st.lists(st.integers(0, 60).map(lambda one: f"{one:04}") | st.sampled_from(["A", "B"])))
def test_a_number_is_new_once_in_whatever_order_they_come(numbers: list[str]) -> None:
    seen, known_before = Seen(), set[str]()
    for number in numbers:
        assert seen.add(number) == (number not in known_before)
        known_before.add(number)
    assert seen.starts == sorted(seen.starts)
    assert all(start <= end for start, end in zip(seen.starts, seen.ends, strict=True))
