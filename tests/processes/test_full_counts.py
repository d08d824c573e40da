"""A full count in one long file empties what it leaves out, or says that it does not."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from crossdock.applications.generic_wms import FILES
from crossdock.applications.generic_wms.client import ReadingFolder
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings
from crossdock.assembly import Hub, Outside
from crossdock.canonical.catalog import ItemChanged, LocationChanged
from crossdock.canonical.envelope import Fact
from crossdock.connectivity.raw_messages import Via
from crossdock.connectivity.sdk import Ports
from crossdock.foundation.clock import VirtualClock
from tests.conftest import NOON
from tests.processes.end_to_end.world import connected, on_hand, settings_of

HEADER = "snapshot_id,item,quantity,is_full,occurred_at\n"
WHOLE_FILE = 20


@pytest.fixture
async def hub(dsn: str, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Hub]:
    outside = Outside(clock=clock, applications={FILES.name: FILES})
    (tmp_path / "drop").mkdir()
    async with Hub.open(settings_of(dsn, tmp_path / "data"), outside) as opened:
        await connected(opened, "wms", FILES.name, {"folder": str(tmp_path / "drop")})
        yield opened


async def know(hub: Hub, skus: Sequence[str]) -> None:
    facts = [
        Fact(identity=f"item:{sku}", payload=ItemChanged(sku=sku), occurred_at=NOON)
        for sku in skus
    ]
    site = Fact(identity="DC1", payload=LocationChanged(code="DC1"), occurred_at=NOON)
    await hub.record([site, *facts], source="wms")


def drop(folder: Path, name: str, rows: Sequence[str], minute: int = 0) -> None:
    at = (NOON - timedelta(hours=1) + timedelta(minutes=minute)).isoformat()
    lines = "".join(f"{name},{row},true,{at}\n" for row in rows)
    (folder / f"snapshots-{name}.csv").write_text(HEADER + lines)
    (folder / f"snapshots-{name}.csv.done").touch()


async def read(
    hub: Hub, folder: Path, cursor: str = "", *, pages: int = WHOLE_FILE, lines_max: int = 5_000
) -> str:
    """Do what a poller does, for so many pages; then the process is gone."""
    form = {"folder": folder, "location": "DC1", "needs_done_marker": True}
    settings = GenericWmsFilesSettings.model_validate(form | {"piece_lines_max": lines_max})
    assert FILES.connect
    async with FILES.connect(settings, Ports(clock=hub.clock, random=Random(1))) as reading:
        assert isinstance(reading, ReadingFolder)
        for _ in range(pages):
            page = await reading.poll(cursor)
            async with hub.database.transaction(hub.scope) as tx:
                await hub.inbox.record_in(
                    tx, "wms", page.translation, page.raw, via=Via.POLL, allowed=FILES.events
                )
            cursor = page.cursor
            if page.is_caught_up:
                break
    await hub.settle()
    return cursor


async def told(hub: Hub) -> list[str]:
    return [entry.reason for entry in await hub.quarantine.find(hub.scope)]


async def test_a_count_of_twelve_thousand_lines_empties_what_it_leaves_out(
    hub: Hub, tmp_path: Path
) -> None:
    skus = [f"SKU-{number}" for number in range(12_000)]
    folder = tmp_path / "drop"
    await know(hub, [*skus, "GONE"])
    drop(folder, "S-1", ["GONE,7", "SKU-0,1"])
    cursor = await read(hub, folder)
    assert await on_hand(hub, ["GONE"], "DC1") == {"GONE": {"AVAILABLE": 7}}

    drop(folder, "S-2", [f"{sku},3" for sku in skus], minute=1)
    for _ in range(4):  # a restart after each piece, and after the word that ends the count
        cursor = await read(hub, folder, cursor, pages=1)
    await read(hub, folder, cursor)

    some = [skus[0], skus[5_000], skus[-1]]
    lies = await on_hand(hub, [*some, "GONE"], "DC1")
    assert lies == {"GONE": {}} | {sku: {"AVAILABLE": 3} for sku in some}
    assert await told(hub) == []
    assert list((folder / "archive").glob("*S-2.csv"))


async def test_a_count_of_which_a_line_was_refused_empties_nothing_and_says_so(
    hub: Hub, tmp_path: Path
) -> None:
    folder = tmp_path / "drop"
    await know(hub, ["A", "B", "C", "GONE"])
    drop(folder, "S-1", ["GONE,7"])
    cursor = await read(hub, folder)

    drop(folder, "S-2", ["A,1", "B,two", "C,3"], minute=1)
    await read(hub, folder, cursor, lines_max=2)

    assert await on_hand(hub, ["A", "GONE"], "DC1") == {
        "A": {"AVAILABLE": 1},
        "GONE": {"AVAILABLE": 7},
    }
    [refused, not_full] = await told(hub)
    assert "two" in refused
    assert "'S-2' at 'DC1' was not taken as full: line 3, column quantity" in not_full
    assert "send a new full count" in not_full


async def count_names_what_nobody_knows(hub: Hub, folder: Path) -> None:
    """Count three items in full, then again in two parts: the first names an unknown one."""
    await know(hub, ["A", "B", "GONE"])
    drop(folder, "S-1", ["A,5", "B,5", "GONE,5"])
    cursor = await read(hub, folder)
    drop(folder, "S-2", ["A,1", "NEW,1", "B,1"], minute=1)
    await read(hub, folder, cursor, lines_max=2)


async def test_a_count_waits_for_its_part_that_names_what_nobody_knows_yet(
    hub: Hub, tmp_path: Path
) -> None:
    """Without the wait the stock of the whole part would be empty until the item is known."""
    await count_names_what_nobody_knows(hub, tmp_path / "drop")
    before = await on_hand(hub, ["A", "B", "GONE"], "DC1")
    [first, second] = await hub.waiting_room.waiting(hub.scope)
    await know(hub, ["NEW"])
    await advance(hub, timedelta(minutes=2))
    after = await on_hand(hub, ["A", "NEW", "B", "GONE"], "DC1")

    assert before == {
        name: {"AVAILABLE": lies} for name, lies in (("A", 5), ("B", 1), ("GONE", 5))
    }
    assert "NEW" in first.missing
    assert second.missing == "1 other part(s) of the full count 'S-2' of 'DC1'"
    assert after == {"GONE": {}} | {name: {"AVAILABLE": 1} for name in ("A", "NEW", "B")}


async def test_a_count_whose_part_never_counts_empties_nothing_until_that_is_replayed(
    hub: Hub, tmp_path: Path
) -> None:
    await count_names_what_nobody_knows(hub, tmp_path / "drop")
    await advance(hub, timedelta(minutes=20))
    orphans = await hub.quarantine.find(hub.scope, code="EVT-ORPHAN")
    late = await on_hand(hub, ["A", "GONE"], "DC1")

    await know(hub, ["NEW"])
    await hub.quarantine.replay(hub.scope, orphans)
    await hub.settle()
    mended = await on_hand(hub, ["A", "GONE"], "DC1")

    assert late == {"A": {"AVAILABLE": 5}, "GONE": {"AVAILABLE": 5}}
    assert ["full count 'S-2'" in orphan.reason for orphan in orphans] == [False, True]
    assert mended == {"A": {"AVAILABLE": 1}, "GONE": {}}


async def advance(hub: Hub, time: timedelta) -> None:
    assert isinstance(hub.clock, VirtualClock)
    end = hub.clock.now() + time
    while hub.clock.now() < end:
        await hub.clock.advance(timedelta(minutes=1))
        await hub.settle()
