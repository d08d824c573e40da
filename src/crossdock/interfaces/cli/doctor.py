"""`crossdock doctor`: what is wrong, and how to mend it."""

import shutil
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import typer
from rich.markup import escape

from crossdock.assembly import Hub, Outside
from crossdock.canonical.errors import CrossdockError
from crossdock.foundation import health, skew
from crossdock.foundation.health import TROUBLE, Check, State
from crossdock.foundation.keeping_up import check_readers_twice
from crossdock.foundation.postgres import ground
from crossdock.foundation.settings import Settings, unknown_variables
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.hub import read_settings, run
from crossdock.interfaces.cli.output import AsJson, print_json, stdout
from crossdock.interfaces.cli.standstill import standing_still

app = typer.Typer(add_completion=False)

AGED = timedelta(minutes=5)
MARKS = {State.OK: "[green]✓[/]", State.WARN: "[yellow]![/]", State.FAIL: "[red]✗[/]"}


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check everything that usually goes wrong; exit code 1 if something has."""
    checks = run(examine(read_settings()))
    failures = sum(check.state is State.FAIL for check in checks)
    if as_json:
        print_json({"failures": failures, "checks": checks})
    else:
        for check in checks:
            line = f"{MARKS[check.state]} {check.name:<22}{escape(check.detail)}"
            stdout.print(line, soft_wrap=True)
            if check.fix:
                stdout.print(f"  [cyan]fix: {check.fix}[/]", soft_wrap=True)
        warnings = sum(check.state is State.WARN for check in checks)
        stdout.print(f"\n{failures} failures, {warnings} warnings")
    if failures:
        raise typer.Exit(EXIT_FINDINGS)


async def examine(
    settings: Settings,
    outside: Outside | None = None,
    free_bytes: Callable[[Path], int] = _free_bytes,
    is_kept: Callable[[], bool | None] = skew.is_kept,
) -> list[Check]:
    """Look from the ground up; what needs a part that is broken is not looked at."""
    checks = [health.check_python(), health.check_settings(unknown_variables())]
    try:
        checks.append(health.check_disk(_existing(settings.data_dir), free_bytes))
    except OSError as error:
        checks.append(health.failed("Disk", error))
    part = "Database"
    try:
        async with ground(settings) as dsn:
            checks.append(await health.check_database(dsn))
            if checks[-1].state is State.OK:
                checks.append(await health.check_schema(dsn))
            if checks[-1].state is State.OK:
                part = "Hub"
                await _examine_hub(settings, outside, checks, is_kept=is_kept())
    except TROUBLE as error:
        checks.append(health.failed(part, error))
    return checks


async def _examine_hub(
    settings: Settings, outside: Outside | None, checks: list[Check], *, is_kept: bool | None
) -> None:
    async with Hub.open(settings, outside) as hub:
        checks += await _looked("Isolation", _one(health.check_scopes(hub.database)))
        clock = health.check_clock(hub.database, hub.clock, is_kept=is_kept)
        checks += await _looked("Clock", _one(clock))
        checks += await _looked("Workers", _one(health.check_workers(hub.database)))
        checks += await _looked("Readers", _one(_readers(hub)))
        checks += await _looked("Connections", _connections(hub))
        checks += await _looked("Outbox", _outbox(hub))
        checks += await _looked("Standstill", standing_still(hub))


async def _looked(name: str, looking: Awaitable[list[Check]]) -> list[Check]:
    """Make a finding of what stops a look, and look at the rest."""
    try:
        return await looking
    except TROUBLE as error:
        return [health.failed(name, error)]


async def _one(looking: Awaitable[Check]) -> list[Check]:
    return [await looking]


async def _readers(hub: Hub) -> Check:
    names = {reader.name for reader in hub.readers}
    return await check_readers_twice(hub.database, names, hub.clock)


async def _connections(hub: Hub) -> list[Check]:
    checks: list[Check] = []
    skews: dict[str, list[timedelta]] = {}
    for entry in await hub.directory.entries(hub.scope):
        name = f"Connection {entry.name}"
        if entry.is_paused:
            fix = f"crossdock connection resume {entry.name}"
            checks.append(Check(name, State.WARN, f"paused: {entry.pause_reason}", fix))
            continue
        try:
            if hub.directory.application_of(entry).connect is not None:
                with skew.listening() as skews[entry.name]:
                    said = await hub.connections.check(hub.scope, entry.name)
                checks.append(Check(name, State.OK, said.answer))
                if said.warning:
                    checks.append(Check(name, State.WARN, said.warning, said.hint))
        except CrossdockError as error:
            fix = error.hint or (
                f"look at its settings: crossdock connection show {entry.name}; mend them:"
                f" crossdock connection change {entry.name} --file …"
            )
            checks.append(Check(name, State.FAIL, error.message, fix))
    return checks + health.check_others_clocks(skews)


async def _outbox(hub: Hub) -> list[Check]:
    depths = await hub.outbox.depths(hub.scope)
    letters = sum(row["commands"] for row in depths if row["state"] in {"DEAD", "PARKED"})
    waiting = [row["oldest_at"] for row in depths if row["state"] in {"PENDING", "IN_FLIGHT"}]
    checks = [Check("Dead letters", State.OK, "none")]
    if letters:
        checks = [Check("Dead letters", State.WARN, f"{letters} commands", "crossdock dlq list")]
    age = hub.clock.now() - min(waiting) if waiting else timedelta()
    if age > AGED:
        detail = f"the oldest command has waited {age.total_seconds() / 60:.0f} minutes"
        fix = "crossdock connection list  (a circuit is open, or no worker runs: crossdock serve)"
        checks.append(Check("Outbox", State.FAIL, detail, fix))
    else:
        checks.append(Check("Outbox", State.OK, f"{len(waiting)} queues, none older than 5 min"))
    return checks


def _existing(folder: Path) -> Path:
    """Find the nearest folder that is there already: its disk is the one that will fill."""
    return folder if folder.exists() else _existing(folder.parent)
