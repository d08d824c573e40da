"""What a count comes to: right, counted again by another person, settled, or a case (§4.2)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation.money import is_above
from crossdock.capabilities.reconciliation.settling import (
    SHOWN_MAX,
    CountRow,
    Matter,
    anew,
    approval_case,
    differed_case,
    first_of,
    has_waited,
    is_behind,
    is_doubted,
    is_to_ask_again,
    is_unsettled,
    matter_of,
    unsettled_case,
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


@pytest.mark.parametrize(
    ("matter", "approval", "expected"),
    [
        (Matter.RIGHT, "", False),
        (Matter.RECOUNT, "", True),
        (Matter.DIFFERED, "", True),
        (Matter.SAME_PERSON, "", True),
        (Matter.NOT_ASKED, "WAITING", True),
        (Matter.AGREED, "WAITING", False),
        (Matter.DIFFERED, "WAITING", True),
    ],
)
def test_what_only_a_later_count_can_end_is_unsettled(
    *, matter: Matter, approval: str, expected: bool
) -> None:
    """What was said to the hub itself and is in dispute is decided by people: all is shown."""
    count = replace(FIRST, matter=matter, approval=approval)
    said = replace(count, told_by="crossdock")

    assert is_unsettled(count) is expected
    assert is_unsettled(said) is (matter in {Matter.RECOUNT, Matter.NOT_ASKED})


@dataclass(frozen=True)
class Task:
    reason: str = "RECOUNT"
    ended_at: datetime | None = None
    status: str = "PROPOSED"


def test_a_second_count_is_asked_for_where_no_task_is_open_that_says_so() -> None:
    assert is_to_ask_again(None, NOON)
    assert is_to_ask_again(Task(reason="RECALL"), NOON)
    assert not is_to_ask_again(Task(), NOON)


@given(st.timedeltas(timedelta(), timedelta(days=9)), st.sampled_from(["RECOUNT", "RECALL"]))
def test_it_is_asked_for_again_a_day_after_it_was_counted_or_refused(
    ago: timedelta, reason: str
) -> None:
    ended = Task(reason=reason, ended_at=NOON - ago)

    assert is_to_ask_again(ended, NOON) == (ago >= timedelta(days=1))


@given(
    st.lists(st.timedeltas(timedelta(), timedelta(days=9)), max_size=4),
    st.one_of(st.none(), st.timedeltas(timedelta(), timedelta(days=9))),
)
def test_what_has_waited_for_a_day_is_a_case_and_what_was_refused_waits_from_then(
    ages: list[timedelta], refused: timedelta | None
) -> None:
    waits = [replace(FIRST, heard_at=NOON - age) for age in ages]
    since = list(ages)
    if refused is not None:
        long_ago = NOON - timedelta(days=99)
        late = replace(FIRST, heard_at=long_ago, decided_at=NOON - refused)
        waits.append(replace(late, approval="REFUSED"))
        since.append(refused)

    assert has_waited(waits, NOON) == any(age >= timedelta(days=1) for age in since)


def test_an_approval_that_is_given_late_does_not_put_off_the_case() -> None:
    approved = replace(
        FIRST, heard_at=NOON - timedelta(days=2), approval="APPROVED", decided_at=NOON
    )
    assert has_waited([approved], NOON)


def test_the_case_of_what_is_not_settled_shows_its_newest_counts_and_the_task() -> None:
    counts = [
        replace(FIRST, counted_id=f"ctd_{n:02}", of="C", matter=Matter.DIFFERED) for n in range(12)
    ]
    waits = [*counts, replace(FIRST, matter=Matter.RECOUNT)]
    differ, wait = unsettled_case(counts, {}), unsettled_case(waits, {"status": "REFUSED"})

    assert (differ.severity, wait.severity) == ("S3", "S2")
    assert differ.title.endswith("are not settled: they do not agree")
    assert wait.title.endswith("are not settled: a second count is waited for")
    assert [one["counted_id"] for one in differ.evidence["counts"]] == [
        f"ctd_{n:02}" for n in range(12 - SHOWN_MAX, 12)
    ]
    assert wait.evidence["task"] == {"status": "REFUSED"}
    assert wait.fingerprint == differed_case(FIRST, FIRST).fingerprint


def test_what_was_refused_and_is_found_again_is_finances_with_both_counts() -> None:
    refused = replace(FIRST, approval="REFUSED", decided_by="carl", because="nobody lost 10")
    case = anew(refused, replace(FIRST, counted_id="ctd_2", counted_by="bob"))

    assert (case.fingerprint, case.owner_role) == (approval_case(FIRST).fingerprint, "Finance")
    assert [one["counted_by"] for one in case.evidence["counts"]] == ["ann", "bob"]
    assert case.evidence["refused"] == "by carl: nobody lost 10"
    assert case.evidence["responsible"] == "Inventory control"


@pytest.mark.parametrize(
    ("seconds", "by", "expected"),
    [(1, "ann", True), (-1, "bob", False), (0, "bob", True), (0, "ANN ", False), (0, "", False)],
)
def test_of_two_counts_with_one_stamp_another_persons_is_behind(
    seconds: int, by: str, *, expected: bool
) -> None:
    one = replace(FIRST, counted_at=NOON + timedelta(seconds=seconds), counted_by=by)
    assert is_behind(one, FIRST) is expected


def test_a_count_is_a_second_to_one_by_the_same_person_before_any_other() -> None:
    bobs = replace(FIRST, counted_id="ctd_2", counted_by="bob")
    assert first_of(replace(FIRST, counted_by="Ann"), [FIRST, bobs]) is FIRST
    assert first_of(replace(FIRST, counted_by="carl"), [FIRST, bobs]) is bobs
    assert first_of(FIRST, []) is None
