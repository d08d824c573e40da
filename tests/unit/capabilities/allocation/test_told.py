"""The log is told of every rule that changes and of every run that is proposed or decided on."""

from datetime import timedelta
from decimal import Decimal

from crossdock.canonical.allocation import AllocationRuleChanged, AllocationRunChanged, Strategy
from crossdock.canonical.quantities import MICROS
from crossdock.capabilities.allocation import AllocationProtection, Applies
from tests.unit.capabilities.allocation.conftest import Floor
from tests.unit.capabilities.allocation.test_runs import two_orders
from tests.unit.capabilities.inventory.house import MAIN, count, counted


async def rules_told(floor: Floor) -> list[AllocationRuleChanged]:
    told = [event.payload for event in await floor.told(AllocationRuleChanged)]
    return [one for one in told if isinstance(one, AllocationRuleChanged)]


async def runs_told(floor: Floor) -> list[tuple[str, str, str]]:
    """Give state, who, and remark of every run that was told of."""
    told = [event.payload for event in await floor.told(AllocationRunChanged)]
    return [
        (one.state, one.changed_by, one.remark)
        for one in told
        if isinstance(one, AllocationRunChanged)
    ]


async def test_a_rule_is_told_once_however_often_it_is_said(floor: Floor) -> None:
    for _ in range(2):
        await floor.rule("key", Strategy.WIN, 1)

    assert await rules_told(floor) == [
        AllocationRuleChanged(
            kind="CHANNEL",
            version=1,
            changed_by="planner",
            subject="key",
            strategy=Strategy.WIN,
            priority=1,
        )
    ]


async def test_the_policy_is_told_once_however_often_it_is_said(floor: Floor) -> None:
    for _ in range(2):
        await floor.policy(Applies.NOTHING, four_eyes=True)

    assert await rules_told(floor) == [
        AllocationRuleChanged(
            kind="POLICY", version=1, changed_by="boss", applies="NOTHING", four_eyes=True
        )
    ]


async def test_a_maximum_is_told_with_its_period_and_so_is_that_it_was_taken_back(
    floor: Floor,
) -> None:
    now = floor.clock.now()
    kept = AllocationProtection(
        item="X",
        location="DC1",
        channel="web",
        maximum=7_500_000,
        minimum=2 * MICROS,
        starts_at=now,
        ends_at=now + timedelta(days=1),
    )
    await floor.hear(counted(1, count(10)))
    for _ in range(2):
        await floor.allocation.rulebook.protect(MAIN, kept, by="planner")
    for _ in range(2):
        await floor.allocation.rulebook.unprotect(MAIN, "X", "DC1", "web", by="boss")

    said, gone = await rules_told(floor)
    assert (said.kind, said.subject, said.item, said.location) == (
        "PROTECTION", "web", "X", "DC1",
    )  # fmt: skip
    assert (said.maximum, said.minimum) == (Decimal("7.5"), Decimal(2))
    assert (said.starts_at, said.ends_at) == (kept.starts_at, kept.ends_at)
    assert (gone.is_cleared, gone.version, gone.changed_by) == (True, 2, "boss")
    assert (gone.maximum, gone.starts_at) == (None, None)


async def test_a_run_is_told_when_it_is_proposed_and_when_it_is_applied_each_once(
    floor: Floor,
) -> None:
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    assert await runs_told(floor) == [("SIMULATED", "planner", "")]

    for _ in range(2):
        await floor.allocation.approve(MAIN, run.run_id, by="boss", remark="go")

    assert await runs_told(floor) == [("SIMULATED", "planner", ""), ("APPLIED", "boss", "go")]
    [_, event] = await floor.told(AllocationRunChanged)
    told = event.payload
    assert isinstance(told, AllocationRunChanged)
    assert (told.run_id, told.item, told.location) == (run.run_id, "X", "DC1")
    assert (str(told.supply), str(told.gained), str(told.lost)) == ("10 EA", "10 EA", "0 EA")


async def test_a_run_that_is_rejected_is_told_once_with_who_and_why(floor: Floor) -> None:
    await two_orders(floor)
    run = await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    for _ in range(2):
        await floor.allocation.reject(MAIN, run.run_id, by="boss", remark="not today")

    assert (await runs_told(floor))[1:] == [("REJECTED", "boss", "not today")]


async def test_a_run_that_a_newer_look_replaces_is_told_as_superseded(floor: Floor) -> None:
    await two_orders(floor)
    await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")
    await floor.hear(counted(2, count(12)))
    await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")

    assert [state for state, _, _ in await runs_told(floor)] == [
        "SIMULATED", "SUPERSEDED", "SIMULATED",
    ]  # fmt: skip


async def test_a_run_that_owes_more_than_there_is_is_told_as_refused(floor: Floor) -> None:
    await floor.rule("web", Strategy.WIN)
    await two_orders(floor, there=3)
    for _ in range(2):
        await floor.allocation.simulate(MAIN, "X", "DC1", by="planner")

    assert await runs_told(floor) == [("REFUSED", "planner", "")]


async def test_what_the_policy_applies_by_itself_is_told_as_the_hubs(floor: Floor) -> None:
    await floor.policy(Applies.EVERYTHING)
    await two_orders(floor)
    await floor.work()

    assert await runs_told(floor) == [
        ("SIMULATED", "crossdock", ""),
        ("APPLIED", "crossdock", "policy EVERYTHING"),
    ]
