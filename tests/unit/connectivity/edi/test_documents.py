"""What is read as a document is written again, and read again as the same."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.edi import standards
from crossdock.connectivity.edi.documents import (
    DEPTH_MAX,
    Document,
    Part,
    Segment,
    Turn,
    Value,
    as_json,
    from_json,
    segments_of,
)
from tests.unit.connectivity.edi.edifact import interchanges as edifact
from tests.unit.connectivity.edi.x12 import interchanges as x12
from tests.unit.connectivity.edi.x12.sets import BODIES

PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=12)
TAGS = st.sampled_from(["BEG", "REF", "N1", "PO1", "PID", "CTT", "ZZ9", "HL"])


def read(text: str | bytes) -> list[Document]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(standards.documents([data]))


def written(documents: Iterable[Document], **how: str) -> bytes:
    return b"".join(standards.composed(documents, **how))


def through_json(document: Document) -> Document:
    return from_json(json.loads(json.dumps(as_json(document))))


def laid_out(parts: Sequence[Part]) -> list[object]:
    """Name the segments of parts, those of a loop in a list behind its name."""
    return [(one.loop, laid_out(one.parts)) if isinstance(one, Turn) else one[0] for one in parts]


@pytest.mark.parametrize("set_id", BODIES)
def test_every_set_is_the_same_when_it_is_written_and_read_again(set_id: str) -> None:
    [document] = read(x12.interchange(BODIES[set_id], set_id=set_id))

    again = read(written([through_json(document)]))

    assert [as_json(one) for one in again] == [as_json(document)]
    assert document.kind == set_id


@pytest.mark.parametrize(("body", "kind"), [(edifact.ORDER, "ORDERS"), (edifact.NOTICE, "DESADV")])
def test_a_message_is_the_same_when_it_is_written_and_read_again(
    body: Sequence[Sequence[Value]], kind: str
) -> None:
    [document] = read(edifact.interchange(edifact.message(body, kind)))

    again = read(written([through_json(document)]))

    assert [as_json(one) for one in again] == [as_json(document)]


def test_segments_stand_in_the_loops_that_they_belong_to() -> None:
    [document] = read(x12.interchange())

    assert laid_out(document.parts) == [
        *("BEG", "CUR", "REF", "ITD", "DTM"),
        ("N1", ["N1", "N3", "N4"]),
        ("PO1", ["PO1", ("PID", ["PID"])]),
        ("PO1", ["PO1"]),
        ("CTT", ["CTT"]),
    ]


def test_a_set_that_no_table_defines_has_its_segments_beside_each_other() -> None:
    [document] = read(x12.interchange(("XYZ*1", "N1*ST*A"), set_id="999"))

    assert laid_out(document.parts) == ["XYZ", "N1"]


def test_sets_of_two_interchanges_and_groups_stand_under_their_own_headers() -> None:
    text = x12.interchange(control=1) + x12.interchange(control=2)

    documents = read(text)

    assert [(one.interchange, one.group) for one in documents] == [(1, 1), (2, 1)]
    again = written(documents)
    assert again.count(b"ISA*") == again.count(b"IEA*1*") == 2
    assert [as_json(one) for one in read(again)] == [as_json(one) for one in documents]


def test_an_interchange_that_came_twice_is_written_twice() -> None:
    assert written(read(x12.interchange() * 2)).count(b"ISA*") == 2


@given(
    st.lists(st.tuples(TAGS, st.lists(PLAIN, max_size=5)), max_size=8),
    st.sampled_from(["", "|:\n", "^>~\\", "\x1d\x1f\x1c"]),
)
def test_data_is_the_same_in_whatever_delimiters_or_is_refused(
    segments: list[tuple[str, list[str]]], delimiters: str
) -> None:
    [empty] = read(x12.interchange(()))
    parts: list[Part] = [_trimmed((tag, *elements)) for tag, elements in segments]
    document = replace(empty, parts=parts, encoding="utf-8")
    taken = delimiters or "*>~"
    data = "".join(one for _, elements in segments for one in elements)
    if any(one in data for one in taken):
        with pytest.raises(Invalid):
            written([document], delimiters=delimiters)
        return

    [again] = read(written([document], delimiters=delimiters))

    assert list(segments_of(again.parts)) == list(segments_of(parts))


@given(st.lists(st.tuples(TAGS, st.lists(PLAIN, max_size=5)), max_size=8))
def test_data_of_a_message_is_the_same_whatever_it_holds(
    segments: list[tuple[str, list[str]]],
) -> None:
    [empty] = read(edifact.interchange(edifact.message(()), syntax=("UNOY", "3")))
    parts: list[Part] = [_trimmed((tag, *elements)) for tag, elements in segments]

    [again] = read(written([replace(empty, parts=parts)]))

    assert list(segments_of(again.parts)) == list(segments_of(parts))


def _trimmed(segment: Segment) -> Segment:
    while len(segment) > 1 and not segment[-1]:
        segment = segment[:-1]
    return segment


def test_names_in_utf_8_are_read_and_written_as_such_and_others_byte_for_byte() -> None:
    text = x12.interchange(("BEG*00*SA*4711**20261128", "N1*ST*MÜLLER"))
    for encoding in ("utf-8", "latin-1"):
        [document] = read(text.encode(encoding))

        assert document.encoding == encoding
        assert "MÜLLER" in json.dumps(as_json(document), ensure_ascii=False)
        assert text.encode(encoding) == written([document])


def test_repetitions_and_composites_are_parted_and_written_again() -> None:
    text = x12.interchange(("MEA**WT*1*LB>KG", "LQ*A*1^2>3")).replace("*U*00401*", "*^*00501*")

    [document] = read(text)

    assert list(segments_of(document.parts)) == [
        ("MEA", "", "WT", "1", ("LB", "KG")),
        ("LQ", "A", (("1",), ("2", "3"))),
    ]
    assert written([document]) == text.encode()


def test_binary_data_may_hold_anything() -> None:
    text = x12.interchange(("BIN*7*a*b~c>d",), set_id="841")

    [document] = read(text)

    assert list(segments_of(document.parts)) == [("BIN", "7", "a*b~c>d")]
    assert written([document]) == text.encode()


def test_a_repetition_is_refused_where_nothing_parts_one() -> None:
    [document] = read(x12.interchange(()))
    repeated = replace(document, parts=[("LQ", (("1",), ("2",)))])

    with pytest.raises(Invalid, match="is repeated"):
        written([repeated])
    [message] = read(edifact.interchange(edifact.message(())))
    with pytest.raises(Invalid, match="is repeated"):
        written([replace(message, parts=[("LQ", (("1",), ("2",)))])])


def test_what_was_cut_off_is_not_written_as_if_it_were_whole() -> None:
    text = x12.interchange()
    [document] = read(text[: text.index("CTT*")])

    assert not document.is_complete
    with pytest.raises(Invalid, match="cut off"):
        written([document])


def test_standards_do_not_stand_in_one_file() -> None:
    with pytest.raises(Invalid, match="does not stand in a file"):
        written([*read(x12.interchange()), *read(edifact.interchange())])


def test_nothing_is_written_of_no_document() -> None:
    assert written([]) == b""


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"standard": 1}, "/standard"),
        ({"standard": "CSV"}, "/standard"),
        ({"kind": None}, "/kind"),
        ({"envelope": "ISA"}, "/envelope"),
        ({"envelope": []}, "/envelope"),
        ({"envelope": [["ISA", "00"], ["ST", "850", "1"]]}, "/envelope"),
        ({"delimiters": {"element": 1}}, "/delimiters"),
        ({"delimiters": {"element": "A"}}, "/delimiters"),
        ({"delimiters": {"element": "~"}}, "/delimiters"),
        ({"interchange": "1"}, "/interchange"),
        ({"segments": None}, "/segments"),
        ({"segments": [[]]}, "/segments/0"),
        ({"segments": [["BEG", 1]]}, "/segments/0/1"),
        ({"segments": [["BEG", ["A", 1]]]}, "/segments/0/1"),
        ({"segments": [{"loop": 1}]}, "/segments/0"),
        ({"segments": [{"loop": "N1", "segments": ["N1"]}]}, "/segments/0/segments/0"),
        ({"encoding": "ebcdic-none"}, "/encoding"),
    ],
)
def test_what_is_no_document_is_refused_and_the_place_is_named(
    change: dict[str, object], where: str
) -> None:
    [document] = read(x12.interchange())
    said = {**json.loads(json.dumps(as_json(document))), **change}

    with pytest.raises(Invalid) as refused:
        written([from_json(said)])

    assert refused.value.where == where


def test_loops_in_loops_without_end_are_refused() -> None:
    [document] = read(x12.interchange())
    inner: dict[str, object] = {"loop": "HL", "segments": []}
    for _ in range(DEPTH_MAX + 1):
        inner = {"loop": "HL", "segments": [inner]}

    with pytest.raises(Invalid, match="deeper"):
        from_json({**as_json(document), "segments": [inner]})


@pytest.mark.parametrize("said", ["*", "*>~^x", "A>~", "**~", ":+.? ", ":+.?  x", "++.? '"])
def test_delimiters_that_part_nothing_are_refused(said: str) -> None:
    document = read(x12.interchange()) if len(said) < 5 else read(edifact.interchange())

    with pytest.raises(Invalid):
        written(document, delimiters=said)


def test_a_message_is_written_in_other_separators_with_an_advice_that_says_them() -> None:
    [document] = read(edifact.interchange(has_advice=False))

    text = written([document], delimiters=";^.? $", line_end="\n")

    assert text.startswith(b"UNA;^.? $\nUNB^UNOC;3^")
    [again] = read(text)
    assert list(segments_of(again.parts)) == list(segments_of(document.parts))


def test_groups_stand_in_their_interchange_and_count_their_own() -> None:
    text = x12.interchange().replace(
        "IEA*1*",
        "GS*PO*A*B*20261128*0510*2*X*004010**~ST*850*0002~"
        "BEG*00*SA*1**20261128**~SE*3*0002~ST*850*0003~SE*2*0003~GE*2*2~IEA*2*",
    )

    documents = read(text)

    assert [(one.interchange, one.group) for one in documents] == [(1, 1), (1, 2), (1, 2)]
    again = written(documents)
    assert b"GE*1*1~GS*PO*A*B*20261128*0510*2*X*004010~" in again
    assert again.endswith(b"SE*2*0003~GE*2*2~IEA*2*000000001~")
    assert [as_json(one) for one in read(again)] == [as_json(one) for one in documents]


def test_a_set_in_no_group_is_written_in_none() -> None:
    text = x12.interchange()
    alone = (
        text[: text.index("GS*")]
        + text[text.index("ST*") : text.index("GE*")]
        + "IEA*0*000000001~"
    )

    [document] = read(alone)

    assert (document.group, document.version) == (0, "")
    assert written([document]) == alone.encode()


def test_messages_in_groups_and_in_none_are_counted_apart() -> None:
    order = edifact.message(())
    group = ("UNG", "ORDERS", "A", "B", ("261128", "0510"), "1", "")
    text = edifact.interchange(
        [group, *order, ("UNE", "1", "1")], [group, *order, ("UNE", "1", "1")]
    )

    documents = read(text)

    assert [(one.interchange, one.group) for one in documents] == [(1, 1), (1, 2)]
    again = written(documents)
    assert again.count(b"UNE+1+1'") == 2
    assert again.endswith(b"UNZ+2+I1'")
    assert [as_json(one) for one in read(again)] == [as_json(one) for one in documents]
    twice = written(read(edifact.interchange() * 2))
    assert twice.count(b"UNZ+1+I1'") == 2


def test_a_name_in_a_set_of_ascii_alone_is_utf_8() -> None:
    order = edifact.message((("NAD", "BY", "", "", "MÜLLER"),))
    text = edifact.interchange(order, syntax=("UNOA", "3"))

    [document] = read(text)

    assert document.encoding == "utf-8"
    assert written([document]) == text.encode()


def test_an_element_in_which_nothing_stands_has_no_components() -> None:
    [document] = read(x12.interchange(("MEA**WT*1*LB>>", "REF*>")))

    assert list(segments_of(document.parts)) == [("MEA", "", "WT", "1", "LB"), ("REF",)]


def test_a_repetition_is_a_list_of_lists() -> None:
    [document] = read(x12.interchange())
    said = {**as_json(document), "segments": [["LQ", [["1"], ["2", "3"]]]]}

    assert list(segments_of(from_json(said).parts)) == [("LQ", (("1",), ("2", "3")))]


def test_a_segment_of_empty_elements_is_read_in_time_that_grows_with_it() -> None:
    text = x12.interchange((f"REF*DP*1{'*' * 200_000}",))
    begun = process_time()

    [document] = read(text)

    assert list(segments_of(document.parts)) == [("REF", "DP", "1")]
    assert process_time() - begun < 5


@pytest.mark.parametrize(
    ("number", "trailer"), [("1", "+1'"), (["1", "2"], "+1'"), ([["1"]], "+1'"), ([], "'")]
)
def test_a_trailer_has_the_number_of_its_header_however_that_is_said(
    number: object, trailer: str
) -> None:
    [message] = read(edifact.interchange())
    said = as_json(message)
    *around, header = said["envelope"]
    again = {**said, "envelope": [*around, [header[0], number, *header[2:]]]}

    end = written([from_json(again)]).decode().partition("UNT+")[2]

    assert end.partition("UNZ")[0].endswith(trailer)
    assert "(" not in end


def test_a_trailer_of_x12_has_the_first_text_of_a_number_that_is_parted() -> None:
    [order] = read(x12.interchange())
    said = as_json(order)
    *around, header = said["envelope"]
    again = {**said, "envelope": [*around, [*header[:2], ["0001", "2"]]]}

    assert b"*0001~GE*" in written([from_json(again)])


def test_a_set_in_no_group_before_one_in_a_group_is_not_counted_with_it() -> None:
    text = x12.interchange()
    loose = "ST*850*0009~BEG*00*SA*1**20261128~SE*3*0009~"
    mixed = text.replace("GS*PO*", f"{loose}GS*PO*", 1)

    assert [one.group for one in read(mixed)] == [0, 1]
    assert b"GE*1*1~" in written(read(mixed))
