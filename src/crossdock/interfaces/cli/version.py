"""`crossdock version`."""

import platform
from importlib.metadata import version as installed_version

import typer

from crossdock.interfaces.cli.output import AsJson, print_json, stdout

app = typer.Typer(add_completion=False)


@app.command()
def version(as_json: AsJson = False) -> None:
    """Print the version of Crossdock and of Python."""
    found = {"crossdock": installed_version("crossdock"), "python": platform.python_version()}
    if as_json:
        print_json(found)
    else:
        stdout.print(f"crossdock {found['crossdock']} (Python {found['python']})")
