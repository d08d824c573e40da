"""One finding of two sets of buckets: level, state, remedy, money; never netted."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.reconciliation import judging, model
from crossdock.capabilities.reconciliation.buckets import Bucket, Sold, sold_of
from crossdock.capabilities.reconciliation.causes import Cause, Level, Verdict
from crossdock.capabilities.reconciliation.judging import Known, Policy, judge
from crossdock.capabilities.reconciliation.model import (
    DAY,
    HOUR,
    MINUTE,
    Before,
    ItemClass,
    Log,
    Posting,
    State,
)
from crossdock.capabilities.reconciliation.ranking import Remedy

NOW = 30 * DAY
SEEN = Known(before=Before(State.SUSPECTED, NOW - HOUR, 1))
POLICY = Policy()


def each(amount: int) -> int:
    return amount * MICROS


def shelf(**levels: int) -> dict[Bucket, int]:
    return {Bucket(status): each(level) for status, level in levels.items()}


@pytest.mark.parametrize(
    ("ours", "theirs", "level"),
    [
        (Bucket("AVAILABLE"), Bucket("DAMAGED"), Level.STATUS),
        (Bucket("AVAILABLE", lot="L1"), Bucket("AVAILABLE", lot="L2"), Level.LOT),
        (Bucket("AVAILABLE", serial="1"), Bucket("AVAILABLE", serial="2"), Level.LOT),
        (Bucket("AVAILABLE", owner="X"), Bucket("AVAILABLE"), Level.OWNER),
        (Bucket("AVAILABLE"), Bucket("AVAILABLE"), None),
    ],
)
def test_the_first_level_that_differs_is_named(
    ours: Bucket, theirs: Bucket, level: Level | None
) -> None:
    assert judging.level_of({ours: 5}, {theirs: 5}) is level
    assert judging.level_of({ours: 5}, {theirs: 6}) is Level.TOTAL


def test_what_changed_its_bucket_is_at_stake_once_and_shown_twice() -> None:
    found = judge(shelf(AVAILABLE=90, DAMAGED=10), shelf(AVAILABLE=100), NOW,
                  replace(SEEN, cost=2_000_000), POLICY)  # fmt: skip

    assert found is not None
    assert (found.at_stake, found.absolute, found.value) == (each(10), each(20), each(20))
    assert (found.state, found.remedy) == (State.CONFIRMED, Remedy.MAP_STATUS)


@pytest.mark.parametrize(
    ("theirs", "doubted", "at_stake"),
    [
        (shelf(AVAILABLE=30, DAMAGED=20), -20, 20),
        (shelf(AVAILABLE=20, DAMAGED=20), -30, -30),
        (shelf(AVAILABLE=30, DAMAGED=30), -20, 30),
        (shelf(AVAILABLE=50, DAMAGED=4), 0, 4),
        ({Bucket(): each(45)}, -5, -5),
    ],
    ids=["statuses alone", "statuses and less", "statuses and more", "unsold", "not parted"],
)
def test_what_is_doubted_is_what_can_be_sold(
    theirs: dict[Bucket, int], doubted: int, at_stake: int
) -> None:
    ours = shelf(AVAILABLE=50) if Bucket() not in theirs else {Bucket(): each(50)}
    found = judge(ours, theirs, NOW, SEEN, POLICY)

    assert found is not None
    assert (found.doubted, abs(found.at_stake)) == (each(doubted), abs(each(at_stake)))


def test_two_faults_that_cancel_out_are_still_both_at_stake() -> None:
    """A duplicate of 60 hides that 40 are missing for no known reason."""
    ours = Log((Posting("S1", each(-60), NOW - 6 * HOUR),))
    theirs = Log((Posting("S1", each(-60), NOW - 6 * HOUR),) * 2)
    found = judge(shelf(AVAILABLE=100), shelf(AVAILABLE=80), NOW,
                  replace(SEEN, ours=ours, theirs=theirs), POLICY)  # fmt: skip

    assert found is not None
    assert found.difference.unexplained == each(40)
    assert found.at_stake == each(100)
    assert found.remedy is Remedy.COUNT


def test_what_is_only_late_is_no_finding() -> None:
    ours = Log((Posting("S1", each(-60), NOW - HOUR),))
    known = Known(ours=ours, theirs=Log())

    assert judge(shelf(AVAILABLE=40), shelf(AVAILABLE=100), NOW, known, POLICY) is None
    assert judge({}, {}, NOW, Known(), POLICY) is None


def test_an_exact_document_is_a_finding_however_small_and_a_small_difference_is_not() -> None:
    lost = Log((Posting("S1", each(-1), NOW - 6 * HOUR),))
    small = judge(shelf(AVAILABLE=999), shelf(AVAILABLE=1000), NOW, SEEN, POLICY)
    proven = judge(shelf(AVAILABLE=999), shelf(AVAILABLE=1000), NOW,
                   replace(SEEN, ours=lost, theirs=Log()), POLICY)  # fmt: skip

    assert small is not None
    assert proven is not None
    assert (small.state, small.remedy) == (State.TOLERATED, Remedy.LOG)
    assert (proven.state, proven.remedy) == (State.CONFIRMED, Remedy.REDRIVE)


@pytest.mark.parametrize(
    ("known", "is_in_flight"),
    [
        (Known(), False),
        (Known(is_behind=True), True),
        (Known(ours=Log((Posting("S", 1, NOW - 15 * MINUTE),))), False),
        (Known(ours=Log((Posting("S", 1, NOW - 15 * MINUTE + 1),))), True),
        (Known(ours=Log((Posting("S", 1, NOW + 1),))), False),
        (Known(ours=Log((Posting("S", 1, NOW + 1),)), ambiguous_until=NOW + 1), True),
        (Known(ours=Log((Posting("S", 1, NOW),)), theirs=Log((Posting("S", 1, NOW),))), False),
        (Known(ours=Log((Posting("S", 1, NOW),)), theirs=Log()), True),
        (Known(ours=Log((Posting("S", 1, NOW),)), theirs=Log((Posting("S", 1, NOW + 1),))), True),
        (Known(ours=Log((), reach=NOW - 15 * MINUTE)), False),
        (Known(ours=Log((), reach=NOW - 15 * MINUTE + 1)), True),
    ],
)
def test_what_was_recorded_just_before_the_cut_may_be_on_its_way(
    known: Known, *, is_in_flight: bool
) -> None:
    assert judging.is_in_flight(known, NOW, POLICY) is is_in_flight


def test_a_pair_is_classed_together_and_the_rest_stays() -> None:
    def found(theirs: int, known: Known = SEEN) -> judging.Judged:
        judged = judge(shelf(AVAILABLE=100), shelf(AVAILABLE=theirs), NOW, known, POLICY)
        assert judged is not None
        return judged

    minus = replace(SEEN, before=Before(State.SUSPECTED, NOW - HOUR, -1))
    rows = [
        ("DC1", "A", found(117)),
        ("DC1", "B", found(83, minus)),
        ("DC1", "C", found(150, Known())),
        ("DC2", "C", found(50, Known())),
        ("DC3", "D", found(101, Known(of=ItemClass.C))),
    ]
    answer = judging.paired(rows)

    causes = [one.verdict.cause for one in answer]
    assert causes == [Cause.XREF] * 4 + [Cause.UNKNOWN]
    assert [one.remedy for one in answer] == [
        *(Remedy.MASTER_DATA, Remedy.MASTER_DATA, Remedy.WAIT, Remedy.WAIT, Remedy.LOG)
    ]
    assert answer[0].verdict.because == "B at DC1 differs by as much the other way"


def test_the_lower_number_is_safe_and_never_below_zero() -> None:
    assert [Sold(*pair).lower for pair in ((5, 3), (3, 5), (-1, 5))] == [3, 3, 0]


def test_a_difference_in_the_total_hides_no_error_of_status() -> None:
    """One unit too many is within tolerance, 90 of 1000 that are damaged there are not."""
    found = judge(shelf(AVAILABLE=1000), shelf(AVAILABLE=911, DAMAGED=90), NOW, SEEN, POLICY)

    assert found is not None
    assert (found.at_stake, found.absolute) == (each(90), each(179))
    assert found.state is State.CONFIRMED


def test_a_late_document_hides_no_error_of_status_and_is_none_itself() -> None:
    late = Posting("S1", each(40), NOW - HOUR, name="wms:S1")
    known = replace(
        SEEN,
        ours=Log((late,)),
        not_posted=frozenset({"wms:S1"}),
        parts={"wms:S1": shelf(AVAILABLE=40)},
    )

    swapped = judge(shelf(AVAILABLE=140), shelf(AVAILABLE=90, DAMAGED=10), NOW, known, POLICY)
    assert swapped is not None
    assert (swapped.at_stake, swapped.level) == (each(10), Level.STATUS)
    assert (swapped.difference.explained, swapped.difference.unexplained) == (each(-40), 0)
    assert judge(shelf(AVAILABLE=140), shelf(AVAILABLE=100), NOW, known, POLICY) is None


def test_documents_on_their_way_to_two_statuses_are_no_error_of_status() -> None:
    """A receipt of 60 to DAMAGED and a shipment of 50 net to 10; both are only late."""
    late = Log((Posting("R", each(60), NOW - HOUR), Posting("S", each(-50), NOW - HOUR)))
    parts = {"R": shelf(DAMAGED=60), "S": shelf(AVAILABLE=-50)}
    known = replace(SEEN, ours=late, theirs=Log())
    ours, theirs = shelf(AVAILABLE=50, DAMAGED=60), shelf(AVAILABLE=100)

    assert judge(ours, theirs, NOW, replace(known, parts=parts), POLICY) is None
    assert judge(ours, theirs, NOW, known, POLICY) is None


@pytest.mark.parametrize(
    ("ours", "theirs", "withheld"),
    [
        (shelf(AVAILABLE=100), shelf(AVAILABLE=90), 10),
        (shelf(AVAILABLE=100), shelf(AVAILABLE=110), 0),
        (shelf(AVAILABLE=100), {}, 100),
        (shelf(AVAILABLE=100), shelf(AVAILABLE=-5), 100),
        (shelf(AVAILABLE=-5), {}, 0),
        (shelf(AVAILABLE=100), shelf(AVAILABLE=92, DAMAGED=8), 8),
        (shelf(AVAILABLE=100), shelf(AVAILABLE=80, DAMAGED=8), 20),
        (shelf(AVAILABLE=3, DAMAGED=50), shelf(AVAILABLE=3), 0),
        (shelf(AVAILABLE=3, DAMAGED=50), shelf(AVAILABLE=2, DAMAGED=90), 1),
        ({Bucket(): each(100)}, {Bucket(): each(97)}, 3),
        ({Bucket(): each(100)}, {}, 100),
        (shelf(DAMAGED=10), shelf(AVAILABLE=10), 0),
    ],
)
def test_the_lower_number_is_shown_of_what_can_be_sold(
    ours: dict[Bucket, int], theirs: dict[Bucket, int], withheld: int
) -> None:
    assert sold_of(ours, theirs).withheld == each(withheld)


def test_their_own_word_for_what_can_be_sold_is_understood() -> None:
    assert sold_of(shelf(FREE=10, DAMAGED=5), shelf(FREE=8), "FREE").withheld == each(2)


amounts = st.integers(-5, 50)
shelves = st.dictionaries(
    st.sampled_from([Bucket("AVAILABLE"), Bucket("AVAILABLE", lot="L1"), Bucket("DAMAGED")]),
    amounts,
)


@given(ours=shelves, theirs=shelves)
def test_what_is_left_to_show_is_the_lower_of_what_either_says_can_be_sold(
    ours: dict[Bucket, int], theirs: dict[Bucket, int]
) -> None:
    mine, other = (
        sum(n for bucket, n in side.items() if bucket.status == "AVAILABLE")
        for side in (ours, theirs)
    )

    sold = sold_of(ours, theirs)
    if all(bucket.status for bucket in (*ours, *theirs)):
        assert sold == (mine, other)
    assert max(0, mine - sold.withheld) == sold.lower == max(0, min(mine, other))


def test_a_shipment_that_only_their_log_has_lowers_what_is_shown() -> None:
    """500 against 440: whether they part statuses or not, 440 can be sold for certain."""
    log = Log((Posting("S1", each(-60), NOW - 6 * HOUR),))
    for status in ("", "AVAILABLE"):
        ours, theirs = ({Bucket(status): each(amount)} for amount in (500, 440))

        found = judge(ours, theirs, NOW, replace(SEEN, theirs=log), POLICY)

        assert found is not None
        assert (found.difference.unexplained, found.withheld) == (0, each(60))


def test_what_they_have_booked_twice_hides_nothing() -> None:
    """R6: 500 here, 440 there, whose log has the shipment of 60 twice."""
    shipped = Posting("S1", each(-60), NOW - 6 * HOUR)
    known = replace(SEEN, ours=Log((shipped,)), theirs=Log((shipped, shipped)))
    for status in ("", "AVAILABLE"):
        ours, theirs = ({Bucket(status): each(amount)} for amount in (500, 440))

        found = judge(ours, theirs, NOW, known, POLICY)

        assert found is not None
        assert (found.difference.unexplained, found.withheld) == (0, 0)


def test_the_order_of_two_systems_confirms_nothing() -> None:
    """A shipment of 3 five minutes before the cut; only one of the two shows a log."""
    log = Log((Posting("S1", each(-3), NOW - 5 * MINUTE),), is_told=True)
    none = Log((), model.NO_LOG, is_told=True)
    before = Before(State.SUSPECTED, NOW - HOUR, 1)

    one = judge(shelf(AVAILABLE=90), shelf(AVAILABLE=100), NOW,
                Known(ours=log, before=before), POLICY)  # fmt: skip
    other = judge(shelf(AVAILABLE=100), shelf(AVAILABLE=90), NOW,
                  Known(ours=none, theirs=log, before=before._replace(unexplained=-1)),
                  POLICY)  # fmt: skip

    assert one is not None
    assert other is not None
    assert (one.state, one.is_in_flight) == (State.SUSPECTED, True)
    assert (other.state, other.is_in_flight) == (State.SUSPECTED, True)


postings = st.lists(
    st.builds(
        Posting,
        st.sampled_from("XYZ"),
        st.just(1),
        st.sampled_from([NOW - HOUR, NOW - MINUTE, NOW, NOW + 1, NOW + MINUTE]),
    ),
    max_size=4,
).map(tuple)
logs = st.none() | st.builds(Log, postings)


@given(one=logs, other=logs, until=st.sampled_from([0, NOW, NOW + MINUTE]))
def test_what_is_in_flight_is_so_seen_from_either_side(
    one: Log | None, other: Log | None, until: int
) -> None:
    def seen(ours: Log | None, theirs: Log | None) -> bool:
        own = ours or Log((), model.NO_LOG)
        known = Known(ours=own, theirs=theirs, ambiguous_until=until)
        return judging.is_in_flight(known, NOW, POLICY)

    assert seen(one, other) == seen(other, one)


CONFIRMED_ALONE = Known(before=Before(State.SUSPECTED, NOW - HOUR, each(1)))


@pytest.mark.parametrize(
    ("fresh", "earlier", "amount", "stands"),
    [
        ("UNKNOWN", ("KIT_EXPLOSION", "MASTER_DATA"), 1, ("KIT_EXPLOSION", "MASTER_DATA")),
        ("UNKNOWN", ("KIT_EXPLOSION", "WAIT"), 1, ("KIT_EXPLOSION", "MASTER_DATA")),
        ("UNKNOWN", ("XREF", "MASTER_DATA"), 1, ("XREF", "MASTER_DATA")),
        ("SHRINK", ("COUNT", "COUNT"), 1, ("COUNT", "COUNT")),
        ("UNKNOWN", ("COUNT", "COUNT"), 1, ("UNKNOWN", "COUNT")),
        ("UNKNOWN", ("KIT_EXPLOSION", "MASTER_DATA"), 2, ("UNKNOWN", "MASTER_DATA")),
        ("UNKNOWN", ("UOM", "MASTER_DATA"), 2, ("UNKNOWN", "MASTER_DATA")),
        ("UNKNOWN", ("UNKNOWN", "COUNT"), 1, ("UNKNOWN", "COUNT")),
        ("UNKNOWN", ("KIT_EXPLOSION", "WAIT"), 2, ("UNKNOWN", "COUNT")),
        ("XREF", ("KIT_EXPLOSION", "WAIT"), 1, ("XREF", "COUNT")),
    ],
)
def test_a_key_asked_for_alone_keeps_what_several_together_have_told(
    fresh: str, earlier: tuple[str, str], amount: int, stands: tuple[str, str]
) -> None:
    """A sample found one more there; the earlier finding was of so many more."""
    judged = judge(shelf(AVAILABLE=100), shelf(AVAILABLE=101), NOW, CONFIRMED_ALONE, POLICY)
    assert judged is not None
    assert (judged.state, judged.remedy) == (State.CONFIRMED, Remedy.COUNT)
    judged = replace(judged, verdict=Verdict(Cause(fresh)))

    kept = judging.remembered(judged, judging.Earlier(earlier[0], "", earlier[1], each(amount)))

    assert (kept.verdict.cause, kept.remedy) == stands
