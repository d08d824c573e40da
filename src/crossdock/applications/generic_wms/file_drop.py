"""The simulated warehouse's files: batches of records in a folder, dropped well or badly."""

import asyncio
import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from random import Random
from typing import Any

from crossdock.connectivity.sdk import Delivery

COLUMNS: tuple[str, ...] = (
    "type",
    "stream",
    "sequence",
    "occurred_at",
    "recorded_at",
    "location",
    "movement_id",
    "reason",
    "item",
    "quantity",
    "status",
    "document",
    "demand_ref",
    "snapshot_id",
    "is_full",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropHabits:
    """Probabilities a file: seen half written, a name used again, a content dropped again."""

    half_written: float = 0.0
    same_name: float = 0.0
    same_content: float = 0.0


class FileDrop:
    """Collects what is sent, and writes a file of it at each `flush`."""

    def __init__(
        self,
        folder: Path,
        *,
        random: Random,
        habits: DropHabits | None = None,
        suffix: str = ".csv",
    ) -> None:
        self.folder = folder
        self._random = random
        self._habits = habits or DropHabits()
        self._suffix = suffix
        self._records: list[dict[str, Any]] = []
        self._unfinished: tuple[FileIO, bytes] | None = None
        self._last: tuple[str, bytes] | None = None
        self.files_count = 0

    async def send(self, delivery: Delivery) -> None:
        envelope: dict[str, Any] = json.loads(delivery.body)
        lines: list[dict[str, Any]] = envelope.pop("lines", None) or [{}]
        self._records.extend({**envelope, **line} for line in lines)

    async def flush(self) -> None:
        """Finish what is half written, then write down what came since."""
        await self.finish()
        if self._last and self._random.random() < self._habits.same_content:
            self.files_count += 1
            again = f"resent-{self.files_count:06d}{self._suffix}"
            await asyncio.to_thread(self._write, again, self._last[1])
        if not self._records:
            return
        content = self._content(self._records)
        self._records = []
        name = self._next_name()
        self._last = (name, content)
        if self._random.random() < self._habits.half_written:
            cut = self._random.randrange(1, len(content))
            file = await asyncio.to_thread(_begun, self.folder / name, content[:cut])
            self._unfinished = (file, content[cut:])
        else:
            await asyncio.to_thread(self._write, name, content)

    async def finish(self) -> None:
        """Write the second half of a file that could be seen while its first lay there."""
        if self._unfinished:
            file, rest = self._unfinished
            self._unfinished = None
            await asyncio.to_thread(_finish, file, rest)

    def _next_name(self) -> str:
        if self._last and self._random.random() < self._habits.same_name:
            taken = self._last[0]
            # A system that reuses a name waits until the file was fetched.
            if not (self.folder / taken).exists():
                return taken
        self.files_count += 1
        return f"records-{self.files_count:06d}{self._suffix}"

    def _write(self, name: str, content: bytes) -> None:
        part = self.folder / f"{name}.part"
        part.write_bytes(content)
        part.rename(self.folder / name)

    def _content(self, records: Iterable[dict[str, Any]]) -> bytes:
        if self._suffix != ".csv":
            return b"".join(json.dumps(record).encode() + b"\n" for record in records)
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, COLUMNS, restval="")
        writer.writeheader()
        writer.writerows(records)
        return text.getvalue().encode()


def _begun(path: Path, start: bytes) -> FileIO:
    file = FileIO(path, "w")
    file.write(start)
    return file


def _finish(file: FileIO, rest: bytes) -> None:
    """Write on to the open file, wherever somebody may have moved it meanwhile."""
    with file:
        file.write(rest)
