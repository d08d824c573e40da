"""A difference that grows past the cap, or comes back above it: its case gets more urgent."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.quantities import MICROS
from crossdock.canonical.reconciliation import DifferenceConfirmed, DifferenceGone
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.reconciliation import Brake, Rules
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from crossdock.orchestration.cases import Case
from tests.conftest import NOON
from tests.processes.test_reconciliation import HEADER, HOUR, House

DAY = timedelta(days=1)
DESK = "Inventory control"


@pytest.fixture
async def house(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[House]:
    """Give a hub whose warehouse has counted 1,000 of an item."""
    settings = Settings(dsn=SecretStr(dsn), data_dir=tmp_path, log_level="ERROR")
    async with Hub.open(settings, Outside(clock=clock, applications={})) as hub:
        facts = [own_fact(ItemChanged(sku="SKU-1"), NOON)]
        facts.append(own_fact(LocationChanged(code="DC1"), NOON))
        await hub.record(facts, source=OWN_SOURCE)
        opened = House(hub, clock, tmp_path)
        await opened.counted(SKU_1=1000)
        await clock.advance(HOUR)
        yield opened


async def says(house: House, *levels: int, of: str = "C", cost: str = "100") -> None:
    """Let the ERP say how many there are, an hour apart."""
    for level in levels:
        row = f"SKU-1,DC1,AVAILABLE,{level},{house.at.isoformat()},{cost},{of}"
        await house.dumped(row, header=f"{HEADER},unit_cost,class")
        await house.clock.advance(HOUR)


async def the_case(house: House) -> Case:
    [case] = await house.hub.cases.find(house.hub.scope)
    return case


def worded(case: Case) -> tuple[str, str, object, object]:
    said = case.evidence
    return case.severity, case.owner_role, said["value_at_risk"], said["is_above_cap"]


async def test_a_difference_that_grows_past_the_cap_makes_its_open_case_urgent(
    house: House,
) -> None:
    """The cap is 10,000: 60 missing at 100 each are 6,000, 500 missing are 50,000 (§4.3)."""
    await says(house, 940, 940)
    before = await the_case(house)
    assert worded(before) == ("S3", DESK, "6000", False)
    assert before.due_at - before.opened_at == 3 * DAY
    grown_at = house.at

    await says(house, 500)

    case = await the_case(house)
    assert (case.case_id, case.count) == (before.case_id, 2)
    assert worded(case) == ("S2", DESK, "50000", True)
    assert case.due_at == grown_at + 8 * HOUR
    [found] = await house.findings("CONFIRMED")
    assert found.due_at == grown_at + 8 * HOUR
    assert "500" in case.title


async def test_a_case_is_worded_anew_when_the_cap_is_crossed_and_not_at_every_comparison(
    house: House,
) -> None:
    await says(house, 940, 940, 500, 400, 300)

    case = await the_case(house)
    assert (case.count, worded(case)) == (2, ("S2", DESK, "50000", True))


async def test_a_difference_that_shrinks_below_the_cap_and_grows_again_is_no_less_urgent(
    house: House,
) -> None:
    await says(house, 940, 940, 500)
    due_at = (await the_case(house)).due_at

    await says(house, 940)
    assert worded(await the_case(house)) == ("S2", DESK, "50000", True)
    await says(house, 200)

    case = await the_case(house)
    assert (case.count, case.due_at) == (3, due_at)
    assert worded(case) == ("S2", DESK, "80000", True)


async def test_a_difference_that_is_gone_and_comes_back_above_the_cap_gets_urgent(
    house: House,
) -> None:
    await says(house, 940, 940)
    first = await the_case(house)
    await says(house, 1000)
    assert await house.hub.cases.find(house.hub.scope) == []

    await says(house, 500, 500)

    case = await the_case(house)
    assert case.case_id != first.case_id
    assert worded(case) == ("S2", DESK, "50000", True)
    assert case.due_at - case.opened_at == 8 * HOUR


async def test_a_difference_keeps_its_price_when_a_look_names_no_cost(house: House) -> None:
    """500 missing at 100 each are 50,000 also for a sample, which names neither cost nor class."""
    for level, cost in ((500, "100"), (500, "100"), (500, ""), (400, ""), (500, "100")):
        row = f"SKU-1,DC1,AVAILABLE,{level},{house.at.isoformat()},{cost}"
        await house.dumped(row, header=f"{HEADER},unit_cost")
        await house.clock.advance(HOUR)
        [found] = await house.findings("SUSPECTED", "CONFIRMED")
        assert found.value_at_risk == (1000 - level) * 100
    case = await the_case(house)
    assert (case.count, worded(case)) == (1, ("S2", DESK, "50000", True))


async def test_a_difference_is_not_within_tolerance_because_a_look_names_no_cost(
    house: House,
) -> None:
    """40 of 1,000 are within C's 5 %, but not at 100 each; a file of class alone says no cost."""
    for cost in ("100", "100", ""):
        await says(house, 960, cost=cost)

    [found] = await house.findings("CONFIRMED")
    assert found.value_at_risk == Decimal(4000)
    assert not found.is_gone


async def test_a_cap_that_is_lowered_makes_what_is_above_it_urgent_once(house: House) -> None:
    await says(house, 940, 940)
    reconciliation, scope = house.hub.reconciliation, house.hub.scope
    due_at = house.at + 8 * HOUR

    for cap in (5_000, 4_000):
        brake = Brake(value=cap * MICROS)
        await reconciliation.put_rules(scope, Rules(brake=brake), by="ann")
    await says(house, 940)

    case = await the_case(house)
    assert (case.count, case.due_at) == (2, due_at)
    assert worded(case) == ("S2", DESK, "6000", True)


async def test_a_cap_that_is_lowered_opens_the_case_again_of_what_crosses_it_once_more(
    house: House,
) -> None:
    """12,000 were above 10,000; they shrank to 6,000, which a person knows, and 5,000 is less."""
    reconciliation, scope = house.hub.reconciliation, house.hub.scope
    await says(house, 880, 880)
    await says(house, 940)
    await house.hub.cases.close(scope, (await the_case(house)).case_id, "known, 6,000")

    for cap in (9_000, 5_000, 4_000):
        await reconciliation.put_rules(scope, Rules(brake=Brake(value=cap * MICROS)), by="ann")

    case = await the_case(house)
    assert worded(case) == ("S2", DESK, "6000", True)
    await house.hub.cases.close(scope, case.case_id, "known")
    await says(house, 940)
    assert await house.hub.cases.find(scope) == []


async def test_a_cap_that_was_raised_and_is_lowered_again_opens_the_case_again(
    house: House,
) -> None:
    reconciliation, scope = house.hub.reconciliation, house.hub.scope
    await says(house, 880, 880)
    raised = Rules(brake=Brake(value=100_000 * MICROS))
    await reconciliation.put_rules(scope, raised, by="ann")
    await house.hub.cases.close(scope, (await the_case(house)).case_id, "known")

    lowered = Rules(brake=Brake(value=10_000 * MICROS))
    await reconciliation.put_rules(scope, lowered, by="ann")

    assert worded(await the_case(house)) == ("S2", DESK, "12000", True)


async def test_a_cap_that_is_raised_makes_nothing_less_urgent(house: House) -> None:
    await says(house, 500, 500)
    due_at = (await the_case(house)).due_at
    raised = Rules(brake=Brake(value=100_000 * MICROS))
    await house.hub.reconciliation.put_rules(house.hub.scope, raised, by="ann")

    await says(house, 400, 500)

    case = await the_case(house)
    assert (case.severity, case.owner_role, case.due_at) == ("S2", DESK, due_at)


async def test_a_case_that_was_closed_by_hand_is_opened_again_by_what_crosses_the_cap(
    house: House,
) -> None:
    await says(house, 940, 940)
    first = await the_case(house)
    await house.hub.cases.close(house.hub.scope, first.case_id, "known")
    await says(house, 940)
    assert await house.hub.cases.find(house.hub.scope) == []

    await says(house, 500)

    assert worded(await the_case(house)) == ("S2", DESK, "50000", True)


async def test_an_urgent_difference_of_class_c_has_the_time_of_the_taxonomy(
    house: House,
) -> None:
    """`INV-SUSPECT` has 8 hours (§7.2), whatever the class has."""
    await says(house, 500, 500)

    case = await the_case(house)
    assert worded(case) == ("S2", DESK, "50000", True)
    assert case.due_at - case.opened_at == 8 * HOUR


async def test_a_difference_is_told_gone_once_for_each_time_it_was_confirmed(
    house: House,
) -> None:
    """It is confirmed, gone, seen once more without being confirmed, and gone again."""
    await says(house, 940, 940, 1000, 940, 1000, 940, 1000)

    told = [one for one in await house.told() if isinstance(one, DifferenceConfirmed)]
    gone = [one for one in await house.told() if isinstance(one, DifferenceGone)]
    assert (len(told), len(gone)) == (1, 1)

    await says(house, 940, 940, 1000)

    told = [one for one in await house.told() if isinstance(one, DifferenceConfirmed)]
    gone = [one for one in await house.told() if isinstance(one, DifferenceGone)]
    assert (len(told), len(gone)) == (2, 2)
    assert {replace(one, cut=told[0].cut) for one in told} == {told[0]}


# What is open longer than it may be is one case of inventory control (RCN-BACKLOG).


async def backlog_cases(house: House, after: timedelta) -> list[Case]:
    """Let time pass and the hub look; give its cases of what is overdue."""
    await house.clock.advance(after)
    await house.hub.reconciliation.follow()
    return [
        one for one in await house.hub.cases.find(house.hub.scope) if one.code == "RCN-BACKLOG"
    ]


@pytest.mark.parametrize(("of", "hours"), [("A", 8), ("C", 72)])
async def test_a_difference_beyond_the_time_of_its_class_is_a_case_until_it_is_gone(
    house: House, of: str, hours: int
) -> None:
    await says(house, 900, 900, of=of, cost="1")  # found two hours ago
    assert await backlog_cases(house, (hours - 3) * HOUR) == []

    [case] = await backlog_cases(house, 2 * HOUR)

    assert (case.severity, case.owner_role) == ("S3", "Inventory control")
    assert case.due_at - case.opened_at == DAY
    assert (case.evidence["findings"], case.count) == (1, 1)
    [again] = await backlog_cases(house, HOUR)
    assert again.count == 1, "it is worded once"
    await says(house, 1000, of=of, cost="1")
    assert await backlog_cases(house, HOUR) == []


async def test_a_suspicion_is_no_backlog(house: House) -> None:
    await says(house, 900)
    assert await backlog_cases(house, 4 * DAY) == []
