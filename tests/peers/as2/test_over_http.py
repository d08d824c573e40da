"""A hub's AS2 over real HTTP with what nobody here wrote: pyas2lib, and `openssl cms`."""

import base64
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.exchange import Exchange
from crossdock.connectivity.as2.messages import MessageState, ToSend
from crossdock.connectivity.as2.mime import Entity, Headers
from crossdock.connectivity.as2.profiles import Profile
from crossdock.connectivity.as2.receiving import split_signed
from crossdock.connectivity.as2.terms import Compression, Incoming, Outgoing, Payload
from crossdock.foundation.clock import VirtualClock
from crossdock.foundation.database import Database
from crossdock.foundation.settings import Settings
from crossdock.interfaces.api.app import create_app
from crossdock.interfaces.cli.http_server import serving
from tests.interfaces.api.as2_sides import (
    MAIN,
    bring,
    certificate,
    encoded,
    exchange_at,
    whole,
)
from tests.interfaces.api.conftest import House
from tests.peers.as2.test_openssl import openssl
from tests.unit.connectivity.as2.parties import NOW, pem

Peer = Callable[..., dict[str, Any]]
DOCUMENT = Payload(content=b"UNB+UNOC:3'\r\nUNH+1'\r\n", content_type="application/edifact")
SIGNED_RECEIPT = (
    "signed-receipt-protocol=required, pkcs7-signature; signed-receipt-micalg=required, sha-256"
)
KEYS = {"key": pem("shop").decode(), "certificate": certificate("dock")}


@dataclass(frozen=True)
class Dock:
    """Our hub, and where it is reached."""

    as2: Exchange
    url: str

    async def agree(self, url: str, outgoing: Outgoing) -> None:
        await self.as2.partners.put_key(MAIN, "dock", pem("dock"), by="test")
        incoming = Incoming(receipt_urls=frozenset({url}))
        profile = Profile(
            house="dock",
            partner="peer",
            url=url,
            certificates=(certificate("shop"),),
            outgoing=outgoing,
            incoming=incoming,
        )
        await self.as2.partners.put(MAIN, profile, by="test")

    async def documents(self) -> list[bytes]:
        listed = await self.as2.messages.listed(MAIN, direction="IN", state="TAKEN")
        return [(await self.as2.messages.show(MAIN, one.message)).payload for one in listed]


@pytest.fixture
async def dock(database: Database) -> AsyncIterator[Dock]:
    house = House(database, Settings(tenant="main", data_dir=Path("/nonexistent")))
    house.as2 = exchange_at(database, VirtualClock(NOW))
    async with serving(create_app(house)) as address:
        yield Dock(house.as2, f"{address}/as2")


@dataclass
class PeerServer:
    """pyas2lib behind an HTTP server: it reads what comes, and answers with its receipt."""

    ask: Peer
    read: list[dict[str, Any]]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        raw = await whole(scope, receive)
        if self.read:
            said = self.ask("receipt", raw=raw)
        else:
            said = self.ask("parse", raw=raw, terms={}, **KEYS)
        self.read.append(said)
        answer = (
            mime.read(base64.b64decode(said["mdn"])) if "mdn" in said else Entity(Headers(), b"")
        )
        headers = encoded(dict(answer.headers))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})


@pytest.mark.peer
@pytest.mark.parametrize(
    "outgoing",
    [
        Outgoing(),
        Outgoing(digest=Digest.SHA512, cipher=Cipher.AES_128, compression=Compression.BEFORE),
        Outgoing(cipher=None, compression=Compression.AFTER),
    ],
)
async def test_pyas2lib_takes_what_the_hub_sends_and_proves_it(
    dock: Dock, pyas2lib: Peer, outgoing: Outgoing
) -> None:
    server = PeerServer(pyas2lib, [])
    async with serving(server) as address:
        await dock.agree(f"{address}/", outgoing)
        wanted = ToSend(house="dock", partner="peer", payload=DOCUMENT, request_id="r")
        intended = await dock.as2.posting.intend(MAIN, wanted)
        sent = await dock.as2.posting.post(MAIN, intended.message)

    assert (sent.state, sent.because) == (MessageState.PROVEN, "")
    assert base64.b64decode(server.read[0]["content"]) == DOCUMENT.content


def built(pyas2lib: Peer, **more: Any) -> bytes:
    terms = {"sign": True, "digest_alg": "sha256", "encrypt": True, "enc_alg": "aes_256_cbc"}
    asked: Mapping[str, Any] = {"mdn_digest_alg": "sha256", "mdn_mode": "SYNC", **more}
    url = {"mdn_url": asked["mdn_url"]} if "mdn_url" in asked else {}
    kept = {name: value for name, value in asked.items() if name != "mdn_url"}
    said = pyas2lib(
        "build", terms={**terms, **kept}, content=DOCUMENT.content,
        content_type=DOCUMENT.content_type, **url, **KEYS,
    )  # fmt: skip
    return base64.b64decode(said["raw"])


@pytest.mark.peer
async def test_the_hub_takes_what_pyas2lib_sends_and_its_receipt_satisfies_it(
    dock: Dock, pyas2lib: Peer
) -> None:
    await dock.agree("http://127.0.0.1:1/", Outgoing())
    raw = built(pyas2lib)

    answers = [await bring(dock.url, raw) for _ in range(2)]

    for answer in answers:
        receipt = Entity(Headers(tuple(answer.headers.items())), answer.body)
        said = pyas2lib("receipt", raw=receipt.written())
        assert said == {"status": "processed", "detail": ""}
    assert answers[0].body == answers[1].body
    assert await dock.documents() == [DOCUMENT.content]


@pytest.mark.peer
async def test_the_hub_sends_its_receipt_where_pyas2lib_asks_for_it(
    dock: Dock, pyas2lib: Peer
) -> None:
    server = PeerServer(pyas2lib, [{}])
    async with serving(server) as address:
        await dock.agree(f"{address}/receipts", Outgoing())
        raw = built(pyas2lib, mdn_mode="ASYNC", mdn_url=f"{address}/receipts")
        answer = await bring(dock.url, raw)
        assert (answer.status, answer.body) == (200, b"")
        await dock.as2.posting.post_due()

    assert server.read[1:] == [{"status": "processed", "detail": ""}]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
async def test_the_hub_takes_what_openssl_makes_and_openssl_verifies_its_receipt(
    dock: Dock, tmp_path: Path
) -> None:
    await dock.agree("http://127.0.0.1:1/", Outgoing())
    for name in ("shop", "dock"):
        (tmp_path / f"{name}.pem").write_bytes(pem(name))
    part = b"Content-Type: application/edifact\r\n\r\n" + DOCUMENT.content
    signed = openssl(
        tmp_path, "-sign", "-binary", "-signer", "shop.pem", "-md", "sha256",
        "-outform", "SMIME", fed=part,
    )  # fmt: skip
    sealed = openssl(
        tmp_path, "-encrypt", "-binary", "-aes256", "-outform", "DER", "dock.pem", fed=signed
    )
    headers = Headers(
        (
            ("AS2-Version", "1.2"),
            ("AS2-From", "peer"),
            ("AS2-To", "dock"),
            ("Message-ID", "<1@peer>"),
            ("Content-Type", "application/pkcs7-mime; smime-type=enveloped-data"),
            ("Disposition-Notification-To", "peer"),
            (
                "Disposition-Notification-Options",
                SIGNED_RECEIPT,
            ),
        )
    )

    answer = await bring(dock.url, Entity(headers, sealed).written())

    receipt = Entity(Headers(tuple(answer.headers.items())), answer.body)
    content, seal = split_signed(receipt)
    (tmp_path / "content").write_bytes(content)
    (tmp_path / "seal").write_bytes(seal)
    said = openssl(
        tmp_path, "-verify", "-binary", "-inform", "DER", "-in", "seal", "-content", "content",
        "-CAfile", "dock.pem", "-purpose", "any", "-attime", str(int(NOW.timestamp())),
    )  # fmt: skip
    assert b"automatic-action/MDN-sent-automatically; processed\r\n" in said
    assert await dock.documents() == [DOCUMENT.content]
