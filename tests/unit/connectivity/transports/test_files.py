"""Files are taken when complete, by one taker, once; never from outside the folder."""

import errno
import io
import os
import shutil
import socket
import threading
import tracemalloc
from datetime import timedelta
from io import BufferedReader
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid, Rejected, Unavailable
from crossdock.connectivity.sdk import Delivery
from crossdock.connectivity.transports.files import (
    HELD_SECONDS_TOLD,
    UNENDED_SETTLES,
    ClaimedFile,
    DropFolder,
    Opener,
    opened,
)
from crossdock.connectivity.transports.pieces import pieces
from crossdock.connectivity.transports.writers import is_known_there
from crossdock.foundation.clock import VirtualClock

CSV = b"item,quantity\nA,1\nB,2\nC,3\n"
NAP = timedelta(seconds=10)


@pytest.fixture
async def folder(tmp_path: Path, clock: VirtualClock) -> DropFolder:
    made = DropFolder(tmp_path, clock=clock)
    await made.prepare()
    return made


async def taken(folder: DropFolder, clock: VirtualClock) -> ClaimedFile:
    """Look twice, and take the only file there is."""
    await folder.ready()
    await clock.advance(NAP)
    (name,) = await folder.ready()
    file = await folder.claim(name)
    assert file
    return file


async def all_pieces(
    file: ClaimedFile, *, after_line: int = 0, lines_max: int = 2
) -> list[Delivery]:
    return [piece async for piece in pieces(file, after_line=after_line, lines_max=lines_max)]


async def test_a_file_is_taken_once_it_has_not_changed_for_a_while(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a.csv").write_bytes(CSV[:20])
    assert await folder.ready() == ()

    await clock.advance(NAP - timedelta(seconds=1))
    assert await folder.ready() == ()
    (tmp_path / "a.csv").write_bytes(CSV)  # it grew: the waiting begins again
    await clock.advance(timedelta(seconds=1))
    assert await folder.ready() == ()

    await clock.advance(NAP)
    assert await folder.ready() == ("a.csv",)


@pytest.mark.parametrize(
    "name",
    [".a.csv", "a.csv.tmp", "a.csv.part", "A.CSV.PART", "a.csv.filepart", "a.csv~", "a.done"],
)
async def test_unfinished_and_hidden_names_are_never_taken(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock, name: str
) -> None:
    (tmp_path / name).write_bytes(CSV)
    await folder.ready()
    await clock.advance(NAP * 100)

    assert await folder.ready() == ()


async def test_with_markers_a_file_is_complete_when_its_marker_lies_beside_it(
    tmp_path: Path, clock: VirtualClock
) -> None:
    folder = DropFolder(tmp_path, clock=clock, needs_done_marker=True, pattern="*.csv")
    await folder.prepare()
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "b.txt").write_bytes(CSV)
    await clock.advance(NAP * 9)
    assert await folder.ready() == ()

    (tmp_path / "a.csv.done").touch()
    assert await folder.ready() == ("a.csv",)
    file = await folder.claim("a.csv")
    assert file
    assert not (tmp_path / "a.csv.done").exists()
    (tmp_path / "a.csv").write_bytes(CSV[:20])  # the next of its name, not yet whole
    assert await folder.ready() == ()
    (tmp_path / "a.csv.done").touch()
    await folder.archive(file)

    assert (tmp_path / "a.csv.done").exists()


async def test_a_file_that_is_given_back_has_its_marker_again(
    tmp_path: Path, clock: VirtualClock
) -> None:
    folder = DropFolder(tmp_path, clock=clock, needs_done_marker=True)
    await folder.prepare()
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "a.csv.done").touch()
    file = await folder.claim("a.csv")
    assert file

    assert await folder.release(file)

    assert await folder.ready() == ("a.csv",)


async def test_a_marker_that_a_crash_left_beside_no_file_completes_no_later_one(
    tmp_path: Path, clock: VirtualClock
) -> None:
    folder = DropFolder(tmp_path, clock=clock, needs_done_marker=True)
    await folder.prepare()
    (tmp_path / "a.csv").write_bytes(CSV)
    assert await folder.claim("a.csv")
    (tmp_path / "a.csv.done").touch()

    again = DropFolder(tmp_path, clock=clock, needs_done_marker=True)
    await again.prepare()
    assert len(await again.claimed()) == 1

    (tmp_path / "a.csv").write_bytes(CSV[:20])
    assert await again.ready() == ()


async def test_a_marker_that_cannot_be_removed_is_told(
    tmp_path: Path, clock: VirtualClock
) -> None:
    """The next file of its name would be taken before it is whole."""
    folder = DropFolder(tmp_path, clock=clock, needs_done_marker=True)
    await folder.prepare()
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "a.csv.done").mkdir()
    assert await folder.claim("a.csv")

    [told] = await folder.left_lying()
    (tmp_path / "a.csv.done").rmdir()

    assert told.startswith("a.csv.done cannot be taken")
    assert await folder.left_lying() == ()


@pytest.mark.parametrize(
    ("code", "is_its_own"),
    [
        (errno.EACCES, True),
        (errno.EIO, True),
        (errno.EBUSY, True),
        (errno.ETXTBSY, True),
        (errno.EROFS, False),
        (errno.ENOSPC, False),
        (errno.EMFILE, False),
        (errno.ESTALE, False),
    ],
)
async def test_what_fails_for_every_file_is_an_outage_and_no_file_left_lying(
    tmp_path: Path, clock: VirtualClock, code: int, *, is_its_own: bool
) -> None:
    def failing(path: Path) -> BufferedReader:
        raise OSError(code, os.strerror(code), str(path))

    folder = DropFolder(tmp_path, clock=clock, opener=failing)
    await folder.prepare()
    (tmp_path / "a.csv").write_bytes(CSV)
    await folder.ready()
    await clock.advance(timedelta(seconds=60))
    await folder.ready()

    problem = ""
    try:
        assert await folder.claim("a.csv") is None
    except Unavailable as unavailable:
        problem = unavailable.message

    assert (not problem) is is_its_own
    assert is_its_own or os.strerror(code) in problem
    assert bool(await folder.left_lying()) is is_its_own
    assert (tmp_path / "a.csv").exists()


async def test_a_folder_that_was_made_anew_is_told_and_read_once_prepared_again(
    tmp_path: Path, clock: VirtualClock
) -> None:
    folder = DropFolder(tmp_path, clock=clock)
    await folder.prepare()
    shutil.rmtree(tmp_path / "processing")
    (tmp_path / "a.csv").write_bytes(CSV)

    with pytest.raises(Unavailable, match="are gone"):
        await folder.claim("a.csv")

    await folder.prepare()
    assert await folder.claim("a.csv")


async def test_looking_at_what_was_taken_leaves_the_marker_of_the_next_of_its_name(
    tmp_path: Path, clock: VirtualClock
) -> None:
    folder = DropFolder(tmp_path, clock=clock, needs_done_marker=True)
    await folder.prepare()
    (tmp_path / "a.csv").write_bytes(CSV)
    (tmp_path / "a.csv.done").touch()
    assert await folder.claim("a.csv")
    (tmp_path / "a.csv.done").touch()  # of the next one, which is on its way

    looking = DropFolder(tmp_path, clock=clock, needs_done_marker=True)
    await looking.check()
    assert len(await looking.claimed()) == 1

    assert (tmp_path / "a.csv.done").exists()


@given(name=st.text(st.sampled_from("aö€ .-~"), min_size=1, max_size=250))
@example(name="€" * 83)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_marker_goes_with_its_file_and_comes_back_with_it_however_long_its_name(
    tmp_path: Path, clock: VirtualClock, name: str
) -> None:
    assume(len(name.encode()) <= 250 and name[0] != "." and name[-1] != "~")
    folder = DropFolder(tmp_path, clock=clock, needs_done_marker=True)
    await folder.prepare()
    (tmp_path / name).write_bytes(CSV)
    (tmp_path / f"{name}.done").touch()
    file = await folder.claim(name)
    assert file

    assert not (tmp_path / f"{name}.done").exists()
    assert file.name == name or len(name.encode()) > 200 >= len(file.name.encode())
    assert await folder.release(file)
    assert await folder.ready() == (file.name,)
    file = await folder.claim(file.name)
    assert file
    await folder.fail(file, "no more of it")


async def test_of_two_takers_one_gets_the_file(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    other = DropFolder(tmp_path, clock=clock)

    first, second = await folder.claim("a.csv"), await other.claim("a.csv")

    assert first
    assert second is None


async def test_what_a_crash_left_is_found_again(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a-b.csv").write_bytes(CSV)
    file = await taken(folder, clock)

    again = DropFolder(tmp_path, clock=clock)

    assert await again.claimed() == (file,)
    assert file.name == "a-b.csv"


async def test_the_same_content_is_known_by_any_name_and_other_content_is_not(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    first = await taken(folder, clock)
    assert not await folder.was_seen(first)
    await folder.archive(first)

    (tmp_path / "resent.csv").write_bytes(CSV)
    same_content = await taken(folder, clock)
    assert await folder.was_seen(same_content)
    await folder.archive(same_content)

    (tmp_path / "a.csv").write_bytes(CSV + b"D,4\n")
    same_name = await taken(folder, clock)
    assert not await folder.was_seen(same_name)
    await folder.archive(same_name)

    kept = sorted(path.name[17:] for path in (tmp_path / "archive").iterdir() if path.is_file())
    assert kept == ["a.csv", "a.csv", "resent.csv"]


async def test_a_file_that_failed_lies_aside_with_the_reason(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)

    await folder.fail(await taken(folder, clock), "line 7 is too long")

    reasons = list((tmp_path / "failed").glob("*.reason"))
    assert [path.read_text() for path in reasons] == ["line 7 is too long\n"]


async def test_a_file_that_is_still_written_to_is_given_back(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    file = await taken(folder, clock)
    assert not await folder.is_written_to(file)

    with file.path.open("ab") as writer:
        writer.write(b"D,4\n")
    assert await folder.is_written_to(file)
    assert await folder.release(file)

    assert (tmp_path / "a.csv").read_bytes() == CSV + b"D,4\n"
    assert await folder.ready() == ()


async def test_a_file_whose_last_line_has_no_end_is_held_back_for_longer(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    """The half of "120" reads as well as "12" does."""
    whole = b"item,quantity\nA,120\n"
    (tmp_path / "a.csv").write_bytes(whole[:-2])
    await folder.ready()
    await clock.advance(NAP * 5)
    assert await folder.ready() == ("a.csv",)
    assert await folder.claim("a.csv") is None

    (tmp_path / "a.csv").write_bytes(whole)  # its writer had only stalled

    assert (await taken(folder, clock)).path.read_bytes() == whole


async def test_a_file_that_never_ends_its_last_line_is_taken_in_the_end(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a.csv").write_bytes(CSV[:-1])
    await folder.ready()
    await clock.advance(NAP * UNENDED_SETTLES)

    assert await folder.claim("a.csv")


async def test_a_file_that_somebody_has_open_for_writing_is_neither_taken_nor_put_away(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    if not is_known_there(tmp_path):
        pytest.skip("the disk of this folder does not tell who writes")
    with (tmp_path / "a.csv").open("wb") as writer:
        writer.write(CSV)
        writer.flush()
        await folder.ready()
        await clock.advance(NAP * 99)
        assert await folder.ready() == ("a.csv",)
        assert await folder.claim("a.csv") is None
    file = await folder.claim("a.csv")
    assert file

    with file.path.open("ab"):
        assert await folder.is_written_to(file)
        (tmp_path / "a.csv").write_bytes(CSV)
        assert not await folder.release(file)  # another of its name came meanwhile
        assert "is written to again" in (await folder.left_lying())[0]
    assert not await folder.is_written_to(file)


def forbidding(*names: str) -> Opener:
    """Open as another's umask lets us: nothing whose name ends like one of these."""

    def open_it(path: Path) -> BufferedReader:
        if path.name.endswith(names):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path)

    return open_it


async def test_a_file_that_cannot_be_opened_stays_where_it_was_and_is_told_of(
    tmp_path: Path, clock: VirtualClock
) -> None:
    folder = DropFolder(tmp_path, clock=clock, opener=forbidding("a.csv"))
    await folder.prepare()
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(CSV)
    await folder.ready()
    await clock.advance(NAP)

    took = [await folder.claim(name) for name in await folder.ready()]

    assert [file and file.name for file in took] == [None, "b.csv"]
    [why] = await folder.left_lying()
    assert why.startswith("a.csv cannot be taken, Permission denied: let the hub's user")
    assert (tmp_path / "a.csv").read_bytes() == CSV
    (tmp_path / "a.csv").unlink()
    assert await folder.left_lying() == ()


async def test_a_taken_file_that_cannot_be_opened_any_more_holds_up_no_other(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_bytes(CSV)
        assert await folder.claim(name)
    again = DropFolder(tmp_path, clock=clock, opener=forbidding("a.csv"))

    assert [file.name for file in await again.claimed()] == ["b.csv"]

    [why] = await again.left_lying()
    assert "a.csv cannot be taken" in why


async def test_a_file_that_is_held_open_for_long_is_told_of_until_it_is_closed(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    if not is_known_there(tmp_path):
        pytest.skip("the disk of this folder does not tell who writes")
    with (tmp_path / "a.csv").open("wb") as writer:
        writer.write(CSV)
        writer.flush()
        await folder.ready()
        await clock.advance(timedelta(seconds=HELD_SECONDS_TOLD - 1))
        assert await folder.ready() == ("a.csv",)
        assert await folder.claim("a.csv") is None
        assert await folder.left_lying() == ()

        await clock.advance(timedelta(seconds=1))
        assert await folder.claim("a.csv") is None
        [why] = await folder.left_lying()

    assert why.startswith("a.csv is open for writing and has not changed for 10 minutes")
    assert await folder.claim("a.csv")
    assert await folder.left_lying() == ()


async def test_pieces_carry_the_header_their_lines_and_an_identity(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    file = await taken(folder, clock)

    first, second = await all_pieces(file)

    assert first.body == b"item,quantity\nA,1\nB,2\n"
    assert second.body == b"item,quantity\nC,3\n"
    assert [piece.headers[":lines"] for piece in (first, second)] == ["2-3", "4-4"]
    assert [piece.headers[":whole"] for piece in (first, second)] == ["no", "no"]
    assert first.headers[":piece"] == f"{file.identity}:2-3"
    assert await all_pieces(file, after_line=3) == [second]
    (whole,) = await all_pieces(file, lines_max=3)
    assert whole.headers[":whole"] == "yes"


async def test_a_quoted_column_is_never_cut(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a.csv").write_bytes(b'item,note\nA,"one\ntwo\nthree"\nB,\n')

    first, second = await all_pieces(await taken(folder, clock), lines_max=1)

    assert first.headers[":lines"] == "2-4"
    assert second.headers[":lines"] == "5-5"


async def test_a_line_without_end_is_refused_with_its_number(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a.jsonl").write_bytes(b"{}\n" * 3 + b"x" * 5_000 + b"\n")
    file = await taken(folder, clock)

    with pytest.raises(Invalid, match="longer than 1000 bytes") as problem:
        _ = [piece async for piece in pieces(file, lines_max=2, line_bytes_max=1_000)]

    assert problem.value.where == "line 4"


async def test_a_quote_that_is_never_closed_is_refused(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    (tmp_path / "a.csv").write_bytes(b'item\n"A\nB\n')

    with pytest.raises(Invalid, match="never closed"):
        await all_pieces(await taken(folder, clock))


async def test_links_folders_pipes_and_sockets_are_not_taken(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    secret = tmp_path.parent / "secret.csv"
    secret.write_bytes(CSV)
    (tmp_path / "link.csv").symlink_to(secret)
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s.csv"))
        await folder.ready()
        await clock.advance(NAP)
        assert await folder.ready() == ()

    for name in ("link.csv", "folder.csv", "pipe.csv"):
        with pytest.raises(Rejected, match="not a regular file"):
            await folder.claim(name)
    assert secret.exists()


@given(name=st.text(st.sampled_from("ab./\\\0…"), max_size=12) | st.text())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_name_leads_out_of_the_folder(
    tmp_path: Path, folder: DropFolder, name: str
) -> None:
    outside = tmp_path.parent / "outside.csv"
    outside.write_bytes(CSV)

    try:
        assert await folder.claim(name) is None
        assert await folder.claim(f"../{outside.name}") is None
    except (Rejected, OSError, UnicodeEncodeError):
        pass

    assert outside.exists()


async def test_a_folder_that_leads_elsewhere_is_refused(
    tmp_path: Path, clock: VirtualClock
) -> None:
    (tmp_path / "elsewhere").mkdir()
    root = tmp_path / "root"
    root.mkdir()
    (root / "archive").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(Rejected, match="leads out"):
        await DropFolder(root, clock=clock).prepare()


async def test_a_folder_that_is_gone_is_unavailable(tmp_path: Path, clock: VirtualClock) -> None:
    folder = DropFolder(tmp_path / "gone", clock=clock)

    with pytest.raises(Unavailable, match="cannot be read"):
        await folder.ready()


async def test_long_and_odd_names_keep_both_ends(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    long = "movements-" + "x" * 230 + ".csv"
    (tmp_path / long).write_bytes(CSV)

    file = await taken(folder, clock)

    assert file.name.startswith("movements-")
    assert file.name.endswith(".csv")
    await folder.fail(file, "because")


async def test_a_big_file_is_read_in_little_memory(
    tmp_path: Path, folder: DropFolder, clock: VirtualClock
) -> None:
    with (tmp_path / "big.csv").open("wb") as writer:
        writer.write(b"item,quantity\n")
        for _ in range(100):
            writer.write(b"SKU-0000001,123\n" * 2_500)  # 4 MB
    file = await taken(folder, clock)

    tracemalloc.start()
    lines = 0
    async for piece in pieces(file, lines_max=2_000):
        lines += piece.body.count(b"\n") - 1
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert lines == 250_000
    assert peak < 2_000_000


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.binary(max_size=30).map(lambda row: row.replace(b"\n", b"")), max_size=30),
    lines_max=st.integers(1, 7),
    done=st.integers(0, 30),
)
async def test_pieces_put_together_are_the_file(
    tmp_path: Path, folder: DropFolder, rows: list[bytes], lines_max: int, done: int
) -> None:
    path = tmp_path / f"{threading.get_ident()}.jsonl"
    path.write_bytes(b"\n".join(rows))
    file = await folder.claim(path.name)
    assert file

    bodies = [piece.body for piece in await all_pieces(file, lines_max=lines_max)]
    rest = [piece.body for piece in await all_pieces(file, after_line=done, lines_max=lines_max)]

    whole = b"\n".join(rows)
    assert b"".join(bodies) == whole
    assert b"".join(rest) == b"".join(io.BytesIO(whole).readlines()[done:])
    file.path.unlink()
