"""A value of another type than its event declares is found, wherever it lies, and nothing else."""

import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.canonical.catalog import (
    ItemChanged,
    ItemStatus,
    ItemUnit,
    LocationChanged,
    LotChanged,
)
from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.events import EVENTS
from crossdock.canonical.inventory import MovementType, Place, StockMoved
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.connectivity.sdk.contract import breach_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
# The first and the last time that can be written, where it is another year in UTC.
BEFORE_ALL = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
AFTER_ALL = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-5)))
LEAVES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=5),
    int: st.integers(-(2**63), 2**63 - 1),
    bool: st.booleans(),
    Decimal: st.decimals(-(10**11), 10**11, places=6),
    datetime: st.datetimes(timezones=st.just(UTC)),
    date: st.dates(),
    type(None): st.none(),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Make values of a type by reading its declaration, apart from how the code reads it."""
    if hint in LEAVES:
        return LEAVES[hint]
    parts = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return st.one_of([values(one) for one in parts])
    if typing.get_origin(hint) is tuple:
        return st.lists(values(parts[0]), max_size=2).map(tuple)
    if issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    hints = typing.get_type_hints(hint)
    return st.builds(hint, **{member.name: values(hints[member.name]) for member in fields(hint)})


facts = st.builds(
    Fact,
    identity=st.text(max_size=5),
    payload=st.sampled_from(sorted(EVENTS)).flatmap(lambda name: values(EVENTS[name])),
    occurred_at=LEAVES[datetime],
    sequence=st.none() | LEAVES[int],
)


def places(value: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Name every place of a value, with what puts something else into it."""
    if is_dataclass(value) and not isinstance(value, type):
        for member in fields(value):
            inner = getattr(value, member.name)
            for where, put in [("", _itself), *places(inner)]:
                yield f"/{member.name}{where}", _replacing(value, member.name, put)
    elif isinstance(value, tuple):
        parts: tuple[Any, ...] = value
        for number, inner in enumerate(parts):
            for where, put in [("", _itself), *places(inner)]:
                yield f"/{number}{where}", _replacing_one(parts, number, put)


def _itself(value: Any) -> Any:
    return value


def _replacing(value: Any, name: str, put: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda new: replace(value, **{name: put(new)})


def _replacing_one(
    parts: tuple[Any, ...], number: int, put: Callable[[Any], Any]
) -> Callable[[Any], Any]:
    return lambda new: (*parts[:number], put(new), *parts[number + 1 :])


@given(facts)
def test_what_is_of_its_types_fits_and_comes_back_from_json_as_it_was(fact: Fact) -> None:
    assert breach_of(fact) is None
    assert msgspec.json.decode(msgspec.json.encode(fact.payload), type=type(fact.payload)) == (
        fact.payload
    )


@given(facts, st.sampled_from([1.5, b"x", [], {}, object()]), st.data())
def test_what_is_of_no_type_of_ours_is_found_in_every_place(
    fact: Fact, strange: object, data: st.DataObject
) -> None:
    where, put = data.draw(st.sampled_from(list(places(fact))))

    breach = breach_of(put(strange))

    assert breach
    assert breach.where == where


def item(**said: Any) -> ItemChanged:
    return ItemChanged(**{"sku": "A", **said})


def moved(**said: Any) -> StockMoved:
    usual: dict[str, Any] = {
        "movement_id": "M1",
        "item": "A",
        "quantity": Quantity.of(4),
        "type": MovementType.PICK,
        "source_place": Place(location="DC1"),
    }
    return StockMoved(**{**usual, **said})


def ordered(**said: Any) -> OrderChanged:
    usual: dict[str, Any] = {
        "demand_ref": "SO-1/1",
        "item": "A",
        "location": "DC1",
        "ordered": Quantity.of(4),
        "cancelled": Quantity.of(0),
    }
    return OrderChanged(order_id="SO-1", lines=(DemandLine(**{**usual, **said}),))


def untyped(value: Any) -> Any:
    return value


@pytest.mark.parametrize(
    ("payload", "where", "says"),
    [
        (item(description=None), "/description", "is nothing where a text belongs"),
        (item(description=5), "/description", "is a whole number where a text belongs"),
        (item(sku=7), "/sku", "is a whole number where a text belongs"),
        (item(status="ACTIVE"), "/status", "is a text where ItemStatus belongs"),
        (item(units=[]), "/units", "is list where a sequence belongs"),
        (item(units=("CS",)), "/units/0", "is a text where ItemUnit belongs"),
        (LocationChanged(code="A", is_active=untyped(None)), "/is_active", "is nothing where"),
        (LocationChanged(code="A", is_active=untyped(1)), "/is_active", "true or false belongs"),
        (LocationChanged(code="A", members=untyped("DC1")), "/members", "a sequence belongs"),
        (OrderChanged(order_id="1", lines=(), customer_po=untyped(5)), "/customer_po", "a text"),
        (moved(quantity=4), "/quantity", "is a whole number where Quantity belongs"),
        (moved(quantity=Quantity(untyped(4))), "/quantity/value", "an exact amount belongs"),
        (moved(quantity=Quantity(untyped(0.1))), "/quantity/value", "is a binary fraction where"),
        (moved(quantity=Quantity(Decimal("NaN"))), "/quantity/value", "outside ±10^12"),
        (moved(quantity=Quantity(Decimal("-Infinity"))), "/quantity/value", "outside ±10^12"),
        (moved(quantity=Quantity(Decimal(10**12))), "/quantity/value", "outside ±10^12"),
        (moved(quantity=Quantity(Decimal("1E-7"))), "/quantity/value", "six decimals"),
        (moved(source_place="DC1"), "/source_place", "is a text where Place or nothing belongs"),
        (moved(source_place=Place(location=untyped(1))), "/source_place/location", "a text"),
        (ordered(item=None), "/lines/0/item", "is nothing where a text belongs"),
        (ordered(requested_ship_date=NOON), "/lines/0/requested_ship_date", "is a time where"),
        (LotChanged(item="A", lot="L", expires_on=untyped("2026-05-04")), "/expires_on", "a text"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_what_belongs_there(
    payload: Payload, where: str, says: str
) -> None:
    breach = breach_of(Fact(identity="x", payload=payload, occurred_at=NOON))

    assert breach
    assert breach.where == f"/payload{where}"
    assert says in breach.reason


@pytest.mark.parametrize(
    ("envelope", "says"),
    [
        ({"identity": None}, "is nothing where a text belongs"),
        ({"identity": 77}, "is a whole number where a text belongs"),
        ({"native_ref": 77}, "is a whole number where a text belongs"),
        ({"occurred_at": "2026-05-04T12:00:00Z"}, "is a text where a time belongs"),
        ({"occurred_at": NOON.replace(tzinfo=None)}, "a time without its offset from UTC"),
        ({"occurred_at": BEFORE_ALL}, "is a time outside the years 1 to 9999 of UTC"),
        ({"recorded_at": AFTER_ALL}, "is a time outside the years 1 to 9999 of UTC"),
        ({"recorded_at": NOON.date()}, "is a day where a time or nothing belongs"),
        ({"sequence": "8"}, "is a text where a whole number or nothing belongs"),
        ({"sequence": True}, "is true or false where a whole number or nothing belongs"),
        ({"version": 1.0}, "is a binary fraction where a whole number or nothing belongs"),
        ({"replay": 0}, "is a whole number where true or false belongs"),
    ],
)
def test_the_envelope_is_judged_too(envelope: dict[str, Any], says: str) -> None:
    fact = replace(Fact(identity="x", payload=moved(), occurred_at=NOON), **envelope)

    breach = breach_of(fact)

    assert breach
    assert breach.where == f"/{next(iter(envelope))}"
    assert says in breach.reason


def test_a_time_of_any_offset_fits_as_long_as_it_is_one_in_utc() -> None:
    east, west = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
    first, last = BEFORE_ALL.replace(tzinfo=west), AFTER_ALL.replace(tzinfo=east)
    for moment in (NOON.astimezone(east), first, last):
        assert breach_of(Fact(identity="x", payload=moved(), occurred_at=moment)) is None


@pytest.mark.parametrize("payload", [None, {}, "catalog.item_changed.v1", Quantity.of(1)])
def test_what_is_no_event_at_all_is_found(payload: Any) -> None:
    breach = breach_of(Fact(identity="x", payload=payload, occurred_at=NOON))

    assert breach
    assert breach.where == "/payload"
    assert breach.reason.endswith("and no event that this version knows")


class Name(str):
    __slots__ = ()


class Amount(Decimal):
    pass


class Moment(datetime):
    pass


@pytest.mark.parametrize(
    ("wrong", "where", "says"),
    [
        ({"identity": Name("x")}, "/identity", "is Name where a text belongs"),
        ({"occurred_at": Moment(2026, 5, 4, tzinfo=UTC)}, "/occurred_at", "is Moment where a"),
        (
            {"payload": moved(quantity=Quantity(Amount(4)))},
            "/payload/quantity/value",
            "is Amount where an exact amount belongs",
        ),
    ],
)
def test_a_narrower_kind_that_nobody_can_write_down_is_found(
    wrong: dict[str, Any], where: str, says: str
) -> None:
    fact = replace(Fact(identity="x", payload=moved(), occurred_at=NOON), **wrong)
    with pytest.raises(TypeError):
        msgspec.json.encode(fact)

    breach = breach_of(fact)

    assert breach
    assert breach.where == where
    assert breach.reason.startswith(says)


class Pair(NamedTuple):
    first: ItemUnit
    second: ItemUnit


def test_a_narrower_kind_that_is_written_as_what_belongs_there_will_do() -> None:
    case = ItemUnit(unit="CS", numerator=12)
    wrong = replace(case, unit=untyped(7))
    for fits, payload in (
        (True, item(sku=ItemStatus.ACTIVE)),
        (True, item(units=Pair(case, case))),
        (False, item(units=Pair(case, wrong))),
    ):
        fact = Fact(identity="x", payload=payload, occurred_at=NOON)

        assert msgspec.json.decode(msgspec.json.encode(fact))
        assert (breach_of(fact) is None) == fits, payload
