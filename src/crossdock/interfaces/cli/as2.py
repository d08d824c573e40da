"""`crossdock as2`: trade by AS2; and messages and receipts in files, without a hub."""

import re
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.text import Text

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.certificates import (
    Certificate,
    OwnKey,
    expiring,
    read_certificates,
    read_own_key,
)
from crossdock.connectivity.as2.handling import Handled, handled
from crossdock.connectivity.as2.matching import Match, Verdict, matched
from crossdock.connectivity.as2.receipts import Receipt, read_receipt
from crossdock.connectivity.as2.receiving import Opener, Received, addressed
from crossdock.connectivity.as2.sending import Awaited, Sent, Stamp, write
from crossdock.connectivity.as2.terms import (
    Compression,
    House,
    Incoming,
    Outgoing,
    Partner,
    Payload,
    ReceiptKind,
)
from crossdock.foundation.clock import SystemClock
from crossdock.foundation.ids import SystemIds, system_random
from crossdock.interfaces.cli.as2_messages import message, messages, resend, send
from crossdock.interfaces.cli.as2_partners import keys, partner, partners, put_key, put_partner
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import read_body, read_object, write_bytes, write_text
from crossdock.interfaces.cli.output import AsJson, lines_to, print_json, stdout, table

app = typer.Typer(add_completion=False, no_args_is_help=True)
for _asked in (send, messages, message, resend, partners, partner, put_partner, keys, put_key):
    app.command()(_asked)

_FIRST_LINE = re.compile(rb"\A(?:[A-Z]+ [^\r\n]* HTTP/[\d.]+|HTTP/[\d.]+ [^\r\n]*)\r?\n")
_NONE = "none"

MessageFile = Annotated[
    Path, typer.Argument(help="Headers, a blank line and the body, as they came; - for a pipe.")
]
Keys = Annotated[
    list[Path],
    typer.Option("--key", help="A private key of ours with its certificate, PEM. Repeatable."),
]
Certificates = Annotated[
    list[Path],
    typer.Option("--certificate", help="A certificate of the partner's, PEM or DER. Repeatable."),
]
At = Annotated[
    datetime | None, typer.Option("--at", help="When it came, in UTC; now if not given.")
]


@app.command()
def wrap(
    file: Annotated[Path, typer.Argument(help="The document to send.")],
    sender: Annotated[str, typer.Option("--from", help="Our AS2 name.")],
    receiver: Annotated[str, typer.Option("--to", help="The partner's AS2 name.")],
    out: Annotated[Path, typer.Option("--out", help="Where the message is written.")],
    key: Keys,
    certificate: Certificates,
    sent: Annotated[
        Path | None, typer.Option("--sent", help="Where to keep what its receipt has to say.")
    ] = None,
    kind: Annotated[str, typer.Option("--type", help="What it is.")] = "application/edi-x12",
    sign: Annotated[
        str, typer.Option("--sign", help="sha-256, sha-384, sha-512, none.")
    ] = "sha-256",
    pss: Annotated[bool, typer.Option("--pss", help="Sign by RSASSA-PSS.")] = False,
    encrypt: Annotated[
        str, typer.Option("--encrypt", help="aes-128, aes-192, aes-256, none.")
    ] = "aes-256",
    oaep: Annotated[bool, typer.Option("--oaep", help="Encrypt the key by RSAES-OAEP.")] = False,
    compress: Annotated[
        Compression | None, typer.Option("--compress", help="Before it is signed, or after.")
    ] = None,
    receipt: Annotated[
        ReceiptKind, typer.Option("--receipt", help="The receipt that is asked for.")
    ] = ReceiptKind.SIGNED,
    receipt_url: Annotated[str, typer.Option(help="Where the receipt is to be sent.")] = "",
    message_id: Annotated[str, typer.Option(help="Made up if not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make the message that carries a document: compressed, signed and encrypted.

    The file holds the headers and the body of the POST to the partner. `sha1` and `3des` are
    taken too, for who can do no better.
    """
    terms = Outgoing(
        digest=_chosen(Digest, sign, "--sign"),
        is_pss=pss,
        cipher=_chosen(Cipher, encrypt, "--encrypt"),
        oaep=Digest.SHA256 if oaep else None,
        compression=compress,
        receipt=receipt,
        receipt_url=receipt_url,
    )
    stamp = _stamp(message_id)
    payload = Payload(content=read_body(file), content_type=kind, filename=_named(file))
    partner = Partner(name=receiver, certificates=_certificates(certificate), outgoing=terms)
    made = write(payload, House(name=sender, keys=_keys(key)), partner, stamp)
    write_bytes(out, made.message.written())
    if sent:
        write_text(sent, _kept(made))
    said = {"message_id": made.message_id, "digest": made.digest, "mic": made.mics[made.digest]}
    if as_json:
        print_json({**said, "file": out, "bytes": len(made.message.body)})
    else:
        line = f"<{made.message_id}> to {receiver}, {made.digest} {said['mic']}"
        stdout.print(Text(line), soft_wrap=True)


@app.command(name="open")
def open_(
    message: MessageFile,
    key: Keys,
    certificate: Certificates,
    out: Annotated[Path | None, typer.Option("--out", help="Where the document goes.")] = None,
    receipt: Annotated[
        Path | None, typer.Option("--receipt", help="Where the receipt goes, if one is asked for.")
    ] = None,
    receipt_url: Annotated[
        list[str] | None, typer.Option(help="An address that receipts may be sent to. Repeatable.")
    ] = None,
    sha1: Annotated[bool, typer.Option("--sha1", help="Take SHA-1.")] = False,
    des: Annotated[bool, typer.Option("--3des", help="Take 3DES.")] = False,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="It need not be signed.")] = False,
    unencrypted: Annotated[bool, typer.Option("--unencrypted", help="Nor encrypted.")] = False,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Open a message: decrypt, decompress and verify it; write its document and its receipt.

    What is wrong is told to you as it is, and to the partner as a receipt may say it. The exit
    code is 1 where the message is refused, or the receipt that you want cannot be made: it is
    signed as of now. Duplicates are not looked for.
    """
    found = _message(message)
    whose, stamp = addressed(found), _stamp("")
    terms = Incoming(
        must_be_signed=not unsigned,
        must_be_encrypted=not unencrypted,
        takes_sha1=sha1,
        takes_3des=des,
        receipt_urls=frozenset(receipt_url or ()),
    )
    partner = Partner(name=whose.sender, certificates=_certificates(certificate), incoming=terms)
    house = House(name=whose.receiver, keys=_keys(key))
    opener = Opener(house, partner, _moment(at) or stamp.at, stamp.random)
    done = handled(found, opener, lambda _: None, stamp if receipt else None)
    if done.received and out:
        write_bytes(out, done.received.payload.content)
    if done.receipt and receipt:
        write_bytes(receipt, done.receipt.written())
    if as_json:
        print_json({"message_id": whose.message_id, "from": whose.sender, **_opened(done)})
    else:
        _print_opened(done, whose.message_id)
    if done.refusal or done.unanswered:
        raise typer.Exit(EXIT_FINDINGS)


@app.command()
def match(
    receipt: MessageFile,
    sent: Annotated[Path, typer.Option("--sent", help="What `wrap --sent` has kept.")],
    certificate: Certificates,
    sha1: Annotated[bool, typer.Option("--sha1", help="Take SHA-1.")] = False,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Hold a receipt against the message that was sent, and say what is proven by it.

    PROVEN: signed, over the same bytes. TOLD: the same without a signature. REFUSED: the partner
    has not taken it. UNPROVEN: what the receipt says does not hold. The last two exit with 1.
    """
    found = _message(receipt)
    kept = _sent(sent)
    incoming = Incoming(takes_sha1=sha1)
    partner = Partner(name=kept.to, certificates=_certificates(certificate), incoming=incoming)
    read = read_receipt(found, partner, _moment(at) or SystemClock().now())
    done = matched(read, kept, incoming)
    if as_json:
        print_json(_matched(read, done))
    else:
        line = f"{done.verdict}: {read.disposition}, <{read.original_message_id}>"
        stdout.print(Text(line), soft_wrap=True)
        for finding in done.findings:
            stdout.print(Text(f"  {finding}"), soft_wrap=True)
    if done.verdict in {Verdict.REFUSED, Verdict.UNPROVEN}:
        raise typer.Exit(EXIT_FINDINGS)


@app.command()
def certificates(
    files: Annotated[list[Path], typer.Argument(help="Certificates of one partner, or of ours.")],
    days: Annotated[int, typer.Option(min=0, help="How long before its end one is told.")] = 30,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Show certificates, which is used, and whether the last of them ends soon.

    Of several that hold, all are taken of what comes in; what goes out uses the newest. The exit
    code is 1 where the last to sign with, or the last to encrypt for, ends within the days.
    """
    now = _moment(at) or SystemClock().now()
    known = _certificates(files)
    ending = expiring(known, now, timedelta(days=days))
    if as_json:
        rows = [{**_certificate(one), "ends_soon": one in ending} for one in known]
        print_json({"certificates": rows})
    else:
        table(
            ("serial", "subject", "from", "until", ""),
            [_row(one, now, is_ending=one in ending) for one in known],
            empty="there is no certificate",
        )
    if ending:
        raise typer.Exit(EXIT_FINDINGS)


T = TypeVar("T", bound=StrEnum)


def _chosen(kind: type[T], said: str, where: str) -> T | None:
    if said == _NONE:
        return None
    try:
        return kind(said)
    except ValueError:
        names = ", ".join(kind)
        raise Invalid(f"{said!r} is none of {names}, {_NONE}", where=where) from None


def _stamp(message_id: str) -> Stamp:
    made = message_id or f"{SystemIds().text()}@crossdock"
    return Stamp(made.strip("<>"), SystemClock().now(), system_random())


def _moment(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at and at.tzinfo is None else at


def _named(file: Path) -> str:
    return "" if str(file) == "-" else file.name


def _keys(files: list[Path]) -> tuple[OwnKey, ...]:
    return tuple(read_own_key(read_body(one), where=str(one)) for one in files)


def _certificates(files: list[Path]) -> tuple[Certificate, ...]:
    read = [read_certificates(read_body(one), where=str(one)) for one in files]
    return tuple(one for several in read for one in several)


def _message(file: Path) -> mime.Entity:
    """Read a message as a server or a proxy has kept it, with or without its first line."""
    return mime.read(_FIRST_LINE.sub(b"", read_body(file), count=1))


def _kept(made: Sent) -> str:
    """Write what a receipt will be held against, as JSON."""
    whole = {one.name: getattr(made, one.name) for one in fields(Awaited)}
    return msgspec.json.encode(whole).decode() + "\n"


def _sent(file: Path) -> Awaited:
    try:
        return msgspec.convert(read_object(file), Awaited)
    except msgspec.ValidationError as error:
        raise Invalid(
            f"{file} is not what `as2 wrap --sent` keeps: {error}", where=str(file)
        ) from None


def _opened(done: Handled) -> dict[str, Any]:
    """Say what became of a message, for machines."""
    has_receipt = done.is_asked and not done.unanswered
    said: dict[str, Any] = {"layers": done.layers.seen, "has_receipt": has_receipt}
    said["receipt_url"] = done.receipt_url
    if done.unanswered:
        said["unanswered"] = _error(done.unanswered)
    if done.refusal:
        return {**said, "refused": {"fault": done.refusal.fault, **_error(done.refusal)}}
    received = done.received
    if received is None:
        return said
    payload = received.payload
    document = {"type": payload.content_type, "name": payload.filename}
    return {**said, "bytes": len(payload.content), **document, "mic": _mic(received)}


def _error(error: Invalid) -> dict[str, str]:
    return {"message": error.message, "where": error.where, "hint": error.hint}


def _mic(received: Received) -> str:
    """Give the digest that its receipt gives."""
    signature = received.layers.signature
    digest = signature.digest if signature else Digest.SHA256
    return f"{received.mic(digest)}, {digest}"


def _print_opened(done: Handled, message_id: str) -> None:
    where = lines_to()
    for layer in done.layers.seen:
        where.print(Text(layer), soft_wrap=True)
    if done.refusal:
        error = done.refusal
        where.print(_told("REFUSED ", error), soft_wrap=True)
        where.print(Text(f"the partner is told: {error.fault}"), soft_wrap=True)
    elif done.received:
        payload = done.received.payload
        named = f" {payload.filename}" if payload.filename else ""
        size = f"{len(payload.content)} bytes of {payload.content_type}"
        where.print(Text(f"<{message_id}>: {size}{named}"), soft_wrap=True)
    if done.unanswered:
        line = _told("the receipt cannot be made: ", done.unanswered)
        where.print(line, soft_wrap=True)
    elif done.receipt_url:
        where.print(Text(f"the receipt is to be sent to {done.receipt_url}"), soft_wrap=True)


def _told(what: str, error: Invalid) -> Text:
    line = Text.assemble((what, "red"), error.message)
    return line.append(f"; {error.hint}", "dim") if error.hint else line


def _matched(read: Receipt, done: Match) -> dict[str, Any]:
    signed_by = read.signature.certificate.subject if read.signature else ""
    said = {"verdict": done.verdict, "findings": done.findings, "signed_by": signed_by}
    whose = {"message_id": read.original_message_id, "from": read.addressed.sender}
    return {**said, **whose, "disposition": str(read.disposition), "text": read.text}


def _certificate(one: Certificate) -> dict[str, Any]:
    said = {"subject": one.subject, "serial": _serial(one), "fingerprint": one.fingerprint}
    used = {"signs": one.signs, "encrypts": one.encrypts}
    return {**said, **used, "from": one.from_, "until": one.until}


def _serial(one: Certificate) -> str:
    return f"{one.identifiers[0].serial:x}"


def _row(one: Certificate, now: datetime, *, is_ending: bool) -> tuple[str, ...]:
    state = "" if one.is_in_use(now) else "not in use"
    said = "ends soon, and none follows" if is_ending else state
    return _serial(one), one.subject, f"{one.from_:%Y-%m-%d}", f"{one.until:%Y-%m-%d}", said
