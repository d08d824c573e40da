"""What is agreed with a partner: what cannot be used is refused, and waits have a bound."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.as2.algorithms import Cipher, Digest
from crossdock.connectivity.as2.hearing import stands
from crossdock.connectivity.as2.messages import GOOD, MessageState
from crossdock.connectivity.as2.profiles import (
    WAIT_MAX,
    Profile,
    Resending,
    checked,
    ending,
    profile_json,
    profile_of,
)
from crossdock.connectivity.as2.terms import (
    Compression,
    Incoming,
    OnDuplicate,
    Outgoing,
    ReceiptKind,
)
from tests.unit.connectivity.as2.parties import NOW, pem

OURS = pem("dock").decode()
PROFILE = Profile(
    house="dock",
    partner="Acme Ltd",
    url="https://acme.example/as2",
    certificates=(OURS,),
)
resendings = st.builds(
    Resending,
    attempts=st.integers(1, 100),
    wait_minutes=st.integers(1, 10_080),
    receipt_minutes=st.integers(1, 10_080),
)
profiles = st.builds(
    Profile,
    house=st.just("dock"),
    partner=st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=9),
    url=st.sampled_from(["", "https://acme.example/"]),
    certificates=st.sampled_from([(), (OURS,)]),
    outgoing=st.builds(
        Outgoing,
        digest=st.none() | st.sampled_from(Digest),
        cipher=st.none() | st.sampled_from(Cipher),
        oaep=st.none() | st.sampled_from(Digest),
        compression=st.none() | st.sampled_from(Compression),
        receipt=st.sampled_from(ReceiptKind),
    ),
    incoming=st.builds(
        Incoming,
        must_be_signed=st.booleans(),
        receipt_urls=st.frozensets(st.sampled_from(["https://a.example/", "https://b.example/"])),
        on_duplicate=st.sampled_from(OnDuplicate),
    ),
    resending=resendings,
)


@given(resending=resendings, attempts=st.integers(0, 10**6))
def test_a_wait_doubles_and_is_never_longer_than_a_day(
    resending: Resending, attempts: int
) -> None:
    first, wait = resending.wait(1), resending.wait(attempts)

    assert min(first, WAIT_MAX) <= wait <= WAIT_MAX
    assert resending.wait(attempts + 1) in {
        min(2 * wait, WAIT_MAX),
        wait if not attempts else None,
    }


@given(profile=profiles)
def test_a_profile_is_read_as_it_was_kept(profile: Profile) -> None:
    assert profile_of(profile_json(profile)) == profile


def test_of_several_certificates_in_one_text_each_is_kept_once() -> None:
    both = OURS + pem("shop").decode() + OURS

    found = checked(replace(PROFILE, certificates=(both, OURS)))

    assert [one.count("BEGIN") for one in found.certificates] == [1, 1]
    assert "PRIVATE" not in "".join(found.certificates)


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        (replace(PROFILE, house=""), ""),
        (replace(PROFILE, partner="Acmé"), ""),
        (replace(PROFILE, certificates=("no PEM",)), "/certificates"),
        (replace(PROFILE, certificates=()), "/certificates"),
        (replace(PROFILE, resending=Resending(attempts=0)), "/attempts"),
        (replace(PROFILE, resending=Resending(wait_minutes=10**6)), "/wait_minutes"),
        (replace(PROFILE, incoming=Incoming(bytes_max=10**12)), "/bytes_max"),
        (
            replace(PROFILE, url="", outgoing=Outgoing(receipt_url="https://us.example/")),
            "/receipt_url",
        ),
        (
            replace(
                PROFILE,
                incoming=Incoming(
                    receipt_urls=frozenset(f"https://{n}.example" for n in "abcdefghijk")
                ),
            ),
            "/receipt_urls",
        ),
    ],
)
def test_what_could_not_be_used_is_refused(wrong: Profile, where: str) -> None:
    with pytest.raises(Invalid) as refused:
        checked(wrong)

    assert refused.value.where == where


def test_who_only_sends_unsigned_needs_no_certificate() -> None:
    taking = Profile(house="dock", partner="acme", incoming=Incoming(must_be_signed=False))

    assert checked(taking) == taking


def test_a_certificate_that_ends_and_that_none_follows_is_told() -> None:
    soon = pem("dock", days=(-10, 20), serial=1).decode()
    alone, followed = (
        replace(PROFILE, certificates=(soon,)),
        replace(PROFILE, certificates=(soon, OURS)),
    )

    assert len(ending(checked(alone), NOW, timedelta(days=30))) == 1
    assert ending(checked(followed), NOW, timedelta(days=30)) == []


@given(before=st.sampled_from(MessageState), new=st.sampled_from(MessageState))
def test_no_receipt_takes_proof_away(before: MessageState, new: MessageState) -> None:
    if before in GOOD:
        assert stands(before, new)
    elif new in GOOD:
        assert not stands(before, new)
