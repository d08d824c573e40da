"""What `make` says to who has the wrong Python, and what it leaves behind."""

import os
import subprocess
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"

# A Python that is too old, and one that lacks its venv module, as Debian ships it: it makes half.
OLD = "#!/bin/sh\nexit 1\n"
HALF = """#!/bin/sh
[ "$1" = -m ] || exit 0
mkdir -p "$3/bin" && touch "$3/bin/python"
echo "ensurepip is not available" >&2
exit 1
"""


def made(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    program = folder / "python"
    program.write_text(python)
    program.chmod(0o755)
    return subprocess.run(
        ["make", "-f", str(MAKEFILE), f"PYTHON={program}", "demo"],
        env={"PATH": os.environ["PATH"]},  # noqa: TID251  # whose programs it runs
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("python", "said"), [(OLD, "needs Python 3.11 or newer"), (HALF, "python3-venv")]
)
def test_a_python_that_will_not_do_is_told_in_a_sentence(
    tmp_path: Path, python: str, said: str
) -> None:
    first, second = made(tmp_path, python), made(tmp_path, python)

    for one in (first, second):  # the second meets nothing half-made
        assert one.returncode
        assert said in one.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_folder_that_was_there_before_is_not_removed(tmp_path: Path) -> None:
    theirs = tmp_path / ".venv" / "theirs"
    theirs.parent.mkdir()
    theirs.touch()

    first, second = made(tmp_path, HALF), made(tmp_path, HALF)

    for one in (first, second):
        assert one.returncode
        assert "python3-venv" in one.stderr
    assert theirs.exists()
