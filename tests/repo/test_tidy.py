"""What the linters cannot see: sizes, module docstrings, the changelog's form, private paths."""

import ast
import io
import re
import subprocess
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_source_file_is_short_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    long_functions = [
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_MAX
    ]

    assert len(text.splitlines()) <= FILE_LINES_MAX
    assert not long_functions
    assert not text or ast.get_docstring(tree)


# A comment that silences a tool, and what stands behind it: ` - why` or `  # why`.
_SILENCED = re.compile(
    r"#\s*(?:ruff: )?(?:noqa|mypy(?=:)|type: ignore|pyright: ignore|pragma: no cover|nosec)\b:?\s*"
    r"(?P<rule>\[[^\]]+\]|[A-Z]+\d+(?:,\s?[A-Z]+\d+)*)?(?P<why>.*)$"
)


def unreasoned(text: str) -> list[str]:
    """Give the comments of a source that silence a tool and do not say which rule, and why."""
    comments = [
        token.string
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    ]
    return [comment for comment in comments if _is_unreasoned(comment)]


def _is_unreasoned(comment: str) -> bool:
    match = _SILENCED.search(comment)
    if match is None:
        return False
    behind = match["why"].strip()
    # Two tools silenced in one line have one reason, behind the second.
    is_next = _SILENCED.search(behind) is not None
    return not match["rule"] or (_is_unreasoned(behind) if is_next else not behind.strip("-# "))


@pytest.mark.parametrize("folder", ["src", "tests", "benchmarks"])
def test_whoever_silences_a_tool_says_which_rule_and_why(folder: str) -> None:
    found = {
        str(path.relative_to(ROOT)): silent
        for path in sorted((ROOT / folder).rglob("*.py"))
        if (silent := unreasoned(path.read_text()))
    }

    assert found == {}, "behind it: ` - why` after `noqa: RULE`, `  # why` after `ignore[rule]`"


def test_the_rules_that_are_off_for_a_folder_have_their_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    [off] = re.findall(
        r"^\[tool\.ruff\.lint\.per-file-ignores\]\n(.*?)^\[", text, re.MULTILINE | re.DOTALL
    )
    entries = [line for line in off.splitlines() if line.strip() not in {"", "]"}]

    assert entries
    assert [line for line in entries if "#" not in line and not line.endswith("[")] == []


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("x = 1  # noqa: S608", True),
        ("x = 1  # noqa: S608 -", True),
        ("x = 1  # noqa", True),
        ("x = 1  # noqa: S608, PLR2004 - the columns above", False),
        ("x = 1  # type: ignore[misc]", True),
        ("x = 1  # type: ignore", True),
        ("x = 1  # type: ignore[misc]  # bound to this turn", False),
        ("x = 1  # type: ignore[no-untyped-def] # noqa: ANN001", True),
        ("x = 1  # type: ignore[no-untyped-def] # noqa: ANN001 - drawn", False),
        ("x = 1  # pyright: ignore[reportAny]", True),
        ("x = 1  # one of two  # noqa: S608", True),
        ("x = 1  # one of two  # noqa: S608 - the columns above", False),
        ("x = 1  # type: ignore[misc]  # drawn  # noqa", True),
        ("# mypy: ignore-errors", True),
        ("x = '# noqa: S608'", False),
        ("x = 1  # what a noqa is", False),
    ],
)
def test_a_silence_without_a_reason_is_found(line: str, *, is_found: bool) -> None:
    assert bool(unreasoned(f"{line}\n")) == is_found


def test_the_changelog_keeps_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)

    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", h) for h in headings[1:])
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= {
        "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security",
    }  # fmt: skip


def test_no_lock_file_with_addresses_and_no_index_is_tracked() -> None:
    names = {path.name for path in tracked()}
    assert not names & {"uv.lock", "pylock.toml", "poetry.lock", "package-lock.json"}
    for path in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(r"https?://|--index|--find-links", path.read_text()), path.name


def test_every_decision_says_what_enforces_it() -> None:
    decisions = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert len(decisions) >= 8
    for decision in decisions:
        text = decision.read_text()
        for heading in (
            "## Context",
            "## Decision",
            "## Consequences",
            "## Alternatives",
            "## Enforced by",
        ):
            assert heading in text, (decision.name, heading)
