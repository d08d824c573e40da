"""`crossdock process`: instances of processes, and a new try for those that were parked."""

from typing import Annotated

import typer
from rich.markup import escape

from crossdock.assembly import Hub
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)

Process = Annotated[str, typer.Argument(help="The process, as `list` shows it.")]


@app.command(name="list")
def list_instances(
    process: Annotated[str, typer.Option(help="Only of this process.")] = "",
    every: Annotated[bool, typer.Option("--all", help="Not only those that are parked.")] = False,
    after: Annotated[str, typer.Option(help="Begin behind this PROCESS/INSTANCE.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List instances that were parked because their decision failed, with the reason."""

    async def listed(hub: Hub) -> None:
        found = await hub.instances.find(
            hub.scope, process=process, is_parked=not every, after=after, limit=limit
        )
        if as_json:
            print_json(found)
            return
        table(
            ("instance", "process", "step", "due", "parked", "reason"),
            [
                (
                    one.instance,
                    one.process,
                    one.step,
                    one.due_at and f"{one.due_at:%m-%d %H:%M:%S}",
                    one.parked_at and f"{one.parked_at:%m-%d %H:%M:%S}",
                    one.parked_reason,
                )
                for one in found
            ],
            empty="no instances yet" if every else "no instance is parked",
        )

    with_hub(listed)


@app.command()
def show(
    process: Process,
    instance: Annotated[str, typer.Argument(help="The instance, as `list` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Show what an instance remembers and waits for, and its newest steps."""

    async def shown(hub: Hub) -> None:
        whole = await hub.instances.show(hub.scope, process, instance)
        if as_json:
            print_json(whole)
            return
        one = whole.standing
        stdout.print(f"[bold]{escape(one.instance)}[/] of {one.process}, step {one.step}")
        if one.parked_at:
            stdout.print(f"  parked  {one.parked_at:%Y-%m-%d %H:%M:%S} UTC")
            stdout.print(f"  reason  {one.parked_reason}", soft_wrap=True, markup=False)
        stdout.print(f"  ledger  {one.ledger}", soft_wrap=True, markup=False)
        stdout.print(f"  timers  {one.timers}", soft_wrap=True, markup=False)
        table(
            ("step", "decided", "by", "why", "commands"),
            [
                (
                    entry.step,
                    f"{entry.decided_at:%m-%d %H:%M:%S}",
                    entry.worker,
                    entry.note,
                    len(entry.commands),
                )
                for entry in whole.journal
            ],
            empty="nothing decided yet that was worth a note",
        )

    with_hub(shown)


@app.command()
def resume(
    process: Process,
    instance: Annotated[
        str, typer.Argument(help="The instance; left out, every parked one of the process.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Have parked instances decided again, once the cause is mended; exit code 1 if none was."""

    async def resumed(hub: Hub) -> int:
        done = await hub.instances.resume(hub.scope, process, instance)
        print_json(done) if as_json else stdout.print(f"{done.count} resumed")
        return 0 if done.count else EXIT_FINDINGS

    raise typer.Exit(with_hub(resumed))
