"""A masked document tells nobody whose it is, and is as right or wrong as it was."""

import json

from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.identifiers import check_digit, is_gtin, is_sscc
from crossdock.connectivity.edi import standards
from crossdock.connectivity.edi.documents import Document, as_json, segments_of
from crossdock.connectivity.edi.masking import Mask, masked
from tests.unit.connectivity.edi.edifact import interchanges as edifact
from tests.unit.connectivity.edi.x12 import interchanges as x12

MASK = Mask(b"of these tests")


def read(text: str) -> Document:
    [document] = standards.documents([text.encode()])
    return document


def found(text: str) -> list[str]:
    return [one.code for _, findings in standards.checked([text.encode()]) for one in findings]


def through(text: str) -> str:
    document = read(text)
    hidden = masked(document, standards.known_of(document), MASK)
    return b"".join(standards.composed([hidden])).decode()


@given(st.text(max_size=30))
def test_a_text_keeps_its_length_and_its_form(text: str) -> None:
    hidden = MASK.text(text)

    assert len(hidden) == len(text)
    assert [one.isascii() and one.isdigit() for one in hidden] == [
        one.isascii() and one.isdigit() for one in text
    ]
    assert MASK.text(text) == hidden


@given(st.integers(1, 10**13 - 1), st.integers(0, 10**17 - 1))
def test_numbers_with_check_digits_stay_right(item: int, unit: int) -> None:
    gtin, sscc = f"{item:013}", f"{unit:017}"

    assert is_gtin(MASK.text(gtin + check_digit(gtin)))
    assert is_sscc(MASK.text(sscc + check_digit(sscc)))


def test_nobody_is_recognised_and_what_is_checked_stays_right() -> None:
    for text in (
        x12.interchange(),
        x12.interchange(x12.NOTICE, set_id="856", group="SH"),
        edifact.interchange(),
        edifact.interchange(edifact.message(edifact.NOTICE, "DESADV")),
    ):
        hidden = through(text)
        assert found(hidden) == found(text) == []
        for secret in ("BUYER", "SELLER", "4711", "BOLT", "9.25", "DOCK ROAD", "4006381333931"):
            assert secret not in hidden
        for kept in ("12", "HL*2*1*O" if "HL*" in text else "12"):
            assert kept in hidden


def test_a_reference_is_masked_the_same_in_every_document() -> None:
    order, notice = read(x12.interchange()), read(x12.interchange(x12.NOTICE, set_id="856"))

    [beg, *_] = segments_of(masked(order, standards.known_of(order), MASK).parts)
    prf = next(
        one
        for one in segments_of(masked(notice, standards.known_of(notice), MASK).parts)
        if one[0] == "PRF"
    )

    assert beg[3] == prf[1] != "4711"


def test_what_no_table_knows_is_masked_whole() -> None:
    document = read(x12.interchange(("XYZ*ANN LEE*A>B*1",), set_id="999"))

    said = json.dumps(as_json(masked(document, None, MASK)))

    assert "ANN LEE" not in said
    assert '["XYZ"' in said


def test_repetitions_are_masked_one_by_one() -> None:
    text = x12.interchange(("MTX*GEN*SECRET^SECRET",)).replace("*U*00401*", "*^*00501*")

    assert "SECRET" not in through(text)


def test_another_key_masks_otherwise() -> None:
    assert Mask(b"a").text("BOLT-8-HEX") != Mask(b"b").text("BOLT-8-HEX")


def test_letters_outside_of_ascii_are_hidden_too() -> None:
    assert "Ü" not in MASK.text("MÜLLER")
