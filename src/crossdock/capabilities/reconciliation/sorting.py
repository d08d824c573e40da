"""Rows in order of their keys, however many: sorted in parts, kept in files, merged as read."""

import heapq
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import groupby
from operator import itemgetter
from types import TracebackType
from typing import IO, Any, Generic, Self, TypeVar

import msgspec

Row = TypeVar("Row", bound=tuple[Any, ...])

PART_ROWS = 50_000
"""So many rows are in memory at once while they come in."""

BLOCK_ROWS = 500
"""And so many of each part while they are read."""


class Sorted(Generic[Row]):
    """Takes rows in any order and gives them sorted, in memory that does not grow with them.

    The files have no name, so they are gone with the process. `kind` is
    the type of a list of them.
    """

    def __init__(
        self,
        kind: type[list[Row]],
        *,
        part_rows: int = PART_ROWS,
        block_rows: int = BLOCK_ROWS,
    ) -> None:
        self._part_rows = part_rows
        self._block_rows = block_rows
        self._files = ExitStack()
        self._parts: list[IO[bytes]] = []
        self._rows: list[Row] = []
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(kind)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()

    def add(self, rows: Iterable[Row]) -> None:
        self._rows.extend(rows)
        if len(self._rows) >= self._part_rows:
            self._put_by()

    @property
    def at_hand(self) -> list[Row] | None:
        """Give all of them, in no order, if none was put by; else None."""
        return None if self._parts else self._rows

    def __iter__(self) -> Iterator[Row]:
        """Give all of them, in order, however often; the last was added before."""
        self._rows.sort()
        if not self._parts:
            return iter(self._rows)
        if self._rows:
            self._put_by()
        return heapq.merge(*map(self._read, self._parts))

    def by_key(self) -> Iterator[tuple[tuple[str, str], list[Row]]]:
        """Give them by their first two fields: location and item."""
        for key, rows in groupby(self, key=itemgetter(0, 1)):
            yield key, list(rows)

    def _put_by(self) -> None:
        self._rows.sort()
        file = self._files.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  # closed with the others
        for first in range(0, len(self._rows), self._block_rows):
            block = self._encoder.encode(self._rows[first : first + self._block_rows])
            file.write(len(block).to_bytes(4, "big"))
            file.write(block)
        self._parts.append(file)
        self._rows = []

    def _read(self, file: IO[bytes]) -> Iterator[Row]:
        at = 0
        while True:
            file.seek(at)  # another reader of the same file may have moved it
            if not (size := file.read(4)):
                return
            block = file.read(int.from_bytes(size, "big"))
            at = file.tell()
            yield from self._decoder.decode(block)
