"""What is agreed with a partner by AS2, as it is kept and put."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.as2.certificates import Certificate, expiring, read_certificates
from crossdock.connectivity.as2.names import written_name
from crossdock.connectivity.as2.terms import MEGABYTE, Incoming, Outgoing, Partner, ReceiptKind

WAIT_MAX = timedelta(days=1)
BYTES_MAX = 256 * MEGABYTE
CERTIFICATES_MAX, URLS_MAX = 20, 10
ATTEMPTS_MAX, MINUTES_MAX = 100, 7 * 24 * 60
USUAL_BYTES_MAX = 50 * MEGABYTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Resending:
    """How often a message is sent in all, and how long is waited in between.

    After the first call so many minutes, then twice as long each time, a day at most. A receipt
    that comes by a call of the partner's is waited for `receipt_minutes`.
    """

    attempts: int = 8
    wait_minutes: int = 5
    receipt_minutes: int = 60

    def wait(self, attempts: int) -> timedelta:
        """Say how long is waited after so many calls."""
        doubled = self.wait_minutes * 2 ** min(max(attempts - 1, 0), 20)
        return min(timedelta(minutes=doubled), WAIT_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One partner of one of our names. Certificates are PEM, one each."""

    house: str
    partner: str
    url: str = ""
    certificates: tuple[str, ...] = field(default=(), repr=False)
    outgoing: Outgoing = field(default_factory=Outgoing)
    incoming: Incoming = field(default_factory=lambda: Incoming(bytes_max=USUAL_BYTES_MAX))
    resending: Resending = field(default_factory=Resending)

    def known(self) -> tuple[Certificate, ...]:
        found = [
            read_certificates(one.encode(), where="/certificates") for one in self.certificates
        ]
        return tuple(one for several in found for one in several)

    def terms(self) -> Partner:
        """Give the partner in the words of those who write and open messages."""
        return Partner(
            name=self.partner,
            certificates=self.known(),
            outgoing=self.outgoing,
            incoming=self.incoming,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PutProfile:
    """A version of a profile, who put it, and when; the newest holds."""

    profile: Profile
    version: int
    put_by: str
    put_at: datetime


def checked(profile: Profile) -> Profile:
    """Refuse what could not be used; give it with one certificate in each text."""
    written_name(profile.house)
    written_name(profile.partner)
    _check_sizes(profile)
    if not profile.url and profile.outgoing.receipt_url:
        raise Invalid("a receipt is asked for of nobody: there is no url", where="/receipt_url")
    known = profile.known()
    if len(known) > CERTIFICATES_MAX:
        raise Invalid(
            f"there are more than {CERTIFICATES_MAX} certificates", where="/certificates"
        )
    _check_needed(profile, known)
    return replace(profile, certificates=tuple(dict.fromkeys(map(_pem, known))))


def _check_sizes(profile: Profile) -> None:
    resending, incoming = profile.resending, profile.incoming
    bounds = (
        ("/attempts", resending.attempts, ATTEMPTS_MAX),
        ("/wait_minutes", resending.wait_minutes, MINUTES_MAX),
        ("/receipt_minutes", resending.receipt_minutes, MINUTES_MAX),
        ("/bytes_max", incoming.bytes_max, BYTES_MAX),
    )
    for where, value, most in bounds:
        if not 1 <= value <= most:
            raise Invalid(f"{value} is not between 1 and {most}", where=where)
    if len(incoming.receipt_urls) > URLS_MAX:
        raise Invalid(f"there are more than {URLS_MAX} addresses", where="/receipt_urls")


def _check_needed(profile: Profile, known: tuple[Certificate, ...]) -> None:
    needs_one = profile.incoming.must_be_signed or (
        profile.url and (profile.outgoing.cipher or profile.outgoing.receipt is ReceiptKind.SIGNED)
    )
    if needs_one and not known:
        raise Invalid(
            "there is no certificate of the partner's, and its signature is to be verified",
            where="/certificates",
            hint="give the certificate that the partner has sent you",
        )


def _pem(certificate: Certificate) -> str:
    return certificate.pem()


def ending(profile: Profile, at: datetime, within: timedelta) -> list[Certificate]:
    """Give the certificates that end soon and that none follows."""
    return expiring(profile.known(), at, within)


def profile_json(profile: Profile) -> str:
    return msgspec.json.encode(profile).decode()


def profile_of(stored: Any) -> Profile:
    """Read a profile as it was kept; what it does not say is as it is by default."""
    return msgspec.json.decode(stored, type=Profile)
