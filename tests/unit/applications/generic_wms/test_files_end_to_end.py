"""A warehouse that drops files well and badly is heard whole, and nothing of it twice."""

import asyncio
import errno
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossdock.applications.generic_wms import APPLICATION, FILES
from crossdock.applications.generic_wms.client import ReadingFolder
from crossdock.applications.generic_wms.file_drop import DropHabits, FileDrop
from crossdock.applications.generic_wms.settings import GenericWmsFilesSettings
from crossdock.applications.generic_wms.simulator import Warehouse, WorkLine
from crossdock.canonical.envelope import Fact
from crossdock.canonical.inventory import StockMoved, StockSnapshotTaken
from crossdock.connectivity.sdk import Delivery, Poll, Polls, Ports
from crossdock.connectivity.transports.files import ClaimedFile, DropFolder, opened
from crossdock.connectivity.transports.writers import is_known_there
from crossdock.foundation.clock import VirtualClock

MORNING = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
CSV = "movement_id,location,reason,item,quantity,occurred_at\n"


class Recorder:
    """Does what a hub does: keeps facts by identity, and the cursor with them."""

    def __init__(self) -> None:
        self.facts: dict[str, Fact] = {}
        self.refused: list[str] = []
        self.cursor = ""
        self.repeats_count = 0

    async def hear(self, connection: ReadingFolder) -> None:
        while not self.record(await connection.poll(self.cursor)):
            pass

    def record(self, poll: Poll) -> bool:
        for fact in poll.translation.facts:
            self.repeats_count += fact.identity in self.facts
            assert self.facts.setdefault(fact.identity, fact) == fact
        self.refused += [refused.reason for refused in poll.translation.refused]
        self.cursor = poll.cursor
        return poll.is_caught_up


def moved_by(hub: Recorder) -> set[str]:
    told = [fact.payload for fact in hub.facts.values()]
    return {move.movement_id for move in told if isinstance(move, StockMoved)}


def wms(folder: Path, **more: object) -> GenericWmsFilesSettings:
    return GenericWmsFilesSettings.model_validate({"folder": folder, "settle_seconds": 30} | more)


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), suffix=st.sampled_from([".csv", ".jsonl"]))
async def test_whatever_the_habits_every_record_is_heard(
    tmp_path_factory: pytest.TempPathFactory, seed: int, suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("drop")
    clock = VirtualClock(MORNING)
    habits = DropHabits(half_written=0.4, same_name=0.4, same_content=0.4)
    drop = FileDrop(folder, random=Random(seed), habits=habits, suffix=suffix)
    ports = Ports(clock=clock, random=Random(seed))
    warehouse = Warehouse("DC1", stock={"A": 50, "B": 50}, ports=ports, send=drop.send)
    hub, crash = Recorder(), Random(seed)
    assert FILES.connect

    while clock.now() < MORNING + timedelta(hours=1):
        # A connection that is closed and opened again stands for a hub that crashed.
        async with FILES.connect(wms(folder, piece_lines_max=5), ports) as connection:
            assert isinstance(connection, ReadingFolder)
            assert isinstance(connection, Polls)
            for _ in range(crash.randint(1, 30)):
                warehouse.release([WorkLine(demand_ref="x/1", item="A", quantity=1)])
                await clock.advance(timedelta(seconds=30))
                await warehouse.work()
                await drop.flush()
                await hub.hear(connection)
    async with FILES.connect(wms(folder, piece_lines_max=5), ports) as connection:
        await drop.finish()
        for _ in range(6):
            await clock.advance(timedelta(minutes=1))
            await hub.hear(connection)  # type: ignore[arg-type]  # a stand-in that has what is asked of it

    heard = {fact.sequence for fact in hub.facts.values()}
    assert heard == set(range(1, warehouse.floor.sequence + 1))
    assert hub.refused == []
    assert list(folder.glob("*.*")) == list((folder / "processing").iterdir()) == []


async def test_a_file_that_is_written_to_while_another_of_its_name_comes_waits_its_turn(
    tmp_path: Path, clock: VirtualClock
) -> None:
    hub = Recorder()
    assert FILES.connect
    async with FILES.connect(wms(tmp_path), Ports(clock=clock, random=Random(1))) as it:
        assert isinstance(it, ReadingFolder)
        (tmp_path / "movements.csv").write_text(CSV + "M-1,DC1,PICK,A,1,2026-03-02T08:00Z\n")
        await it.check()
        await clock.advance(timedelta(seconds=31))
        hub.record(await it.poll(""))  # its one piece; it is put away when it is asked again
        [taken] = (tmp_path / "processing").iterdir()
        with taken.open("a") as writer:
            (tmp_path / "movements.csv").write_text(CSV + "M-3,DC1,PICK,A,1,2026-03-02T08:00Z\n")
            writer.write("M-2,DC1,PICK,A,1,2026-03-02T08:00Z\n")
            writer.flush()
            assert (await it.poll(hub.cursor)).is_caught_up
            await clock.advance(timedelta(seconds=31))
            await hub.hear(it)
            assert sorted(hub.facts) == ["movement:M-1:1", "movement:M-3:1"]  # none waits for it
        for _ in range(3):
            await clock.advance(timedelta(seconds=31))
            await hub.hear(it)

    assert sorted(hub.facts) == [f"movement:M-{number}:1" for number in (1, 2, 3)]
    assert list((tmp_path / "processing").iterdir()) == []


LEVELS = "snapshot_id,location,item,quantity,is_full,recorded_at,occurred_at\n"


def row(item: str, quantity: int = 5, is_full: str = "true", second: int = 1) -> str:
    at = "2026-03-02T09:00"
    return f"S-1,DC1,{item},{quantity},{is_full},{at}:{second:02d}Z,{at}:00Z\n"


async def heard(
    hub: Recorder, folder: Path, clock: VirtualClock, *rows: str, stops: int = 0
) -> list[int]:
    """Read one snapshot of two lines a piece; say how many lines its full counts have.

    The hub stops after each of the first pieces, and begins anew.
    """
    (folder / "snapshots-1.csv").write_text(LEVELS + "".join(rows))
    assert FILES.connect
    ports = Ports(clock=clock, random=Random(1))
    for stop in range(stops + 1):
        lines_max = 2 if stop == 0 else 3  # nor has it to cut the file as it did
        async with FILES.connect(wms(folder, piece_lines_max=lines_max), ports) as it:
            assert isinstance(it, ReadingFolder)
            await it.check()
            await clock.advance(timedelta(seconds=31))
            if stop < stops:
                hub.record(await it.poll(hub.cursor))
            else:
                await hub.hear(it)
    taken = [fact.payload for fact in hub.facts.values()]
    return [len(one.lines) for one in taken if isinstance(one, StockSnapshotTaken) and one.is_full]


async def test_a_count_that_one_of_its_pieces_calls_not_full_empties_nothing(
    tmp_path: Path, clock: VirtualClock
) -> None:
    hub = Recorder()
    rows = row("A", is_full="false"), row("B", is_full="false"), row("C", second=5)

    assert await heard(hub, tmp_path, clock, *rows) == []
    [not_full] = hub.refused
    assert "'S-1' at 'DC1' differs in time, sequence or fullness" in not_full


@pytest.mark.parametrize("stops", [0, 1, 2])
async def test_a_bucket_that_two_pieces_count_is_refused_and_the_count_is_not_full(
    tmp_path: Path, clock: VirtualClock, stops: int
) -> None:
    """Recorded twice, one of the two would win by chance, and the count would be called full."""
    hub = Recorder()
    rows = row("A"), row("B"), row("C"), row("D"), row("E"), row("A", quantity=7)

    assert await heard(hub, tmp_path, clock, *rows, stops=stops) == []
    [twice, not_full] = hub.refused
    assert twice == "This bucket is counted twice: send the sum of its bins"
    assert "line 7, column item: This bucket is counted twice" in not_full
    counted = [
        line
        for fact in hub.facts.values()
        if isinstance(fact.payload, StockSnapshotTaken)
        for line in fact.payload.lines
    ]
    assert sorted(line.item for line in counted) == ["A", "B", "C", "D", "E"]
    assert {line.quantity.value for line in counted} == {5}


async def test_a_count_that_an_older_version_began_is_not_full(
    tmp_path: Path, clock: VirtualClock
) -> None:
    """That version kept nothing of the first piece: neither its mark nor what was refused."""
    hub = Recorder()
    (tmp_path / "snapshots-1.csv").write_text(
        LEVELS + row("A", second=1).replace(",5,", ",x,") + row("B") + row("C", second=5)
    )
    assert FILES.connect
    ports = Ports(clock=clock, random=Random(1))
    async with FILES.connect(wms(tmp_path, piece_lines_max=2), ports) as it:
        assert isinstance(it, ReadingFolder)
        await it.check()
        await clock.advance(timedelta(seconds=31))
        hub.record(await it.poll(""))
    known = json.loads(hub.cursor)
    hub.cursor = json.dumps({name: known[name] for name in ("file", "line", "failure")})
    async with FILES.connect(wms(tmp_path, piece_lines_max=2), ports) as it:
        assert isinstance(it, ReadingFolder)
        await hub.hear(it)

    counts = [fact.payload for fact in hub.facts.values()]
    assert not any(isinstance(one, StockSnapshotTaken) and one.is_full for one in counts)
    [_, not_full] = hub.refused
    assert "begun by an older version of the hub" in not_full


async def test_a_piece_that_was_not_recorded_has_not_counted_its_buckets(
    tmp_path: Path, clock: VirtualClock
) -> None:
    (tmp_path / "snapshots-1.csv").write_text(LEVELS + "".join(map(row, "ABC")))
    assert FILES.connect
    ports = Ports(clock=clock, random=Random(1))
    async with FILES.connect(wms(tmp_path, piece_lines_max=2), ports) as it:
        assert isinstance(it, ReadingFolder)
        await it.check()
        await clock.advance(timedelta(seconds=31))
        first = await it.poll("")
        again = await it.poll("")
        second = await it.poll(again.cursor)
        once_more = await it.poll(again.cursor)

    assert first == again
    assert second == once_more
    assert second.translation.refused == ()


class HeldOpen(DropFolder):
    """A folder whose file somebody holds open when it is looked at for the nth time."""

    def __init__(self, root: Path, clock: VirtualClock, nth: int) -> None:
        super().__init__(root, clock=clock, settle_seconds=30)
        self.looks_left = nth

    async def is_written_to(self, file: ClaimedFile) -> bool:
        self.looks_left -= 1
        return self.looks_left == 0 or await super().is_written_to(file)


class Unending(DropFolder):
    """A folder whose writer goes on behind its marker."""

    claims_count = 0

    async def claim(self, name: str) -> ClaimedFile | None:
        self.claims_count += 1
        return await super().claim(name)

    async def is_written_to(self, file: ClaimedFile) -> bool:
        del file
        return True


async def test_a_file_that_is_given_back_waits_for_the_next_round(
    tmp_path: Path, clock: VirtualClock
) -> None:
    folder = Unending(tmp_path, clock=clock, needs_done_marker=True)
    (tmp_path / "movements.csv").write_text(CSV)
    (tmp_path / "movements.csv.done").touch()
    async with aclosing(ReadingFolder(wms(tmp_path), folder)) as reading, asyncio.timeout(20):
        for turn in (1, 2):
            page = await reading.poll("")
            assert (page.is_caught_up, folder.claims_count) == (True, turn)


@pytest.mark.parametrize("nth", [1, 2, 3])
async def test_a_file_that_is_held_open_for_one_look_is_read_whole(
    tmp_path: Path, clock: VirtualClock, nth: int
) -> None:
    """At its first piece, its second, and where its end is told."""
    head = "snapshot_id,location,item,quantity,is_full,occurred_at\n"
    rows = "".join(f"S-1,DC1,{item},5,true,2026-03-02T08:00Z\n" for item in "ABC")
    hub, folder = Recorder(), HeldOpen(tmp_path, clock, nth)
    (tmp_path / "snapshots-1.csv").write_text(head + rows)
    reading = ReadingFolder(wms(tmp_path, piece_lines_max=2), folder)
    async with aclosing(reading):
        await reading.check()
        for _ in range(3):
            await clock.advance(timedelta(seconds=31))
            await hub.hear(reading)

    taken = [fact.payload for fact in hub.facts.values()]
    counts = [count for count in taken if isinstance(count, StockSnapshotTaken)]
    assert [len(count.lines) for count in counts] == [2, 1, 0]
    assert [count.is_full for count in counts] == [False, False, True]
    assert len(list((tmp_path / "archive").glob("*.csv"))) == 1


async def test_what_cannot_be_taken_holds_up_nothing_and_is_said_when_the_rest_is_read(
    tmp_path: Path, clock: VirtualClock
) -> None:
    """One that its owner forbids, and one that was taken and is written to again."""

    def open_it(path: Path) -> BufferedReader:
        if path.name.endswith("secret.csv"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return opened(path)

    settings = wms(tmp_path)
    folder = DropFolder(tmp_path, clock=clock, settle_seconds=30, opener=open_it)
    hub = Recorder()
    async with aclosing(ReadingFolder(settings, folder)) as reading:
        await folder.prepare()
        (tmp_path / "movements-1.csv").write_text(CSV + "M-1,DC1,PICK,A,1,2026-03-02T08:00Z\n")
        held = await folder.claim("movements-1.csv")
        assert held
        for name in ("movements-1.csv", "movements-secret.csv", "movements-2.csv"):
            line = f"{name},DC1,PICK,A,1,2026-03-02T08:00Z\n"
            (tmp_path / name).write_text(CSV + line)
        await reading.check()
        await clock.advance(timedelta(seconds=31))
        with held.path.open("ab"):
            await hub.hear(reading)
        last = await reading.poll(hub.cursor)
        before = moved_by(hub)
        await clock.advance(timedelta(seconds=31))
        await hub.hear(reading)

    assert "movements-secret.csv cannot be taken, Permission denied" in last.warning
    assert {"movements-1.csv:1", "movements-2.csv:1"} <= before
    assert ("M-1:1" in before) is not is_known_there(tmp_path)
    assert moved_by(hub) == {"M-1:1", "movements-1.csv:1", "movements-2.csv:1"}


async def test_the_same_file_under_another_name_is_not_read_again(
    tmp_path: Path, clock: VirtualClock
) -> None:
    content = CSV + "M-1,DC1,PICK,A,1,2026-03-02T08:00Z\n"
    hub = Recorder()
    assert FILES.connect
    async with FILES.connect(wms(tmp_path), Ports(clock=clock, random=Random(1))) as it:
        assert isinstance(it, ReadingFolder)
        for name in ("movements-1.csv", "movements-2.csv"):
            (tmp_path / name).write_text(content)
            await it.check()
            await clock.advance(timedelta(seconds=31))
            await hub.hear(it)

    assert len(hub.facts) == 1
    assert hub.repeats_count == 0
    assert len(list((tmp_path / "archive").glob("*.csv"))) == 2


async def test_a_page_that_was_not_recorded_is_handed_in_again(
    tmp_path: Path, clock: VirtualClock
) -> None:
    lines = "".join(f"M-{n},DC1,PICK,A,1,2026-03-02T08:00Z\n" for n in range(4))
    (tmp_path / "movements.csv").write_text(CSV + lines)
    assert FILES.connect
    settings = wms(tmp_path, piece_lines_max=2)
    async with FILES.connect(settings, Ports(clock=clock, random=Random(1))) as it:
        assert isinstance(it, ReadingFolder)
        await it.check()
        await clock.advance(timedelta(seconds=31))
        first = await it.poll("")
        again = await it.poll("")
        second = await it.poll(again.cursor)

        assert first == again
        assert not list((tmp_path / "archive").glob("*.csv"))
        end = await it.poll(second.cursor)

    assert json.loads(second.cursor)["line"] == 5
    assert end.is_caught_up
    assert len(list((tmp_path / "archive").glob("*.csv"))) == 1


async def test_an_empty_folder_proves_nothing_of_the_warehouse(
    tmp_path: Path, clock: VirtualClock
) -> None:
    assert FILES.connect
    async with FILES.connect(wms(tmp_path), Ports(clock=clock, random=Random(1))) as it:
        assert isinstance(it, ReadingFolder)
        page = await it.poll("")

    assert page.is_caught_up
    assert not page.proves_alive


async def test_a_file_that_cannot_be_read_is_reported_and_put_aside(
    tmp_path: Path, clock: VirtualClock
) -> None:
    (tmp_path / "movements.csv").write_text(CSV + '"never closed\n')
    hub = Recorder()
    assert FILES.connect
    async with FILES.connect(wms(tmp_path), Ports(clock=clock, random=Random(1))) as it:
        assert isinstance(it, ReadingFolder)
        await it.check()
        await clock.advance(timedelta(seconds=31))
        await hub.hear(it)

    assert hub.refused == ["movements.csv, line 2: A quoted column is never closed"]
    assert len(list((tmp_path / "failed").glob("*.csv"))) == 1


async def test_what_cannot_be_read_is_never_the_end_of_its_file_when_asked_again(
    tmp_path: Path, clock: VirtualClock
) -> None:
    """The page was not kept, for the database was away: the same place is asked for again."""
    (tmp_path / "movements.csv").write_text(CSV + '"never closed\n')
    assert FILES.connect
    async with FILES.connect(wms(tmp_path), Ports(clock=clock, random=Random(1))) as it:
        assert isinstance(it, ReadingFolder)
        await it.check()
        await clock.advance(timedelta(seconds=31))
        first, again = await it.poll(""), await it.poll("")

    assert first == again
    assert not list((tmp_path / "archive").glob("*.csv"))


async def test_a_kept_piece_is_read_again_as_it_was(tmp_path: Path, clock: VirtualClock) -> None:
    (tmp_path / "movements.csv").write_text(CSV + "M-1,DC1,PICK,A,x,2026-03-02T08:00Z\n")
    settings = wms(tmp_path)
    assert FILES.connect
    assert FILES.receive
    async with FILES.connect(settings, Ports(clock=clock, random=Random(1))) as it:
        assert isinstance(it, ReadingFolder)
        await it.check()
        await clock.advance(timedelta(seconds=31))
        poll = await it.poll("")

    again = FILES.receive(settings).translate(Delivery(body=poll.raw))

    assert again == poll.translation
    assert again.refused[0].where == "line 2, column quantity"


async def test_a_connection_says_how_it_listens(tmp_path: Path, clock: VirtualClock) -> None:
    ports = Ports(clock=clock, random=Random(1))
    assert FILES.connect
    async with FILES.connect(wms(tmp_path), ports) as it:
        assert "0 file(s)" in await it.check()
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert APPLICATION.connect
    webhooks = APPLICATION.settings.model_validate({"secrets": [secret]})
    async with APPLICATION.connect(webhooks, ports) as it:
        assert not isinstance(it, Polls)
        assert "1 secret" in await it.check()
