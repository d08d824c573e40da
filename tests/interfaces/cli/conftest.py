"""A command line that runs here and now, against a database of the test's own."""

import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import structlog

from crossdock.assembly import Hub
from crossdock.foundation.settings import Settings
from crossdock.interfaces.cli.entry import run


@dataclass(frozen=True, slots=True)
class Printed:
    """What a command line printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs `crossdock …` as a shell would, in a thread, as each command brings its own loop."""

    settings: Settings
    folder: Path
    capture: pytest.CaptureFixture[str]

    async def __call__(self, *words: str, code: int = 0) -> Printed:
        self.capture.readouterr()
        ended = await asyncio.to_thread(run, words)
        printed = self.capture.readouterr()
        assert ended == code, (words, ended, printed.out, printed.err)
        return Printed(ended, printed.out, printed.err)

    async def json(self, *words: str, code: int = 0) -> Any:
        return (await self(*words, "--json", code=code)).json

    def file(self, name: str, **settings: Any) -> str:
        """Write settings into a file, for `--file`."""
        path = self.folder / name
        path.write_text(json.dumps(settings))
        return str(path)

    def hub(self) -> Any:
        """Open the hub that the commands open, beside them."""
        return Hub.open(self.settings)


@pytest.fixture
def crossdock(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[CommandLine]:
    """Give the command line an environment of its own, as a shell does."""
    monkeypatch.setenv("CROSSDOCK_DSN", dsn)
    monkeypatch.setenv("CROSSDOCK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CROSSDOCK_ALLOW_PRIVATE_ADDRESSES", "true")
    monkeypatch.setenv("COLUMNS", "200")
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield CommandLine(Settings(), tmp_path, capsys)
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()
