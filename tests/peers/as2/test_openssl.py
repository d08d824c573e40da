"""`openssl cms`, which nobody here wrote, reads what we write and writes what we read.

It has no compression in Debian's build.
"""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.certificates import read_own_key
from crossdock.connectivity.as2.faults import As2Invalid, Fault
from crossdock.connectivity.as2.mime import Entity, Headers
from crossdock.connectivity.as2.receipts import read_receipt
from crossdock.connectivity.as2.receiving import split_signed
from crossdock.connectivity.as2.terms import Outgoing
from tests.unit.connectivity.as2.parties import NOW, ORDER, Dock, pem

pytestmark = pytest.mark.skipif(
    shutil.which("openssl") is None, reason="the openssl program is not installed (apt: openssl)"
)
SIGNATURES = list(product(Digest, (False, True)))
ENCRYPTIONS = list(product(Cipher, (None, Digest.SHA1, Digest.SHA256, Digest.SHA512)))
CIPHERS = {
    Cipher.AES_128: "-aes128",
    Cipher.AES_192: "-aes192",
    Cipher.AES_256: "-aes256",
    Cipher.TRIPLE_DES: "-des3",
}
AT = ("-attime", str(int(NOW.timestamp())))


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Give a folder with the keys of both sides."""
    for name in ("shop", "dock"):
        (tmp_path / f"{name}.pem").write_bytes(pem(name))
    return tmp_path


def openssl(desk: Path, *words: str, fed: bytes = b"") -> bytes:
    done = subprocess.run(
        ["openssl", "cms", *words],
        cwd=desk,
        input=fed,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def verified(desk: Path, signed: Entity, signer: str) -> bytes:
    """Let openssl verify the signature over the part of a multipart/signed."""
    content, seal = split_signed(signed)
    (desk / "content").write_bytes(content)
    (desk / "seal").write_bytes(seal)
    return openssl(
        desk, "-verify", "-binary", "-inform", "DER", "-in", "seal", "-content", "content",
        "-CAfile", f"{signer}.pem", "-purpose", "any", *AT,
    )  # fmt: skip


@pytest.mark.parametrize(("digest", "is_pss"), SIGNATURES)
def test_what_we_sign_openssl_verifies(desk: Path, digest: Digest, is_pss: bool) -> None:  # noqa: FBT001 - a case of the matrix
    sent = Dock(outgoing=Outgoing(digest=digest, is_pss=is_pss, cipher=None)).write()

    content = verified(desk, sent.message, "shop")

    assert mime.read(content).decoded() == ORDER.content
    assert sent.mics[digest] == digest.base64_of(content)


@pytest.mark.parametrize(("cipher", "oaep"), ENCRYPTIONS)
def test_what_we_encrypt_openssl_decrypts(desk: Path, cipher: Cipher, oaep: Digest | None) -> None:
    sent = Dock(outgoing=Outgoing(digest=None, cipher=cipher, oaep=oaep)).write()
    (desk / "sealed").write_bytes(sent.message.body)

    content = openssl(
        desk, "-decrypt", "-binary", "-inform", "DER", "-in", "sealed", "-inkey", "dock.pem",
        "-recip", "dock.pem",
    )  # fmt: skip

    assert mime.read(content).decoded() == ORDER.content
    assert sent.mics[Digest.SHA256] == Digest.SHA256.base64_of(content)


def test_our_signed_receipt_openssl_verifies(desk: Path) -> None:
    dock = Dock()
    receipt = dock.handle(dock.write().message).receipt
    assert receipt

    content = verified(desk, receipt, "dock")

    assert mime.read(content).content_type.kind == "multipart/report"
    assert read_receipt(receipt, dock.receiver_as_partner, NOW).signature


def signed_by_openssl(desk: Path, content: bytes, options: Sequence[str], form: str) -> Entity:
    """Let openssl sign: as a whole multipart/signed, or as DER that is put into one."""
    (desk / "content").write_bytes(content)
    words = ("-sign", "-in", "content", "-signer", "shop.pem", "-binary", *options)
    if form == "SMIME":
        # With "-binary" it writes bare line feeds around the parts, and leaves the part as it is.
        return mime.read(openssl(desk, *words, "-outform", "SMIME"))
    seal = openssl(desk, *words, "-outform", "DER")
    part = (
        b"Content-Type: application/pkcs7-signature\r\nContent-Transfer-Encoding: binary\r\n\r\n"
    )
    kind = 'multipart/signed; boundary="b"; protocol="application/pkcs7-signature"'
    return Entity(Headers((("Content-Type", kind),)), mime.joined([content, part + seal], b"b"))


def addressed_to_us(part: Entity) -> Entity:
    names = (("AS2-From", '"The Shop"'), ("AS2-To", '"DOCK\\"1"'), ("Message-ID", "<1@shop>"))
    return replace(part, headers=Headers((*names, *part.headers)))


def options_of(digest: Digest, *, is_pss: bool) -> tuple[str, ...]:
    pss = ("-keyopt", "rsa_padding_mode:pss", "-keyopt", "rsa_pss_saltlen:digest")
    return ("-md", digest.plain, *(pss if is_pss else ()))


DOCUMENT = b"ISA*00*~\r\n\x00\xff\n--x\r\n"
HEADERS = b"Content-Type: application/edi-x12\r\nContent-Transfer-Encoding: binary\r\n\r\n"
PART = HEADERS + DOCUMENT


@pytest.mark.parametrize("form", ["SMIME", "DER"])
@pytest.mark.parametrize(("digest", "is_pss"), SIGNATURES)
def test_what_openssl_signs_we_verify(desk: Path, digest: Digest, is_pss: bool, form: str) -> None:  # noqa: FBT001 - a case of the matrix
    message = signed_by_openssl(desk, PART, options_of(digest, is_pss=is_pss), form)

    received = Dock().open(addressed_to_us(message))

    assert received.payload.content == DOCUMENT
    assert received.layers.signature
    assert (received.layers.signature.digest, received.layers.signature.is_pss) == (digest, is_pss)
    assert received.mic(digest) == digest.base64_of(PART)


@pytest.mark.parametrize("options", [("-noattr",), ("-keyid",), ("-nocerts",), ("-nosmimecap",)])
def test_signatures_of_other_forms_are_verified(desk: Path, options: tuple[str, ...]) -> None:
    (desk / "shop.pem").write_bytes(pem("shop", has_key_id=True))
    message = signed_by_openssl(desk, PART, options, "DER")
    dock = Dock(our_keys=(read_own_key(pem("shop", has_key_id=True)),))

    assert dock.open(addressed_to_us(message)).payload.content == DOCUMENT

    changed = addressed_to_us(replace(message, body=message.body.replace(b"ISA", b"ISB")))
    with pytest.raises(As2Invalid) as refused:
        dock.open(changed)
    assert refused.value.fault is Fault.INTEGRITY


@pytest.mark.parametrize("stream", [(), ("-stream",)])
@pytest.mark.parametrize(("cipher", "oaep"), ENCRYPTIONS)
def test_what_openssl_signs_and_encrypts_we_open(
    desk: Path, cipher: Cipher, oaep: Digest | None, stream: tuple[str, ...]
) -> None:
    signed = signed_by_openssl(desk, PART, (), "DER")
    (desk / "signed").write_bytes(signed.written())
    padding = (
        ("-keyopt", "rsa_padding_mode:oaep", "-keyopt", f"rsa_oaep_md:{oaep.plain}")
        if oaep
        else ()
    )
    sealed = openssl(
        desk, "-encrypt", "-binary", "-in", "signed", CIPHERS[cipher], "-outform", "DER",
        "-recip", "dock.pem", *padding, *stream,
    )  # fmt: skip
    kind = ("Content-Type", "application/pkcs7-mime; smime-type=enveloped-data")

    received = Dock().open(addressed_to_us(Entity(Headers((kind,)), sealed)))

    assert received.layers.cipher is cipher
    assert received.payload.content == DOCUMENT
    assert received.mic(Digest.SHA256) == Digest.SHA256.base64_of(PART)


def test_what_was_signed_in_canonical_form_holds_for_bare_line_feeds(desk: Path) -> None:
    """Without "-binary" openssl signs the lines as ended by CRLF, and sends them as they were."""
    lines = b"Content-Type: text/plain\n\nISA*00~\nGS*PO~\n"
    canonical = lines.replace(b"\n", b"\r\n")
    signed = signed_by_openssl(desk, canonical, (), "DER")
    sent = replace(signed, body=signed.body.replace(canonical, lines, 1))

    received = Dock().open(addressed_to_us(sent))

    assert received.payload.content == b"ISA*00~\r\nGS*PO~\r\n"
    assert received.mic(Digest.SHA256) == Digest.SHA256.base64_of(canonical)


def test_one_changed_byte_is_told_as_a_content_that_was_not_signed(desk: Path) -> None:
    message = addressed_to_us(signed_by_openssl(desk, PART, (), "SMIME"))
    changed = replace(message, body=message.body.replace(b"ISA", b"ISB"))

    with pytest.raises(As2Invalid) as refused:
        Dock().open(changed)

    assert refused.value.fault is Fault.INTEGRITY
