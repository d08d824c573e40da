"""Check digits are checked, GTINs have fourteen digits, keys follow their source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.canonical.identifiers import (
    KeyRule,
    check_digit,
    gln,
    gtin,
    is_variable_measure,
    joined,
    sscc,
)

DIGITS = st.text("0123456789", min_size=1, max_size=30)


def oracle(body: str) -> str:
    """Find the digit by trying: the weighted sum of the whole number ends in zero."""
    for digit in "0123456789":
        whole = [int(character) for character in reversed(body + digit)]
        weights = [1 if place % 2 == 0 else 3 for place in range(len(whole))]
        if sum(a * b for a, b in zip(whole, weights, strict=True)) % 10 == 0:
            return digit
    raise AssertionError


# Published by GS1 and script-checked in the domain's specification.
@pytest.mark.parametrize(
    ("body", "digit"),
    [("0950110153000", "3"), ("37613032110910342", "0"), ("15703538141037517", "7")],
)
def test_published_check_digits(body: str, digit: str) -> None:
    assert check_digit(body) == digit


@given(DIGITS)
def test_the_check_digit_makes_the_weighted_sum_a_multiple_of_ten(body: str) -> None:
    assert check_digit(body) == oracle(body)


@given(DIGITS, st.data())
def test_one_wrong_digit_is_always_noticed(body: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(body) - 1))
    wrong = data.draw(st.sampled_from([one for one in "0123456789" if one != body[place]]))
    assert check_digit(body) != check_digit(body[:place] + wrong + body[place + 1 :])


@pytest.mark.parametrize("body", ["", " ", "12a", "1 2", "\u0661", "\u00b2", "-1", "1.5"])
def test_only_digits_have_a_check_digit(body: str) -> None:
    with pytest.raises(Invalid):
        check_digit(body)


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("09501101530003", "09501101530003"),
        (" 9501101530003\t", "09501101530003"),
        ("614141999996", "00614141999996"),
        ("96385074", "00000096385074"),
    ],
)
def test_a_gtin_is_stored_with_fourteen_digits(written: str, stored: str) -> None:
    assert gtin(written) == stored
    assert gtin(stored) == stored


@given(st.sampled_from([7, 11, 12, 13]), st.data())
def test_every_rightly_built_gtin_is_accepted(length: int, data: st.DataObject) -> None:
    body = data.draw(st.text("0123456789", min_size=length, max_size=length))
    whole = body + oracle(body)
    if not whole.strip("0"):
        return
    assert gtin(whole) == whole.zfill(14)


@pytest.mark.parametrize(
    "hostile",
    [
        "", "0", "00000000", "00000000000000", "9501101530004", "950110153000", "123456789",
        "95011015300030", "9501101530003 x", "9 501101 530003", "9501101-530003",
        "\u0669501101530003",
        "09501101530003\0", "9.50110153E12", "9" * 10_000, "'9501101530003",
    ],
)  # fmt: skip
def test_what_is_no_gtin_is_refused(hostile: str) -> None:
    with pytest.raises(Invalid) as caught:
        gtin(hostile)
    assert caught.value.code == "MD-GTIN"
    assert len(caught.value.message) < 200


def test_indicator_nine_means_the_quantity_is_on_the_label() -> None:
    body = "9950110153000"
    assert is_variable_measure(gtin(body + oracle(body)))
    assert not is_variable_measure("09501101530003")
    assert not is_variable_measure("9501101530003")


def test_places_and_pallets_have_numbers_of_their_own_length() -> None:
    assert gln("9501101530003") == "9501101530003"
    assert sscc("376130321109103420") == "376130321109103420"
    assert sscc("157035381410375177") == "157035381410375177"
    for wrong in ("96385074", "9501101530004", "376130321109103420"):
        with pytest.raises(Invalid, match="GLN"):
            gln(wrong)
    for wrong in ("9501101530003", "376130321109103421"):
        with pytest.raises(Invalid, match="SSCC"):
            sscc(wrong)


@pytest.mark.parametrize(
    ("rule", "one", "other"),
    [
        (KeyRule(), " ab-1\t", "AB-1"),
        (KeyRule(), "caf\u00e9", "CAFE\u0301"),
        (KeyRule(), "stra\u00dfe", "STRASSE"),
        (KeyRule(drops_leading_zeros=True), "000000000000004711", "4711"),
        (KeyRule(drops_leading_zeros=True), "000", "0"),
    ],
)
def test_two_spellings_of_one_key_compare_alike(rule: KeyRule, one: str, other: str) -> None:
    assert rule.comparable(one) == rule.comparable(other)


@pytest.mark.parametrize(
    ("rule", "one", "other"),
    [
        (KeyRule(), "0042", "42"),
        (KeyRule(folds_case=False), "ab", "AB"),
        (KeyRule(drops_leading_zeros=True), "00A1", "A1"),
        (KeyRule(drops_leading_zeros=True), "\u0660\u0661", "\u0661"),
        (KeyRule(), "A 1", "A1"),
    ],
)
def test_two_keys_stay_two_keys(rule: KeyRule, one: str, other: str) -> None:
    assert rule.comparable(one) != rule.comparable(other)


@given(st.text(), st.booleans(), st.booleans())
def test_comparing_twice_changes_nothing(
    key: str,
    folds_case: bool,  # noqa: FBT001 - drawn
    drops_leading_zeros: bool,  # noqa: FBT001 - drawn
) -> None:
    rule = KeyRule(folds_case, drops_leading_zeros)
    once = rule.comparable(key)
    assert rule.comparable(once) == once
    assert once == once.strip()


@given(one=st.lists(st.text(":\\aB", max_size=4)), other=st.lists(st.text(":\\aB", max_size=4)))
def test_other_names_are_never_joined_to_the_same(one: list[str], other: list[str]) -> None:
    assert (joined("x", *one) == joined("x", *other)) == (one == other)


def test_names_are_joined_by_colons() -> None:
    assert joined("atp_rule", "BOLT", "DC1", "3") == "atp_rule:BOLT:DC1:3"
    assert joined("A:B", "C") != joined("A", "B:C")
