"""A message as it comes: taken or refused, with the receipt that it asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.as2.algorithms import Digest
from crossdock.connectivity.as2.asking import Asked, asked, asked_at_least
from crossdock.connectivity.as2.duplicates import Earlier, Taken, taken
from crossdock.connectivity.as2.faults import As2Invalid
from crossdock.connectivity.as2.mime import Entity
from crossdock.connectivity.as2.receipts import Answer, Disposition, write_receipt
from crossdock.connectivity.as2.receiving import Addressed, Layers, Opener, Received, addressed
from crossdock.connectivity.as2.sending import Stamp
from crossdock.connectivity.as2.terms import House

Lookup = Callable[[Addressed], Earlier | None]


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a message. `receipt` goes to `receipt_url`, or into the answer where "".

    `received` is kept before the receipt is sent, and has an effect where `has_effect` says so.
    `is_asked` is whether it asks for a receipt; `unanswered` says why none could be made.
    """

    layers: Layers
    received: Received | None = None
    refusal: As2Invalid | None = None
    has_effect: bool = False
    is_asked: bool = False
    unanswered: Invalid | None = None
    receipt: Entity | None = field(default=None, repr=False)
    receipt_url: str = ""


def handled(message: Entity, opener: Opener, earlier: Lookup, stamp: Stamp | None) -> Handled:
    """Open a message and make its receipt. `stamp` is the receipt's; without, none is made.

    A message without sender, receiver or id cannot be answered and raises.
    """
    whose, layers = addressed(message), Layers()
    wanted: Asked | None = asked_at_least(message)
    try:
        wanted = asked(message, opener.partner.incoming)
        received = opener.open(message, layers)
        found = taken(
            received.mic(Digest.SHA256), earlier(whose), opener.partner.incoming.on_duplicate
        )
    except As2Invalid as error:
        refused = Handled(layers, refusal=error)
        if wanted is None:
            return refused
        return _answered(refused, _refusing(error, whose, wanted, opener), opener.house, stamp)
    opened = Handled(layers, received=received, has_effect=found.has_effect)
    if wanted is None:
        return opened
    if found.receipt:
        return replace(opened, is_asked=True, receipt=found.receipt, receipt_url=wanted.url)
    return _answered(opened, _taking(received, found, wanted, opener), opener.house, stamp)


def _answered(done: Handled, answer: Answer, house: House, stamp: Stamp | None) -> Handled:
    """Make the receipt; what was found stands, though there be no key of ours to sign with."""
    done = replace(done, is_asked=True, receipt_url=answer.asked.url)
    if stamp is None:
        return done
    try:
        return replace(done, receipt=write_receipt(answer, house, stamp))
    except Invalid as error:
        return replace(done, unanswered=error)


def _refusing(error: As2Invalid, whose: Addressed, wanted: Asked, opener: Opener) -> Answer:
    said = Disposition.of_fault(error.fault)
    return Answer(whose, said, wanted, wanted.digest(None, opener.partner.incoming))


def _taking(received: Received, found: Taken, wanted: Asked, opener: Opener) -> Answer:
    signature = received.layers.signature
    digest = wanted.digest(signature.digest if signature else None, opener.partner.incoming)
    return Answer(received.addressed, found.disposition, wanted, digest, received.mic(digest))
