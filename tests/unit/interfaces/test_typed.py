"""A command is proposed in the words that started it."""

from pathlib import Path

import pytest

from crossdock.interfaces.cli.typed import as_typed

HERE = Path("/home/ann/crossdock")


@pytest.mark.parametrize(
    ("started", "on_path", "typed"),
    [
        (".venv/bin/crossdock", None, ".venv/bin/crossdock"),  # make demo
        (f"{HERE}/.venv/bin/crossdock", None, ".venv/bin/crossdock"),
        (f"{HERE}/.venv/bin/crossdock", f"{HERE}/.venv/bin/crossdock", "crossdock"),  # activated
        (".venv/bin/crossdock", f"{HERE}/.venv/bin/crossdock", "crossdock"),
        ("/usr/local/bin/crossdock", "/usr/local/bin/crossdock", "crossdock"),
        (".venv/bin/crossdock", "/usr/local/bin/crossdock", ".venv/bin/crossdock"),  # another one
        ("/opt/my tools/crossdock", None, "'/opt/my tools/crossdock'"),
        ("./crossdock", None, "./crossdock"),
        (f"{HERE}/src/crossdock/__main__.py", None, ".venv/bin/python -m crossdock"),
    ],
)
def test_what_is_proposed_can_be_typed_where_the_command_was(
    started: str, on_path: str | None, typed: str
) -> None:
    assert as_typed(started, on_path, f"{HERE}/.venv/bin/python", HERE) == typed
