"""The import contracts forbid what is there: a library that nobody installed forbids nothing."""

import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.repo.test_pure_parts import PACKAGE, imported, names

ROOT = Path(__file__).parents[2]
HTTP_CLIENT = "httpcore2"


def contracts() -> dict[str, dict[str, Any]]:
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {contract["name"]: contract for contract in said["contracts"]}


FORBIDDEN = sorted(
    {
        module
        for contract in contracts().values()
        for module in contract.get("forbidden_modules", ())
    }
)


@pytest.mark.parametrize("module", FORBIDDEN)
def test_what_a_contract_forbids_is_really_there(module: str) -> None:
    """A name that has changed would be forbidden in vain, and what it is called now allowed."""
    assert find_spec(module)


def test_one_file_alone_imports_the_http_client() -> None:
    importing = [names(file) for file in PACKAGE.rglob("*.py") if HTTP_CLIENT in imported(file)]

    assert importing == ["connectivity/transports/http.py"]
    contract = contracts()["Only the HTTP transport knows the HTTP client"]
    assert contract["source_modules"] == ["crossdock"]
    assert HTTP_CLIENT in contract["forbidden_modules"]
    assert contract["ignore_imports"] == [
        f"crossdock.connectivity.transports.http -> {HTTP_CLIENT}"
    ]


@pytest.mark.parametrize(
    "name",
    [
        "A model is pure: canonical words and the standard library",
        "A decider is pure: facts and the time in, a decision out",
        "A mapping translates; it does no I/O",
        "Canonical words stand on the standard library alone",
    ],
)
def test_what_is_pure_may_not_know_the_http_client(name: str) -> None:
    assert HTTP_CLIENT in contracts()[name]["forbidden_modules"]
