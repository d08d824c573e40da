"""Every worked example of the law is written down once and played by a test."""

import ast
import re
from collections.abc import Iterator
from inspect import getsource, isfunction, ismodule
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

import crossdock
from tests.vectors import test_behaviour, test_rules
from tests.vectors.law import LAW, given

ALL = [*(f"A{n}" for n in range(1, 33)), *(f"R{n}" for n in range(1, 10))]
PLAYED = re.compile(r"test_([ar]\d+)_")
PUT_THERE = {"A4": "balances_of_a4()", "A25": "own_order("}
"""What else reads the numbers of an example, where two tests need them."""


def test_the_law_has_32_examples_of_promising_and_9_of_comparing() -> None:
    assert list(LAW) == ALL


def named_after() -> dict[str, list[str]]:
    """Give the sources of the tests that are named after each example."""
    found: dict[str, list[str]] = {}
    for module in (test_rules, test_behaviour):
        for name, one in vars(module).items():
            if match := PLAYED.match(name):
                found.setdefault(match.group(1).upper(), []).append(getsource(one))
    return found


def test_every_example_is_played_through_the_product() -> None:
    assert set(named_after()) == set(ALL)


@pytest.mark.parametrize("number", ALL)
def test_whatever_is_named_after_an_example_is_compared_with_what_it_says(number: str) -> None:
    for source in named_after()[number]:
        assert f'assert expected("{number}") == ' in source
        assert f'given("{number}")' in source or PUT_THERE[number] in source


def called_by(module: ModuleType) -> set[FunctionType]:
    """Collect the functions of the product that a module of tests names itself."""
    of_product = {
        name: one
        for name, one in vars(module).items()
        if getattr(one, "__module__", getattr(one, "__name__", "")).startswith("crossdock.")
        or (ismodule(one) and one.__name__.startswith("crossdock."))
    }
    found = {one for one in of_product.values() if isfunction(one)}
    for node in ast.walk(ast.parse(getsource(module))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            one = getattr(of_product.get(node.value.id), node.attr, None)
            found |= {one} if isfunction(one) else set()
    return found


def used_in(path: Path) -> Iterator[tuple[str, str]]:
    """Name (module, function) of what a source file uses, in it or out of another."""
    tree = ast.parse(path.read_text())
    own = ".".join(path.relative_to(SOURCE.parent).with_suffix("").parts)
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for one in node.names:
                modules[one.asname or one.name] = f"{node.module}.{one.name}"
                yield node.module, one.name
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield own, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield modules.get(node.value.id, ""), node.attr


SOURCE = Path(crossdock.__file__).parent


def test_every_function_that_an_example_calls_is_one_that_the_product_uses() -> None:
    files = [
        path
        for path in SOURCE.rglob("*.py")
        if path.name != "__init__.py" and not path.name.startswith("demo")
    ]
    used = {each for path in files for each in used_in(path)}
    called = called_by(test_rules) | called_by(test_behaviour)

    def is_used(one: FunctionType) -> bool:
        faces = (one.__module__, one.__module__.rpartition(".")[0])
        return any((face, one.__name__) in used for face in faces)

    assert len(called) > 20
    assert [one.__qualname__ for one in called if not is_used(one)] == []


def test_numbers_are_told_from_names() -> None:
    assert given("A23") == [30, 100, 5, 2]
    assert given("A18") == [100, 50, 101, -5, 102, 20]
    assert given("R6") == [440, 500, 60]
