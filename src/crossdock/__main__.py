"""The `crossdock` command: parse, ask the hub, print; one place turns errors into exit codes."""

import sys
from importlib import import_module

from crossdock.interfaces.cli.interrupts import EXIT_INTERRUPTED, interrupt_held


def main() -> None:
    try:
        with interrupt_held():
            entry = import_module("crossdock.interfaces.cli.entry")
        code: int = entry.run(sys.argv[1:])
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
