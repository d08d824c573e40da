"""A promise by date that cannot be kept is a case of its item-location until it is covered."""

from pathlib import Path

import pytest

from crossdock.capabilities.supply import OverdueSupply, RiskCases, Securing
from crossdock.orchestration.case_desk import CaseDesk
from crossdock.orchestration.cases import Case
from tests.unit.capabilities.supply.test_kept_promises import AT_ONCE, promise
from tests.unit.capabilities.supply.test_promises_together import together
from tests.unit.capabilities.supply.test_watched import Oracle, losing, yard_of
from tests.unit.capabilities.supply.yard import Yard, committed, day, moved, shelf


async def cases(yard: Yard) -> list[Case]:
    await yard.hub.risk_cases.watch()
    return await yard.hub.cases.find(yard.hub.scope)


async def test_promises_of_goods_that_are_gone_are_one_case_of_the_order_desk(yard: Yard) -> None:
    await losing(yard)
    assert len(await cases(yard)) == 1
    [case] = await cases(yard)
    assert (case.code, case.severity, case.owner_role) == ("ORD-OVERSOLD", "S1", "Order desk")
    assert (case.entity, case.count) == ("X/DC1", 1)
    assert case.title == f"goods are gone: 1 line promised of X at DC1 from {day(0)} on"
    [one] = case.evidence["at_risk"]
    assert (one["demand_ref"], one["lacks_in_base_unit"]) == ("so1/1", "40")

    await yard.hear(moved("found", 40, None, shelf()))
    assert await cases(yard) == []


async def test_promises_of_supply_that_comes_too_late_are_the_buyers(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hear(committed("po:1/1", 10, eta=day(2)), committed("po:2/1", 10, eta=day(3)))
    await promise(yard, "r1", 10, "so1/1")
    await promise(yard, "r2", 10, "so2/1")
    assert await cases(yard) == []

    await yard.hear(committed("po:1/1", 10, 2, eta=day(20)))
    [case] = await cases(yard)
    assert (case.code, case.owner_role, case.severity) == ("PO-LATE", "Buyer", "S2")
    assert case.evidence["late"] == ["po:1/1"]

    await yard.hear(committed("po:2/1", 10, 2, eta=day(21)))
    [case] = await cases(yard)
    assert (case.count, case.evidence["late"]) == (2, ["po:1/1", "po:2/1"])
    assert case.title.startswith("po:1/1, po:2/1 comes too late: 2 lines promised of X at DC1")

    await yard.hear(committed("po:1/1", 20, 3, eta=day(2)))
    assert await cases(yard) == []


async def test_a_promise_that_is_released_is_nobodys_any_more(yard: Yard) -> None:
    await losing(yard)
    [case] = await cases(yard)
    [one] = case.evidence["at_risk"]
    await yard.hub.kept_promises.release(yard.hub.scope, one["promise_id"], by="desk")
    assert await cases(yard) == []


async def test_each_item_location_is_a_case_of_its_own(yard: Yard) -> None:
    await yard.rule(AT_ONCE)
    await yard.hub.put_stock("X", "DC1", 40)
    await yard.hear(committed("po:1/1", 10, item="A", eta=day(1)))
    await together(yard, "r1", ("X", "DC1", 40, "so1/1"), ("A", "DC1", 10, "so2/1"))
    await yard.hear(
        moved("lost", 40, shelf(), None), committed("po:1/1", 10, 2, item="A", eta=day(9))
    )
    found = sorted((case.entity, case.code) for case in await cases(yard))
    assert found == [("A/DC1", "PO-LATE"), ("X/DC1", "ORD-OVERSOLD")]


async def test_what_is_overdue_and_what_is_at_risk_close_none_of_each_others_cases(
    yard: Yard,
) -> None:
    await losing(yard)
    await cases(yard)
    hub = yard.hub
    await OverdueSupply(hub.database, hub.clock, CaseDesk()).watch()
    assert [case.code for case in await cases(yard)] == ["ORD-OVERSOLD"]


async def test_a_tenant_whose_promises_cannot_be_told_keeps_no_other_from_it(
    yard: Yard, tmp_path: Path
) -> None:
    other = await yard_of("aaa", yard, tmp_path)
    for one in (yard, other):
        await losing(one)
    await yard.hub.securing.watch()
    oracle, hub = Oracle(yard), yard.hub
    oracle.fails = {"aaa": ValueError("no such answer")}
    around = (hub.inventory.holding, hub.inventory.standings, oracle)
    securing = Securing(hub.database, hub.clock, hub.ids, around)
    with pytest.raises(ValueError, match="no such answer"):
        await RiskCases(hub.database, hub.clock, securing, CaseDesk()).watch()
    assert [case.code for case in await hub.cases.find(hub.scope)] == ["ORD-OVERSOLD"]
    assert await hub.cases.find(other.hub.scope) == []
