"""Signatures over the bytes of a MIME part, made and verified."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import (
    MGF1,
    PSS,
    AsymmetricPadding,
    PKCS1v15,
)

from crossdock.connectivity.as2 import cms
from crossdock.connectivity.as2.algorithms import Digest
from crossdock.connectivity.as2.certificates import Certificate, OwnKey, in_use
from crossdock.connectivity.as2.faults import As2Invalid, Fault
from crossdock.connectivity.as2.mime import canonical
from crossdock.connectivity.as2.terms import Incoming

SALT_BYTES_MAX = 1024
"""More than the longest key has room for."""


@dataclass(frozen=True, slots=True)
class Verified:
    """A signature that holds: whose it is, and the bytes that it is over."""

    content: bytes
    digest: Digest
    certificate: Certificate
    is_pss: bool


def sign(content: bytes, key: OwnKey, digest: Digest, at: datetime, *, is_pss: bool) -> bytes:
    """Sign some bytes: detached SignedData."""
    attributes = cms.attributes_to_sign(_hashed(content, digest), at)
    algorithm = digest.of_signature
    padding = _pss(digest, algorithm.digest_size) if is_pss else PKCS1v15()
    signature = key.private.sign(attributes, padding, algorithm)
    der = key.certificate.der
    return cms.written_signed(der, attributes, signature, digest, is_pss=is_pss)


def verify(
    content: bytes,
    signature: bytes,
    certificates: Sequence[Certificate],
    terms: Incoming,
    at: datetime,
) -> Verified:
    """Verify that a partner has signed these bytes, or say why that is not so.

    Who wrote the lines with bare line feeds has signed them in canonical form.
    """
    failed: list[As2Invalid] = []
    for signer in cms.read_signed(signature):
        try:
            return _verified(content, signer, certificates, terms, at)
        except As2Invalid as error:
            failed.append(error)
    raise failed[0]


def _verified(
    content: bytes,
    signer: cms.Signer,
    certificates: Sequence[Certificate],
    terms: Incoming,
    at: datetime,
) -> Verified:
    digest = _allowed(signer, terms)
    certificate = _signed_by(signer, certificates, at)
    padding = _padding(signer, digest)
    forms = [content]
    if signer.signed:
        forms = [one for one in _forms(content) if _hashed(one, digest) == signer.message_digest]
        if not forms:
            raise As2Invalid(
                Fault.INTEGRITY,
                f"the content is not what was signed: its {digest} differs",
                hint="it was changed on its way, or the partner signs other bytes than it sends",
            )
    for form in forms:
        for signed in signer.signed or _forms(form):
            try:
                certificate.key.verify(signer.signature, signed, padding, digest.of_signature)
            except (InvalidSignature, ValueError):
                continue
            return Verified(
                form if signer.signed else signed, digest, certificate, bool(signer.pss)
            )
    raise As2Invalid(
        Fault.AUTHENTICATION if signer.signed else Fault.INTEGRITY,
        f"the signature was not made by the key of {certificate.subject}",
    )


def _forms(content: bytes) -> Iterator[bytes]:
    yield content
    if (other := canonical(content)) != content:
        yield other


def _hashed(content: bytes, digest: Digest) -> bytes:
    found = hashes.Hash(digest.of_signature)
    found.update(content)
    return found.finalize()


def _allowed(signer: cms.Signer, terms: Incoming) -> Digest:
    if signer.digest is None or not terms.takes(signer.digest):
        raise As2Invalid(
            Fault.SECURITY,
            f"it is signed with {signer.digest_name}, which is not taken of this partner",
            hint="ask the partner for SHA-256, or allow SHA-1 for this partner",
        )
    return signer.digest


def _signed_by(
    signer: cms.Signer, certificates: Sequence[Certificate], at: datetime
) -> Certificate:
    known = [one for one in certificates if signer.who in one.identifiers]
    usable = [one for one in in_use(known, at) if one.signs]
    if usable:
        return usable[0]
    if known:
        raise As2Invalid(
            Fault.AUTHENTICATION,
            f"the certificate of {known[0].subject} that it is signed with is not in use:"
            f" it holds from {known[0].from_} until {known[0].until}",
            hint="ask the partner for its new certificate",
        )
    names = "; ".join(str(one.identifiers[0]) for one in certificates)
    raise As2Invalid(
        Fault.AUTHENTICATION,
        f"it is signed by {signer.who}, and the partner's certificates are {names or 'none'}",
        hint="ask the partner which certificate it signs with",
    )


def _padding(signer: cms.Signer, digest: Digest) -> AsymmetricPadding:
    """Give the padding; of PSS, what the parameters say has to be of the same digest."""
    if signer.pss is None:
        return PKCS1v15()
    is_of_digest = signer.pss.digest is digest and signer.pss.mask_digest is digest
    if not is_of_digest or not 0 <= signer.pss.salt_bytes <= SALT_BYTES_MAX:
        raise As2Invalid(
            Fault.AUTHENTICATION, f"the parameters of RSASSA-PSS are not those of {digest}"
        )
    return _pss(digest, signer.pss.salt_bytes)


def _pss(digest: Digest, salt_bytes: int) -> PSS:
    return PSS(MGF1(digest.of_signature), salt_bytes)
