"""Tryton's JSON, there and back, and what it must not swallow."""

import json
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.applications.tryton.wire import DIGITS_EXACT_MAX, Measure, decoded, encoded
from crossdock.canonical.errors import Invalid

leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.datetimes(timezones=st.just(UTC))
    | st.dates()
    | st.times()
    | st.integers(-(10**9), 10**9).map(lambda seconds: timedelta(seconds=seconds))
    | st.binary()
)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text().filter(lambda key: key != "__class__"), inner)
    ),
    max_leaves=20,
)


@given(values)
def test_every_value_comes_back_as_it_was(value: object) -> None:
    assert decoded(encoded(value)) == value


@given(st.binary())
def test_bytes_that_are_no_json_are_invalid(body: bytes) -> None:
    try:
        decoded(body)
    except Invalid:
        return
    json.loads(body)


@given(
    st.sampled_from(["Decimal", "datetime", "date", "time", "timedelta", "bytes", "other"]),
    st.dictionaries(
        st.sampled_from(["decimal", "year", "month", "day", "hour", "seconds", "base64"]),
        st.none() | st.integers() | st.text() | st.lists(st.integers()),
    ),
)
def test_malformed_tags_are_invalid_and_never_thrown(tag: str, parts: dict[str, object]) -> None:
    with suppress(Invalid):
        decoded(json.dumps({"__class__": tag, **parts}).encode())


def test_what_tryton_sends_is_read_exactly() -> None:
    assert decoded(b'{"__class__":"Decimal","decimal":"0.10"}') == Decimal("0.10")
    assert decoded(b"0.1") == Decimal("0.1")
    assert decoded(b'{"__class__":"date","year":2026,"month":5,"day":4}') == date(2026, 5, 4)
    body = encoded(datetime(2026, 5, 4, 12, 0, 0, 7, UTC))
    assert json.loads(body)["microsecond"] == 7
    assert decoded(encoded(time(1, 2, 3))) == time(1, 2, 3)


def test_not_a_number_is_no_amount() -> None:
    for body in (b"NaN", b"-Infinity", b'{"__class__":"Decimal","decimal":"NaN"}'):
        with pytest.raises(Invalid):
            decoded(body)


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_a_measure_survives_the_float_on_the_other_side(value: Decimal) -> None:
    assert decoded(encoded(Measure(value))) == value


def test_a_measure_with_too_many_digits_is_refused() -> None:
    with pytest.raises(Invalid):
        Measure(Decimal("1." + "1" * DIGITS_EXACT_MAX))


def test_a_measure_larger_than_any_float_is_refused() -> None:
    with pytest.raises(Invalid, match="no amount"):
        encoded(Measure(Decimal("1E+400")))


def test_what_has_no_form_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError):
        encoded(object())
