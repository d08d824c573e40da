"""One cause is one case with a count, an owner and a deadline."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crossdock.canonical.cases import OpenCase
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.scope import Scope
from crossdock.orchestration import cases
from crossdock.orchestration.cases import Cases, Said
from crossdock.orchestration.decision import CloseCase
from tests.conftest import NOON

MAIN = Scope("main")


def stale(title: str = "3 writes met another amount", fingerprint: str = "PUB-STALE:a") -> Said:
    case = OpenCase(
        code="PUB-STALE",
        fingerprint=fingerprint,
        severity="S2",
        owner_role="eCommerce",
        within=timedelta(minutes=15),
        entity="shop/web/a",
        title=title,
        evidence={"held": "38"},
    )
    return Said("main", "thread-1", case)


async def test_a_cause_met_again_counts_up_and_keeps_its_deadline(
    database: Database, clock: VirtualClock
) -> None:
    async with database.transaction(MAIN) as tx:
        await cases.record(tx, [stale(), stale("4 writes met another amount")], NOON)
        await clock.advance(timedelta(minutes=5))
        await cases.record(tx, [stale("5 writes met another amount")], clock.now())
        found = await cases.listed(tx)

    assert [(case.count, case.title) for case in found] == [(3, "5 writes met another amount")]
    assert found[0].due_at == NOON + timedelta(minutes=15)
    assert found[0].met_at == NOON + timedelta(minutes=5)
    assert (found[0].evidence, found[0].correlation_id) == ({"held": "38"}, "thread-1")


async def test_a_cause_met_again_gets_more_urgent_and_never_less(
    database: Database, clock: VirtualClock
) -> None:
    mild = stale().case
    assert isinstance(mild, OpenCase)
    grave = replace(mild, severity="S1", owner_role="Platform", within=timedelta(minutes=1))
    async with database.transaction(MAIN) as tx:
        await cases.record(tx, [stale(), Said("main", "", grave)], NOON)
        [urgent] = await cases.listed(tx)
        await clock.advance(timedelta(minutes=5))
        await cases.record(tx, [stale()], clock.now())
        [later] = await cases.listed(tx)

    assert (urgent.severity, urgent.owner_role) == ("S1", "Platform")
    assert urgent.due_at == NOON + timedelta(minutes=1)
    assert (later.severity, later.due_at, later.count) == ("S1", urgent.due_at, 3)
    assert later.owner_role == "eCommerce"


async def test_a_cause_that_comes_back_is_a_new_case(
    database: Database, clock: VirtualClock
) -> None:
    gone = Said("main", "", CloseCase(fingerprint="PUB-STALE:a", resolution="in step again"))
    async with database.transaction(MAIN) as tx:
        await cases.record(tx, [stale(), gone, gone], NOON)
        await clock.advance(timedelta(hours=1))
        await cases.record(tx, [stale()], clock.now())
        closed, opened = await cases.listed(tx, state="CLOSED"), await cases.listed(tx)

    assert [case.resolution for case in closed] == ["in step again"]
    assert [case.count for case in opened] == [1]
    assert closed[0].case_id != opened[0].case_id


async def test_a_person_closes_a_case_once(database: Database) -> None:
    async with database.transaction(MAIN) as tx:
        await cases.record(tx, [stale()], NOON)
        case = (await cases.listed(tx))[0]
        await cases.close(tx, case.case_id, "shop mended", NOON)
        assert await cases.listed(tx) == []
        with pytest.raises(NotFound, match=case.case_id):
            await cases.close(tx, case.case_id, "again", NOON)


async def test_the_most_urgent_case_comes_first_and_other_tenants_see_none(
    database: Database,
) -> None:
    async with database.transaction(MAIN) as tx:
        later = stale(fingerprint="PUB-STALE:b")
        await cases.record(tx, [later], NOON + timedelta(hours=1))
        await cases.record(tx, [stale()], NOON)
        assert [case.due_at for case in await cases.listed(tx)] == [
            NOON + timedelta(minutes=15),
            NOON + timedelta(minutes=75),
        ]
    async with database.transaction(Scope("other")) as tx:
        assert await cases.listed(tx) == []


async def test_cases_are_found_by_owner_and_code_and_counted_when_overdue(
    database: Database, clock: VirtualClock
) -> None:
    async with database.transaction(MAIN) as tx:
        await cases.record(tx, [stale()], NOON)
    people = Cases(database, clock)

    assert [case.owner_role for case in await people.find(MAIN, owner="eCommerce")] == [
        "eCommerce"
    ]
    assert await people.find(MAIN, owner="Warehouse") == []
    assert await people.find(MAIN, code="PUB-FAIL") == []
    assert await people.find(Scope("other")) == []
    assert await people.count_overdue(MAIN) == 0
    await clock.advance(timedelta(minutes=16))
    assert await people.count_overdue(MAIN) == 1


async def test_a_case_closed_by_hand_keeps_the_reason_and_is_no_longer_overdue(
    database: Database, clock: VirtualClock
) -> None:
    async with database.transaction(MAIN) as tx:
        await cases.record(tx, [stale()], NOON)
    people = Cases(database, clock)
    [found] = await people.find(MAIN)
    await clock.advance(timedelta(hours=1))

    with pytest.raises(Invalid, match="say why"):
        await people.close(MAIN, found.case_id, " ")
    closed = await people.close(MAIN, found.case_id, "listed the item")

    assert (closed.state, closed.resolution) == ("CLOSED", "listed the item")
    assert closed.closed_at == NOON + timedelta(hours=1)
    assert await people.find(MAIN) == []
    assert await people.find(MAIN, state="") == [closed]
    assert await people.count_overdue(MAIN) == 0
    with pytest.raises(NotFound, match="no case is called 'case_0'"):
        await people.show(MAIN, "case_0")
