"""`crossdock as2` as it is typed: what is written, what is said, and the exit code."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from crossdock.connectivity.as2.algorithms import Digest
from crossdock.connectivity.as2.terms import Outgoing, ReceiptKind
from tests.interfaces.cli_commands.conftest import Said, Typist
from tests.unit.connectivity.as2.parties import NOW, ORDER, Dock, own, pem

LONG_AGO = (-400, -300)
SINCE = (-290, 9000)
THEN = NOW - timedelta(days=350)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Give a folder with a message of a time when certificates held that have ended since."""
    dock = Dock(our_keys=(own("shop", LONG_AGO),), their_keys=(own("dock", LONG_AGO),), at=THEN)
    (tmp_path / "message.as2").write_bytes(dock.write().message.written())
    (tmp_path / "dock.pem").write_bytes(pem("dock", days=LONG_AGO))
    (tmp_path / "new.pem").write_bytes(pem("new dock", days=SINCE))
    (tmp_path / "shop.pem").write_bytes(pem("shop", days=LONG_AGO))
    return tmp_path


def opened(typist: Typist, folder: Path, *options: str) -> Said:
    words = "as2 open message.as2 --key dock.pem --certificate shop.pem --out order.edi --at"
    return typist.type((*words.split(), f"{THEN:%Y-%m-%dT%H:%M:%S}", *options), {}, folder)


def test_an_old_message_is_opened_with_a_key_that_has_ended(typist: Typist, old: Path) -> None:
    said = opened(typist, old)

    assert (said.code, said.err) == (0, "")
    assert (old / "order.edi").read_bytes() == ORDER.content
    assert "cannot be made" not in said.out
    assert opened(typist, old, "--json").json["has_receipt"] is True


def test_its_document_is_written_where_its_receipt_cannot_be_signed(
    typist: Typist, old: Path
) -> None:
    said = opened(typist, old, "--receipt", "receipt.as2")

    assert said.code == 1
    assert (old / "order.edi").read_bytes() == ORDER.content
    assert not (old / "receipt.as2").exists()
    assert "the receipt cannot be made: there is no key of our own to sign with" in said.out
    assert "give a key of ours whose certificate holds" in said.out
    told = opened(typist, old, "--receipt", "receipt.as2", "--json")
    assert (told.code, told.json["has_receipt"]) == (1, False)
    assert "to sign with" in told.json["unanswered"]["message"]


def test_its_receipt_is_signed_by_a_key_that_holds_today(typist: Typist, old: Path) -> None:
    said = opened(typist, old, "--key", "new.pem", "--receipt", "receipt.as2")

    assert said.code == 0, said
    assert (old / "receipt.as2").read_bytes().startswith(b"AS2-Version")


def test_a_receipt_by_sha1_is_taken_where_that_is_allowed(typist: Typist, tmp_path: Path) -> None:
    sent = Dock(outgoing=Outgoing(receipt=ReceiptKind.PLAIN)).write()
    kept: dict[str, object] = {
        "message_id": sent.message_id,
        "to": sent.to,
        "receipt": sent.receipt,
    }
    kept |= {"digest": sent.digest, "mics": sent.mics}
    (tmp_path / "sent.json").write_text(json.dumps(kept))
    (tmp_path / "dock.pem").write_bytes(pem("dock"))
    (tmp_path / "receipt.as2").write_text(
        'AS2-From: "DOCK\\"1"\nAS2-To: The Shop\nMessage-ID: <9>\n'
        "Content-Type: multipart/report; boundary=b\n\n"
        "--b\nContent-Type: message/disposition-notification\n\n"
        "Original-Message-ID: <1@shop>\nDisposition: a/b; processed\n"
        f"Received-Content-MIC: {sent.mics[Digest.SHA1]}, sha1\n\n--b--\n",
        newline="\r\n",
    )
    words = ("as2", "match", "receipt.as2", "--sent", "sent.json", "--certificate", "dock.pem")

    refused = typist.type(words, {}, tmp_path)
    taken = typist.type((*words, "--sha1"), {}, tmp_path)

    assert (refused.code, refused.out.split(":")[0]) == (1, "UNPROVEN"), refused
    assert "by sha1, and sha-256 was asked for; ask the partner for sha-256" in refused.out
    assert (taken.code, taken.out.split(":")[0]) == (0, "TOLD"), taken


def test_a_certificate_that_ends_is_told_beside_one_of_another_use(
    typist: Typist, tmp_path: Path
) -> None:
    (tmp_path / "sign.pem").write_bytes(pem("dock", usage=frozenset({"digital_signature"})))
    sealing = pem("dock", days=(-10, 9000), usage=frozenset({"key_encipherment"}), serial=2)
    (tmp_path / "seal.pem").write_bytes(sealing)
    words = ("as2", "certificates", "sign.pem", "seal.pem", "--days", "30", "--at")

    early = typist.type((*words, f"{NOW:%Y-%m-%d}", "--json"), {}, tmp_path)
    late = typist.type((*words, f"{NOW + timedelta(days=364):%Y-%m-%d}", "--json"), {}, tmp_path)

    assert early.code == 0, early
    assert late.code == 1, late
    assert [one["ends_soon"] for one in late.json["certificates"]] == [True, False]
