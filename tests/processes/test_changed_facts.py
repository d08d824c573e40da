"""What a source says again because it changed is taken; what comes late undoes nothing."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from crossdock.applications.generic_wms import mapping as wms
from crossdock.applications.generic_wms.settings import GenericWmsSettings
from crossdock.applications.sql_stock import mapping as erp
from crossdock.applications.sql_stock.samples import SAMPLE_SETTINGS
from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.connectivity.recording import Verdict
from crossdock.connectivity.sdk import Delivery
from crossdock.foundation.clock import VirtualClock
from tests.processes.end_to_end.world import SECRET, settings_of

MORNING, NOON, EVENING = (f"2026-03-02T{hour}:00:00+00:00" for hour in ("08", "12", "18"))
TIMES = {1: MORNING, 2: NOON, 3: EVENING}


@pytest.fixture
async def hub(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Hub]:
    outside = Outside(clock=clock, applications={})
    async with Hub.open(settings_of(dsn, tmp_path), outside) as opened:
        yield opened


async def told(hub: Hub, source: str, facts: Sequence[Fact]) -> list[Verdict]:
    assert facts
    return [verdict.verdict for verdict in await hub.record(facts, source=source)]


def said_by_wms(**fields: Any) -> tuple[Fact, ...]:
    settings = GenericWmsSettings.model_validate({"location": "DC1", "secrets": [SECRET]})
    return wms.translated(Delivery(body=json.dumps(fields).encode()), settings).facts


def read_in_erp(stream: str, row: dict[str, Any]) -> tuple[Fact, ...]:
    page = erp.written(stream, [json.dumps(row)])
    return erp.translated(Delivery(body=page), SAMPLE_SETTINGS).facts


@pytest.mark.parametrize("has_version", [True, False])
async def test_an_item_a_warehouse_describes_anew_is_taken_and_the_old_does_not_return(
    hub: Hub, *, has_version: bool
) -> None:
    for version in (2, 3, 1, 3):
        revision = {"version": version} if has_version else {}
        facts = said_by_wms(
            type="item",
            item="BOLT",
            description=f"text {version}",
            occurred_at=TIMES[version],
            **revision,
        )
        assert Verdict.CONFLICT not in await told(hub, "wms", facts)

    assert (await hub.catalog.item(hub.scope, "BOLT")).description == "text 3"


async def test_a_location_a_warehouse_renames_is_taken_and_the_old_name_does_not_return(
    hub: Hub,
) -> None:
    for version in (2, 3, 1):
        facts = said_by_wms(
            type="location", location="DC1", name=f"name {version}", occurred_at=TIMES[version]
        )
        assert await told(hub, "wms", facts) == [Verdict.NEW]

    assert (await hub.catalog.location(hub.scope, "DC1")).name == "name 3"


async def test_the_same_version_with_other_content_is_a_conflict(hub: Hub) -> None:
    first = said_by_wms(type="item", item="BOLT", version=1, occurred_at=MORNING)
    other = said_by_wms(type="item", item="BOLT", version=1, occurred_at=MORNING, gtin="x")

    assert await told(hub, "wms", first) == [Verdict.NEW]
    assert await told(hub, "wms", first) == [Verdict.REPEAT]
    assert await told(hub, "wms", other) == [Verdict.CONFLICT]


async def test_an_item_changed_in_the_erp_is_taken_and_the_old_does_not_return(hub: Hub) -> None:
    for version in (2, 3, 1):
        row = {"id": 7, "code": "BOLT", "description": f"text {version}"}
        facts = read_in_erp("items", row | {"changed_at": TIMES[version]})
        assert await told(hub, "erp", facts) == [Verdict.NEW]

    assert (await hub.catalog.item(hub.scope, "BOLT")).description == "text 3"


async def test_an_order_cancelled_in_the_erp_claims_nothing_and_its_old_state_neither(
    hub: Hub,
) -> None:
    known = hub.clock.now()
    news = (ItemChanged(sku="BOLT"), LocationChanged(code="DC1"))
    facts = [Fact(identity=one.TYPE, payload=one, occurred_at=known) for one in news]
    await told(hub, "erp", facts)
    await hub.put_stock("BOLT", "DC1", 10)
    claims: list[int] = []

    for version, cancelled in ((2, 4), (3, 10), (1, 0)):
        line = {"line": 1, "item": "BOLT", "ordered": 10, "cancelled": cancelled}
        row = {"id": 77, "changed_at": TIMES[version], "lines": [line]}
        assert await told(hub, "erp", read_in_erp("demand", row)) == [Verdict.NEW]
        answer = await hub.availability("BOLT", "DC1")
        claims.append(10 - int(answer.available.value))

    assert claims == [6, 0, 0]
