"""The built wheel installs by itself and its command runs."""

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


def test_the_installed_command_runs_a_small_demo(wheel: Path, tmp_path: Path) -> None:
    # The environment's own packages, and Crossdock from the wheel alone.
    subprocess.run(
        [Path(sys.executable).with_name("uv"), "pip", "install", "--quiet", "--no-deps",
         "--offline", "--target", tmp_path / "site", wheel],
        check=True, timeout=120,
    )  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-m", "crossdock", "demo", "--orders", "20", "--items", "5", "--json"],
        env={"PYTHONPATH": str(tmp_path / "site"), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    shown = json.loads(ran.stdout)

    assert shown["crossdock"]["oversold_orders"] == 0
    assert shown["crossdock"]["shop_orders"] + shown["crossdock"]["branch_orders"] > 0
