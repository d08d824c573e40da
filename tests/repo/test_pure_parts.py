"""What says that it is pure is pure, and `make cover` demands every branch of it.

A part is looked at if it is a model, a mapping or one of the canonical words, if it holds a
decider, or if its own first words say that it is pure. It is pure if nothing in it waits and if
all that it is made of, down to the last import, is pure too.
"""

import ast
import re
import sys
import tomllib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "crossdock"

# Of the standard library, what reaches outside or waits. Chance comes in as an argument.
IMPURE = {
    "asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib", "select",
    "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading",
    "time", "urllib",
}  # fmt: skip
# Of the libraries, what only turns values into texts.
PURE_LIBRARIES = {"msgspec"}
NAMED = re.compile(r"(model|mapping)(_\w+)?\.py")
# Speak of purity, and do something else besides: each with what that is.
SPEAK_ONLY = {
    "capabilities/inventory/reactions.py": "applies what the pure parts have decided",
    "capabilities/reconciliation/ageing.py": "counts findings as they are kept",
    "capabilities/reconciliation/drift.py": "gathers what the pure parts judge",
    "capabilities/reconciliation/findings.py": "keeps what the pure parts have judged",
    "capabilities/reconciliation/open_findings.py": "keeps what the pure parts have judged",
    "capabilities/reconciliation/open_units.py": "takes rows as a dump gives them",
    "capabilities/reconciliation/units.py": "takes lines as a dump gives them",
    "connectivity/pacing.py": "takes the states of a circuit from the directory",
    "connectivity/aftermath.py": "takes back-off from pacing",
    "orchestration/engine/__init__.py": "speaks of deciders",
    "orchestration/engine/process.py": "the form of a process: loading waits, deciding does not",
    "orchestration/source_orders.py": "words of capabilities, by their faces",
}
# What parts on the list of the covered import, and what they have of it.
_SDK = "imports crossdock.connectivity.sdk, a package"
_EDI = "crossdock.connectivity.edi"
HARMLESS = {
    "applications/generic_wms/count_tasks.py imports http": "names of statuses",
    "applications/generic_wms/count_tasks.py imports io": "writes CSV into a text in memory",
    "applications/generic_wms/count_tasks.py imports urllib.parse": "quotes a text",
    "applications/generic_wms/mapping.py imports io": "reads CSV out of a text in memory",
    "applications/generic_wms/settings.py imports pathlib": "a field of a form",
    "applications/generic_wms/settings.py imports pydantic": "a form",
    "applications/sql_stock/settings.py imports pydantic": "a form",
    f"applications/tryton/counts.py {_SDK}": "what a mapping gives",
    f"applications/tryton/mapping.py {_SDK}": "what a mapping gives",
    f"applications/tryton/open_lines.py {_SDK}": "what a mapping gives",
    f"connectivity/edi/standards.py imports {_EDI}.edifact.tables, a package": "tables of ours",
    f"connectivity/edi/standards.py imports {_EDI}.x12.tables, a package": "tables of ours",
    "connectivity/sdk/roles.py waits": "declares what connections do",
    "foundation/cgroups.py imports pathlib": "cuts a path, and looks at no disk",
    "foundation/ids.py imports uuid_utils": "derives a name from a fact",
    "orchestration/processes/availability_writes.py imports urllib.parse": "quotes a text",
    "orchestration/processes/movement_posting.py imports urllib.parse": "quotes a text",
}
# Pure, and not covered to the last branch yet: this list may only become shorter.
OWED = {
    "capabilities/reconciliation/evidence.py",
    "connectivity/transports/addresses.py",
}


def covered() -> list[str]:
    report = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["coverage"]["report"]
    patterns: list[str] = report["include"]
    return patterns


def is_listed(file: Path) -> bool:
    return any(fnmatch(str(file.relative_to(ROOT)), pattern) for pattern in covered())


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text())


def parts() -> list[Path]:
    """Find every part that has to be pure, or says that it is."""
    return [
        file
        for file in sorted(PACKAGE.rglob("*.py"))
        if NAMED.fullmatch(file.name) or "canonical" in file.parts or decides(file) or says(file)
    ]


def decides(file: Path) -> bool:
    return "processes" in file.parts and any(
        isinstance(node, ast.FunctionDef) and node.name == "decide" for node in tree(file).body
    )


def says(file: Path) -> bool:
    return bool(re.search(r"\bpure\b", ast.get_docstring(tree(file)) or "", re.IGNORECASE))


def names(file: Path) -> str:
    return str(file.relative_to(PACKAGE)) if file.is_relative_to(PACKAGE) else file.name


def file_of(module: str) -> Path | None:
    """Find the file of one of our modules; None for a package that only gathers names."""
    plain = PACKAGE.parent.joinpath(*module.split("."))
    return next((one for one in (plain.with_suffix(".py"),) if one.exists()), None)


def imported(file: Path) -> set[str]:
    """Name every module that a part imports; `from package import part` names the part."""
    found: set[str] = set()
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            parts = {name for name in inner if file_of(name)}
            found |= parts or {node.module}
    return found


def impurities(file: Path, seen: frozenset[Path] = frozenset()) -> list[str]:
    """Say why a part is not pure; each reason begins with where it was found."""
    here = names(file)
    waits = any(
        isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
        for node in ast.walk(tree(file))
    )
    found = [f"{here} waits"] if waits else []
    for module in sorted(imported(file)):
        top = module.partition(".")[0]
        if top != "crossdock":
            if top in IMPURE or top not in sys.stdlib_module_names | PURE_LIBRARIES:
                found.append(f"{here} imports {module}")
            continue
        inner = file_of(module)
        if inner is None:
            found.append(f"{here} imports {module}, a package")
        elif inner not in seen:
            found += impurities(inner, seen | {file})
    return found


def test_every_pure_part_is_covered_to_the_last_branch() -> None:
    left_out = {
        names(file)
        for file in parts()
        if not is_listed(file) and names(file) not in SPEAK_ONLY and not impurities(file)
    }

    assert left_out == OWED, "add them to [tool.coverage.report] include, and to PURE_TESTS"


def listed() -> list[Path]:
    return [file for file in sorted(PACKAGE.rglob("*.py")) if is_listed(file)]


@pytest.mark.parametrize("file", listed(), ids=names)
def test_what_is_covered_as_pure_is_pure(file: Path) -> None:
    """Else one of them could come to wait or to reach outside, and stay on the list."""
    assert set(impurities(file)) <= HARMLESS.keys()


def test_every_harmless_impurity_is_still_there() -> None:
    assert {reason for file in listed() for reason in impurities(file)} == HARMLESS.keys()


def canonical() -> list[Path]:
    return sorted((PACKAGE / "canonical").rglob("*.py"))


@pytest.mark.parametrize("file", canonical(), ids=names)
def test_canonical_words_stand_on_the_standard_library_alone(file: Path) -> None:
    others = {
        module
        for module in imported(file)
        if module.partition(".")[0] not in sys.stdlib_module_names
        and not module.startswith("crossdock.canonical")
    }

    assert others == set()


def test_what_speaks_of_purity_and_is_not_pure_is_known() -> None:
    found = {names(file) for file in parts() if not is_listed(file) and impurities(file)}

    assert found == SPEAK_ONLY.keys()


def test_every_pattern_of_the_list_finds_something() -> None:
    for pattern in covered():
        assert list(ROOT.glob(pattern)), pattern


def test_every_pure_test_is_there() -> None:
    lines = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    [said] = re.findall(r"^PURE_TESTS := (.*)$", lines, re.MULTILINE)
    for prefix, ends in re.findall(r"\$\(addprefix (\S+?),(.*?)\)", said):
        for end in ends.split():
            assert (ROOT / f"{prefix}{end}").exists(), end
    plain = re.sub(r"\$\(addprefix .*?\)", "", said).split()
    assert plain
    for pattern in plain:
        assert list(ROOT.glob(pattern)), pattern


@pytest.mark.parametrize(
    ("text", "says_why"),
    [
        ("import os", "imports os"),
        ("from asyncio import sleep", "imports asyncio"),
        ("import asyncpg", "imports asyncpg"),
        ("async def look(): ...", "waits"),
        ("from crossdock.foundation.clock import Clock", "clock.py"),
        ("from crossdock.connectivity import sdk", "a package"),
    ],
)
def test_a_part_that_reaches_outside_is_found(tmp_path: Path, text: str, says_why: str) -> None:
    file = tmp_path / "model.py"
    file.write_text(f'"""Pure."""\n{text}\n')

    assert any(says_why in reason for reason in impurities(file)), impurities(file)
