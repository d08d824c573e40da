"""Which of the two a file is, its first bytes say."""

import pytest

from crossdock.connectivity.edi.recognising import LOOKED_AT, recognised
from tests.unit.connectivity.edi.edifact.interchanges import chunks
from tests.unit.connectivity.edi.edifact.interchanges import interchange as edifact
from tests.unit.connectivity.edi.x12.interchanges import interchange as x12


@pytest.mark.parametrize(
    ("text", "is_edifact"),
    [
        (edifact(), True),
        (edifact(has_advice=False), True),
        ("\xef\xbb\xbf\r\n" + edifact(), True),
        ("UNH+1+ORDERS:D:96A:UN'", True),
        (x12(), False),
        ("mail " + x12(), False),
        (x12() + edifact(), False),
        (edifact() + x12(), True),
        ("VISA UNBOUND", False),
        ("", False),
        ("x" * LOOKED_AT + " " + edifact(), False),
    ],
)
def test_a_file_is_what_begins_first_and_it_is_read_whole(text: str, *, is_edifact: bool) -> None:
    for size in (7, 1 << 16):
        said, rest = recognised(chunks(text, size))
        assert said is is_edifact
        assert b"".join(rest) == text.encode("latin-1")
