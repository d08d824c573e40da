"""pyas2lib in an environment of its own, installed once."""

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
REQUIREMENTS = ROOT / "requirements" / "peers-as2.txt"
DRIVER = Path(__file__).with_name("pyas2.py")

Peer = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def pyas2lib() -> Iterator[Peer]:
    """Give a function that asks pyas2lib for one thing."""
    python = installed(ROOT / ".peers" / "as2" / "venv")
    with subprocess.Popen(
        [python, "-W", "ignore", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def ask(op: str, **words: Any) -> dict[str, Any]:
            assert process.stdin
            assert process.stdout
            said = {
                k: base64.b64encode(v).decode() if isinstance(v, bytes) else v
                for k, v in words.items()
            }
            process.stdin.write(json.dumps({"op": op, **said}) + "\n")
            process.stdin.flush()
            answer: dict[str, Any] = json.loads(process.stdout.readline())
            return answer

        yield ask
        assert process.stdin
        process.stdin.close()


def installed(venv: Path) -> Path:
    """Give the Python of an environment of exactly the locked packages; make it if need be."""
    python, stamp = venv / "bin" / "python", venv / "crossdock-lock"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != wanted:
        uv = (sys.executable, "-m", "uv")
        run(*uv, "venv", "--quiet", "--clear", "--python", sys.executable, venv)
        install = (*uv, "pip", "install", "--quiet", "--python", python)
        run(*install, "--require-hashes", "-r", REQUIREMENTS)
        stamp.write_text(wanted)
    return python


def run(*words: str | Path) -> None:
    subprocess.run(words, check=True, timeout=300)
