"""The import contracts forbid what is there: a library that nobody installed forbids nothing."""

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.repo.test_pure_parts import PACKAGE, imported, names

ROOT = Path(__file__).parents[2]
HTTP_CLIENT = "httpcore2"
CONNECTIVITY = "crossdock.connectivity."


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
    importing = [
        names(file)
        for file in PACKAGE.rglob("*.py")
        if HTTP_CLIENT in {module.partition(".")[0] for module in imported(file)}
    ]

    assert importing == ["connectivity/transports/http.py"]


def test_every_module_but_that_one_is_forbidden_the_http_client() -> None:
    contract = contracts()["Only the HTTP transport knows the HTTP client"]
    sources = [pattern_of(said) for said in contract["source_modules"]]

    free = [name for name in modules() if not any(each.fullmatch(name) for each in sources)]

    assert contract["forbidden_modules"] == [HTTP_CLIENT]
    assert free == ["crossdock.connectivity.transports.http"]


def test_an_application_sees_of_connectivity_what_an_outside_author_sees() -> None:
    contract = contracts()[
        "Applications see only the SDK, the transports, EDI and the canonical words"
    ]
    below = {".".join(name.split(".")[:3]) for name in modules() if CONNECTIVITY in name}

    seen = below - set(contract["forbidden_modules"])

    assert contract["source_modules"] == ["crossdock.applications"]
    assert seen <= {f"{CONNECTIVITY}{part}" for part in ("sdk", "transports", "edi")}


def test_no_contract_has_an_import_that_it_ignores() -> None:
    assert [name for name, said in contracts().items() if "ignore_imports" in said] == []


def modules() -> list[str]:
    files = [file.relative_to(PACKAGE.parent) for file in PACKAGE.rglob("*.py")]
    parts = [(file.parent if file.stem == "__init__" else file.with_suffix("")) for file in files]
    return sorted(".".join(part.parts) for part in parts)


def pattern_of(said: str) -> re.Pattern[str]:
    """Read a source as import-linter does: `*` is one name, `**` one or more."""
    one_or_more = re.escape(said).replace(r"\*\*", ".+")
    return re.compile(one_or_more.replace(r"\*", r"[^.]+"))


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
