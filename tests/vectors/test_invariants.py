"""Every invariant of promised stock is written down once, and living tests hold it."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
ROW = re.compile(r"^\| (I\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
HELD = {
    number: NAMED.findall(tests)
    for number, _, tests in ROW.findall(Path(__file__).with_name("invariants.md").read_text())
}
SHUNNED = {"skip", "skipif", "xfail"}
NOT_RUN = re.compile(r"\bpytest\.(skip|xfail|importorskip)\(")
MADE_UP = re.compile(r"\bgiven\(|\bseed\b|\bRandom\(")
"""What shows that the cases of a test are made up: hypothesis, or a seed."""


def living(file: str, name: str) -> str:
    """Give the source of a test that is run, with what decorates it; "" if there is none."""
    text = (TESTS / file).read_text() if (TESTS / file).exists() else ""
    module = ast.parse(text)
    marks = [node for node in module.body if isinstance(node, ast.Assign)]
    for node in module.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            decorated = "\n".join(ast.unparse(one) for one in node.decorator_list)
            said = decorated + "".join(
                ast.unparse(one) for one in marks if "pytestmark" in ast.unparse(one.targets[0])
            )
            source = f"{decorated}\n{ast.unparse(node)}"
            is_run = not SHUNNED & set(re.findall(r"\w+", said)) and not NOT_RUN.search(source)
            is_asserted = "assert" in source or "pytest.raises" in source
            return source if is_run and is_asserted else ""
    return ""


def test_there_are_ten_invariants_and_each_is_held_by_a_test() -> None:
    assert list(HELD) == [f"I{number}" for number in range(1, 11)]
    assert all(HELD.values())


@pytest.mark.parametrize(
    ("number", "file", "name"),
    [(number, *one) for number, tests in HELD.items() for one in tests],
    ids=lambda part: str(part).rsplit("/", 1)[-1],
)
def test_what_holds_an_invariant_is_there_and_is_run(number: str, file: str, name: str) -> None:
    assert living(file, name), f"{number} is held by no living {name} of tests/{file}"


@pytest.mark.parametrize("number", HELD)
def test_an_invariant_is_held_by_cases_that_are_made_up(number: str) -> None:
    assert any(MADE_UP.search(living(*one)) for one in HELD[number])


def test_a_test_that_is_gone_or_skipped_is_not_living() -> None:
    assert not living("vectors/test_invariants.py", "test_nobody_wrote")
    assert not living("vectors/nowhere.py", "test_nobody_wrote")
    assert living(
        "vectors/test_invariants.py", "test_a_test_that_is_gone_or_skipped_is_not_living"
    )
