"""Certificates and keys: which are taken, which is used, which end soon."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.as2.certificates import (
    Certificate,
    encrypting_for,
    expiring,
    in_use,
    read_certificates,
    read_own_key,
    signing_key,
)
from tests.unit.connectivity.as2.parties import NOW, own, pem


def certificate(*days: int) -> Certificate:
    return own("shop", (days[0], days[1]), 1 + days[0] % 100).certificate


def test_certificates_are_read_in_pem_and_der_one_or_several() -> None:
    [one] = read_certificates(pem("shop"))
    assert read_certificates(one.der) == (one,)
    assert len(read_certificates(pem("shop") + pem("dock"))) == 2
    assert (one.signs, one.encrypts, len(one.fingerprint)) == (True, True, 64)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid, match="no certificate"):
        read_certificates(data, where="a.crt")
    with pytest.raises(Invalid, match="no private key"):
        read_own_key(data)


def test_a_key_that_is_too_short_is_refused() -> None:
    with pytest.raises(Invalid, match="2048 bits or more"):
        read_certificates(pem("short", bits=1024))


def test_a_key_needs_its_own_certificate_and_has_to_be_of_rsa() -> None:
    strange = pem("dock")[pem("dock").index(b"-----BEGIN CERTIFICATE") :]
    secret = pem("shop")[: pem("shop").index(b"-----BEGIN CERTIFICATE")]
    assert read_own_key(secret + strange + pem("shop")).certificate == own("shop").certificate
    curve = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    for data in (secret + strange, curve + strange):
        with pytest.raises(Invalid, match="no certificate in the file"):
            read_own_key(data)
    with pytest.raises(Invalid, match="no certificate that"):
        read_own_key(secret)


def test_a_certificate_is_used_for_what_it_says_it_is_for() -> None:
    signing = read_own_key(pem("shop", usage=frozenset({"digital_signature"}), serial=1))
    sealing = read_own_key(pem("shop", usage=frozenset({"key_encipherment"}), serial=2))
    keys = (sealing, signing)
    known = [one.certificate for one in keys]

    assert signing_key(keys, NOW) is signing
    assert encrypting_for(known, NOW) == sealing.certificate
    with pytest.raises(Invalid, match="no key of our own to sign with"):
        signing_key((sealing,), NOW)
    with pytest.raises(Invalid, match="to encrypt for"):
        encrypting_for((signing.certificate,), NOW)
    with pytest.raises(Invalid, match="none is given"):
        encrypting_for((), NOW)


@given(days=st.integers(-400, 400))
def test_the_newest_that_holds_is_used_whatever_the_order(days: int) -> None:
    known = [certificate(-300, 20), certificate(-10, 365), certificate(30, 390)]
    at = NOW + timedelta(days=days)
    holding = [one for one in known if one.from_ <= at < one.until]

    for order in permutations(known):
        assert in_use(order, at) == sorted(holding, key=lambda one: one.from_, reverse=True)
        if holding:
            assert encrypting_for(order, at).from_ == max(one.from_ for one in holding)


def test_a_certificate_that_another_follows_is_not_told_as_ending() -> None:
    old, new = certificate(-300, 20), certificate(-10, 365)
    month = timedelta(days=30)

    assert expiring([old], NOW, month) == [old]
    assert expiring([old, new], NOW, month) == []
    assert expiring([old, new], NOW + timedelta(days=340), month) == [old, new]
    assert expiring([], NOW, month) == []
    assert expiring([old], datetime(2026, 1, 1, tzinfo=UTC), month) == []


def test_a_certificate_to_sign_with_is_not_followed_by_one_to_encrypt_for() -> None:
    month = timedelta(days=30)
    signing = replace(certificate(-300, 1), encrypts=False)
    sealing = replace(certificate(-10, 730), signs=False)
    either = certificate(-20, 800)

    assert expiring([signing, sealing], NOW, month) == [signing]
    assert expiring([signing, sealing, either], NOW, month) == []
    assert expiring([replace(either, signs=False), certificate(-300, 1)], NOW, month) == [
        certificate(-300, 1)
    ]


@given(
    ends=st.lists(st.tuples(st.integers(-60, 60), st.booleans(), st.booleans()), max_size=5),
    days=st.integers(0, 60),
)
def test_one_is_told_where_the_last_of_a_use_of_its_own_ends_soon(
    ends: list[tuple[int, bool, bool]], days: int
) -> None:
    first = certificate(-300, 20)
    known = [
        replace(first, until=NOW + timedelta(days=until), signs=signs, encrypts=encrypts)
        for until, signs, encrypts in ends
    ]
    lasting = [one for one in known if one.until > NOW + timedelta(days=days)]
    is_signed, is_sealed = any(one.signs for one in lasting), any(one.encrypts for one in lasting)

    told = expiring(known, NOW, timedelta(days=days))

    expected = [
        one
        for one in known
        if one not in lasting
        and ((one.signs and not is_signed) or (one.encrypts and not is_sealed))
    ]
    assert told == sorted(expected, key=lambda one: one.until)
