"""Every decider stands under the import contract that keeps it pure."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src"
CONTRACT = "A decider is pure"


def test_every_module_that_decides_is_named_in_the_contract() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    [contract] = [
        contract
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["name"].startswith(CONTRACT)
    ]
    processes = SRC / "crossdock" / "orchestration" / "processes"
    deciders = {named(path) for path in processes.glob("**/*.py") if decides(path.read_text())}

    assert deciders
    assert deciders - set(contract["source_modules"]) == set()


def named(path: Path) -> str:
    return ".".join(path.relative_to(SRC).with_suffix("").parts)


def decides(source: str) -> bool:
    return any(
        isinstance(node, ast.FunctionDef) and node.name == "decide"
        for node in ast.parse(source).body
    )
