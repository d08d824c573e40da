"""A receipt held against the message that it is for: what is proven by it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from crossdock.connectivity.as2.receipts import Receipt
from crossdock.connectivity.as2.sending import Awaited
from crossdock.connectivity.as2.terms import Incoming, ReceiptKind


class Verdict(StrEnum):
    """PROVEN: the partner has these bytes, and has signed for them. TOLD: it says so, unsigned.

    REFUSED: it has not taken the message. UNPROVEN: what the receipt says does not hold.
    """

    PROVEN = "PROVEN"
    TOLD = "TOLD"
    REFUSED = "REFUSED"
    UNPROVEN = "UNPROVEN"


@dataclass(frozen=True, slots=True)
class Match:
    verdict: Verdict
    findings: tuple[str, ...] = ()


def matched(receipt: Receipt, sent: Awaited, terms: Incoming) -> Match:
    """Hold a receipt against what was sent, on the terms of what is taken of the partner."""
    faults = tuple(_faults(receipt, sent, terms))
    if faults:
        return Match(Verdict.UNPROVEN, faults)
    if not receipt.disposition.is_processed:
        return Match(Verdict.REFUSED, (str(receipt.disposition),))
    warned = (str(receipt.disposition),) if receipt.disposition.modifier else ()
    return Match(Verdict.PROVEN if receipt.signature else Verdict.TOLD, warned)


def _faults(receipt: Receipt, sent: Awaited, terms: Incoming) -> Iterator[str]:
    if receipt.original_message_id != sent.message_id:
        yield f"it is for <{receipt.original_message_id}>, not for <{sent.message_id}>"
    if receipt.addressed.sender != sent.to:
        yield f"it is from {receipt.addressed.sender!r}, and the message went to {sent.to!r}"
    if sent.receipt is ReceiptKind.SIGNED and receipt.signature is None:
        yield "it is not signed, as was asked for"
    if receipt.disposition.is_processed:
        yield from _faults_of_count(receipt, sent, terms)


def _faults_of_count(receipt: Receipt, sent: Awaited, terms: Incoming) -> Iterator[str]:
    counted_by = receipt.mic_digest
    if not receipt.mic:
        yield "it does not say what was received (no Received-Content-MIC)"
        return
    if counted_by is None:
        yield "it counts what was received by an algorithm that is unknown here"
        return
    if counted_by is not sent.digest and not terms.takes(counted_by):
        yield (
            f"it counts what was received by {counted_by}, and {sent.digest} was asked for;"
            f" ask the partner for {sent.digest}, or allow {counted_by} for this partner"
        )
    if receipt.mic != (ours := sent.mics.get(counted_by, "unknown")):
        yield (
            f"the partner has received other bytes: their {counted_by} is {receipt.mic},"
            f" and of what was sent it is {ours}"
        )
