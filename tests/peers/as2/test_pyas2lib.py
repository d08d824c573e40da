"""pyas2lib, an AS2 library that nobody here wrote: messages and receipts both ways.

Its RSASSA-PSS is wrong (openssl says so too), so it is spoken with in PKCS #1 v1.5 alone.
"""

import base64
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.matching import Verdict, matched
from crossdock.connectivity.as2.receipts import read_receipt
from crossdock.connectivity.as2.terms import Compression, Outgoing, Payload, ReceiptKind
from tests.unit.connectivity.as2.parties import ANYTHING, NOW, Dock, pem

pytestmark = pytest.mark.peer

Peer = Callable[..., dict[str, Any]]
CIPHERS = {
    Cipher.AES_128: "aes_128_cbc",
    Cipher.AES_192: "aes_192_cbc",
    Cipher.AES_256: "aes_256_cbc",
    Cipher.TRIPLE_DES: "tripledes_192_cbc",
}
DOCUMENTS = [
    Payload(content=b"ISA*00*~\r\n\x00\xff\n--x\r"),
    Payload(content=b"UNB+UNOC:3'\r\nUNH+1'\r\n", content_type="application/edifact"),
]
URL = "http://127.0.0.1/receipts"


def keys() -> dict[str, str]:
    certificate = pem("dock").partition(b"-----BEGIN CERTIFICATE")[2]
    return {
        "key": pem("shop").decode(),
        "certificate": "-----BEGIN CERTIFICATE" + certificate.decode(),
    }


def from_peer() -> Dock:
    incoming = replace(ANYTHING, receipt_urls=frozenset({URL}))
    return Dock(our_name="peer", their_name="dock", incoming=incoming)


def to_peer(outgoing: Outgoing) -> Dock:
    """Give the dock the other way round: ours is the dock's key, the peer's is the shop's."""
    dock = Dock(our_name="dock", their_name="peer", outgoing=outgoing)
    return replace(dock, our_keys=dock.their_keys, their_keys=dock.our_keys)


@pytest.mark.parametrize("document", DOCUMENTS, ids=["binary", "text"])
@pytest.mark.parametrize("is_compressed", [False, True], ids=["as it is", "compressed"])
@pytest.mark.parametrize("cipher", [None, *Cipher])
@pytest.mark.parametrize("digest", [None, *Digest])
def test_what_pyas2lib_sends_is_read_and_its_receipt_satisfies_it(
    pyas2lib: Peer,
    digest: Digest | None,
    cipher: Cipher | None,
    is_compressed: bool,  # noqa: FBT001 - a case of the matrix
    document: Payload,
) -> None:
    signs = {"sign": True, "digest_alg": digest.plain} if digest else {}
    encrypts = {"encrypt": True, "enc_alg": CIPHERS[cipher]} if cipher else {}
    receipt = {"mdn_mode": "SYNC", "mdn_digest_alg": "sha512"}
    terms = {**signs, **encrypts, **receipt, "compress": is_compressed}
    sent = pyas2lib(
        "build",
        terms=terms,
        content=document.content,
        content_type=document.content_type,
        **keys(),
    )

    handled = from_peer().handle(mime.read(base64.b64decode(sent["raw"])))

    assert handled.refusal is None
    assert handled.received
    assert handled.received.payload.content == document.content
    if digest:
        assert handled.received.mic(digest) == sent["mic"]
    assert handled.receipt
    said = pyas2lib("receipt", raw=handled.receipt.written())
    assert said == {"status": "processed", "detail": ""}


@pytest.mark.parametrize(
    ("digest", "cipher", "compression", "is_base64"),
    list(product((None, *Digest), (None, *Cipher), (None, *Compression), (False, True))),
)
def test_what_we_send_pyas2lib_reads_and_its_receipt_proves_it(
    pyas2lib: Peer,
    digest: Digest | None,
    cipher: Cipher | None,
    compression: Compression | None,
    is_base64: bool,  # noqa: FBT001 - a case of the matrix
) -> None:
    terms = Outgoing(digest=digest, cipher=cipher, compression=compression, is_base64=is_base64)
    dock = to_peer(terms)
    # Of application/octet-stream in base64 it verifies the decoded bytes, which nobody has signed.
    document = DOCUMENTS[1] if is_base64 else DOCUMENTS[0]
    sent = dock.write(document)

    answer = pyas2lib("parse", raw=sent.message.written(), terms={}, **keys())

    assert answer["status"] == "processed", answer["error"]
    assert base64.b64decode(answer["content"]) == document.content
    receipt = read_receipt(
        mime.read(base64.b64decode(answer["mdn"])), dock.receiver_as_partner, NOW
    )
    match = matched(receipt, sent, dock.incoming)
    if digest:
        assert match.verdict is Verdict.PROVEN, match.findings
    else:  # it counts nothing of what is not signed
        assert match.findings == ("it does not say what was received (no Received-Content-MIC)",)


def test_a_receipt_is_sent_where_pyas2lib_asks_for_it(pyas2lib: Peer) -> None:
    terms = {"mdn_mode": "ASYNC", "mdn_digest_alg": "sha256", "sign": True, "encrypt": True}
    sent = pyas2lib(
        "build", terms=terms, content=b"x", content_type="text/plain", mdn_url=URL, **keys()
    )

    handled = from_peer().handle(mime.read(base64.b64decode(sent["raw"])))

    assert handled.receipt_url == URL
    assert handled.receipt
    said = pyas2lib("receipt", raw=handled.receipt.written())
    assert said == {"status": "processed", "detail": ""}


def test_a_changed_message_is_refused_and_pyas2lib_is_told(pyas2lib: Peer) -> None:
    terms = {"mdn_mode": "SYNC", "mdn_digest_alg": "sha256", "sign": True}
    sent = pyas2lib("build", terms=terms, content=b"ISA*", content_type="text/plain", **keys())
    changed = base64.b64decode(sent["raw"]).replace(b"ISA*", b"ISB*")

    handled = from_peer().handle(mime.read(changed))

    assert handled.receipt
    said = pyas2lib("receipt", raw=handled.receipt.written())
    assert said == {"status": "processed/error", "detail": "integrity-check-failed"}


def test_what_pyas2lib_refuses_is_told_to_us(pyas2lib: Peer) -> None:
    dock = to_peer(Outgoing(cipher=None, receipt=ReceiptKind.SIGNED))
    sent = dock.write(DOCUMENTS[1])
    changed = sent.message.written().replace(b"UNOC", b"UNOB")

    answer = pyas2lib("parse", raw=changed, terms={}, **keys())

    receipt = read_receipt(
        mime.read(base64.b64decode(answer["mdn"])), dock.receiver_as_partner, NOW
    )
    assert matched(receipt, sent, dock.incoming).verdict is Verdict.REFUSED
    assert receipt.disposition.text == "authentication-failed"  # as it calls a digest that differs
