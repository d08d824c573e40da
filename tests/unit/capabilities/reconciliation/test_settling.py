"""What a count comes to: right, counted again by another person, settled, or a case (§4.2)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.money import is_above
from crossdock.capabilities.reconciliation.settling import (
    CountRow,
    Matter,
    approval_case,
    differed_case,
    is_doubted,
    matter_of,
    withheld_of,
)
from tests.conftest import NOON

FIRST = CountRow(
    counted_id="ctd_1",
    bucket=("DC1", "BOLT", "AVAILABLE", "", "L1", ""),
    of="A",
    counted_at=NOON,
    heard_at=NOON,
    unit="EA",
    book=50 * MICROS,
    counted=40 * MICROS,
    value=12_000 * MICROS,
    currency="EUR",
    is_within=False,
    count_ref="M1",
    told_by="wms",
    counted_by="ann",
)


@pytest.mark.parametrize(
    ("is_within", "first", "by", "expected"),
    [
        (True, None, "ann", Matter.RIGHT),
        (False, None, "ann", Matter.RECOUNT),
        (True, FIRST, "bob", Matter.AGREED),
        (False, FIRST, "bob", Matter.DIFFERED),
        (True, FIRST, "ann", Matter.SAME_PERSON),
        (False, FIRST, "ann", Matter.SAME_PERSON),
        (True, FIRST, "", Matter.AGREED),
        (True, replace(FIRST, counted_by=""), "", Matter.AGREED),
    ],
)
def test_a_second_count_settles_the_first_unless_the_same_person_made_both(
    *, is_within: bool, first: CountRow | None, by: str, expected: Matter
) -> None:
    assert matter_of(replace(FIRST, is_within=is_within, counted_by=by), first) is expected


@given(st.booleans(), st.sampled_from([None, "ann", "bob"]), st.sampled_from(["", "ann"]))
def test_a_late_count_may_settle_what_waits_and_leaves_nothing_open_itself(
    is_within: bool,  # noqa: FBT001  # drawn by hypothesis, never passed by position
    first_by: str | None,
    by: str,
) -> None:
    late = replace(FIRST, is_within=is_within, counted_by=by, is_late=True)
    first = None if first_by is None else replace(FIRST, counted_by=first_by)
    in_time = matter_of(replace(late, is_late=False), first)

    found = matter_of(late, first)
    assert not is_doubted(replace(late, matter=found))
    assert found in {Matter.RIGHT, Matter.AGREED, Matter.LATE}
    assert found in {in_time, Matter.LATE}


@given(st.booleans(), st.text(max_size=3), st.text(max_size=3))
def test_no_two_counts_of_one_named_person_ever_agree(
    is_within: bool,  # noqa: FBT001  # drawn by hypothesis, never passed by position
    one: str,
    other: str,
) -> None:
    found = matter_of(
        replace(FIRST, is_within=is_within, counted_by=one), replace(FIRST, counted_by=other)
    )

    assert (found is Matter.SAME_PERSON) == (bool(one) and one == other)


def test_two_counts_that_do_not_agree_are_inventory_controls_and_money_is_finances() -> None:
    """The decision right of an adjustment above the cap is finance's (§7.3)."""
    differed = differed_case(replace(FIRST, counted_id="ctd_2", counted_by="bob"), FIRST)
    above = approval_case(FIRST)

    assert (differed.owner_role, differed.severity) == ("Inventory control", "S2")
    assert [one["counted_by"] for one in differed.evidence["counts"]] == ["ann", "bob"]
    assert differed_case(replace(FIRST, of="C"), FIRST).severity == "S3"
    assert (differed.location, above.location) == ("DC1", "DC1")
    assert (above.owner_role, above.evidence["responsible"]) == ("Finance", "Inventory control")
    assert is_above(FIRST, 10_000 * MICROS, "EUR")
    assert above.title == "a count of BOLT at DC1 adjusts 12000 EUR: it is to be approved"


@given(st.lists(st.integers(-100, 100)))
def test_withheld_is_what_the_ledger_is_above_the_lowest_number_of_the_counts_that_wait(
    gains: list[int],
) -> None:
    heights = [sum(gains[:n]) for n in range(len(gains) + 1)]

    assert withheld_of(gains) == heights[-1] - min(heights)


@pytest.mark.parametrize(
    ("matter", "approval", "expected"),
    [
        (Matter.RIGHT, "", False),
        (Matter.RECOUNT, "", True),
        (Matter.DIFFERED, "", True),
        (Matter.SAME_PERSON, "", True),
        (Matter.NOT_ASKED, "", True),
        (Matter.LATE, "", False),
        (Matter.AGREED, "WAITING", True),
        (Matter.AGREED, "APPROVED", False),
    ],
)
def test_a_count_is_in_doubt_until_it_is_settled_and_approved(
    *, matter: Matter, approval: str, expected: bool
) -> None:
    count = replace(FIRST, matter=matter, approval=approval)
    assert is_doubted(count) is expected
    assert not is_doubted(replace(count, told_by="crossdock"))
