"""`crossdock as2 partners`, `put-partner`, `keys`, `put-key`: who is traded with by AS2."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from crossdock.assembly import Hub
from crossdock.canonical.errors import Invalid, NotFound
from crossdock.connectivity.as2.certificates import read_certificates
from crossdock.connectivity.as2.partners import KnownKey
from crossdock.interfaces.api.as2 import put_partner as put_over
from crossdock.interfaces.api.as2 import shown
from crossdock.interfaces.api.as2_shapes import As2PartnerSaid, As2PartnerShown
from crossdock.interfaces.api.sourcing_shapes import said_as
from crossdock.interfaces.cli.entry import EXIT_FINDINGS
from crossdock.interfaces.cli.files import read_body
from crossdock.interfaces.cli.hub import with_hub
from crossdock.interfaces.cli.output import AsJson, lines_to, print_json, stdout, table

BY = "command line"
NONE = "NONE"

House = Annotated[str, typer.Argument(help="Our AS2 name, as the partner spells it.")]
PartnerName = Annotated[str, typer.Argument(help="The partner's AS2 name.")]


Url = Annotated[str | None, typer.Option(help="Where it takes messages; without, none are sent.")]
Certificates = Annotated[
    list[Path] | None,
    typer.Option(help="A certificate of its own, added to those known. Repeatable."),
]
Dropped = Annotated[
    list[str] | None,
    typer.Option(help="The fingerprint of one that is not taken any more. Repeatable."),
]
Sign = Annotated[str | None, typer.Option(help="sha-256, sha-384, sha-512, sha1, none.")]
Encrypt = Annotated[str | None, typer.Option(help="aes-128, aes-192, aes-256, 3des, none.")]
Compress = Annotated[str | None, typer.Option(help="before, after, none.")]
Pss = Annotated[bool | None, typer.Option(help="Sign by RSASSA-PSS.")]
Oaep = Annotated[bool | None, typer.Option(help="Encrypt the key by RSAES-OAEP.")]
Base64 = Annotated[bool | None, typer.Option(help="Send documents in base64.")]
Asked = Annotated[str | None, typer.Option(help="What is asked for: signed, plain, none.")]
AskedAt = Annotated[
    str | None, typer.Option(help="Ask for receipts at this address of ours: …/as2.")
]
GivenTo = Annotated[
    list[str] | None,
    typer.Option(help="An address that it may ask receipts to; NONE: none. Repeatable."),
]
Unsigned = Annotated[bool | None, typer.Option(help="Take unsigned messages.")]
Unencrypted = Annotated[bool | None, typer.Option(help="Take unencrypted messages.")]
Sha1 = Annotated[bool | None, typer.Option(help="Take SHA-1.")]
TripleDes = Annotated[bool | None, typer.Option(help="Take 3DES.")]
BytesMax = Annotated[int | None, typer.Option(help="The largest message taken.")]
OnDuplicate = Annotated[
    str | None, typer.Option(help="repeat: the first receipt again; warn: one that warns.")
]
Attempts = Annotated[int | None, typer.Option(help="How often one is sent in all.")]
WaitMinutes = Annotated[
    int | None, typer.Option(help="Before the second time; doubled each time.")
]
ReceiptMinutes = Annotated[
    int | None, typer.Option(help="How long a receipt that comes by a call is waited for.")
]


def put_partner(
    house: House,
    partner: PartnerName,
    url: Url = None,
    certificate: Certificates = None,
    drop_certificate: Dropped = None,
    sign: Sign = None,
    encrypt: Encrypt = None,
    compress: Compress = None,
    pss: Pss = None,
    oaep: Oaep = None,
    base64: Base64 = None,
    receipt: Asked = None,
    receipt_url: AskedAt = None,
    receipts_to: GivenTo = None,
    unsigned: Unsigned = None,
    unencrypted: Unencrypted = None,
    sha1: Sha1 = None,
    triple_des: TripleDes = None,
    bytes_max: BytesMax = None,
    on_duplicate: OnDuplicate = None,
    attempts: Attempts = None,
    wait_minutes: WaitMinutes = None,
    receipt_minutes: ReceiptMinutes = None,
    as_json: AsJson = False,
) -> None:
    """Put the next version of what is agreed with a partner; what is left out stays."""
    said: dict[str, Any] = {
        "url": url, "sign": sign, "pss": pss, "encrypt": encrypt, "oaep": oaep,
        "compress": compress, "base64": base64, "receipt": receipt, "receipt_url": receipt_url,
        "receipt_urls": _addresses(receipts_to), "takes_unsigned": unsigned,
        "takes_unencrypted": unencrypted, "takes_sha1": sha1, "takes_3des": triple_des,
        "bytes_max": bytes_max, "on_duplicate": on_duplicate, "attempts": attempts,
        "wait_minutes": wait_minutes, "receipt_minutes": receipt_minutes,
    }  # fmt: skip
    given = {name: value for name, value in said.items() if value is not None}
    added = [_pem(one) for one in certificate or ()]
    dropped = [one.lower() for one in drop_certificate or ()]

    async def put(hub: Hub) -> As2PartnerShown:
        if added or dropped:
            given["certificates"] = await _certificates(hub, house, partner, added, dropped)
        told = said_as(As2PartnerSaid, {"house": house, "partner": partner, **given})
        return shown(hub, await put_over(hub, hub.scope, told, BY))

    done = with_hub(put)
    print_json(done) if as_json else _print_partner(done)


def partners(as_json: AsJson = False) -> None:
    """List partners by AS2. The exit code is 1 where a certificate ends and none follows it."""

    async def listed(hub: Hub) -> list[As2PartnerShown]:
        return [shown(hub, one) for one in await hub.as2.partners.listed(hub.scope)]

    found = with_hub(listed)
    if as_json:
        print_json({"partners": found})
    else:
        table(
            ("we", "partner", "url", "sign", "encrypt", "receipt", "certificates"),
            [
                (
                    *(one.house, one.partner, one.url, one.sign, one.encrypt, one.receipt),
                    "END SOON" if _ends(one) else len(one.certificates),
                )
                for one in found
            ],
            empty="there is no partner; `crossdock as2 put-partner` makes one",
        )
    if any(map(_ends, found)):
        raise typer.Exit(EXIT_FINDINGS)


def partner(house: House, name: PartnerName, as_json: AsJson = False) -> None:
    """Show what is agreed with a partner."""

    async def one(hub: Hub) -> As2PartnerShown:
        return shown(hub, await hub.as2.partners.show(hub.scope, house, name))

    found = with_hub(one)
    print_json(found) if as_json else _print_partner(found)


def put_key(
    house: House,
    key: Annotated[Path, typer.Argument(help="A private key with its certificate, PEM.")],
    as_json: AsJson = False,
) -> None:
    """Keep a key of our own, sealed, beside those that are there; the newest is used."""
    pem = read_body(key)

    async def put(hub: Hub) -> KnownKey:
        return await hub.as2.partners.put_key(hub.scope, house, pem, by=BY)

    done = with_hub(put)
    if as_json:
        print_json(done)
        return
    stdout.print(Text(f"{done.house}: {done.subject} until {done.holds_until:%Y-%m-%d}"))
    stdout.print(Text(f"{done.fingerprint}"), soft_wrap=True)


def keys(
    certificates: Annotated[
        bool, typer.Option("--certificates", help="Print what partners are given, PEM.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List our own keys by their certificates; nobody is shown what is secret of them."""

    async def listed(hub: Hub) -> list[KnownKey]:
        return await hub.as2.partners.keys(hub.scope)

    found = with_hub(listed)
    if as_json:
        print_json({"keys": found})
    elif certificates:
        lines_to().print(Text("".join(one.certificate for one in found)), end="")
    else:
        table(
            ("we", "subject", "from", "until", "", "fingerprint"),
            [
                (
                    *(one.house, one.subject),
                    *(f"{one.holds_from:%Y-%m-%d}", f"{one.holds_until:%Y-%m-%d}"),
                    *("ends soon, and none follows" if one.ends_soon else "", one.fingerprint),
                )
                for one in found
            ],
            empty="there is no key of ours; `crossdock as2 put-key` keeps one",
        )


async def _certificates(
    hub: Hub, house: str, partner: str, added: list[str], dropped: list[str]
) -> list[str]:
    """Give the certificates that are to be known: these more, and those no longer."""
    try:
        known = (await hub.as2.partners.show(hub.scope, house, partner)).profile.known()
    except NotFound:
        known = ()
    prints = {one.fingerprint for one in known}
    for one in dropped:
        if one not in prints:
            raise Invalid(
                f"no certificate has the fingerprint {one[:80]}", where="--drop-certificate"
            )
    return [one.pem() for one in known if one.fingerprint not in dropped] + added


def _addresses(said: list[str] | None) -> list[str] | None:
    return said and [one for one in said if one.upper() != NONE]


def _pem(file: Path) -> str:
    found = read_certificates(read_body(file), where=str(file))
    return "".join(one.pem() for one in found)


def _ends(one: As2PartnerShown) -> bool:
    return any(known.ends_soon for known in one.certificates)


def _print_partner(one: As2PartnerShown) -> None:
    where = lines_to()
    where.print(Text(f"{one.house} and {one.partner}, version {one.version} by {one.put_by}"))
    secured = f"signed {one.sign}, encrypted {one.encrypt}, compressed {one.compress}"
    where.print(Text(f"  sent to {one.url or 'nowhere'}: {secured}"))
    asked = f"in the answer or at {one.receipt_url}" if one.receipt_url else "in the answer"
    where.print(Text(f"  receipts: {one.receipt}, {asked}"))
    for known in one.certificates:
        soon = ", ends soon, and none follows" if known.ends_soon else ""
        line = f"  {known.subject} until {known.holds_until:%Y-%m-%d}{soon}  {known.fingerprint}"
        where.print(Text(line))
