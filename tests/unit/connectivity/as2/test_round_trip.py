"""Every combination of algorithms that can be agreed: read as written, and counted alike."""

from itertools import cycle, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.matching import Match, Verdict, matched
from crossdock.connectivity.as2.receipts import is_receipt, read_receipt
from crossdock.connectivity.as2.terms import Compression, Incoming, Outgoing, Payload, ReceiptKind
from tests.unit.connectivity.as2.parties import NOW, ORDER, Dock

SIGNED = [(None, False), *product(Digest, (False, True))]
ENCRYPTED = [(None, None), *product(Cipher, (None, Digest.SHA1, Digest.SHA256, Digest.SHA512))]
COMBINATIONS = [
    Outgoing(
        digest=digest,
        is_pss=is_pss,
        cipher=cipher,
        oaep=oaep,
        compression=compression,
        is_base64=is_base64,
        receipt=receipt,
    )
    for ((digest, is_pss), (cipher, oaep), compression, is_base64), receipt in zip(
        product(SIGNED, ENCRYPTED, (None, *Compression), (False, True)), cycle(ReceiptKind)
    )
]


def holds(terms: Outgoing, payload: Payload) -> None:
    dock = Dock(outgoing=terms)
    sent = dock.write(payload)
    handled = dock.handle(sent.message)

    assert handled.refusal is None
    assert handled.received
    assert handled.received.payload == payload
    assert handled.received.mic(sent.digest) == sent.mics[sent.digest]
    assert (handled.receipt is None) == (terms.receipt is ReceiptKind.NONE)
    if handled.receipt:
        assert is_receipt(handled.receipt)
        receipt = read_receipt(handled.receipt, dock.receiver_as_partner, NOW)
        is_signed = terms.receipt is ReceiptKind.SIGNED
        verdict = Verdict.PROVEN if is_signed else Verdict.TOLD
        assert matched(receipt, sent, Incoming()) == Match(verdict)
        assert receipt.mic_digest is sent.digest


@pytest.mark.parametrize("shard", range(8))
def test_every_combination_is_read_as_it_was_written(shard: int) -> None:
    for terms in COMBINATIONS[shard::8]:
        holds(terms, ORDER)


@given(content=st.binary(max_size=400), number=st.integers(0, len(COMBINATIONS) - 1))
def test_any_bytes_come_through_as_they_are(content: bytes, number: int) -> None:
    holds(COMBINATIONS[number], Payload(content=content))


@given(
    pieces=st.lists(
        st.sampled_from(
            [b"\r", b"\n", b"\r\n", b"--", b"=_crossdock_", b" ", b"\x00", b"\xff", b"."]
        ),
        max_size=12,
    ),
    number=st.integers(0, len(COMBINATIONS) - 1),
)
def test_line_ends_of_any_kind_come_through_as_they_are(pieces: list[bytes], number: int) -> None:
    holds(COMBINATIONS[number], Payload(content=b"".join(pieces)))
