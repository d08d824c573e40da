"""Places a file in somebody's folder: whole or not at all, and never over one that lies there."""

import asyncio
import errno
import os
from pathlib import Path

from crossdock.canonical.errors import Unavailable

# What disks say that know no hard links: shares of other systems, sticks.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS})


async def place(folder: Path, name: str, content: bytes, *, token: str) -> bool:
    """Write beside, then give it its name; False: one of that name lies there, and stays.

    `token` tells this attempt's half-written file from every other's. The folder is made if only
    it is missing. Raises `Unavailable` where it cannot be written: then the name is not there.
    """
    return await asyncio.to_thread(_place, folder, name, content, f".{name}.{token}.part")


def check_place(folder: Path) -> None:
    """Refuse a folder that cannot be written into, and change nothing."""
    place = folder if folder.exists() else folder.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise Unavailable(
            f"{place} is no folder that the hub may write into",
            hint="make it, and give the hub's user the right to write there",
        )


def _place(folder: Path, name: str, content: bytes, part_name: str) -> bool:
    part, whole = folder / part_name, folder / name
    try:
        folder.mkdir(exist_ok=True)
        if whole.exists():
            return False
        try:
            with part.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            return _named(part, whole)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise Unavailable(f"{whole} could not be written: {problem.strerror}") from None


def _named(part: Path, whole: Path) -> bool:
    """Link it, for a link is refused where the name is taken; a rename would go over it."""
    try:
        os.link(part, whole)
    except FileExistsError:
        return False
    except OSError as problem:
        if problem.errno not in _NO_LINKS:
            raise
        part.rename(whole)
    folder = os.open(whole.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
