"""`crossdock migrate`."""

from typing import Annotated

import typer

from crossdock.assembly import ground
from crossdock.foundation import migrate as migrations
from crossdock.interfaces.cli.hub import read_settings, run
from crossdock.interfaces.cli.output import AsJson, print_json, stdout

app = typer.Typer(add_completion=False)


@app.command()
def migrate(
    to: Annotated[str, typer.Option(help="Revision to go to; an older one goes back.")] = "head",
    as_json: AsJson = False,
) -> None:
    """Bring the database schema to the version of this code; safe to repeat."""
    before, after = run(_migrated(to))
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        stdout.print(f"schema is at {after} already")
    else:
        stdout.print(f"schema moved from {before or 'empty'} to {after}")


async def _migrated(to: str) -> tuple[str | None, str | None]:
    async with ground(read_settings()) as dsn:
        before = await migrations.current(dsn)
        if migrations.is_below(to, before):
            await migrations.downgrade(dsn, to)
        else:
            await migrations.upgrade(dsn, to)
        return before, await migrations.current(dsn)
