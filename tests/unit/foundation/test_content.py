"""What makes two facts say the same, and two states different."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import ClassVar

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from crossdock.canonical.envelope import Fact, Payload
from crossdock.canonical.orders import DemandLine, OrderChanged
from crossdock.canonical.quantities import Quantity
from crossdock.foundation.content import content_hash, digest
from tests.conftest import NOON


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    item: str
    lot: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterLine(Line):
    grade: str | None = None
    parts: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    TYPE: ClassVar[str] = "tests.told.v1"

    key: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LaterTold(Told):
    route: str = "road"


quantities = st.integers(-3, 3).map(Quantity.of)
lines = st.builds(
    DemandLine,
    demand_ref=st.sampled_from(["", "O/1", "O/2"]),
    item=st.sampled_from(["X", "Y"]),
    location=st.just("DC1"),
    ordered=quantities,
    cancelled=quantities,
    base_ordered=st.none() | quantities,
)
orders = st.builds(
    OrderChanged,
    order_id=st.sampled_from(["", "O"]),
    lines=st.lists(lines, max_size=2).map(tuple),
    customer_po=st.sampled_from(["", "PO"]),
    channel=st.sampled_from(["", "PO"]),
)


def hashed(payload: Payload) -> bytes:
    fact = Fact(identity="1", payload=payload, occurred_at=NOON)
    return content_hash(fact, payload)


def test_a_field_that_a_later_release_adds_changes_nothing_at_its_default() -> None:
    before = Told(key="K", lines=(Line(item="A"), Line(item="B", lot="L1")))
    after = LaterTold(key="K", lines=(LaterLine(item="A"), LaterLine(item="B", lot="L1")))

    assert hashed(before) == hashed(after)
    assert digest(before) == digest(after)


@pytest.mark.parametrize(
    "other",
    [
        LaterTold(key="K", lines=(LaterLine(item="A"),), route=""),
        LaterTold(key="K", lines=(LaterLine(item="A", grade=""),)),
        LaterTold(key="K", lines=(LaterLine(item="A", parts=(Line(item=""),)),)),
        LaterTold(key="K", lines=(LaterLine(item="A"), LaterLine(item="A"))),
        LaterTold(key="K"),
    ],
)
def test_whatever_is_not_at_its_default_is_told_apart(other: LaterTold) -> None:
    before = LaterTold(key="K", lines=(LaterLine(item="A"),))

    assert hashed(before) != hashed(other)
    assert digest(before) != digest(other)


@given(one=orders, other=orders)
def test_orders_have_one_digest_only_if_they_are_the_same(
    one: OrderChanged, other: OrderChanged
) -> None:
    assert (digest(one) == digest(other)) == (one == other)


@given(orders)
def test_the_same_said_at_another_time_or_as_another_version_is_other_content(
    order: OrderChanged,
) -> None:
    fact = Fact(identity="1", payload=order, occurred_at=NOON, version=1)
    later = replace(fact, occurred_at=NOON + timedelta(microseconds=1))
    newer = replace(fact, version=2)

    assert len({content_hash(each, order) for each in (fact, later, newer)}) == 3


@given(orders, orders)
def test_a_repeat_is_judged_by_what_was_said(said: OrderChanged, resolved: OrderChanged) -> None:
    assume(said != resolved)
    fact = Fact(identity="1", payload=resolved, occurred_at=NOON)

    assert content_hash(fact, said) == content_hash(replace(fact, payload=said), said)
