"""Certificates of partners and keys of our own: read, chosen among several, watched for expiry."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.as2.cms import Identifier, identifiers

KEY_BITS_MIN = 2048
_PEM = b"-----BEGIN"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of RSA. `from_` and `until` bound its use; what it says itself bounds them.

    While two overlap, both are taken of what comes in; what goes out uses the one that came into
    use last.
    """

    der: bytes = field(repr=False)
    key: RSAPublicKey = field(repr=False)
    identifiers: tuple[Identifier, ...] = field(repr=False)
    subject: str
    from_: datetime
    until: datetime
    signs: bool = True
    encrypts: bool = True

    @property
    def fingerprint(self) -> str:
        digest = hashes.Hash(hashes.SHA256())
        digest.update(self.der)
        return digest.finalize().hex()

    def is_in_use(self, at: datetime) -> bool:
        return self.from_ <= at < self.until

    def pem(self) -> str:
        found = x509.load_der_x509_certificate(self.der)
        return found.public_bytes(serialization.Encoding.PEM).decode()


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A private key of our own, with the certificate that the partners have of it."""

    certificate: Certificate
    private: RSAPrivateKey = field(repr=False)


def read_certificates(data: bytes, *, where: str = "") -> tuple[Certificate, ...]:
    """Read one certificate in DER, or any number in PEM."""
    try:
        found = (
            x509.load_pem_x509_certificates(data)
            if _PEM in data
            else [x509.load_der_x509_certificate(data)]
        )
        return tuple(_certificate(one, where) for one in found)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
        raise Invalid(
            f"there is no certificate that can be read: {error}",
            where=where,
            hint="certificates are X.509, in PEM or DER",
        ) from None


def _certificate(found: x509.Certificate, where: str) -> Certificate:
    key = found.public_key()
    subject = found.subject.rfc4514_string()
    if not isinstance(key, RSAPublicKey) or key.key_size < KEY_BITS_MIN:
        raise Invalid(
            f"the certificate of {subject} has no RSA key of {KEY_BITS_MIN} bits or more",
            where=where,
            hint="ask the partner for a new one",
        )
    der = found.public_bytes(serialization.Encoding.DER)
    usage = _usage(found)
    return Certificate(
        der=der,
        key=key,
        identifiers=identifiers(der),
        subject=subject,
        from_=found.not_valid_before_utc,
        until=found.not_valid_after_utc,
        signs=usage is None or usage.digital_signature or usage.content_commitment,
        encrypts=usage is None or usage.key_encipherment,
    )


def _usage(found: x509.Certificate) -> x509.KeyUsage | None:
    try:
        return found.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return None


def read_own_key(data: bytes, *, password: bytes | None = None, where: str = "") -> OwnKey:
    """Read a private key and its certificate out of one PEM text."""
    try:
        private = serialization.load_pem_private_key(data, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Invalid(
            f"there is no private key that can be read: {error}",
            where=where,
            hint="the file holds the key and its certificate, both in PEM",
        ) from None
    for certificate in read_certificates(data, where=where):
        if certificate.key == private.public_key() and isinstance(private, RSAPrivateKey):
            return OwnKey(certificate, private)
    raise Invalid("no certificate in the file belongs to the private key", where=where)


def in_use(certificates: Iterable[Certificate], at: datetime) -> list[Certificate]:
    """Give those that may be used now, the one that came into use last first."""
    usable = [one for one in certificates if one.is_in_use(at)]
    return sorted(usable, key=lambda one: one.from_, reverse=True)


def signing_key(keys: Sequence[OwnKey], at: datetime) -> OwnKey:
    """Choose the key to sign with."""
    usable = in_use((one.certificate for one in keys if one.certificate.signs), at)
    if not usable:
        raise Invalid(
            _none("key of our own to sign with", [one.certificate for one in keys], at),
            hint="give a key of ours whose certificate holds then, beside those that have ended",
        )
    return next(one for one in keys if one.certificate == usable[0])


def encrypting_for(certificates: Sequence[Certificate], at: datetime) -> Certificate:
    """Choose the certificate of a partner to encrypt for."""
    usable = in_use((one for one in certificates if one.encrypts), at)
    if not usable:
        raise Invalid(_none("certificate of the partner to encrypt for", certificates, at))
    return usable[0]


def _none(what: str, found: Sequence[Certificate], at: datetime) -> str:
    known = "; ".join(f"{one.subject} from {one.from_} until {one.until}" for one in found)
    return f"there is no {what} at {at}: {known or 'none is given'}"


def expiring(
    certificates: Iterable[Certificate], at: datetime, within: timedelta
) -> list[Certificate]:
    """Give those that end soon, or have ended, and that none follows; the first to end first.

    One to sign with is followed by no other that is to encrypt for alone, nor the other way round.
    """
    known = list(certificates)
    uses = ([one for one in known if one.signs], [one for one in known if one.encrypts])
    ending = [use for use in uses if all(one.until <= at + within for one in use)]
    told = (one for one in known if any(one in use for use in ending))
    return sorted(told, key=lambda one: one.until)
