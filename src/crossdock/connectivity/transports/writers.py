"""Who still writes to a file: Linux knows of each file of its own disks whether it is open so.

A lease for reading is refused while anybody has the file open for writing. Disks over a network
refuse it whenever they like, so they are not asked. Of a file that is another user's no lease is
given (without `CAP_LEASE`): who writes to it cannot be told, and counts as nobody.
"""

import fcntl
import os
import signal
from pathlib import Path

LOCAL = frozenset({"ext2", "ext3", "ext4", "xfs", "tmpfs", "f2fs", "jfs", "zfs", "overlay"})
MOUNTS = Path("/proc/self/mountinfo")


def is_known_there(folder: Path, mounts: Path = MOUNTS) -> bool:
    """Say whether the disk of a folder can tell; one of which nothing is known cannot."""
    try:
        device = folder.stat().st_dev
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    place = f"{os.major(device)}:{os.minor(device)}"
    kinds = {_kind(line) for line in lines if line.split(" ", 3)[2:3] == [place]}
    return bool(kinds) and kinds <= LOCAL


def is_open_for_writing(path: Path) -> bool:
    """Say whether somebody on this machine writes to it; what cannot be told is no."""
    try:
        held = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        # Who opens the file just now breaks the lease: by its usual signal that would end us.
        fcntl.fcntl(held, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except BlockingIOError:
        return True
    except (OSError, AttributeError):
        return False  # another's file, or a system that has no leases
    finally:
        os.close(held)
    return False


def _kind(mount: str) -> str:
    """Read the kind of a disk: the first word behind the dash that ends the optional ones."""
    return mount.partition(" - ")[2].partition(" ")[0]
