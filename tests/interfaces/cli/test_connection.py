"""An operator keeps connections by commands alone: looks, changes, reads again, removes."""

import asyncio
from pathlib import Path
from typing import Any

from crossdock.assembly import Hub
from crossdock.canonical.commands import Command, Lane
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import SourceHeard
from tests.conftest import NOON
from tests.interfaces.cli.conftest import CommandLine
from tests.unit.applications.shopify.shops import open_shop

SECRET = "whsec_d2FyZWhvdXNlIHNpbXVsYXRlZCAwMDA3"
TOKEN = "shpat_0123456789"
SHOP = {
    "shop_domain": "demo.myshopify.com",
    "access_token": TOKEN,
    "webhook_secret": "app-secret",
    "admin_url": "http://127.0.0.1:1",
}


async def with_shop(crossdock: CommandLine) -> None:
    await crossdock(
        "connection", "add", "shop", "shopify", "--file", crossdock.file("s.json", **SHOP)
    )


async def test_all_about_a_connection_is_shown_but_its_secrets(crossdock: CommandLine) -> None:
    await with_shop(crossdock)

    shown = await crossdock.json("connection", "show", "shop")
    page = await crossdock("connection", "show", "shop")

    assert shown["settings"]["shop_domain"] == "demo.myshopify.com"
    assert shown["settings"]["access_token"] is None
    assert shown["secrets"] == ["/access_token", "/webhook_secret"]
    assert (shown["circuit"], shown["failures"], shown["is_paused"]) == ("CLOSED", 0, False)
    assert (shown["rate_per_second"], shown["concurrency"], shown["gap_seconds"]) == (8.0, 2, None)
    assert (shown["freshness_seconds"], shown["heard_at"]) == (900, None)
    assert shown["polling"]["cursor"] == ""
    assert shown["webhooks"] is None
    assert "demo.myshopify.com" in page.out
    assert "••••••" in page.out
    for secret in (TOKEN, "app-secret"):
        assert secret not in str(shown) + page.out


async def test_a_connection_that_is_not_there_is_told_apart_from_a_wrong_command(
    crossdock: CommandLine,
) -> None:
    refusal = await crossdock.json("connection", "show", "shop", code=1)

    assert refusal["error"] == "not_found"
    assert "'shop'" in refusal["message"]
    assert refusal["hint"] == "crossdock connection list shows them"


async def test_settings_and_limits_are_changed_and_what_is_not_named_stays(
    crossdock: CommandLine,
) -> None:
    await with_shop(crossdock)
    changed = crossdock.file("change.json", overlap_seconds=300)

    await crossdock("connection", "change", "shop", "--file", changed)
    after = await crossdock.json(
        *("connection", "change", "shop", "--rate", "2.5", "--concurrency", "1"),
        *("--gap-seconds", "60", "--freshness", "120"),
    )

    assert after["settings"]["overlap_seconds"] == 300
    assert after["settings"]["shop_domain"] == "demo.myshopify.com"
    assert after["secrets"] == ["/access_token", "/webhook_secret"]
    assert (after["rate_per_second"], after["concurrency"]) == (2.5, 1)
    assert (after["gap_seconds"], after["freshness_seconds"]) == (60, 120)
    assert after["revision"] == 3

    again = await crossdock.json(
        *("connection", "change", "shop", "--rate", "none", "--gap-seconds", "none"),
        *("--freshness", "none"),
    )
    assert again["freshness_seconds"] == 900
    assert (again["rate_per_second"], again["gap_seconds"], again["concurrency"]) == (8.0, None, 1)


async def test_a_wrong_change_names_what_is_wrong_and_changes_nothing(
    crossdock: CommandLine,
) -> None:
    await with_shop(crossdock)
    wrong = crossdock.file("wrong.json", access_token=[TOKEN])

    async def refused(*words: str) -> Any:
        return await crossdock.json("connection", "change", "shop", *words, code=2)

    assert (await refused("--file", wrong))["where"] == "/access_token"
    assert TOKEN not in str(await refused("--file", wrong))
    assert (await refused("--rate", "fast"))["where"] == "rate_per_second"
    assert (await refused("--rate", "nan"))["where"] == "rate_per_second"
    assert (await refused("--concurrency", "0"))["where"] == "concurrency"
    assert (await refused("--gap-seconds", "-1"))["where"] == "gap_seconds"
    assert (await refused("--rate", "3", "--freshness", "0"))["where"] == "freshness_seconds"
    assert (await refused("--freshness", "never"))["where"] == "freshness_seconds"
    assert (await refused())["hint"] == "`--help` lists what can be"
    shown = await crossdock.json("connection", "show", "shop")
    assert (shown["revision"], shown["rate_per_second"]) == (1, 8.0)


async def test_roles_are_said_and_taken_away_again(crossdock: CommandLine) -> None:
    await with_shop(crossdock)
    change = ("connection", "change", "shop")

    said = await crossdock.json(*change, "--role", "PublishesAvailability")
    mixed = await crossdock.json(
        *change, "--role", "none", "--role", "PublishesAvailability", code=2
    )
    taken = await crossdock.json(*change, "--role", "none")

    assert (said["roles"], taken["roles"]) == ({"PublishesAvailability": []}, {})
    assert mixed["where"] == "--role"


async def test_limits_are_set_when_a_connection_is_added(crossdock: CommandLine) -> None:
    file = crossdock.file("wms.json", secrets=[SECRET])
    await crossdock(
        *("connection", "add", "wms", "generic_wms", "--file", file),
        *("--gap-seconds", "30", "--freshness", "60"),
    )

    shown = await crossdock.json("connection", "show", "wms")

    assert (shown["gap_seconds"], shown["freshness_seconds"]) == (30, 60)
    assert shown["polling"] is None


async def test_a_polled_source_is_read_again_from_a_moment_or_its_beginning(
    crossdock: CommandLine,
) -> None:
    await with_shop(crossdock)

    await crossdock("connection", "rewind", "shop", "--to", "2026-03-02T09:00:00+01:00")
    cursor = (await crossdock.json("connection", "show", "shop"))["polling"]["cursor"]
    assert '"orders":"2026-03-02T08:00:00+00:00"' in cursor

    await crossdock("connection", "rewind", "shop", "--to", "beginning")
    assert (await crossdock.json("connection", "show", "shop"))["polling"]["cursor"] == ""


async def test_what_cannot_be_read_again_says_why(crossdock: CommandLine) -> None:
    await with_shop(crossdock)
    file = crossdock.file("wms.json", secrets=[SECRET])
    await crossdock("connection", "add", "wms", "generic_wms", "--file", file)

    for to in (
        "yesterday",
        "2026-03-02T09:00:00",
        "0001-01-01T00:00:00+14:00",
        "9999-01-01T00:00Z",
    ):
        refusal = await crossdock.json("connection", "rewind", "shop", "--to", to, code=2)
        assert (refusal["where"], bool(refusal["hint"])) == ("to", True)
    refusal = await crossdock.json("connection", "rewind", "wms", "--to", "beginning", code=1)
    assert refusal["error"] == "not_polled"


async def test_secrets_are_sealed_under_a_new_key_and_still_open(crossdock: CommandLine) -> None:
    await with_shop(crossdock)

    assert await crossdock.json("connection", "rotate-secrets") == {"sealed": 1}

    async with crossdock.hub() as hub, hub.database.transaction(hub.scope) as tx:
        entry = await hub.directory.get_in(tx, "main", "shop")
        settings = await hub.directory.settings_of(tx, entry)
    assert settings.access_token.get_secret_value() == TOKEN
    assert all(text.startswith("v1.2.") for text in entry.sealed.values())


async def test_the_other_side_is_tried_and_its_silence_is_exit_code_four(
    crossdock: CommandLine,
) -> None:
    await with_shop(crossdock)
    file = crossdock.file("wms.json", secrets=[SECRET], available_is="NOT_TOLD")
    await crossdock("connection", "add", "wms", "generic_wms", "--file", file)

    assert (await crossdock.json("connection", "check", "wms"))["warning"] == ""
    assert (await crossdock.json("connection", "check", "shop", code=4))["message"]


async def test_a_shop_that_nobody_told_where_to_send_is_said_to_be_polled_alone(
    crossdock: CommandLine,
) -> None:
    async with open_shop() as shop:
        file = crossdock.file("s.json", **SHOP | {"admin_url": shop.address, "access_token": "x"})
        await crossdock("connection", "add", "shop", "shopify", "--file", file)
        refusal = await crossdock.json("connection", "check", "shop", code=1)
        token = crossdock.file("t.json", access_token="shpat_token")
        await crossdock("connection", "change", "shop", "--file", token)

        told = await crossdock("connection", "check", "shop")
        found = await crossdock.json("doctor", code=1)  # nobody works here

    assert refusal["error"] == "forbidden"
    assert "Admin API 2026-04" in told.out
    assert "CROSSDOCK_PUBLIC_URL" in told.err
    checks = [check for check in found["checks"] if check["name"] == "Connection shop"]
    assert [check["state"] for check in checks] == ["ok", "warn"]


async def test_what_the_last_round_of_reading_passed_over_is_said_by_a_check(
    crossdock: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "drop").mkdir()
    file = crossdock.file("files.json", folder=str(tmp_path / "drop"))
    await crossdock("connection", "add", "files", "generic_wms_files", "--file", file)
    async with crossdock.hub() as hub, hub.database.transaction(hub.scope) as tx:
        left = "1 file(s) left lying: [b]a.csv cannot be taken"
        await tx.execute("update poll_cursor set last_error = $2 where tenant = $1", "main", left)

    told = await crossdock("connection", "check", "files")
    shown = await crossdock("connection", "show", "files")

    assert "0 file(s) ready to be read" in " ".join(told.out.split())
    assert f"it is read, but not as it could be: {left}" in told.err
    assert f"passed over {left}" in shown.out


async def test_a_connection_that_owes_nothing_is_removed_and_its_facts_stay(
    crossdock: CommandLine,
) -> None:
    await with_shop(crossdock)
    async with crossdock.hub() as hub:
        fact = Fact(identity="a", payload=SourceHeard(source="shop"), occurred_at=NOON)
        await hub.record([fact], source="shop")

    removed = await crossdock.json("connection", "remove", "shop", "--reason", "sold")

    assert removed == {"name": "shop", "commands": 0, "quarantined": 0}
    assert await crossdock.json("connection", "list") == []
    log = await crossdock("tail", "--all", "--once", "--json")
    assert '"source":"shop"' in log.out


async def test_open_commands_and_quarantine_keep_a_connection_unless_they_are_given_up(
    crossdock: CommandLine,
) -> None:
    await with_shop(crossdock)
    async with crossdock.hub() as hub:
        await owe(hub)

    refusal = await crossdock.json("connection", "remove", "shop", "--reason", "x", code=1)
    assert refusal["error"] == "connection_in_use"
    assert "1 open commands and 1 messages" in refusal["message"]

    removed = await crossdock.json(
        *("connection", "remove", "shop", "--reason", "the shop closed", "--discard")
    )

    assert removed == {"name": "shop", "commands": 1, "quarantined": 1}
    assert await crossdock.json("msg", "list") == []
    letter = await crossdock.json("dlq", "show", "cmd_1")
    assert letter["command"]["state"] == "DISCARDED"
    assert letter["command"]["detail"] == "the shop closed (command-line)"


async def test_a_name_that_was_used_is_nobody_elses_but_may_come_back(
    crossdock: CommandLine,
) -> None:
    await with_shop(crossdock)
    await crossdock("connection", "remove", "shop", "--reason", "moved")
    file = crossdock.file("wms.json", secrets=[SECRET])

    refusal = await crossdock.json(
        *("connection", "add", "shop", "generic_wms", "--file", file), code=1
    )
    await with_shop(crossdock)

    assert (refusal["error"], refusal["hint"]) == ("name_used", "take another name")
    assert "shopify" in refusal["message"]
    assert (await crossdock.json("connection", "show", "shop"))["revision"] == 2


async def test_a_hub_at_work_stops_what_a_command_removes(crossdock: CommandLine) -> None:
    await with_shop(crossdock)
    async with crossdock.hub() as hub:
        working = asyncio.create_task(hub.work())
        await until(lambda: {"courier shop", "poller shop"} <= names())

        await crossdock("connection", "remove", "shop", "--reason", "gone")

        await until(lambda: not {"courier shop", "poller shop"} & names(), seconds=5)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)


async def owe(hub: Hub) -> None:
    """Have a command wait for the shop, and a message of the shop's set aside."""
    command = Command(
        command_id="cmd_1",
        tenant="main",
        connection="shop",
        role="set_availability",
        subject="shop/BOLT",
        version=1,
        lane=Lane.NORMAL,
        arguments={"item": "BOLT", "location": "DC1", "quantity": "5", "expected": None},
        process="availability_publishing",
        instance="BOLT",
    )
    async with hub.database.transaction(hub.scope) as tx:
        await hub.outbox.enqueue(tx, [command])
    bad = Fact(identity="", payload=SourceHeard(source="shop"), occurred_at=NOON)
    await hub.inbox.record(hub.scope, "shop", [bad], b"")


def names() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()}


async def until(is_so: Any, seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():
            await asyncio.sleep(0.02)
