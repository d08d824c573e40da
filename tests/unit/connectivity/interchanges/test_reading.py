"""Interchanges of a file one by one: their very bytes, whatever pieces they come in."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.interchanges import reading
from crossdock.connectivity.interchanges.model import Interchange
from crossdock.connectivity.interchanges.reading import Aside, Part, read
from tests.processes.exchanged import order, orders, said_997, x12

BODIES = {
    "order": x12(1, order()),
    "two sets": x12(2, order("a", "0001"), order("b", "0002")),
    "answer": x12(3, said_997(7), functional="FA"),
    "ta1": x12(4, beside="TA1*000000001*261128*0510*A*000~"),
    "cut off": x12(5, order()).partition(b"IEA")[0],
}
X12 = st.lists(st.sampled_from(sorted(BODIES)), min_size=1, max_size=5)


def pieces(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))


def whole(body: bytes, size: int) -> list[tuple[bytes, Interchange]]:
    """Give each interchange with its bytes."""
    found: list[tuple[bytes, Interchange]] = []
    held = b""
    for one in read(pieces(body, size)):
        if isinstance(one, Part):
            held += one.body
        elif isinstance(one, Interchange):
            found.append((held, one))
            held = b""
    assert held == b""
    return found


@given(
    names=X12,
    size=st.integers(min_value=1, max_value=200),
    between=st.sampled_from(["", "\n"]),
)
def test_each_interchange_has_its_very_bytes_however_they_come(
    names: list[str], size: int, between: str
) -> None:
    parts = [BODIES[name] for name in names]

    found = whole(between.encode().join(parts), size)

    assert [body.rstrip(b"\n") for body, _ in found] == [*parts]
    assert [len(body) for body, _ in found] == [one.size for _, one in found]
    again = whole(between.encode().join(parts), 1000)
    assert [one.digest for _, one in found] == [one.digest for _, one in again]
    digests = [[each.digest for each in one.documents] for _, one in found]
    assert digests == [[each.digest for each in one.documents] for _, one in again]


@given(st.integers(min_value=1, max_value=100))
def test_interchanges_of_edifact_have_their_bytes_too(size: int) -> None:
    one, other = b"UNA:+.? '" + orders("1"), orders("2")

    assert [body for body, _ in whole(one + b"\r\n" + other, size)] == [one, other]


def test_a_large_interchange_is_handed_on_in_parts() -> None:
    body = x12(1, *(order(str(number), f"{number:04}") for number in range(30_000)))

    parts = [one for one in read(pieces(body, 1 << 16)) if isinstance(one, Part)]

    assert len(parts) > 2
    assert max(len(one.body) for one in parts) <= reading.PART
    assert b"".join(one.body for one in parts) == body


def test_findings_are_kept_as_far_as_they_are_wanted() -> None:
    wrong = "".join(order("x" * 40, f"{number:04}") for number in range(600))
    [(_, found)] = whole(x12(1, wrong), 1000)

    assert len(found.findings) == reading.FINDINGS_MAX


@pytest.mark.parametrize("body", [b"junk", b"", b"\xff\xfe"])
def test_what_is_no_interchange_is_told_beside(body: bytes) -> None:
    found = list(read([body]))

    assert all(isinstance(one, Aside) for one in found)
    assert found


@given(st.binary(max_size=300), st.integers(min_value=0, max_value=400))
def test_whatever_happens_to_a_file_all_of_an_interchange_is_accounted_for(
    noise: bytes, at: int
) -> None:
    body = x12(1, order("a")) + x12(2, order("b"))
    spoilt = body[:at] + noise + body[at:]

    for held, one in whole(spoilt, 50):
        assert one.size == len(held) > 0
        assert held in spoilt
