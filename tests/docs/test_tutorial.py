"""Somebody who types what the tutorial says sees what it shows."""

import tempfile
from pathlib import Path

from tests.docs.console import is_as_told, reading
from tests.docs.generate import DOCS


def test_a_line_of_three_dots_stands_for_any_lines() -> None:
    assert is_as_told("a\nb\nc\n", "a\n...\n")
    assert is_as_told("a\n", "...\na\n...\n")
    assert is_as_told("a 12 b  \n", "a ... b\n")
    assert not is_as_told("a\nb\n", "a\n")


def test_the_tutorial_works_as_it_is_written() -> None:
    # Not pytest's own folder: the database's user may not enter it while another run begins.
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-tutorial-") as folder,
        reading(Path(folder)) as reader,
    ):
        reader.follow((DOCS / "tutorial" / "first-steps.md").read_text())
    assert {terminal.returncode for terminal in reader.terminals} <= {0, 130}
