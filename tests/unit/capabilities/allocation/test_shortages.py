"""Who is short of what his strategy owes him is a case for as long as he is, and no longer."""

from datetime import timedelta

import pytest

from crossdock.canonical.allocation import Strategy
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import Applies
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_runs import of
from tests.unit.capabilities.allocation.test_triggers import web
from tests.unit.capabilities.inventory.house import (
    MAIN,
    count,
    counted,
    demand,
    moved,
    place,
)


async def again(floor: Floor) -> list[str]:
    """Look again, where nothing has happened; give the titles of the cases."""
    await floor.allocating.work.mark_all()
    await floor.work()
    return await titles(floor)


async def titles(floor: Floor) -> list[str]:
    return [case.title for case in await floor.open_cases()]


async def keep(floor: Floor, pieces: int) -> None:
    said = web(floor, minimum=pieces * MICROS)
    await floor.allocation.rulebook.protect(MAIN, said, by="planner")


async def win_short(floor: Floor, kept: int = 6, wanted: int = 8) -> None:
    await keep(floor, kept)
    await floor.rule("key", Strategy.WIN)
    await floor.hear(counted(1, count(10)), of("key", "K", 1, demand("K/1", wanted)))
    await floor.work()


async def test_a_win_line_that_gets_nothing_at_all_is_a_case_once(floor: Floor) -> None:
    await win_short(floor, kept=10)
    assert await floor.runs() == []
    for _ in range(2):
        assert await again(floor) == ["K/1 gets 0 EA of 8 EA: MINIMUM"]
    [case] = await floor.open_cases()
    assert (case.code, case.severity, case.count) == ("ORD-WIN-SHORT", "S2", 1)

    await floor.hear(moved(2, 8, None, place()))
    await floor.work()
    assert await titles(floor) == []


async def test_a_win_line_that_is_enlarged_and_gets_no_more_is_a_case(floor: Floor) -> None:
    await win_short(floor, wanted=4)
    assert await titles(floor) == []
    await floor.hear(of("key", "K", 2, demand("K/1", 10)))
    await floor.work()
    assert await titles(floor) == ["K/1 gets 4 EA of 10 EA: MINIMUM"]


async def test_what_a_gain_line_lost_is_a_case_until_it_has_it_again(floor: Floor) -> None:
    await floor.policy(Applies.EVERYTHING)
    await floor.rule("key", Strategy.GAIN)
    await floor.hear(counted(1, count(10)), of("key", "K", 1, demand("K/1", 8)))
    await floor.work()
    await keep(floor, 6)
    assert await floor.work() == {"K/1": 4}
    for _ in range(2):
        assert await again(floor) == ["K/1 keeps 4 EA of 8 EA: MINIMUM"]
    [case] = await floor.open_cases()
    assert (case.code, case.count) == ("ORD-GAIN-LOST", 1)

    await floor.hear(moved(2, 2, None, place()))
    assert await floor.work() == {"K/1": 6}
    assert await titles(floor) == ["K/1 keeps 6 EA of 8 EA: MINIMUM"]
    await floor.hear(moved(3, 2, None, place()))
    assert await floor.work() == {"K/1": 8}
    assert await titles(floor) == []


async def test_what_a_gain_line_lost_and_wants_no_more_is_no_case(floor: Floor) -> None:
    await floor.policy(Applies.EVERYTHING)
    await floor.rule("key", Strategy.GAIN)
    await floor.hear(counted(1, count(10)), of("key", "K", 1, demand("K/1", 8)))
    await floor.work()
    await keep(floor, 6)
    await floor.work()
    await floor.hear(of("key", "K", 2, demand("K/1", 4)))
    await floor.work()
    assert await titles(floor) == []


@pytest.mark.parametrize("is_approved", [True, False])
async def test_a_word_on_another_run_closes_no_case_of_who_is_still_short(
    floor: Floor, *, is_approved: bool
) -> None:
    await win_short(floor)
    await floor.policy(Applies.NOTHING)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    if is_approved:
        await floor.allocation.approve(MAIN, run.run_id, by="boss")
    else:
        await floor.allocation.reject(MAIN, run.run_id, by="boss", remark="no")
    assert await titles(floor) == ["K/1 gets 4 EA of 8 EA: MINIMUM"]
    assert await again(floor) == ["K/1 gets 4 EA of 8 EA: MINIMUM"]


async def test_a_case_closes_with_its_line_whatever_the_latest_run_said(floor: Floor) -> None:
    """A run that waits comes in between, and is superseded while the line is short."""
    await win_short(floor)
    await floor.policy(Applies.NOTHING)
    await floor.hear(moved(2, 6, None, place()))
    await floor.work()
    assert [state for state, *_ in await floor.runs()] == ["APPLIED", "SIMULATED"]
    await floor.hear(moved(3, 6, place(), None))
    await floor.work()
    assert await titles(floor) == ["K/1 gets 4 EA of 8 EA: MINIMUM"]

    await floor.hear(of("key", "K", 2, demand("K/1", 0)))
    await floor.work()
    assert await titles(floor) == []


async def test_a_win_line_whose_run_was_rejected_is_short_for_as_long_as_nothing_changes(
    floor: Floor,
) -> None:
    """Ten lie there, another has them; the run that would have taken them for K/1 is refused."""
    await floor.rule("other", Strategy.IMPROVE)
    await floor.hear(counted(1, count(10)), of("other", "A", 1, demand("A/1", 10)))
    await floor.work()
    await floor.rule("key", Strategy.WIN, priority=1)
    await floor.hear(of("key", "K", 1, demand("K/1", 10)))
    await floor.work()
    [waits] = [run for run in await floor.allocation.runs(MAIN) if run.waits]

    await floor.allocation.reject(MAIN, waits.run_id, by="boss", remark="no")

    assert await titles(floor) == ["K/1 gets 0 EA of 10 EA: NOT_TOUCHED"]
    assert await again(floor) == ["K/1 gets 0 EA of 10 EA: NOT_TOUCHED"]


async def lost(floor: Floor, wanted: int = 8) -> None:
    """Let a GAIN line have eight of ten, and lose four of them to a minimum."""
    await floor.policy(Applies.EVERYTHING)
    await floor.rule("key", Strategy.GAIN)
    await floor.hear(counted(1, count(8)), of("key", "K", 1, demand("K/1", wanted)))
    assert await floor.work() == {"K/1": 8}
    await keep(floor, 4)
    assert await floor.work() == {"K/1": 4}


async def close_by_hand(floor: Floor) -> None:
    [case] = await floor.open_cases()
    await floor.cases.close(MAIN, case.case_id, "he was told")
    await floor.clock.advance(timedelta(seconds=1))
    assert await titles(floor) == []


async def test_a_loss_that_goes_on_is_a_case_again_after_it_was_closed_by_hand(
    floor: Floor,
) -> None:
    await lost(floor)
    for _ in range(2):
        await close_by_hand(floor)
        assert await again(floor) == ["K/1 keeps 4 EA of 8 EA: MINIMUM"]
    [case] = await floor.open_cases()
    assert case.count == 1
    assert await again(floor) == ["K/1 keeps 4 EA of 8 EA: MINIMUM"]


async def test_a_loss_that_ended_after_its_case_was_closed_by_hand_is_forgotten(
    floor: Floor,
) -> None:
    await lost(floor)
    await close_by_hand(floor)
    await floor.hear(of("key", "K", 2, demand("K/1", 4)))
    await floor.work()
    await floor.hear(of("key", "K", 3, demand("K/1", 8)))
    await floor.work()
    assert await titles(floor) == []


async def test_what_left_of_a_line_since_it_lost_is_no_more_owed_it(floor: Floor) -> None:
    """Eight of twenty it had, and four of them it lost: the four it kept are picked."""
    await lost(floor, wanted=20)
    assert await titles(floor) == ["K/1 keeps 4 EA of 8 EA: SUPPLY"]
    await floor.hear(moved(2, 4, place(), None, demand_ref="K/1"))
    await floor.work()
    assert await titles(floor) == ["K/1 keeps 0 EA of 4 EA: SUPPLY"]


async def test_a_line_that_moves_away_leaves_no_case_where_it_was(floor: Floor) -> None:
    await win_short(floor)
    assert await titles(floor) == ["K/1 gets 4 EA of 8 EA: MINIMUM"]
    await floor.hear(
        counted(2, count(9), location="DC2"),
        of("key", "K", 2, demand("K/1", 8, location="DC2")),
    )
    await floor.work()
    assert await titles(floor) == []


async def test_a_run_that_waits_is_a_case_again_after_it_was_closed_by_hand(
    floor: Floor,
) -> None:
    await win_short(floor)
    await floor.policy(Applies.NOTHING)
    await floor.hear(moved(2, 2, None, place()))
    await floor.work()
    await close_by_hand(floor)
    [title] = await again(floor)
    assert "waits for approval" in title
    assert await again(floor) == [title]
    [case] = await floor.open_cases()
    assert (case.code, case.count) == ("ORD-OVERSOLD", 1)


async def test_a_refused_run_is_a_case_again_after_it_was_closed_by_hand(floor: Floor) -> None:
    await floor.rule("key", Strategy.WIN)
    await floor.hear(counted(1, count(4)), of("key", "K", 1, demand("K/1", 8)))
    await floor.work()
    await close_by_hand(floor)
    assert await again(floor) == ["8 EA are owed, and 4 EA are there"]
    assert await again(floor) == ["8 EA are owed, and 4 EA are there"]
    [case] = await floor.open_cases()
    assert (case.code, case.severity, case.count) == ("ORD-OVERSOLD", "S1", 1)


async def test_who_is_short_by_a_rejected_run_is_a_case_again_after_it_was_closed_by_hand(
    floor: Floor,
) -> None:
    await floor.rule("other", Strategy.IMPROVE)
    await floor.hear(counted(1, count(10)), of("other", "A", 1, demand("A/1", 10)))
    await floor.work()
    await floor.rule("key", Strategy.WIN, priority=1)
    await floor.hear(of("key", "K", 1, demand("K/1", 10)))
    await floor.work()
    [waits] = [run for run in await floor.allocation.runs(MAIN) if run.waits]
    await floor.allocation.reject(MAIN, waits.run_id, by="boss", remark="no")
    await close_by_hand(floor)
    assert await again(floor) == ["K/1 gets 0 EA of 10 EA: NOT_TOUCHED"]


@pytest.mark.parametrize("is_approved", [True, False])
async def test_a_run_may_be_decided_on_after_its_case_was_closed_by_hand(
    floor: Floor, *, is_approved: bool
) -> None:
    await win_short(floor)
    await floor.policy(Applies.NOTHING)
    await floor.hear(moved(2, 2, None, place()))
    await floor.work()
    await close_by_hand(floor)
    [waits] = [run for run in await floor.allocation.runs(MAIN) if run.waits]
    if is_approved:
        await floor.allocation.approve(MAIN, waits.run_id, by="boss")
    else:
        await floor.allocation.reject(MAIN, waits.run_id, by="boss", remark="no")
    gets = 6 if is_approved else 4
    assert await titles(floor) == [f"K/1 gets {gets} EA of 8 EA: MINIMUM"]
