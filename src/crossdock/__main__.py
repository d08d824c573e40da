"""The `crossdock` command: parse, ask the hub, print; one place turns errors into exit codes."""

import sys

from crossdock.interfaces.cli.entry import run


def main() -> None:
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
