"""Reconciliation: what is refused, tolerated and confirmed, and what holds for any numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import guards, model
from crossdock.capabilities.reconciliation.buckets import Bucket
from crossdock.capabilities.reconciliation.causes import Level
from crossdock.capabilities.reconciliation.guards import Plausible, Shape
from crossdock.capabilities.reconciliation.judging import Known, Policy, judge, level_of
from crossdock.capabilities.reconciliation.model import (
    DAY,
    HOUR,
    MINUTE,
    Before,
    Difference,
    Fate,
    ItemClass,
    Log,
    Posting,
    State,
    Tolerance,
)


def at(text: str) -> int:
    """Read a clock time of the day of the example; `+1` is the day after."""
    time, _, days = text.partition("+")
    hours, minutes, seconds = ([*map(int, time.split(":")), 0])[:3]
    day = 4 + int(days or 0)
    moment = datetime(2026, 5, day, hours, minutes, seconds, tzinfo=UTC)
    return int(moment.timestamp()) * MICROS


def each(amount: int) -> int:
    return amount * MICROS


def total(amount: int) -> dict[Bucket, int]:
    return {Bucket(): each(amount)} if amount else {}


@pytest.mark.parametrize(
    ("usual", "zeros", "reason"),
    [
        (334, 640, "64% of its rows are zero, usually 33.4%"),
        (334, 630, ""),
        (40, 141, "14.1% of its rows are zero, usually 4%"),
        (40, 140, ""),
        (0, 1000, "100% of its rows are zero, usually 0%"),
    ],
)
def test_too_many_zeros_are_three_times_as_many_or_a_third_of_all_more(
    usual: int, zeros: int, reason: str
) -> None:
    before = Shape(rows=1000, zeros=usual, taken_at=0)
    taken = Shape(rows=1000, zeros=zeros, taken_at=at("12:00"))

    assert guards.refusal(taken, before, at("12:00"), Plausible()) == reason


@pytest.mark.parametrize(
    ("oldest", "span", "reason"),
    [
        (at("12:00") - 31 * DAY, 24 * HOUR, ""),
        (at("12:00") - 31 * DAY - 1, 0, "its oldest row is of more than 31 days ago"),
        (at("12:00"), 24 * HOUR + 1, "the rows of a location are more than 24 hours apart"),
    ],
)
def test_rows_of_long_ago_or_far_apart_are_rejected(oldest: int, span: int, reason: str) -> None:
    taken = Shape(rows=9, zeros=0, taken_at=at("12:00"), oldest=oldest, span=span)

    assert guards.refusal(taken, None, at("12:00"), Plausible()) == reason


@dataclass(frozen=True)
class Told:
    unexplained: int
    book: int
    of: ItemClass = ItemClass.A
    cost: str = ""
    is_exact: bool = False


@pytest.mark.parametrize(
    ("told", "is_broken"),
    [
        (Told(5, 1000), False),  # A: 0.5 %
        (Told(6, 1000), True),
        (Told(-6, 1000), True),
        (Told(10, 1000, ItemClass.B), False),  # B: 1 %
        (Told(11, 1000, ItemClass.B), True),
        (Told(50, 1000, ItemClass.C), False),  # C: 5 %
        (Told(51, 1000, ItemClass.C), True),
        (Told(50, 1000, ItemClass.C, cost="5"), False),  # 250 in money
        (Told(50, 1000, ItemClass.C, cost="5.01"), True),
        (Told(1, 1000, ItemClass.C, is_exact=True), True),
        (Told(1, 0, ItemClass.C), True),
    ],
)
def test_tolerance_by_class_by_money_and_none_for_serials(told: Told, *, is_broken: bool) -> None:
    cost = int(told.cost.replace(".", "").ljust(3, "0")) * MICROS // 100 if told.cost else None
    answer = Tolerance().is_broken(
        each(told.unexplained),
        book=each(told.book),
        of=told.of,
        cost=cost,
        is_exact=told.is_exact,
    )

    assert answer is is_broken


def test_an_absolute_tolerance_lets_small_numbers_pass() -> None:
    tolerance = Tolerance(absolute=each(2))
    seen = [
        tolerance.is_broken(each(n), book=each(10), of=ItemClass.A, cost=None, is_exact=False)
        for n in (2, 3)
    ]
    assert seen == [False, True]


def test_money_at_risk_is_unknown_without_a_cost_and_rounds_up() -> None:
    assert model.value_at_risk(each(-3), None) is None
    assert model.value_at_risk(each(-3), 2_500_000) == 7_500_000
    assert model.value_at_risk(1, 1) == 1


FIRST = Before(State.SUSPECTED, at("8:00"), each(5))


@pytest.mark.parametrize(
    ("before", "cut", "unexplained", "is_in_flight", "state"),
    [
        (None, "9:00", 5, False, State.SUSPECTED),
        (FIRST, "8:29", 5, False, State.SUSPECTED),
        (FIRST, "8:30", 5, False, State.CONFIRMED),
        (FIRST, "8:30", 4, False, State.CONFIRMED),
        (FIRST, "8:30", -5, False, State.SUSPECTED),
        (FIRST, "8:30", 5, True, State.SUSPECTED),
        (FIRST, "8:00", 5, False, State.SUSPECTED),  # the same dump again
        (FIRST._replace(state=State.CONFIRMED), "8:01", 5, True, State.CONFIRMED),
        (FIRST._replace(state=State.TOLERATED), "9:00", 5, False, State.SUSPECTED),
    ],
)
def test_two_passes_half_an_hour_apart_confirm(
    before: Before | None, cut: str, unexplained: int, *, is_in_flight: bool, state: State
) -> None:
    answer = model.next_state(
        before, at(cut), each(unexplained), is_in_flight=is_in_flight, apart=30 * MINUTE
    )
    assert answer is state


def fates(
    ours: Sequence[Posting],
    theirs: Sequence[Posting],
    *,
    reach: str = "0:00",
    theirs_reach: str = "0:00",
) -> dict[str, tuple[Fate, int]]:
    found = model.documents(
        Log(tuple(ours), at(reach)), Log(tuple(theirs), at(theirs_reach)), frozenset(), at("12:00")
    )
    return {one.reference: (one.fate, one.explains) for one in found}


def test_each_document_counts_once_even_where_one_log_no_longer_reaches_it() -> None:
    old, new = Posting("OLD", -60, at("1:00")), Posting("NEW", -5, at("11:00"))

    assert fates([new], [new, old], reach="6:00") == {}
    assert fates([new, old], [new], theirs_reach="6:00") == {}
    assert fates([new], [new, old, old], reach="6:00") == {"OLD": (Fate.DOUBLED, -60)}
    assert fates([new, old], []) == {"NEW": (Fate.NOT_POSTED, 5), "OLD": (Fate.NOT_POSTED, 60)}
    assert fates([], [new]) == {"NEW": (Fate.ONLY_THEIRS, -5)}
    assert fates([new], [new._replace(micros=-3)]) == {"NEW": (Fate.ALTERED, 2)}


@pytest.mark.parametrize(
    ("is_told", "fate"), [(True, Fate.DOUBLED_HERE), (False, Fate.NOT_POSTED)]
)
def test_only_another_systems_log_can_have_a_document_twice(*, is_told: bool, fate: Fate) -> None:
    line = Posting("S1", -60, at("9:00"))
    ours = Log((line, line), at("0:00"), is_told=is_told)

    [document] = model.documents(ours, Log((line,), at("0:00")), frozenset(), at("12:00"))

    assert (document.fate, document.explains) == (fate, 60)


def test_a_document_of_several_lines_is_no_duplicate() -> None:
    lines = [Posting("R1", 10, at("9:00")), Posting("R1", 15, at("9:00"))]

    assert fates(lines, lines) == {}
    assert fates(lines, lines * 2) == {"R1": (Fate.DOUBLED, 25)}
    assert fates([], lines, reach="10:00") == {}


def test_what_has_no_reference_or_lies_behind_the_cut_is_no_document() -> None:
    assert fates([Posting("", 5, at("9:00")), Posting("LATE", 5, at("12:01"))], []) == {}


def test_what_is_known_not_to_be_posted_is_so_however_old_it_is() -> None:
    log = Log((Posting("STUCK", 40, at("1:00")),))
    theirs = Log((), at("6:00"))

    [document] = model.documents(log, theirs, frozenset({"STUCK"}), at("12:00"))

    assert (document.fate, document.explains) == (Fate.NOT_POSTED, -40)


def test_what_their_log_shows_is_posted_whatever_the_queue_says() -> None:
    posting = Posting("S1", 40, at("9:00"))
    both = Log((posting,))

    assert model.documents(both, both, frozenset({"S1"}), at("12:00")) == []


numbers = st.integers(-1000, 1000)
instants = st.integers(0, 100).map(lambda minute: minute * MINUTE)
logs = st.lists(st.tuples(numbers, instants), max_size=20).map(
    lambda rows: [Posting(f"D{n}", micros, when) for n, (micros, when) in enumerate(rows)]
)


@given(start=numbers, log=logs, first=instants, second=instants)
def test_rolling_there_and_back_changes_nothing(
    start: int, log: list[Posting], first: int, second: int
) -> None:
    there = model.rolled(start, first, log, second)

    assert model.rolled(there, second, log, first) == start


@given(start=numbers, log=logs, cuts=st.tuples(instants, instants))
def test_a_balance_rolled_by_the_whole_log_is_the_sum_up_to_the_cut(
    start: int, log: list[Posting], cuts: tuple[int, int]
) -> None:
    def balance(when: int) -> int:
        return start + sum(p.micros for p in log if p.recorded <= when)

    assert model.rolled(balance(cuts[0]), cuts[0], log, cuts[1]) == balance(cuts[1])


@given(log=logs, is_late=st.lists(st.booleans(), min_size=20, max_size=20), cut=instants)
def test_whatever_is_only_late_is_always_explained(
    log: list[Posting], is_late: list[bool], cut: int
) -> None:
    """The other side has posted some documents and not yet the others: nothing is unexplained."""
    posted = [p for p, late in zip(log, is_late, strict=False) if not late]
    ours, theirs = (sum(p.micros for p in side if p.recorded <= cut) for side in (log, posted))
    late = frozenset(p.reference for p in log) - {p.reference for p in posted}

    for their_log, queue in ((Log(tuple(posted)), frozenset[str]()), (None, late)):
        documents = tuple(model.documents(Log(tuple(log)), their_log, queue, cut))
        assert Difference(ours=ours, theirs=theirs, documents=documents).unexplained == 0


@given(log=logs, times=st.lists(st.integers(1, 3), min_size=20, max_size=20), error=numbers)
def test_duplicates_are_taken_out_and_the_rest_stays(
    log: list[Posting], times: list[int], error: int
) -> None:
    theirs = [p for p, n in zip(log, times, strict=False) for _ in range(n)]
    figure = sum(p.micros for p in theirs) + error
    documents = model.documents(Log(tuple(log)), Log(tuple(theirs)), frozenset(), HOUR * 24)

    found = Difference(ours=sum(p.micros for p in log), theirs=figure, documents=tuple(documents))
    assert found.unexplained == error
    assert {one.fate for one in documents} <= {Fate.DOUBLED}


buckets = st.dictionaries(
    st.builds(Bucket, st.sampled_from(["AVAILABLE", "DAMAGED"]), st.sampled_from(["", "X"])),
    numbers.filter(bool),
    max_size=4,
)


@given(ours=buckets, theirs=buckets)
def test_sides_that_differ_do_so_on_some_level_and_are_never_netted(
    ours: dict[Bucket, int], theirs: dict[Bucket, int]
) -> None:
    found = judge(ours, theirs, at("12:00"), Known(is_exact=True), Policy())

    assert (found is None) is (ours == theirs) is (level_of(ours, theirs) is None)
    if found is not None:
        assert found.absolute >= abs(found.difference.raw)
        assert found.at_stake
        assert (found.level is Level.TOTAL) is (found.difference.raw != 0)


def test_without_a_log_a_movement_is_missing_and_not_all_of_its_document() -> None:
    """Of delivery R-77, 25 are booked there and 15 refused: 15 are missing, not 40."""
    log = Log(
        (
            Posting("R-77", 25, at("9:00"), name="wms:1"),
            Posting("R-77", 15, at("10:00"), name="wms:2"),
        )
    )
    [document] = model.documents(log, None, frozenset({"wms:2"}), at("12:00"))

    assert (document.fate, document.explains) == (Fate.NOT_POSTED, -15)
    assert (document.lines, document.recorded) == (("wms:2",), at("10:00"))


def test_what_a_partly_posted_document_lacks_is_on_its_way_since_it_was_recorded() -> None:
    lines = [Posting("R-77", 25, at("1:00"), name="a"), Posting("R-77", 15, at("11:30"), name="b")]
    [document] = model.documents(Log(tuple(lines)), Log((lines[0],)), frozenset(), at("12:00"))

    assert (document.fate, document.explains) == (Fate.NOT_POSTED, -15)
    assert (document.lines, document.recorded) == (("b",), at("11:30"))
    assert fates(lines, [Posting("R-77", 24, at("1:00"))]) == {"R-77": (Fate.ALTERED, -16)}
    assert fates(lines, [*lines, *lines]) == {"R-77": (Fate.DOUBLED, 40)}


@pytest.mark.parametrize(
    ("unexplained", "value", "cost"),
    [(-60, 3_000, 50), (60, 3_000, 50), (60, 0, 0), (60, None, None), (0, 3_000, None)],
)
def test_what_one_cost_is_known_as_long_as_its_difference_had_a_price(
    unexplained: int, value: int | None, cost: int | None
) -> None:
    worth = None if value is None else each(value)
    before = Before(State.CONFIRMED, 0, each(unexplained), worth, "EUR")

    assert before.cost == (None if cost is None else each(cost))


@given(st.lists(st.sampled_from(["", "A", "B", "C", "a", "X9"])))
def test_what_is_no_class_says_nothing_and_who_is_never_classed_is_held_to_the_strictest(
    said: list[str],
) -> None:
    named = [one for one in said if one in {"A", "B", "C"}]
    assert ItemClass.first_of(said) == (named[0] if named else "A")
