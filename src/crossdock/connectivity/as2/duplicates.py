"""What is done with a message whose id has come before."""

from dataclasses import dataclass

from crossdock.connectivity.as2.faults import As2Invalid, Fault
from crossdock.connectivity.as2.mime import Entity
from crossdock.connectivity.as2.receipts import DUPLICATE, PROCESSED, Disposition
from crossdock.connectivity.as2.terms import OnDuplicate


@dataclass(frozen=True, slots=True)
class Earlier:
    """A message that was taken before: the digest of its document, and its receipt."""

    mic: str
    receipt: Entity | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether a message has an effect, and what it is answered.

    `receipt` is the first one, where there is one already: else it is made now.
    """

    has_effect: bool
    disposition: Disposition
    receipt: Entity | None = None


def taken(mic: str, earlier: Earlier | None, policy: OnDuplicate) -> Taken:
    """Decide on a message by what has come under its sender and id before, for ever.

    The same id over another document is refused: one of the two would be lost.
    """
    if earlier is None:
        return Taken(has_effect=True, disposition=PROCESSED)
    if earlier.mic != mic:
        raise As2Invalid(
            Fault.UNEXPECTED,
            "its Message-ID has come before, with another document",
            where="Message-ID",
            hint="ask the partner to give every document a Message-ID of its own",
        )
    if policy is OnDuplicate.REPEAT:
        return Taken(has_effect=False, disposition=PROCESSED, receipt=earlier.receipt)
    return Taken(has_effect=False, disposition=DUPLICATE)
