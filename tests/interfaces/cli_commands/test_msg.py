"""Messages that were set aside are seen, tried again and given up from the command line."""

import asyncio
import json
import sys
from typing import Any

import pytest

from crossdock.assembly import Hub
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.capabilities.catalog import own_fact
from tests.interfaces.cli_commands.conftest import CommandLine
from tests.interfaces.cli_commands.trouble import unknown_items


@pytest.fixture
async def aside(hub: Hub) -> Hub:
    """Two movements of an item that nobody knew in time."""
    await unknown_items(hub, "1", "2")
    await hub.waiting_room.retry_due()
    return hub


async def know(hub: Hub) -> None:
    news = (ItemChanged(sku="GHOST"), LocationChanged(code="DC1"))
    await hub.record([own_fact(one, hub.clock.now()) for one in news], source="crossdock")


async def test_what_waits_is_listed_with_what_is_missing(crossdock: CommandLine, hub: Hub) -> None:
    assert "nothing waits" in (await crossdock("msg", "waiting")).out
    await unknown_items(hub, "1")

    said = await crossdock("msg", "waiting", "--source", "wms")

    assert "movement:1" in said.out
    assert "MD-ITEM-XREF" in said.out


async def test_quarantine_is_listed_by_source_and_code(crossdock: CommandLine, aside: Hub) -> None:
    assert await aside.quarantine.count_open(aside.scope) == 2

    said = await crossdock("msg", "list", "--source", "wms", "--code", "EVT-ORPHAN")

    assert said.out.count("EVT-ORPHAN") == 2
    assert "nothing is in quarantine" in (await crossdock("msg", "list", "--code", "X")).out


async def test_an_entry_is_shown_with_what_it_came_from(
    crossdock: CommandLine, aside: Hub
) -> None:
    [first, _] = await aside.quarantine.find(aside.scope)

    said = await crossdock("msg", "show", str(first.id))

    assert "EVT-ORPHAN from wms" in said.out
    assert "GHOST" in said.out
    assert (await crossdock("msg", "show", "999")).code == 1


async def test_what_still_misses_something_waits_for_it_once_more(
    crossdock: CommandLine, aside: Hub
) -> None:
    said = await crossdock("msg", "replay")

    assert said.code == 0, said
    assert len(await aside.waiting_room.waiting(aside.scope)) == 2


async def test_entries_are_replayed_once_the_cause_is_mended(
    crossdock: CommandLine, aside: Hub
) -> None:
    await know(aside)

    trial = await crossdock("msg", "replay", "--source", "wms", "--dry-run")
    assert await aside.quarantine.count_open(aside.scope) == 2
    done = await crossdock("msg", "replay", "--source", "wms")

    assert ("would go" in trial.out, "recorded" in done.out) == (True, True)
    assert await aside.quarantine.count_open(aside.scope) == 0
    assert "nothing matches" in (await crossdock("msg", "replay")).out


async def test_entries_are_given_up_with_a_reason(crossdock: CommandLine, aside: Hub) -> None:
    [first, second] = await aside.quarantine.find(aside.scope)

    silent = await crossdock("msg", "discard", str(first.id))
    said = await crossdock("msg", "discard", str(first.id), "--reason", "a test of theirs")

    unknown = await crossdock("msg", "discard", "999", "--reason", "a test of theirs")
    again = await crossdock("msg", "discard", str(first.id), "--reason", "a test of theirs")

    assert (unknown.code, "has the number 999" in unknown.err) == (1, True)
    assert (again.code, again.out) == (0, "0 discarded\n")
    assert (silent.code, said.out) == (2, "1 discarded\n")
    assert [one.id for one in await aside.quarantine.find(aside.scope)] == [second.id]
    kept = await aside.quarantine.show(aside.scope, first.id)
    assert (kept.state, kept.closed_reason) == ("DISCARDED", "a test of theirs")


def said_by(source: str, *events: dict[str, Any]) -> dict[str, Any]:
    return {"source": source, "events": list(events)}


def item(sku: str, **payload: Any) -> dict[str, Any]:
    return {
        "type": "catalog.item_changed.v1",
        "identity": f"item:{sku}",
        "occurred_at": "2026-05-04T12:00:00Z",
        "payload": {"sku": sku, **payload},
    }


async def test_what_happened_is_said_with_a_verdict_for_each_and_again_is_a_repeat(
    crossdock: CommandLine, hub: Hub
) -> None:
    crossdock.write("said.json", said_by("erp", item("HOSE"), item("PIPE")))

    first = await crossdock("msg", "say", "said.json")
    again = await crossdock("msg", "say", "said.json", "--json")

    assert first.code == 0, first
    assert [line.split()[:2] for line in first.out.splitlines()[1:]] == [
        ["item:HOSE", "NEW"], ["item:PIPE", "NEW"],
    ]  # fmt: skip
    assert (again.code, again.json["counts"]) == (0, {"REPEAT": 2})
    await hub.settle()
    assert {one.sku for one in await hub.catalog.items(hub.scope)} == {"HOSE", "PIPE"}


async def test_what_is_refused_makes_the_exit_code_and_spoils_nothing_else(
    crossdock: CommandLine, hub: Hub
) -> None:
    good, bad, other = item("HOSE"), item("PIPE", status=7), item("HOSE", gtin="12345670")
    crossdock.write("said.json", said_by("erp", good, bad, other))

    said = await crossdock("msg", "say", "said.json", "--json")

    assert said.code == 1, said
    verdicts = said.json["verdicts"]
    assert [one["verdict"] for one in verdicts] == ["NEW", "QUARANTINED", "CONFLICT"]
    assert verdicts[1]["where"].startswith("/events/1/payload")
    assert await hub.quarantine.count_open(hub.scope) == 2


async def test_what_only_waits_is_not_refused(crossdock: CommandLine) -> None:
    moved = {
        "type": "inventory.stock_moved.v1",
        "identity": "movement:1",
        "occurred_at": "2026-05-04T12:00:00Z",
        "payload": {
            "movement_id": "1", "item": "GHOST", "quantity": {"value": "4", "unit": "EA"},
            "type": "PICK", "source_place": {"location": "DC1"},
        },
    }  # fmt: skip
    crossdock.write("said.json", said_by("wms", moved))

    said = await crossdock("msg", "say", "said.json", "--json")

    assert (said.code, said.json["counts"]) == (0, {"WAITING": 1})


async def test_standard_input_is_read_where_no_file_is_named(
    crossdock: CommandLine, hub: Hub
) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "crossdock", "msg", "say", "--json",
        cwd=crossdock.folder, env=crossdock.environment,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(60):
        out, _ = await process.communicate(json.dumps(said_by("erp", item("HOSE"))).encode())

    assert (process.returncode, json.loads(out)["counts"]) == (0, {"NEW": 1})
    await hub.settle()
    assert [one.sku for one in await hub.catalog.items(hub.scope)] == ["HOSE"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ('{"source": "erp", "source": "wms", "events": []}', "twice"),
        ('{"source": "erp", "events": []}', "/events"),
        ('{"source": "crossdock", "events": [1]}', "speaks for itself"),
        ('{"source": "erp", "events": [1], "at": 1}', "unknown field"),
    ],
)
async def test_what_is_no_request_is_refused_whole(
    crossdock: CommandLine, text: str, says: str
) -> None:
    (crossdock.folder / "said.json").write_text(text)

    said = await crossdock("msg", "say", "said.json", "--json")

    assert (said.code, says in said.out) == (2, True), said


async def test_a_file_that_is_not_there_is_named(crossdock: CommandLine) -> None:
    said = await crossdock("msg", "say", "nowhere.json")

    assert (said.code, "nowhere.json cannot be read" in said.err) == (2, True), said
