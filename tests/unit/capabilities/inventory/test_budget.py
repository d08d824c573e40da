"""A budget holds back the least that keeps overselling under its target."""

from decimal import Decimal
from fractions import Fraction
from math import exp, fsum, lgamma, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.inventory import budget
from crossdock.capabilities.inventory.budget import BATCH_MS, BOUNDS_MS, HOUR_MS, Seller

means = st.integers(0, 100 * MICROS)
percents = st.sampled_from([Decimal(p) for p in ("0.01", "0.1", "0.99", "1", "5", "50")])


def selling(per_hour: int, *, size: int = 1, order_ms: int = 0, name: str = "shop") -> Seller:
    return Seller(
        name=name,
        peak=per_hour * MICROS,
        taken=per_hour * MICROS,
        squares=per_hour * size * MICROS**2,
        order_ms=order_ms,
    )


def chance_naively(mean: int, held: int) -> float:
    """Add up the Poisson distribution as a textbook writes it, in floating point."""
    middle, term, total = mean / MICROS, exp(-mean / MICROS), 0.0
    for number in range(held + 1):
        total += term
        term *= middle / (number + 1)
    return 1 - total


def chance_by_logarithms(lumps: int, held: int) -> float:
    """Add up the distribution above `held`, as far as it can be told from nothing."""
    last = round(lumps + 12 * sqrt(lumps)) + 50
    return fsum(
        exp(number * log(lumps) - lumps - lgamma(number + 1)) for number in range(held + 1, last)
    )


@pytest.mark.parametrize(
    ("percent", "z"), [("1", "2.3264"), ("5", "1.6449"), ("0.1", "3.0903"), ("50", "0.0000")]
)
def test_a_target_is_read_as_a_normal_quantile_rounded_up(percent: str, z: str) -> None:
    assert abs(budget.z_of(Decimal(percent)) - Decimal(z)) <= Decimal("0.0001")


@given(mean=means, percent=percents)
def test_what_is_held_keeps_the_chance_under_the_target(mean: int, percent: Decimal) -> None:
    held = budget.lumps_to_hold(mean, percent)

    assert chance_naively(mean, held) <= float(percent) / 100 + 1e-9
    assert budget.chance_of_more(mean, held) <= percent / 100


@given(mean=means, percent=percents)
def test_one_lump_less_would_break_the_target(mean: int, percent: Decimal) -> None:
    held = budget.lumps_to_hold(mean, percent)

    if 0 < held <= budget.EXACT_LUMPS:
        assert budget.chance_of_more(mean, held - 1) > percent / 100


@given(mean=means, size=st.integers(1, 48), percent=percents)
def test_the_formula_is_kept_in_whole_units_whatever_the_orders_take(
    mean: int, size: int, percent: Decimal
) -> None:
    held, rest = divmod(budget.by_formula(mean, size * MICROS, percent), MICROS)

    z, middle = Fraction(budget.z_of(percent)), Fraction(mean, MICROS)
    assert not rest
    assert held >= size * middle
    assert (held - size * middle) ** 2 >= size**2 * z**2 * middle
    less = held - 1 - Fraction(size, 1000)
    is_in_formula = less >= size * middle and (less - size * middle) ** 2 >= (
        size**2 * z**2 * middle
    )
    assert not is_in_formula


@pytest.mark.parametrize(("per_hour", "held"), [(1, 1), (36, 3), (44, 12), (720, 24)])
def test_of_what_is_bought_by_the_case_no_case_is_held_that_hardly_ever_goes_unseen(
    per_hour: int, held: int
) -> None:
    # Ten seconds away; at 36 an hour in twelves more than none goes 83 times in ten thousand.
    sellers = [selling(per_hour, size=12)]

    assert budget.held_back(sellers, 10_000, Decimal(1)) == held * MICROS
    mean = budget.mean_lumps(sellers, 10_000)
    assert budget.chance_of_more(mean, held // 12) <= Decimal("0.01")


@given(percent=percents, mean=means, more=means)
def test_more_unseen_sales_never_need_less(percent: Decimal, mean: int, more: int) -> None:
    assert budget.lumps_to_hold(mean, percent) <= budget.lumps_to_hold(mean + more, percent)


@pytest.mark.parametrize("lumps", [85, 101, 128, 200, 1000, 3000])
@pytest.mark.parametrize("percent", [Decimal("0.1"), Decimal(1), Decimal(5), Decimal(50)])
def test_where_the_distribution_is_no_longer_asked_it_still_agrees(
    lumps: int, percent: Decimal
) -> None:
    held = budget.lumps_to_hold(lumps * MICROS, percent)

    assert chance_by_logarithms(lumps, held) <= float(percent) / 100
    assert chance_by_logarithms(lumps, held - 3) > float(percent) / 100


@pytest.mark.parametrize("lumps", [150, 199, 201, 500, 3000, 20_000])
@pytest.mark.parametrize("spread", [-3, -1, 0, 1, 2, 3, 4])
def test_chance_and_loss_beyond_the_exact_range_are_those_of_the_distribution(
    lumps: int, spread: int
) -> None:
    held = round(lumps + spread * sqrt(lumps))
    chances = [chance_by_logarithms(lumps, number) for number in (held - 1, held)]
    beyond = lumps * chances[0] - held * chances[1]

    assert abs(float(budget.chance_of_more(lumps * MICROS, held)) - chances[1]) < 0.001
    found = float(budget.expected_beyond(lumps * MICROS, held))
    assert abs(found - beyond) < 0.01 * sqrt(lumps)


@pytest.mark.parametrize("mean", [0, 1, 10**9, 10**15, 10**24])
@pytest.mark.parametrize("held", [0, 1, 10**6, 10**12, 10**20])
def test_whatever_sells_a_chance_is_told_between_none_and_one(mean: int, held: int) -> None:
    assert 0 <= budget.chance_of_more(mean, held) <= 1
    assert 0 <= budget.expected_beyond(mean, held) <= max(1, mean)


@given(mean=st.integers(0, 30 * MICROS), held=st.integers(0, 40))
def test_what_is_oversold_on_average_is_summed_as_it_is_defined(mean: int, held: int) -> None:
    middle, term, beyond = mean / MICROS, exp(-mean / MICROS), 0.0
    for number in range(200):
        beyond += max(0, number - held) * term
        term *= middle / (number + 1)

    assert abs(float(budget.expected_beyond(mean, held)) - beyond) < 1e-6


def test_what_others_sell_unseen_counts_each_by_his_own_delay() -> None:
    sellers = [
        selling(60, order_ms=60_000, name="shop"),
        selling(30, order_ms=240_000, name="market"),
    ]

    # The channel is two minutes away: 60/h for 3 minutes and 30/h for 6.
    assert budget.mean_lumps(sellers, 120_000) == 6 * MICROS


def test_orders_of_a_case_are_counted_in_cases() -> None:
    cases = [selling(120, size=12)]

    held = budget.held_back(cases, HOUR_MS // 10, Decimal(1))

    assert budget.lump(cases, HOUR_MS // 10) == 12 * MICROS
    assert budget.mean_lumps(cases, HOUR_MS // 10) == MICROS
    assert held == budget.lumps_to_hold(MICROS, Decimal(1)) * 12 * MICROS


def test_a_slow_seller_of_cases_is_not_diluted_by_a_fast_one_of_pieces() -> None:
    shop = Seller(
        name="shop",
        peak=60 * MICROS,
        taken=2500 * MICROS,
        squares=2500 * MICROS**2,
        order_ms=0,
    )
    erp = selling(96, size=24, order_ms=HOUR_MS // 2, name="erp")

    # Unseen a minute away: one piece of the shop's, and 49.6 of the other's, in cases of 24.
    assert budget.lump([shop, erp], 60_000) == -(
        -(1 + Fraction("49.6") * 24) * MICROS // Fraction("50.6")
    )
    assert budget.held_back([shop, erp], 60_000, Decimal(1)) >= 6 * 23 * MICROS


def test_who_took_nothing_takes_pieces() -> None:
    assert selling(0).line == MICROS


def test_the_curve_shows_what_slower_paths_need_a16() -> None:
    curve = dict(budget.curve([selling(36, order_ms=5000)], Decimal(1)))

    assert (curve[10_000], curve[BATCH_MS]) == (MICROS, 92 * MICROS)
    assert list(curve.values()) == sorted(curve.values())


def test_what_nobody_takes_needs_no_buffer() -> None:
    assert budget.held_back([], BATCH_MS, Decimal(1)) == 0
    assert budget.lump([], BATCH_MS) == MICROS


@given(ms=st.integers(-(10**6), 10**8))
def test_a_delay_is_counted_as_no_shorter_and_at_most_a_quarter_longer(ms: int) -> None:
    bucket = budget.delay_bucket(ms)

    if 0 <= ms <= 86_400_000:
        assert bucket is not None
        assert ms <= BOUNDS_MS[bucket] <= max(100, ms * 5 // 4 + 1)
    else:
        assert bucket is None


@given(delays=st.lists(st.integers(0, 86_400_000), min_size=30, max_size=300), percent=percents)
def test_all_delays_but_a_tenth_of_the_target_are_no_longer_than_the_slow_one(
    delays: list[int], percent: Decimal
) -> None:
    samples: dict[int, int] = {}
    for ms in delays:
        bucket = budget.delay_bucket(ms)
        assert bucket is not None
        samples[bucket] = samples.get(bucket, 0) + 1

    slow = budget.slow_ms(samples, percent)

    assert sum(ms > slow for ms in delays) * 1000 <= percent * len(delays)
    assert slow <= max(100, max(delays) * 5 // 4 + 1)


def test_a_path_that_was_hardly_measured_is_not_taken_for_a_fast_one() -> None:
    fast = budget.delay_bucket(50)
    slow = budget.delay_bucket(600_000)
    assert fast is not None
    assert slow is not None

    one = Decimal(1)
    assert budget.slow_ms({}, one) == 60_000
    assert budget.slow_ms({fast: 29}, one) == 60_000
    assert budget.slow_ms({fast: 30}, one) == 100
    assert budget.slow_ms({slow: 1}, one) == BOUNDS_MS[slow]


def test_one_delay_in_a_hundred_is_counted_on_where_one_in_a_thousand_is_allowed() -> None:
    fast, slow = budget.delay_bucket(1000), budget.delay_bucket(600_000)
    assert fast is not None
    assert slow is not None

    seldom = {fast: 9901, slow: 99}
    assert budget.slow_ms(seldom, Decimal("0.1")) == BOUNDS_MS[slow]
    assert budget.slow_ms(seldom, Decimal(10)) == BOUNDS_MS[fast]
