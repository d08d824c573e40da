"""What `crossdock edi receive` and its like do: it needs a hub, and is loaded for them alone."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import typer
from rich.text import Text

from crossdock.assembly import Hub
from crossdock.canonical.errors import Rejected
from crossdock.canonical.partners import Direction
from crossdock.connectivity.interchanges import (
    Handed,
    InterchangeWhole,
    Outcome,
    TakenIn,
    Wanted,
)
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import read_chunks
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import (
    error_object,
    lines_to,
    print_json,
    stderr,
    stdout,
    table,
)

_STYLES = {"TAKEN": "green", "SENT": "green", "REFUSED": "red", "QUARANTINED": "yellow"}


def listed(asked_for: Mapping[str, str], after: str, limit: int, *, as_json: bool) -> None:
    """List interchanges; a partner by id or name."""

    async def asked(hub: Hub) -> None:
        wanted = Wanted(**asked_for)
        if wanted.partner:
            partner = (await hub.gateway.partners.show(hub.scope, wanted.partner)).partner
            wanted = replace(wanted, partner=partner.partner)
        found = await hub.gateway.exchanged.find(hub.scope, wanted, after=after, limit=limit)
        if as_json:
            print_json({"interchanges": found})
            return
        table(
            ("interchange", "", "state", "from", "to", "control", "documents", "kept", "why"),
            [
                (
                    one.interchange,
                    one.direction,
                    one.state,
                    one.sender,
                    one.receiver,
                    one.control,
                    one.documents,
                    f"{one.kept_at:%m-%d %H:%M}",
                    one.because or one.code,
                )
                for one in found
            ],
            empty="no interchanges: `crossdock edi receive` takes one in",
        )

    with_hub(asked)


def shown(name: str, *, raw: bool, as_json: bool) -> None:
    """Show an interchange, or its bytes."""
    if raw:
        parts = with_hub(lambda hub: hub.gateway.exchanged.body(hub.scope, name))
        if as_json:
            print_json({"body": b"".join(parts).decode("latin-1")})
        else:
            sys.stdout.buffer.write(b"".join(parts))
        return
    found = with_hub(lambda hub: hub.gateway.exchanged.show(hub.scope, name))
    print_json(found) if as_json else _print_whole(found)


def replayed(names: list[str], *, as_json: bool) -> None:
    """Take in what was set aside: these, or all."""

    async def asked(hub: Hub) -> list[Outcome]:
        service = hub.gateway.interchanges
        if names:
            return [await service.replay(hub.scope, one) for one in names]
        outcomes: list[Outcome] = []
        while found := await service.replay_held(
            hub.scope, after=outcomes[-1].interchange if outcomes else ""
        ):
            outcomes += found
        return outcomes

    outcomes = with_hub(asked)
    if as_json:
        print_json({"interchanges": outcomes})
    else:
        _print_outcomes(outcomes)
        if not outcomes:
            stdout.print(Text("nothing is set aside", style="dim"))
    if any(one.state == "QUARANTINED" for one in outcomes):
        raise typer.Exit(EXIT_FINDINGS)


def missing(*, as_json: bool) -> None:
    """List control numbers that never came."""
    found = with_hub(lambda hub: hub.gateway.exchanged.missing(hub.scope))
    if as_json:
        print_json({"pairs": found})
        return
    table(
        ("from", "to", "standard", "", "highest", "missing"),
        [
            (
                one.sender,
                one.receiver,
                one.standard,
                "test" if one.is_test else "",
                one.highest,
                ", ".join(f"{a}" if a == b else f"{a} to {b}" for a, b in one.gaps),
            )
            for one in found
        ],
        empty="no control number is missing",
    )


def taken(files: list[Path], by: str, direction: Direction, *, as_json: bool) -> None:
    """Take files in, or keep what was sent."""
    told, failed = TakenIn(), list[tuple[str, Rejected]]()

    async def asked(hub: Hub) -> None:
        for one in files:
            handed = Handed(name=one.name, by=by, direction=direction)
            try:
                await hub.gateway.interchanges.receive(hub.scope, read_chunks(one), handed, told)
            except Rejected as error:
                failed.append((str(one), error))

    with_hub(asked)
    if as_json:
        refused = [{"file": name, **error_object(error)} for name, error in failed]
        beside = [{"byte": one.place.offset, "says": one.says} for one in told.beside]
        print_json({"interchanges": told.interchanges, "beside": beside, "refused": refused})
    else:
        _print_outcomes(told.interchanges)
        for each in told.beside:
            lines_to().print(Text(f"byte {each.place.offset}: {each.says}", "yellow"))
        for name, error in failed:
            hint = f"; {error.hint}" if error.hint else ""
            stderr.print(Text(f"{name}: {error.message}{hint}", "red"), soft_wrap=True)
    if failed or told.beside or any(_is_bad(one) for one in told.interchanges):
        raise typer.Exit(EXIT_FINDINGS)


def _is_bad(one: Outcome) -> bool:
    return one.state in {"REFUSED", "QUARANTINED"} or bool(one.rejected)


def _print_outcomes(outcomes: list[Outcome]) -> None:
    for one in outcomes:
        documents = ", ".join(f"{count} x {name}" for name, count in one.documents.items())
        line = Text.assemble(
            (f"{one.state:<12}", _STYLES.get(one.state, "dim")),
            f"{one.interchange} {one.sender} to {one.receiver}, {one.control}",
        )
        if documents:
            line.append(f": {documents}")
        if one.rejected:
            line.append(f", {one.rejected} refused", "red")
        if one.repeated:
            line.append(f", {one.repeated} came before", "dim")
        if why := one.because or one.code:
            line.append(f"; {why}", "dim")
        if one.answer:
            line.append(f"; answered by {one.answer}", "dim")
        lines_to().print(line, soft_wrap=True)


def _print_whole(found: InterchangeWhole) -> None:
    one = found.interchange
    kind = f"{one.standard} {one.direction}{' test' if one.is_test else ''}"
    lines = [
        f"{one.interchange} {one.state} {kind}",
        f"  from     {one.sender}",
        f"  to       {one.receiver}",
        f"  control  {one.control}",
        f"  partner  {one.partner or 'unknown'}",
        f"  kept     {one.kept_at.isoformat()} by {one.said_by}, {one.size} bytes {one.name}",
        f"  why      {one.because or one.code}" if one.because or one.code else "",
        f"  answers  {one.answers}" if one.answers else "",
        f"  answered by {found.answered_by}" if found.answered_by else "",
        f"  came again {one.repeats} times" if one.repeats else "",
    ]
    for line in lines:
        if line:
            stdout.print(line, markup=False, soft_wrap=True)
    if found.documents:
        table(
            ("document", "control", "version", "state", "segments", "expects", "by", "settled by"),
            [
                (
                    each.document,
                    each.control,
                    each.version,
                    each.state,
                    each.segments,
                    "" if each.expects == "NONE" else each.expects,
                    each.due_at.isoformat() if each.due_at else "",
                    each.settled_by,
                )
                for each in found.documents
            ],
            empty="",
        )
    for each in found.findings:
        lines_to().print(
            f"{each['severity']:<8}byte {each['byte']}: {each['says']}  {each['code']}",
            markup=False,
            soft_wrap=True,
        )
