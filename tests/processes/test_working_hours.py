"""Deadlines of cases run while the place works that they are about (§4.5, §7.1)."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub, Outside
from crossdock.canonical.cases import OpenCase
from crossdock.canonical.catalog import LocationChanged
from crossdock.capabilities.catalog import OWN_SOURCE, own_fact
from crossdock.capabilities.supply import CalendarSaid
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from crossdock.orchestration.case_desk import CaseDesk
from crossdock.orchestration.cases import Case
from tests.conftest import NOON

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FRIDAY_AT_FOUR = datetime(2026, 5, 8, 14, tzinfo=UTC)
"""By the clocks of Berlin."""


@pytest.fixture
async def hub(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Hub]:
    """Give a hub of two warehouses: DC1 in Berlin has said its hours, DC2 has not."""
    settings = Settings(dsn=SecretStr(dsn), data_dir=tmp_path)
    async with Hub.open(settings, Outside(clock=clock, applications={})) as hub:
        places = [LocationChanged(code=code, timezone="Europe/Berlin") for code in ("DC1", "DC2")]
        await hub.record([own_fact(one, NOON) for one in places], source=OWN_SOURCE)
        hours = CalendarSaid(weekdays="12345", hours="08:00-17:00")
        await hub.supply.calendars.put(hub.scope, "DC1", hours, by="ann")
        yield hub


async def opened(hub: Hub, location: str, within: timedelta, severity: str = "S2") -> Case:
    case = OpenCase(
        code="INV-NEG",
        fingerprint=f"{location}/{within}/{severity}",
        severity=severity,
        owner_role="Inventory control",
        within=within,
        entity="BOLT",
        title="BOLT is below zero",
        location=location,
    )
    async with hub.database.transaction(hub.scope) as tx:
        await CaseDesk().opened(tx, [case], FRIDAY_AT_FOUR)
    found = await hub.cases.find(hub.scope)
    [one] = [each for each in found if each.opened_at == FRIDAY_AT_FOUR]
    await hub.cases.close(hub.scope, one.case_id, "seen")
    return one


@pytest.mark.parametrize(
    ("location", "severity", "within", "due"),
    [
        ("DC1", "S2", 4 * HOUR, datetime(2026, 5, 11, 9, tzinfo=UTC)),
        ("DC1", "S3", DAY, datetime(2026, 5, 11, 14, tzinfo=UTC)),
        # What stops revenue waits for no Monday; nor does what nobody said hours of.
        ("DC1", "S1", HOUR, FRIDAY_AT_FOUR + HOUR),
        ("DC1", "S1", 4 * HOUR, FRIDAY_AT_FOUR + 4 * HOUR),
        ("DC2", "S2", 4 * HOUR, FRIDAY_AT_FOUR + 4 * HOUR),
        ("DC2", "S3", DAY, FRIDAY_AT_FOUR + DAY),
        ("", "S2", 4 * HOUR, FRIDAY_AT_FOUR + 4 * HOUR),
        ("UNKNOWN", "S2", 4 * HOUR, FRIDAY_AT_FOUR + 4 * HOUR),
    ],
)
async def test_time_for_a_case_runs_while_its_place_works_but_for_the_gravest(
    hub: Hub, location: str, severity: str, within: timedelta, due: datetime
) -> None:
    assert (await opened(hub, location, within, severity)).due_at == due


async def test_hours_said_of_all_places_hold_where_nothing_else_is_said(hub: Hub) -> None:
    of_all = CalendarSaid(hours="06:00-18:00")
    await hub.supply.calendars.put(hub.scope, "*", of_all, by="ann")

    assert (await opened(hub, "DC2", 4 * HOUR)).due_at == datetime(2026, 5, 11, 6, tzinfo=UTC)
    assert (await opened(hub, "DC1", 4 * HOUR)).due_at == datetime(2026, 5, 11, 9, tzinfo=UTC)


async def test_nothing_gets_overdue_over_a_weekend(hub: Hub, clock: VirtualClock) -> None:
    await clock.advance(FRIDAY_AT_FOUR - clock.now())
    case = OpenCase(
        code="INV-NEG",
        fingerprint="negative",
        severity="S2",
        owner_role="Inventory control",
        within=4 * HOUR,
        entity="BOLT",
        title="BOLT is below zero",
        location="DC1",
    )
    async with hub.database.transaction(hub.scope) as tx:
        await CaseDesk().opened(tx, [case], clock.now())

    overdue: list[int] = []
    for until in (10, 62, 67, 68):  # Saturday at two, Monday at six, eleven and twelve
        await clock.advance(FRIDAY_AT_FOUR + until * HOUR + timedelta(seconds=1) - clock.now())
        overdue.append(await hub.cases.count_overdue(hub.scope))
    assert overdue == [0, 0, 1, 1]
