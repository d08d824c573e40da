"""All that match are tried again, however many they are: a page at a time, and none twice."""

import pytest

from crossdock.assembly import Hub
from crossdock.connectivity import quarantine
from crossdock.connectivity.quarantine import Refusal
from crossdock.connectivity.stored_facts import fact_json
from tests.interfaces.cli_commands.conftest import CommandLine
from tests.interfaces.cli_commands.trouble import dead_letters
from tests.unit.connectivity.standins import command, moved

MANY = 2_500
DIE = "update outbox_command set state = 'DEAD', settled_at = now() where state = 'PENDING'"


@pytest.mark.parametrize("is_trial", [True, False])
async def test_every_dead_letter_is_sent_again(
    crossdock: CommandLine, hub: Hub, *, is_trial: bool
) -> None:
    await dead_letters(hub, "a")
    async with hub.database.transaction(hub.scope) as tx:
        letters = [
            command(f"l{number:04d}", item=f"sku-{number}", connection="refusing")
            for number in range(1, MANY)
        ]
        await hub.outbox.enqueue(tx, letters)
        await tx.execute(DIE)

    said = await crossdock(
        "dlq", "replay", "--all", "--reason", "listed now", "--json", *["--dry-run"] * is_trial
    )

    assert [one["result"] for one in said.json["results"]] == ["SENT"] * MANY
    assert len({one["command_id"] for one in said.json["results"]}) == MANY
    assert bool(await hub.outbox.find(hub.scope)) == is_trial


@pytest.mark.parametrize("is_trial", [True, False])
async def test_every_entry_in_quarantine_is_tried_again(
    crossdock: CommandLine, hub: Hub, *, is_trial: bool
) -> None:
    facts = [moved(str(number), item="GHOST") for number in range(MANY)]
    aside = [
        Refusal(
            code="EVT-ORPHAN", reason="never came", fact=fact_json(fact), identity=fact.identity
        )
        for fact in facts
    ]
    async with hub.database.transaction(hub.scope) as tx:
        await quarantine.add(tx, "main", "wms", aside, hub.clock.now())

    said = await crossdock("msg", "replay", "--json", *["--dry-run"] * is_trial)

    assert len({one["id"] for one in said.json["results"]}) == MANY
    assert all(one["is_closed"] for one in said.json["results"])
    assert await hub.quarantine.count_open(hub.scope) == MANY * is_trial
