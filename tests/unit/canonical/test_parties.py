"""Who trades is known by an id, whatever a source calls it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.parties import PartyChanged
from crossdock.canonical.references import Reference, Refers, Resolution


def test_a_party_refers_to_the_one_it_belongs_to() -> None:
    branch = PartyChanged(code="METRO-7", parent=" 17")

    assert isinstance(branch, Refers)
    assert branch.references() == (Reference.party(" 17", may_be_unknown=True),)
    assert branch.resolved(Resolution(parties={" 17": "METRO"})).parent == "METRO"


def test_a_party_that_belongs_to_none_refers_to_none() -> None:
    alone = PartyChanged(code="METRO", parent=" ")

    assert alone.references() == ()
    assert alone.resolved(Resolution()) == PartyChanged(code="METRO")


@pytest.mark.parametrize("parent", ["metro ", "17"])
def test_a_party_that_belongs_to_itself_belongs_to_none(parent: str) -> None:
    top = PartyChanged(code="Metro", parent=parent)

    assert top.resolved(Resolution(parties={"17": "METRO"})).parent == ""


@given(st.text("aB0é ", min_size=1))
def test_whoever_nobody_knows_is_called_by_the_code_made_comparable(code: str) -> None:
    called = Resolution().party(code)

    assert called == Resolution().party(f" {code.lower()}") == Resolution().party(called)
    assert Resolution(parties={code: "P"}).party(code) == "P"
