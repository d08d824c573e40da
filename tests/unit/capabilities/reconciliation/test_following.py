"""What is invoiced or delivered is judged by what moved, and by when (§2.2, §4.1.7)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import following
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.following import UNHEARD
from crossdock.capabilities.reconciliation.judging import Policy
from crossdock.capabilities.reconciliation.kinds import FOLLOWING, Kind
from crossdock.capabilities.reconciliation.model import DAY, State
from crossdock.capabilities.reconciliation.open_lines import (
    Around,
    Compared,
    Meets,
    Ours,
    Theirs,
)
from crossdock.capabilities.reconciliation.ranking import Remedy

POLICY = replace(Policy(), in_flight=DAY)
CUT = 100 * DAY
AROUND = Around(cut=CUT, until=CUT, against="books", factors={"BOLT": [(12, 1)]})
KINDS = st.sampled_from(FOLLOWING)
SOME = st.integers(0, 10**6).map(lambda pieces: pieces * MICROS)


def ours(micros: int, lately: int = 0, *, back: int = 0, changed: int = 0) -> Ours:
    return Ours("SO-1", "1", "BOLT", "DC1", "erp", micros, lately, changed, back)


def theirs(*rows: int, item: str = "BOLT", changed: int = 0) -> Theirs:
    return Theirs("SO-1", "1", item, "DC1", sum(rows), rows, changed)


def met(
    own: Ours | None, told: Theirs | None, around: Around = AROUND, kind: str = Kind.INVOICES
) -> Compared:
    sides = ([own] if own else [], [told] if told else [])
    [one] = following.compared(kind, sides, around, POLICY)
    return one


@given(KINDS, SOME, SOME, SOME)
def test_what_followed_is_within_what_is_due_and_what_moved_or_it_differs(
    kind: str, due: int, lately: int, followed: int
) -> None:
    """Nothing is missed before its time, and nothing beyond what moved is ever let pass."""
    one = met(ours(due + lately, lately), theirs(followed), kind=kind)

    assert (one.meets is Meets.DIFFERENT) == (not due <= followed <= due + lately)
    if one.meets is Meets.DIFFERENT:
        assert one.at_stake == followed - (due if followed < due else due + lately)
    assert (one.meets is Meets.ALIKE) == (followed == due + lately)


@given(SOME, SOME, SOME)
def test_no_more_is_due_than_moved_and_no_less_than_nothing(
    moved: int, lately: int, back: int
) -> None:
    due, most = following.bounds(ours(moved, lately, back=back))
    assert 0 <= due <= moved <= most


@given(KINDS, SOME, st.data())
def test_what_left_and_what_came_back_lately_may_follow_in_either_order(
    kind: str, before: int, data: st.DataObject
) -> None:
    """Whichever of them is invoiced or credited first, nothing of it is a difference yet."""
    back = data.draw(st.integers(0, before))
    out = data.draw(SOME)
    own = ours(before - back + out, out, back=back)
    for followed in (before, before + out, before - back, before - back + out):
        assert met(own, theirs(followed), kind=kind).meets is not Meets.DIFFERENT
    assert met(own, theirs(before + out + 1), kind=kind).meets is Meets.DIFFERENT


@given(KINDS, SOME, st.lists(SOME, max_size=5))
def test_rows_are_added_up_however_they_are_parted(kind: str, moved: int, rows: list[int]) -> None:
    whole, parted = theirs(sum(rows)), theirs(*rows)
    one, other = (met(ours(moved), told, kind=kind) for told in (whole, parted))
    assert (one.meets, one.at_stake) == (other.meets, other.at_stake)


def test_what_came_back_lately_may_be_credited_later() -> None:
    own = ours(7 * MICROS, back=3 * MICROS)
    assert met(own, theirs(10 * MICROS)).meets is Meets.EXPLAINED
    assert met(own, theirs(11 * MICROS)).at_stake == MICROS


@pytest.mark.parametrize(
    ("own", "told", "cause"),
    [
        (ours(8 * MICROS), theirs(0), Cause.MSG_LOST),
        (ours(8 * MICROS), theirs(3 * MICROS), Cause.MSG_LOST),
        (ours(0), theirs(3 * MICROS), Cause.MSG_LOST),
        (ours(8 * MICROS), theirs(9 * MICROS), Cause.UNKNOWN),
        (ours(8 * MICROS), theirs(8 * MICROS, 8 * MICROS), Cause.MSG_DUP),
        (ours(24 * MICROS), theirs(2 * MICROS), Cause.UOM),
        (ours(8 * MICROS), theirs(8 * MICROS, item="NUT"), Cause.XREF),
        (ours(8 * MICROS), theirs(8 * MICROS - 1), Cause.ROUNDING),
        (ours(8 * MICROS), theirs(9 * MICROS, changed=CUT - 1), Cause.TIMING),
    ],
)
def test_the_strongest_evidence_names_the_cause(own: Ours, told: Theirs, cause: Cause) -> None:
    assert met(own, told).verdict.cause is cause


def test_only_what_is_beyond_what_moved_waits_for_who_was_not_heard() -> None:
    behind = replace(AROUND, is_behind=True)
    assert met(ours(8 * MICROS), theirs(9 * MICROS), behind).is_in_flight
    assert not met(ours(8 * MICROS), theirs(3 * MICROS), behind).is_in_flight


def test_another_item_has_both_amounts_at_stake() -> None:
    one = met(ours(8 * MICROS), theirs(5 * MICROS, item="NUT"))
    assert one.at_stake == 13 * MICROS


@given(KINDS, SOME, SOME, SOME)
def test_rows_of_several_items_never_agree_with_what_moved(
    kind: str, moved: int, bolts: int, nuts: int
) -> None:
    told = theirs(bolts, nuts + MICROS)._replace(others=("NUT",))
    one = met(ours(moved), told, kind=kind)
    assert (one.meets, one.verdict.cause) == (Meets.DIFFERENT, Cause.XREF)
    assert one.verdict.because == "there it is of item BOLT and NUT"
    assert one.at_stake == moved + told.micros


@pytest.mark.parametrize(
    ("own", "told", "meets"),
    [
        (None, theirs(MICROS), Meets.UNHEARD),
        (ours(UNHEARD), theirs(MICROS), Meets.UNHEARD),
        (ours(UNHEARD), theirs(0), Meets.UNHEARD),
        (ours(UNHEARD), None, Meets.UNHEARD),
        (None, theirs(0), Meets.ALIKE),
        (ours(MICROS, changed=CUT + 1), theirs(0), Meets.SINCE),
    ],
)
def test_what_the_hub_does_not_know_is_not_judged(
    own: Ours | None, told: Theirs | None, meets: Meets
) -> None:
    assert met(own, told, replace(AROUND, is_full=True)).meets is meets


def test_what_a_dump_leaves_out_is_compared_only_if_it_is_full() -> None:
    sides = ([ours(8 * MICROS)], list[Theirs]())
    assert following.compared(Kind.INVOICES, sides, AROUND, POLICY) == []
    one = met(ours(8 * MICROS), None, replace(AROUND, is_full=True))
    assert (one.at_stake, one.verdict.because) == (
        -8 * MICROS,
        "it was shipped, and is not invoiced",
    )


@pytest.mark.parametrize(
    ("kind", "told", "remedy"),
    [
        (Kind.INVOICES, theirs(0), Remedy.FINANCE_TASK),
        (Kind.SUPPLIER_INVOICES, theirs(0), Remedy.FINANCE_TASK),
        (Kind.DELIVERIES, theirs(0), Remedy.ASK_CARRIER),
        (Kind.DELIVERIES, theirs(24 * MICROS, 24 * MICROS), Remedy.FINANCE_TASK),
        (Kind.DELIVERIES, theirs(2 * MICROS), Remedy.MASTER_DATA),
    ],
)
def test_what_is_to_be_done_is_recommended_once_it_is_confirmed(
    kind: str, told: Theirs, remedy: Remedy
) -> None:
    one = met(ours(24 * MICROS), told, kind=kind)
    assert following.remedy_of(kind, one, State.CONFIRMED) is remedy
    assert following.remedy_of(kind, one, State.SUSPECTED) is Remedy.WAIT
    assert following.remedy_of(kind, one, State.TOLERATED) is Remedy.LOG
