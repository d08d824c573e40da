"""Plays the console sessions of a page in a folder of their own, and compares what is printed.

A fence's info string says how:

- `console`: every `$ ` line is run to its end; the lines below are what it prints.
- `console eventually`: the same, tried again until it prints that, or patience ends.
- `console terminal`: the last command keeps running in a terminal of its own; what is printed
  below must appear.
- `python NAME`, `json NAME`: put this into the file of that name.

`...` stands for anything within a line, on a line of its own for any lines. What `export` and
`cd` say, they say once, and it counts for all that follows. A fence may be indented, as in a list.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_SECONDS = 90
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
# Of a shell itself, not said by the page.
SHELLS_OWN = {"PWD", "OLDPWD", "SHLVL", "_"}


@dataclass(frozen=True, slots=True)
class Block:
    kind: str
    manner: str
    body: str


def blocks(page: str) -> Iterator[Block]:
    for fence in FENCE.finditer(page):
        kind, _, manner = fence["info"].strip().partition(" ")
        yield Block(kind, manner, textwrap.dedent(fence["body"]))


def commands(body: str) -> Iterator[tuple[str, str]]:
    """Give each command with what it is expected to print."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        command, _, printed = re.sub(r"\\\n", "", part).partition("\n")
        yield command, printed


def is_as_told(printed: str, told: str) -> bool:
    """Compare without regard to blanks at line ends."""
    pattern = ""
    for line in told.strip().splitlines():
        exact = re.escape(line.rstrip()).replace(r"\.\.\.", ".*")
        pattern += r"(?:.*\n)*" if line == "..." else exact + r"\n"
    lines = "".join(f"{line.rstrip()}\n" for line in printed.strip().splitlines())
    return re.fullmatch(pattern, lines) is not None


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port: int = door.getsockname()[1]
        return port


@dataclass(slots=True)
class Reader:
    """Somebody who types what the page says, on ports that nobody else has."""

    folder: Path
    ports: dict[str, str] = field(
        default_factory=lambda: {"8440": str(free_port()), "8441": str(free_port())}
    )
    terminals: list[subprocess.Popen[bytes]] = field(default_factory=list)
    _exported: dict[str, str] = field(default_factory=dict)

    def follow(self, page: str) -> None:
        for block in blocks(page):
            if block.kind == "console":
                self._type(block)
            elif block.manner:
                (self.folder / block.manner).write_text(self._mine(block.body))

    def _type(self, block: Block) -> None:
        asked = list(commands(self._mine(block.body)))
        for number, (command, told) in enumerate(asked, start=1):
            if command.startswith(("export ", "cd ")):
                self._say(command)
            elif block.manner == "terminal" and number == len(asked):
                self._open_terminal(command, told)
            else:
                self._run(command, told, is_patient=block.manner == "eventually")

    def _say(self, command: str) -> None:
        done = subprocess.run(
            ["bash", "-ec", f"{command}\npwd\nenv -0"],
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            timeout=PATIENCE_SECONDS,
            check=True,
        )
        here, _, variables = done.stdout.decode().partition("\n")
        self.folder = Path(here)
        told = dict(one.split("=", 1) for one in variables.split("\0") if one)
        self._exported = {name: told[name] for name in told.keys() - SHELLS_OWN}

    def _run(self, command: str, told: str, *, is_patient: bool) -> None:
        end = time.monotonic() + (PATIENCE_SECONDS if is_patient else 0)
        while True:
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=self.folder,
                env=self._environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
            printed = done.stdout.decode()
            if is_as_told(printed, told):
                return
            assert time.monotonic() < end, f"$ {command}\n{printed}\n--- expected\n{told}"

    def _open_terminal(self, command: str, told: str) -> None:
        output = self.folder / f"terminal-{len(self.terminals)}.txt"
        with output.open("wb") as file:
            terminal = subprocess.Popen(
                ["bash", "-c", "exec " + command],
                cwd=self.folder,
                env=self._environment(),
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.terminals.append(terminal)
        end = time.monotonic() + PATIENCE_SECONDS
        while not is_as_told(output.read_text(), f"{told}..."):
            is_open = terminal.poll() is None and time.monotonic() < end
            assert is_open, f"$ {command}\n{output.read_text()}\n--- expected\n{told}"
            time.sleep(0.1)  # noqa: TID251  # another program's output, by the real clock

    def _mine(self, text: str) -> str:
        for told, own in self.ports.items():
            text = text.replace(told, own)
        return text

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",  # noqa: TID251  # whose programs it runs
            "HOME": str(self.folder),
            "COLUMNS": "100",
            "LANG": "C.UTF-8",
            "CROSSDOCK_PORT": self.ports["8440"],
            **self._exported,
        }


@contextmanager
def reading(folder: Path) -> Iterator[Reader]:
    """Let somebody read a page; at the end every terminal is left with Ctrl-C, the last first."""
    reader = Reader(folder)
    try:
        yield reader
    finally:
        for terminal in reversed(reader.terminals):
            terminal.send_signal(signal.SIGINT)
            try:
                terminal.wait(20)
            except subprocess.TimeoutExpired:
                terminal.kill()
                terminal.wait()
