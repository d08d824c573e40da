"""Frozen contracts are sealed: who edits one by hand is found, and every version has its seal."""

import json
import subprocess
from pathlib import Path
from shutil import which

import pytest

from crossdock.canonical.events import EVENTS
from crossdock.governance.contracts import RELEASED, contracts, read_contracts, release_contracts
from tests.docs.frozen import (
    UNRELEASED,
    VERSION,
    digest_of,
    is_about_to_change,
    problem_of,
    seal,
    seals_of,
    versions_in,
)
from tests.docs.generate import DOCS, REFERENCE, freeze

FROZEN = REFERENCE / "events" / RELEASED
CHANGELOG = (DOCS.parent / "CHANGELOG.md").read_text()
TWO = "# Changelog\n## [Unreleased]\n## [0.2.0] - 2027-01-01\n- b\n## [0.1.0] - 2026-12-01\n- a\n"


@pytest.fixture
def events(tmp_path: Path) -> Path:
    assert release_contracts(tmp_path) == []
    seal(tmp_path / RELEASED, "## [Unreleased]\n")
    return tmp_path


def test_nobody_has_edited_what_is_frozen() -> None:
    assert problem_of(FROZEN) == ""


def test_every_version_of_the_changelog_has_its_seal() -> None:
    sealed = [name for name, _ in seals_of(FROZEN)]

    assert sealed in (versions_in(CHANGELOG), [*versions_in(CHANGELOG), UNRELEASED])


def test_at_a_release_every_event_is_frozen() -> None:
    if is_about_to_change(CHANGELOG):
        pytest.skip("events that no version has may still change")

    assert read_contracts(FROZEN).keys() == EVENTS.keys(), "run `make freeze`"


def test_no_seal_of_a_version_was_ever_changed() -> None:
    """Who edits a contract and its seal in one change is found in the history."""
    file = FROZEN / VERSION
    if reason := why_without_history(file, DOCS):
        pytest.skip(reason)

    assert ever_sealed(file, DOCS) <= {f"{name} {digest}" for name, digest in seals_of(FROZEN)}


def ever_sealed(file: Path, folder: Path) -> set[str]:
    """Give every seal of a version that the history of a file shows, all of which can be read."""
    told = git("log", "--format=", "-p", "--", str(file), folder=folder)
    assert told.returncode == 0, told.stderr
    added = [line[1:] for line in told.stdout.splitlines() if line.startswith("+")]
    return {line for line in added if line[:1].isdigit()}


def why_without_history(file: Path, folder: Path, program: str = "git") -> str:
    """Say why the history of a file could not be looked at; "": it can."""
    if not which(program):
        return "git is not here: the history of the seals was not looked at"
    asked = git("rev-parse", "--is-shallow-repository", folder=folder)
    if asked.returncode:
        return f"no history of the seals is here: {asked.stderr.strip()}"
    if asked.stdout.strip() != "false":
        return "this clone has only a part of the history, so nothing is found by it"
    if not git("ls-files", "--", str(file), folder=folder).stdout:
        return f"git does not know {file.name}: this is no clone of the repository"
    is_begun = git("rev-parse", "--verify", "HEAD", folder=folder).returncode == 0
    return "" if is_begun else "nothing was committed here, so there is no history"


def git(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)


def test_without_its_history_a_file_says_why(tmp_path: Path) -> None:
    """As of an archive that was unpacked, by itself or in a clone of something else."""
    file = tmp_path / VERSION
    file.write_text("0.1.0 abc")

    assert "git is not here" in why_without_history(file, tmp_path, "no-such-program")
    if not which("git"):
        pytest.skip("git is not here")
    assert "no history of the seals is here" in why_without_history(file, tmp_path)
    git("init", "--quiet", folder=tmp_path)
    assert "git does not know VERSION" in why_without_history(file, tmp_path)
    git("add", VERSION, folder=tmp_path)
    assert "nothing was committed" in why_without_history(file, tmp_path)
    commit(tmp_path)
    assert why_without_history(file, tmp_path) == ""
    (tmp_path / ".git" / "shallow").write_text(f"{'0' * 39}1\n")
    assert "only a part of the history" in why_without_history(file, tmp_path)


@pytest.mark.skipif(not which("git"), reason="git is not here")
def test_a_history_that_cannot_be_read_is_not_taken_for_one_without_seals(tmp_path: Path) -> None:
    """As of a clone that fetches the contents of files when it needs them, without a network."""
    git("init", "--quiet", folder=tmp_path)
    file = tmp_path / VERSION
    for seals in ("0.1.0 abc\n", "0.1.0 other\n"):
        file.write_text(seals)
        git("add", VERSION, folder=tmp_path)
        commit(tmp_path)
    assert ever_sealed(file, tmp_path) == {"0.1.0 abc", "0.1.0 other"}
    first = git("rev-parse", f"HEAD~1:{VERSION}", folder=tmp_path).stdout.strip()
    (tmp_path / ".git" / "objects" / first[:2] / first[2:]).unlink()

    assert why_without_history(file, tmp_path) == ""
    with pytest.raises(AssertionError, match=first):
        ever_sealed(file, tmp_path)


def commit(folder: Path) -> None:
    by = ("-c", "user.name=ann", "-c", "user.email=ann@example.com")
    done = git(*by, "commit", "--quiet", "--message=sealed", folder=folder)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "text", ["{}", '{"properties": {"truck": {"type": "string"}}, "required": []}']
)
def test_an_edited_contract_is_found_and_not_frozen_anew(events: Path, text: str) -> None:
    kept = events / RELEASED / "inventory.stock_moved.v1.json"
    before = seals_of(events / RELEASED)
    kept.write_text(text)

    assert "put them" in problem_of(events / RELEASED)
    assert "put them" in freeze(events, TWO)
    assert (kept.read_text(), seals_of(events / RELEASED)) == (text, before)


def test_a_removed_contract_is_found(events: Path) -> None:
    (events / RELEASED / "inventory.stock_moved.v1.json").unlink()

    assert "put them" in problem_of(events / RELEASED)


def test_what_is_frozen_at_a_version_is_sealed_with_its_name(events: Path) -> None:
    first = TWO.replace("## [0.2.0] - 2027-01-01\n- b\n", "")

    assert freeze(events, first) == freeze(events, first) == ""
    assert [name for name, _ in seals_of(events / RELEASED)] == ["0.1.0", UNRELEASED]
    assert freeze(events, TWO) == ""

    sealed = seals_of(events / RELEASED)
    assert [name for name, _ in sealed] == ["0.1.0", "0.2.0"]
    assert {digest for _, digest in sealed} == {digest_of(events / RELEASED)}


def test_what_would_break_a_frozen_contract_is_not_frozen(tmp_path: Path) -> None:
    events = tmp_path / RELEASED
    events.mkdir()
    older = contracts()["inventory.stock_moved.v1"]
    older["properties"]["truck"] = {"type": "string"}
    (events / "inventory.stock_moved.v1.json").write_text(json.dumps(older))

    assert "truck was removed" in freeze(tmp_path, TWO)
    assert seals_of(events) == []


def test_a_changelog_says_what_is_about_to_change() -> None:
    assert not is_about_to_change(TWO)
    assert not is_about_to_change(TWO.replace("## [0.2.0]", "### Added\n## [0.2.0]", 1))
    assert is_about_to_change(TWO.replace("## [0.2.0]", "### Added\n- c\n## [0.2.0]", 1))
