"""A command line before a hub of the test's own: what is typed, and what comes back."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from crossdock.assembly import Hub
from crossdock.foundation.settings import Settings


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Give the one JSON value that stdout must be, to the last character."""
        assert self.out.endswith("\n"), self
        return json.loads(self.out)


class Typist:
    """One process for the whole run, which forks for every command."""

    def __init__(self) -> None:
        program = Path(__file__).with_name("typist.py")
        self._process = subprocess.Popen(
            [sys.executable, str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "COLUMNS": "200", "LANG": "C.UTF-8"},  # noqa: TID251  # whose programs it runs
        )

    def type(self, words: tuple[str, ...], environment: dict[str, str], folder: Path) -> Said:
        asked = {"words": words, "environment": environment, "folder": str(folder)}
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return Said(**json.loads(self._process.stdout.readline()))

    def leave(self) -> None:
        self._process.communicate()


@dataclass(frozen=True)
class CommandLine:
    typist: Typist
    environment: dict[str, str]
    folder: Path

    async def __call__(self, *words: str) -> Said:
        """Type one command line and wait for its end."""
        return await asyncio.to_thread(self.typist.type, words, self.environment, self.folder)

    def write(self, name: str, content: Any) -> str:
        """Put a JSON file beside the command line; give its name."""
        (self.folder / name).write_text(json.dumps(content))
        return name


@pytest.fixture(scope="session")
def typist() -> Iterator[Typist]:
    made = Typist()
    yield made
    made.leave()


@pytest.fixture
def crossdock(typist: Typist, dsn: str, tmp_path: Path) -> CommandLine:
    environment = {
        "CROSSDOCK_DSN": dsn,
        "CROSSDOCK_DATA_DIR": str(tmp_path / "data"),
        "CROSSDOCK_SECRET_KEY": "s" * 43,
        "CROSSDOCK_ALLOW_PRIVATE_ADDRESSES": "true",
    }
    return CommandLine(typist, environment, tmp_path)


@pytest.fixture
async def hub(crossdock: CommandLine) -> AsyncIterator[Hub]:
    """Give the hub that the commands act on, to prepare what they meet and see what they did."""
    settings = Settings(
        dsn=SecretStr(crossdock.environment["CROSSDOCK_DSN"]),
        data_dir=crossdock.folder / "data",
        secret_key=SecretStr(crossdock.environment["CROSSDOCK_SECRET_KEY"]),
    )
    async with Hub.open(settings) as opened:
        yield opened
