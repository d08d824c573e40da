"""A message as it comes: taken or refused, with the receipt that it asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field

from crossdock.connectivity.as2.algorithms import Digest
from crossdock.connectivity.as2.asking import Asked, asked
from crossdock.connectivity.as2.duplicates import Earlier, Taken, taken
from crossdock.connectivity.as2.faults import As2Invalid
from crossdock.connectivity.as2.mime import Entity
from crossdock.connectivity.as2.receipts import Answer, Disposition, write_receipt
from crossdock.connectivity.as2.receiving import Addressed, Layers, Opener, Received, addressed
from crossdock.connectivity.as2.sending import Stamp

Lookup = Callable[[Addressed], Earlier | None]


@dataclass(frozen=True, slots=True)
class Handled:
    """What became of a message. `receipt` goes to `receipt_url`, or into the answer where "".

    `received` is kept before the receipt is sent, and has an effect where `has_effect` says so.
    """

    layers: Layers
    received: Received | None = None
    refusal: As2Invalid | None = None
    has_effect: bool = False
    receipt: Entity | None = field(default=None, repr=False)
    receipt_url: str = ""


def handled(message: Entity, opener: Opener, earlier: Lookup, stamp: Stamp) -> Handled:
    """Open a message and make its receipt. `stamp` is the receipt's.

    A message without sender, receiver or id cannot be answered and raises.
    """
    whose, layers = addressed(message), Layers()
    wanted: Asked | None = Asked(is_signed=False)
    try:
        wanted = asked(message, opener.partner.incoming)
        received = opener.open(message, layers)
        done = taken(
            received.mic(Digest.SHA256), earlier(whose), opener.partner.incoming.on_duplicate
        )
    except As2Invalid as error:
        receipt = _refusing(error, whose, wanted, opener, stamp)
        url = wanted.url if wanted else ""
        return Handled(layers, refusal=error, receipt=receipt, receipt_url=url)
    receipt = done.receipt or _taking(received, done, wanted, opener, stamp)
    return Handled(
        layers,
        received=received,
        has_effect=done.has_effect,
        receipt=receipt if wanted else None,
        receipt_url=wanted.url if wanted else "",
    )


def _refusing(
    error: As2Invalid, whose: Addressed, wanted: Asked | None, opener: Opener, stamp: Stamp
) -> Entity | None:
    if wanted is None:
        return None
    said = Disposition.of_fault(error.fault)
    digest = wanted.digest(None, opener.partner.incoming)
    return write_receipt(Answer(whose, said, wanted, digest), opener.house, stamp)


def _taking(
    received: Received, done: Taken, wanted: Asked | None, opener: Opener, stamp: Stamp
) -> Entity | None:
    if wanted is None:
        return None
    signature = received.layers.signature
    digest = wanted.digest(signature.digest if signature else None, opener.partner.incoming)
    answer = Answer(received.addressed, done.disposition, wanted, digest, received.mic(digest))
    return write_receipt(answer, opener.house, stamp)
