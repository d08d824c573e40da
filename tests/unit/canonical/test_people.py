"""Two people or one: names decide, however they are spelled."""

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.people import by_key, folded, may_be_same

NAMED = st.text("aBz\u00c4\u00e9\u00df\u00f1\u0141\u00f8\u4e2d", min_size=1, max_size=12)
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: list[Form] = ["NFC", "NFD", "NFKC", "NFKD"]


@given(st.text(max_size=20))
def test_folding_a_name_again_changes_nothing(name: str) -> None:
    assert folded(folded(name)) == folded(name)


@given(NAMED, st.sampled_from(FORMS), st.sampled_from(["", " ", "\t "]))
def test_case_form_and_blanks_tell_no_people_apart(name: str, form: Form, blank: str) -> None:
    assert may_be_same(blank + unicodedata.normalize(form, name.swapcase()) + blank, name)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("ann", "ANN ", True),
        ("ann", "anne", False),
        ("JOS\u00c9", "jose\u0301", True),
        ("Ann  Lee", "ann lee", True),
        ("key ann", "Ann", True),
        ("bob (key ann)", "ann", True),
        ("bob (key desk)", "Bob", True),
        ("bob (key desk)", "ann", False),
        ("key desk", "key desk", True),
        ("", "", False),
        ("key ", "", False),
        ("ann", "", False),
    ],
)
def test_a_key_is_whoever_it_is_named_after(one: str, other: str, is_same: bool) -> None:  # noqa: FBT001 - a column of the table
    assert may_be_same(one, other) is is_same
    assert may_be_same(other, one) is is_same


def test_who_acts_by_a_key_is_named_with_it() -> None:
    assert by_key("desk") == "key desk"
    assert by_key("desk", "  Ann  Lee ") == "Ann Lee (key desk)"
