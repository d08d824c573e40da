"""Roles of a connection are said on the command line, and read back from it."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crossdock.canonical.errors import Invalid, NotFound
from crossdock.interfaces.cli.entry import command_app


class Terminal:
    """A shell in which every command finds the same hub."""

    def __init__(self, dsn: str, folder: Path) -> None:
        environment = {"CROSSDOCK_DSN": dsn, "CROSSDOCK_DATA_DIR": str(folder)}
        self._runner = CliRunner(env=environment)

    def __call__(self, command: str, *words: str) -> Any:
        app = command_app(command)
        result = self._runner.invoke(app, [*words, "--json"], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return json.loads(result.output)


@pytest.fixture
def crossdock(dsn: str, tmp_path: Path) -> Terminal:
    terminal = Terminal(dsn, tmp_path)
    terminal("catalog", "add-location", "EAST")
    return terminal


@pytest.fixture
def erp(tmp_path: Path) -> str:
    settings = {
        "base_url": "http://127.0.0.1:1",
        "database": "company",
        "user": "hub",
        "password": "s3cret",
    }
    file = tmp_path / "erp.json"
    file.write_text(json.dumps(settings))
    return str(file)


def test_roles_are_said_when_a_connection_is_added_and_changed(
    crossdock: Terminal, erp: str, tmp_path: Path
) -> None:
    added = crossdock(
        "connection", "add", "erp", "tryton", "--file", erp, "--role", "PostsMovements=east"
    )
    changes = tmp_path / "changes.json"
    changes.write_text('{"user": "another"}')
    renamed = crossdock("connection", "change", "erp", "--file", str(changes))
    silenced = crossdock("connection", "change", "erp", "--role", "PostsMovements")

    assert added["roles"] == renamed["roles"] == {"PostsMovements": ["EAST"]}
    assert (renamed["settings"]["user"], renamed["secrets"]) == ("another", ["/password"])
    assert silenced["roles"] == {"PostsMovements": []}
    assert crossdock("connection", "show", "erp") == silenced


def test_what_cannot_be_changed_is_refused(crossdock: Terminal, erp: str) -> None:
    crossdock("connection", "add", "erp", "tryton", "--file", erp)

    with pytest.raises(Invalid, match="nothing to change"):
        crossdock("connection", "change", "erp")
    with pytest.raises(Invalid, match="does not play 'PostMovements'"):
        crossdock("connection", "change", "erp", "--role", "PostMovements=EAST")
    with pytest.raises(NotFound, match="WEST"):
        crossdock("connection", "change", "erp", "--role", "PostsMovements=EAST,WEST")
