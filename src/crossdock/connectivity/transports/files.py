"""Files dropped into a folder: taken when complete, kept when done, never twice.

```
folder/            whoever writes drops here, best as `name.part`, renamed when complete
    processing/    claimed by one atomic rename; what a crash left here is taken up again
    archive/       done; `.seen/` remembers their contents
    failed/        could not be read, with a `.reason` beside it
```

A file that cannot be taken holds none up: it is left lying, and `left_lying` says why.
"""

import asyncio
import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from io import BufferedReader
from pathlib import Path

from crossdock.canonical.errors import Rejected, Unavailable
from crossdock.connectivity.transports.writers import is_known_there, is_open_for_writing
from crossdock.foundation.clock import Clock

UNFINISHED_SUFFIXES = (".tmp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
DONE_SUFFIX = ".done"
UNENDED_SETTLES = 6
"""A file whose last line has no end is taken only once unchanged for so many times as long."""
HELD_SECONDS_TOLD = 600
"""A file that somebody has open for writing, and has not changed for so long, is told of."""
# What one file alone may be refused by; whatever else fails is the folder's, and an outage.
_OF_ONE_FILE = frozenset(
    {
        *(errno.EACCES, errno.EPERM, errno.ELOOP, errno.EIO, errno.EISDIR, errno.ENAMETOOLONG),
        *(errno.EBUSY, errno.ETXTBSY),  # a network disk says so of what a program has open
    }
)
_BLOCK_BYTES = 1024 * 1024
_NAME_BYTES_MAX = 200
"""Of the 255 that a disk allows; the rest is for our own prefixes and `.reason`."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What a file looked like: a file whose look changes is still being written."""

    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "_Look":
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class ClaimedFile:
    """A file of ours alone. `identity` is the hash of its content, `name` what it was called."""

    name: str
    path: Path
    identity: str
    look: _Look


def opened(path: Path) -> BufferedReader:
    """Open a file for reading, never through a link, and never waiting for it."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


Opener = Callable[[Path], BufferedReader]


class DropFolder:
    """One watched folder. Several processes may watch it: a rename succeeds for one of them.

    `root` is its whole path, in which no link is followed.
    """

    def __init__(
        self,
        root: Path,
        *,
        clock: Clock,
        pattern: str = "*",
        settle_seconds: float = 10,
        needs_done_marker: bool = False,
        opener: Opener = opened,
    ) -> None:
        self._root = root
        self._clock = clock
        self._pattern = pattern
        self._settle_seconds = settle_seconds
        self._needs_done_marker = needs_done_marker
        self._opener = opener
        self._looks: dict[str, tuple[_Look, float]] = {}
        self._complete: tuple[str, ...] = ()
        self._lying: dict[Path, str] = {}
        self._knows_writers = False

    async def check(self) -> None:
        """Refuse a root that is not there or does not let us, and change nothing."""
        await asyncio.to_thread(self._check)

    async def prepare(self) -> None:
        """Make the folders beside the files; refuse a root that does not let us."""
        await asyncio.to_thread(self._prepare)

    async def ready(self) -> tuple[str, ...]:
        """Look once, and name the files that are complete, oldest first."""
        seen = await asyncio.to_thread(self._listed)
        now = self._clock.ticks()
        self._looks = {
            name: (look, since if look == before else now)
            for name, look in seen.items()
            for before, since in [self._looks.get(name, (look, now))]
        }
        complete = [name for name in seen if self._is_complete(name, seen, now)]
        self._complete = tuple(sorted(complete, key=lambda name: (seen[name].changed_ns, name)))
        return self._complete

    async def claim(self, name: str) -> ClaimedFile | None:
        """Take a file; None when somebody else was quicker, still writes to it, or forbids it."""
        return await asyncio.to_thread(self._claim, name)

    async def claimed(self) -> tuple[ClaimedFile, ...]:
        """Find what was claimed before and not finished, oldest first."""
        return await asyncio.to_thread(self._claimed)

    async def left_lying(self) -> tuple[str, ...]:
        """Say of each file that was complete and not taken why, and what to do."""
        return await asyncio.to_thread(self._left_lying)

    async def was_seen(self, file: ClaimedFile) -> bool:
        """Say whether a file with this very content was archived before, by whatever name."""
        return await asyncio.to_thread((self._root / "archive/.seen" / file.identity).exists)

    async def archive(self, file: ClaimedFile) -> None:
        """Put a file away once all of it is taken in; remember its content."""
        await asyncio.to_thread(self._archive, file)

    async def fail(self, file: ClaimedFile, reason: str) -> None:
        """Put a file that cannot be read aside, with the reason beside it."""
        await asyncio.to_thread(self._fail, file, reason)

    async def release(self, file: ClaimedFile) -> bool:
        """Give a file back that somebody kept writing to after it had seemed complete.

        False: another of its name lies there by now, and it has to wait where it is.
        """
        return await asyncio.to_thread(self._release, file)

    async def is_written_to(self, file: ClaimedFile) -> bool:
        """Say whether a file has changed since it was claimed, or may still."""
        return await asyncio.to_thread(self._is_written_to, file)

    def _check(self) -> None:
        if not self._root.is_dir():
            raise self._missing(self._root)
        if not os.access(self._root, os.R_OK | os.W_OK | os.X_OK):
            raise self._unusable("the hub's user may not write there")

    def _prepare(self) -> None:
        if not self._root.parent.is_dir():
            raise self._missing(self._root.parent)
        try:
            for name in ("", "processing", "archive", "archive/.seen", "failed"):
                folder = self._root / name
                folder.mkdir(exist_ok=True)
                if folder.is_symlink() or folder.resolve().parent != folder.parent:
                    raise Rejected(f"{folder} leads out of {self._root}", code="path_outside")
        except OSError as error:
            raise self._unusable(str(error.strerror)) from error
        # A marker says that a file is complete, whoever still has it open.
        self._knows_writers = not self._needs_done_marker and is_known_there(self._root)
        for file in self._claimed():
            if not (self._root / file.name).exists():
                self._drop_marker(file.name)  # a crash came between the file and its marker

    def _missing(self, folder: Path) -> Unavailable:
        return Unavailable(
            f"There is no folder {folder} on this machine",
            code="folder_unusable",
            hint="make it, or mend the path: `crossdock connection change` with `folder`",
        )

    def _unusable(self, why: str) -> Unavailable:
        return Unavailable(
            f"The folder {self._root} cannot be used: {why}",
            code="folder_unusable",
            hint="let the hub's user write there, on a disk with room: it renames what it takes",
        )

    def _listed(self) -> dict[str, _Look]:
        try:
            with os.scandir(self._root) as entries:
                return dict(_looks(entries))
        except OSError as error:
            raise Unavailable(
                f"The folder {self._root} cannot be read: {error.strerror}", code="folder_unusable"
            ) from error

    def _is_complete(self, name: str, seen: Mapping[str, _Look], now: float) -> bool:
        if name.startswith(".") or name.lower().endswith((*UNFINISHED_SUFFIXES, DONE_SUFFIX)):
            return False
        if not fnmatchcase(name, self._pattern):
            return False
        if self._needs_done_marker:
            return name + DONE_SUFFIX in seen
        return now - self._looks[name][1] >= self._settle_seconds

    def _may_go_on(self, source: Path) -> bool:
        """Say whether its writer may be at it still: it has the file open, or left off in a line.

        A writer that stalls leaves off anywhere, and "12" may be the half of "120".
        """
        now = self._clock.ticks()
        quiet = now - self._looks[source.name][1] if source.name in self._looks else None
        if self._knows_writers and is_open_for_writing(source):
            if quiet is not None and quiet >= HELD_SECONDS_TOLD:
                self._lying[source] = (
                    f"{source.name} is open for writing and has not changed for"
                    f" {HELD_SECONDS_TOLD // 60} minutes: have its writer close it, or end that"
                )
            return True
        if self._needs_done_marker or quiet is None:
            return False
        return quiet < self._settle_seconds * UNENDED_SETTLES and not _is_ended(source)

    def _claim(self, name: str) -> ClaimedFile | None:
        _checked_name(name)
        source = self._root / name
        try:
            look = _Look.of(_regular(source))
            if self._may_go_on(source):
                return None
            # A name of its own for each arrival: the same name comes again with other content.
            taken = (
                self._root
                / "processing"
                / f"{max(look.changed_ns, 0):020d}-{look.inode}-{_kept_name(name)}"
            )
            with self._opener(source):  # what cannot be read stays where its owner looks for it
                source.rename(taken)
        except FileNotFoundError:
            if (self._root / "processing").is_dir():
                return None
            raise self._unusable("the folders that the hub made there are gone") from None
        except OSError as error:
            self._leave(source, error)
            return None
        self._lying.pop(source, None)  # what was said of it is not said of the next of its name
        self._drop_marker(name)
        return self._known(taken)

    def _claimed(self) -> tuple[ClaimedFile, ...]:
        try:
            with os.scandir(self._root / "processing") as entries:
                names = sorted(name for name, _ in _looks(entries))
        except FileNotFoundError:
            return ()  # nothing was ever taken
        known = (self._known(self._root / "processing" / name) for name in names)
        return tuple(file for file in known if file)

    def _known(self, taken: Path) -> ClaimedFile | None:
        try:
            return _claimed_file(taken, self._opener)
        except FileNotFoundError:
            return None
        except OSError as error:
            self._leave(taken, error)
            return None

    def _leave(self, path: Path, error: OSError) -> None:
        if error.errno not in _OF_ONE_FILE:
            raise self._unusable(str(error.strerror)) from error
        hint = f"let the hub's user (number {os.geteuid()}) read it and move it"
        with suppress(OSError):
            status = path.lstat()
            hint += f"; it is {stat.filemode(status.st_mode)} of user number {status.st_uid}"
        self._lying[path] = f"{path.name} cannot be taken, {error.strerror}: {hint}"

    def _left_lying(self) -> tuple[str, ...]:
        self._lying = {
            path: why
            for path, why in self._lying.items()
            if path.exists() and (path.parent != self._root or self._is_awaited(path.name))
        }
        return tuple(self._lying.values())

    def _is_awaited(self, name: str) -> bool:
        """Say whether a name is of a complete file, or of a marker that should be gone."""
        return name in self._complete or name.endswith(DONE_SUFFIX)

    def _archive(self, file: ClaimedFile) -> None:
        # First the memory, then the move: a crash between them leaves a file that is known.
        (self._root / "archive/.seen" / file.identity).touch()
        file.path.rename(self._root / "archive" / f"{file.identity[:16]}-{file.name}")

    def _fail(self, file: ClaimedFile, reason: str) -> None:
        target = self._root / "failed" / f"{file.identity[:16]}-{file.name}"
        target.with_name(target.name + ".reason").write_text(reason + "\n", encoding="utf-8")
        file.path.rename(target)

    def _release(self, file: ClaimedFile) -> bool:
        target = self._root / file.name
        if target.exists():
            self._lying[file.path] = (
                f"{file.name} was taken and is written to again, and another of its name lies"
                " there by now: have its writer close it"
            )
            return False
        self._looks.pop(file.name, None)
        if self._needs_done_marker:
            self._marker(file.name).touch()
        file.path.rename(target)
        return True

    def _is_written_to(self, file: ClaimedFile) -> bool:
        is_changed = _Look.of(_regular(file.path)) != file.look
        return is_changed or (self._knows_writers and is_open_for_writing(file.path))

    def _marker(self, name: str) -> Path:
        return self._root / (name + DONE_SUFFIX)

    def _drop_marker(self, name: str) -> None:
        """Take the marker with its file: the next of its name waits for its own."""
        if self._needs_done_marker:
            try:
                self._marker(name).unlink(missing_ok=True)
            except OSError as error:
                self._leave(self._marker(name), error)


def _looks(entries: Iterator["os.DirEntry[str]"]) -> Iterator[tuple[str, _Look]]:
    """Look at regular files alone: links, pipes and folders are not taken."""
    for entry in entries:
        try:
            status = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield entry.name, _Look.of(status)


def _checked_name(name: str) -> None:
    """Refuse a name that could lead anywhere but to a file of the folder."""
    if not name or name.startswith(".") or any(character in name for character in "/\\\0"):
        raise Rejected(f"{name[:80]!r} is not the name of a file here", code="path_outside")


def _kept_name(name: str) -> str:
    """Leave room for our own prefixes, keep both ends, and what every log can print."""
    printable = name.encode(errors="replace")
    if len(printable) > _NAME_BYTES_MAX:
        half = (_NAME_BYTES_MAX - 1) // 2
        printable = printable[:half] + b"~" + printable[-half:]
    return printable.decode(errors="ignore")


def _regular(path: Path) -> os.stat_result:
    status = path.lstat()
    if not stat.S_ISREG(status.st_mode):
        raise Rejected(f"{path.name!r} is not a regular file", code="path_outside")
    return status


def _is_ended(path: Path) -> bool:
    """Say whether a file ends where a line does."""
    try:
        with opened(path) as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(end - 1, 0))
            return file.read(1) in {b"", b"\n", b"\r"}
    except OSError:
        return True  # whoever takes it says why it cannot be read


def _claimed_file(path: Path, opener: Opener) -> ClaimedFile:
    look = _Look.of(_regular(path))
    digest = hashlib.sha256()
    with opener(path) as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return ClaimedFile(path.name.split("-", 2)[-1], path, digest.hexdigest(), look)
