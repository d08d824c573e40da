"""The doctor finds what stands still, and names the command that mends it."""

from datetime import timedelta
from typing import Any

from crossdock.assembly import Hub
from tests.interfaces.cli_commands.conftest import CommandLine
from tests.interfaces.cli_commands.trouble import (
    age_waiting,
    open_case,
    parked_instances,
    refused_event,
    unknown_items,
)


async def found(crossdock: CommandLine, name: str) -> tuple[str, str, str]:
    checks: list[dict[str, Any]] = (await crossdock("doctor", "--json")).json["checks"]
    [check] = [check for check in checks if check["name"] == name]
    return check["state"], check["detail"], check["fix"]


async def test_nothing_stands_still_in_a_new_hub(crossdock: CommandLine, hub: Hub) -> None:
    checks = (await crossdock("doctor", "--json")).json["checks"]

    states = {check["name"]: check["state"] for check in checks}
    for name in (
        "Quarantine", "Waiting room", "Refused events", "Parked instances", "Cases", "Jobs",
        "Sources",
    ):  # fmt: skip
        assert states[name] == "ok"
    assert hub.settings.tenant == "main"


async def test_what_waits_for_long_is_a_warning_and_then_in_quarantine(
    crossdock: CommandLine, hub: Hub
) -> None:
    await unknown_items(hub, "1", "2")

    assert await found(crossdock, "Waiting room") == (
        "warn", "2 facts wait for more than 5 min", "crossdock msg waiting",
    )  # fmt: skip
    await hub.waiting_room.retry_due()
    assert (await found(crossdock, "Waiting room"))[0] == "ok"
    assert await found(crossdock, "Quarantine") == (
        "warn", "2 messages not recorded", "crossdock msg list",
    )  # fmt: skip


async def test_what_has_just_come_is_let_wait(crossdock: CommandLine, hub: Hub) -> None:
    await unknown_items(hub, "1")
    await age_waiting(hub, timedelta(minutes=-59))

    assert (await found(crossdock, "Waiting room"))[0] == "ok"


async def test_refused_events_and_parked_instances_are_warnings(
    crossdock: CommandLine, hub: Hub
) -> None:
    await refused_event(hub, "BOLT")
    await parked_instances(hub, "a", "b")

    assert await found(crossdock, "Refused events") == (
        "warn", "1 events not applied", "crossdock msg refused",
    )  # fmt: skip
    assert await found(crossdock, "Parked instances") == (
        "warn", "2 instances not decided", "crossdock process list",
    )  # fmt: skip


async def test_a_case_is_a_warning_once_its_deadline_is_over(
    crossdock: CommandLine, hub: Hub
) -> None:
    await open_case(hub)
    assert (await found(crossdock, "Cases"))[0] == "ok"
    async with hub.database.transaction(hub.scope) as tx:
        await tx.execute("update business_case set due_at = now() - interval '1 second'")

    assert await found(crossdock, "Cases") == (
        "warn", "1 open cases past their deadline", "crossdock case list",
    )  # fmt: skip


async def test_a_failed_job_is_a_warning_with_its_reason(crossdock: CommandLine, hub: Hub) -> None:
    async with hub.database.transaction(hub.scope) as tx:
        await tx.execute("update job set failure = 'OSError(28)' where name = 'recover messages'")

    state, detail, fix = await found(crossdock, "Jobs")

    assert (state, detail) == ("warn", "recover messages failed: OSError(28)")
    assert fix.endswith("crossdock worker")


async def test_a_source_silent_for_too_long_is_a_warning(crossdock: CommandLine, hub: Hub) -> None:
    async with hub.database.transaction(hub.scope) as tx:
        await tx.execute(
            "insert into inventory_source (tenant, source, heard_at, freshness_seconds) values"
            " ('main', 'wms', now() - interval '20 minutes', 900),"
            " ('main', 'erp', now() - interval '20 minutes', 3600), ('main', 'shop', null, 900)"
        )

    state, detail, fix = await found(crossdock, "Sources")

    assert (state, detail.startswith("wms is silent since")) == ("warn", True)
    assert fix == "have wms tell its stock again: POST /v1/events"


async def test_a_warning_is_no_failure(crossdock: CommandLine, hub: Hub) -> None:
    before = await crossdock("doctor")
    await parked_instances(hub, "a")

    after = await crossdock("doctor")

    assert before.code == after.code == 1  # no worker runs here
    assert "! Parked instances      1 instances not decided\n" in after.out
    assert "fix: crossdock process list" in after.out
    # A machine whose clock nothing keeps in time has a warning of its own.
    own = int(before.out.split("failures, ")[1].split()[0])
    assert before.out.endswith(f"1 failures, {own} warnings\n")
    assert after.out.endswith(f"1 failures, {own + 1} warnings\n")
