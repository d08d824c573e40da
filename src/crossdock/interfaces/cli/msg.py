"""`crossdock msg`: say what happened; what was set aside, refused or only proposed, what waits."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from crossdock.assembly import Hub
from crossdock.capabilities.catalog import normalised
from crossdock.connectivity.proposals import Proposal
from crossdock.connectivity.replaying import ReplayedEntry
from crossdock.interfaces.api.bodies import check_json, decoded
from crossdock.interfaces.api.said_events import EventsShown, SaidEvents, record_events
from crossdock.interfaces.api.shapes import PAGE
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import STDIN, read_body
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)

REFUSED = frozenset({"CONFLICT", "QUARANTINED"})
"""What is set aside for a person; what waits, or is only a proposal, is in good hands."""

Number = Annotated[int, typer.Argument(help="As `list` shows it.")]
Source = Annotated[str, typer.Option(help="Only from this connection.")]
Code = Annotated[str, typer.Option(help="Only with this code, such as MD-ITEM-XREF.")]
Reader = Annotated[str, typer.Option(help="Only of this reader.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, do nothing.")]


@app.command()
def say(
    file: Annotated[
        Path, typer.Argument(help="JSON as `POST /v1/events` takes it; - is standard input.")
    ] = STDIN,
    as_json: AsJson = False,
) -> None:
    """Say what happened: facts of one source, a verdict each; exit code 1 if one is refused.

    What was recorded stays recorded when another is refused, and said again it is a repeat: mend
    the refused ones and say the same file again.
    """
    body = read_body(file)
    check_json(body)
    said = decoded(body, SaidEvents)

    async def recorded(hub: Hub) -> int:
        verdicts = await record_events(hub, hub.scope, said, body)
        if as_json:
            print_json(EventsShown(Counter(one.verdict for one in verdicts), verdicts))
        else:
            table(
                ("identity", "verdict", "code", "where", "reason"),
                [(v.identity, v.verdict, v.code, v.where, v.reason) for v in verdicts],
                empty="nothing was said",
            )
        return EXIT_FINDINGS if any(one.verdict in REFUSED for one in verdicts) else 0

    raise typer.Exit(with_hub(recorded))


@app.command(name="list")
def list_messages(source: Source = "", code: Code = "", as_json: AsJson = False) -> None:
    """List what is in quarantine, with the reason."""

    async def listed(hub: Hub) -> None:
        entries = await hub.quarantine.find(hub.scope, source=source, code=code)
        if as_json:
            print_json(entries)
            return
        table(
            ("number", "source", "code", "times", "since", "where", "reason"),
            [
                (e.id, e.source, e.code, e.times, e.quarantined_at, e.place, e.reason)
                for e in entries
            ],
            empty="nothing is in quarantine",
        )

    with_hub(listed)


@app.command()
def waiting(source: Source = "", as_json: AsJson = False) -> None:
    """List what waits for something it refers to, and until when."""

    async def listed(hub: Hub) -> None:
        facts = await hub.waiting_room.waiting(hub.scope, source)
        if as_json:
            print_json(facts)
            return
        table(
            ("source", "identity", "code", "missing", "tries", "until"),
            [
                (
                    f.source,
                    f.identity,
                    f.code,
                    f.missing,
                    f.attempts,
                    f"{f.expires_at:%m-%d %H:%M}",
                )
                for f in facts
            ],
            empty="nothing waits",
        )

    with_hub(listed)


@app.command()
def proposals(
    source: Source = "",
    location: Annotated[str, typer.Option(help="Only of this location.")] = "",
    after: Annotated[int, typer.Option(min=0, help="Begin behind this number.")] = 0,
    as_json: AsJson = False,
) -> None:
    """List what systems say of stock that another keeps: the newest of each kind, ignored."""

    async def listed(hub: Hub) -> None:
        found = await hub.proposals.find(
            hub.scope, source=source, location=normalised(location), after=after
        )
        if as_json:
            print_json([_as_object(one) for one in found])
            return
        table(
            ("number", "source", "location", "kept by", "what", "of", "times", "newest"),
            [
                (p.id, p.source, p.location, p.keeper, p.type, p.key, p.times,
                 f"{p.occurred_at:%m-%d %H:%M}")
                for p in found
            ],
            empty="no system says anything of stock that another keeps",
        )  # fmt: skip

    with_hub(listed)


@app.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """Show one entry, and the record it came from."""

    async def shown(hub: Hub) -> None:
        entry = await hub.quarantine.show(hub.scope, number)
        if as_json:
            print_json(entry)
            return
        stdout.print(f"[bold]{entry.code}[/] from {entry.source}: {escape(entry.reason)}")
        stdout.print(f"  where   {entry.place or 'the whole message'}")
        stdout.print(f"  state   {entry.state} {entry.closed_reason}")
        record = (entry.record or b"").decode(errors="replace") or entry.fact or ""
        stdout.print(record, soft_wrap=True, markup=False)

    with_hub(shown)


@app.command()
def replay(
    numbers: Annotated[list[int] | None, typer.Argument(help="None: all that match.")] = None,
    source: Source = "",
    code: Code = "",
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Try entries again with today's mapping and catalogue; exit code 1 if some stay."""

    async def replayed(hub: Hub) -> int:
        results: list[ReplayedEntry] = []
        after = 0
        while found := await hub.quarantine.find(
            hub.scope, source=source, code=code, ids=numbers or None, after=after, limit=PAGE
        ):
            results += await hub.quarantine.replay(hub.scope, found, dry_run=dry_run)
            after = found[-1].id
        if as_json:
            print_json({"dry_run": dry_run, "results": results})
        else:
            table(
                ("number", "result", "why"),
                [(r.id, "would go" if dry_run and r.is_closed else _word(r.is_closed), r.reason)
                 for r in results],
                empty="nothing matches",
            )  # fmt: skip
        return 0 if all(result.is_closed for result in results) else EXIT_FINDINGS

    raise typer.Exit(with_hub(replayed))


@app.command()
def discard(
    numbers: Annotated[list[int], typer.Argument(help="As `list` shows them.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the entry.")],
    as_json: AsJson = False,
) -> None:
    """Give up on entries; they stay on record."""

    async def discarded(hub: Hub) -> None:
        count = await hub.quarantine.discard(hub.scope, numbers, reason=reason)
        print_json({"discarded": count}) if as_json else stdout.print(f"{count} discarded")

    with_hub(discarded)


@app.command()
def refused(reader: Reader = "", as_json: AsJson = False) -> None:
    """List events that are in the log but that a reader of the hub could not apply."""

    async def listed(hub: Hub) -> None:
        found = await hub.refusals.find(hub.scope, reader=reader)
        if as_json:
            print_json(found)
            return
        table(
            ("position", "reader", "type", "key", "source", "since", "reason"),
            [
                (e.position, e.reader, e.type, e.key, e.source, f"{e.refused_at:%m-%d %H:%M}",
                 e.reason)
                for e in found
            ],
            empty="no event is refused",
        )  # fmt: skip

    with_hub(listed)


@app.command()
def reapply(
    position: Annotated[int, typer.Argument(help="The event's, as `refused` shows it.")],
    reader: Reader = "",
    as_json: AsJson = False,
) -> None:
    """Hand an event again to the readers that refused it; exit code 1 if one still does."""

    async def reapplied(hub: Hub) -> int:
        results = await hub.refusals.reapply(hub.scope, position, reader=reader)
        if as_json:
            print_json({"results": results})
        else:
            table(
                ("reader", "result", "why"),
                [(r.reader, "applied" if r.is_applied else "refused", r.reason) for r in results],
                empty="nothing matches",
            )
        return 0 if all(result.is_applied for result in results) else EXIT_FINDINGS

    raise typer.Exit(with_hub(reapplied))


@app.command()
def discard_event(
    position: Annotated[int, typer.Argument(help="The event's, as `refused` shows it.")],
    reason: Annotated[str, typer.Option(help="Why; kept with the event.")],
    reader: Reader = "",
    as_json: AsJson = False,
) -> None:
    """Give up on an event that a reader refused; it stays in the log and on record."""

    async def discarded(hub: Hub) -> None:
        count = await hub.refusals.discard(hub.scope, position, reason=reason, reader=reader)
        print_json({"discarded": count}) if as_json else stdout.print(f"{count} discarded")

    with_hub(discarded)


def _as_object(one: Proposal) -> dict[str, Any]:
    return {**asdict(one), "fact": msgspec.json.decode(one.fact)}


def _word(is_closed: bool) -> str:  # noqa: FBT001 - reads as said
    return "recorded" if is_closed else "stays"
