"""Where Linux says how much memory a process may use, and how to read it. Pure.

A container and a service have less than their machine: the limit of their control group, or of
one that it lies in.
"""

from pathlib import PurePosixPath

UNIFIED, LIMIT = "sys/fs/cgroup", "memory.max"
FIRST, FIRST_LIMIT = f"{UNIFIED}/memory", "memory.limit_in_bytes"
DIGITS_MAX = 20


def limit_files(own: str) -> list[str]:
    """Name each file that may hold a limit of a process, by its `/proc/self/cgroup`.

    In a container the root holds it, whatever the path says of a world outside.
    """
    files = {f"{UNIFIED}/{LIMIT}": None, f"{FIRST}/{FIRST_LIMIT}": None}
    for line in own.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not controllers:
            files |= dict.fromkeys(_upwards(UNIFIED, group, LIMIT))
        elif "memory" in controllers.split(","):
            files |= dict.fromkeys(_upwards(FIRST, group, FIRST_LIMIT))
    return list(files)


def _upwards(root: str, group: str, name: str) -> list[str]:
    path = PurePosixPath(group)
    if not path.is_absolute() or ".." in path.parts or "\0" in group:
        return []
    return [f"{root}{folder if folder.name else ''}/{name}" for folder in (path, *path.parents)]


def limit_of(text: str) -> int | None:
    """Read a limit in bytes; None where none is set, or what stands there is no number."""
    word = text.strip()
    is_number = word.isascii() and word.isdigit() and len(word) <= DIGITS_MAX
    return int(word) if is_number else None
