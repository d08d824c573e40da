"""Folders for the clusters of test runs: removed at the end, or by the next run after a kill."""

import fcntl
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

PREFIX = "crossdock-tests-"
LOCK = "maker"
"""Locked for as long as its maker lives: numbers of processes are given anew, locks are not."""


@contextmanager
def kept(parent: Path) -> Iterator[Path]:
    """Give a new folder in `parent` that is ours until the block ends or this process dies."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    begun = folder / f"{LOCK}.new"
    with begun.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        begun.rename(folder / LOCK)  # nobody sees it before it is locked
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def sweep(parent: Path) -> None:
    """Remove what runs that were killed have left in `parent`, and end its servers."""
    for folder in parent.glob(f"{PREFIX}*"):
        with suppress(OSError), (folder / LOCK).open() as lock:  # gone meanwhile, or still in use
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _end_server(folder / "postgres")
            shutil.rmtree(folder, ignore_errors=True)


def _end_server(data: Path) -> None:
    """End the postmaster that works in the folder; its number may be another's by now."""
    with suppress(OSError, ValueError, IndexError, psutil.Error):
        server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
        if Path(server.cwd()).samefile(data):
            server.send_signal(signal.SIGQUIT)
            server.wait(10)
