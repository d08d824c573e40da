"""`crossdock dlq`: commands that need a person."""

import dataclasses
from typing import Annotated, Any
from urllib.parse import unquote

import msgspec
import typer

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.outbox import LETTERS, By, Replay, Replayed, Wanted
from crossdock.interfaces.api.shapes import PAGE
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)

ACTOR = "command-line"
Command = Annotated[str, typer.Argument(help="Command id, cmd_…")]
Of = Annotated[str, typer.Option("--connection", help="Only of this connection.")]
Code = Annotated[str, typer.Option(help="Only with this code.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the command.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, do nothing.")]


@app.command(name="list")
def list_letters(
    connection: Of = "",
    code: Code = "",
    after: Annotated[str, typer.Option(help="Begin behind this command.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List commands that were refused (DEAD) or are in doubt (PARKED), the oldest first."""

    async def listed(hub: Hub) -> None:
        wanted = Wanted(states=LETTERS, connection=connection, code=code, after=after, limit=limit)
        found = await hub.outbox.find(hub.scope, wanted)
        if as_json:
            print_json(found)
            return
        table(
            ("command", "connection", "state", "code", "what", "detail"),
            [
                (c.command_id, c.connection, c.state, c.code, _readable(c.subject), c.detail)
                for c in found
            ],
            empty="no dead letters",
        )

    with_hub(listed)


@app.command()
def show(command: Command, as_json: AsJson = False) -> None:
    """Show a command with every attempt and every revision."""

    async def shown(hub: Hub) -> None:
        letter = await hub.outbox.show(hub.scope, command)
        if as_json:
            print_json(letter)
            return
        one = letter.command
        stdout.print(f"[bold]{one.command_id}[/] {one.role} on {one.connection}: {one.state}")
        stdout.print(f"  {one.code} {one.detail}", soft_wrap=True, markup=False)
        stdout.print(f"  {one.arguments}", soft_wrap=True, markup=False)
        table(
            ("attempt", "began", "outcome", "code", "detail"),
            [
                (a.fence, f"{a.started_at:%m-%d %H:%M:%S}", a.outcome, a.code, a.detail)
                for a in letter.attempts
            ],
            empty="never attempted",
        )
        if letter.revisions:
            stdout.print()
            table(
                ("revision", "until", "by", "why it was changed", "how it read"),
                [
                    (
                        r.revision,
                        f"{r.made_at:%m-%d %H:%M:%S}",
                        r.actor,
                        r.reason,
                        msgspec.json.encode(r.arguments).decode(),
                    )
                    for r in letter.revisions
                ],
                empty="",
            )

    with_hub(shown)


@app.command()
def edit(
    command: Command,
    change: Annotated[str, typer.Option(help='JSON object of arguments, `{"quantity": "4"}`.')],
    reason: Reason,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send a refused command with other arguments; the original is kept as a revision."""

    async def edited(hub: Hub) -> None:
        result = await hub.outbox.edit(
            hub.scope, command, _changes(change), By(ACTOR, reason), dry_run=dry_run
        )
        if as_json:
            print_json({"dry_run": dry_run, "results": [result]})
        else:
            stdout.print(f"{result.command_id} {_word(result, is_trial=dry_run)}")

    with_hub(edited)


@app.command()
def replay(
    reason: Reason,
    commands: Annotated[list[str] | None, typer.Argument(help="Command ids.")] = None,
    connection: Of = "",
    code: Code = "",
    is_all: Annotated[bool, typer.Option("--all", help="Everything that was refused.")] = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Send stuck commands again, as they are; exit code 1 if none was found.

    What was refused (DEAD) is named by id, connection, code or --all; what is in doubt (PARKED),
    by its id alone.
    """

    async def replayed(hub: Hub) -> int:
        wanted = Wanted(
            connection=connection, code=code, ids=tuple(commands) if commands else None, limit=PAGE
        ).narrowed(is_all=is_all)
        results: list[Replay] = []
        while page := await hub.outbox.replay(
            hub.scope, wanted, By(ACTOR, reason), dry_run=dry_run
        ):
            results += page
            wanted = dataclasses.replace(wanted, after=page[-1].command_id)
        if as_json:
            print_json({"dry_run": dry_run, "results": results})
        else:
            table(
                ("command", "result", "why"),
                [(r.command_id, _word(r, is_trial=dry_run), r.reason) for r in results],
                empty="nothing matches",
            )
        return 0 if results else EXIT_FINDINGS

    raise typer.Exit(with_hub(replayed))


@app.command()
def discard(
    commands: Annotated[list[str], typer.Argument(help="Command ids.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Give up on commands; they stay on record."""

    async def discarded(hub: Hub) -> None:
        count = await hub.outbox.discard(hub.scope, commands, By(ACTOR, reason))
        print_json({"discarded": count}) if as_json else stdout.print(f"{count} discarded")

    with_hub(discarded)


@app.command()
def resolve(
    command: Command,
    reason: Reason,
    happened: Annotated[
        bool, typer.Option("--happened/--did-not-happen", help="Whether it took effect.")
    ],
    as_json: AsJson = False,
) -> None:
    """Answer the question of a parked command; one that did not happen is sent."""

    async def resolved(hub: Hub) -> None:
        await hub.outbox.resolve(hub.scope, command, By(ACTOR, reason), happened=happened)
        answer = {"command": command, "happened": happened}
        print_json(answer) if as_json else stdout.print(f"{command} resolved")

    with_hub(resolved)


def _word(replay: Replay, *, is_trial: bool) -> str:
    """Say what became of it, or in a trial what would."""
    is_sent = replay.result is Replayed.SENT
    return f"would be {replay.result}" if is_trial and is_sent else str(replay.result)


def _changes(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Invalid(f"--change is not a JSON object: {error}", where="--change") from None


def _readable(subject: str) -> str:
    """Write a subject as it is called; what would steer a terminal stays as it is encoded."""
    shown = unquote(subject)
    return shown if shown.isprintable() else subject
