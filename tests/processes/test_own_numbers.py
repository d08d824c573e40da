"""What a system makes of its stock for itself is held against its equation, and never counts."""

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from crossdock.applications.generic_wms.signature import secret_key, signed_headers
from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.connectivity.directory import installed_applications
from crossdock.connectivity.sdk import Delivery
from crossdock.foundation.clock import VirtualClock
from crossdock.orchestration.cases import Case
from tests.conftest import NOON
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


async def looks(hub: Hub, clock: VirtualClock) -> Sequence[Case]:
    await clock.advance(timedelta(minutes=10))
    assert "watch own numbers" in await hub.jobs.run_due()
    return await hub.cases.find(hub.scope)


async def test_a_number_that_nobody_has_said_the_meaning_of_is_a_case_until_it_is_said(
    dsn: str, tmp_path: Path, clock: VirtualClock
) -> None:
    outside = Outside(clock=clock, applications=installed_applications())
    async with Hub.open(settings_of(dsn, tmp_path), outside) as hub:
        await connected(hub, "wms", "generic_wms", {"secrets": [HEARD]})
        known = (ItemChanged(sku="BOLT"), LocationChanged(code="DC1"))
        facts = [Fact(identity=one.key, payload=one, occurred_at=NOON, version=1) for one in known]
        await hub.record(facts, source="wms")
        assert await looks(hub, clock) == []
        for number in range(3):
            await hears(hub, number, "8")
        # What lies there counts, and its own number does not.
        await hub.settle()
        assert (await hub.availability("BOLT", "DC1")).available.value == 10

        [case] = await looks(hub, clock)
        assert (case.code, case.owner_role, case.severity) == ("EVT-SCHEMA", "Integration", "S2")
        assert case.title.endswith("nobody has said: wms")
        [entry] = await hub.quarantine.find(hub.scope)
        assert case.evidence["entries"][0]["quarantine_id"] == entry.id
        assert [one.count for one in await looks(hub, clock)] == [1]

        await hub.directory.change(hub.scope, "wms", {"available_is": "LESS_ALLOCATED"})
        assert await looks(hub, clock) == []
        assert await hub.quarantine.find(hub.scope) == []
        await hears(hub, 4, "10")
        [case] = await looks(hub, clock)
        assert "contradict what available_is says" in case.evidence["entries"][0]["reason"]
        [entry] = await hub.quarantine.find(hub.scope)
        await hub.quarantine.discard(hub.scope, [entry.id], reason="mended")
        assert await looks(hub, clock) == []
