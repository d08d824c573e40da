"""Files are read whole, in any chunks and delimiters, and every byte of them is accounted for."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.edi.source import SEGMENT_MAX, Gap
from crossdock.connectivity.edi.x12.delimiters import Delimiters
from crossdock.connectivity.edi.x12.reading import Page, pages
from tests.unit.connectivity.edi.x12.interchanges import ORDER, STARS, chunks, interchange

DELIMITERS = st.sampled_from(
    [
        STARS,
        Delimiters(element="|", component="@", segment="\r"),
        Delimiters(element="*", component=">", segment="\n"),
        Delimiters(element="^", component=":", segment="\x1c"),
        Delimiters(element="\x07", component=">", segment="~"),
        Delimiters(element="\x1d", component="\x1f", segment="\x1c"),
        Delimiters(element="*", component=">", segment="\xe2\x80\xbe"),
    ]
)
LAYOUTS = st.sampled_from(["", "\n", "\r\n", "\n\t ", "\n\n"])


def segments(text: str | bytes, size: int = 1 << 16) -> list[str]:
    read = pages(chunks(text, size))
    return [one for page in read if isinstance(page, Page) for one in page.segments]


@given(
    DELIMITERS,
    LAYOUTS,
    st.integers(1, 200),
    st.sampled_from(["", "\xef\xbb\xbf", "\r\n", "mail "]),
)
def test_segments_are_the_same_in_whatever_chunks_a_file_comes(
    delimiters: Delimiters, layout: str, size: int, before: str
) -> None:
    one = interchange(delimiters=delimiters, line_end=layout)
    text = before + one + one.replace("4711", "4712") + "\x1a"
    whole = segments(text)
    assert len(whole) == 2 * (len(ORDER) + 6)
    assert segments(text, size) == whole
    assert [one.split(delimiters.element)[0] for one in whole[3:6]] == ["BEG", "CUR", "REF"]


@given(
    st.binary(max_size=2_000) | st.text(alphabet="ISAGE*~>|\n\r 0", max_size=600).map(str.encode)
)
def test_whatever_comes_is_read_to_its_end_and_no_byte_is_lost(data: bytes) -> None:
    begun = interchange().encode()
    for text in (data, begun[:-10] + data, begun + data + begun):
        read = list(pages(chunks(text, 97)))
        assert "".join(one.raw for one in read).encode("latin-1") == text
        assert all(one.offset + len(one.raw) == other.offset for one, other in pairwise(read))


@given(DELIMITERS, LAYOUTS, st.integers(1, 90))
def test_a_segment_is_found_at_the_byte_that_is_told(
    delimiters: Delimiters, layout: str, size: int
) -> None:
    text = "\n" + interchange(delimiters=delimiters, line_end=layout)
    for page in pages(chunks(text, size)):
        if isinstance(page, Page):
            for index, segment in enumerate(page.segments):
                at = page.offset_of(index)
                assert text[at : at + len(segment)] == segment


def test_lines_that_are_wrapped_at_80_characters_are_joined() -> None:
    text = interchange()
    wrapped = "\r\n".join(text[at : at + 80] for at in range(0, len(text), 80))
    assert segments(wrapped) == segments(text)


def test_each_interchange_is_read_by_its_own_delimiters() -> None:
    pipes = Delimiters(element="|", component="@", segment="\r")
    text = interchange() + interchange(delimiters=pipes) + interchange()
    heads = [one.delimiters for one in pages(chunks(text)) if isinstance(one, Page) and one.header]
    assert heads == [STARS, pipes, STARS]


def test_a_binary_segment_may_hold_delimiters_and_whole_interchanges() -> None:
    inner = interchange()
    body = (f"BIN*{len(inner)}*{inner}", "BDS*ASC*3*~*~")
    found = segments(interchange(body, set_id="841"))
    assert found[3:5] == list(body)
    assert segments(interchange(body, set_id="841"), 11) == found


@pytest.mark.parametrize("count", ["x", "", "99999999999", "5"])
def test_a_binary_segment_that_counts_wrongly_is_read_as_any_other(count: str) -> None:
    found = segments(interchange((f"BIN*{count}*abc", "CTT*1"), set_id="841"))
    assert found[3:5] == [f"BIN*{count}*abc", "CTT*1"]


def test_a_segment_without_an_end_is_given_up_and_what_follows_is_read() -> None:
    text = interchange()[:200] + "x" * (SEGMENT_MAX + 200_000) + " " + interchange(control=2)
    read = list(pages(chunks(text)))
    assert [one.because for one in read if isinstance(one, Gap) and one.because] == [
        "no terminator '~' comes within a million bytes"
    ]
    assert sum(isinstance(one, Page) and one.header is not None for one in read) == 2


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("ISA*00*", "the file ends within the header"),
        ("ISA*" + "0" * 500, "a header has 16 elements"),
        (interchange().replace(">~", ">G", 1), "the segment separator is 'G'"),
        (interchange().replace(">~", "> ", 1), "the segment separator is ' '"),
        (interchange().replace("*P*>", "*P**"), "two of the separators"),
    ],
)
def test_a_header_that_says_no_delimiters_is_refused_with_the_reason(
    text: str, because: str
) -> None:
    [found] = [one for one in pages(chunks(text)) if isinstance(one, Gap) and one.because]
    assert because in found.because
