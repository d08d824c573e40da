"""The receipt that a message asks for: whether, how signed, and where it is to go."""

from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.connectivity.as2.algorithms import Digest, digest_named
from crossdock.connectivity.as2.faults import As2Invalid, Fault
from crossdock.connectivity.as2.mime import Entity
from crossdock.connectivity.as2.terms import Incoming

SIGNATURE_PROTOCOL = "pkcs7-signature"


@dataclass(frozen=True, slots=True)
class Asked:
    """A receipt that is asked for. `url` is where it is to be sent; "" is in the answer."""

    is_signed: bool
    digests: tuple[Digest, ...] = ()
    url: str = ""

    def digest(self, of_signature: Digest | None, terms: Incoming) -> Digest:
        """Choose what the content is counted by: as it was signed, else as it is asked for."""
        if of_signature:
            return of_signature
        return next((one for one in self.digests if terms.takes(one)), Digest.SHA256)


def asked(message: Entity, terms: Incoming) -> Asked | None:
    """Read what receipt a message asks for; None for none.

    An address that is not agreed is refused: the hub calls no strangers.
    """
    if not message.headers.get("Disposition-Notification-To"):
        return None
    url = message.headers.get("Receipt-Delivery-Option") or ""
    if url and url not in terms.receipt_urls:
        raise As2Invalid(
            Fault.UNEXPECTED,
            f"the receipt is to go to {url[:200]}, which is not agreed with this partner",
            where="Receipt-Delivery-Option",
            hint="agree on the address with the partner and add it, or ask for receipts at once",
        )
    options = _options(message.headers.get("Disposition-Notification-Options") or "")
    return Asked(_is_signed(options), _digests(options, terms), url)


def asked_at_least(message: Entity) -> Asked:
    """Say how the refusal of what cannot be granted is given: in the answer, signed if asked."""
    try:
        said = message.headers.get("Disposition-Notification-Options") or ""
    except As2Invalid:
        said = ""
    return Asked(SIGNATURE_PROTOCOL in _options(said).get("signed-receipt-protocol", []))


def _options(value: str) -> dict[str, list[str]]:
    """Read `name=importance, value, value; ...`; what is written otherwise is not there."""
    found: dict[str, list[str]] = {}
    for one in value.split(";"):
        name, equals, rest = one.partition("=")
        if equals:
            found[name.strip().lower()] = [word.strip().lower() for word in rest.split(",")]
    return found


def _is_signed(options: dict[str, list[str]]) -> bool:
    wanted = options.get("signed-receipt-protocol", [])
    if not wanted:
        return False
    if SIGNATURE_PROTOCOL in wanted:
        return True
    if _is_required(wanted):
        raise As2Invalid(
            Fault.FORMAT, f"a receipt signed by {', '.join(wanted[1:])} is not made here"
        )
    return False


def _digests(options: dict[str, list[str]], terms: Incoming) -> tuple[Digest, ...]:
    wanted = options.get("signed-receipt-micalg", [])
    spoken = tuple(one for one in map(digest_named, wanted) if one and terms.takes(one))
    if wanted and not spoken and _is_required(wanted):
        raise As2Invalid(
            Fault.MIC_ALGORITHMS,
            f"a receipt that counts by {', '.join(wanted[1:]) or 'nothing'} is not made here",
        )
    return spoken


def _is_required(wanted: Sequence[str]) -> bool:
    return wanted[0] == "required"
