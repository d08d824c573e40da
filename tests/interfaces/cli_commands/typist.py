"""A process that types command lines: each in a child of its own, forked when all is loaded.

To start Python and load the hub takes a second, for each of a hundred commands; a fork takes
nothing. Reads one JSON object per line (`words`, `environment`, `folder`), answers with one.
"""

import json
import os
import sys
import tempfile
from typing import IO, Any, NoReturn

from crossdock.interfaces.cli.entry import COMMANDS, command_app, run


def main() -> None:
    for name in COMMANDS:
        command_app(name)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)  # noqa: T201  # what it is for


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if not child:
            typed(asked, out, err)
        _, status = os.waitpid(child, 0)
        return {
            "code": os.waitstatus_to_exitcode(status),
            "out": whole(out),
            "err": whole(err),
        }


def typed(asked: dict[str, Any], out: IO[bytes], err: IO[bytes]) -> NoReturn:
    """Be the command: with its own environment, folder and output, until it ends."""
    code = 70
    try:
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        os.chdir(asked["folder"])
        os.environ.update(asked["environment"])  # noqa: TID251  # the command's, not ours
        code = run(asked["words"])
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def whole(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    main()
