"""Whoever may add connections reaches through them nothing that is the hub's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crossdock.applications.generic_wms import FILES
from crossdock.applications.sql_stock import APPLICATION as ERP
from crossdock.assembly import Hub, Outside
from crossdock.assembly.adapters import ports_of
from crossdock.canonical.errors import Invalid, NotFound, Unavailable
from crossdock.connectivity.conversation import Conversation
from crossdock.connectivity.directory import Entry
from crossdock.connectivity.outbox import By
from crossdock.connectivity.sdk import Polls
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.scope import Scope
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


@asynccontextmanager
async def opened(hub: Hub, entry: Entry) -> AsyncIterator[Polls]:
    ports = ports_of(hub.settings, hub.database, hub.clock, Outside().random)
    talk = Conversation(hub.database, hub.directory, ports)
    try:
        async with talk.lent(entry) as connection:
            assert isinstance(connection, Polls)
            yield connection
    finally:
        await talk.close()


async def test_a_link_that_is_laid_later_leads_to_nobody_elses_drop_folder(
    hub: Hub, tmp_path: Path
) -> None:
    """Before it is opened, and between two polls."""
    for place in ("a", "a/open", "b/in"):
        (tmp_path / "drops" / place).mkdir(parents=True)
    theirs = tmp_path / "drops/b/in"
    (theirs / "movements.csv").write_text("movement_id\n")
    entry = Entry(
        tenant="north", name="wms", application=FILES.name, settings={"folder": str(theirs)}
    )
    await hub.directory.add(Scope("north"), entry)
    late, moved = tmp_path / "drops/a/late", tmp_path / "drops/a/open"
    first = await connected(hub, "late", FILES.name, {"folder": str(late)})
    second = await connected(hub, "open", FILES.name, {"folder": str(moved)})

    late.symlink_to(theirs)
    with pytest.raises(Invalid, match=f"leads to {theirs}") as refused:
        async with opened(hub, first):
            pass
    async with opened(hub, second) as reading:
        await reading.poll("")
        moved.rename(tmp_path / "drops/a/put-aside")
        moved.symlink_to(theirs)
        with pytest.raises(Invalid, match=f"leads to {theirs}"):
            await reading.poll("")

    assert (refused.value.where, refused.value.code) == ("folder", "folder_moved")
    assert [path.name for path in theirs.iterdir()] == ["movements.csv"]


async def test_a_folder_that_a_link_moved_is_claimed_by_who_names_it_and_by_no_other_change(
    hub: Hub, tmp_path: Path
) -> None:
    first, then, link = (tmp_path / "drops" / name for name in ("first", "then", "link"))
    first.mkdir(parents=True)
    then.mkdir()
    link.symlink_to(first)
    await connected(hub, "wms", FILES.name, {"folder": str(link)})
    kept = await hub.directory.change(hub.scope, "wms", rate_per_second=2)
    link.unlink()
    link.symlink_to(then)

    with pytest.raises(Invalid, match=f"leads to {then}") as refused:
        await hub.directory.change(hub.scope, "wms", rate_per_second=3)
    with pytest.raises(Invalid, match=f"leads to {then}"):
        await hub.directory.change(hub.scope, "wms", {"location": "DC1"})
    unclaimed = await hub.directory.get(hub.scope, "wms")
    claimed = await hub.directory.change(hub.scope, "wms", {"folder": str(link)})

    assert (kept.folder, unclaimed.folder, claimed.folder) == (str(first), str(first), str(then))
    assert refused.value.code == "folder_moved"
    assert "/v1/connections/" in refused.value.hint


async def test_a_tilde_is_the_home_of_whoever_adds_the_folder(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "drops"))

    entry = await connected(hub, "wms", FILES.name, {"folder": "~/in"})
    problem = await refused(hub, FILES.name, {"folder": "~nobody-here/in"})

    assert entry.settings["folder"] == entry.folder == str(tmp_path / "drops/in")
    assert "nobody knows whose home the ~ of ~nobody-here/in is" in problem.message


async def test_a_folder_without_its_whole_path_is_the_one_found_where_it_was_added(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drops/in").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "drops")

    entry = await connected(hub, "wms", FILES.name, {"folder": "in"})
    monkeypatch.chdir("/")
    checked = await hub.connections.check(hub.scope, "wms")

    assert entry.settings["folder"] == str(tmp_path / "drops/in")
    assert checked.answer == f"Folder {tmp_path / 'drops/in'}: 0 file(s) ready to be read"


async def test_a_check_makes_no_folder_and_says_that_there_is_none(
    hub: Hub, tmp_path: Path
) -> None:
    drops = tmp_path / "drops"
    await connected(hub, "wms", FILES.name, {"folder": str(drops / "wms")})
    with pytest.raises(Unavailable, match=f"no folder {drops / 'wms'} "):
        await hub.connections.check(hub.scope, "wms")
    assert not drops.exists()

    (drops / "wms").mkdir(parents=True)
    await hub.connections.check(hub.scope, "wms")

    assert list((drops / "wms").iterdir()) == []


async def test_a_folder_is_made_where_the_one_above_it_is_and_nowhere_else(
    hub: Hub, tmp_path: Path
) -> None:
    drops = tmp_path / "drops"
    entry = await connected(hub, "wms", FILES.name, {"folder": str(drops / "wms")})

    async with opened(hub, entry) as reading:
        with pytest.raises(Unavailable, match=f"no folder {drops} "):
            await reading.poll("")
        assert not drops.exists()
        drops.mkdir()
        await reading.poll("")

    assert (drops / "wms/processing").is_dir()


@pytest.mark.parametrize("place", ["wms", "wms/in", "wms/archive", ".", "there"])
async def test_no_two_connections_take_files_from_one_folder_or_within_it(
    hub: Hub, tmp_path: Path, place: str
) -> None:
    root = tmp_path / "drops/all"
    root.mkdir(parents=True)
    (root / "there").symlink_to(root / "wms")
    await connected(hub, "wms", FILES.name, {"folder": str(root / "wms")})
    other = await connected(hub, "other", FILES.name, {"folder": str(root / "wms-2")})

    problem = await refused(hub, FILES.name, {"folder": str(root / place)})
    with pytest.raises(Invalid, match="drop folder of the connection 'wms'"):
        await hub.directory.change(hub.scope, other.name, {"folder": str(root / place)})

    assert (problem.code, problem.where, bool(problem.hint)) == ("folder_taken", "folder", True)
    await hub.directory.change(hub.scope, "wms", {"folder": str(root / "wms"), "location": "DC1"})
    await hub.connections.remove(hub.scope, "wms", By("ann", "moved"))
    await hub.connections.remove(hub.scope, "other", By("ann", "moved"))
    await connected(hub, "odd", FILES.name, {"folder": str(root / place)})


async def test_of_additions_at_once_one_has_its_folders_and_the_other_is_refused(
    hub: Hub, tmp_path: Path
) -> None:
    """Each has added one when it asks for what lies in the other's."""

    async def added(tenant: str, *places: str) -> str:
        try:
            async with hub.database.transaction(Scope(tenant)) as tx:
                for number, place in enumerate(places):
                    entry = Entry(
                        tenant=tenant,
                        name=f"wms-{number}",
                        application=FILES.name,
                        settings={"folder": str(tmp_path / "drops" / place)},
                    )
                    await hub.directory.add_in(tx, entry)
                    await asyncio.sleep(0.2)
        except Invalid as problem:
            return problem.code
        return ""

    found = await asyncio.gather(added("north", "a", "b/in"), added("south", "b", "a/in"))

    assert sorted(found) == ["", "folder_taken"]


async def test_of_another_tenants_drop_folder_it_is_not_said_whose_it_is(
    hub: Hub, tmp_path: Path
) -> None:
    folder = str(tmp_path / "drops/wms")
    entry = Entry(
        tenant="north", name="secretive", application=FILES.name, settings={"folder": folder}
    )
    await hub.directory.add(Scope("north"), entry)
    mine = await connected(hub, "mine", FILES.name, {"folder": str(tmp_path / "drops/mine")})

    problem = await refused(hub, FILES.name, {"folder": folder + "/in"})
    with pytest.raises(Invalid) as changed:
        await hub.directory.change(hub.scope, mine.name, {"folder": folder})

    for found in (problem, changed.value):
        assert found.code == "folder_taken"
        assert "drop folder of another connection of this hub" in found.message
        assert not any(word in str(found) + found.hint for word in ("secretive", "north"))


@pytest.mark.parametrize("place", ["wms", "wms/in", "tasks", "tasks/in", "."])
@pytest.mark.parametrize("tenant", ["north", "main"])
async def test_nobody_reads_or_writes_where_another_reads_files_or_writes_tasks(
    hub: Hub, tmp_path: Path, place: str, tenant: str
) -> None:
    root = tmp_path / "drops/all"
    mine = str(tmp_path / "drops/mine")
    theirs = {"folder": str(root / "wms"), "tasks_folder": str(root / "tasks")}
    entry = Entry(tenant=tenant, name="secretive", application=FILES.name, settings=theirs)
    await hub.directory.add(Scope(tenant), entry)
    asked = str(root / place)

    written = await refused(hub, FILES.name, {"folder": mine, "tasks_folder": asked})
    read = await refused(hub, FILES.name, {"folder": asked})
    other = await connected(hub, "other", FILES.name, {"folder": mine})
    with pytest.raises(Invalid, match="drop folder of"):
        await hub.directory.change(hub.scope, other.name, {"tasks_folder": asked})

    for problem in (written, read):
        assert problem.code == "folder_taken"
        assert ("secretive" in problem.message) == (tenant == hub.scope.tenant)


async def test_a_link_that_is_laid_later_leads_count_tasks_into_nobodys_drop_folder(
    hub: Hub, tmp_path: Path
) -> None:
    drops = tmp_path / "drops"
    (drops / "north").mkdir(parents=True)
    tasks = drops / "tasks"
    entry = Entry(
        tenant="north",
        name="wms",
        application=FILES.name,
        settings={"folder": str(drops / "north")},
    )
    await hub.directory.add(Scope("north"), entry)
    mine = {"folder": str(drops / "mine"), "tasks_folder": str(tasks)}
    kept = await connected(hub, "wms", FILES.name, mine)
    assert kept.tasks_folder == str(tasks)
    tasks.symlink_to(drops / "north")

    with pytest.raises(Invalid, match=f"leads to {drops / 'north'}") as refused:
        await hub.connections.check(hub.scope, "wms")
    with pytest.raises(Invalid, match="leads to"):
        await hub.directory.change(hub.scope, "wms", {"location": "DC1"})
    with pytest.raises(Invalid, match="another connection"):
        await hub.directory.change(hub.scope, "wms", {"tasks_folder": str(tasks)})
    freed = await hub.directory.change(hub.scope, "wms", {"tasks_folder": None})

    assert (refused.value.where, refused.value.code) == ("tasks_folder", "folder_moved")
    assert (freed.folder, freed.tasks_folder) == (str(drops / "mine"), None)


async def test_connections_that_take_from_no_folder_are_in_nobodys_way(
    hub: Hub, tmp_path: Path
) -> None:
    server = {"dsn": "postgresql://ann:x@erp.example/erp", "levels": LEVELS}
    for name in ("erp-1", "erp-2"):
        await connected(hub, name, ERP.name, server)

    await connected(hub, "wms", FILES.name, {"folder": str(tmp_path / "drops/wms")})


async def test_a_drop_folder_too_deep_to_be_kept_apart_is_refused(
    hub: Hub, tmp_path: Path
) -> None:
    problem = await refused(hub, FILES.name, {"folder": str(tmp_path / "drops") + "/deep" * 180})

    assert "over 900 bytes" in problem.message


@pytest.mark.parametrize("name", [chr(0xDCFF), chr(0xD800), "in\0"])
async def test_a_drop_folder_whose_name_is_no_text_is_refused(
    hub: Hub, tmp_path: Path, name: str
) -> None:
    problem = await refused(hub, FILES.name, {"folder": str(tmp_path / "drops" / name)})

    assert (problem.code, problem.where) == ("folder_refused", "folder")


async def test_the_hubs_own_database_is_refused_by_its_socket(hub: Hub, dsn: str) -> None:
    problem = await refused(hub, ERP.name, {"dsn": dsn, "levels": LEVELS})

    assert problem.code == "local_database"


async def test_who_relies_on_the_environment_for_tls_is_told_when_a_server_is_added(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGSSLMODE", "verify-full")
    server = ERP.settings(dsn="postgresql://ann:x@erp.example/erp", levels=LEVELS)
    ports = ports_of(hub.settings, hub.database, hub.clock, Outside().random)

    assert ERP.admits
    with pytest.raises(Invalid, match="PGSSLMODE=verify-full") as problem:
        ERP.admits(server, ports)

    assert problem.value.code == "dsn_tls"


async def test_a_hub_knows_its_own_server(hub: Hub) -> None:
    ports = ports_of(hub.settings, hub.database, hub.clock, Outside().random)

    assert ports.own_server
    assert (await ports.own_server()).isdigit()
