"""A program that puts a hub on a small disk of its own, fills it, and asks the doctor.

It runs in a mount namespace of its own, so that nobody else sees the disk and it goes with the
process. Prints what the doctor said with the database running, with a data directory elsewhere
while only the database's disk is full, and with the database stopped.
"""

import asyncio
import ctypes
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from crossdock.foundation import migrate
from crossdock.foundation.postgres import EmbeddedPostgres

SIZE = "size=96m,mode=755"
DOCTOR = (sys.executable, "-m", "crossdock", "doctor", "--json")


def mount_disk(folder: Path) -> None:
    """Mount by the system call: the command of that name asks to be root outside as well."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, SIZE.encode()):
        raise OSError(ctypes.get_errno(), "mount")


def fill(file: Path) -> None:
    with suppress(OSError), file.open("wb", buffering=0) as filler:
        while True:
            filler.write(bytes(4096))


async def main(folder: Path) -> None:
    mount_disk(folder)
    if len(sys.argv) > 2:  # to see whether this is allowed at all
        return
    data, filler = folder / "data", folder / "filler"
    server = await EmbeddedPostgres.start(data)
    try:
        await migrate.upgrade(server.dsn)
        fill(filler)
        ask(data)
        ask(folder.with_name("elsewhere"), CROSSDOCK_DSN=server.dsn)
        server.stop()
        fill(filler.with_suffix(".more"))  # what it took away when it stopped
        ask(data)
    finally:
        server.stop()


def ask(data: Path, **settings: str) -> None:
    """Let the doctor write straight to where our own output goes."""
    environment = {
        **os.environ,  # noqa: TID251  # a child needs a PATH
        "CROSSDOCK_DATA_DIR": str(data),
        "CROSSDOCK_LOG_LEVEL": "ERROR",
        **settings,
    }
    subprocess.run(DOCTOR, env=environment, check=False, timeout=60)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
