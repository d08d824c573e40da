"""Tables are read on narrow terminals, and whole by whoever reads a pipe."""

import os
import pty
import re
import subprocess
import sys

from crossdock.interfaces.cli.entry import COMMANDS
from tests.interfaces.cli_commands.conftest import CommandLine

ANSI = re.compile(r"\x1b\[[0-9;]*m")
SHOWS = """
from crossdock.interfaces.cli.output import table
table(("command", "connection", "state", "code", "detail"),
      [("cmd_" + "0" * 32, "shop", "DEAD", "MD-ITEM-XREF", "no key for " + "x" * {letters})],
      empty="")
"""


def at_a_terminal(columns: int, letters: int) -> list[str]:
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-c", SHOWS.format(letters=letters)],
        stdout=theirs,
        env={"COLUMNS": str(columns), "TERM": "xterm", "PATH": "/usr/bin:/bin"},
        check=True,
    )
    os.close(theirs)
    said = b""
    try:
        while part := os.read(ours, 4096):
            said += part
    except OSError:  # how a terminal ends
        pass
    os.close(ours)
    return ANSI.sub("", said.decode()).splitlines()


def test_what_does_not_fit_a_terminal_is_a_block_for_each_row() -> None:
    lines = at_a_terminal(80, 30)

    assert [line.split()[0] for line in lines] == [
        "command", "connection", "state", "code", "detail",
    ]  # fmt: skip
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[1] == "cmd_" + "0" * 32


def test_what_fits_a_terminal_is_a_table_whose_widest_column_is_folded() -> None:
    lines = at_a_terminal(120, 90)

    assert lines[0].split() == ["command", "connection", "state", "code", "detail"]
    assert len(lines) == 4


def test_a_pipe_has_no_width() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHOWS.format(letters=300)],
        capture_output=True,
        env={"COLUMNS": "80", "PATH": "/usr/bin:/bin"},
        check=True,
    )

    assert len(done.stdout.decode().splitlines()) == 2


async def test_the_list_of_commands_fits_eighty_columns(crossdock: CommandLine) -> None:
    said = await crossdock("--help")

    assert max(map(len, said.out.splitlines())) <= 80
    assert all(name in said.out for name in COMMANDS)
