"""Messages that were set aside are seen, tried again and given up from the command line."""

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

    assert (silent.code, said.out) == (2, "1 discarded\n")
    assert [one.id for one in await aside.quarantine.find(aside.scope)] == [second.id]
    kept = await aside.quarantine.show(aside.scope, first.id)
    assert (kept.state, kept.closed_reason) == ("DISCARDED", "a test of theirs")
