"""A field of a record is read exactly, or refused with the place where it stands."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.errors import Invalid
from crossdock.connectivity.sdk.records import (
    KEY_CHARACTERS_MAX,
    SEQUENCE_MAX,
    Record,
    exact_json,
    json_bytes,
    json_list,
    json_object,
    pointer,
)

anything = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=40) | st.lists(st.integers())
    | st.decimals(allow_nan=True, allow_infinity=True)
)  # fmt: skip


def of(value: Any) -> Record:
    return Record(fields={"N": value}, names={"number": "N"})


def reason(problem: pytest.ExceptionInfo[Invalid]) -> tuple[str, str]:
    return problem.value.where, problem.value.message


@pytest.mark.parametrize("silent", [{}, {"N": None}, {"N": ""}])
def test_what_a_record_does_not_say_the_envelope_around_it_says(silent: dict[str, Any]) -> None:
    names = {"number": "N"}

    assert Record(fields=silent, names=names).value("number") is None
    assert Record(fields=silent, defaults={"N": "7"}, names=names).value("number") == "7"
    assert Record(fields=silent, defaults={"N": ""}, names=names).value("number") is None


def test_a_name_is_pointed_at_whatever_it_holds() -> None:
    assert pointer("/lines/1", "a/b~c") == "/lines/1/a~1b~0c"
    assert of(1).where("number") == "/N"
    assert of(1).where("other") == "/other"
    assert Record(fields={}, at="line 7, column {}".format).where("x") == "line 7, column x"


@pytest.mark.parametrize(
    ("value", "text"),
    [("  a b ", "a b"), (7, "7"), (-SEQUENCE_MAX, str(-SEQUENCE_MAX)), (" ", "usual"),
     (None, "usual"), ("x" * KEY_CHARACTERS_MAX, "x" * KEY_CHARACTERS_MAX)],
)  # fmt: skip
def test_a_text_is_taken_without_what_stands_around_it(value: Any, text: str) -> None:
    assert of(value).text("number", "usual") == text


@pytest.mark.parametrize(
    ("value", "says"),
    [(True, "not a text"), (Decimal(1), "not a text"), ([], "not a text"),
     (SEQUENCE_MAX + 1, "too long"), ("a\0", "cannot be stored"), ("\ud800", "cannot be stored"),
     ("x" * (KEY_CHARACTERS_MAX + 1), "longer than 200")],
)  # fmt: skip
def test_what_is_no_text_is_refused(value: Any, says: str) -> None:
    with pytest.raises(Invalid) as problem:
        of(value).text("number")

    where, message = reason(problem)
    assert (where, says in message) == ("/N", True)


def test_a_key_must_be_there() -> None:
    assert of("A").key("number") == "A"
    with pytest.raises(Invalid, match="'N' is missing"):
        of(" ").key("number")


@pytest.mark.parametrize(
    ("value", "amount"), [("4", 4), (4, 4), (" 4.5 ", Decimal("4.5")), (Decimal(-1), -1)]
)
def test_an_amount_is_exact(value: Any, amount: Any) -> None:
    assert of(value).decimal("number") == amount


@pytest.mark.parametrize(
    ("value", "says"),
    [(True, "not an exact amount"), (1.5, "not an exact amount"), ("four", "not a number"),
     (None, "missing"), ("1e13", "outside")],
)  # fmt: skip
def test_what_is_no_amount_is_refused(value: Any, says: str) -> None:
    with pytest.raises(Invalid) as problem:
        of(value).decimal("number")

    assert reason(problem)[0] == "/N"
    assert says in reason(problem)[1]


@pytest.mark.parametrize(
    ("value", "number"),
    [(None, None), (0, 0), (" 7 ", 7), ("007", 7), (SEQUENCE_MAX, SEQUENCE_MAX)],
)
def test_a_whole_number_counts_from_zero(value: Any, number: int | None) -> None:
    assert of(value).integer("number") == number


@pytest.mark.parametrize(
    ("value", "says"),
    [("x", "not a whole number"), ("-1", "not a whole number"), (True, "not a whole number"),
     (Decimal(1), "not a whole number"), ("\u0661", "not a whole number"), (-1, "outside"),
     (SEQUENCE_MAX + 1, "outside"), ("9" * 19, "outside"), ("9" * 400, "outside")],
)  # fmt: skip
def test_what_is_no_whole_number_is_refused(value: Any, says: str) -> None:
    with pytest.raises(Invalid) as problem:
        of(value).integer("number")

    assert says in reason(problem)[1]


@pytest.mark.parametrize(
    ("value", "flag"),
    [("true", True), ("Y", True), (1, True), ("yes", True), ("False", False), ("n", False),
     (0, False), ("NO", False), (True, True), (False, False)],
)  # fmt: skip
def test_yes_and_no_are_read_in_the_usual_ways(value: Any, *, flag: bool) -> None:
    assert of(value).flag("number", default=not flag) is flag


@pytest.mark.parametrize("value", ["perhaps", 2, [], Decimal(1)])
def test_what_is_neither_yes_nor_no_is_refused(value: Any) -> None:
    assert of(None).flag("number", default=True)
    with pytest.raises(Invalid, match="neither true nor false"):
        of(value).flag("number")


@pytest.mark.parametrize(
    ("text", "zone", "hour"),
    [("2026-03-02T08:00Z", "", 8), ("2026-03-02T08:00+02:00", "Europe/Berlin", 6),
     ("2026-03-02 08:00", "Europe/Berlin", 7), ("2026-07-02T08:00:00.5", "Europe/Berlin", 6)],
)  # fmt: skip
def test_a_time_counts_by_its_offset_or_by_the_records_zone(
    text: str, zone: str, hour: int
) -> None:
    moment = Record(fields={"at": text}, zone=zone).instant("at")

    assert (moment.hour, moment.utcoffset()) == (hour, timedelta())


@pytest.mark.parametrize(
    ("text", "says"),
    [("yesterday", "not a time"), ("2026-03-02", "not a time"), ("2026-03-02T08", "not a time"),
     ("0001-01-01T00:00+14:00", "not a time"), ("2026-03-02T08:00", "no offset"),
     (None, "'at' is missing"), ("x" * 100, "…")],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str | None, says: str) -> None:
    with pytest.raises(Invalid) as problem:
        Record(fields={"at": text}).instant("at")

    assert says in reason(problem)[1]
    assert Record(fields={}).instant_or_none("at") is None


@given(
    st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)),  # noqa: DTZ001  # the offset is drawn apart
    st.integers(-14 * 60, 14 * 60),
)
def test_a_moment_is_the_same_in_any_offset(naive: datetime, minutes: int) -> None:
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))

    assert Record(fields={"at": moment.isoformat()}).instant("at") == moment


@given(anything)
def test_any_value_is_read_or_refused_with_its_place(value: Any) -> None:
    record = of(value)
    for read in (record.text, record.key, record.decimal, record.integer, record.flag,
                 record.instant, record.instant_or_none):  # fmt: skip
        refused = refusal_of(read)
        assert refused is None or (refused.where == "/N" and len(refused.message) < 250)


def refusal_of(read: Callable[[str], object]) -> Invalid | None:
    try:
        read("number")
    except Invalid as problem:
        return problem
    return None


def test_a_record_that_is_refused_is_kept_with_the_reason() -> None:
    record = Record(fields={}, raw=b"raw")
    own = record.refused(Invalid("no unit", where="/unit", code="MD-UOM"))
    plain = record.refused(Invalid("nothing"))

    assert (own.code, own.where, own.reason, own.record) == ("MD-UOM", "/unit", "no unit", b"raw")
    assert (plain.code, plain.where) == ("EVT-SCHEMA", "/")


@pytest.mark.parametrize(
    ("text", "says"),
    [("{", "line 1, column 2"), ('{"a": NaN}', "not a number"), ("[" * 100_000, "not JSON"),
     (b"\xff\xff", "not JSON"), ('{"a": 1e9999999999999999999}', "not JSON")],
)  # fmt: skip
def test_what_is_not_json_is_refused(text: bytes | str, says: str) -> None:
    with pytest.raises(Invalid) as problem:
        exact_json(text)

    assert says in f"{problem.value.where} {problem.value.message}"


def test_json_is_read_without_a_float_and_written_as_it_was_read() -> None:
    read = exact_json('{"a": 0.1000000000000000055, "b": [1, null]}')

    assert read == {"a": Decimal("0.1000000000000000055"), "b": [1, None]}
    assert json.loads(json_bytes(read)) == {"a": "0.1000000000000000055", "b": [1, None]}


def test_objects_and_arrays_are_told_apart() -> None:
    assert json_object({"a": 1}) == {"a": 1}
    assert json_list([1]) == [1]
    with pytest.raises(Invalid, match="not a JSON object") as problem:
        json_object([1], "/lines")
    assert problem.value.where == "/lines"
    with pytest.raises(Invalid, match="not a JSON array"):
        json_list({"a": 1})


def test_a_long_value_is_quoted_in_part_and_a_large_number_not_at_all() -> None:
    with pytest.raises(Invalid) as long:
        of("x" * 1000).flag("number")
    with pytest.raises(Invalid) as large:
        of(SEQUENCE_MAX + 1).flag("number")

    assert len(long.value.message) < 120
    assert large.value.message.startswith("The number is neither")
    assert of("2026-03-02T08:00Z").instant("number").tzinfo is UTC
