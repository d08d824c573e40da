"""How this command was typed, so that what it proposes to type next works as it stands."""

import shlex
import shutil
import sys
from pathlib import Path


def this_command() -> str:
    """Give the word, or words, by which the reader has started this process."""
    name = Path(sys.argv[0]).name
    return as_typed(sys.argv[0], shutil.which(name), sys.executable, Path.cwd())


def as_typed(started: str, on_path: str | None, python: str, here: Path) -> str:
    """Name a command by itself where `on_path` is it, and by its path from `here` elsewhere."""
    program = Path(started)
    if program.name == "__main__.py":
        return f"{_from(here, Path(python))} -m crossdock"
    if on_path and (here / on_path).absolute() == (here / program).absolute():
        return program.name
    return _from(here, program)


def _from(here: Path, program: Path) -> str:
    whole = (here / program).absolute()
    if not whole.is_relative_to(here):
        return shlex.quote(str(whole))
    near = whole.relative_to(here)
    return shlex.quote(str(near) if len(near.parts) > 1 else f"./{near}")
