"""A run that is killed leaves a cluster behind, in memory perhaps: the next one removes it."""

import subprocess
import sys
from pathlib import Path

import psutil

from tests import clusters

RUN = """
import asyncio, sys
from pathlib import Path
from crossdock.foundation.postgres import EmbeddedPostgres
from tests import clusters

with clusters.kept(Path(sys.argv[1])) as folder:
    asyncio.run(EmbeddedPostgres.start(folder))
    print(folder, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_run_left_is_removed_and_its_server_ended(tmp_path: Path) -> None:
    with (
        clusters.kept(tmp_path) as ours,
        subprocess.Popen(
            [sys.executable, "-c", RUN, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as run,
    ):
        assert run.stdout
        left = Path(run.stdout.readline().decode().strip())
        server = psutil.Process(int((left / "postgres" / "postmaster.pid").read_text().split()[0]))
        clusters.sweep(tmp_path)
        assert left.is_dir()  # its maker lives
        run.kill()
        run.wait()

        clusters.sweep(tmp_path)

        assert list(tmp_path.iterdir()) == [ours]
        assert not server.is_running()


def test_a_folder_without_a_lock_is_nobodys_to_remove(tmp_path: Path) -> None:
    """Another run may be about to lock it."""
    begun = tmp_path / f"{clusters.PREFIX}begun"
    begun.mkdir()

    clusters.sweep(tmp_path)

    assert begun.is_dir()


def test_a_folder_goes_with_its_block(tmp_path: Path) -> None:
    with clusters.kept(tmp_path) as folder:
        assert folder.is_dir()

    assert not list(tmp_path.iterdir())
