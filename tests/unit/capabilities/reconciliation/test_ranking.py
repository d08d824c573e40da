"""What is done, how urgent it is, what is counted, and what is not believed (§4.2-§4.5)."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import guards, ranking
from crossdock.capabilities.reconciliation.causes import Cause
from crossdock.capabilities.reconciliation.guards import Brake, Plausible, Shape
from crossdock.capabilities.reconciliation.model import DAY, HOUR, MINUTE, ItemClass
from crossdock.capabilities.reconciliation.money import AtRisk
from crossdock.capabilities.reconciliation.ranking import CountReason, Remedy, Suspicion

MONEY = {Remedy.REDRIVE, Remedy.REFETCH, Remedy.FINANCE_TASK}


@pytest.mark.parametrize(
    ("cause", "proven", "hinted"),
    [
        (Cause.MSG_LOST, Remedy.REDRIVE, Remedy.COUNT),
        (Cause.MSG_REJECTED, Remedy.REDRIVE, Remedy.COUNT),
        (Cause.CUTOFF, Remedy.REDRIVE, Remedy.COUNT),
        (Cause.MSG_ORDER, Remedy.REFETCH, Remedy.COUNT),
        (Cause.MSG_DUP, Remedy.FINANCE_TASK, Remedy.COUNT),
        (Cause.MANUAL_ADJ, Remedy.FINANCE_TASK, Remedy.COUNT),
        (Cause.UOM, Remedy.MASTER_DATA, Remedy.MASTER_DATA),
        (Cause.XREF, Remedy.MASTER_DATA, Remedy.MASTER_DATA),
        (Cause.KIT_EXPLOSION, Remedy.MASTER_DATA, Remedy.MASTER_DATA),
        (Cause.COUNT, Remedy.FINANCE_TASK, Remedy.COUNT),
        (Cause.SHRINK, Remedy.FINANCE_TASK, Remedy.COUNT),
        (Cause.STATUS_MAP, Remedy.MAP_STATUS, Remedy.MAP_STATUS),
        (Cause.NEG_STOCK, Remedy.COUNT, Remedy.COUNT),
        (Cause.UNKNOWN, Remedy.COUNT, Remedy.COUNT),
    ],
)
def test_no_message_is_sent_again_and_no_posting_asked_for_on_a_hint(
    cause: Cause, proven: Remedy, hinted: Remedy
) -> None:
    assert ranking.remedy_for(cause, is_proven=True) is proven
    assert ranking.remedy_for(cause, is_proven=False) is hinted


@given(st.sampled_from(Cause))
def test_money_moves_only_with_an_exact_document(cause: Cause) -> None:
    assert ranking.remedy_for(cause, is_proven=False) not in MONEY


@pytest.mark.parametrize(
    ("age", "bucket", "factor"),
    [
        (0, "0-4 h", 1),
        (4 * HOUR - 1, "0-4 h", 1),
        (4 * HOUR, "4-24 h", 2),
        (DAY, "1-3 d", 3),
        (3 * DAY, "3-7 d", 4),
        (7 * DAY, "> 7 d", 5),
        (400 * DAY, "> 7 d", 5),
    ],
)
def test_buckets_of_age_begin_where_the_one_before_ends(
    age: int, bucket: str, factor: int
) -> None:
    assert (ranking.age_bucket(age), ranking.age_factor(age)) == (bucket, factor)


def test_priority_is_money_by_what_can_be_sold_by_age() -> None:
    assert ranking.priority(200 * MICROS, sellable_mille=1000, age=0) == 200
    assert ranking.priority(200 * MICROS, sellable_mille=100, age=0) == 20
    assert ranking.priority(200 * MICROS, sellable_mille=1000, age=8 * DAY) == 1000
    assert ranking.priority(None, sellable_mille=1000, age=8 * DAY) == 0


@given(value=st.integers(0, 10**15), ages=st.lists(st.integers(0, 10**13), min_size=2))
def test_what_is_older_is_never_less_urgent(value: int, ages: list[int]) -> None:
    scores = [ranking.priority(value, sellable_mille=1000, age=age) for age in sorted(ages)]
    assert all(first <= second for first, second in pairwise(scores))


def test_class_a_is_settled_within_a_shift() -> None:
    assert [ranking.due_within(of) // HOUR for of in ItemClass] == [8, 72, 72]


@given(st.text(max_size=8), st.text(max_size=8), st.sampled_from(ItemClass), st.integers(0, 10**6))
def test_each_key_has_its_turn_as_often_a_year_as_its_class_asks(
    location: str, item: str, of: ItemClass, first: int
) -> None:
    times = ranking.COUNTS_A_YEAR[of]
    year = range(first, first + 365 // times * times)
    assert sum(ranking.turn_of(location, item, of, day) == day for day in year) == times


@given(st.text(max_size=8), st.text(max_size=8), st.sampled_from(ItemClass), st.integers(0, 10**6))
def test_whoever_compares_once_a_fortnight_meets_every_turn(
    location: str, item: str, of: ItemClass, first: int
) -> None:
    times = ranking.COUNTS_A_YEAR[of]
    year = range(first, first + 365 // times * times, ranking.DUE_DAYS)
    turns = {ranking.turn_of(location, item, of, day) for day in year}
    met = {turn for turn in turns if any(0 <= d - turn < ranking.DUE_DAYS for d in year)}
    assert met >= {turn for turn in turns if turn > first}
    assert len([turn for turn in turns if turn > first]) >= times - 1


@given(st.text(max_size=8), st.text(max_size=8), st.integers(0, 10**6))
def test_who_is_due_as_no_class_is_due_as_none_of_them(location: str, item: str, day: int) -> None:
    due = [of for of in ItemClass if ranking.is_due(location, item, of, day)]
    assert ranking.is_due_as_any(location, item, day) == bool(due)
    assert all(day - ranking.turn_of(location, item, of, day) < ranking.DUE_DAYS for of in due)


def suspicion(**known: object) -> Suspicion:
    return replace(Suspicion(item="X", location="DC1"), **known)  # type: ignore[arg-type]  # fields by name, as the case has them


@pytest.mark.parametrize(
    ("known", "reason"),
    [
        (suspicion(), None),
        (suspicion(unexplained=-5), CountReason.DIFFERENCE),
        (suspicion(is_negative=True), CountReason.NEGATIVE),
        (suspicion(times_tolerated=3), None),
        (suspicion(times_tolerated=4), CountReason.TREND),
        (suspicion(is_due=True), CountReason.CLASS_DUE),
        (suspicion(is_due=True, unexplained=1), CountReason.DIFFERENCE),
    ],
)
def test_why_a_shelf_is_counted(known: Suspicion, reason: CountReason | None) -> None:
    assert ranking.count_reason(known) is reason


def test_counts_are_proposed_once_by_reason_then_money_then_class() -> None:
    known = [
        suspicion(item="due", is_due=True),
        suspicion(item="cheap", unexplained=1, priority=1),
        suspicion(item="dear", unexplained=1, priority=9),
        suspicion(item="b", is_negative=True, of=ItemClass.B),
        suspicion(item="a", is_negative=True),
        suspicion(item="dear", is_due=True),
        suspicion(item="none"),
    ]
    proposals = ranking.count_proposals(known)
    assert [one.item for one in proposals] == ["dear", "cheap", "a", "b", "due"]


NOON = 100 * DAY
GOOD = Shape(rows=1000, zeros=40, taken_at=NOON)


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (GOOD, ""),
        (replace(GOOD, zeros=140), ""),
        (replace(GOOD, zeros=141), "14.1% of its rows are zero, usually 4%"),
        (replace(GOOD, rows=800), ""),
        (replace(GOOD, rows=799), "it has 799 rows, usually 1000"),
        (replace(GOOD, rows=1200), ""),
        (replace(GOOD, rows=1201), "it has 1201 rows, usually 1000"),
        (replace(GOOD, rows=0, zeros=0), "it has no rows"),
        (replace(GOOD, taken_at=NOON + 5 * MINUTE), ""),
        (replace(GOOD, taken_at=NOON + 5 * MINUTE + 1), "it is dated in the future"),
    ],
)
def test_a_snapshot_is_believed_if_it_looks_like_the_last(shape: Shape, reason: str) -> None:
    assert guards.refusal(shape, GOOD, NOON, Plausible()) == reason


def test_a_snapshot_of_some_keys_may_have_any_number_of_rows() -> None:
    few = Shape(rows=1, zeros=1, taken_at=NOON, is_full=False)
    many = Shape(rows=100, zeros=50, taken_at=NOON, is_full=False)

    assert guards.refusal(few, many, NOON, Plausible()) == ""
    assert guards.refusal(many, few, NOON, Plausible()) == ""
    assert guards.refusal(many, replace(many, zeros=1), NOON, Plausible()) == (
        "50% of its rows are zero, usually 1%"
    )


def test_each_site_is_compared_with_itself_and_a_new_one_with_nothing() -> None:
    small = replace(GOOD, rows=10, zeros=0)
    usual = {"DC1": GOOD, "DC2": small}

    def said(**places: Shape) -> str:
        return guards.unusual(places, usual, Plausible())

    assert said(DC1=GOOD) == said(DC2=small) == said(DC3=replace(GOOD, rows=1)) == ""
    assert said(DC2=replace(small, rows=13)) == "it has 13 rows, usually 10"
    assert said(DC1=GOOD, DC2=replace(small, rows=13)) == ""


def test_a_site_that_is_unlike_itself_is_not_hidden_behind_the_others() -> None:
    usual = {"DC1": replace(GOOD, rows=100_000), "DC2": GOOD}
    taken = {**usual, "DC2": replace(GOOD, zeros=380)}

    assert guards.unusual(taken, usual, Plausible()) == (
        "at DC2 38% of its rows are zero, usually 4%"
    )
    assert guards.unusual(usual, usual, Plausible()) == ""


def test_the_first_snapshot_has_nothing_to_look_like() -> None:
    assert guards.refusal(replace(GOOD, zeros=999), None, NOON, Plausible()) == ""
    assert guards.refusal(replace(GOOD, zeros=500), replace(GOOD, zeros=480), NOON,
                          Plausible()) == ""  # fmt: skip
    assert Shape(rows=0, zeros=0, taken_at=0).zeros_mille == 0


def test_a_run_that_would_change_too_much_mends_nothing() -> None:
    brake = Brake(keys_mille=20, value=100)

    def why(changes: int, value: int, *, is_in_incident: bool = False) -> str:
        return guards.stopped(
            changes, 1000, AtRisk(value=value), brake, is_in_incident=is_in_incident
        )

    assert why(20, 100) == ""
    assert why(21, 0) == "21 of 1000 keys would change"
    assert why(1, 101) == "more money would move than the cap allows"
    assert why(0, 0, is_in_incident=True) == "the source is in an incident"


def test_what_the_ledger_lacks_is_read_again_and_not_sent() -> None:
    def lacking(cause: Cause, *, is_proven: bool) -> Remedy:
        return ranking.remedy_for(cause, is_proven=is_proven, is_ours_lacking=True)

    assert lacking(Cause.MSG_LOST, is_proven=True) is Remedy.REFETCH
    assert lacking(Cause.MSG_DUP, is_proven=True) is Remedy.FINANCE_TASK
    assert lacking(Cause.MSG_LOST, is_proven=False) is Remedy.COUNT


def test_the_brake_goes_by_distinct_keys_however_often_they_were_sampled() -> None:
    """A week of samples of 1,000 keys, the 20 in doubt hourly: 20 documents are 2 %, not 147."""
    sampled = 4_000 + 168 * 20

    def why(changes: int, *, dumped: int = 0) -> str:
        keys = guards.keys_compared(dumped, sampled, 1_000)
        return guards.stopped(changes, keys, AtRisk(), Brake(keys_mille=20), is_in_incident=False)

    assert (why(20), why(20, dumped=1_000)) == ("", "")
    assert why(21) == why(21, dumped=1_000) == "21 of 1000 keys would change"
    assert why(147) == "147 of 1000 keys would change"


@given(*[st.integers(0, 10**6)] * 3)
def test_samples_count_no_more_keys_than_there_are(dumped: int, sampled: int, known: int) -> None:
    keys = guards.keys_compared(dumped, sampled, known)
    assert dumped <= keys <= max(dumped, known)
    assert keys <= max(dumped, sampled)
