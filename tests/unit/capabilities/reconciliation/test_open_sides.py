"""Open lines of both sides, gathered: what is left of ours that a full dump does not name."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from crossdock.capabilities.reconciliation.open_dumps import OpenRow, OpenSaid
from crossdock.capabilities.reconciliation.open_lines import line_of
from crossdock.capabilities.reconciliation.open_sides import LeftLine, OpenSide
from crossdock.capabilities.reconciliation.sorting import Sorted

names = st.text("Aa/0é", max_size=3)


def left_of(
    named: Sequence[tuple[str, str]], kept: Sequence[tuple[str, str]], *, by_line: bool = False
) -> list[tuple[str, str]]:
    with Sorted(list[OpenRow], part_rows=3) as rows, Sorted(list[LeftLine], part_rows=2) as ours:
        side = OpenSide(OpenSaid(rows=()), rows)
        for document, line in named:
            side.add([OpenRow(document, line, "DC1", "BOLT", 1, "", 1)])
        ours.add(LeftLine(*one, "BOLT", "DC1", "erp", 1, 0, 1) for one in kept[:4])
        ours.add(LeftLine(*one, "BOLT", "DC1", "erp", 1, 0, 1) for one in kept[4:])
        found = list(side.left_of(ours, by_line=by_line))
    assert [document for document, _ in found] == sorted({document for document, _ in found})
    return [(line.document, line.reference) for _, lines in found for line in lines]


@given(named=st.lists(names, max_size=9), kept=st.lists(st.tuples(names, names), max_size=9))
def test_what_is_left_is_every_line_of_every_document_that_is_not_named(
    named: list[str], kept: list[tuple[str, str]]
) -> None:
    documents = [(document, "1") for document in named]

    assert left_of(documents, kept) == sorted(one for one in kept if one[0] not in named)


@given(
    named=st.lists(st.tuples(names, names), max_size=9),
    kept=st.lists(st.tuples(names, names), max_size=9),
)
def test_by_line_every_line_is_left_that_is_not_named(
    named: list[tuple[str, str]], kept: list[tuple[str, str]]
) -> None:
    left = [one for one in kept if (one[0], line_of(*one)) not in named]

    assert left_of(named, kept, by_line=True) == sorted(left)
