"""Tables are read on narrow terminals, and whole by whoever reads a pipe."""

import io
import json
import os
import pty
import re
import subprocess
import sys
import unicodedata
from contextlib import redirect_stdout
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.panel import Panel
from rich.text import Text

from crossdock.canonical.errors import Invalid
from crossdock.interfaces.api.promises import ConfirmedByShown, SourcedByShown
from crossdock.interfaces.api.stock_shapes import AmountShown
from crossdock.interfaces.cli.entry import COMMANDS
from crossdock.interfaces.cli.output import print_error, print_json, stderr, stdout, table
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


@given(st.text(st.characters(max_codepoint=0x2FF) | st.sampled_from("\x1b]0;x\x07\x9b2J")))
def test_nothing_that_came_from_outside_steers_a_terminal(told: str) -> None:
    with stdout.capture() as lines:
        table(("key", "what"), [(told, "odd"), ("good", told)], empty="")
        stdout.print(told, markup=False, soft_wrap=True)
        stdout.print(Panel(Text(told)))
    with stderr.capture() as errors:
        print_error(Invalid(told or "odd", hint=told), as_json=False)

    for said in (lines.get(), errors.get()):
        assert not {one for one in said if unicodedata.category(one) == "Cc"} - set("\t\n")


@given(st.text(st.characters(max_codepoint=0x2FF)))
def test_json_steers_no_terminal_and_says_the_same(told: str) -> None:
    with redirect_stdout(io.StringIO()) as lines:
        print_json({"told": told})

    said = lines.getvalue()
    assert json.loads(said) == {"told": told}
    assert not {one for one in said if unicodedata.category(one) == "Cc"} - {"\n"}


def test_what_would_steer_a_terminal_is_shown() -> None:
    with stdout.capture() as said:
        stdout.print("[bold]a[/]\x1b]0;x\x9cb")

    assert said.get() == "a␛]0;x\ufffdb\n"


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


def test_an_answer_of_the_api_is_json_all_through() -> None:
    at, each = datetime(2026, 5, 4, 12, tzinfo=UTC), AmountShown(value="4", unit="EA")
    run = ConfirmedByShown(
        demand_ref="SO-1/1", run_id="alc_1", decided_at=at, item="BOLT", location="DC1",
        requested=each, before=each, after=each, why="fair share",
    )  # fmt: skip
    shown = {
        "confirmed_by": [run],
        "sourced_by": [SourcedByShown(decision_id="src_1", decided_at=at)],
        "file": Path("stock.csv"),
    }

    with redirect_stdout(io.StringIO()) as out:
        print_json(shown)

    told = json.loads(out.getvalue())
    assert told["confirmed_by"][0]["after"] == {"value": "4", "unit": "EA"}
    assert told["sourced_by"] == [{"decision_id": "src_1", "decided_at": "2026-05-04T12:00:00Z"}]
    assert told["file"] == "stock.csv"


def test_what_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(TypeError, match="object has no form in JSON"):
        print_json({"one": object()})
