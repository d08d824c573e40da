"""What a source lists of each line, added up: never a sum of what cannot be added."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.reconciliation.open_dumps import OpenRow, numbered
from crossdock.capabilities.reconciliation.open_service import listed

amounts = st.integers(0, 9)
rows = st.tuples(
    st.sampled_from(["L1", "L2"]), st.sampled_from(["EA", "BOX"]), st.sampled_from("AB"), amounts
)


def row(line: str, unit: str, item: str, pieces: int) -> OpenRow:
    return OpenRow(*numbered("PO-1", line), "DC1", item, pieces * MICROS, unit, 0)


@given(st.lists(rows, max_size=8))
def test_a_line_of_one_item_and_unit_is_listed_with_its_sum_and_others_are_not(
    said: list[tuple[str, str, str, int]],
) -> None:
    found = listed(row(*one) for one in said)

    for line in ("L1", "L2"):
        here = [one for one in said if one[0] == line]
        total = sum(one[3] for one in here)
        is_one = len({one[1:3] for one in here}) == 1
        if not is_one or not total:
            assert f"PO-1/{line}" not in found
            continue
        _, unit, item, _ = here[0]
        assert found[f"PO-1/{line}"] == (item, "DC1", Quantity(Decimal(total), unit))
