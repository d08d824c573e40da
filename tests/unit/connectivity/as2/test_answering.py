"""Receipts: what is asked for, what is said, what it proves, and what comes twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from crossdock.connectivity.as2 import mime
from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.asking import Asked, asked
from crossdock.connectivity.as2.duplicates import Earlier, taken
from crossdock.connectivity.as2.faults import As2Invalid, Fault
from crossdock.connectivity.as2.handling import Handled, handled
from crossdock.connectivity.as2.matching import Match, Verdict, matched
from crossdock.connectivity.as2.mime import Entity
from crossdock.connectivity.as2.names import read_name, written_name
from crossdock.connectivity.as2.receipts import (
    Answer,
    Disposition,
    Receipt,
    is_receipt,
    read_receipt,
    write_receipt,
)
from crossdock.connectivity.as2.receiving import Addressed
from crossdock.connectivity.as2.sending import Sent, Stamp, fresh_boundary
from crossdock.connectivity.as2.terms import Incoming, OnDuplicate, Outgoing, ReceiptKind
from tests.unit.connectivity.as2.parties import ANYTHING, NOW, Dock, but, own

URL = "https://shop.example/receipts"


def receipt_of(done: Handled, dock: Dock | None = None) -> Receipt:
    assert done.receipt
    return read_receipt(done.receipt, (dock or Dock()).receiver_as_partner, NOW)


def options(value: str, terms: Incoming = ANYTHING) -> Asked | None:
    message = but(
        Dock().write().message,
        disposition_notification_options=value,
        disposition_notification_to="x",
    )
    return asked(message, terms)


def test_a_receipt_is_asked_for_by_its_header_alone() -> None:
    assert (
        asked(Dock(outgoing=Outgoing(receipt=ReceiptKind.NONE)).write().message, ANYTHING) is None
    )
    assert options("") == Asked(is_signed=False)
    assert options("nonsense; =;") == Asked(is_signed=False)


def test_a_signed_receipt_counts_by_the_first_digest_that_is_taken() -> None:
    wanted = options(
        "Signed-Receipt-Protocol=optional, PKCS7-Signature;"
        " signed-receipt-micalg = optional, md5, sha1, SHA384, sha-256"
    )
    assert wanted == Asked(is_signed=True, digests=(Digest.SHA1, Digest.SHA384, Digest.SHA256))
    assert wanted is not None
    assert wanted.digest(None, Incoming()) is Digest.SHA384
    assert wanted.digest(None, ANYTHING) is Digest.SHA1
    assert wanted.digest(Digest.SHA512, ANYTHING) is Digest.SHA512
    assert Asked(is_signed=True).digest(None, ANYTHING) is Digest.SHA256


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("signed-receipt-protocol=required, pgp-signature", Fault.FORMAT),
        ("signed-receipt-micalg=required, md5", Fault.MIC_ALGORITHMS),
        ("signed-receipt-micalg=required", Fault.MIC_ALGORITHMS),
    ],
)
def test_a_receipt_that_is_required_and_cannot_be_made_fails_the_message(
    value: str, fault: Fault
) -> None:
    assert options(value.replace("required", "optional"))
    with pytest.raises(As2Invalid) as refused:
        options(value)
    assert refused.value.fault is fault

    done = Dock().handle(but(Dock().write().message, disposition_notification_options=value))

    assert done.received is None
    assert str(receipt_of(done).disposition) == f"failed/failure: {fault}"


def test_a_receipt_goes_to_no_address_that_is_not_agreed() -> None:
    dock = Dock(outgoing=Outgoing(receipt_url=URL))
    message = dock.write().message

    refused = dock.handle(message)
    assert refused.refusal
    assert refused.receipt_url == ""
    assert receipt_of(refused).disposition.text == Fault.UNEXPECTED

    agreed = replace(dock, incoming=replace(ANYTHING, receipt_urls=frozenset({URL})))
    assert agreed.handle(message).receipt_url == URL
    for near in (URL + "/", URL.upper(), URL + "?a", "https://shop.example@evil/receipts"):
        assert agreed.handle(but(message, receipt_delivery_option=near)).refusal


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda m: replace(m, body=m.body.replace(b"ISA", b"ISB")), Fault.INTEGRITY),
        (lambda m: but(m, content_type="multipart/signed"), Fault.UNEXPECTED),
        (lambda m: but(m, content_type="application/pkcs7-mime"), Fault.UNEXPECTED),
    ],
)
def test_a_refused_message_is_answered_with_its_fault_and_without_a_digest(
    change: Callable[[Entity], Entity], fault: Fault
) -> None:
    dock = Dock(outgoing=Outgoing(cipher=None))
    sent = dock.write()

    done = dock.handle(change(sent.message))
    receipt = receipt_of(done)

    assert (done.received, done.has_effect) == (None, False)
    assert (receipt.disposition, receipt.mic) == (Disposition("error", fault.value), "")
    assert receipt.signature
    assert f"not taken: {fault}" in receipt.text
    refused = Match(Verdict.REFUSED, (f"processed/error: {fault}",))
    assert matched(receipt, sent, ANYTHING) == refused


def test_a_message_that_asks_for_no_receipt_gets_none_whatever_becomes_of_it() -> None:
    dock = Dock(outgoing=Outgoing(receipt=ReceiptKind.NONE, cipher=None))
    message = dock.write().message

    assert dock.handle(message).receipt is None
    refused = dock.handle(replace(message, body=b""))
    assert refused.refusal
    assert refused.receipt is None


def test_who_cannot_be_answered_is_not_answered() -> None:
    for header in ("as2_from", "as2_to", "message_id"):
        with pytest.raises(As2Invalid):
            Dock().handle(but(Dock().write().message, **{header: None}))


def test_a_message_that_comes_again_is_answered_as_before_and_has_no_effect() -> None:
    dock = Dock()
    message = dock.write().message
    first = dock.handle(message)
    assert first.received
    assert first.has_effect
    earlier = Earlier(first.received.mic(Digest.SHA256), first.receipt)

    again = dock.handle(message, lambda _: earlier)
    assert (again.has_effect, again.receipt) == (False, first.receipt)

    warned = replace(dock, incoming=replace(ANYTHING, on_duplicate=OnDuplicate.WARN))
    said = receipt_of(warned.handle(message, lambda _: earlier))
    assert str(said.disposition) == "processed/warning: duplicate-document"
    assert said.mic == first.received.mic(Digest.SHA256)
    assert "no second effect" in said.text

    # It could not be signed then, say: so this is the first one.
    made_now = dock.handle(message, lambda _: replace(earlier, receipt=None))
    assert (made_now.has_effect, str(receipt_of(made_now).disposition)) == (False, "processed")


def test_another_document_under_an_id_that_has_come_is_refused() -> None:
    with pytest.raises(As2Invalid, match="with another document"):
        taken("a", Earlier("b"), OnDuplicate.REPEAT)

    done = Dock().handle(Dock().write().message, lambda _: Earlier("other"))
    assert (done.received, done.has_effect) == (None, False)
    assert receipt_of(done).disposition.text == Fault.UNEXPECTED


def answered(sent: Sent, **changes: object) -> Receipt:
    return replace(receipt_of(Dock().handle(sent.message)), **changes)  # type: ignore[arg-type] # fields by name


def test_a_receipt_proves_nothing_where_it_is_for_something_else() -> None:
    sent = Dock().write()
    for changes, why in (
        ({"original_message_id": "2@shop"}, "not for <1@shop>"),
        ({"addressed": Addressed("another", "The Shop", "9@dock")}, "from 'another'"),
        ({"signature": None}, "not signed"),
        ({"mic": ""}, "does not say what was received"),
        ({"mic": "AAAA"}, "other bytes"),
        ({"mic_digest": None}, "unknown"),
    ):
        match = matched(answered(sent, **changes), sent, ANYTHING)
        assert match.verdict is Verdict.UNPROVEN
        assert why in match.findings[0]
    kept_less = replace(sent, mics={})
    assert matched(answered(sent), kept_less, ANYTHING).verdict is Verdict.UNPROVEN


@pytest.mark.parametrize("asked_for", Digest)
@pytest.mark.parametrize("counted_by", Digest)
def test_a_receipt_by_another_digest_proves_only_where_the_terms_take_it(
    asked_for: Digest, counted_by: Digest
) -> None:
    sent = Dock(outgoing=Outgoing(digest=asked_for)).write()
    receipt = answered(sent, mic=sent.mics[counted_by], mic_digest=counted_by)

    strict = matched(receipt, sent, Incoming())
    lenient = matched(receipt, sent, Incoming(takes_sha1=True))

    if counted_by is Digest.SHA1 and asked_for is not Digest.SHA1:
        assert strict.verdict is Verdict.UNPROVEN
        [finding] = strict.findings
        assert f"by sha1, and {asked_for} was asked for" in finding
        assert f"ask the partner for {asked_for}" in finding
    else:
        assert strict == Match(Verdict.PROVEN)
    assert lenient == Match(Verdict.PROVEN)


def test_a_receipt_with_a_warning_proves_and_is_told() -> None:
    sent = Dock().write()

    warned = answered(sent, disposition=Disposition("warning", "duplicate-document"))
    match = matched(warned, sent, Incoming())

    assert match == Match(Verdict.PROVEN, ("processed/warning: duplicate-document",))


def test_a_receipt_that_was_changed_or_signed_by_another_is_refused() -> None:
    dock = Dock()
    receipt = dock.handle(dock.write().message).receipt
    assert receipt
    for message, fault in (
        (replace(receipt, body=receipt.body.replace(b"; p", b"; P")), Fault.INTEGRITY),
        (Dock(their_keys=(own("stranger"),)).handle(
            Dock(their_keys=(own("stranger"),)).write().message).receipt, Fault.AUTHENTICATION),
        (but(receipt, as2_from="another"), Fault.UNEXPECTED),
        (dock.write().message, Fault.UNEXPECTED),
    ):  # fmt: skip
        assert message
        with pytest.raises(As2Invalid) as refused:
            read_receipt(message, dock.receiver_as_partner, NOW)
        assert refused.value.fault is fault


def plain_receipt(fields: str, text: str = "") -> Entity:
    body = f"--b\r\nContent-Type: message/disposition-notification\r\n\r\n{fields}\r\n{text}--b--"
    headers = (
        'AS2-From: "DOCK\\"1"\r\nAS2-To: The Shop\r\nMessage-ID: <9>\r\n'
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n"
    )
    return mime.read((headers + body).encode())


@pytest.mark.parametrize(
    ("said", "disposition"),
    [
        ("automatic-action/MDN-sent-automatically; processed", Disposition()),
        (
            "automatic-action/MDN-sent-automatically;processed/Error: x: y",
            Disposition("error", "x: y"),
        ),
        ("a/b; Processed / Warning : z", Disposition("warning", "z")),
        ("a/b; failed", Disposition("failure", "")),
        ("a/b; failed/Failure: unsupported format", Disposition("failure", "unsupported format")),
        ("a/b; processed/error", Disposition("error", "")),
    ],
)
def test_dispositions_are_read_as_they_are_met(said: str, disposition: Disposition) -> None:
    read = read_receipt(
        plain_receipt(f"Disposition: {said}\r\nOriginal-Message-ID: 1@shop\r\n"),
        Dock().receiver_as_partner,
        NOW,
    )
    assert (read.disposition, read.original_message_id) == (disposition, "1@shop")
    assert (read.mic, read.mic_digest, read.text) == ("", None, "")


@pytest.mark.parametrize(
    "fields",
    [
        "Disposition: deleted\r\nOriginal-Message-ID: <1>",
        "Original-Message-ID: <1>",
        "Disposition: a; processed",
        "Disposition: a; processed\r\nOriginal-Message-ID: < >",
        "no field",
        "",
    ],
)
def test_a_receipt_that_says_nothing_clear_is_refused(fields: str) -> None:
    with pytest.raises(As2Invalid):
        read_receipt(plain_receipt(fields), Dock().receiver_as_partner, NOW)
    with pytest.raises(As2Invalid, match="no part"):
        read_receipt(
            replace(plain_receipt(""), body=b"--b\r\n\r\nx\r\n--b--"),
            Dock().receiver_as_partner,
            NOW,
        )


def test_receipts_are_told_from_documents_by_their_types() -> None:
    dock = Dock(outgoing=Outgoing(cipher=None))
    receipt = dock.handle(dock.write().message).receipt
    assert receipt
    assert is_receipt(receipt)
    assert is_receipt(plain_receipt(""))
    assert not is_receipt(dock.write().message)
    assert not is_receipt(but(receipt, content_type="multipart/report"))
    assert not is_receipt(Dock(outgoing=Outgoing(cipher=Cipher.AES_128)).write().message)


@pytest.mark.parametrize("name", ["a", "A b", 'q"uote', "back\\slash", ' "\\ ', "~!#", "x" * 128])
def test_names_are_read_as_they_were_written(name: str) -> None:
    message = but(Dock().write().message, as2_from=written_name(name))

    assert read_name(message.headers, "AS2-From") == name


def test_a_receipt_says_its_name_in_quotes_where_that_is_needed() -> None:
    said = Answer(
        Addressed("s", 'D "1"', "1"), Disposition(), Asked(is_signed=False), Digest.SHA256
    )
    written = write_receipt(said, Dock().receiver, Stamp("9", NOW, Random(1))).body

    assert b'Final-Recipient: rfc822; "D \\"1\\""\r\n' in written
    assert b"Received-Content-MIC" not in written


def test_the_time_of_a_message_has_a_zone() -> None:
    with pytest.raises(As2Invalid, match="no zone"):
        write_receipt(
            Answer(Addressed("s", "r", "1"), Disposition(), Asked(is_signed=False), Digest.SHA256),
            Dock().receiver,
            Stamp("9", NOW.replace(tzinfo=None), Random(1)),
        )


def test_a_boundary_that_stands_in_the_content_is_drawn_again() -> None:
    first = fresh_boundary(Random(1), b"")

    assert fresh_boundary(Random(1), first.encode()) != first


def test_a_message_is_taken_or_refused_though_its_receipt_cannot_be_signed() -> None:
    ended = NOW - timedelta(days=1)
    dock = Dock(their_keys=(own("dock", (-30, -1)),), at=ended - timedelta(days=1))
    stamp = Stamp("9@dock", NOW, Random(9))
    message = dock.write().message

    done = handled(message, dock.opener, lambda _: None, stamp)
    refused = handled(replace(message, body=b""), dock.opener, lambda _: None, stamp)

    assert done.received
    assert (done.has_effect, done.is_asked, done.receipt) == (True, True, None)
    assert done.unanswered
    assert "no key of our own to sign with" in str(done.unanswered)
    assert refused.refusal
    assert (refused.is_asked, refused.receipt, bool(refused.unanswered)) == (True, None, True)


def test_no_receipt_is_made_where_none_is_wanted_here() -> None:
    dock = Dock(outgoing=Outgoing(cipher=None))
    message = dock.write().message

    for one in (message, replace(message, body=b"")):
        done = handled(one, dock.opener, lambda _: None, None)
        assert (done.is_asked, done.receipt, done.unanswered) == (True, None, None)
