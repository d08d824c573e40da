"""The built wheel brings what it needs, and its command runs from an environment of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = Path(tmp_path_factory.mktemp("wheel"))
    uv = Path(sys.executable).with_name("uv")
    command: list[str | Path] = [
        uv,
        "build",
        "--quiet",
        "--wheel",
        "--no-build-isolation",
        "--out-dir",
        folder,
    ]
    subprocess.run([*command, ROOT], check=True, timeout=120)
    return next(folder.glob("crossdock-*.whl"))


def test_the_wheel_holds_the_package_its_migrations_and_its_types(wheel: Path) -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", wheel], capture_output=True, text=True, check=True
    ).stdout

    for name in (
        "crossdock/py.typed",
        "crossdock/foundation/migrations/versions/0001_ground.py",
        "crossdock/foundation/migrations/env.py",
        "crossdock/interfaces/cli/demo.py",
    ):
        assert name in listed
    assert "tests/" not in listed


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with what it says it needs, into an environment of its own; give bin/.

    By pip and the registry that pip is set to use, as anybody would.
    """
    folder = Path(tmp_path_factory.mktemp("installed"))
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
    python = str(folder / "bin" / "python")
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    ran = subprocess.run(
        [*pip, "install", "--quiet", "--retries", "2", str(wheel)],
        capture_output=True, text=True, check=False, timeout=400,
    )  # fmt: skip
    if ran.returncode:
        pytest.fail(
            "the wheel and what it needs could not be installed: either the package registry is"
            f" out of reach, or the wheel asks for what is not there.\n{ran.stderr}"
        )
    return folder / "bin"


def test_the_wheel_asks_for_all_that_it_imports_and_for_nothing_of_ours(installed: Path) -> None:
    """A hub opens with what pip brought alone: nothing of the clone or of the tests is there."""
    script = "import crossdock; print(crossdock.__file__); from crossdock import Hub"
    ran = subprocess.run(
        [installed / "python", "-I", "-c", script],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    checked = subprocess.run(
        [installed / "python", "-m", "pip", "--disable-pip-version-check", "check"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert Path(ran.stdout.strip()).is_relative_to(installed.parent)
    assert (checked.returncode, checked.stdout.strip()) == (0, "No broken requirements found.")


def test_the_installed_command_runs_a_small_demo(installed: Path, tmp_path: Path) -> None:
    ran = subprocess.run(
        [installed / "crossdock", "demo", "--orders", "20", "--items", "5", "--json"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert ran.returncode == 0, ran.stderr
    shown = json.loads(ran.stdout)
    assert shown["batch_feed"]["oversold_orders"] > shown["crossdock"]["oversold_orders"] == 0
    assert shown["crossdock"]["shop_orders"] + shown["crossdock"]["branch_orders"] > 0
