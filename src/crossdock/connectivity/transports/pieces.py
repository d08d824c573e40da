"""A long CSV or JSONL file, read in pieces of whole records.

A piece is a `Delivery` whose headers begin with a colon. No HTTP client can send such a header,
so a file can be told from a webhook that claims to be one.
"""

import asyncio
from collections.abc import AsyncGenerator

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.sdk.facts import Delivery
from crossdock.connectivity.transports.files import ClaimedFile, opened

LINES_MAX = 5_000
LINE_BYTES_MAX = 1024 * 1024
PIECE_BYTES_MAX = 16 * 1024 * 1024


async def pieces(
    file: ClaimedFile,
    *,
    after_line: int = 0,
    until_line: int | None = None,
    lines_max: int = LINES_MAX,
    line_bytes_max: int = LINE_BYTES_MAX,
) -> AsyncGenerator[Delivery]:
    """Read a CSV or JSONL file in pieces of whole records, however long the file is.

    Each piece of a CSV file begins with the header line. `after_line` skips what an earlier run
    took in, `until_line` ends there. Headers: `:file` its name, `:content` its hash, `:lines`
    first and last line, `:piece` the piece's identity, `:whole` whether the file has no other one.
    """
    reader = await asyncio.to_thread(_Reader, file, line_bytes_max)
    try:
        await asyncio.to_thread(reader.skip, after_line)
        while (piece := await asyncio.to_thread(reader.piece, lines_max, until_line)) is not None:
            yield piece
    finally:
        reader.close()


class _Reader:
    """Reads records off one open file; one line, and one piece, are in memory at a time."""

    def __init__(self, file: ClaimedFile, line_bytes_max: int) -> None:
        self._claimed = file
        self._file = opened(file.path)
        self._line_bytes_max = line_bytes_max
        self._line = 0
        self._is_csv = file.name.lower().endswith(".csv")
        try:
            self._header = self._record() if self._is_csv else b""
        except Invalid:
            self._file.close()
            raise
        self._first_line = self._line + 1

    def close(self) -> None:
        self._file.close()

    def skip(self, after_line: int) -> None:
        while self._line < after_line and self._record():
            pass

    def piece(self, lines_max: int, until_line: int | None = None) -> Delivery | None:
        first, size, body = self._line + 1, 0, [self._header]
        while len(body) <= lines_max and size < PIECE_BYTES_MAX and self._line != until_line:
            if not (record := self._record()):
                break
            body.append(record)
            size += len(record)
        if len(body) == 1:
            return None
        lines = f"{first}-{self._line}"
        is_whole = first == self._first_line and not self._file.peek(1)
        identity = self._claimed.identity
        return Delivery(
            body=b"".join(body),
            name=self._claimed.name,
            headers={
                ":file": self._claimed.name,
                ":content": identity,
                ":lines": lines,
                ":piece": f"{identity}:{lines}",
                ":whole": "yes" if is_whole else "no",
            },
        )

    def _record(self) -> bytes:
        """Read a line; in CSV more of them while a quoted column is open. Empty: the end."""
        record = self._one_line(self._line_bytes_max)
        while self._is_csv and record.count(b'"') % 2:
            more = self._one_line(self._line_bytes_max - len(record))
            if not more:
                raise Invalid("A quoted column is never closed", where=f"line {self._line}")
            record += more
        return record

    def _one_line(self, bytes_max: int) -> bytes:
        line = self._file.readline(bytes_max + 1)
        self._line += bool(line)
        if len(line) > bytes_max:
            raise Invalid(
                f"The line is longer than {self._line_bytes_max} bytes",
                where=f"line {self._line}",
                code="EVT-SCHEMA",
            )
        return line
