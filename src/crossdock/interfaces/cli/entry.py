"""The command tree, loaded branch by branch, so that help and the first line come at once."""

import difflib
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import version

import typer

from crossdock.canonical.errors import CrossdockError, Invalid, Unavailable
from crossdock.interfaces.cli.interrupts import EXIT_INTERRUPTED, interrupt_held
from crossdock.interfaces.cli.output import print_error, stderr, stdout

EXIT_FINDINGS, EXIT_USAGE, EXIT_REMOTE = 1, 2, 4

# Each command lives in the module of its name, as `app`; here is its line in the help.
COMMANDS = {
    "demo": "Play one simulated trading day, the old way and with Crossdock.",
    "serve": "Run the hub: API, readers, processes, deliveries.",
    "worker": "Run readers, processes and deliveries without the API.",
    "doctor": "Look for what is wrong, and say how to mend it.",
    "migrate": "Bring the database schema to this version.",
    "connection": "Add, look at, change, check, pause, rewind and remove connections.",
    "channel": "Agree with sales channels what they may sell.",
    "catalog": "Items and locations, and what every system calls them.",
    "key": "Create, list and revoke API keys.",
    "stock": "Ask what can be promised; reserve and release.",
    "source": "Choose warehouses for an order; rules, nodes, and why.",
    "reconcile": "Compare stock with what another system says; mend differences.",
    "allocation": "Say who is confirmed when stock is short: rules, runs, approval.",
    "msg": "Say what happened; list, show, replay what was set aside.",
    "dlq": "Commands that could not be delivered: show, edit, replay, discard.",
    "process": "Instances of processes: list, show, resume those that were parked.",
    "case": "Business exceptions with owner and deadline: list, show, close.",
    "partner": "Trading partners: enter, agree, and take them to production.",
    "edi": "Check, read and write EDI files; keep what partners exchange.",
    "as2": "Send and receive by AS2: partners, keys, messages, receipts.",
    "listen": "Forward events to an HTTP address as they happen.",
    "tail": "Print events as they happen.",
    "sim": "Run the stand-ins of outside systems: a shop, a warehouse.",
    "bench": "Measure, side by side, and print one JSON object.",
    "version": "Print the version.",
}


def run(arguments: Sequence[str]) -> int:
    """Run one command line; give its exit code: 0 ok, 1 findings, 2 usage, 4 the other side."""
    if not arguments or arguments[0] in {"--help", "-h", "help"}:
        _print_help()
        return 0
    name, rest = arguments[0], list(arguments[1:])
    if name == "--version":
        stdout.print(version("crossdock"))
        return 0
    return _run_command(name, rest) if name in COMMANDS else _unknown(name)


def _run_command(name: str, arguments: list[str]) -> int:
    try:
        with interrupt_held():
            app = command_app(name)
        typer.main.get_command(app).main(arguments, prog_name=f"crossdock {name}")
    except SystemExit as done:
        return done.code if isinstance(done.code, int) else 0
    except KeyboardInterrupt:
        stderr.print("interrupted", style="dim")
        return EXIT_INTERRUPTED
    except CrossdockError as error:
        print_error(error, as_json="--json" in arguments)
        return _exit_code(error)
    return 0


def command_app(name: str) -> typer.Typer:
    """Load the module of one command."""
    app: typer.Typer = importlib.import_module(f"crossdock.interfaces.cli.{name}").app
    return app


def _exit_code(error: CrossdockError) -> int:
    if isinstance(error, Unavailable):
        return EXIT_REMOTE
    return EXIT_USAGE if isinstance(error, Invalid) else EXIT_FINDINGS


def _unknown(name: str) -> int:
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f" Did you mean `{near[0]}`?" if near else " `crossdock --help` lists them."
    sys.stderr.write(f"crossdock: there is no command {name!r}.{hint}\n")
    return EXIT_USAGE


def _print_help() -> None:
    stdout.print("[bold]crossdock[/] COMMAND [OPTIONS]      every command takes --help and --json")
    stdout.print()
    for name, line in COMMANDS.items():
        stdout.print(f"  [cyan]{name:<12}[/]{line}", soft_wrap=True)
