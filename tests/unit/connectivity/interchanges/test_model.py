"""What becomes of an interchange: gaps, repeats, what is set aside, and what is waited for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.partners import (
    Acknowledgment,
    Agreement,
    Direction,
    Identity,
    IdentityKind,
    KnownPartner,
    OnboardingState,
    Standard,
)
from crossdock.connectivity.interchanges import model
from crossdock.connectivity.interchanges.model import DocumentIs, Expected, Interchange, Numbers
from crossdock.connectivity.interchanges.reading import read
from tests.processes.exchanged import order, orders, said_997, x12

OWN = KnownPartner(partner="prt_0", name="Own", state=OnboardingState.INVITED, is_own=True)
BUYER = KnownPartner(partner="prt_1", name="Buyer", state=OnboardingState.LIVE)
AGREED = Agreement(
    standard=Standard.X12,
    document="850",
    direction=Direction.OUT,
    acknowledgment=Acknowledgment.X997,
    within_minutes=5,
)


def one(body: bytes) -> Interchange:
    [found] = [each for each in read([body]) if isinstance(each, Interchange)]
    return found


numbers = st.lists(st.integers(min_value=1, max_value=40), min_size=1, max_size=60)


@given(numbers)
def test_gaps_are_the_numbers_above_the_first_that_never_came(came: list[int]) -> None:
    heard = Numbers()
    for number in came:
        heard = model.numbered(heard, number)

    highest = max(came)
    # A number below the first, before anything higher came, leaves no gap.
    missing = {each for first, last in heard.gaps for each in range(first, last + 1)}
    assert heard.highest == highest
    assert missing.isdisjoint(came)
    assert missing == {each for each in range(came[0] + 1, highest) if each not in came}
    assert all(first <= last for first, last in heard.gaps)
    assert list(heard.gaps) == sorted(heard.gaps)


@given(st.lists(st.integers(min_value=1, max_value=model.NUMBER_MAX), max_size=500))
def test_gaps_never_grow_without_end(came: list[int]) -> None:
    heard = Numbers()
    for number in came:
        heard = model.numbered(heard, number)

    assert len(heard.gaps) <= model.GAPS_MAX


def test_numbers_begin_anew_behind_the_last() -> None:
    last = model.numbered(Numbers(), model.NUMBER_MAX)

    lap = model.numbered(last, 1)

    assert lap == Numbers(1)
    assert model.numbered(lap, 3) == Numbers(3, ((2, 2),))


@pytest.mark.parametrize(
    ("written", "compares"),
    [("000000001", "1"), ("1", "1"), ("000", "0"), (" A01 ", "A01"), ("٣", "٣"), ("", "")],
)
def test_a_control_number_is_the_same_however_it_is_padded(written: str, compares: str) -> None:
    assert model.same(written) == compares


@pytest.mark.parametrize(
    ("control", "number"), [("000000012", 12), ("A1", None), ("٣", None), ("1" * 10, None)]
)
def test_a_control_number_counts_if_it_is_a_number(control: str, number: int | None) -> None:
    assert model.number_of(control) == number


def test_sides_are_known_by_what_their_header_says() -> None:
    x12_side, edifact_side = one(x12(1, order())).sender, one(orders("7")).sender

    assert x12_side == model.Party("ZZ:BUYER", Identity(IdentityKind.ISA, "BUYER", "ZZ"))
    assert edifact_side.identity == Identity(IdentityKind.UNB, "4012345000009", "14")
    assert model.edifact_party(()).identity == Identity(IdentityKind.UNB, "", "")
    assert model.x12_party("Z\0", "A:B").written == "Z␀:A\\:B"


@pytest.mark.parametrize(
    ("sender", "receiver", "usage", "code"),
    [
        (BUYER, OWN, "P", None),
        (BUYER, OWN, "T", None),
        (None, OWN, "P", "SENDER-UNKNOWN"),
        (OWN, OWN, "P", "SENDER-OWN"),
        (BUYER, None, "P", "RECEIVER-UNKNOWN"),
        (BUYER, BUYER, "P", "RECEIVER-UNKNOWN"),
    ],
)
def test_what_is_not_between_a_partner_and_the_house_is_set_aside(
    sender: KnownPartner | None, receiver: KnownPartner | None, usage: str, code: str | None
) -> None:
    found = model.held(sender, receiver, one(x12(1, order(), usage=usage)))

    assert (found and found.code) == code


@given(state=st.sampled_from(OnboardingState), is_test=st.booleans())
def test_tests_are_taken_from_the_connected_and_all_from_the_live(
    *, state: OnboardingState, is_test: bool
) -> None:
    sender = KnownPartner(partner="prt_1", name="Buyer", state=state)

    found = model.held(sender, OWN, one(x12(1, order(), usage="T" if is_test else "P")))

    is_live, is_invited = state is OnboardingState.LIVE, state is OnboardingState.INVITED
    assert (found is None) == (is_live or (is_test and not is_invited))


@pytest.mark.parametrize(
    ("sender", "receiver", "code"),
    [
        (OWN, BUYER, None),
        (None, BUYER, "SENDER-UNKNOWN"),
        (BUYER, BUYER, "SENDER-UNKNOWN"),
        (OWN, None, "RECEIVER-UNKNOWN"),
        (OWN, OWN, "RECEIVER-UNKNOWN"),
    ],
)
def test_what_was_sent_is_from_the_house_to_a_partner(
    sender: KnownPartner | None, receiver: KnownPartner | None, code: str | None
) -> None:
    found = model.addressed_to(sender, receiver, one(x12(1, order())))

    assert (found and found.code) == code


def test_what_is_expected_is_what_was_agreed_of_what_we_send() -> None:
    receiver = KnownPartner(
        partner="prt_1", name="Buyer", state=OnboardingState.LIVE, agreements=(AGREED,)
    )

    found = [model.expected(receiver, Standard.X12, kind) for kind in ("850", "855", "997")]

    assert found == [
        Expected(acknowledgment=Acknowledgment.X997, within_minutes=5), Expected(), Expected()
    ]  # fmt: skip


@given(
    kinds=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6),
    is_known=st.booleans(),
)
def test_each_document_is_taken_once_however_often_it_comes(
    *, kinds: list[str], is_known: bool
) -> None:
    found = one(x12(1, *(order(kind, f"{kinds.index(kind):04}") for kind in kinds)))
    digests = {each.digest for each in found.documents}
    assert len(digests) == len(set(kinds))

    states = model.judged(found, digests if is_known else set())

    repeated_in_group = any(each.is_wrong for each in found.documents)
    assert repeated_in_group == (len(set(kinds)) < len(kinds))
    assert states.count(DocumentIs.TAKEN) == (0 if is_known else len(set(kinds)))


def test_of_an_interchange_that_is_refused_nothing_is_taken() -> None:
    for found in (one(x12(1, order())), one(orders("7")), one(x12(2, said_997(1)))):
        refused = model.refused_as_used(found)

        assert refused.is_wrong
        assert refused.findings[0] == ("", refused.repeated)
        assert set(model.judged(refused, set())) == {DocumentIs.REJECTED}


def test_an_interchange_without_an_answer_is_refused_without_one() -> None:
    contrl = orders("7").replace(b"ORDERS:D:96A:UN:EAN008", b"CONTRL:D:3:UN")

    refused = model.refused_as_used(one(contrl))

    assert (refused.is_wrong, refused.answer) == (True, None)


def test_remarks_tell_of_repeats_and_of_what_nobody_agreed_on() -> None:
    found = one(x12(1, order("a", "0001"), order("b", "0002")))

    said = model.remarks(found, [DocumentIs.REPEATED, DocumentIs.TAKEN], BUYER)

    assert [(control, each.code) for control, each in said] == [
        ("0001", "DOCUMENT-REPEATED"), ("0002", "DOCUMENT-NOT-AGREED")
    ]  # fmt: skip
    answer = one(x12(1, said_997(1), functional="FA"))
    assert model.remarks(answer, [DocumentIs.TAKEN], BUYER) == []


def test_counts_are_of_each_kind_of_document() -> None:
    found = one(x12(12, order("a", "0001"), order("b", "0002")))

    assert (found.counts, found.number) == ({"850": 2}, 12)
