"""What a system makes of its stock for itself is held against its equation, and never counts."""

import json
from pathlib import Path

from crossdock.applications.generic_wms.signature import secret_key, signed_headers
from crossdock.assembly import Hub
from crossdock.connectivity.sdk import Delivery
from tests.processes.end_to_end.world import connected, settings_of
from tests.processes.floor import HEARD


async def hears(hub: Hub, number: int, available: str) -> None:
    line = {"item": "BOLT", "quantity": "10", "allocated": "2", "available": available}
    message = {
        "type": "snapshot", "snapshot_id": f"S-{number}", "location": "DC1",
        "occurred_at": hub.clock.now().isoformat(), "lines": [line],
    }  # fmt: skip
    body = json.dumps(message).encode()
    headers = signed_headers([secret_key(HEARD)], f"m{number}", hub.clock.now(), body)
    await hub.inbox.receive(hub.scope, "wms", Delivery(body=body, headers=headers))


async def test_numbers_that_contradict_their_equation_are_one_entry_until_it_is_put_right(
    dsn: str, tmp_path: Path
) -> None:
    async with Hub.open(settings_of(dsn, tmp_path)) as hub:
        settings = {"secrets": [HEARD], "available_is": "ON_HAND"}
        await connected(hub, "wms", "generic_wms", settings)
        for number in range(3):
            await hears(hub, number, "8")
        [entry] = await hub.quarantine.find(hub.scope)
        [still] = await hub.quarantine.replay(hub.scope, [entry])
        await hub.directory.change(hub.scope, "wms", {"available_is": "LESS_ALLOCATED"})
        [replayed] = await hub.quarantine.replay(hub.scope, [entry])

        assert (entry.code, entry.place, entry.times) == ("EVT-SCHEMA", "available", 3)
        assert "BOLT says 8, 10 is 10" in entry.reason
        assert not still.is_closed
        assert replayed.is_closed
        assert await hub.quarantine.find(hub.scope) == []
