"""`crossdock as2 send`, `messages`, `message`, `resend`: documents to and from partners."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid
from crossdock.connectivity.as2.messages import (
    GOOD,
    OPEN,
    KeptMessage,
    MessageState,
    Stored,
    ToSend,
)
from crossdock.connectivity.as2.terms import Payload
from crossdock.foundation.ids import SystemIds
from crossdock.interfaces.api.as2_shapes import check_content_type
from crossdock.interfaces.cli.as2_partners import House, PartnerName
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import read_body, write_bytes
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, lines_to, print_json, table

Kept = Annotated[str, typer.Argument(help="The message, `msg_…`, as `as2 messages` names it.")]


def send(
    house: House,
    partner: PartnerName,
    file: Annotated[Path, typer.Argument(help="The document; - for a pipe.")],
    kind: Annotated[str, typer.Option("--type", help="What it is.")] = "application/edi-x12",
    request: Annotated[
        str, typer.Option(help="Your name for it: asked again, it is sent once.")
    ] = "",
    later: Annotated[bool, typer.Option("--later", help="Leave the sending to a worker.")] = False,
    as_json: AsJson = False,
) -> None:
    """Send a document to a partner, and say what its receipt proves.

    What is not settled at once a worker sends again, under the same Message-ID. The exit code is
    1 where the partner has refused it, or its receipt does not hold.
    """
    wanted = ToSend(
        house=house,
        partner=partner,
        payload=Payload(
            content=read_body(file),
            content_type=check_content_type(kind),
            filename="" if str(file) == "-" else file.name,
        ),
        request_id=request or SystemIds().text(),
    )

    async def sent(hub: Hub) -> KeptMessage:
        intended = await hub.as2.posting.intend(hub.scope, wanted)
        return intended if later else await hub.as2.posting.post(hub.scope, intended.message)

    done = with_hub(sent)
    print_json(done) if as_json else _print_message(done)
    if done.state not in GOOD | OPEN:
        raise typer.Exit(EXIT_FINDINGS)


def messages(
    direction: Annotated[str, typer.Option(help="IN or OUT.")] = "",
    state: Annotated[str, typer.Option(help=", ".join(MessageState))] = "",
    partner: Annotated[str, typer.Option(help="The partner's AS2 name.")] = "",
    after: Annotated[str, typer.Option(help="The last one of the page before.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List messages in and out, the newest first."""
    if state and state.upper() not in list(MessageState):
        raise Invalid(f"{state!r} is none of {', '.join(MessageState)}", where="--state")

    async def listed(hub: Hub) -> list[KeptMessage]:
        return await hub.as2.messages.listed(
            hub.scope,
            direction=direction.upper(),
            state=state.upper(),
            partner=partner,
            after=after,
            limit=limit,
        )

    found = with_hub(listed)
    if as_json:
        print_json({"messages": found})
        return
    table(
        ("message", "", "we", "partner", "state", "document", "because"),
        [
            (
                *(one.message, one.direction, one.house, one.partner, one.state),
                *(one.filename or one.content_type, one.because),
            )
            for one in found
        ],
        empty="there is no such message",
    )


def message(
    kept: Kept,
    out: Annotated[Path | None, typer.Option(help="Where to write its document.")] = None,
    raw: Annotated[
        Path | None, typer.Option(help="Where to write it as it travelled, for `as2 open`.")
    ] = None,
    receipt: Annotated[Path | None, typer.Option(help="Where to write its receipt.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a message, and write out what is kept of it, to the byte."""

    async def shown(hub: Hub) -> Stored:
        return await hub.as2.messages.show(hub.scope, kept)

    found = with_hub(shown)
    for file, content in ((out, found.payload), (raw, found.raw), (receipt, found.receipt)):
        if file is not None:
            if content is None:
                raise Invalid(f"{kept} has no receipt", where="--receipt")
            write_bytes(file, content)
    print_json(found.kept) if as_json else _print_message(found.kept)


def resend(kept: Kept, as_json: AsJson = False) -> None:
    """Send a message again that was given up, refused, or is waited for; its id stays."""

    async def sent(hub: Hub) -> KeptMessage:
        await hub.as2.posting.again(hub.scope, kept)
        return await hub.as2.posting.post(hub.scope, kept)

    done = with_hub(sent)
    print_json(done) if as_json else _print_message(done)
    if done.state not in GOOD | OPEN:
        raise typer.Exit(EXIT_FINDINGS)


def _print_message(one: KeptMessage) -> None:
    where = lines_to()
    because = f": {one.because}" if one.because else ""
    lines: list[Any] = [f"{one.message} {one.state}{because}"]
    ways = ("from", "for") if one.direction == "IN" else ("to", "by")
    lines.append(f"  <{one.message_id}> {ways[0]} {one.partner} {ways[1]} {one.house}")
    named = f" {one.filename}" if one.filename else ""
    lines.append(f"  {one.payload_bytes} bytes of {one.content_type}{named}")
    if one.due_at:
        lines.append(f"  next at {one.due_at:%Y-%m-%d %H:%M} UTC, after {one.attempts} calls")
    for line in lines:
        where.print(Text(line))
