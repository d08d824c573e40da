"""Where the embedded PostgreSQL's socket lies, which lets in whoever reaches it."""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

UNPLAIN = re.compile(r"[^\w./+,@%:=-]")
"""What the wheel may not find in the folder's path, which it hands to a shell unquoted."""


def socket_folder(folder: Path, runtime: Path, usual: Callable[[Path, Path], Path]) -> Path:
    """Give the folder of the socket: one of its own where the data's would be cut at a space.

    `usual` is the wheel's own choice, which is another where the data's path is too long. Any
    user of the machine may have made a folder of that name first.
    """
    if not UNPLAIN.search(str(folder)):
        own = usual(folder, runtime)
        return own if own == folder else _checked(own, folder)
    if UNPLAIN.search(str(runtime)):
        raise RuntimeError(f"neither {folder} nor {runtime} is a path without spaces and signs")
    name = hashlib.sha256(f"{folder}-{folder.stat().st_ino}".encode()).hexdigest()[:10]
    own = runtime / name  # as the wheel does for a path that is too long
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    return _checked(own, folder)


def _checked(own: Path, folder: Path) -> Path:
    """Refuse a folder in which somebody else could answer in the server's place."""
    found = own.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise RuntimeError(f"{own}, where the socket would lie, is a link: remove it")
    if found.st_uid not in {os.geteuid(), folder.stat().st_uid}:
        raise RuntimeError(f"{own}, where the socket would lie, is another user's: remove it")
    if os.geteuid() == found.st_uid != 0:  # root's is opened by the wheel, for PostgreSQL's user
        own.chmod(0o700)
    return own


def forget_locks(folder: Path, told: Sequence[str]) -> None:
    """Take away the locks of sockets that a pid file told of: they are believed, too.

    They name the same process and the same data; others in the folder are other servers'.
    """
    for place in {folder, *(Path(text) for text in told[4:5] if text.strip())}:
        for lock in place.glob(".s.PGSQL.*.lock"):
            with suppress(OSError):  # another user's, or gone by now
                if lock.read_text(errors="replace").splitlines()[:2] == list(told[:2]):
                    lock.unlink()
