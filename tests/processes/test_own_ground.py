"""Whoever may add connections reaches through them nothing that is the hub's own."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crossdock.applications.generic_wms import FILES
from crossdock.applications.sql_stock import APPLICATION as ERP
from crossdock.assembly import Hub, Outside
from crossdock.assembly.adapters import ports_of
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.settings import Settings
from tests.processes.end_to_end.world import connected

LEVELS = {"sql": "select 1 as id, 'A' as item, 1 as quantity, now() as changed_at"}


@pytest.fixture
async def hub(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Hub]:
    settings = Settings(
        dsn=SecretStr(dsn),
        data_dir=tmp_path / "data",
        drop_root=tmp_path / "drops",
        log_level="ERROR",
    )
    outside = Outside(clock=clock, applications={one.name: one for one in (FILES, ERP)})
    async with Hub.open(settings, outside) as opened:
        yield opened


async def refused(hub: Hub, application: str, settings: dict[str, Any]) -> Invalid:
    with pytest.raises(Invalid) as problem:
        await connected(hub, "odd", application, settings)
    with pytest.raises(NotFound):
        await hub.directory.get(hub.scope, "odd")
    return problem.value


async def test_a_drop_folder_is_refused_in_the_data_directory_and_outside_of_the_root(
    hub: Hub, tmp_path: Path
) -> None:
    for place, why in (("data", "keeps its own"), ("elsewhere", "does not lie beneath")):
        problem = await refused(hub, FILES.name, {"folder": str(tmp_path / place)})
        assert why in problem.message

    good = await connected(hub, "wms", FILES.name, {"folder": str(tmp_path / "drops/wms")})
    with pytest.raises(Invalid):
        await hub.directory.change(hub.scope, good.name, {"folder": str(tmp_path)})


async def test_a_link_that_is_laid_later_leads_a_drop_folder_nowhere(
    hub: Hub, tmp_path: Path
) -> None:
    await connected(hub, "wms", FILES.name, {"folder": str(tmp_path / "drops/wms")})
    (tmp_path / "drops").mkdir()
    (tmp_path / "drops/wms").symlink_to(tmp_path / "data")

    with pytest.raises(Invalid, match="keeps its own"):
        await hub.connections.check(hub.scope, "wms")


async def test_the_hubs_own_database_is_refused_by_its_socket(hub: Hub, dsn: str) -> None:
    problem = await refused(hub, ERP.name, {"dsn": dsn, "levels": LEVELS})

    assert problem.code == "local_database"


async def test_a_hub_knows_its_own_server(hub: Hub) -> None:
    ports = ports_of(hub.settings, hub.database, hub.clock, Outside().random)

    assert ports.own_server
    assert (await ports.own_server()).isdigit()
