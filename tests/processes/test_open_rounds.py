"""Open orders are compared by themselves, and once more where something is suspected (§4.1.7)."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.canonical.errors import Unavailable
from crossdock.capabilities.reconciliation import OpenRounds, Run
from crossdock.connectivity.sdk import OpenOrders
from tests.processes.end_to_end.world import connected
from tests.processes.test_open_lines import House, Sales, house_at, polled

HALF = timedelta(minutes=30)
HOURS = timedelta(hours=6)


class Company:
    """An ERP that lists its open orders, and a hub whose job is run by hand."""

    def __init__(self, house: House, sales: Sales) -> None:
        self.house, self.sales = house, sales
        self.rounds: OpenRounds = house.hub.open_rounds

    async def after(self, step: timedelta) -> list[Run]:
        """Let time pass, hear the ERP, run the job; give the comparisons so far, oldest first."""
        await self.house.at.clock.advance(step)
        await polled(self.house)
        await self.rounds.follow()
        runs = await self.house.hub.reconciliation.runs(self.house.hub.scope)
        return sorted(runs, key=lambda one: one.began_at)


@pytest.fixture
async def company(dsn: str, tmp_path: Path) -> AsyncIterator[Company]:
    async with house_at(dsn, tmp_path) as (house, sales):
        await connected(house.hub, "sales", "sales", {"company": "one"})
        yield Company(house, sales)


async def test_an_order_that_was_lost_is_found_by_itself_and_confirmed_half_an_hour_on(
    company: Company,
) -> None:
    company.sales.sell("SO-1", L1=10)
    assert await company.after(timedelta()) == []  # it has an interval to tell its orders
    company.sales.sell("SO-2", L1=3)
    company.sales.late = {"SO-2"}

    [first] = await company.after(HOURS)
    assert (first.against, first.kind) == ("sales", "orders")
    assert (first.is_full, first.compared, first.suspected, first.confirmed) == (True, 2, 1, 0)
    assert len(await company.after(HALF - timedelta(minutes=1))) == 1
    [_, second] = await company.after(timedelta(minutes=1))

    assert (second.suspected, second.confirmed) == (0, 1)
    [found] = await company.house.findings("CONFIRMED")
    assert (found.document, found.cause, found.remedy) == ("SO-2", "MSG_LOST", "REFETCH")
    assert len(await company.house.hub.cases.find(company.house.hub.scope)) == 1


async def test_where_nothing_is_suspected_it_is_read_once_in_an_interval(
    company: Company,
) -> None:
    company.sales.sell("SO-1", L1=10)
    await company.after(timedelta())

    assert len(await company.after(HOURS)) == 1
    assert len(await company.after(HALF)) == 1
    assert len(await company.after(HOURS - HALF)) == 2


async def test_what_stays_suspected_is_looked_at_once_more_and_then_in_its_time(
    company: Company,
) -> None:
    await company.after(timedelta())
    company.sales.sell("SO-2", L1=3)
    company.sales.late = {"SO-2"}
    await company.after(HOURS)
    company.sales.sales["SO-2"] = (company.house.now + HALF, {"L1": 4})  # it may be on its way

    assert [run.confirmed for run in await company.after(HALF)] == [0, 0]
    assert len(await company.after(HALF)) == 2
    assert len(await company.after(HOURS)) == 3


async def test_the_plan_says_what_two_readings_take_of_the_quota(company: Company) -> None:
    for number in range(7):
        company.sales.sell(f"SO-{number}", L1=1, L2=1)
    await company.after(timedelta())
    await company.after(HOURS)

    [plan] = await company.rounds.plans(company.house.hub.scope)

    assert (plan.kind, plan.connection, plan.location) == ("ORDERS", "sales", "")
    assert (plan.listings, plan.quota_calls_a_day) == (14, 86_400_000)
    assert plan.calls_a_day == 2 * 4 * 8  # seven orders are seven pages, and one that is empty
    assert plan.refusal == ""


class Silent(Sales):
    """An ERP that does not answer when it is asked for open orders."""

    asked = 0

    async def open_orders(self, after: str) -> OpenOrders:
        del after
        self.asked += 1
        raise Unavailable("it is being backed up")


async def test_who_does_not_answer_is_asked_twice_and_its_plan_says_why(
    dsn: str, tmp_path: Path
) -> None:
    async with house_at(dsn, tmp_path, Silent) as (house, sales):
        assert isinstance(sales, Silent)
        await connected(house.hub, "sales", "sales", {"company": "one"})
        company = Company(house, sales)
        await company.after(timedelta())
        await company.after(HOURS)
        for _ in range(4):
            assert await company.after(HALF) == []

        [plan] = await company.rounds.plans(house.hub.scope)
        assert (sales.asked, plan.refusal) == (2, "it is being backed up")
