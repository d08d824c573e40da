"""Availability by date: rules with numbers, on any numbers, beside a second implementation."""

import os
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS, Quantity
from crossdock.capabilities.supply import model
from crossdock.capabilities.supply.model import BESIDE_STOCK, AtpMode, Limits, ScheduleLine
from tests.unit.capabilities.supply import naive
from tests.unit.capabilities.supply.naive import Case

OF_STOCK = [mode for mode in AtpMode if mode not in BESIDE_STOCK]

CASES = int(os.environ.get("CROSSDOCK_CASES", "2000"))  # noqa: TID251 - how much to test
"""Random cases for each mode; `make cases` plays 100,000."""

amounts = st.integers(0, 100)
steps = st.lists(st.tuples(amounts, amounts), min_size=1, max_size=20)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    drawn = draw(steps)
    start = draw(st.integers(-100, 200))
    return Case(start, [supply for supply, _ in drawn], [demand for _, demand in drawn])


def pab(case: Case) -> list[int]:
    return model.projected(*case)


@pytest.mark.parametrize(
    ("mode", "second"),
    [
        (AtpMode.CUMULATIVE, naive.cumulative),
        (AtpMode.DISCRETE, naive.discrete),
        (AtpMode.UNTIL_NEXT_SUPPLY, naive.until_next_supply),
    ],
)
def test_each_mode_says_what_its_definition_says(mode: AtpMode, second: object) -> None:
    random = Random(f"atp {mode}")
    assert callable(second)
    for _ in range(CASES):
        case = naive.random_case(random)
        atp = model.promisable(mode, pab(case))
        assert atp == second(case), case
        wanted = random.randint(1, 120)
        assert model.earliest(atp, wanted) == naive.earliest(atp, wanted), case


def test_a_split_promise_is_what_unit_by_unit_would_be_granted() -> None:
    random = Random("splits")
    for _ in range(CASES // 20):
        case = naive.random_case(random)
        wanted = random.randint(1, 30)
        lines, rest = model.split(AtpMode.CUMULATIVE, model.cumulative(pab(case)), wanted)
        assert lines == naive.greedy(case, wanted), case
        assert rest == wanted - sum(line.micros for line in lines)


@given(cases())
def test_balances_are_the_sums_of_what_came_and_went(case: Case) -> None:
    assert pab(case) == [naive.balance(case, bucket) for bucket in range(len(case.supply))]


@given(cases())
def test_catp_never_falls(case: Case) -> None:
    """I10, its first half."""
    catp = model.cumulative(pab(case))
    assert catp == sorted(catp)
    assert catp[-1] == max(0, pab(case)[-1])


@given(cases(), st.data())
def test_a_grant_takes_its_amount_from_then_on_and_no_more_before(
    case: Case, data: st.DataObject
) -> None:
    """I10, its second half: granting q by b takes q off CATP[k >= b], at most q before."""
    before = model.cumulative(pab(case))
    bucket = data.draw(st.integers(0, len(before) - 1))
    granted = data.draw(st.integers(0, before[bucket]))
    demand = list(case.demand)
    demand[bucket] += granted

    after = model.cumulative(pab(Case(case.start, case.supply, demand)))

    assert after[bucket:] == [has - granted for has in before[bucket:]]
    assert all(0 <= had - has <= granted for had, has in zip(before, after, strict=True))


@given(cases())
def test_datp_sums_to_catp(case: Case) -> None:
    datp, catp = model.discrete(pab(case)), model.cumulative(pab(case))
    assert [sum(datp[: bucket + 1]) for bucket in range(len(datp))] == catp
    assert all(not own or bucket == 0 or case.supply[bucket] for bucket, own in enumerate(datp))


@given(cases())
def test_a_bounded_look_ahead_promises_at_least_what_a_full_one_does(case: Case) -> None:
    full, bounded = model.cumulative(pab(case)), model.until_next_supply(pab(case))
    assert all(has >= least for has, least in zip(bounded, full, strict=True))
    assert all(has <= max(0, most) for has, most in zip(bounded, pab(case), strict=True))


@given(cases(), st.integers(1, 300))
def test_a_split_promise_is_the_increments_of_catp(case: Case, wanted: int) -> None:
    catp = model.cumulative(pab(case))
    lines, rest = model.split(AtpMode.CUMULATIVE, catp, wanted)
    given_by = [
        sum(line.micros for line in lines if line.bucket <= bucket) for bucket in range(len(catp))
    ]
    assert given_by == [min(wanted, has) for has in catp]
    assert rest == max(0, wanted - catp[-1])


@given(
    cases(), st.integers(1, 300), st.sampled_from(OF_STOCK), st.integers(0, 60), st.integers(0, 4)
)
def test_a_split_promise_keeps_to_its_limits(
    case: Case, wanted: int, mode: AtpMode, least: int, most: int
) -> None:
    atp = model.promisable(mode, pab(case))
    lines, rest = model.split(mode, atp, wanted, Limits(least, most))
    assert sum(line.micros for line in lines) + rest == wanted
    assert all(line.micros >= min(least, wanted) for line in lines)
    assert not most or len(lines) <= most
    assert rest == 0 or rest >= min(least, wanted)
    given_by = 0
    for line in lines:
        given_by += line.micros
        has = atp[line.bucket]
        assert (line.micros if mode is AtpMode.DISCRETE else given_by) <= has


def test_the_last_line_allowed_waits_for_all_the_rest() -> None:
    atp = [25, 25, 45, 70]
    assert model.split(AtpMode.CUMULATIVE, atp, 60, Limits(0, 2)) == (
        [ScheduleLine(0, 25), ScheduleLine(3, 35)],
        0,
    )
    assert model.split(AtpMode.CUMULATIVE, atp, 60, Limits(0, 1)) == ([ScheduleLine(3, 60)], 0)
    assert model.split(AtpMode.CUMULATIVE, atp, 60, Limits(30, 0)) == (
        [ScheduleLine(2, 30), ScheduleLine(3, 30)],
        0,
    )
    assert model.split(AtpMode.CUMULATIVE, [25, 25], 60, Limits(0, 1)) == ([], 60)


def test_what_can_be_had_by_a_bucket_is_of_one_supply_where_promises_are() -> None:
    assert model.granted([5, 20], 100) == 20
    assert model.granted([5, 20], 10) == 10
    assert model.granted([20, 0], 100) == 20
    assert model.granted([80, 80, 70, 70], 80) == 80  # A27: what is there until b2


@given(st.integers(0, 10**6), st.integers(1, 50))
def test_packs_and_their_remainder_are_the_amount(micros: int, pack: int) -> None:
    packs, rest = model.whole_packs(micros, pack)
    assert packs * pack + rest == micros
    assert 0 <= rest < pack
    assert model.in_packs(micros, pack, up=False) == packs * pack
    assert model.in_packs(micros, pack, up=True) == (packs + bool(rest)) * pack
    assert model.in_packs(micros, 0, up=True) == micros


def test_a_shortage_makes_no_pack_and_no_kit() -> None:
    assert model.whole_packs(-5, 12) == (0, 0)
    assert model.of_packs([-5, 30], 12) == [0, 24]
    assert model.kits_by_bucket({"A": 2 * MICROS}, {"A": [-4 * MICROS]}, [0]) == [0]


def test_kits_by_bucket_are_kits_in_each_bucket() -> None:
    parts = {"A": 2 * MICROS, "B": MICROS}
    atp = {"A": [3 * MICROS, 8 * MICROS], "B": [9 * MICROS, 3 * MICROS]}
    assert model.kits_by_bucket(parts, atp, [0, MICROS]) == [MICROS, 4 * MICROS]
    assert model.kits_by_bucket({"A": 2 * MICROS}, atp, [0, 0]) == [MICROS, 4 * MICROS]


def test_entries_of_one_bucket_are_summed() -> None:
    assert model.dated(3, [(0, 4), (2, 1), (0, 5)]) == [9, 0, 1]


@pytest.mark.parametrize(
    ("pieces", "nominal", "low", "high", "weighs"),
    [
        (4, "2.5", 5, 10, ("10", "9.5", "11")),
        (0, "2.5", 5, 10, ("0", "0", "0")),
        (3, "0.333333", 0, 0, ("0.999999", "0.999999", "0.999999")),
    ],
)
def test_pieces_are_estimated_to_weigh_so_much(
    pieces: int, nominal: str, low: int, high: int, weighs: tuple[str, str, str]
) -> None:
    found = model.weight_of(pieces * MICROS, Quantity.of(nominal).micros, low, high)
    assert found == model.Weighing(*(Quantity.of(one).micros for one in weighs))
