"""Files are read whole, in any chunks and delimiters, and every byte of them is accounted for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.edi.edifact.delimiters import CONTROLS, STANDARD, Delimiters, plain
from crossdock.connectivity.edi.edifact.reading import Page, pages
from crossdock.connectivity.edi.edifact.writing import Form, Value, written
from crossdock.connectivity.edi.source import SEGMENT_MAX, Gap
from tests.unit.connectivity.edi.edifact.interchanges import (
    ORDER,
    chunks,
    found,
    interchange,
    message,
)

FOURTH = Delimiters(repetition="*")
DELIMITERS = st.sampled_from(
    [
        (STANDARD, ("UNOC", "3")),
        (FOURTH, ("UNOC", "4")),
        (Delimiters(component="*", element="@", segment="#"), ("UNOA", "3")),
        (Delimiters(element="|", segment="\n", decimal=","), ("UNOC", "3")),
        (Delimiters(segment="\r", release="^"), ("UNOC", "2")),
        (Delimiters(component="\x1f", element="\x1d", segment="\x1c"), ("UNOB", "1")),
    ]
)
LAYOUTS = st.sampled_from(["", "\n", "\r\n", "\n\t ", "\n\n"])
Said = tuple[Delimiters, tuple[str, str]]


def segments(text: str | bytes, size: int = 1 << 16) -> list[list[list[str]]]:
    """Read a file, each segment as its elements, each of them as its components."""
    return [
        [
            [plain(one, page.delimiters) for one in element.split(page.delimiters.component)]
            for element in segment.split(page.delimiters.element)
        ]
        for page in pages(chunks(text, size))
        if isinstance(page, Page)
        for segment in page.segments
    ]


@given(
    DELIMITERS,
    LAYOUTS,
    st.integers(1, 200),
    st.sampled_from(["", "\xef\xbb\xbf", "\r\n", "mail "]),
)
def test_segments_are_the_same_in_whatever_chunks_a_file_comes(
    said: Said, layout: str, size: int, before: str
) -> None:
    delimiters, syntax = said
    one = interchange(delimiters=delimiters, line_end=layout, syntax=syntax)
    text = before + one + one.replace("4711", "4712") + "\x1a"
    whole = segments(text)
    assert len(whole) == 2 * (len(ORDER) + 4)
    assert segments(text, size) == whole
    assert whole[11] == [["IMD"], ["F"], [""], ["", "", "", "BOLT 8'IN: 5+1?"]]
    assert whole[2] == [["BGM"], ["220"], ["4711"], ["9"]]


@given(
    st.binary(max_size=2_000)
    | st.text(alphabet="UNABZH+:'?*|\n\r 0", max_size=600).map(str.encode)
)
def test_whatever_comes_is_read_to_its_end_and_no_byte_is_lost(data: bytes) -> None:
    begun = interchange().encode()
    for text in (data, begun[:-10] + data, begun + data + begun, b"UNA" + data + begun):
        read = list(pages(chunks(text, 97)))
        assert "".join(one.raw for one in read).encode("latin-1") == text
        assert all(one.offset + len(one.raw) == other.offset for one, other in pairwise(read))
        assert segments(text, 97) == segments(text)
        assert found(text) is not None


@given(DELIMITERS, LAYOUTS, st.integers(1, 90))
def test_a_segment_is_found_at_the_byte_that_is_told(said: Said, layout: str, size: int) -> None:
    delimiters, syntax = said
    body = (*ORDER[:-2], ("FTX", "AAI", "", "", ("?'+ ??", "'")), *ORDER[-2:])
    text = "\n" + interchange(message(body), delimiters=delimiters, line_end=layout, syntax=syntax)
    for page in pages(chunks(text, size)):
        if isinstance(page, Page):
            for index, segment in enumerate(page.segments):
                at = page.offset_of(index)
                assert text[at : at + 4] == segment[:4]


VALUES = st.text(
    st.characters(codec="latin-1", exclude_categories=["Cc"]) | st.sampled_from("?+:'* "),
    max_size=12,
)


@given(
    st.lists(st.lists(st.lists(VALUES, min_size=1, max_size=3), max_size=4), max_size=5),
    st.sampled_from([STANDARD, FOURTH]),
)
def test_what_is_written_is_read_as_it_was(
    lines: list[list[list[str]]], delimiters: Delimiters
) -> None:
    body: list[list[Value]] = [["FTX", *line] for line in lines]
    syntax = ("UNOC", "4" if delimiters.repetition else "3")
    text = interchange(message(body), delimiters=delimiters, syntax=syntax)
    assert segments(text)[2 : 2 + len(lines)] == [trimmed([["FTX"], *line]) for line in lines]


def trimmed(line: list[list[str]]) -> list[list[str]]:
    """Leave out what is empty at the ends, as whoever writes does."""
    parts = [list(one) for one in line]
    for one in parts:
        while len(one) > 1 and not one[-1]:
            one.pop()
    while len(parts) > 1 and parts[-1] == [""]:
        parts.pop()
    return parts


def test_lines_that_are_wrapped_at_80_characters_are_joined_even_behind_a_release() -> None:
    text = interchange()
    for width in (80, text.index("?'") + 1):
        wrapped = "\r\n".join(text[at : at + width] for at in range(0, len(text), width))
        assert segments(wrapped) == segments(text)


def test_each_interchange_is_read_by_its_own_delimiters() -> None:
    other = Delimiters(component="*", element="@", segment="#")
    text = interchange() + interchange(delimiters=other) + interchange(has_advice=False)
    heads = [one.delimiters for one in pages(chunks(text)) if isinstance(one, Page) and one.header]
    assert heads == [STANDARD, other, STANDARD]


def test_an_interchange_without_a_trailer_ends_where_another_begins() -> None:
    text = interchange()
    cut = text[: text.index("UNZ")] + "\n" + interchange(reference="I2")
    assert len(segments(cut)) == 2 * len(segments(text)) - 1
    assert [one.code for one in found(cut)] == ["UNZ-MISSING"]


def test_syntax_1_of_level_b_has_its_own_separators_without_an_advice() -> None:
    syntax = ("UNOB", "1")
    text = interchange(delimiters=CONTROLS, has_advice=False, syntax=syntax)
    assert text.startswith("UNB\x1dUNOB\x1f1\x1d")
    assert segments(text)[11][3] == ["", "", "", "BOLT 8'IN: 5+1?"]


@pytest.mark.parametrize(
    ("level", "codec"),
    [("UNOC", "latin-1"), ("UNOD", "iso8859-2"), ("UNOY", "utf-8"), ("UNOW", "utf-8")],
)
def test_bytes_are_read_by_the_character_set_of_the_interchange(level: str, codec: str) -> None:
    body = (*ORDER[:3], ("FTX", "AAI", "", "", "Müße 5?"), *ORDER[3:])
    text = interchange(message(body), syntax=(level, "3")).encode(codec)
    assert segments(text, 7)[5] == [["FTX"], ["AAI"], [""], [""], ["Müße 5?"]]


@pytest.mark.parametrize("codec", ["latin-1", "utf-8"])
def test_bytes_in_a_set_that_has_none_are_read_as_what_they_can_be(codec: str) -> None:
    body = (*ORDER[:3], ("FTX", "AAI", "", "", "MÜßE 5?"), *ORDER[3:])
    text = interchange(message(body), syntax=("UNOA", "3")).encode(codec)
    assert segments(text, 7)[5] == [["FTX"], ["AAI"], [""], [""], ["MÜßE 5?"]]


def test_bytes_that_are_of_no_character_are_told_and_shown_as_such() -> None:
    text = interchange(syntax=("UNOY", "4")).encode().replace(b"BOLT 8", b"B\xff\xfeLT 8")
    [told] = found(text)
    assert (told.code, told.value) == ("ELEMENT-CHARACTER", ":::B\ufffd\ufffdLT 8'IN: 5+1?")
    assert told.says.encode("utf-8")


def test_a_segment_without_an_end_is_given_up_and_what_follows_is_read() -> None:
    text = interchange()[:200] + "x" * (SEGMENT_MAX + 200_000) + " " + interchange(reference="I2")
    read = list(pages(chunks(text)))
    assert [one.because for one in read if isinstance(one, Gap) and one.because] == [
        'no terminator "\'" comes within a million bytes'
    ]
    assert sum(isinstance(one, Page) and one.header is not None for one in read) == 2


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("UNB+UNOC:3", "UNB is not ended by"),
        ("UNB+" + "0" * 4_000, "UNB is not ended by"),
        ("UNB*UNOC:3'", "behind UNB stands '*', and '+' parts"),
        ("UNA:+.?G'UNBG", "behind UNB stands 'G', and '+' parts"),
        ("UNA:+.? GUNB+UNOCG", "UNA has the segment separator 'G'"),
        ("UNA::.? 'UNB:UNOC'", "UNA says one character for two purposes"),
        ("UNA: .? 'UNB UNOC'", "UNA has the element separator ' '"),
    ],
)
def test_a_header_that_says_no_delimiters_is_refused_with_the_reason(
    text: str, because: str
) -> None:
    found = [one for one in pages(chunks(text)) if isinstance(one, Gap) and one.because]
    assert because in found[0].because


def test_nothing_is_released_where_the_advice_says_a_blank() -> None:
    form = Form(delimiters=Delimiters(release=""))
    assert written([["FTX", "A?"]], form) == "FTX+A?'"
    body = (*ORDER[:3], ("FTX", "AAI", "", "", "A?"), *ORDER[5:9], *ORDER[10:])
    text = interchange(message(body), delimiters=form.delimiters)
    assert text.startswith("UNA:+.  '")
    assert segments(text)[5] == [["FTX"], ["AAI"], [""], [""], ["A?"]]
