"""The catalogue's rules, without a database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.catalog import ItemChanged, ItemUnit, LocationChanged
from crossdock.canonical.envelope import Event, Fact
from crossdock.canonical.errors import Invalid
from crossdock.canonical.identifiers import check_digit
from crossdock.canonical.inventory import SourceHeard
from crossdock.capabilities.catalog.model import (
    Finding,
    Heard,
    Qualifier,
    check_members,
    conversions,
    gtins,
    heard,
    micros_of,
    native_names,
    newest,
    normalised,
    own_fact,
    version_of,
)
from tests.conftest import NOON

bodies = st.text("0123456789", min_size=7, max_size=13).filter(
    lambda text: len(text) in {7, 11, 12, 13} and text.strip("0")
)


def event(source: str, version: int, sku: str = "A") -> Event:
    fact = Fact(identity="x", payload=ItemChanged(sku=sku), occurred_at=NOON, version=version)
    return recorded(fact, source)


def recorded(fact: Fact, source: str = "erp") -> Event:
    return Event(
        position=1,
        event_id="e",
        tenant="main",
        source=source,
        received_at=NOON,
        raw_ref=None,
        fact=fact,
    )


@given(st.text())
def test_making_a_code_comparable_twice_changes_nothing_more(code: str) -> None:
    assert normalised(normalised(code)) == normalised(code)


@given(st.text("abcABC019-é "), st.sampled_from(["", " ", "\t"]))
def test_spaces_around_and_case_do_not_count_and_zeros_do(code: str, space: str) -> None:
    assert normalised(space + code.lower() + space) == normalised(code.upper())
    assert normalised("0" + code.strip() + "1") != normalised(code.strip() + "1") or not code


@given(bodies, st.integers(1, 9))
def test_a_right_number_is_taken_and_a_wrong_digit_is_not(body: str, off: int) -> None:
    digit = int(check_digit(body))
    right, _ = gtins(ItemChanged(sku="A", gtin=f"{body}{digit}"))
    wrong, findings = gtins(ItemChanged(sku="A", gtin=f"{body}{(digit + off) % 10}"))

    assert right == [(f"{body}{digit}".zfill(14), "EA")]
    assert wrong == []
    assert [finding.code for finding in findings] == ["MD-GTIN"]


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 5)), max_size=12))
def test_the_newest_version_of_each_source_stands_whatever_the_order(
    said: list[tuple[str, int]],
) -> None:
    facts = [heard(event(source, version)) for source, version in said]

    kept = newest(facts, {})

    best = {source: max(v for s, v in said if s == source) for source, _ in said}
    assert {fact.event.source: fact.version for fact in kept} == best


@given(st.lists(st.integers(0, 9), min_size=1), st.integers(0, 9))
def test_nothing_older_than_what_is_known_is_taken(versions: list[int], known: int) -> None:
    facts = [heard(event("erp", version)) for version in versions]

    kept = newest(facts, {("main", "erp", "item", "A"): known})

    assert [fact.version for fact in kept] == ([max(versions)] if max(versions) >= known else [])


@given(st.integers(-5, 50), st.integers(-5, 50))
def test_a_factor_is_above_zero_or_is_not_taken(numerator: int, denominator: int) -> None:
    unit = ItemUnit(unit="CS", numerator=numerator, denominator=denominator)

    taken, findings = conversions(ItemChanged(sku="A", units=(unit,)), "EA")

    assert bool(taken) == (numerator > 0 and denominator > 0)
    assert bool(findings) != bool(taken)


def test_two_factors_for_one_unit_are_said_to_be_two() -> None:
    units = (ItemUnit(unit="CS", numerator=12), ItemUnit(unit="XCS", numerator=10))

    taken, findings = conversions(ItemChanged(sku="A", units=units), "EA")

    assert [unit.numerator for unit in taken] == [12]
    assert [finding.reason for finding in findings] == ["two factors for one unit"]


def test_the_base_unit_is_one_of_itself() -> None:
    one = ItemUnit(unit="C62", numerator=3, denominator=3)
    two = ItemUnit(unit="EA", numerator=2)

    assert conversions(ItemChanged(sku="A", units=(one,)), "EA") == ([], [])
    assert conversions(ItemChanged(sku="A", units=(two,)), "EA")[1] != []


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_is_counted_in_whole_microseconds(moment: datetime) -> None:
    start = datetime(1970, 1, 1, tzinfo=UTC)
    assert start + timedelta(microseconds=micros_of(moment)) == moment


def test_what_is_said_at_the_hub_is_said_once_in_a_moment() -> None:
    one = own_fact(ItemChanged(sku="a "), NOON)

    assert one == own_fact(ItemChanged(sku="a "), NOON)
    assert one.identity != own_fact(ItemChanged(sku="a ", description="x"), NOON).identity
    assert one.identity != own_fact(LocationChanged(code="a "), NOON).identity
    assert one.identity != own_fact(ItemChanged(sku="a "), NOON + timedelta(seconds=1)).identity


def test_a_thing_without_a_code_names_nothing() -> None:
    with pytest.raises(Invalid):
        heard(event("erp", 1, sku=" "))
    assert isinstance(heard(event("erp", 1)), Heard)


def test_what_is_no_word_of_the_catalogue_is_a_mistake_of_ours() -> None:
    sign_of_life = Fact(identity="x", payload=SourceHeard(source="erp"), occurred_at=NOON)

    with pytest.raises(TypeError, match=r"source_heard\.v1"):
        heard(recorded(sign_of_life))


def test_a_source_without_versions_is_ordered_by_its_clock() -> None:
    said = Fact(identity="x", payload=ItemChanged(sku="A"), occurred_at=NOON)
    written = replace(said, recorded_at=NOON + timedelta(seconds=1))

    assert version_of(recorded(said)) == micros_of(NOON)
    assert version_of(recorded(written)) == micros_of(NOON) + 1_000_000


@given(st.integers(301, 10**6))
def test_a_version_from_a_clock_that_is_ahead_is_overtaken_by_a_true_one(seconds: int) -> None:
    said = Fact(
        identity="x", payload=ItemChanged(sku="A"), occurred_at=NOON + timedelta(seconds=seconds)
    )
    wrong = recorded(said)
    later = NOON + timedelta(seconds=301)
    right = replace(wrong, received_at=later, fact=replace(said, occurred_at=later))

    assert wrong.is_ahead
    assert not right.is_ahead
    assert version_of(wrong) == micros_of(NOON) + 300_000_000
    assert newest([heard(right)], {heard(wrong).source_key: heard(wrong).version})


def test_a_thing_is_known_by_its_code_and_by_its_own_key() -> None:
    said = Fact(identity="x", payload=LocationChanged(code="dc1"), occurred_at=NOON)
    numbered = replace(said, native_ref="gid/7")

    assert native_names(heard(recorded(said))) == [("dc1", Qualifier.CODE)]
    assert native_names(heard(recorded(numbered))) == [
        ("dc1", Qualifier.CODE),
        ("gid/7", Qualifier.ID),
    ]
    assert heard(recorded(said)).hub_key == ("main", "DC1")


@given(st.integers(1, 50))
def test_stock_counted_in_one_unit_never_comes_to_be_counted_in_another(factor: int) -> None:
    item = ItemChanged(sku="A", base_unit="KGM", units=(ItemUnit(unit="CS", numerator=factor),))

    taken, findings = conversions(item, "EA")

    assert taken == []
    assert findings == [Finding("MD-UOM", "KGM", "its base unit is EA and cannot become KGM")]


def test_one_number_never_stands_for_two_packaging_levels() -> None:
    number = "4006381333931"
    case = ItemUnit(unit="CS", numerator=12, gtin=number)

    taken, findings = gtins(ItemChanged(sku="A", gtin=number, units=(case,)))

    assert taken == [(number.zfill(14), "EA")]
    assert [(finding.code, finding.value) for finding in findings] == [("MD-GTIN", number)]
    assert "EA and CS" in findings[0].reason


def test_an_item_without_numbers_has_none() -> None:
    assert gtins(ItemChanged(sku="A", units=(ItemUnit(unit="CS", numerator=12),))) == ([], [])


@pytest.mark.parametrize(
    ("members", "above", "why"),
    [
        (["DC1", "G"], None, "cannot hold itself"),
        (["DC1", "NOPE"], None, "no location is called 'NOPE'"),
        (["WEST"], None, "WEST is a group"),
        (["DC1"], "WEST", "G is a member of WEST"),
    ],
)
def test_a_group_that_holds_what_it_cannot_is_refused(
    members: list[str], above: str | None, why: str
) -> None:
    kinds = {"DC1": "DC", "DC2": "DC", "WEST": "GROUP", "G": "GROUP"}
    check_members("G", ["DC1", "DC2"], kinds, None)

    with pytest.raises(Invalid, match=why) as refused:
        check_members("G", members, kinds, above)
    assert refused.value.where == "members"
