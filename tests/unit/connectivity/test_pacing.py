"""The arithmetic of deliveries: bounds that hold for every number."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.commands import Lane
from crossdock.connectivity.aftermath import (
    SUSPICIONS_MAX,
    TRIES_MAX,
    Circumstances,
    Fate,
    Tries,
    next_of,
)
from crossdock.connectivity.claiming import chosen_of
from crossdock.connectivity.directory import Circuit
from crossdock.connectivity.gaps import Hole, Progress
from crossdock.connectivity.pacing import (
    BACK_OFF_MAX,
    FAILURES_TO_OPEN,
    LANES,
    PROBE_MAX,
    TURNS,
    Health,
    back_off,
    next_call_at,
    turns,
)
from crossdock.connectivity.sdk import RepeatSafety
from crossdock.connectivity.settling import LANE_NUMBERS
from tests.conftest import NOON

depths = st.dictionaries(st.sampled_from(LANES), st.integers(0, 200))


@given(attempts=st.integers(0, 10_000), seed=st.integers())
def test_a_back_off_stays_within_its_bounds(attempts: int, seed: int) -> None:
    pause = back_off(attempts, Random(seed))

    whole = min(timedelta(seconds=2 ** min(max(attempts - 1, 0), 20)), BACK_OFF_MAX)
    assert whole / 2 <= pause <= whole


@given(waiting=depths, room=st.integers(0, 100), turn=st.integers(0, 10_000))
def test_every_place_is_given_while_anybody_waits(
    waiting: dict[Lane, int], room: int, turn: int
) -> None:
    given_places = turns(waiting, room, turn)

    assert sum(given_places.values()) == min(room, sum(waiting.values()))
    assert all(given_places[lane] <= waiting.get(lane, 0) for lane in LANES)


@given(waiting=depths, turn=st.integers(0, 10_000))
def test_of_ten_places_each_lane_that_has_enough_gets_its_share(
    waiting: dict[Lane, int], turn: int
) -> None:
    enough = {lane: waiting.get(lane, 0) + len(TURNS) for lane in LANES}

    assert turns(enough, len(TURNS), turn) == {lane: TURNS.count(lane) for lane in LANES}


commands = st.fixed_dictionaries(
    {"role": st.sampled_from("ab"), "suspicions": st.integers(0, SUSPICIONS_MAX)}
)


@given(
    room=st.integers(1, 250),
    turn=st.integers(0, 10_000),
    waiting=st.lists(st.tuples(st.sampled_from(LANES), commands), min_size=1, max_size=6),
)
def test_the_front_of_every_lane_leaves_within_ten_calls_whatever_crowds_in(
    room: int, turn: int, waiting: list[tuple[Lane, dict[str, object]]]
) -> None:
    """Whichever its role and its past, and however large a batch the target takes."""
    patient = [
        {"command_id": str(number), "lane": LANE_NUMBERS[lane], **command}
        for number, (lane, command) in enumerate(waiting)
    ]
    crowd = [
        {"command_id": "crowd", "lane": LANE_NUMBERS[lane], "role": "a", "suspicions": 0}
        for lane in LANES
        for _ in range(room)
    ]
    fronts = {row["lane"]: row["command_id"] for row in reversed(patient)}.values()

    for _ in TURNS:
        sent, turn = chosen_of([*patient, *crowd], room, turn)
        assert sent
        patient = [row for row in patient if row["command_id"] not in sent]

    assert not {row["command_id"] for row in patient} & set(fronts)


@given(
    rate=st.floats(0.1, 1000),
    steps=st.lists(st.floats(0, 3), min_size=1, max_size=200),
)
def test_no_second_sees_more_calls_than_the_rate_and_its_burst(
    rate: float, steps: list[float]
) -> None:
    planned, now, calls = None, NOON, []
    for step in steps:
        now += timedelta(seconds=step)
        may_call, planned = next_call_at(planned, now, rate)
        if may_call:
            calls.append(now)

    for index, first in enumerate(calls):
        within = [each for each in calls[index:] if each < first + timedelta(seconds=1)]
        assert len(within) <= 2 * rate + 2


def test_an_idle_connection_may_call_at_once_and_a_busy_one_when_its_turn_comes() -> None:
    assert next_call_at(None, NOON, 2) == (True, NOON)
    assert next_call_at(NOON + timedelta(seconds=1), NOON, 2) == (
        False,
        NOON + timedelta(seconds=1),
    )


@given(failures=st.integers(1, 200), seed=st.integers())
def test_probes_come_ever_less_often_up_to_a_limit(failures: int, seed: int) -> None:
    random, health = Random(seed), Health()
    for number in range(failures):
        before = health
        health = health.after_failure(NOON, random)
        is_open = number + 1 >= FAILURES_TO_OPEN
        assert (health.circuit is Circuit.OPEN) == is_open
        assert health.probe_seconds >= before.probe_seconds
        assert health.probe_seconds <= PROBE_MAX.total_seconds()
        if health.probe_at:
            pause = (health.probe_at - NOON).total_seconds()
            assert 0.74 * health.probe_seconds <= pause <= health.probe_seconds


def test_a_probe_that_succeeds_lets_one_call_through_and_one_failure_closes_it_again() -> None:
    opened = Health(Circuit.OPEN, 9, NOON, 20.0, NOON)

    trial = opened.probed(NOON, Random(1), is_reached=True)
    assert trial.circuit is Circuit.HALF_OPEN
    assert trial.after_failure(NOON, Random(1)).circuit is Circuit.OPEN
    assert trial.after_failure(NOON, Random(1)).probe_seconds == 40.0
    assert trial.after_success() == Health()


fates = st.sampled_from(Fate)
safeties = st.sampled_from(RepeatSafety)
tries = st.builds(Tries, st.integers(1, 100), st.integers(0, 10), st.booleans())


@given(fate=fates, tries=tries, safety=safeties, seed=st.integers())
def test_a_command_that_may_have_worked_is_never_repeated_where_that_could_double_it(
    fate: Fate, tries: Tries, safety: RepeatSafety, seed: int
) -> None:
    given_ = Circumstances(now=NOON, random=Random(seed), safety=safety)

    after = next_of(fate, tries, given_)

    is_doubtful = fate in {Fate.UNKNOWN, Fate.BROKEN, Fate.CRASHED}
    if is_doubtful and safety is RepeatSafety.NONE:
        assert after.state == "PARKED"
    if is_doubtful and after.state == "PENDING":
        assert after.is_unknown
    if tries.is_unknown and after.state == "PENDING":
        assert after.is_unknown
    assert after.due_at >= NOON


@pytest.mark.parametrize(
    ("fate", "tries", "state"),
    [
        (Fate.DONE, Tries(1), "DONE"),
        (Fate.STALE, Tries(1), "STALE"),
        (Fate.REFUSED, Tries(1), "DEAD"),
        (Fate.RETRY, Tries(TRIES_MAX - 1), "PENDING"),
        (Fate.RETRY, Tries(TRIES_MAX), "PARKED"),
        (Fate.UNREACHED, Tries(1000), "PENDING"),
        (Fate.THROTTLED, Tries(1000), "PENDING"),
        (Fate.CRASHED, Tries(1, SUSPICIONS_MAX - 2), "PENDING"),
        (Fate.CRASHED, Tries(1, SUSPICIONS_MAX - 1), "PARKED"),
        (Fate.SHARED, Tries(1), "PENDING"),
    ],
)
def test_each_fate_leads_to_its_state(fate: Fate, tries: Tries, state: str) -> None:
    given_ = Circumstances(now=NOON, random=Random(1), safety=RepeatSafety.UPSERT)
    assert next_of(fate, tries, given_).state == state


def test_what_reached_nobody_does_not_count_as_a_try() -> None:
    given_ = Circumstances(
        now=NOON, random=Random(1), safety=RepeatSafety.NONE, pause=timedelta(seconds=9)
    )
    after = next_of(Fate.UNREACHED, Tries(3), given_)
    assert (after.attempts, after.due_at) == (2, NOON + timedelta(seconds=9))


@given(
    batches=st.lists(st.lists(st.integers(0, 60), max_size=8), max_size=12),
    covered=st.none() | st.integers(0, 60),
)
def test_holes_are_exactly_the_numbers_that_did_not_come_and_no_snapshot_covers(
    batches: list[list[int]], covered: int | None
) -> None:
    progress = Progress()
    for batch in batches:
        progress = progress.after(batch)

    first = next((min(batch) for batch in batches if batch), None)
    if first is None:
        assert progress == Progress()
        return
    heard = {number for batch in batches for number in batch}
    progress = progress.after([max(heard)], covered)
    missing = {
        number
        for number in range(max(first, -1 if covered is None else covered + 1), max(heard))
        if number not in heard
    }
    told = [n for hole in progress.holes for n in range(hole.first, hole.last + 1)]
    assert progress.highest == max(heard)
    assert sorted(told) == sorted(missing)
    assert list(progress.holes) == sorted(progress.holes)


def test_a_hole_is_filled_from_either_end_and_from_the_middle() -> None:
    progress = Progress().after([1, 9])
    assert progress.holes == (Hole(2, 8),)
    assert progress.after([5]).holes == (Hole(2, 4), Hole(6, 8))
    assert progress.after([2, 8]).holes == (Hole(3, 7),)
    assert progress.after(range(2, 9)).holes == ()
