"""What a partner may be called by, and the gates on his way to production."""

from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Conflict, Invalid
from crossdock.canonical.parties import PartyRole
from crossdock.canonical.partners import (
    Acknowledgment,
    Agreement,
    Contact,
    Direction,
    Identity,
    IdentityKind,
    OnboardingState,
    Standard,
    Traffic,
)
from crossdock.capabilities.partners import model
from crossdock.capabilities.partners.model import Partner

ORDER = Agreement(standard=Standard.X12, document="850", direction=Direction.IN)
NOTICE = Agreement(
    standard=Standard.X12,
    document="856",
    direction=Direction.OUT,
    acknowledgment=Acknowledgment.X997,
    within_minutes=60,
)
WHOLE = Partner(
    partner="prt_1",
    name="Buyer",
    roles=(PartyRole.CUSTOMER,),
    owner="EDI desk",
    contacts=(Contact(name="Ann", phone="1"),),
    identities=(Identity(IdentityKind.GLN, "4012345000009"),),
    agreements=(ORDER, NOTICE),
    tested_by="Ann",
)
TRADED = Traffic(
    frozenset(
        {
            (Standard.X12, "850", Direction.IN),
            (Standard.X12, "856", Direction.OUT),
        }
    )
)
# What each of these takes away is missing from the step that it is asked for at, and ever after.
LACKS: dict[str, tuple[dict[str, Any], OnboardingState]] = {
    "owner": ({"owner": " "}, OnboardingState.INVITED),
    "role": ({"roles": ()}, OnboardingState.INVITED),
    "contact": ({"contacts": (Contact(name="Ann"),)}, OnboardingState.INVITED),
    "identity": (
        {"identities": (Identity(IdentityKind.AS2, "BUYER"),)},
        OnboardingState.INVITED,
    ),
}

states = st.sampled_from(OnboardingState)


@given(states, st.sets(st.sampled_from(sorted(LACKS))))
def test_a_partner_with_everything_and_nobody_else_takes_each_step(
    state: OnboardingState, lacking: set[str]
) -> None:
    changes = {name: value for one in lacking for name, value in LACKS[one][0].items()}
    partner = replace(WHOLE, state=state, **changes)

    found = model.missing(partner, TRADED, by="Bob")

    is_asked_for = state is OnboardingState.INVITED
    assert len(found) == (len(lacking) if is_asked_for else 0)
    taken = state is not OnboardingState.INVITED
    assert len(model.lost(partner)) == (len(lacking) if taken else 0)


@given(
    states,
    st.sets(st.sampled_from(sorted(TRADED.taken, key=repr))),
    st.integers(min_value=0, max_value=3),
)
def test_no_step_is_taken_on_documents_that_were_never_exchanged(
    state: OnboardingState,
    taken: set[tuple[Standard, str, Direction]],
    unsettled: int,
) -> None:
    found = model.missing(replace(WHOLE, state=state), Traffic(frozenset(taken), unsettled))

    lacks = 0
    if state not in {OnboardingState.INVITED, OnboardingState.LIVE}:
        lacks = len(TRADED.taken) - len(taken)
    if state is OnboardingState.APPROVED:
        lacks += bool(unsettled)
    assert len(found) == lacks


def test_who_had_it_tested_does_not_approve() -> None:
    tested = replace(WHOLE, state=OnboardingState.TESTED)

    assert model.missing(tested, TRADED, by="ann (key desk)") == [
        "Ann had it tested: another one has to approve"
    ]
    assert model.missing(tested, TRADED, by="Bob") == []
    assert model.missing(tested, TRADED) == []


def test_what_nobody_acknowledges_needs_no_test() -> None:
    silent = replace(NOTICE, acknowledgment=Acknowledgment.NONE, within_minutes=0)
    partner = replace(WHOLE, state=OnboardingState.CONNECTED, agreements=(silent,))

    assert model.missing(partner, Traffic()) == []


@pytest.mark.parametrize("state", [*OnboardingState][1:])
def test_a_partner_without_agreements_is_connected_at_most(state: OnboardingState) -> None:
    partner = replace(WHOLE, state=state, agreements=())

    asked = [] if state is OnboardingState.LIVE else ["no document is agreed on"]
    assert model.missing(partner, TRADED) == asked
    is_fine = state is OnboardingState.CONNECTED
    assert model.lost(partner) == ([] if is_fine else ["no document is agreed on"])


def test_a_company_of_the_house_is_told_from_partners() -> None:
    own = replace(WHOLE, roles=(PartyRole.LEGAL_ENTITY,))

    assert (own.known.is_own, WHOLE.known.is_own) == (True, False)
    assert WHOLE.known.agreements == WHOLE.agreements


qualifiers = {IdentityKind.ISA: "ZZ", IdentityKind.UNB: "ZZ"}
names = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=15)


@given(
    st.sampled_from([IdentityKind.ISA, IdentityKind.GS, IdentityKind.UNB, IdentityKind.AS2]),
    names,
    names,
)
def test_two_identities_are_one_if_they_are_written_alike(
    kind: IdentityKind, one: str, other: str
) -> None:
    first = model.identity(kind, f" {one} ", qualifiers.get(kind, ""))
    second = model.identity(kind, other, qualifiers.get(kind, ""))

    assert (model.address(first) == model.address(second)) == (one == other)


def test_a_number_is_one_identity_whatever_writes_it() -> None:
    gln = [
        model.identity(IdentityKind.GLN, "4012345000009"),
        model.identity(IdentityKind.UNB, "4012345000009", "14"),
    ]
    duns = [
        model.identity(IdentityKind.DUNS, "123456789"),
        model.identity(IdentityKind.UNB, "123456789", "1"),
        model.identity(IdentityKind.ISA, "123456789", "01"),
    ]
    others = [
        model.identity(IdentityKind.ISA, "123456789", "ZZ"),
        model.identity(IdentityKind.GS, "123456789"),
    ]

    for same in (gln, duns):
        assert len({model.address(one) for one in same}) == 1
    every = [gln[0], duns[0], *others]
    assert all(model.address(a) != model.address(b) for a, b in combinations(every, 2))


@pytest.mark.parametrize(
    ("kind", "value", "qualifier"),
    [
        (IdentityKind.ISA, "", "ZZ"),
        (IdentityKind.ISA, "x" * 16, "ZZ"),
        (IdentityKind.ISA, "x", ""),
        (IdentityKind.ISA, "x", "ZZZ"),
        (IdentityKind.UNB, "x", "ZZZZZ"),
        (IdentityKind.UNB, "x", "\t"),
        (IdentityKind.GS, "x", "Z"),
        (IdentityKind.GS, "x\ny", ""),
        (IdentityKind.GLN, "4012345000008", ""),
        (IdentityKind.GLN, "401234500000", ""),
        (IdentityKind.DUNS, "12345678", ""),
        (IdentityKind.DUNS, "12345678٩", ""),
    ],
)
def test_what_is_no_identity_is_refused(kind: IdentityKind, value: str, qualifier: str) -> None:
    if qualifier == "\t":
        assert model.identity(kind, value, qualifier).qualifier == ""
        return
    with pytest.raises(Invalid):
        model.identity(kind, value, qualifier)


def test_an_identity_that_is_taken_says_whose_it_is() -> None:
    told = model.taken(Identity(IdentityKind.ISA, "BUYER", "ZZ"), WHOLE)

    assert isinstance(told, Conflict)
    assert told.message == "ISA ZZ:BUYER is an identity of Buyer (prt_1) already"


@pytest.mark.parametrize(
    "said",
    [
        replace(ORDER, document=""),
        replace(ORDER, document="8 50"),
        replace(ORDER, document="ORDERSX"),
        replace(ORDER, document="örder"),
        replace(ORDER, version="x" * 41),
        replace(ORDER, guide="\n"),
        replace(ORDER, acknowledgment=Acknowledgment.CONTRL),
        replace(ORDER, standard=Standard.EDIFACT, acknowledgment=Acknowledgment.X997),
        replace(ORDER, within_minutes=5),
        replace(NOTICE, within_minutes=-1),
        replace(NOTICE, within_minutes=0),
        replace(NOTICE, within_minutes=model.WITHIN_MAX + 1),
        replace(NOTICE, acknowledgment=Acknowledgment.NONE),
    ],
)
def test_what_nobody_could_keep_is_not_agreed_on(said: Agreement) -> None:
    with pytest.raises(Invalid):
        model.check_agreement(said)


def test_what_can_be_kept_is_agreed_on() -> None:
    assert model.check_agreement(NOTICE) is NOTICE
    assert model.check_agreement(ORDER) is ORDER


@pytest.mark.parametrize(
    "partner",
    [
        replace(WHOLE, name=""),
        replace(WHOLE, name=" x"),
        replace(WHOLE, name="x" * 201),
        replace(WHOLE, name="x\x7f"),
        replace(WHOLE, name="prt_1"),
        replace(WHOLE, roles=(PartyRole.OTHER,)),
        replace(WHOLE, owner="\n"),
        replace(WHOLE, contacts=(Contact(name="Ann", email="x" * 201),)),
        replace(WHOLE, contacts=(Contact(name="Ann"),) * 21),
    ],
)
def test_a_partner_who_could_not_be_shown_is_refused(partner: Partner) -> None:
    with pytest.raises(Invalid):
        model.check(partner)


def test_a_partner_is_as_he_was_said_to_be() -> None:
    model.check(WHOLE)
