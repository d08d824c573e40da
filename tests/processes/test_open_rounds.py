"""Open orders are compared by themselves, and once more where something is suspected (§4.1.7)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.canonical.errors import Unavailable
from crossdock.capabilities.reconciliation import OpenRounds, Run
from crossdock.capabilities.reconciliation.kinds import Kind
from crossdock.capabilities.reconciliation.open_service import OpenAsked
from crossdock.connectivity.outbox import By
from crossdock.connectivity.pacing import BURST_SECONDS
from crossdock.connectivity.sdk import OpenKind, OpenPage
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


async def test_of_a_quota_each_request_of_a_page_counts_and_takes_a_turn(
    dsn: str, tmp_path: Path
) -> None:
    async with house_at(dsn, tmp_path, requests_a_listing=5) as (house, sales):
        await connected(house.hub, "sales", "sales", {"company": "one"})
        sales.sell("SO-1", L1=1)
        await house.at.clock.advance(HALF)
        asked = OpenAsked(kind=Kind.ORDERS, against="sales", by="test")
        await house.hub.open_lines.compare(house.hub.scope, asked)
        async with house.hub.database.transaction(house.hub.scope) as tx:
            planned = await tx.fetchval("select next_call_at from connection_health")

        [plan] = await house.hub.open_rounds.plans(house.hub.scope)
        assert plan.quota_calls_a_day == 86_400_000 // 5
        full = house.now - timedelta(seconds=BURST_SECONDS)
        assert planned - full == timedelta(milliseconds=1 + 2 * 5)  # two pages


class Silent(Sales):
    """An ERP that does not answer when it is asked for open orders."""

    asked = 0

    async def open_lines(self, kind: OpenKind, after: str) -> OpenPage:
        del kind, after
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


class Breaking(Sales):
    """An ERP that breaks off after three pages each time, or hangs there."""

    asked: list[str]
    pages_a_time = 3
    hangs = False
    forgets = False

    async def open_lines(self, kind: OpenKind, after: str) -> OpenPage:
        self.asked = [*getattr(self, "asked", []), after]
        if after and self.forgets:
            raise Unavailable("no such page")
        fails = self.pages_a_time < 0 or len(self.asked) % (self.pages_a_time + 1) == 0
        if self.pages_a_time and fails:
            if self.hangs:
                await asyncio.Event().wait()
            raise Unavailable("it is being backed up")
        return await super().open_lines(kind, after)


@asynccontextmanager
async def breaking_off(dsn: str, folder: Path) -> AsyncIterator[tuple[Company, Breaking]]:
    async with house_at(dsn, folder, Breaking) as (house, sales):
        assert isinstance(sales, Breaking)
        await connected(house.hub, "sales", "sales", {"company": "one"})
        company = Company(house, sales)
        for number in range(7):
            sales.sell(f"SO-{number}", L1=1)
        await company.after(timedelta())
        yield company, sales


async def test_a_reading_that_fails_half_way_goes_on_from_there_to_its_end(
    dsn: str, tmp_path: Path
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        assert await company.after(HOURS) == []
        [plan] = await company.rounds.plans(company.house.hub.scope)
        assert plan.refusal == "after 4 calls, it goes on from there: it is being backed up"
        assert plan.calls_a_day == 2 * 4 * 4  # what failed was asked for, too
        assert await company.after(timedelta(minutes=29)) == []
        assert await company.after(timedelta(minutes=1)) == []

        [run] = await company.after(HALF)

        told = [after for after in sales.asked if sales.asked.count(after) == 1]
        assert (run.verdict, run.compared, len(sales.asked)) == ("DONE", 7, 10)
        assert len(told) == 6  # two were asked for again: no page was read twice
        [plan] = await company.rounds.plans(company.house.hub.scope)
        assert (plan.refusal, plan.calls_a_day) == ("", 2 * 4 * 10)


async def test_a_reading_that_was_broken_off_goes_on_in_no_connection_that_was_changed(
    dsn: str, tmp_path: Path
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        assert await company.after(HOURS) == []
        hub = company.house.hub
        async with hub.database.transaction(hub.scope) as tx:
            anew = "update connection set revision = revision + 1 where tenant = $1"
            await tx.execute(anew, tx.tenant)
        asked = len(sales.asked)

        await company.after(HALF)

        assert sales.asked[asked] == sales.asked[0]  # from the beginning


async def test_a_reading_that_takes_longer_than_the_job_may_goes_on_the_next_time(
    dsn: str, tmp_path: Path
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        sales.hangs = True
        for step in (HOURS, HALF):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2):
                    await company.after(step)
        [plan] = await company.rounds.plans(company.house.hub.scope)
        assert plan.refusal.startswith("after 8 calls, it goes on from there")
        assert await company.house.hub.cases.find(company.house.hub.scope) == []

        [run] = await company.after(HALF)
        assert run.compared == 7


async def test_who_never_gets_on_is_a_case_until_it_is_read(dsn: str, tmp_path: Path) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        await company.after(HOURS)
        sales.pages_a_time = -1  # each call fails
        hub, asked = company.house.hub, len(sales.asked)
        for _ in range(5):
            await company.after(HALF)

        assert len(sales.asked) == asked + 2
        [case] = await hub.cases.find(hub.scope)
        assert (case.code, case.entity) == ("EVT-STALE-SRC", "sales")
        assert case.title == "open orders are not compared with sales: it is being backed up"

        sales.pages_a_time = 0
        await company.after(HOURS)
        assert await hub.cases.find(hub.scope) == []


async def test_a_reading_that_its_system_no_longer_goes_on_with_is_begun_anew(
    dsn: str, tmp_path: Path
) -> None:
    """Its place is forgotten there: each page after it is refused, and the first is not."""
    async with breaking_off(dsn, tmp_path) as (company, sales):
        await company.after(HOURS)
        sales.pages_a_time, sales.forgets = 0, True
        assert await company.after(HALF) == []

        sales.forgets = False
        asked = len(sales.asked)
        [run] = await company.after(HALF)

        assert sales.asked[asked] == sales.asked[0]
        assert run.compared == 7


async def set_circuit(company: Company, state: str) -> None:
    hub = company.house.hub
    async with hub.database.transaction(hub.scope) as tx:
        sql = "update connection_health set circuit = $2 where tenant = $1"
        await tx.execute(sql, tx.tenant, state)


async def test_a_reading_goes_on_after_a_try_in_which_the_system_could_not_be_asked(
    dsn: str, tmp_path: Path
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        await company.after(HOURS)
        sales.pages_a_time, asked = 0, len(sales.asked)
        await set_circuit(company, "OPEN")
        assert await company.after(HALF) == []
        assert len(sales.asked) == asked
        await set_circuit(company, "CLOSED")

        [run] = await company.after(HALF)

        assert sales.asked[asked] == sales.asked[asked - 1] != ""
        assert run.compared == 7


async def test_a_reading_without_a_page_is_of_when_its_system_could_be_asked(
    dsn: str, tmp_path: Path
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        sales.pages_a_time = 0
        await set_circuit(company, "OPEN")
        assert await company.after(HOURS) == []
        await set_circuit(company, "CLOSED")
        assert len(await company.after(HALF)) == 1
        async with company.house.hub.database.transaction(company.house.hub.scope) as tx:
            read_at = await tx.fetchval("select read_at from reconciliation_open_round")

        assert read_at == company.house.now


async def test_a_reading_goes_on_after_a_try_whose_time_ran_out_before_its_first_page(
    dsn: str, tmp_path: Path
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        await company.after(HOURS)
        sales.pages_a_time, sales.hangs, asked = -1, True, len(sales.asked)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await company.after(HALF)
        sales.pages_a_time = 0

        [run] = await company.after(HALF)

        assert sales.asked[asked + 1] == sales.asked[asked - 1] != ""
        assert run.compared == 7


async def test_who_cannot_be_asked_twice_is_a_case_though_its_reading_is_kept(
    dsn: str, tmp_path: Path
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        await company.after(HOURS)
        sales.pages_a_time, asked = 0, len(sales.asked)
        await set_circuit(company, "OPEN")
        for _ in range(2):
            assert await company.after(HALF) == []
        hub = company.house.hub
        assert [case.entity for case in await hub.cases.find(hub.scope)] == ["sales"]
        await set_circuit(company, "CLOSED")

        [run] = await company.after(HOURS)

        assert sales.asked[asked] == sales.asked[asked - 1] != ""
        assert run.compared == 7
        assert await hub.cases.find(hub.scope) == []


async def test_a_reading_is_dropped_that_began_before_one_another_worker_brought_to_its_end(
    dsn: str, tmp_path: Path
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        assert await company.after(HOURS) == []
        hub = company.house.hub
        async with hub.database.transaction(hub.scope) as tx:
            ended = (
                "update reconciliation_open_round set read_at = $2, asked_at = $2, refusal = ''"
            )
            await tx.execute(f"{ended} where tenant = $1", tx.tenant, company.house.now)
        sales.pages_a_time, asked = 0, len(sales.asked)
        assert await company.after(HALF) == []  # it is not due, and nothing goes on

        [run] = await company.after(HOURS - HALF)

        assert sales.asked[asked] == sales.asked[0]
        assert run.began_at >= company.house.now


@pytest.mark.parametrize("leaves", ["paused", "removed"])
async def test_the_case_of_who_is_asked_no_more_is_closed(
    dsn: str, tmp_path: Path, leaves: str
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        hub, sales.pages_a_time = company.house.hub, -1
        await company.after(HOURS)
        await company.after(HALF)
        assert len(await hub.cases.find(hub.scope)) == 1
        if leaves == "paused":
            await hub.directory.pause(hub.scope, "sales", "stocktaking")
        else:
            await hub.connections.remove(hub.scope, "sales", By("ann", "moved"), discard=True)

        await company.rounds.follow()

        assert await hub.cases.find(hub.scope) == []
        [case] = await hub.cases.find(hub.scope, state="CLOSED")
        assert case.resolution.startswith("it is not asked for its open orders any more")


async def test_who_still_does_not_answer_when_it_is_resumed_is_a_case_again_soon(
    dsn: str, tmp_path: Path
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        hub, sales.pages_a_time = company.house.hub, -1
        await company.after(HOURS)
        await company.after(HALF)
        await hub.directory.pause(hub.scope, "sales", "stocktaking")
        await company.rounds.follow()
        assert await hub.cases.find(hub.scope) == []
        await hub.directory.resume(hub.scope, "sales")

        for step in (timedelta(minutes=10), HALF):
            await company.after(step)

        assert [case.entity for case in await hub.cases.find(hub.scope)] == ["sales"]


async def test_who_did_not_answer_and_is_added_anew_has_an_interval_to_tell_its_orders(
    dsn: str, tmp_path: Path
) -> None:
    async with breaking_off(dsn, tmp_path) as (company, sales):
        hub, sales.pages_a_time = company.house.hub, -1
        await company.after(HOURS)
        await company.after(HALF)
        await hub.connections.remove(hub.scope, "sales", By("ann", "moved"), discard=True)
        await company.rounds.follow()
        await connected(hub, "sales", "sales", {"company": "one"})
        sales.pages_a_time, asked = 0, len(sales.asked)

        for _ in range(11):
            assert await company.after(HALF) == []
        assert len(sales.asked) == asked

        assert len(await company.after(HALF)) == 1
